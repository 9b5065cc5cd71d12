"""Differences between neighbours and between points, and the areas under curves."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.ops.elementwise.arithmetic import square, subtract
from minikeras.ops.elementwise.comparison import not_equal
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import expand_dims, moveaxis


@op
@described(elementwise.texts)
def diff(a, n=1, axis=-1):
    """Subtract from each element the one before it.

    Args:
        a: tensor of rank 1 or more, of any dtype.
        n: int, how often.
        axis: int, the axis along which the elements follow each other.

    Returns:
        A tensor of the dtype of `a` with `n` elements fewer along the axis; of bools, whether
        neighbours differ.

    Raises:
        ValueError: if `n` is negative or `a` a scalar.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.diff([1, 3, 6, 10]).tolist()
        [2, 3, 4]
    """
    a = convert_to_tensor(a)
    if n < 0 or not a.ndim:
        raise ValueError(
            "`diff` takes a tensor of rank 1 or more, and an `n` that is not negative. "
            f"Received: a.shape={dims.to_public(a.shape)}, n={n}"
        )
    front = (slice(None),) * dims.normalize_axis(axis, a.ndim)
    compare = not_equal if a.dtype == "bool" else subtract
    for _ in range(n):
        a = compare(a[(*front, slice(1, None))], a[(*front, slice(None, -1))])
    return a


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """Integrate along an axis by the trapezoidal rule.

    Args:
        y: tensor of rank 1 or more, the values; integers become the default float type.
        x: tensor of the shape of `y`, or `(n,)`, of any dtype: where the values are; None for equal
            distances.
        dx: number, the distance between neighbours if `x` is None.
        axis: int, the axis to integrate along.

    Returns:
        A float tensor without the axis.

    Example:
        >>> import minikeras as keras
        >>> float(keras.ops.trapezoid([1.0, 2.0, 4.0], dx=2.0))
        9.0
    """
    y = convert_to_tensor(y)
    y = moveaxis(cast(y, dtype=dtypes.result_type(y.dtype, "float")), axis, -1)
    if x is not None:
        x = convert_to_tensor(x)
        dx = diff(cast(x if x.ndim == 1 else moveaxis(x, axis, -1), dtype=y.dtype))
    return sum_((y[..., 1:] + y[..., :-1]) / 2 * dx, axis=-1)


@op
def cdist(x, y):
    """Compute the distances between the points of two sets.

    Args:
        x: float tensor `(..., n, k)` of points.
        y: float tensor `(..., m, k)` of points.

    Returns:
        A tensor `(..., n, m)`.

    Raises:
        ValueError: if a rank is below 2 or the last sizes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
        [[5.0, 1.0]]
    """
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    if x.ndim < 2 or y.ndim < 2 or not dims.may_be_equal(x.shape[-1:], y.shape[-1:]):
        raise ValueError(
            "Inputs to `cdist` must have rank >= 2 and the same last size. Received: "
            f"x.shape={dims.to_public(x.shape)}, y.shape={dims.to_public(y.shape)}"
        )
    apart = expand_dims(x, axis=-2) - expand_dims(y, axis=-3)
    return sqrt(sum_(square(apart), axis=-1))


cdist.class_name = "CDist"
