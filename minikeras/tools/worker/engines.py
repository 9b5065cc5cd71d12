"""The Keras that a process runs: how it is imported, and what depends on its back end.

Every engine offers the same few things: tensors of arrays and arrays of tensors, the classes whose
calls are watched, and `differentiate`, which gives the derivatives of a loss with respect to
variables and to any tensor on the way to it.
"""

import importlib
import os
import platform
from contextlib import contextmanager

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")


def engine_of(name):
    """Import a Keras.

    Args:
        name: `"keras"` with `-tensorflow`, `-jax` or `-torch` for another back end than the
            environment's own, `"tf-keras"`, or `"minikeras"`.

    Returns:
        The `Engine`.

    Raises:
        ValueError: for another name.
        ImportError: if it is not installed.
    """
    if name == "minikeras":
        return TapeEngine(name, importlib.import_module("minikeras"))
    if name == "tf-keras":
        return TensorFlowEngine(name, importlib.import_module("tf_keras"))
    root, _, backend = name.partition("-")
    if root != "keras" or backend not in ("",) + BACKENDS:
        known = ["keras"] + ["keras-" + backend for backend in BACKENDS]
        raise ValueError(
            "There is no engine {!r}; there are {}.".format(name, ["minikeras", "tf-keras"] + known)
        )
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    keras = importlib.import_module("keras")
    kinds = {"tensorflow": TensorFlowEngine, "jax": JaxEngine, "torch": TorchEngine}
    return kinds[keras.backend.backend()](name, keras)


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


class Engine:
    """One Keras; the base of those for each back end.

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
        versions[self.package] = self._version_of_keras()
        return versions

    def _version_of_keras(self):
        version = getattr(self.keras, "__version__", None)
        return version if isinstance(version, str) else self.keras.version()

    @contextmanager
    def floats(self, dtype):
        """Let a dtype be that of losses, metrics and whatever else is made in the `with` block."""
        settings = getattr(self.keras, "config", None) or self.keras.backend
        former = settings.floatx()
        settings.set_floatx(dtype)
        try:
            yield
        finally:
            settings.set_floatx(former)

    def is_builtin(self, layer):
        """Whether a layer is one of Keras's own."""
        return type(layer).__module__.partition(".")[0] == self.package

    def is_container(self, layer):
        """Whether what a layer does is what the layers in it do: models, and layers of users."""
        models = getattr(self.keras, "Model", None) or self.keras.models.Model
        return isinstance(layer, models) or (
            not self.is_builtin(layer) and bool(self.inner_layers(layer))
        )

    def inner_layers(self, layer):
        """The layers that a layer holds."""
        return getattr(layer, "_layers", None) or []

    def all_layers(self, model):
        """The layers below a model, on all levels."""
        return list(model._flatten_layers(include_self=False))

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        raise TypeError("a back end says this")

    def is_symbolic(self, value):
        """Whether a value stands for the tensors of a model's graph."""
        return type(value).__name__ == "KerasTensor"

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


class TapeEngine(Engine):
    """An engine whose tapes record what is differentiated: minikeras."""

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return self.keras.ops.is_tensor(value) and not self.is_symbolic(value)

    def _tape(self):
        return self.keras.GradientTape()

    def differentiate(self, loss_of, variables):
        """Run a function, and differentiate what it returns.

        Args:
            loss_of: function of a function `mark`: `mark(tensor)` returns the tensor to go on
                with, and asks for the derivative with respect to it. Returns a scalar.
            variables: list of variables.

        Returns:
            The loss, the gradients with respect to what was marked, and those with respect to the
            variables: arrays, None where nothing depends on it.
        """
        marked = []
        with self._tape() as tape:

            def mark(tensor):
                tape.watch(tensor)
                marked.append(tensor)
                return tensor

            loss = loss_of(mark)
        sources = marked + [self._source(v) for v in variables]
        gradients = tape.gradient(loss, sources) if sources else []
        arrays = [None if g is None else self._dense(g) for g in gradients]
        return self.array(loss), arrays[: len(marked)], arrays[len(marked) :]

    def _source(self, variable):
        return variable

    def _dense(self, gradient):
        return self.array(gradient)


class TensorFlowEngine(TapeEngine):
    """Keras on TensorFlow, and tf-keras."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.tf = importlib.import_module("tensorflow")

    def versions(self):
        """Return the versions of what computes, by name."""
        versions = super().versions()
        versions["tensorflow"] = self.tf.__version__
        return versions

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return isinstance(value, self.tf.Tensor) and hasattr(value, "numpy")

    def array(self, tensor):
        """Return a tensor's, or a variable's, numbers."""
        value = getattr(tensor, "value", tensor)
        return np.array(self.tf.convert_to_tensor(value() if callable(value) else value))

    def tensor(self, array):
        """Return an array as a tensor of the same dtype."""
        return self.tf.convert_to_tensor(array)

    def weighted_sum(self, outputs, weights):
        """Return the sum of the products of tensors and arrays, a scalar."""
        return self.tf.add_n(
            [self.tf.reduce_sum(y * self.tensor(v)) for y, v in zip(outputs, weights)]
        )

    def _tape(self):
        return self.tf.GradientTape()

    def _source(self, variable):
        value = getattr(variable, "value", variable)
        return variable if callable(value) else value

    def _dense(self, gradient):
        return np.array(self.tf.convert_to_tensor(gradient))


class TorchEngine(Engine):
    """Keras on PyTorch."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.torch = importlib.import_module("torch")

    def versions(self):
        """Return the versions of what computes, by name."""
        versions = super().versions()
        versions["torch"] = self.torch.__version__
        return versions

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return isinstance(value, self.torch.Tensor)

    def differentiate(self, loss_of, variables):
        """See `TapeEngine.differentiate`."""
        marked = []

        def mark(tensor):
            if not tensor.requires_grad:
                tensor = tensor.detach().requires_grad_()
            marked.append(tensor)
            return tensor

        loss = loss_of(mark)
        sources = marked + [v.value for v in variables]
        gradients = [None] * len(sources)
        if sources and loss.requires_grad:
            gradients = self.torch.autograd.grad(loss, sources, allow_unused=True)
        arrays = [None if g is None else self.array(g) for g in gradients]
        return self.array(loss), arrays[: len(marked)], arrays[len(marked) :]


class JaxEngine(Engine):
    """Keras on JAX, where only functions are differentiated: what is marked has a zero added."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)

    def versions(self):
        """Return the versions of what computes, by name."""
        versions = super().versions()
        versions["jax"] = self.jax.__version__
        return versions

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return isinstance(value, self.jax.Array)

    def differentiate(self, loss_of, variables):
        """See `TapeEngine.differentiate`; the function runs twice."""
        shapes = []
        before = [(v, v.value) for v in variables]

        def mark(tensor):
            shapes.append((tensor.shape, tensor.dtype))
            return tensor

        with self.keras.StatelessScope(state_mapping=before):
            loss_of(mark)
        zeros = [self.jax.numpy.zeros(*shape) for shape in shapes]

        def loss_with(zeros, values):
            left = iter(zeros)
            mapping = [(v, value) for v, value in zip(variables, values)]
            with self.keras.StatelessScope(state_mapping=mapping):
                return loss_of(lambda tensor: tensor + next(left))

        function = self.jax.value_and_grad(loss_with, argnums=(0, 1))
        loss, gradients = function(zeros, [value for _, value in before])
        marked, weights = gradients
        return self.array(loss), list(map(self.array, marked)), list(map(self.array, weights))
