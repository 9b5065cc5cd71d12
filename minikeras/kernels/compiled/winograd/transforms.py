"""Winograd's transforms of a tile, a vector of channels at a time; `conv` has the idea.

The loops are short, a few vectors, and use ten lines of numbers at once. LLVM would have to check
at each that no two overlap; so the vector instructions are written here, with a mask for a last
vector that is part of one. All addresses and steps are in bytes.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from minikeras.kernels.compiled.compiler import instructions
from minikeras.kernels.compiled.products.tiles import VECTOR

A, B = 0.75, 1.5
"""The points besides 0 and infinity are these and their negatives."""
# One over the product of a point's distances from the others: of 0, of A and -A, of B and -B.
_ZERO, _NEAR, _FAR = (
    1 / value for value in ((A * B) ** 2, 2 * A**2 * (A**2 - B**2), 2 * B**2 * (B**2 - A**2))
)
WEIGHTS = np.array(
    [
        [_ZERO, 0, 0],
        *([_NEAR, sign * A * _NEAR, A**2 * _NEAR] for sign in (1, -1)),
        *([_FAR, sign * B * _FAR, B**2 * _FAR] for sign in (1, -1)),
        [0, 0, 1],
    ]
)
"""The matrix `G`, `(points, taps)`."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _cells(x):
    """`B.T @ x`, six points from six cells: polynomials that are zero at all points but one."""
    p, q = x[4] - x[2] * B**2, (x[3] - x[1] * B**2) * A
    r, s = x[4] - x[2] * A**2, (x[3] - x[1] * A**2) * B
    first = x[4] - x[2] * (A**2 + B**2) + x[0] * (A * B) ** 2
    last = x[5] - x[3] * (A**2 + B**2) + x[1] * (A * B) ** 2
    return [first, p + q, p - q, r + s, r - s, last]


def _results(m):
    """`A.T @ m`, four outputs from six points: the values of powers of the points."""
    even, odd, even_, odd_ = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [
        m[0] + even + even_,
        odd * A + odd_ * B,
        even * A**2 + even_ * B**2,
        m[5] + odd * A**3 + odd_ * B**3,
    ]


def _gradients(g):
    """`A @ g`, six points from four gradients: polynomials at the points."""
    even, odd = g[0] + g[2] * A**2, g[1] * A + g[3] * A**3
    even_, odd_ = g[0] + g[2] * B**2, g[1] * B + g[3] * B**3
    return [g[0], even + odd, even - odd, even_ + odd_, even_ - odd_, g[3]]


def _weights(w):
    """`G @ w`, six points from three weights: polynomials at the points, over `_cells` there."""
    even, odd = (w[0] + w[2] * A**2) * _NEAR, w[1] * (A * _NEAR)
    even_, odd_ = (w[0] + w[2] * B**2) * _FAR, w[1] * (B * _FAR)
    return [w[0] * _ZERO, even + odd, even - odd, even_ + odd_, even_ - odd_, w[2]]


def _transform(formula, count, exact=False):
    """Make a function of compiled code that takes `count` lines and writes as many as there are."""

    def transform(context, zero, out, out_step, lines, step, numbers):
        def emit(context, builder, signature, values):
            zero, out, out_step, lines, step, numbers = values
            sources = [_line(builder, lines, step, number) for number in range(count)]

            def compute(loaded):
                kind = loaded[0].type
                wide = ir.VectorType(ir.DoubleType(), kind.count)
                if exact and kind != wide:
                    loaded = [builder.fpext(value, wide) for value in loaded]
                results = [v.value for v in formula([_Vector(builder, value) for value in loaded])]
                if exact and kind != wide:
                    results = [builder.fptrunc(value, kind) for value in results]
                return results

            def target(number):
                return _line(builder, out, out_step, number)

            _VectorLoop(builder, zero.type, numbers).emit(sources, target, compute)
            return context.get_dummy_value()

        return types.void(zero, *(types.int64,) * 5), emit

    return transform


to_cells = instructions(_transform(_cells, 6))
"""Write the transform of six cells: `to_cells(zero, out, out_step, cells, step, numbers)`.

The first argument is a zero of the type of the numbers, the last how many of them a line has.
"""
to_gradients = instructions(_transform(_gradients, 4))
"""Write the transform of four gradients; arguments as of `to_cells`."""
to_weights = instructions(_transform(_weights, 3, exact=True))
"""Write the transform of three weights, each number rounded once; arguments as of `to_cells`."""
to_copy = instructions(_transform(lambda x: x, 1))
"""Copy a line; arguments as of `to_cells`."""


@instructions
def to_results(context, lower_bound, out, out_step, products, step, bias, numbers):
    """Write four outputs, `max(results + bias, lower_bound)`.

    Args:
        context: Given by Numba.
        lower_bound: Least result, of the type of the numbers.
        out: As for `to_cells`.
        out_step: As for `to_cells`.
        products: Address of the six lines of products.
        step: As for `to_cells`.
        bias: Address of what is added.
        numbers: As for `to_cells`.

    Returns:
        An int, 0 if all sums are finite.
    """

    def emit(context, builder, signature, values):
        lower_bound, out, out_step, products, step, bias, numbers = values
        sources = [_line(builder, products, step, number) for number in range(6)]
        flags = cgutils.alloca_once_value(builder, _I64(0))

        def compute(loaded):
            *points, start = (_Vector(builder, value) for value in loaded)
            sums = [result + start for result in _results(points)]
            zero_or_nan = sums[0] * 0.0 + sums[1] * 0.0 + sums[2] * 0.0 + sums[3] * 0.0
            _set_flags(
                builder, flags, builder.fcmp_unordered("uno", zero_or_nan.value, zero_or_nan.value)
            )
            return [_clamped(builder, total.value, lower_bound) for total in sums]

        def target(number):
            return _line(builder, out, out_step, number)

        _VectorLoop(builder, lower_bound.type, numbers).emit([*sources, bias], target, compute)
        return builder.load(flags)

    return types.int64(lower_bound, *(types.int64,) * 6), emit


class _Vector:
    """A vector in a formula. Products and sums may be contracted, nothing else is changed."""

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _with(self, emit, value):
        return _Vector(self.builder, emit(self.value, value, flags=("contract",)))

    def __add__(self, other):
        return self._with(self.builder.fadd, other.value)

    def __sub__(self, other):
        return self._with(self.builder.fsub, other.value)

    def __mul__(self, number):
        factors = ir.Constant(self.value.type, [number] * self.value.type.count)
        return self._with(self.builder.fmul, factors)


class _VectorLoop:
    """Writes the instructions of a loop over the numbers of lines."""

    def __init__(self, builder, element, numbers):
        self.builder = builder
        self.size = 4 if isinstance(element, ir.FloatType) else 8
        lanes = VECTOR // self.size
        self.vector = ir.VectorType(element, lanes)
        self.whole = builder.udiv(numbers, _I64(lanes))
        self.rest = builder.urem(numbers, _I64(lanes))

    def emit(self, sources, target, compute):
        """Take vectors from the sources, compute, and store the results to the targets."""
        builder = self.builder
        with cgutils.for_range(builder, self.whole) as loop:
            values = [builder.load(self._at(s, loop.index), align=self.size) for s in sources]
            for number, value in enumerate(compute(values)):
                builder.store(value, self._at(target(number), loop.index), align=self.size)
        with builder.if_then(builder.icmp_signed(">", self.rest, _I64(0))):
            end = _broadcast(builder, self.rest, ir.VectorType(_I64, self.vector.count))
            lanes = ir.Constant(end.type, list(range(self.vector.count)))
            mask = builder.icmp_signed("<", lanes, end)
            values = [self._load(self._at(source, self.whole), mask) for source in sources]
            for number, value in enumerate(compute(values)):
                self._store(value, self._at(target(number), self.whole), mask)

    def _at(self, address, index):
        pointer = self.builder.inttoptr(address, self.vector.as_pointer())
        return self.builder.gep(pointer, [index])

    def _load(self, pointer, mask):
        kinds = [pointer.type, _I32, mask.type, self.vector]
        load = self._masked("load", ir.FunctionType(self.vector, kinds))
        none = ir.Constant(self.vector, None)
        return self.builder.call(load, [pointer, _I32(self.size), mask, none])

    def _store(self, value, pointer, mask):
        kinds = [self.vector, pointer.type, _I32, mask.type]
        store = self._masked("store", ir.FunctionType(ir.VoidType(), kinds))
        self.builder.call(store, [value, pointer, _I32(self.size), mask])

    def _masked(self, what, kind):
        name = f"llvm.masked.{what}.v{self.vector.count}f{8 * self.size}.p0"
        return cgutils.get_or_insert_function(self.builder.module, kind, name)


def _set_flags(builder, flags, vector):
    """Set bits of a number where a vector of bools is true."""
    bits = builder.bitcast(vector, ir.IntType(vector.type.count))
    bits = builder.zext(bits, _I64)
    builder.store(builder.or_(builder.load(flags), bits), flags)


def _clamped(builder, vector, lower_bound):
    """Numbers below a lower bound replaced by it; NaN stays."""
    least = _broadcast(builder, lower_bound, vector.type)
    return builder.select(builder.fcmp_ordered("<", vector, least), least, vector)


def _line(builder, start, step, number):
    """Address of a line."""
    return builder.add(start, builder.mul(_I64(number), step))


def _broadcast(builder, number, kind):
    """Vector of one number repeated."""
    none = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(none, number, _I32(0))
    first = ir.Constant(ir.VectorType(_I32, kind.count), None)
    return builder.shuffle_vector(one, none, first)
