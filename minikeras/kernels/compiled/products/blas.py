"""The product of matrices of the BLAS that NumPy brings, called from within compiled code.

NumPy's own call needs Python, and so its lock. The library is in memory already: its function is
found by its name, and called by its address.
"""

import ctypes
import importlib
from functools import cache
from itertools import product

import numpy as np
from llvmlite import ir
from numba import types

from minikeras.kernels.compiled.compiler import instructions

# OpenBLAS in NumPy's wheels counts in 64 bits, and says so in the names of its functions.
_PREFIXES, _SUFFIXES = ("scipy_", ""), ("64_", "_64", "")
_LETTERS = {np.dtype("float32"): "s", np.dtype("float64"): "d"}
_ROW_MAJOR, _AS_IT_IS, _TRANSPOSED = 101, 111, 112

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_I8P = ir.IntType(8).as_pointer()


@cache
def gemm_code(dtype):
    """Find the library's function for a float type.

    Args:
        dtype: float32 or float64.

    Returns:
        Its address, and whether it counts in 64 bits; `(0, False)` if it is not to be found.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.compiled.products.blas import gemm_code
        >>> len(gemm_code(np.dtype("float32")))
        2
    """
    threadpoolctl = importlib.import_module("threadpoolctl")
    libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    for library in sorted(libraries, key=lambda library: "numpy" not in library.filepath):
        functions = ctypes.CDLL(library.filepath)
        for prefix, suffix in product(_PREFIXES, _SUFFIXES):
            function = getattr(functions, f"{prefix}cblas_{_LETTERS[dtype]}gemm{suffix}", None)
            if function is not None:
                return ctypes.cast(function, ctypes.c_void_p).value, "64" in suffix
    return 0, False


@instructions
def gemm(context, code, rows, width, terms, a, b, out, like):
    """Write `out = a @ b`; in compiled code.

    Args:
        context: given by Numba.
        code: what `gemm_code` returned.
        rows: rows of `a`.
        width: columns of `b`.
        terms: columns of `a`.
        a: `(address, numbers from a row or column to the next, whether it lies by columns)`.
        b: the same of the right-hand side.
        out: `(address, numbers from row to row)` of the result.
        like: array of the float type.
    """
    signature = types.void(code, rows, width, terms, a, b, out, like)
    number = ir.FloatType() if like.dtype == types.float32 else ir.DoubleType()

    def emit(context, builder, signature, values):
        (address, wide), (a, a_line, a_across), (b, b_line, b_across), (out, out_line) = (
            [builder.extract_value(values[i], j) for j in range(count)]
            for i, count in ((0, 2), (4, 3), (5, 3), (6, 2))
        )
        orders = [
            builder.select(builder.trunc(across, ir.IntType(1)), _I32(_TRANSPOSED), _I32(_AS_IT_IS))
            for across in (a_across, b_across)
        ]
        pointers = [builder.inttoptr(value, _I8P) for value in (a, b, out)]
        sizes = [*values[1:4], a_line, b_line, out_line]
        with builder.if_else(builder.trunc(wide, ir.IntType(1))) as (if_wide, if_narrow):
            for branch, kind in ((if_wide, _I64), (if_narrow, _I32)):
                with branch:
                    _call(builder, address, kind, number, orders, pointers, sizes)
        return context.get_dummy_value()

    return signature, emit


def _call(builder, address, kind, number, orders, pointers, sizes):
    """Write a call with integers of a kind."""
    a, b, out = pointers
    rows, width, terms, a_line, b_line, out_line = [
        builder.trunc(size, kind) if kind is _I32 else size for size in sizes
    ]
    arguments = [_I32(_ROW_MAJOR), *orders, rows, width, terms, number(1.0)]
    arguments += [a, a_line, b, b_line, number(0.0), out, out_line]
    function = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
    builder.call(builder.inttoptr(address, function.as_pointer()), arguments)
