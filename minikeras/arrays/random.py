"""The random draws of Keras on TensorFlow, as pure functions of a seed pair.

Each draw takes the array module first, so one body serves NumPy and CuPy, then `seed`, a pair of
Python ints that names a stream of Philox blocks (see `philox`). Nothing is remembered between
calls: the same arguments give the same numbers. Which word of the stream makes which sample is what
TensorFlow does on a CPU, so integer, uniform, mask and shuffle draws equal its own bit for bit, and
draws that need a logarithm, sine or power equal it to the last place or two of the dtype.

Gamma, beta and binomial draws live in `rejection`, the orders of `fit` in `order`. TensorFlow
splits a large batch of `categorical` rows over its threads in a way that changes the numbers; ours
are those of one thread.
"""

import math
from typing import Any

import numpy as np

from minikeras.arrays import philox

# Blocks that a group of truncated normals owns: 256 words for every one of its samples.
WORDS_PER_TRUNCATED = 256

# Normals beyond this many deviations are drawn again.
TRUNCATION = 2.0

# Seeds are taken modulo this number before a draw.
SEED_MODULUS = 2**31 - 2


def fold_seed(seed: tuple[int, int]) -> tuple[int, int]:
    """Folds a seed pair the way every `keras.random` function does before drawing.

    Args:
        seed: pair of Python ints, such as the (seed, counter) of a SeedGenerator.

    Returns:
        The pair, each modulo 2**31 - 2.

    Example:
    >>> fold_seed((-1, 3))
    (2147483645, 3)
    """
    return seed[0] % SEED_MODULUS, seed[1] % SEED_MODULUS


def uniform(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: str = "float32",
) -> Any:
    """Draws uniform numbers from [minval, maxval).

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        minval: lower bound, a number or an array that broadcasts to `shape`.
        maxval: upper bound, likewise.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of `shape` and `dtype`.

    Example:
    >>> uniform(np, (3, 0), (2,)).dtype.name
    'float32'
    """
    source = philox.stream(seed)
    minval = parameter(xp, minval, dtype)
    span = parameter(xp, maxval, dtype) - minval

    def draw(indices: Any) -> Any:
        return philox.uniforms(xp, *philox.blocks(xp, source, indices), dtype)

    return _assemble(xp, draw, shape, dtype, span, minval)


def normal(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str = "float32",
) -> Any:
    """Draws normal numbers.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        mean: mean, a number or an array that broadcasts to `shape`.
        stddev: standard deviation, likewise.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of `shape` and `dtype`.

    Example:
    >>> bool(abs(normal(np, (3, 0), (1000,)).mean()) < 0.1)
    True
    """
    source = philox.stream(seed)

    def draw(indices: Any) -> Any:
        return philox.normals(xp, *philox.blocks(xp, source, indices), dtype)

    return _assemble(xp, draw, shape, dtype, stddev, mean)


def truncated_normal(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str = "float32",
) -> Any:
    """Draws normal numbers less than two standard deviations from the mean.

    Samples come in groups of one block's width (4, or 2 in float64). Each group has a range of the
    stream to itself and keeps the first acceptable normals it meets there.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        mean: mean before truncation, a number or an array that broadcasts to `shape`.
        stddev: standard deviation before truncation, likewise.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of `shape` and `dtype`.

    Example:
    >>> bool(abs(truncated_normal(np, (3, 0), (1000,))).max() < 2)
    True
    """
    source = philox.stream(seed)
    reserved = np.uint64(_samples_per_block(dtype) * WORDS_PER_TRUNCATED // 4)
    drawn = "float64" if dtype == "float64" else "float32"

    def draw(indices: Any) -> Any:
        return _truncated_groups(xp, source, indices * reserved, drawn).astype(dtype, copy=False)

    return _assemble(xp, draw, shape, dtype, stddev, mean)


def randint(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    minval: int,
    maxval: int,
    dtype: str = "int32",
) -> Any:
    """Draws integers from [minval, maxval).

    A word (32 bits for int32; 64 for every other dtype, then cast) is reduced modulo the range.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        minval: lower bound, an int.
        maxval: upper bound, an int above `minval`.
        dtype: integer dtype.

    Returns:
        Array of `shape` and `dtype`.

    Raises:
        ValueError: if `maxval` is not above `minval`.

    Example:
    >>> int(randint(np, (3, 0), (100,), 2, 5).max())
    4
    """
    if maxval <= minval:
        raise ValueError(
            f"`maxval` must be greater than `minval`. Received: minval={minval}, maxval={maxval}."
        )
    source = philox.stream(seed)
    word = np.dtype("uint32" if dtype == "int32" else "uint64")
    split = philox.words if word.itemsize == 4 else _long_words
    span, offset = word.type(maxval - minval), word.type(minval % 2 ** (8 * word.itemsize))

    def draw(indices: Any) -> Any:
        drawn = split(xp, *philox.blocks(xp, source, indices)) % span
        return (drawn + offset).view(word.name[1:])

    return _assemble(xp, draw, shape, dtype, width=16 // word.itemsize)


def dropout_mask(
    xp: Any, seed: tuple[int, int], shape: tuple[int, ...], rate: Any, dtype: str = "float32"
) -> Any:
    """Draws which entries a dropout keeps: those whose uniform number is at least `rate`.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the mask (a layer's noise shape).
        rate: fraction to drop, in [0, 1).
        dtype: dtype of the inputs, which is the dtype of the uniform numbers.

    Returns:
        Boolean array of `shape`; True where the entry is kept.

    Example:
    >>> dropout_mask(np, (3, 0), (4,), 0.5).dtype.name
    'bool'
    """
    return uniform(xp, seed, shape, dtype=dtype) >= np.dtype(dtype).type(rate)


def permutation(xp: Any, seed: tuple[int, int], size: int) -> Any:
    """Draws the order in which `shuffle` takes `size` items.

    The order sorts as many float32 uniforms; equal ones stay in their order.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        size: number of items.

    Returns:
        int64 array of shape (size,).

    Example:
    >>> sorted(permutation(np, (3, 0), 4).tolist())
    [0, 1, 2, 3]
    """
    return xp.argsort(uniform(xp, seed, (size,)), kind="stable")


def shuffle(xp: Any, seed: tuple[int, int], x: Any, axis: int = 0) -> Any:
    """Shuffles an array along one axis.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        x: array.
        axis: the axis whose slices change places.

    Returns:
        A new array of the shape and dtype of `x`.

    Example:
    >>> sorted(shuffle(np, (3, 0), np.arange(3)).tolist())
    [0, 1, 2]
    """
    return xp.take(x, permutation(xp, seed, x.shape[axis]), axis=axis)


def categorical(
    xp: Any, seed: tuple[int, int], logits: Any, num_samples: int, dtype: str = "int64"
) -> Any:
    """Draws class numbers from unnormalized log-probabilities, by inversion in float64.

    Logits that are not finite get no probability. Rows draw from the stream one after another.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        logits: array of shape (batch, classes).
        num_samples: draws per row.
        dtype: integer dtype of the result.

    Returns:
        Array of shape (batch, num_samples).

    Example:
    >>> categorical(np, (3, 0), np.array([[0.0, -np.inf]]), 3).tolist()
    [[0, 0, 0]]
    """
    rows = logits.shape[0]
    finite = xp.isfinite(logits)
    logits = xp.where(finite, logits, -np.inf).astype("float64")
    weight = xp.where(finite, xp.exp(logits - logits.max(axis=1, keepdims=True)), 0.0)
    edges = xp.cumsum(weight, axis=1)
    target = uniform(xp, seed, (rows, num_samples), dtype="float64") * edges[:, -1:]
    drawn = xp.empty((rows, num_samples), dtype)
    for row in range(rows):
        drawn[row] = xp.searchsorted(edges[row], target[row], side="right")
    return drawn


def _samples_per_block(dtype: str) -> int:
    """How many samples of a dtype one block of four words makes."""
    return 2 if dtype == "float64" else 4


def _assemble(
    xp: Any,
    draw: Any,
    shape: tuple[int, ...],
    dtype: str,
    scale: Any = 1,
    offset: Any = 0,
    width: int | None = None,
) -> Any:
    """Fills an array group by group, then `sample * scale + offset`.

    `draw(numbers)` makes the groups of those uint64 numbers, as rows of `width` samples. It is
    called on one cache-sized chunk after another, and a scalar scale is applied there.
    """
    size, width = math.prod(shape), width or _samples_per_block(dtype)
    groups, step = -(-size // width), philox.chunk_size(xp)
    scale, offset = parameter(xp, scale, dtype), parameter(xp, offset, dtype)
    scalar = scale.ndim == offset.ndim == 0
    out = xp.empty((groups, width), dtype)
    for start in range(0, groups, step):
        part = out[start : start + step]
        part[...] = draw(xp.arange(start, start + len(part), dtype="uint64"))
        if scalar:
            xp.multiply(part, scale, out=part)
            xp.add(part, offset, out=part)
    out = out.reshape(-1)[:size].reshape(shape)
    return out if scalar else out * scale + offset


def parameter(xp: Any, value: Any, dtype: str) -> Any:
    """Returns a number of a distribution as an array; on a GPU it needs no transfer."""
    is_number = isinstance(value, (int, float, np.number))
    return xp.full((), value, dtype) if is_number else xp.asarray(value, dtype=dtype)


def _long_words(xp: Any, even: Any, odd: Any) -> Any:
    return philox.long_words(xp, even, odd, high_first=False)


def _truncated_groups(xp: Any, source: philox.Stream, first: Any, dtype: str) -> Any:
    """Draws one group of truncated normals from each of the block numbers `first` onwards."""
    groups = philox.normals(xp, *philox.blocks(xp, source, first), dtype)
    width = groups.shape[1]
    rows = _unfinished(xp, groups)
    block = 0
    while rows.size:
        block += 1
        later = philox.blocks(xp, source, first[rows] + np.uint64(block))
        candidates = xp.concatenate([groups[rows], philox.normals(xp, *later, dtype)], axis=1)
        accepted_first = xp.argsort(~_acceptable(candidates), axis=1, kind="stable")
        groups[rows] = xp.take_along_axis(candidates, accepted_first[:, :width], axis=1)
        rows = rows[_unfinished(xp, groups[rows])]
    return groups


def _acceptable(x: Any) -> Any:
    return abs(x) < TRUNCATION


def _unfinished(xp: Any, groups: Any) -> Any:
    """Row numbers of the groups that still hold a rejected normal."""
    return xp.flatnonzero(~_acceptable(groups).all(axis=1))
