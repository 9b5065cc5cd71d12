"""Initializations of Keras 1: functions of a shape that return a variable.

def narrow(shape, name=None):
return initializations.normal(shape, scale=0.01, name=name)
"""

import math

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2 import initializers
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import parsed

_SCALES = {
    "uniform": ("scale=0.05, ", lambda scale: initializers.RandomUniform(-scale, scale)),
    "normal": ("scale=0.05, ", lambda scale: initializers.RandomNormal(0.0, scale)),
    "orthogonal": ("scale=1.1, ", lambda scale: initializers.Orthogonal(scale)),
    "identity": ("scale=1, ", lambda scale: initializers.Identity(scale)),
    "lecun_uniform": ("", initializers.lecun_uniform),
    "glorot_normal": ("", initializers.glorot_normal),
    "glorot_uniform": ("", initializers.glorot_uniform),
    "he_normal": ("", initializers.he_normal),
    "he_uniform": ("", initializers.he_uniform),
    "zero": ("", initializers.Zeros),
    "one": ("", initializers.Ones),
}


def _function(name, scale, make):
    signature = parsed(f"shape, {scale}name=None, dim_ordering='th'")

    def initialization(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = bound.arguments
        initializer = make(*[values["scale"]] if scale else ())
        array = _drawn(initializer, tuple(values["shape"]), values["dim_ordering"])
        return K.variable(array, name=values["name"])

    initialization.__name__ = initialization.__qualname__ = name
    initialization.__doc__ = f"""Return a variable of a shape, as the initializer `{name}` draws it.

Args:
    shape: tuple of ints.
    {"scale: float, how large the values are." if scale else "name: str or None."}
    dim_ordering: `"tf"` or `"th"`, where the channels of a kernel of 4 or 5 axes are.

Example:
    >>> from minikeras.keras2 import initializations
    >>> initializations.{name}((3, 3)).shape
    (3, 3)
"""
    initialization.__signature__ = signature
    return initialization


def _drawn(initializer, shape, dim_ordering):
    """An array; a kernel of Theano is (out, in, axes), one of an initializer the reverse."""
    if len(shape) < 4 or dim_ordering == "tf":
        return np.asarray(initializer(shape))
    drawn = np.asarray(initializer((*shape[2:], shape[1], shape[0])))
    return np.moveaxis(drawn, (-1, -2), (0, 1))


_FUNCTIONS = {name: _function(name, scale, make) for name, (scale, make) in _SCALES.items()}
globals().update(_FUNCTIONS)


def of(initializer):
    """Return an initializer as a function of Keras 1: of a shape, returning a variable.

    Args:
        initializer: function of a shape that returns an array.

    Returns:
        A function of `shape` and `name`.
    """

    def initialization(shape, name=None):
        return K.variable(np.asarray(initializer(tuple(shape))), name=name)

    return initialization


def get_fans(shape, dim_ordering="th"):
    """Return how many inputs and outputs a weight of this shape joins.

    Args:
        shape: tuple of ints.
        dim_ordering: `"tf"` or `"th"`, where the channels of a kernel of 4 or 5 axes are.

    Example:
        >>> from minikeras.keras2 import initializations
        >>> initializations.get_fans((3, 3, 4, 8), dim_ordering="tf")
        (36, 72)
    """
    if len(shape) == 2:
        return shape
    if len(shape) in (4, 5):
        is_last = dim_ordering == "tf"
        inside = shape[:-2] if is_last else shape[2:]
        fan_in, fan_out = shape[-2:] if is_last else (shape[1], shape[0])
        return fan_in * math.prod(inside), fan_out * math.prod(inside)
    side = math.sqrt(math.prod(shape))
    return side, side


def get(identifier, **kwargs):
    """Return the function of a name, or a function as it is.

    Args:
        identifier: name of an initialization, or a function of a shape.
        **kwargs: arguments that the function shall get each time.

    Example:
        >>> from minikeras.keras2 import initializations
        >>> initializations.get("zero")((2,)).shape
        (2,)
    """
    if callable(identifier):
        return identifier
    if identifier not in _FUNCTIONS:
        raise ValueError(f"Invalid initialization: {identifier}. Known are {sorted(_FUNCTIONS)}.")
    function = _FUNCTIONS[identifier]
    return (lambda *args, **more: function(*args, **{**kwargs, **more})) if kwargs else function


__getattr__ = elsewhere(__name__)

__all__ = ["get", "get_fans", *_FUNCTIONS]
