"""Random draws over tensors: the functions of `keras.random`.

The numbers come from `arrays.random`, the seeds from `ops.seeds`. While only shapes are being
worked out, a draw answers with a shape and no generator steps on.
"""

import numpy as np

from minikeras.arrays import device, rejection
from minikeras.arrays import random as draws
from minikeras.autograd import symbolic
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.ops.indexing.lookup import take
from minikeras.ops.random.seeds import draw_seed

DRAW = {
    "shape": "tuple of ints.",
    "dtype": "float dtype name; the default float type if None.",
    "seed": "int (the same numbers each time), `SeedGenerator`, or None for the global generator.",
}


@described(DRAW)
def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Draw numbers that are equally likely anywhere in `[minval, maxval)`.

    Args:
        minval: lower bound, a number or a float tensor that broadcasts to `shape`.
        maxval: upper bound, a number or a float tensor likewise.

    Returns:
        A tensor of `shape` and `dtype`; gradients reach bounds that are tensors.

    Raises:
        ValueError: if the dtype is no float type or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.uniform((2,), seed=1).tolist()
        [0.878488, 0.459980]
    """
    dtype = _float_name("uniform", dtype)
    low, high = _bound(minval), _bound(maxval)
    if _are_numbers(low, high):
        return _drawn(draws.uniform, shape, dtype, seed, low, high)
    low, high = convert_to_tensor(low, dtype=dtype), convert_to_tensor(high, dtype=dtype)
    return _drawn(draws.uniform, shape, dtype, seed) * (high - low) + low


@described(DRAW)
def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw numbers from a normal distribution.

    Args:
        mean: a number or a float tensor that broadcasts to `shape`.
        stddev: standard deviation, a number or a float tensor likewise.

    Returns:
        A tensor of `shape` and `dtype`; gradients reach a mean or deviation that is a tensor.

    Raises:
        ValueError: if the dtype is no float type or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.normal((2,), seed=1).shape
        (2,)
    """
    return _scaled("normal", draws.normal, shape, mean, stddev, dtype, seed)


@described(DRAW)
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw normal numbers less than two standard deviations from the mean.

    Args:
        mean: mean before truncation, a number or a float tensor that broadcasts to `shape`.
        stddev: standard deviation before truncation, a number or a float tensor likewise.

    Returns:
        A tensor of `shape` and `dtype`; gradients reach a mean or deviation that is a tensor.

    Raises:
        ValueError: if the dtype is no float type or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> bool(keras.ops.max(keras.random.truncated_normal((1000,), seed=1)) < 2.0)
        True
    """
    return _scaled("truncated_normal", draws.truncated_normal, shape, mean, stddev, dtype, seed)


@described(DRAW)
def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Draw integers that are equally likely anywhere in `[minval, maxval)`.

    Args:
        minval: lower bound, an int.
        maxval: upper bound, an int above `minval`.
        dtype: integer dtype name.

    Returns:
        A tensor of `shape` and `dtype`.

    Raises:
        ValueError: if the dtype is no integer type, the range is empty, or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.randint((3,), 4, 5, seed=1).tolist()
        [4, 4, 4]
    """
    dtype = dtypes.standardize(dtype)
    if not dtypes.is_integer(dtype):
        raise ValueError(
            "`randint` draws whole numbers: `dtype` must be an integer type, such as 'int32'. "
            f"Received: dtype={dtype}"
        )
    low, high = int(minval), int(maxval)
    if not low < high or low != minval or high != maxval:
        raise ValueError(
            "`minval` and `maxval` must be integers, and `maxval` the larger one. "
            f"Received: minval={minval}, maxval={maxval}"
        )
    return _drawn(draws.randint, shape, dtype, seed, low, high)


@described(DRAW)
def gamma(shape, alpha, dtype=None, seed=None):
    """Draw numbers from a gamma distribution of unit scale.

    Args:
        alpha: concentration, a positive number or a float tensor whose shape ends `shape`.

    Returns:
        A tensor of `shape` and `dtype`, a constant for gradients.

    Raises:
        ValueError: if the dtype is no float type, `shape` does not end with the shape of `alpha`,
            or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.gamma((2,), 2.0, seed=1).tolist()
        [3.049271, 1.966024]
    """
    dtype = _float_name("gamma", dtype)
    return _drawn(rejection.gamma, shape, dtype, seed, _array(alpha))


@described(DRAW)
def beta(shape, alpha, beta, dtype=None, seed=None):
    """Draw numbers from a beta distribution.

    Args:
        alpha: first concentration, a positive number or a float tensor that broadcasts to `shape`.
        beta: second concentration, a positive number or a float tensor likewise.

    Returns:
        A tensor of `shape` and `dtype` with values from 0 to 1, a constant for gradients.

    Raises:
        ValueError: if the dtype is no float type or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.beta((2,), 2.0, 3.0, seed=1).tolist()
        [0.424144, 0.464593]
    """
    dtype = _float_name("beta", dtype)
    return _drawn(rejection.beta, shape, dtype, seed, _array(alpha), _array(beta))


@described(DRAW)
def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Draw how many of a number of independent trials succeed.

    Args:
        counts: number of trials, a number or a tensor.
        probabilities: chance of success of one trial, a number or a tensor; its shape and that of
            `counts` broadcast to a shape that ends `shape`.
        dtype: dtype name of the result; the default float type if None.

    Returns:
        A tensor of `shape` and `dtype`, a constant for gradients.

    Raises:
        ValueError: if the shapes do not fit or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.binomial((2,), 5, 0.5, seed=1).tolist()
        [1.0, 2.0]
    """
    dtype = dtypes.standardize(dtype)
    chance = probabilities
    if not hasattr(chance, "as_operand") and not isinstance(chance, Tensor):
        chance = convert_to_tensor(chance, dtype="float32")
    return _drawn(rejection.binomial, shape, dtype, seed, _array(counts), _array(chance))


@described(DRAW)
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Draw class numbers from unnormalized log-probabilities.

    Args:
        logits: float tensor of shape (batch, classes).
        num_samples: int, the draws for each row.
        dtype: dtype name of the result.

    Returns:
        A tensor of shape (batch, num_samples).

    Raises:
        ValueError: if `logits` is not of rank 2 or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.categorical([[0.0, -100.0]], 3, seed=1).tolist()
        [[0, 0, 0]]
    """
    logits = convert_to_tensor(logits)
    if logits.ndim != 2:
        raise ValueError(
            "`logits` must be (batch, classes). Received: "
            f"logits.shape={dims.to_public(logits.shape)}"
        )
    shape, dtype = (logits.shape[0], num_samples), dtypes.standardize(dtype)
    if is_declared(shape):
        return Abstract(shape, dtype)
    return _classes(logits, num_samples, dtype, seed)


@op
@described(DRAW)
def shuffle(x, axis=0, seed=None):
    """Put the slices of a tensor along one axis into a random order.

    Args:
        x: tensor of any shape and dtype.
        axis: int, the axis whose slices change places.
        seed: int (the same order each time), `SeedGenerator`, or None for the global generator.

    Returns:
        A tensor of the shape and dtype of `x`; gradients reach `x`.

    Raises:
        ValueError: if the axis is out of range or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.shuffle([1, 2, 3], seed=1).tolist()
        [2, 3, 1]
    """
    x = convert_to_tensor(x)
    axis = dims.normalize_axis(axis, x.ndim)
    if is_declared(x.shape):
        return Abstract(x.shape, x.dtype)
    order = _order(device.namespace(x.data), x.shape[axis], seed)
    return take(x, order, axis=axis)


def _scaled(name, draw, shape, mean, stddev, dtype, seed):
    """Draw from a distribution and bring it to a mean and deviation."""
    dtype = _float_name(name, dtype)
    if _are_numbers(mean, stddev):
        return _drawn(draw, shape, dtype, seed, mean, stddev)
    mean, stddev = convert_to_tensor(mean, dtype=dtype), convert_to_tensor(stddev, dtype=dtype)
    return _drawn(draw, shape, dtype, seed) * stddev + mean


@replayed
def _drawn(draw, shape, dtype, seed, *parameters):
    """Call a draw of arrays with the next seed, or answer with a shape."""
    shape = dims.as_sizes(shape)
    if is_declared(shape):
        return Abstract(shape, dtype)
    pair = draws.fold_seed(draw_seed(seed))
    return Tensor(draw(device.namespace(None), pair, shape, *parameters, dtype=dtype))


@replayed
def _classes(logits, num_samples, dtype, seed):
    pair = draws.fold_seed(draw_seed(seed))
    xp = device.namespace(logits.data)
    return Tensor(draws.categorical(xp, pair, logits.data, num_samples, dtype))


@replayed
def _order(xp, length, seed):
    return Tensor(draws.permutation(xp, draws.fold_seed(draw_seed(seed)), length))


def is_declared(shape):
    """Whether a draw of this shape answers with the shape alone."""
    return symbolic.in_abstract_scope() or not dims.is_known(shape)


def _float_name(function, dtype):
    name = dtypes.standardize(dtype)
    if not dtypes.is_float(name):
        raise ValueError(
            f"`keras.random.{function}` requires a floating point `dtype`. Received: dtype={name}"
        )
    return name


def _are_numbers(*values):
    return all(isinstance(value, (int, float)) for value in values)


def _bound(value):
    """A bound as Keras takes it: a Python float passes through float32, whatever the dtype."""
    return float(np.float32(value)) if isinstance(value, float) else value


def _array(value):
    """The array of a parameter of a draw; scalars stay scalars."""
    return value if isinstance(value, (int, float)) else convert_to_tensor(value).data
