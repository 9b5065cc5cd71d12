"""Elementwise functions, reductions and products of tensors."""

from minikeras import ops
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.backend.variables import named_like


def _axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _reduction(op, text, arguments, result):
    @named_like(op, text, arguments, result)
    def reduce(x, axis=None, keepdims=False):
        return op(_floats_of_bools(x), axis=_axis(axis), keepdims=keepdims)

    return symbolic_function(reduce)


def _floats_of_bools(x):
    return ops.cast(x, "float32") if str(x.dtype) == "bool" else x


def _unary(op, text, arguments, result):
    @named_like(op, text, arguments, result)
    def apply(x):
        return op(x)

    return symbolic_function(apply)


def _binary(op, text, arguments, result):
    @named_like(op, text, arguments, result)
    def apply(x, y):
        return op(x, y)

    return symbolic_function(apply)


sum = _reduction(
    ops.sum, "Sum over axes.", "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=0", "[4.0, 6.0]"
)
prod = _reduction(
    ops.prod, "Product over axes.", "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=1", "[2.0, 12.0]"
)
mean = _reduction(
    ops.mean,
    "Mean over axes; that of bools is a float.",
    "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=1",
    "[1.5, 3.5]",
)
max = _reduction(
    ops.max,
    "Largest element over axes.",
    "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=0",
    "[3.0, 4.0]",
)
min = _reduction(
    ops.min,
    "Smallest element over axes.",
    "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=0",
    "[1.0, 2.0]",
)
std = _reduction(
    ops.std,
    "Standard deviation over axes.",
    "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=1",
    "[0.5, 0.5]",
)
var = _reduction(
    ops.var, "Variance over axes.", "K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=1", "[0.25, 0.25]"
)
logsumexp = _reduction(
    ops.logsumexp,
    "Logarithm of the sum of exponentials over axes.",
    "K.constant([0.0, 0.0])",
    "0.6931471824645996",
)
any = _reduction(
    ops.any,
    "Whether any element over axes is not zero.",
    "K.equal(K.constant([1.0, 2.0]), 1.0)",
    "True",
)
all = _reduction(
    ops.all,
    "Whether all elements over axes are not zero.",
    "K.equal(K.constant([1.0, 2.0]), 1.0)",
    "False",
)

square = _unary(ops.square, "Elementwise square.", "K.constant([-1.0, 0.5])", "[1.0, 0.25]")
exp = _unary(ops.exp, "Elementwise exponential.", "K.constant([0.0])", "[1.0]")
log = _unary(ops.log, "Elementwise natural logarithm.", "K.constant([1.0])", "[0.0]")
round = _unary(
    ops.round, "Elementwise rounding, halves to even.", "K.constant([1.4, 2.5])", "[1.0, 2.0]"
)
sign = _unary(ops.sign, "Elementwise sign.", "K.constant([-1.0, 0.5])", "[-1.0, 1.0]")
sin = _unary(ops.sin, "Elementwise sine.", "K.constant([0.0])", "[0.0]")
cos = _unary(ops.cos, "Elementwise cosine.", "K.constant([0.0])", "[1.0]")


@symbolic_function
def identity(x, name=None):
    """The same values.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.identity(K.constant([-1.0, 0.5]))).tolist()
        [-1.0, 0.5]
    """
    return ops.convert_to_tensor(x)


maximum = _binary(
    ops.maximum, "Elementwise larger value.", "K.constant([-1.0, 0.5]), 0.0", "[0.0, 0.5]"
)
minimum = _binary(
    ops.minimum, "Elementwise smaller value.", "K.constant([-1.0, 0.5]), 0.0", "[-1.0, 0.0]"
)
equal = _binary(
    ops.equal,
    "Elementwise equality, a bool tensor.",
    "K.constant([-1.0, 0.5]), 0.5",
    "[False, True]",
)
not_equal = _binary(
    ops.not_equal,
    "Elementwise inequality, a bool tensor.",
    "K.constant([-1.0, 0.5]), 0.5",
    "[True, False]",
)
greater = _binary(
    ops.greater, "Elementwise `x > y`.", "K.constant([-1.0, 0.5]), 0.5", "[False, False]"
)
greater_equal = _binary(
    ops.greater_equal, "Elementwise `x >= y`.", "K.constant([-1.0, 0.5]), 0.5", "[False, True]"
)
less = lesser = _binary(
    ops.less, "Elementwise `x < y`.", "K.constant([-1.0, 0.5]), 0.5", "[True, False]"
)
less_equal = lesser_equal = _binary(
    ops.less_equal, "Elementwise `x <= y`.", "K.constant([-1.0, 0.5]), 0.5", "[True, True]"
)


@symbolic_function
def sqrt(x):
    """Elementwise square root; negative numbers count as zero.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.sqrt(K.constant([4.0, -1.0]))).tolist()
        [2.0, 0.0]
    """
    return ops.sqrt(ops.maximum(x, 0))


@symbolic_function
def pow(x, a):
    """Elementwise power `x ** a`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.pow(K.constant([2.0, 3.0]), 2)).tolist()
        [4.0, 9.0]
    """
    return ops.power(x, a)


@symbolic_function
def clip(x, min_value, max_value):
    """Elementwise clipping to an interval; a `max_value` below `min_value` counts as that.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.clip(K.constant([-1.0, 0.5]), 0.0, 0.25)).tolist()
        [0.0, 0.25]
    """
    if isinstance(min_value, (int, float)) and isinstance(max_value, (int, float)):
        max_value = max_value if max_value > min_value else min_value
    low = float("-inf") if min_value is None else min_value
    high = float("inf") if max_value is None else max_value
    return ops.minimum(ops.maximum(x, low), high)


@symbolic_function
def argmax(x, axis=-1):
    """Index of the largest element along an axis, int64.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.argmax(K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=-1)).tolist()
        [1, 1]
    """
    return ops.cast(ops.argmax(x, axis=axis), "int64")


@symbolic_function
def argmin(x, axis=-1):
    """Index of the smallest element along an axis, int64.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.argmin(K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=-1)).tolist()
        [0, 0]
    """
    return ops.cast(ops.argmin(x, axis=axis), "int64")


@symbolic_function
def cumsum(x, axis=0):
    """Cumulative sum along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.cumsum(K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=0)).tolist()
        [[1.0, 2.0], [4.0, 6.0]]
    """
    return ops.cumsum(x, axis=axis)


@symbolic_function
def cumprod(x, axis=0):
    """Cumulative product along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.cumprod(K.constant([[1.0, 2.0], [3.0, 4.0]]), axis=0)).tolist()
        [[1.0, 2.0], [3.0, 8.0]]
    """
    return ops.cumprod(x, axis=axis)


@symbolic_function
def transpose(x):
    """Reverse the axes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.transpose(K.constant([[1.0, 2.0], [3.0, 4.0]]))).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return ops.transpose(x)


@symbolic_function
def cast(x, dtype):
    """Cast to a dtype.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.cast(K.constant([-1.0, 0.5]), "int32")).tolist()
        [-1, 0]
    """
    return ops.cast(x, dtype)


@symbolic_function
def stop_gradient(variables):
    """The same values, as constants to every gradient.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.stop_gradient(K.constant([-1.0, 0.5]))).tolist()
        [-1.0, 0.5]
    """
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(v) for v in variables]
    return ops.stop_gradient(variables)


for _function in (stop_gradient, round):
    _function.__wrapped__.is_constant = True


@symbolic_function
def abs(x):
    """Elementwise absolute value.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.abs(K.constant([-1.0, 0.5]))).tolist()
        [1.0, 0.5]
    """
    return ops.absolute(x)
