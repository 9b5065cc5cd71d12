"""Kinds of fields that recurrent layers declare beside those of `layers.declare`."""

import operator
from functools import wraps
from typing import Annotated

from minikeras.core.constructors import bound
from minikeras.layers.base.declare import Field
from minikeras.ops.random.seeds import make_default_seed


def _units(value, name):
    try:
        units = operator.index(value)
    except TypeError:
        units = 0
    if units <= 0:
        raise ValueError(
            f"Received an invalid value for argument `{name}`, expected a positive integer, got "
            f"{value!r}."
        )
    return units


Units = Annotated[int, Field(_units)]
Rate = Annotated[float, Field(lambda value, name: min(1.0, max(0.0, value)))]
"""A fraction; numbers outside of 0 to 1 become the nearer of the two."""


class Recurrent:
    """The arguments that a recurrent layer and its cell have alike.

    Args:
        units: int, the size of the state and of the output.
        kernel_initializer: initializer of the kernel of the inputs.
        recurrent_initializer: initializer of the kernel of the state.
        kernel_regularizer: regularizer of the kernel of the inputs, or None.
        recurrent_regularizer: regularizer of the kernel of the state, or None.
        kernel_constraint: constraint of the kernel of the inputs, or None.
        recurrent_constraint: constraint of the kernel of the state, or None.
        dropout: float, the fraction of the inputs to drop in training, the same at all steps.
        recurrent_dropout: float, the fraction of the state to drop in training, the same at all
            steps.
        seed: int that the masks are drawn from, or None.
    """


def drawing_seed_first(cls):
    """Let a class without a given seed draw one before its initializers draw theirs.

    The seed becomes the attribute `drawn_seed`, which is also a keyword argument.
    """
    set_fields = cls.__init__

    @wraps(set_fields)
    def __init__(self, *args, **kwargs):  # it becomes the class's own
        seed = kwargs.pop("drawn_seed", None)
        arguments = bound(set_fields.__signature__, self, args, kwargs)
        if seed is None and arguments.get("seed") is None:
            seed = make_default_seed()
        object.__setattr__(self, "drawn_seed", seed)
        set_fields(self, *args, **kwargs)

    def from_config(cls, config):
        """Make the layer from what `get_config` returned."""
        seed = make_default_seed() if config.get("seed") is None else None
        return super(decorated, cls).from_config({**config, "drawn_seed": seed})

    decorated = cls
    cls.__init__ = __init__
    cls.from_config = classmethod(from_config)
    return cls


def taking(**options):
    """Let a layer class take keyword arguments that are no fields; they become attributes."""

    def decorate(cls):
        set_fields = cls.__init__

        @wraps(set_fields)
        def __init__(self, *args, **kwargs):  # it becomes the class's own
            for name, default in options.items():
                object.__setattr__(self, name, kwargs.pop(name, default))
            set_fields(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    return decorate
