"""`exp`, `tanh`, the sigmoid and the maximum as code of which LLVM makes vectors automatically.

The C library's functions are calls, one number at a time, and stop a loop from being vectorized.
These are a dozen operations without a branch. All reduce their argument as Cody and Waite do
("Software Manual for the Elementary Functions", 1980, chapter 6): `x = n * ln 2 + r` with `r` at
most half of `ln 2`, where `ln 2` is in two parts so that `n` times the first is exact; then
`exp(x) = 2**n * (1 + r + r*r * Q(r))`. `Q` has the least largest error relative to `exp` (2e-9),
found by weighted least squares. Adding 1.5 * 2**23 rounds to a whole number, which then stands in
the low bits: shifted to where the exponent is, they make `2**n`.

Numbers of float32 are within 2 units in the last place; NaN and infinity come out as they should.
float64 uses the C library: it is there to compare with.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload

from minikeras.kernels.compiled.compiler import inner, instructions

_f = np.float32
_ONE, _TWO, _HALF = _f(1), _f(2), _f(0.5)
_PER_LN2 = _f(1 / math.log(2))
# The first 10 bits of ln 2, and the rest.
_LN2_HIGH, _LN2_LOW = _f(0.693359375), _f(math.log(2) - 0.693359375)
_ROUNDER = _f(1.5 * 2**23)
_Q_0, _Q_1, _Q_2, _Q_3, _Q_4 = map(
    _f, (0.4999999345147, 0.1666652068756, 0.04166838740855, 0.008368710035305, 0.001381461100099)
)
# Beyond these exp is 0 or infinite in float32; from the last on tanh is 1.
_LOWEST, _HIGHEST, _TANH_IS_ONE = _f(-104), _f(89), _f(9.1)


def exp(x):
    """`e` to the power of a number; for use in compiled code."""
    return math.exp(x)


def tanh(x):
    """Hyperbolic tangent of a number; for use in compiled code."""
    return math.tanh(x)


def sigmoid(x):
    """`1 / (1 + exp(-x))` of a number; for use in compiled code."""
    return 1 / (1 + math.exp(-x))


def largest(x):
    """Largest number of a row; NaN if one is NaN with a positive sign. For use in compiled code."""
    return max(x)


@overload(exp)
def _(x):
    if x == types.float32:
        return lambda x: _exp(x)
    return lambda x: math.exp(x)


@overload(tanh)
def _(x):
    if x == types.float32:
        return lambda x: _tanh(x)
    return lambda x: math.tanh(x)


@overload(sigmoid)
def _(x):
    if x == types.float32:
        return lambda x: _sigmoid(x)
    return lambda x: 1 / (1 + math.exp(-x))


@overload(largest)
def _(x):
    if x.dtype == types.float32:
        return lambda x: _largest(x)
    return lambda x: _largest_double(x)


# `contract` alone: to reorder a sum would undo the rounding and the two parts of ln 2.


@inner("contract")
def _reduced(x):
    """`expm1(r)`, and `n` in the low bits of a number."""
    shifted = x * _PER_LN2 + _ROUNDER
    n = shifted - _ROUNDER
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    q = _Q_4
    q = q * r + _Q_3
    q = q * r + _Q_2
    q = q * r + _Q_1
    q = q * r + _Q_0
    return q * (r * r) + r, _bits(shifted)


@inner("contract")
def _exp(x):
    x = _LOWEST if x < _LOWEST else x
    x = _HIGHEST if x > _HIGHEST else x
    power, n = _reduced(x)
    # Two factors: 2**n itself may be no float32 although the result is one. `n` was shifted up by
    # 2**22, which an arithmetic shift halves, and the next shift drops.
    half = np.int32(n >> 1)
    return (power + _ONE) * _two_to(half) * _two_to(np.int32(n - half))


@inner("contract")
def _sigmoid(x):
    power = _exp(-abs(x))
    return (power if x < 0 else _ONE) / (power + _ONE)


@inner("contract")
def _tanh(x):
    size = abs(x)
    size = _TANH_IS_ONE if size > _TANH_IS_ONE else size
    power, n = _reduced(size * -_TWO)
    scale = _two_to(n)
    rest = (_ONE - scale) - power * scale
    return math.copysign(rest / (_TWO - rest), x)


@inner()
def _two_to(n):
    """Two to a power; what stands above the low 9 bits of `n` has no effect."""
    return _number(np.int32((n << 23) + (127 << 23)))


@inner()
def _largest(x):
    """By whole numbers in the order of the floats: a compiler finds several maxima at once."""
    best = _ordered(_bits(x[0]))
    for j in range(x.size):
        best = max(best, _ordered(_bits(x[j])))
    return _number(_ordered(best))


@inner()
def _ordered(bits):
    """Bits whose order as a whole number is that of the floats; done twice, the bits again."""
    return np.int32(bits ^ (np.int32(bits >> 31) & np.int32(0x7FFFFFFF)))


@inner()
def _largest_double(x):
    best = x[0]
    for j in range(x.size):
        best = x[j] if x[j] > best else best
    return best


@instructions
def _bits(context, x):
    """The bits of a float32 as an int32."""

    def emit(context, builder, signature, values):
        return builder.bitcast(values[0], ir.IntType(32))

    return types.int32(types.float32), emit


@instructions
def _number(context, bits):
    """The float32 of an int32's low 32 bits."""

    def emit(context, builder, signature, values):
        return builder.bitcast(values[0], ir.FloatType())

    return types.float32(types.int32), emit
