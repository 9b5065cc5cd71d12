"""`@layer`: a layer's arguments, declared once as typed fields.

From the fields come the constructor and its signature, the conversion of names and configs to
objects, `get_config` and `from_config`. A field's annotation may carry a `Field`, which knows how a
value is converted when it comes in and how it is written into a config.
"""

import inspect
from typing import Annotated, Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.core.constructors import (
    Field,
    constructor,
    declared_fields,
    defaults_of,
    signature_of,
)
from minikeras.core.docstrings import describe_class
from minikeras.layers.base.layer import Layer

# Fields of these names only say at which position the base class's argument stands.
_OF_EVERY_LAYER = ("name", "dtype")
# What the base class takes, for the docstrings of layers.
_TAKEN_BY_NAME = ("name", "dtype", "trainable", "autocast", "activity_regularizer")


def python_numbers(value) -> Any:
    """Return an argument with NumPy's scalars, and arrays of integers, as Python's own.

    All arguments of layers come through here, so that checks need to know Python's scalars alone
    and configs hold nothing else.

    Args:
        value: any argument; in lists and tuples the items are looked at.

    Returns:
        A Python number for a NumPy scalar or an array without axes, a tuple for an array of
        integers, else the value.

    Example:
        >>> import numpy as np
        >>> from minikeras.layers.base.declare import python_numbers
        >>> python_numbers(np.int64(3)), python_numbers((np.array(1), None))
        (3, (1, None))
    """
    kind = type(value)
    if kind is list or kind is tuple:
        return kind(map(python_numbers, value))
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return python_numbers(tuple(value))
    return value


def _positive(value, name):
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a positive integer. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    return value


def _fraction(value, name):
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be a number from 0 to 1. Received: {name}={value!r}")
    return value


def _by_identifier(module, text):
    return Field(lambda value, name: module.get(value), module.serialize, text=text)


_OF_WEIGHT = "{} of the weight `{{weight}}`, or None."

PositiveInt = Annotated[int, Field(_positive)]
UseBias = Annotated[bool, Field(text="bool, whether to add a bias.")]
Fraction = Annotated[float, Field(_fraction)]
Activation = Annotated[
    Any, _by_identifier(activations, "activation function or its name; None for none.")
]
Initializer = Annotated[Any, _by_identifier(initializers, "initializer of the weight `{weight}`.")]
Regularizer = Annotated[Any, _by_identifier(regularizers, _OF_WEIGHT.format("regularizer"))]
Constraint = Annotated[Any, _by_identifier(constraints, _OF_WEIGHT.format("constraint"))]


def layer(cls):
    """Give a Layer class its constructor and config from its annotated fields.

    Fields of the base class come first, in their order; an annotation repeated in the subclass
    changes the field's default or kind in its place; a `ClassVar` is no field. `setup()` runs after
    the fields are set. A class that defines `__init__` for a further argument calls `from_fields`
    in it. What a base class lists in `_taken_by_name` and no field is named after is taken by name.
    """
    cls._fields = fields = {**getattr(cls, "_fields", {}), **declared_fields(cls)}
    by_name = {name: kind for name, kind in cls._taken_by_name.items() if name not in fields}
    cls.from_fields = _constructor(fields, by_name)
    if "__init__" not in cls.__dict__:
        cls.__init__ = cls.from_fields
    else:
        cls.__init__.__signature__ = _signature(fields, cls.__init__)
    describe_class(cls, _texts(fields, by_name))
    return cls


def _texts(fields, by_name):
    """What docstrings say of fields of a kind, and of what else every layer takes."""
    texts = {
        name: field.text.format(weight=name.rpartition("_")[0])
        for name, (field, _) in fields.items()
        if field.text
    }
    others = [f"`{name}`" for name in (*by_name, *_TAKEN_BY_NAME) if name not in fields]
    return {**texts, "**kwargs": f"{', '.join(others)}; see `Layer`."}


def _constructor(fields, by_name):
    kinds = {**fields, **by_name}

    def initialize(self, values, **base):
        base |= {name: values.pop(name) for name in _OF_EVERY_LAYER if name in values}
        values |= {name: base.pop(name, default) for name, (_, default) in by_name.items()}
        Layer.__init__(self, **base)
        for name, value in values.items():
            kinds[name][0].set(self, name, python_numbers(value))
        self.setup()

    return constructor(defaults_of(fields), initialize, is_open=True)


def _signature(fields, own):
    """The fields, and by name the further arguments of a constructor of the class's own."""
    further = inspect.signature(own).parameters.values()
    by_name = [p for p in further if p.kind == inspect.Parameter.KEYWORD_ONLY]
    return signature_of(defaults_of(fields), by_name, is_open=True)
