"""How a layer of Keras 2 is made from a row: its arguments in order, old names, changed defaults.

The class is a subclass of the engine's layer and of `Layer` of Keras 2, so that `isinstance` holds
on both sides. What the engine computes stays its own; the row says only how Keras 2 spells it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minikeras import constraints, regularizers
from minikeras.core import settings
from minikeras.core.constructors import bound, signature_of
from minikeras.core.registry import CustomObjectScope
from minikeras.keras2 import activations, initializations, initializers
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.base.options import layer_options
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.layers.direct_calls import direct_call
from minikeras.keras2.layers.old_weights import old_weight
from minikeras.keras2.layers.spelling import LAYOUTS, in_keras_2, in_old_words, old_arguments
from minikeras.saving.legacy import tables

# Arguments of every layer that Keras 1 also lists among a layer's own.
_OF_EVERY_LAYER = ("weights", "input_dim", "input_length")

# Arguments that configs hold in the form that the layer keeps: one size for each axis.
_NORMALIZED = (
    *("kernel_size", "strides", "dilation_rate", "pool_size", "size", "padding", "cropping"),
    "data_format",
)


@dataclass
class Row:
    """What Keras 2 says of one layer.

    Args:
        engine: the engine's class.
        order: the arguments' names in the order of Keras 2.2.4, separated by spaces.
        defaults: defaults that are others than the engine's, by the names of Keras 2.
        renamed: names of Keras 2 to those of the engine's class, where they differ.
        keras1: names of Keras 1 to those of Keras 2, besides the general ones.
        by_name: arguments that the order leaves out, but that are taken by name.
        attributes: arguments of Keras 1 or of configs alone, taken by name and kept as attributes:
            the defaults by their names.
        ignored: names that have no effect here.
        adapt: function of arguments by name that returns them in the form of Keras 2, for forms of
            Keras 1 that are more than other names.
        is_sequence: whether `input_dim` is the size of the steps of a sequence.
        methods: attributes of the class that differ from the engine's.
        call: the arguments of `call`; those of the engine's by default.
        base: the class of Keras 2 that the layer is one of.
        name: the class's name; the engine's by default.
        first_shape: function of the arguments that returns the input's shape of a first layer that
            does not tell it otherwise.
    """

    engine: type
    order: str
    defaults: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    keras1: dict[str, str] = field(default_factory=dict)
    by_name: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    ignored: str = ""
    adapt: Callable[..., Any] | None = None
    is_sequence: bool = False
    methods: dict[str, Any] = field(default_factory=dict)
    call: str = ""
    base: type = Layer
    name: str = ""
    first_shape: Callable[..., Any] | None = None

    @property
    def class_name(self):
        """The class's name."""
        return self.name or self.engine.__name__

    def arguments(self):
        """Return the default of each argument by its name, in order."""
        parameters = self.fields()
        taken = getattr(self.engine, "_taken_by_name", {})
        arguments = {}
        for name in self.order.split():
            own = self.renamed.get(name, name)
            if name in self.defaults:
                arguments[name] = self.defaults[name]
            elif own in parameters:
                arguments[name] = parameters[own].default
            else:
                arguments[name] = taken[own][1] if own in taken else None
        return arguments

    def fields(self):
        """Return the parameters of the engine's class by name."""
        return inspect.signature(self.engine.__init__).parameters

    def old_names(self):
        """Return the names of Keras 1 that mean arguments of this layer."""
        general = {**tables.ARGUMENTS, **tables.ARGUMENTS_OF.get(self.engine.__name__, {})}
        names = self.order.split()
        kept = {old: new for old, new in general.items() if new in names and old not in names}
        return {**kept, **self.keras1}


def layer_class(row):
    """Make the class of a row.

    Args:
        row: the `Row`.

    Returns:
        A class with the signature of Keras 2.
    """
    arguments = row.arguments()
    signature = signature_of(arguments, is_open=True)
    ignored = row.ignored.split()
    of_every_layer = [n for n in _OF_EVERY_LAYER if n in arguments and n not in row.fields()]

    def __init__(self, *args, **kwargs):
        with in_old_words(row, kwargs):
            set_up(self, args, kwargs)

    def set_up(self, args, kwargs):
        args, kwargs = in_keras_2(row, args, kwargs, arguments, type(self).__name__)
        named = bound(signature, self, args, kwargs)
        values = {**arguments, **named}
        further = values.pop("kwargs", {})
        if values.get("data_format") in LAYOUTS:
            values["data_format"] = LAYOUTS[values["data_format"]]
        further.update({key: values[key] for key in of_every_layer})
        values |= {key: further.pop(key) for key in row.by_name.split() if key in further}
        for key, default in row.attributes.items():
            object.__setattr__(self, key, further.pop(key, default))
        weights, options = layer_options(type(self), further)
        self._values = {k: values[k] for k in (*arguments, *row.by_name.split()) if k in values}
        self._named = frozenset(named)
        self._initial_weights = weights
        own = {
            row.renamed.get(name, name): _for_engine(name, value)
            for name, value in values.items()
            if name not in ignored and name not in of_every_layer
        }
        shape = options.pop("batch_input_shape", None)
        if shape is None and row.first_shape is not None:
            shape = row.first_shape(values)
        row.engine.__init__(self, **own, **options)
        self._initial_weights = weights
        if shape is not None:
            self.batch_input_shape = self._input_shape_arg = shape

    name = row.class_name
    __init__.__signature__ = signature
    namespace = {
        "__init__": __init__,
        "__module__": "minikeras.keras2.layers",
        "__doc__": _text(row, name, arguments),
        "_row": row,
        "_old_arguments": old_arguments(row),
        "_is_traced": False,
        "get_config": _get_config,
        "from_config": classmethod(_from_config),
        "get_output_shape_for": row.methods.get(
            "compute_output_shape", row.engine.compute_output_shape
        ),
        "call": direct_call(row.engine, row.call),
        "__getattr__": _old_attribute,
        **row.methods,
    }
    return type(name, (row.engine, row.base), namespace)


def _old_attribute(self, name):
    """What Keras 1 kept under another name, or Keras 2 as an argument that the engine lacks."""
    weight = old_weight(self, name)
    if weight is not None:
        return weight
    row, values = type(self)._row, vars(self).get("_values", {})
    new = row.old_names().get(name, name)
    own = row.renamed.get(new, new)
    if own != name and hasattr(self, own):
        value = getattr(self, own)
        return initializations.of(value) if name.endswith("init") else value
    if new in values:
        return values[new]
    return object.__getattribute__(self, name)  # which says what is missing


def _get_config(self):
    """Return the constructor's arguments, in the form of Keras 2."""
    config = Layer.get_config(self)
    for name, value in self._values.items():
        if name in _NORMALIZED:
            value = getattr(self, self._row.renamed.get(name, name), value)
        config[name] = saved(name, value)
    for name in self._row.by_name.split():
        config[name] = getattr(self, name)
    for name, default in self._row.attributes.items():
        if getattr(self, name) != default:
            config[name] = getattr(self, name)
    return config


def _from_config(cls, config, custom_objects=None):
    """Make the layer from what `get_config` returned, in the spelling of Keras 1 or 2."""
    with CustomObjectScope(custom_objects or {}):
        return cls(**config)


def saved(name, value: Any) -> Any:
    """Return an argument as a config of Keras 2 holds it."""
    if name.endswith("activation"):
        return activations.serialize(activations.get(value))
    if name == "data_format" and value is None:
        return settings.image_data_format()
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, str) and not _is_object(name):
        return value
    if name.endswith(("initializer", "init")):
        return initializers.serialize(initializers.get(value))
    if name.endswith("regularizer"):
        return _saved_regularizer(regularizers.get(_object(value)))
    if name.endswith("constraint"):
        value = constraints.get(_object(value))
    if not isinstance(value, str) and hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if name == "cells":
        return [configs.serialize(cell) for cell in value]
    return list(value) if isinstance(value, list) else value


def _saved_regularizer(regularizer):
    """A regularizer's config; Keras 2 has one class for the sums of absolute values and squares."""
    config = regularizer.get_config() if hasattr(regularizer, "get_config") else {}
    if type(regularizer).__name__ in ("L1", "L2", "L1L2"):
        rates = {key: float(config.get(key) or 0.0) for key in ("l1", "l2")}
        return {"class_name": "L1L2", "config": rates}
    if callable(regularizer) and not config and hasattr(regularizer, "__name__"):
        return regularizer.__name__
    return {"class_name": type(regularizer).__name__, "config": config}


def _is_object(name):
    return name.endswith(("activation", "initializer", "init", "regularizer", "constraint"))


def _object(config):
    """The config of a regularizer or constraint; Keras 1 put its name among its arguments."""
    if not isinstance(config, dict) or "class_name" in config or "name" not in config:
        return config
    names = {**tables.REGULARIZERS, **tables.CONSTRAINTS}
    arguments = {
        tables.CONSTRAINT_ARGUMENTS.get(key, key): value
        for key, value in config.items()
        if key != "name"
    }
    return {"class_name": names.get(config["name"], config["name"]), "config": arguments}


def _for_engine(name, value: Any) -> Any:
    """An argument as the engine's layer takes it."""
    if name.endswith("activation"):
        return activations.for_engine(value)
    if name.endswith(("initializer", "init")) and value is not None:
        return initializers.for_engine(value)
    if name.endswith(("regularizer", "constraint")):
        return _object(value)
    if name in ("layer", "cell"):
        return configs.deserialize(value)
    if name == "cells":
        return [configs.deserialize(cell) for cell in value or ()]
    if isinstance(value, list) and name not in ("axes", "axis"):
        return tuple(value)
    return value


def _text(row, name, arguments):
    """The docstring: the engine's first sentence, and the arguments of Keras 2.

    A class that is written for Keras 2 has a docstring that says it all.
    """
    whole = inspect.getdoc(row.engine) or ""
    if row.engine.__module__.startswith("minikeras.keras2."):
        return whole
    first = whole.split("\n")[0]
    old = {new: key for key, new in row.old_names().items()}
    lines = [f"    {a}: see `{row.engine.__name__}`" + _was(old, a) for a in arguments]
    return "\n".join([first, "", "Args:", *lines])


def _was(old, name):
    return f" (`{old[name]}` in Keras 1)." if name in old else "."
