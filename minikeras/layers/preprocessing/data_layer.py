"""What layers that prepare data have in common.

They take arrays, numbers and lists, not tensors alone, and say what to do in a TensorFlow graph.
"""

from minikeras.core import trees
from minikeras.layers.base.layer import Layer


class DataLayer(Layer):
    """The base class of layers that prepare data, before a model or as its first layers."""

    _allows_options_by_position = True

    def __call__(self, inputs, *args, **kwargs):
        """Run the layer on tensors, arrays or lists, or add it to a model's graph."""
        for leaf in trees.flatten(inputs):
            if type(leaf).__module__.startswith("tensorflow") and hasattr(leaf, "graph"):
                raise TypeError(
                    f"Layer '{self.name}' computes with arrays and received a tensor of a "
                    f"TensorFlow graph: {leaf}. A `tf.data.Dataset` cannot `map` it. Call it on "
                    "the batches of a data set in a Python loop or a generator, or make it the "
                    "first layer of the model."
                )
        return super().__call__(inputs, *args, **kwargs)
