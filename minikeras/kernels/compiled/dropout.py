"""Dropout masks straight from the counter, and their application, in one pass each.

A Philox block is a function of its number alone (`arrays/philox.py` has the source and the same in
NumPy), so a compiler can make several at once, each in a lane of a vector, and no word travels to
memory: whether it is below a bound is all that is asked of it. Four answers, a byte each, are
stored as one number. The uniform number of a word is an
exact multiple of a power of two; to compare it with the rate is to compare whole numbers, and the
masks equal those of the NumPy code bit for bit.
"""

import math
import sys

import numpy as np

from minikeras.arrays import philox
from minikeras.arrays.threads import BYTES
from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

_M_0, _M_1 = map(np.uint64, philox.MULTIPLIERS)
_STEP_0, _STEP_1 = map(np.uint64, philox.KEY_STEPS)
_SCRAMBLE = tuple(map(np.uint64, philox.SCRAMBLE_KEY))
_LOW = np.uint64(philox.LOW32)
_HALF = np.uint64(32)
# Nanoseconds that a block of four words takes.
_BLOCK_TIME = 4


def dropout_mask(xp, seed, shape, rate, dtype="float32"):
    """Draw which entries a dropout keeps; see `shared.masks.dropout_mask`."""
    if xp is not np or dtype not in ("float16", "float32") or sys.byteorder != "little":
        return NotImplemented
    bits = philox.MANTISSA_BITS[dtype]
    bound = math.ceil(float(np.dtype(dtype).type(rate)) * 2**bits)
    size = math.prod(shape)
    blocks = -(-size // 4)
    words = np.empty(blocks, np.uint32)
    numbers = [np.uint64(v % 2**64) for v in (*seed, 2**bits - 1, bound)]
    parallel_for(_draw, blocks, blocks * _BLOCK_TIME, *numbers, words)
    return words.view(bool)[:size].reshape(shape)


def apply_mask(xp, x, keep, scale):
    """Scale an array where a mask says so, else zero; see `shared.masks.apply_mask`."""
    if xp is not np or type(x) is not np.ndarray or not plain(x):
        return NotImplemented
    if keep.shape != x.shape or keep.dtype != bool or not keep.flags.c_contiguous:
        return NotImplemented
    y = np.empty_like(x)
    arrays = x.reshape(-1), keep.reshape(-1), x.dtype.type(scale), y.reshape(-1)
    parallel_for(_choose, x.size, 2 * x.nbytes / BYTES, *arrays)
    return y


@compiled()
def _draw(pool, ends, chunk, seed, counter, low, bound, words):
    if chunk == ALL:
        return fork_join(pool, ends, (seed, counter, low, bound, words))
    first, end = ends[chunk], ends[chunk + 1]
    words = words[first:end]
    # The stream of a seed pair, as `philox.stream` finds it.
    key_0, key_1 = _SCRAMBLE
    state = seed & _LOW, seed >> _HALF, counter & _LOW, counter >> _HALF, key_0, key_1
    state = _two_rounds(*_two_rounds(*state))
    key_0, key_1, high_0, high_1, _, _ = _two_rounds(*_two_rounds(*_two_rounds(*state)))
    for i in range(words.size):
        block = np.uint64(first + i)
        state = block & _LOW, block >> _HALF, high_0, high_1, key_0, key_1
        # Written out: a loop in here would keep the compiler from making several blocks at once.
        state = _two_rounds(*_two_rounds(*state))
        w_0, w_1, w_2, w_3, _, _ = _two_rounds(*_two_rounds(*_two_rounds(*state)))
        flags = np.uint32((w_0 & low) >= bound)
        flags |= np.uint32((w_1 & low) >= bound) << np.uint32(8)
        flags |= np.uint32((w_2 & low) >= bound) << np.uint32(16)
        flags |= np.uint32((w_3 & low) >= bound) << np.uint32(24)
        words[i] = flags


@inner()
def _two_rounds(w_0, w_1, w_2, w_3, k_0, k_1):
    w_0, w_1, w_2, w_3 = _round(w_0, w_1, w_2, w_3, k_0, k_1)
    k_0, k_1 = (k_0 + _STEP_0) & _LOW, (k_1 + _STEP_1) & _LOW
    w_0, w_1, w_2, w_3 = _round(w_0, w_1, w_2, w_3, k_0, k_1)
    return w_0, w_1, w_2, w_3, (k_0 + _STEP_0) & _LOW, (k_1 + _STEP_1) & _LOW


@inner()
def _round(w_0, w_1, w_2, w_3, k_0, k_1):
    even, odd = w_0 * _M_0, w_2 * _M_1
    return (odd >> _HALF) ^ w_1 ^ k_0, odd & _LOW, (even >> _HALF) ^ w_3 ^ k_1, even & _LOW


@compiled()
def _choose(pool, ends, chunk, x, keep, scale, y):
    if chunk == ALL:
        return fork_join(pool, ends, (x, keep, scale, y))
    first, end = ends[chunk], ends[chunk + 1]
    x, keep, y = x[first:end], keep[first:end], y[first:end]
    zero = x.dtype.type(0)
    for i in range(y.size):
        value = x[i] * scale
        y[i] = value if keep[i] else zero
