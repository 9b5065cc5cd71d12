"""Philox 4x32-10, the counter-based generator under every random draw.

A block of the stream is a pure function of (key, block number): no state is stepped from one number
to the next, so any part of a draw can be computed alone, in any order and on any device. The
algorithm is that of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as
1, 2, 3" (SC 2011). The way a seed becomes a key, and words become uniforms and normals, is that of
TensorFlow on a CPU, so the numbers of a seed are those that Keras draws there.

A block is four 32-bit words w0..w3. They travel as two uint64 arrays of shape (2, blocks): `even`
holds the words (w0, w2) and `odd` the words (w1, w3), so that one NumPy call serves two words.
"""

import math
from typing import Any, NamedTuple

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
LOW32 = 0xFFFFFFFF

# The key that scrambles a seed pair before it is used, so that neighbouring seeds share nothing.
SCRAMBLE_KEY = (0x3EC8F720, 0x02461E29)

# Random mantissa bits that a uniform number of each type is given.
MANTISSA_BITS = {"float16": 10, "float32": 23, "float64": 52}

# A chunk's working set must stay in a core's cache; a GPU wants few, large launches instead.
CPU_CHUNK = 1 << 13
GPU_CHUNK = 1 << 22

# Smallest number that reaches the logarithm of the Box-Muller transform.
LOG_FLOOR = 1e-7

# Minimax polynomials on [0, pi/4], of the sizes that C libraries use for float32 sine and cosine:
# sin(x) ~ x + x^3 P(x^2) with the least error relative to x, cos(x) ~ 1 + x^2 Q(x^2) with the least
# absolute error. Fitted by linear programming; sines rounded to float32 equal glibc's.
SINE = (-0.16666654943701417, 0.008332178146142597, -0.000195172989809939)
COSINE = (
    -0.4999999972510855,
    0.04166662332436186,
    -0.001388676379462542,
    2.4390450712025863e-05,
)


class Stream(NamedTuple):
    """Where a stream of blocks lies: the key, and the upper half of the 128-bit counter."""

    key: tuple[int, int]
    high: tuple[int, int]


def stream(seed: tuple[int, int]) -> Stream:
    """Returns the stream that belongs to a seed pair.

    Args:
        seed: pair of Python ints, each taken modulo 2**64.

    Returns:
        A `Stream`.

    Example:
    >>> stream((1, 0)).key == stream((1, 1)).key
    False
    """
    even = np.array([[seed[0] & LOW32], [seed[1] & LOW32]], "uint64")
    odd = np.array([[seed[0] >> 32 & LOW32], [seed[1] >> 32 & LOW32]], "uint64")
    _encrypt(np, even, odd, SCRAMBLE_KEY)
    return Stream((int(even[0, 0]), int(odd[0, 0])), (int(even[1, 0]), int(odd[1, 0])))


def plain_stream(seed: tuple[int, int]) -> Stream:
    """Returns the stream whose key is `seed[0]` itself and whose upper counter is `seed[1]`.

    Args:
        seed: pair of Python ints, each taken modulo 2**64.

    Returns:
        A `Stream`; TensorFlow's stateful draws use it.
    """
    low, high = seed
    return Stream((low & LOW32, low >> 32 & LOW32), (high & LOW32, high >> 32 & LOW32))


def chunk_size(xp: Any) -> int:
    """Returns how many blocks to compute at a time with the array module `xp`."""
    return CPU_CHUNK if xp is np else GPU_CHUNK


def blocks(xp: Any, source: Stream, index: Any) -> tuple[Any, Any]:
    """Computes the blocks that `index` names.

    Args:
        xp: numpy or cupy.
        source: the `Stream`.
        index: uint64 array of shape (n,), the numbers of the blocks.

    Returns:
        `(even, odd)`, uint64 arrays of shape (2, n): the words (w0, w2) and the words (w1, w3).
    """
    even = xp.empty((2, index.size), "uint64")
    odd = xp.empty((2, index.size), "uint64")
    xp.bitwise_and(index, np.uint64(LOW32), out=even[0])
    xp.right_shift(index, np.uint64(32), out=odd[0])
    even[1], odd[1] = source.high
    _encrypt(xp, even, odd, source.key)
    return even, odd


def _encrypt(xp: Any, even: Any, odd: Any, key: tuple[int, int]) -> None:
    """Runs the ten rounds in place; every entry stays below 2**32, so a product fits 64 bits."""
    multipliers, keys = _constants(xp, key)
    product = xp.empty_like(even)
    for round_key in keys:
        xp.multiply(even, multipliers, out=product[::-1])
        xp.right_shift(product, np.uint64(32), out=even)
        xp.bitwise_xor(even, odd, out=even)
        xp.bitwise_xor(even, round_key, out=even)
        xp.bitwise_and(product, np.uint64(LOW32), out=odd)


def _constants(xp: Any, key: tuple[int, int]) -> tuple[Any, Any]:
    """The multipliers (2, 1) and the keys (rounds, 2, 1), made where the words are."""
    multipliers = xp.empty((2, 1), "uint64")
    keys = xp.empty((ROUNDS, 2, 1), "uint64")
    rounds = xp.arange(ROUNDS, dtype="uint64")
    for row in range(2):
        multipliers[row] = MULTIPLIERS[row]
        keys[:, row, 0] = rounds * np.uint64(KEY_STEPS[row]) + np.uint64(key[row])
    keys &= np.uint64(LOW32)
    return multipliers, keys


def words(xp: Any, even: Any, odd: Any) -> Any:
    """Lays the words of n blocks out in stream order.

    Returns:
        uint32 array of shape (n, 4).
    """
    laid = xp.empty((even.shape[1], 4), "uint32")
    laid[:, 0::2] = even.T
    laid[:, 1::2] = odd.T
    return laid


def long_words(xp: Any, even: Any, odd: Any, *, high_first: bool) -> Any:
    """Joins neighbouring words into 64-bit ones.

    Args:
        xp: numpy or cupy.
        even: uint64 array (2, n), from `blocks`.
        odd: uint64 array (2, n), from `blocks`.
        high_first: whether the first word of each two is the upper half.

    Returns:
        uint64 array of shape (n, 2).
    """
    high, low = (even, odd) if high_first else (odd, even)
    return (xp.left_shift(high, np.uint64(32)) | low).T


def uniforms(xp: Any, even: Any, odd: Any, dtype: str) -> Any:
    """Turns blocks into uniform numbers in [0, 1).

    Args:
        xp: numpy or cupy.
        even: uint64 array (2, n), from `blocks`.
        odd: uint64 array (2, n), from `blocks`.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of that dtype and shape (n, 4); (n, 2) for float64, which takes two words each.
    """
    bits = MANTISSA_BITS[dtype]
    if dtype == "float64":
        mantissa = long_words(xp, even, odd, high_first=True)
        mantissa = xp.bitwise_and(mantissa, np.uint64(2**bits - 1)).view("int64")
    else:
        mantissa = words(xp, even, odd)
        mantissa = xp.bitwise_and(mantissa, np.uint32(2**bits - 1), out=mantissa).view("int32")
    unit = mantissa.astype(dtype)
    unit *= 2.0**-bits
    return unit


def normals(xp: Any, even: Any, odd: Any, dtype: str) -> Any:
    """Turns blocks into standard normal numbers by the Box-Muller transform, sine before cosine.

    Args:
        xp: numpy or cupy.
        even: uint64 array (2, n), from `blocks`.
        odd: uint64 array (2, n), from `blocks`.
        dtype: "float16" (drawn as float32, then rounded), "float32" or "float64".

    Returns:
        Array of that dtype and shape (n, 4); (n, 2) for float64.
    """
    make = _double_normals if dtype == "float64" else _single_normals
    return make(xp, even, odd).astype(dtype, copy=False)


def _single_normals(xp: Any, even: Any, odd: Any) -> Any:
    """Box-Muller in float32: (n, 4). Each function is evaluated in double and rounded once."""
    bits = MANTISSA_BITS["float32"]
    radius = _masked(xp, even, bits)
    xp.maximum(radius, np.float32(LOG_FLOOR), out=radius)
    xp.log(radius, out=radius)
    single = radius.astype("float32")
    single *= np.float32(-2)
    xp.sqrt(single, out=single)
    angle = _masked(xp, odd, bits)
    angle *= 2 * math.pi
    sine, cosine = _sine_cosine(xp, angle.astype("float32").astype("float64"))
    out = xp.empty((even.shape[1], 4), "float32")
    out[:, 0::2] = (single * sine).T
    out[:, 1::2] = (single * cosine).T
    return out


def _masked(xp: Any, word: Any, bits: int) -> Any:
    """The low bits of each word as a float64 fraction of 2**bits."""
    low = xp.bitwise_and(word, np.uint64(2**bits - 1)).view("int64").astype("float64")
    low *= 2.0**-bits
    return low


def _double_normals(xp: Any, even: Any, odd: Any) -> Any:
    """Box-Muller in float64: (n, 2)."""
    first, second = uniforms(xp, even, odd, "float64").T
    radius = xp.sqrt(-2.0 * xp.log(xp.maximum(first, LOG_FLOOR)))
    angle = 2 * math.pi * second
    return xp.stack([xp.sin(angle) * radius, xp.cos(angle) * radius], axis=1)


def _sine_cosine(xp: Any, angle: Any) -> tuple[Any, Any]:
    """Sine and cosine, as float32, of float64 angles in [0, 2 pi]."""
    quarter = xp.rint(angle * (2 / math.pi))
    x = angle - quarter * (math.pi / 2)
    square = x * x
    sine = _horner(xp, SINE, square)
    sine *= square
    sine *= x
    sine += x
    cosine = _horner(xp, COSINE, square)
    cosine *= square
    cosine += 1.0
    sine, cosine = sine.astype("float32"), cosine.astype("float32")
    turn = quarter.astype("int8")
    swap = (turn & 1).view(bool)
    first = xp.where(swap, cosine, sine)
    second = xp.where(swap, sine, cosine)
    first *= (1 - (turn & 2)).astype("float32")
    second *= (1 - ((turn + 1) & 2)).astype("float32")
    return first, second


def _horner(xp: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    """Evaluates the polynomial whose coefficients are given from the constant upwards."""
    value = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= x
    value += coefficients[0]
    return value
