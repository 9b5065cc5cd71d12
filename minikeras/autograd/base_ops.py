"""The ops that the mechanism itself applies: to promote, and to undo broadcasting.

`primitive` cannot import them, as they are primitives: they are handed to it at the end.
"""

from collections.abc import Sequence
from typing import Any

from minikeras.autograd.families import elementwise, moving, stacking
from minikeras.autograd.primitive import mechanism, primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, holds_tensors
from minikeras.core import dims, dtypes
from minikeras.core.dims import Shape
from minikeras.core.types import Array, ArrayModule, DTypeLike, List, Tuple


@primitive(elementwise)
def cast(xp: ArrayModule, x: Array, *, dtype: DTypeLike) -> Array:
    """Cast a tensor to another dtype.

    Args:
        x: tensor or array-like of any shape and dtype.
        dtype: name of the dtype.

    Returns:
        A tensor of that dtype.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cast([1.7, -2.0], "int32")
        <Tensor: shape=(2,), dtype=int32, numpy=array([ 1, -2], dtype=int32)>
    """
    return x.astype(dtypes.NUMPY[dtypes.standardize(dtype)], copy=False)


@cast.shape_rule
def _(x: Abstract, *, dtype: DTypeLike) -> Abstract:
    return Abstract(x.shape, dtypes.standardize(dtype))


@cast.vjp()
def _(g: Tensor, x_dtype: str) -> Tensor:
    return cast(g, dtype=x_dtype)


@primitive(elementwise)
def broadcast_to(xp: ArrayModule, x: Array, *, shape: Shape) -> Array:
    """Repeat a tensor along axes of size 1, and new ones in front, up to a shape.

    Args:
        shape: tuple of ints.

    Returns:
        A tensor of that shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    return xp.broadcast_to(x, shape)


@broadcast_to.shape_rule
def _(x: Abstract, *, shape: Shape) -> Abstract:
    shape = dims.as_shape(shape)
    if not dims.may_broadcast(x.shape, shape):
        raise ValueError(
            f"Cannot broadcast a tensor of shape {dims.to_public(x.shape)} to {shape}."
        )
    return Abstract(shape, x.dtype)


@broadcast_to.vjp()
def _(g: Tensor, x_shape: Shape) -> Tensor:
    # y[i, j] = x[0, j] for all i, so dL/dx[0, j] = sum of g[i, j] over i
    return sum_to(g, shape=x_shape)


@primitive(elementwise)
def sum_to(xp: ArrayModule, x: Array, *, shape: Shape) -> Array:
    """Sum over the axes along which `broadcast_to` would repeat, down to a shape."""
    extra = x.ndim - len(shape)
    stretched = tuple(i + extra for i, size in enumerate(shape) if size == 1)
    axes = tuple(range(extra)) + tuple(i for i in stretched if x.shape[i] != 1)
    return x.sum(axis=axes, dtype=x.dtype).reshape(shape)


@sum_to.shape_rule
def _(x: Abstract, *, shape: Shape) -> Abstract:
    return Abstract(shape, x.dtype)


@sum_to.vjp()
def _(g: Tensor, x_shape: Shape) -> Tensor:
    # y[0, j] = sum of x[i, j] over i, so dL/dx[i, j] = g[0, j] for all i
    extra = (1,) * (len(x_shape) - g.ndim)
    return broadcast_to(reshaped(g, shape=extra + g.shape), shape=x_shape)


@primitive(moving)
def reshaped(xp: ArrayModule, x: Array, *, shape: Shape) -> Array:
    """The same elements in another shape."""
    return x.reshape(shape)


@reshaped.vjp()
def _(g: Tensor, x_shape: Shape) -> Tensor:
    return reshaped(g, shape=x_shape)


@reshaped.shape_rule
def _(x: Abstract, *, shape: Shape) -> Abstract:
    return Abstract(shape, x.dtype)


@primitive(stacking, variadic=True)
def stacked(xp: ArrayModule, *xs: Array, axis: int = 0) -> Array:
    """Tensors of one shape along a new axis of one tensor."""
    return xp.stack(xs, axis=axis)


@stacked.vjp_all
def _(g: Tensor, axis: int) -> list[Tensor]:
    return [g[(*[slice(None)] * axis, i)] for i in range(g.shape[axis])]


def stacked_nest(nest: Sequence[Any]) -> Any:
    """Return nested lists with tensors in them as one tensor, made where these lie."""
    within = [isinstance(part, (List, Tuple)) and holds_tensors(part) for part in nest]
    return stacked([stacked_nest(p) if deep else p for p, deep in zip(nest, within, strict=True)])


mechanism.cast, mechanism.sum_to, mechanism.stacked_nest = cast, sum_to, stacked_nest
