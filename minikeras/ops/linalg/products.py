"""Products of matrices and tensors.

A product with one matrix for all of a batch is one multiplication of matrices: the axes in front
are joined first. Gradients of products are products again, so they have gradients of any order.
"""

from typing import Any

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, same, to_common
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.products import matrix_product
from minikeras.ops.shapes.shaping import (
    concatenate,
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
)

products = Family(to_common, same, None, broadcasts=True)
"""Sums of products of two inputs."""


@primitive(products)
def matmul(xp, x1, x2):
    """Multiply matrices.

    Args:
        x1: tensor of any dtype, `(..., n, k)`, or a vector `(k,)`.
        x2: tensor of any dtype, `(..., k, m)`, or a vector `(k,)`; the axes in front are broadcast.

    Returns:
        A tensor `(..., n, m)`, without the axis of a vector. Products of int8 matrices are int32.

    Raises:
        ValueError: if the inner sizes differ, or an input is a scalar.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.matmul([[1, 2], [3, 4]], [[1, 0], [1, 1]]).tolist()
        [[3, 2], [7, 4]]
    """
    wide = x1.dtype == "int8" and x1.ndim > 1 and x2.ndim > 1
    return matrix_product(xp, x1, x2, "int32" if wide else x1.dtype)


@matmul.shape_rule
def _(x1, x2):
    a, b = x1.shape, x2.shape
    if not a or not b:
        raise ValueError(f"matmul takes tensors of rank 1 or more. Received shapes {a} and {b}.")
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner and not isinstance(a[-1], Dim) and not isinstance(inner, Dim):
        raise ValueError(
            "Inner dimensions (`x1.shape[-1]` and `x2.shape[-2]`) must be equal, but received "
            f"x1.shape={dims.to_public(a)} and x2.shape={dims.to_public(b)}"
        )
    wide = x1.dtype == "int8" and len(a) > 1 and len(b) > 1
    shape = [*dims.broadcast(a[:-2], b[:-2]), *a[-2:-1], *(b[-1:] if len(b) > 1 else ())]
    return Abstract(shape, "int32" if wide else x1.dtype)


@matmul.vjp("x1")
def _(g, x2, x1_shape):
    rows, columns = _rows(g, x1_shape, x2.shape), _columns(x2)
    product = matmul(rows, swapaxes(columns, -1, -2))
    return product if len(x1_shape) > 1 else squeeze(product, axis=-2)


@matmul.vjp("x2")
def _(g, x1, x2_shape):
    rows = x1 if x1.ndim > 1 else expand_dims(x1, axis=0)
    g = _rows(g, x1.shape, x2_shape)
    if len(x2_shape) < 3 and rows.ndim > 2:
        rows, g = reshape(rows, (-1, rows.shape[-1])), reshape(g, (-1, g.shape[-1]))
    product = matmul(swapaxes(rows, -1, -2), g)
    return product if len(x2_shape) > 1 else squeeze(product, axis=-1)


def _rows(g, x1_shape, x2_shape):
    """The gradient of a product with the axes that vectors lack."""
    if len(x2_shape) == 1:
        g = expand_dims(g, axis=-1)
    return g if len(x1_shape) > 1 else expand_dims(g, axis=-2)


def _columns(x2):
    return x2 if x2.ndim > 1 else expand_dims(x2, axis=-1)


@primitive(products)
def contract(xp, x1, x2):
    """Multiply matrices `(n, k)` and `(k, m)` in a dtype that stays, int8 too."""
    return matrix_product(xp, x1, x2, x1.dtype)


@contract.vjp("x1")
def _(g, x2):
    return contract(g, transpose(x2))


@contract.vjp("x2")
def _(g, x1):
    return contract(transpose(x1), g)


@contract.shape_rule
def _(x1, x2):
    _check_inner(x1, x2)
    return Abstract((x1.shape[0], x2.shape[1]), x1.dtype)


def _check_inner(x1, x2):
    inner, other = x1.shape[1], x2.shape[0]
    if inner != other and not isinstance(inner, Dim) and not isinstance(other, Dim):
        raise ValueError(f"The axes to sum over must have one size, but have {inner} and {other}.")


@op
def tensordot(x1, x2, axes: Any = 2):
    """Multiply two tensors and sum over pairs of axes.

    Args:
        x1: tensor of any shape and dtype.
        x2: tensor of any shape and dtype.
        axes: int, how many of the last axes of `x1` meet as many first axes of `x2`; or a pair of
            an int or list of ints for `x1` and as many for `x2`.

    Returns:
        A tensor with the remaining axes of `x1`, then those of `x2`.

    Raises:
        ValueError: if the sizes of a pair differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.tensordot([[1, 2], [3, 4]], [10, 1], axes=1).tolist()
        [12, 34]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    summed1, summed2 = _paired_axes(axes, x1.ndim, x2.ndim)
    kept1 = [i for i in range(x1.ndim) if i not in summed1]
    kept2 = [i for i in range(x2.ndim) if i not in summed2]
    rest = [x1.shape[i] for i in kept1] + [x2.shape[i] for i in kept2]
    rows = dims.product([x1.shape[i] for i in kept1])
    columns = dims.product([x2.shape[i] for i in kept2])
    a = reshape(transpose(x1, axes=(*kept1, *summed1)), (rows, _sum_size(x1, summed1)))
    b = reshape(transpose(x2, axes=(*summed2, *kept2)), (_sum_size(x2, summed2), columns))
    return reshape(contract(a, b), rest)


def _sum_size(x, axes):
    return dims.product([x.shape[i] for i in axes])


def _paired_axes(axes, rank1, rank2):
    """The axes to sum over of either input, from the front."""
    if isinstance(axes, int):
        if not 0 <= axes <= min(rank1, rank2):
            raise ValueError(
                f"`axes` must be a number of axes that both tensors have, from 0 to "
                f"{min(rank1, rank2)}. Received: axes={axes}"
            )
        return tuple(range(rank1 - axes, rank1)), tuple(range(axes))
    first, second = axes
    pair = dims.normalize_axes(first, rank1), dims.normalize_axes(second, rank2)
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f"As many axes of x1 as of x2 are needed. Received: axes={axes}")
    return pair


@op
@described(tensordot)
def dot(x1, x2):
    """Sum products over the last axis of `x1` and the last but one (or only) axis of `x2`.

    Args:
        x2: tensor of any shape and dtype; with a scalar the product is element by element.

    Returns:
        A tensor with the remaining axes of `x1`, then those of `x2`.

    Raises:
        ValueError: if the sizes to sum over differ.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.dot([1, 2], [3, 4]))
        11
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if not x1.ndim or not x2.ndim:
        return x1 * x2
    return tensordot(x1, x2, axes=(-1, -2 if x2.ndim > 1 else -1))


@op
@described(dot)
def inner(x1, x2):
    """Sum products over the last axes of both inputs.

    Returns:
        A tensor with the remaining axes of `x1`, then those of `x2`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.inner([[1, 2], [3, 4]], [1, 1]).tolist()
        [3, 7]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    return x1 * x2 if not x1.ndim or not x2.ndim else tensordot(x1, x2, axes=(-1, -1))


@op
@described(tensordot)
def vdot(x1, x2):
    """Sum the products of all elements.

    Args:
        x2: tensor of any shape and dtype with as many elements.

    Returns:
        A scalar tensor.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.vdot([[1, 2], [3, 4]], [[1, 1], [1, 0]]))
        6
    """
    return dot(ravel(x1), ravel(x2))


@op
def outer(x1, x2):
    """Multiply every element of one tensor with every element of the other.

    Args:
        x1: tensor of any shape and dtype with `n` elements.
        x2: tensor of any shape and dtype with `m` elements.

    Returns:
        A tensor `(n, m)`.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.outer([1, 2], [3, 4]).tolist()
        [[3, 4], [6, 8]]
    """
    column, row = expand_dims(ravel(x1), axis=1), expand_dims(ravel(x2), axis=0)
    return contract(column, row) if column.dtype == row.dtype == "bool" else column * row


@op
def kron(x1, x2):
    """Put a copy of `x2` in place of every element of `x1`, multiplied by it.

    Args:
        x1: tensor of any shape and dtype (a bool only beside a number).
        x2: tensor of any shape and dtype; the input of lower rank gets axes of size 1 in front.

    Returns:
        A tensor whose sizes are the products of the inputs' sizes.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.kron([1, 10], [1, 2]).tolist()
        [1, 2, 10, 20]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    rank = max(x1.ndim, x2.ndim)
    sizes1 = [1] * (rank - x1.ndim) + list(x1.shape)
    sizes2 = [1] * (rank - x2.ndim) + list(x2.shape)
    blocks = reshape(x1, [part for size in sizes1 for part in (size, 1)])
    inside = reshape(x2, [part for size in sizes2 for part in (1, size)])
    return reshape(blocks * inside, [a * b for a, b in zip(sizes1, sizes2, strict=True)])


@op
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The vector product of vectors in space.

    Args:
        x1: tensor of any dtype and shape whose axis `axisa` has size 3, or 2 for vectors in the
            plane.
        x2: tensor of any dtype and shape whose axis `axisb` has size 3 or 2; the other axes are
            broadcast.
        axisa: int.
        axisb: int.
        axisc: int, where the vectors' axis stands in the result.
        axis: int that takes the place of the three above.

    Returns:
        A tensor; for two inputs of vectors in the plane only the component that leaves it.

    Raises:
        ValueError: if a vector has neither 2 nor 3 components.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cross([1, 0, 0], [0, 1, 0]).tolist()
        [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    for vectors in (a, b):
        if vectors.shape[-1] not in (2, 3) and not isinstance(vectors.shape[-1], Dim):
            raise ValueError(
                "The vectors of `x1` and `x2` must have 2 or 3 components. Received shapes: "
                f"{dims.to_public(a.shape)} and {dims.to_public(b.shape)}, vectors last."
            )
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    (a0, a1, a2), (b0, b1, b2) = _in_space(a), _in_space(b)
    components = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return moveaxis(stack(components, axis=-1), -1, axisc)


def _in_space(vectors):
    if vectors.shape[-1] == 2:
        vectors = concatenate([vectors, vectors[..., :1] * 0], axis=-1)
    return [vectors[..., i] for i in range(3)]
