"""The first values of a variable: from an array, or from an initializer and a shape."""

from __future__ import annotations

import operator
from typing import Any

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.core import dtypes, registry, settings
from minikeras.core.types import Array, DTypeLike

_initializers = registry.Table("initializer", "keras.initializers")


def first_values(initializer: Any, shape: Any, dtype: DTypeLike) -> Array:
    """Return a fresh array with a variable's first values.

    Args:
        initializer: array-like with the values, a callable `(shape, dtype)`, or the name of an
            initializer.
        shape: sizes; not looked at unless `initializer` is a callable or a name.
        dtype: dtype name; by default the array's, or the default float type.

    Raises:
        ValueError: if the shape is missing or none, the initializer returns an array of another
            shape, or values are expected where only shapes are known.
    """
    if isinstance(initializer, str):
        initializer = _initializers.get(initializer)
    if not callable(initializer):
        if symbolic.scope.trial:
            raise ValueError("A variable cannot be made from values while only shapes are known.")
        array = array_from(initializer, dtype) if dtype else array_from(_unwrapped(initializer))
        return device.copied(array)
    if shape is None:
        raise ValueError(
            "A variable that starts from an initializer needs its `shape`, such as `shape=(2, 3)`. "
            f"Received: initializer={initializer} and shape=None"
        )
    shape = known_sizes(shape)
    dtype = dtypes.standardize(dtype or settings.floatx())
    outer, symbolic.scope.abstract = symbolic.scope.abstract, False
    try:
        result = initializer(shape, dtype=dtype)
        values = plain_array(result)
    finally:
        symbolic.scope.abstract = outer
    if values.shape != shape:
        raise ValueError(
            f"Expected an array of shape {shape} from the initializer {initializer}. "
            f"Received: shape={values.shape}"
        )
    # Optimizers update in place through flat views, which only this order of elements has.
    values = values.astype(dtypes.NUMPY[dtype], order="C", copy=False)
    return device.copied(values) if values is result or _is_held(values) else values


def known_sizes(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of Python ints."""
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        sizes = (-1,)
    if any(size < 0 for size in sizes):
        raise ValueError(
            "The shape of a variable must be a tuple of non-negative integers without None, such "
            f"as `(2, 3)`. Received: shape={shape!r}"
        )
    return sizes


def _is_held(values: Array) -> bool:
    """Whether the array is a view, or not to be written to."""
    return values.base is not None or not getattr(values.flags, "writeable", True)


def _unwrapped(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def plain_array(value: Any) -> Array:
    """Return the array of a value, without a node of the graph."""
    if hasattr(value, "as_operand"):
        return value.array
    return value.data if isinstance(value, Tensor) else array_from(value)
