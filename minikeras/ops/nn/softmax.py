"""What networks need beside activations and windows: softmax, encodings of classes, dense."""

import warnings

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, elementwise, floating, same, to_float
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.types import Axes
from minikeras.kernels.shared import activations as kernels
from minikeras.kernels.shared import dense as dense_kernels
from minikeras.ops.elementwise import exponential
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.exponential import exp, log10
from minikeras.ops.elementwise.extremes import maximum
from minikeras.ops.indexing.sorting import sort
from minikeras.ops.linalg.products import matmul
from minikeras.ops.nn import activation
from minikeras.ops.reductions.cumulative import cumsum
from minikeras.ops.reductions.sums import mean, sum


@op
@described(floating.texts)
def sigmoid(x):
    """Logistic function `1 / (1 + exp(-x))` of each element.

    The result remembers `x`, so that `binary_crossentropy` of it is computed from the logits.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sigmoid([0.0, 1000.0]).tolist()
        [0.5, 1.0]
    """
    x = convert_to_tensor(x)
    return _remembering(exponential.sigmoid(x), x)


@op
@described(floating.texts)
def softmax(x, axis: Axes = -1):
    """Turn logits into probabilities: exponentials divided by their sum.

    The result remembers `x`, so that a cross-entropy of it is computed from the logits.

    Equations (crossentropy.softmax):
        power = exp(x - max(x, axis=-1, keepdims=True))
        y = power / sum(power, axis=-1, keepdims=True)

    Equations (crossentropy.softmax_backward):
        dx = y * (g - sum(g * y, axis=-1, keepdims=True))

    Args:
        axis: int, tuple of ints, or None for all axes, along which the result adds up to one.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.softmax([1000.0, 1000.0]).tolist()
        [0.5, 0.5]
    """
    x = convert_to_tensor(x)
    y = softmax_along(x, axis=axis)
    if isinstance(axis, int) and x.ndim and x.shape[axis] == 1:
        warnings.warn(
            "A softmax over an axis of size 1 is 1 everywhere: for one output alone use a "
            f"sigmoid. Received: axis={axis} for x.shape={dims.to_public(x.shape)}",
            stacklevel=2,
        )
    return y if isinstance(axis, (tuple, list)) else _remembering(y, x)


def _remembering(y, logits):
    """Note on a tensor of probabilities what they were made of."""
    if isinstance(y, Tensor):
        y._keras_logits = logits
    return y


@primitive(floating, name="softmax")
def softmax_along(xp, x, *, axis=-1):
    """Softmax whose result does not remember its logits."""
    return kernels.softmax(xp, x, axis=_as_axis(axis))


@softmax_along.vjp()
def _(g, y, axis):
    return y * (g - sum(g * y, axis=axis, keepdims=True))


@primitive(floating)
def log_softmax(xp, x, *, axis=-1):
    """Logarithm of the softmax, exact also where the softmax is too small for its dtype.

    Equations (crossentropy.log_softmax):
        shifted = x - max(x, axis=-1, keepdims=True)
        y = shifted - log(sum(exp(shifted), axis=-1, keepdims=True))

    Equations (crossentropy.log_softmax_backward):
        dx = g - exp(y) * sum(g, axis=-1, keepdims=True)

    Args:
        axis: int, tuple of ints, or None for all axes.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.log_softmax([0.0, -1000.0]).tolist()
        [0.0, -1000.0]
    """
    return kernels.log_softmax(xp, x, axis=_as_axis(axis))


@log_softmax.vjp()
def _(g, y, axis):
    return g - exp(y) * sum(g, axis=axis, keepdims=True)


@softmax_along.shape_rule
@log_softmax.shape_rule
def _(x, *, axis):
    dims.normalize_axes(axis, x.ndim)
    return x


def _as_axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


@op
def sparsemax(x, axis=-1):
    """Probabilities with exact zeros, computed as Keras computes them.

    The threshold is Keras's: the cumulative sums of the sorted logits over the support, added up,
    less one, divided by the size of the support. Where the support has one element this is the
    projection onto the simplex of Martins and Astudillo, "From Softmax to Sparsemax" (2016).

    Args:
        x: float tensor of rank 1 or more; integers become the default float type.
        axis: int, the axis of the classes.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.sparsemax([3.0, 1.0, 0.0]).tolist()
        [1.0, 0.0, 0.0]
    """
    x = convert_to_tensor(x)
    falling = -sort(-x, axis=axis)
    sums = cumsum(falling, axis=axis)
    counts = cumsum(falling * 0.0 + 1.0, axis=axis)
    support = falling - (sums - 1) / counts > 0
    size = sum(cast(support, dtype=sums.dtype), axis=axis, keepdims=True)
    cut = (sum(where(support, sums, 0.0), axis=axis, keepdims=True) - 1) / size
    return maximum(x - cut, 0.0)


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Turn class numbers into vectors with a single one.

    Args:
        x: integer tensor of any shape; numbers outside `[0, num_classes)` give zeros.
        num_classes: int.
        axis: int, where in the result the classes lie.
        dtype: dtype name, float32 by default.
        sparse: bool, which must be False.

    Returns:
        A tensor with one axis more than `x`.

    Raises:
        ValueError: if `sparse` is True, or the axis is out of range.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _one_hot(_classes(x, sparse), num_classes=num_classes, axis=axis, dtype=dtype)


@op
@described(one_hot)
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False):
    """Mark in one vector all the class numbers of a row.

    Args:
        inputs: integer tensor `(batch, ...)`, or of rank 1.
        axis: int, where the classes lie before the row's axis (axis 1, or 0 for rank 1) is joined.

    Returns:
        A tensor of the rank of `inputs`.

    Raises:
        ValueError: if `num_classes` is missing, or `sparse` is True.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if num_classes is None:
        raise ValueError(
            "`one_hot` needs `num_classes`, the size of the new axis. Received: num_classes=None"
        )
    return _multi_hot(_classes(inputs, sparse), num_classes=num_classes, axis=axis, dtype=dtype)


def _classes(x, sparse):
    if sparse:
        raise ValueError("Sparse tensors are not supported: pass `sparse=False`.")
    x = convert_to_tensor(x)
    return x if dtypes.is_integer(x.dtype) else cast(x, dtype="int64")


@primitive(elementwise)
def _one_hot(xp, x, *, num_classes, axis=-1, dtype=None):
    return _matches(xp, x, num_classes, axis).astype(dtypes.standardize(dtype or "float32"))


@_one_hot.shape_rule
def _(x, *, num_classes, axis, dtype):
    place = dims.normalize_axis(axis, x.ndim + 1)
    shape = (*x.shape[:place], num_classes, *x.shape[place:])
    return Abstract(shape, dtypes.standardize(dtype or "float32"))


@primitive(elementwise)
def _multi_hot(xp, x, *, num_classes, axis=-1, dtype=None):
    is_present = _matches(xp, x, num_classes, axis).any(axis=min(x.ndim, 2) - 1)
    return is_present.astype(dtypes.standardize(dtype or "float32"))


@_multi_hot.shape_rule
def _(x, *, num_classes, axis, dtype):
    place = dims.normalize_axis(axis, x.ndim + 1)
    shape = [*x.shape[:place], num_classes, *x.shape[place:]]
    del shape[min(x.ndim, 2) - 1]
    return Abstract(shape, dtypes.standardize(dtype or "float32"))


def _matches(xp, x, num_classes, axis):
    """Where each class number equals each class."""
    return xp.moveaxis(x[..., None] == xp.arange(num_classes), -1, axis)


@op
def _dense_reference(x, kernel, bias=None, relu=False):
    """Multiply the last axis by a kernel, add a bias, and apply ReLU if asked to.

    With all axes of `x` but the last taken as one, it computes, and passes back:

    Equations (dense.dense):
        y = x @ kernel + bias  # (batch, inputs) @ (inputs, units) + (units,): (batch, units)

    Equations (dense.dense_backward):
        dx = g @ kernel.T  # (batch, units) @ (units, inputs): (batch, inputs)
        dkernel = x.T @ g  # (inputs, batch) @ (batch, units): (inputs, units)
        dbias = sum(g, axis=0)  # (units,)

    Args:
        x: float tensor `(..., inputs)`.
        kernel: float tensor `(inputs, units)`.
        bias: float tensor `(units,)`, or None.
        relu: bool, whether to apply ReLU.

    Returns:
        A float tensor `(..., units)`.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.dense([[1.0, 2.0]], [[3.0], [4.0]], [0.5]).tolist()
        [[11.5]]
    """
    y = matmul(x, kernel)
    y = y if bias is None else y + bias
    return activation.relu(y) if relu else y


dense = fused(
    "dense",
    reference=_dense_reference,
    forward=dense_kernels.dense,
    backward=dense_kernels.dense_backward,
    family=Family(to_float, same, None),
)


@dense.shape_rule
def _(x, kernel, bias=None, relu=False):
    fits = x.ndim and kernel.ndim == 2 and (bias is None or bias.shape == kernel.shape[1:])
    if not fits or (x.shape[-1] != kernel.shape[0] and not isinstance(x.shape[-1], Dim)):
        shown = None if bias is None else dims.to_public(bias.shape)
        raise ValueError(
            "Expected x of shape (..., inputs), kernel (inputs, units) and bias (units,). "
            f"Received: x.shape={dims.to_public(x.shape)}, "
            f"kernel.shape={dims.to_public(kernel.shape)}, bias.shape={shown}"
        )
    return Abstract((*x.shape[:-1], kernel.shape[1]), x.dtype)


@op
def psnr(x1, x2, max_val):
    """Peak signal-to-noise ratio of two signals, in decibels.

    `20 * log10(max_val) - 10 * log10(mean((x1 - x2)**2))`.

    Args:
        x1: float tensor of any shape; integers become the default float type.
        x2: float tensor of the same shape.
        max_val: number, the greatest value that a signal can have.

    Returns:
        A float tensor of rank 0.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.ops.psnr([0.0, 10.0], [10.0, 0.0], max_val=1.0)), 3)
        -20.0
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if not dims.may_be_equal(x1.shape, x2.shape):
        raise ValueError(
            f"`psnr` compares images of one shape. Received: x1.shape={dims.to_public(x1.shape)}, "
            f"x2.shape={dims.to_public(x2.shape)}"
        )
    peak = log10(convert_to_tensor(max_val, dtype=x2.dtype))
    return 20 * peak - 10 * log10(mean(square(x1 - x2)))


psnr.class_name = "PSNR"
