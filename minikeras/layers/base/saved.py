"""How a layer is written down and made again: its config, and the shapes it was built with."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import regularizers
from minikeras.core import policy, registry
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.marks import default, overrides


class Saved:
    """The part of Layer that describes it."""

    # What the other parts give.
    name: str
    trainable: Any
    dtype_policy: Any
    activity_regularizer: Any
    build: Callable[..., Any]
    compute_output_shape: Callable[..., Any]
    _layers: list[Any]
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _build_shapes: Any
    _check_initialized: Callable[[], None]
    _fields: dict[str, Any]
    _trainable_variables: list[Any]
    _non_trainable_variables: list[Any]
    built: bool

    def get_build_config(self):
        """Return the input shapes that the layer was built with, or None."""
        shapes = self._build_shapes
        if shapes is None:
            return None
        if isinstance(shapes, dict) and "shapes_dict" in shapes:
            return shapes
        return {"input_shape": _inner_lists(shapes)}

    def build_from_config(self, config):
        """Build with the shapes that `get_build_config` returned.

        A layer without a `build` of its own runs its `call` on these shapes, which builds the
        layers inside it.
        """
        shapes, named = (), {}
        if "input_shape" in config:
            shapes = (_tuples(config["input_shape"]),)
        elif "shapes_dict" in config:
            named = {key: _tuples(value) for key, value in config["shapes_dict"].items()}
        if (shapes or named) and not overrides(self, "build") and self._layers:
            self._build_layers_inside(shapes, named)
        if shapes or named:
            self.build(*shapes, **named)

    def _build_layers_inside(self, shapes, named):
        try:
            self.compute_output_shape(*shapes, **named)
        except Exception as error:  # of the user's own `call`
            warnings.warn(
                f"The layers inside '{self.name}' are not built: its `call` does not run on the "
                f"shapes {[*shapes, *named.values()]} with which it was built before: {error}",
                stacklevel=3,
            )

    def save_own_variables(self, store):
        """Put the layer's own weights into a store; `keras.saving` calls this.

        Args:
            store: a mapping from names to arrays, to be filled.
        """
        for i, variable in enumerate(self._own_weights()):
            store[str(i)] = variable

    def load_own_variables(self, store):
        """Take the layer's own weights from a store.

        Args:
            store: a mapping from names to NumPy arrays, as `save_own_variables` filled it.

        Raises:
            ValueError: if their number or a shape differs; then nothing has changed.
        """
        own = self._own_weights()
        if len(store.keys()) != len(own):
            built = "" if self.built else " It is not built."
            raise ValueError(
                f"Layer '{self.name}' expected {len(own)} variables, but received "
                f"{len(store.keys())} variables during loading.{built} "
                f"Expected: {[v.path for v in own]}"
            )
        arrays = [np.asarray(store[str(i)]) for i in range(len(own))]
        for variable, array in zip(own, arrays, strict=True):
            if tuple(variable.shape) != array.shape:
                raise ValueError(
                    f"Layer '{self.name}': the weight '{variable.path}' has shape "
                    f"{tuple(variable.shape)}, the stored one has {array.shape}."
                )
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)

    def _own_weights(self):
        return self._trainable_variables + self._non_trainable_variables

    @default
    def get_config(self):
        """Return a dict from which `from_config` makes the same layer, without its weights."""
        self._check_initialized()
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": registry.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None and "activity_regularizer" not in self._fields:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if self._fields:
            for name, (field, _) in self._fields.items():
                config[name] = field.saved(self, name)
            return config
        if not overrides(self, "get_config") and not getattr(
            type(self).__init__, "is_default", False
        ):
            config.update(self._automatic_config())
        return config

    def _automatic_config(self):
        """The arguments that the constructor was called with, if all of them can be saved."""
        args, kwargs = self._arguments
        arguments = signature_of(type(self).__init__).named(args, kwargs)
        try:
            return {key: registry.serialize(value) for key, value in arguments.items()}
        except ValueError as error:
            raise ValueError(
                f"Object {type(self).__name__} was created by passing non-serializable argument "
                f"values in `__init__()`, and therefore the object must override `get_config()`: "
                f"{error}"
            ) from None

    @classmethod
    def from_config(cls, config):
        """Make a layer from what `get_config` returned."""
        config = dict(config)
        if config.get("quantization_config", ...) is None:  # Keras writes it down at every layer
            del config["quantization_config"]
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = policy.get(config["dtype"])
        taken = signature_of(cls.__init__)
        if not cls._fields and not taken.takes_any:
            config = {key: value for key, value in config.items() if taken.has(key)}
        try:
            return cls(**{key: _revived(value) for key, value in config.items()})
        except TypeError as error:
            raise TypeError(
                f"{cls.__name__} cannot be made from its config: {error}. Received: config={config}"
            ) from error


def _inner_lists(shapes):
    """Several shapes as lists, which a config holds as they are; a single one stays a tuple."""
    if isinstance(shapes, dict):
        return {key: _inner_lists(value) for key, value in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [list(s) if isinstance(s, tuple) else s for s in shapes]
    return shapes


def _tuples(shape):
    """Shapes read from JSON, lists in place of tuples, made tuples again."""
    if isinstance(shape, dict):
        return {key: _tuples(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        if all(size is None or isinstance(size, int) for size in shape):
            return tuple(shape)
        return [_tuples(part) for part in shape]
    return shape


def _revived(value):
    """An argument in its saved form, made an object where it is a full saved object."""
    if isinstance(value, dict) and {"module", "class_name", "config"} <= set(value):
        return registry.deserialize(value)
    return value
