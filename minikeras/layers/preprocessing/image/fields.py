"""Kinds of arguments that image layers share: ranges of factors, of values and of sizes."""

from typing import Annotated, Any

from minikeras.core.constructors import Field
from minikeras.layers.base.arguments import plain


def factor_in(low, high, symmetric=True, each=False, keep=False, open_end=False):
    """Return the kind of a factor that is drawn from a range for each image.

    Args:
        low: the smallest allowed number.
        high: the largest.
        symmetric: whether a number `f` stands for `(-f, f)`, as far as `low` allows, or for
            `(0, f)`.
        each: whether each end of a pair has to be in the range; if not, the pair has to meet it.
        keep: whether the layer keeps the argument as it was given; `pair_of` tells the range then.
        open_end: whether `low` is not allowed itself.

    Returns:
        A `Field`; the layer keeps `(lower, upper)`.
    """

    def convert(value, name):
        pair = pair_of(value, name, low, high, symmetric, each, open_end)
        return value if keep else pair

    return Field(convert, plain)


def pair_of(value, name, low, high, symmetric=True, each=False, open_end=False):
    """Return the range that a number or pair stands for; see `factor_in`.

    Raises:
        ValueError: if it is no number and no pair, or out of range.
    """
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    if is_pair:
        lower, upper = sorted(value)
        first, last = (lower, upper) if each else (value[1], value[0])
    elif isinstance(value, (int, float)):
        first = last = value
        least = -abs(value) if symmetric else 0
        lower, upper = (least if each else max(least, low)), abs(value)
    else:
        first = last = float("nan")
    if not (first >= low and last <= high) or (open_end and first == low):
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{'(' if open_end else '['}{low}, {high}]. Received: {name}={value}"
        )
    return lower, upper


BASE_FACTOR = Field(lambda value, name: pair_of(value or 0.0, name, -1, 1))
"""From -1 to 1; None stands for 0."""


def _two_numbers(value, name):
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"The `{name}` argument should be a list of two numbers. Received: {name}={value}"
        )
    return sorted(value)


def one_of(*known):
    """Return the kind of an argument that has one of several values."""

    def convert(value, name):
        if value not in known:
            raise NotImplementedError(f"Unknown `{name}` {value}. Expected of one {known}.")
        return value

    return Field(convert)


Probability = Annotated[
    Any,
    Field(
        factor_in(0, 1).convert,
        plain,
        text="float, or two floats, from 0 to 1: the probability, drawn for each image from this "
        "range; one number `f` stands for `(0, f)`.",
    ),
]
"""The probability with which an image is transformed."""

_VALUE_RANGE = "two numbers, the smallest and the largest value that the images may have."
ValueRange = Annotated[Any, Field(_two_numbers, plain, text=_VALUE_RANGE)]
"""Two numbers, checked and sorted."""

AnyRange = Annotated[Any, Field(serialize=plain, text=_VALUE_RANGE)]
"""Two numbers as they are given."""

Interpolation = Annotated[
    str, Field(one_of("nearest", "bilinear").convert, text='`"nearest"` or `"bilinear"`.')
]
FillMode = Annotated[
    str,
    Field(
        one_of("reflect", "wrap", "constant", "nearest").convert,
        text='what is outside of the image: `"reflect"` (d c b a | a b c d), `"wrap"` '
        '(a b c d | a b c d), `"nearest"` (a a a a | a b c d) or `"constant"` (`fill_value`).',
    ),
]
FillValue = Annotated[float, Field(text="the value of pixels outside of the image.")]
Seed = Annotated[
    int | None, Field(text="int, or None for one drawn from Python's `random` when made.")
]
