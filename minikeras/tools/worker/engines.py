"""The Keras that a process runs: what all engines offer, and how a tape differentiates.

Every engine offers the same few things: tensors of arrays and arrays of tensors, the classes whose
calls are watched, and `differentiate`, which gives the derivatives of a loss with respect to
variables and to any tensor on the way to it.
"""

import importlib
import platform
from contextlib import contextmanager

import numpy as np


def leaves(nest):
    """Return the values in a nest of lists, tuples and dicts, in order."""
    if isinstance(nest, dict):
        return [leaf for key in sorted(nest, key=str) for leaf in leaves(nest[key])]
    if isinstance(nest, (list, tuple)):
        return [leaf for item in nest for leaf in leaves(item)]
    return [nest]


def replaced(nest, replace):
    """Return a nest with each value replaced by what a function makes of it, in the same order."""
    if isinstance(nest, dict):
        new = {key: replaced(nest[key], replace) for key in sorted(nest, key=str)}
        return {key: new[key] for key in nest}
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*[replaced(item, replace) for item in nest])
    if isinstance(nest, (list, tuple)):
        return type(nest)([replaced(item, replace) for item in nest])
    return replace(nest)


def _is_idle(layer):
    """Whether all rates of dropout of a layer are 0."""
    names = ("rate", "dropout", "recurrent_dropout", "_dropout")
    rates = [getattr(layer, name) for name in names if hasattr(layer, name)]
    return bool(rates) and not any(rates)


class Engine:
    """One Keras: minikeras, and what real Keras does in the same way.

    Args:
        name: what it was chosen by.
        keras: its module.

    """

    def __init__(self, name, keras):
        self.name = name
        self.keras = keras
        self.package = keras.__name__
        bases = [getattr(keras, "Operation", None), keras.layers.Layer]
        self.bases = [base for base in bases if base is not None]

    def versions(self):
        """Return the versions of what computes, by name."""
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        versions[self.package] = getattr(self.keras, "__version__", None) or self.keras.version()
        return versions

    @contextmanager
    def floats(self, dtype):
        """Let a dtype be that of losses, metrics and whatever else is made in the `with` block."""
        config = self.keras.config
        former = config.floatx(), config.dtype_policy()
        config.set_floatx(dtype)
        config.set_dtype_policy(dtype)  # one that was set stays, whatever floatx is
        try:
            yield
        finally:
            config.set_floatx(former[0])
            config.set_dtype_policy(former[1])

    def trust(self):
        """Let code in files run, as long as this process lives."""
        self.keras.config.enable_unsafe_deserialization()

    def is_container(self, layer):
        """Whether what a layer does is what the layers in it do: models, and layers of users."""
        is_own = type(layer).__module__.partition(".")[0] != self.package
        is_nest = is_own and bool(getattr(layer, "_layers", None))
        return is_nest or isinstance(layer, self.keras.Model)

    def all_layers(self, model):
        """The layers below a model, on all levels."""
        return list(model._flatten_layers(include_self=False))

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return self.keras.ops.is_tensor(value) and not self.is_symbolic(value)

    def is_symbolic(self, value):
        """Whether a value stands for the tensors of a model's graph."""
        return isinstance(value, self.keras.KerasTensor)

    def array(self, tensor):
        """Return a tensor's, or a variable's, numbers."""
        return np.array(self.keras.ops.convert_to_numpy(tensor))

    def tensor(self, array):
        """Return an array as a tensor of the same dtype."""
        return self.keras.ops.convert_to_tensor(array, dtype=array.dtype.name)

    def weighted_sum(self, outputs, weights):
        """Return the sum of the products of tensors and arrays, a scalar."""
        ops = self.keras.ops
        return sum(ops.sum(y * self.tensor(v)) for y, v in zip(outputs, weights))

    def mask_of(self, tensor):
        """Return the mask that a tensor carries, or None."""
        return getattr(tensor, "_keras_mask", None)

    def set_mask(self, tensor, mask):
        """Let a tensor carry a mask."""
        tensor._keras_mask = mask

    def draws(self, layer):
        """Whether a layer draws random numbers in training."""
        layers = [layer] + list(getattr(layer, "_flatten_layers", lambda **_: [])())
        return any(self.has_generator(inner) and not _is_idle(inner) for inner in layers)

    def has_generator(self, layer):
        """Whether a layer has a generator of random numbers of its own."""
        return bool(getattr(layer, "_seed_generators", None))

    def run_eagerly(self):
        """Let functions that a script compiles be called as they are written."""

    def differentiate(self, loss_of, variables, state=()):
        """Run a function, and differentiate what it returns.

        Args:
            loss_of: function of a function `mark`: `mark(tensor)` returns the tensor to go on
                with, and asks for the derivative with respect to it. Returns a scalar, and a nest
                of tensors to be handed on.
            variables: list of variables.
            state: list of other variables that the function may change.

        Returns:
            The loss, the nest, the gradients with respect to what was marked, and those with
            respect to the variables: arrays, None where nothing depends on it.
        """
        marked = []
        with self._tape() as tape:

            def mark(tensor):
                tape.watch(tensor)
                marked.append(tensor)
                return tensor

            loss, nest = loss_of(mark)
        sources = marked + [self._source(v) for v in variables]
        gradients = tape.gradient(loss, sources) if sources else []
        arrays = [None if g is None else self._dense(g) for g in gradients]
        return self.array(loss), nest, arrays[: len(marked)], arrays[len(marked) :]

    def loss(self, model, x, y, outputs):
        """Return what a model's training minimizes, a scalar."""
        return model.compute_loss(x, y, outputs, None, training=True)

    def slots(self, optimizer):
        """Return the variables of an optimizer, in the order of Keras 3."""
        return list(optimizer.variables)

    def _tape(self):
        return self.keras.GradientTape()

    def _source(self, variable):
        return variable

    def _dense(self, gradient):
        return self.array(gradient)


class TensorFlowEngine(Engine):
    """Real Keras on TensorFlow, whose tape knows TensorFlow's variables."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.tf = importlib.import_module("tensorflow")

    def versions(self):
        """Return the versions of what computes, by name."""
        return dict(super().versions(), tensorflow=self.tf.__version__)

    def _tape(self):
        return self.tf.GradientTape()

    def _source(self, variable):
        return variable.value

    def _dense(self, gradient):
        return np.array(self.tf.convert_to_tensor(gradient))  # of a look-up come single rows

    def run_eagerly(self):
        """Let functions that a script compiles be called as they are written."""
        self.tf.config.run_functions_eagerly(True)
