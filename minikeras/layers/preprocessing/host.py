"""Layers that take raw data: lists and strings beside tensors of numbers.

What computes in main memory, on strings or by looking things up, is not made of ops: a program runs
it again in each step, with what the layer has learned by then.
"""

from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.layers.base.layer import Layer
from minikeras.layers.preprocessing.adapting import host_array_of, is_array


class _FeatureLayer(Layer):
    """The base of layers that take numbers, strings and nested lists of them as they are."""

    _allows_options_by_position = True

    def __call__(self, inputs, *args, **kwargs):
        """Run the layer on a tensor, an array, or nested lists of numbers or strings."""
        return super().__call__(self._as_tensors(inputs), *args, **kwargs)

    def _as_tensors(self, inputs):
        """The inputs as tensors; layers of several inputs override this."""
        return as_tensor(inputs)


class _HostLayer(_FeatureLayer):
    """The base of layers that compute in main memory; a subclass has `computed(inputs)`."""

    def computed(self, inputs):
        """Return the outputs, a tensor whose shape follows from that of the inputs."""
        raise TypeError(f"{type(self).__name__} must define `computed(self, inputs)`.")

    def call(self, inputs):
        """Compute the outputs in main memory."""
        return _computed(self, inputs)


@replayed
def _computed(layer, inputs):
    return layer.computed(inputs)


def as_tensor(value):
    """Return what a user passes to a layer as a tensor, symbolic ones as they are."""
    if isinstance(value, (Tensor, KerasTensor, Abstract)):
        return value
    return convert_to_tensor(host_array_of(value) if is_array(value) else value)
