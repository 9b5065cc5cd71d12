"""Trace and norms of vectors and matrices.

Source: Golub and Van Loan, "Matrix computations" (4th ed., 2013), sections 2.2 and 2.3.
"""

import math

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.linalg.decompositions import svd
from minikeras.ops.reductions.selection import max as max_
from minikeras.ops.reductions.selection import min as min_
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.diagonals import diagonal
from minikeras.ops.shapes.shaping import expand_dims, moveaxis


@op
@described(diagonal)
def trace(x, offset=0, axis1=0, axis2=1):
    """Sum a diagonal of the matrices that two axes span.

    Args:
        x: tensor `(..., n, m)` of any dtype.

    Returns:
        A tensor without the two axes; integers narrower than 32 bits are summed in 32.

    Example:
        >>> import minikeras as keras
        >>> int(keras.ops.trace([[1, 2], [3, 4]]))
        5
    """
    return sum_(diagonal(x, offset=offset, axis1=axis1, axis2=axis2), axis=-1)


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """Measure the length of vectors or the size of matrices.

    Args:
        x: float tensor of any shape; integers become the default float type.
        ord: which norm. For vectors a number `p`: the root of the sum of the absolute values to the
            power `p`; infinity and minus infinity for the largest and smallest one, 0 for how many
            are not 0. For matrices `"fro"`, `"nuc"` (sum of the singular values), 2 and -2 (largest
            and smallest singular value), 1 and -1 (largest and smallest sum of a column), infinity
            and minus infinity (of a row). By default the root of the sum of squares.
        axis: int for vectors, two ints for matrices; all axes by default.
        keepdims: bool, whether the axes stay, with size 1.

    Returns:
        A float tensor.

    Raises:
        ValueError: if the order does not fit the number of axes.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.norm([3.0, 4.0]))
        5.0
    """
    x = convert_to_tensor(x)
    x = x if dtypes.is_float(x.dtype) else cast(x, dtype=dtypes.result_type(x.dtype, "float"))
    axes = dims.normalize_axes(axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return sqrt(sum_(square(x), axis=axes, keepdims=keepdims))
    if len(axes) == 1 and not isinstance(ord, str):
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2 and ord in ("nuc", 1, -1, 2, -2, math.inf, -math.inf):
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(
        f"Invalid `ord` argument {ord!r} for a norm over {len(axes)} axes. Received: ord={ord}, "
        f"axis={axis}"
    )


def _vector_norm(x, order, axis, keepdims):
    size = abs(x)
    if order == math.inf:
        return max_(size, axis=axis, keepdims=keepdims)
    if order == -math.inf:
        return min_(size, axis=axis, keepdims=keepdims)
    if order == 0:
        return sum_(cast(x != 0, dtype=x.dtype), axis=axis, keepdims=keepdims)
    if order == 1:
        return sum_(size, axis=axis, keepdims=keepdims)
    return sum_(size**order, axis=axis, keepdims=keepdims) ** (1 / order)


def _matrix_norm(x, order, axes, keepdims):
    x = moveaxis(x, axes, (-2, -1))
    if order in ("nuc", 2, -2):
        values = svd(x, compute_uv=False)
        reduce = {"nuc": sum_, 2: max_, -2: min_}[order]
    else:
        values = sum_(abs(x), axis=-2 if abs(order) == 1 else -1)
        reduce = max_ if order > 0 else min_
    y = reduce(values, axis=-1)
    return expand_dims(y, axis=axes) if keepdims else y
