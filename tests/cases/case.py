"""One row of the table of ops: how an op is called, and what is known of it there.

Tests for every op are generated from such rows: the engine's own (`tests/ops/test_cases.py`) and
those against Keras (`parity_tests/test_ops.py`). Inputs are recipes, so that one row is run in
several float types. Drawn numbers are odd multiples of 1/128: exact in every float type, the same
in all of them, and never nearer than 1/128 to the places where functions have their kinks.
"""

import importlib
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from minikeras.core import trees


@dataclass(frozen=True)
class Values:
    """A recipe for an array: shape, dtype, and a function of `(rng, shape)` that draws it."""

    shape: tuple
    dtype: str
    draw: Callable = field(repr=False)
    shown: str = ""

    @property
    def is_float(self):
        return self.dtype.startswith("float")

    def make(self, rng, float_type=None):
        dtype = float_type if float_type and self.is_float else self.dtype
        return np.asarray(self.draw(rng, self.shape)).astype(dtype)

    def __str__(self):
        return self.shown or f"{self.dtype}{self.shape}".replace(" ", "")


def _grid(low, high):
    """Odd multiples of 1/128 from an interval."""

    def draw(rng, shape):
        return (2 * rng.integers(math.ceil(low * 64), math.floor(high * 64), shape) + 1) / 128

    return draw


def floats(*shape, low=-2.0, high=2.0, dtype="float32"):
    return Values(shape, dtype, _grid(low, high))


f32 = floats


def f64(*shape, low=-2.0, high=2.0):
    return floats(*shape, low=low, high=high, dtype="float64")


def f16(*shape, low=-2.0, high=2.0):
    return floats(*shape, low=low, high=high, dtype="float16")


def positive(*shape, dtype="float32"):
    return floats(*shape, low=0.25, high=3.0, dtype=dtype)


def unit(*shape, dtype="float32"):
    """Numbers inside (-1, 1), away from the ends."""
    return floats(*shape, low=-0.9, high=0.9, dtype=dtype)


def probabilities(*shape, axis=-1, dtype="float32"):
    """Positive numbers that add up to one along an axis."""

    def draw(rng, shape):
        x = rng.random(shape) + 0.1
        return x / x.sum(axis=axis, keepdims=True)

    return Values(shape, dtype, draw)


def distinct(*shape, shift=0.0, dtype="float32"):
    """Numbers without ties, an eighth apart, also from those drawn with another shift."""

    def draw(rng, shape):
        count = math.prod(shape)
        order = rng.permutation(count) - count // 2
        return (order / 8 + 5 / 128 + shift).reshape(shape)

    return Values(shape, dtype, draw)


def integers(*shape, low=-5, high=6, dtype="int32"):
    return Values(shape, dtype, lambda rng, shape: rng.integers(low, high, shape))


i32 = integers


def i64(*shape, low=-5, high=6):
    return integers(*shape, low=low, high=high, dtype="int64")


def i8(*shape, low=-5, high=6):
    return integers(*shape, low=low, high=high, dtype="int8")


def u8(*shape, low=0, high=11):
    return integers(*shape, low=low, high=high, dtype="uint8")


def bools(*shape):
    return integers(*shape, low=0, high=2, dtype="bool")


def exactly(values, dtype="float32"):
    """These numbers themselves: zeros, ties, infinities."""
    array = np.asarray(values, dtype)
    shown = f"{dtype}{array.tolist()}".replace(" ", "") if array.size < 8 else ""
    return Values(array.shape, dtype, lambda rng, shape: array, shown)


def regular(*shape, dtype="float32"):
    """Square matrices far from singular, whose rows must not be swapped to solve with them."""

    def draw(rng, shape):
        return _grid(-1, 1)(rng, shape) + shape[-1] * np.eye(shape[-1])

    return Values(shape, dtype, draw)


def definite(*shape, dtype="float32"):
    """Symmetric positive definite matrices with eigenvalues well apart."""

    def draw(rng, shape):
        x = _grid(-0.5, 0.5)(rng, shape)
        return x + np.swapaxes(x, -1, -2) + np.diag(3.0 + 2.0 * np.arange(shape[-1]))

    return Values(shape, dtype, draw)


def triangular(*shape, lower=True, dtype="float32"):
    def draw(rng, shape):
        x = _grid(-1, 1)(rng, shape) + 2 * np.eye(shape[-1])
        return np.tril(x) if lower else np.triu(x)

    return Values(shape, dtype, draw)


GROUPS = ("image",)
"""Groups of public ops that are not among the names of `ops` itself."""


@dataclass(frozen=True, eq=False)  # a row is itself alone: arrays in it have no one truth value
class Case:
    """A call of an op, and what holds there.

    Args:
        name: name of a public op, `image.name` for one of that group, or `module.name` for one
            inside `minikeras.ops`.
        inputs: positional arguments: recipes, nests of them, and anything that is passed as it is.
        kwargs: keyword arguments, likewise.
        note: a word that tells rows with equal inputs apart.
        call: function `(ops, *inputs, **kwargs)` that stands for the op, for ops that take
            functions; `ops` is minikeras's or Keras's.
        through: function `(ops, result)` that returns what is compared, for results with a free
            choice (the signs of eigenvectors).
        orders: how many times the result may be differentiated.
        smooth: whether differences approach the gradient here: no kink, no tie.
        abstract: False if the result's shape depends on values.
        unknown: False if the op needs to know the first size of its inputs.
        symbolic: False if the op adds no node to a model's graph.
        keras_symbolic: False if Keras has no symbolic form of the call.
        keras_orders: how many orders of gradient TensorFlow has.
        raises: the exception that the call raises, in Keras (of any type) as well.
        differs: why the result is not that of Keras; see docs/numerics.md.
        differs_in: `"refused"` if Keras raises, `"value"`, `"float64"` for values in float64 alone,
            `"gradient"`, or `"second"` for second gradients alone.
        float_types: float types that the op is compared with Keras in, beside the row's own.
        reduction: how many terms meet in one number of the result, at most.
    """

    name: str
    inputs: list = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    call: Callable | None = None
    through: Callable | None = None
    orders: int = 3
    smooth: bool = True
    abstract: bool = True
    unknown: bool = True
    symbolic: bool = True
    keras_symbolic: bool = True
    keras_orders: int = 2
    raises: type[Exception] | None = None
    differs: str = ""
    differs_in: str = "value"
    float_types: tuple = ("float64", "float32")
    reduction: int = 1

    @cached_property
    def id(self):
        words = [_shown(value) for value in self.inputs]
        words += [f"{name}={_shown(value)}" for name, value in self.kwargs.items()]
        return f"{self.name}({','.join(words)}){self.note and ':' + self.note}"

    @property
    def is_public(self):
        return self.name.rpartition(".")[0] in ("", *GROUPS)

    def public(self, ops):
        """Return the public op of one of the two engines, None if it has none of this name."""
        for name in self.name.split("."):
            ops = getattr(ops, name, None)
        return ops

    @cached_property
    def recipes(self):
        """The recipes among the arguments, in order."""
        leaves = trees.flatten((self.inputs, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Values)]

    @property
    def has_gradient(self):
        return self.orders > 0 and any(recipe.is_float for recipe in self.recipes)

    def draw(self, float_type=None):
        """Return an array for each recipe, the same whenever asked."""
        # The folder that an op lies in is no part of the seed: to move it draws no other numbers.
        key = self.id if self.is_public else self.id.partition(".")[2]
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        return [recipe.make(rng, float_type) for recipe in self.recipes]

    def function(self, ops):
        """Return the op of one of the two engines."""
        if self.call is not None:
            return lambda *args, **kwargs: self.call(ops, *args, **kwargs)
        if self.is_public:
            return self.public(ops)
        module, _, name = self.name.rpartition(".")
        return getattr(importlib.import_module(f"minikeras.ops.{module}"), name)

    def apply(self, ops, values, function=None):
        """Call the op with these values in place of the recipes."""
        remaining = iter(values)
        args, kwargs = trees.map_structure(
            lambda leaf: next(remaining) if isinstance(leaf, Values) else leaf,
            (list(self.inputs), dict(self.kwargs)),
        )
        result = (function or self.function(ops))(*args, **kwargs)
        return result if self.through is None else self.through(ops, result)

    def but(self, **changes):
        """Return the row with some fields changed."""
        return replace(self, **changes)


def _shown(value):
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_shown, value)) + "]"
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    return getattr(value, "__name__", None) or str(value).replace(" ", "")


def each(names, *inputs, **options):
    """Return one row for each of several ops that are called alike."""
    return [Case(name, list(inputs), **options) for name in names.split()]
