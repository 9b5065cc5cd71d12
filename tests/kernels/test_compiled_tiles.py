"""The one loop over rows of tiles: sums in runs, in several sums, for any number of rows."""

import ast
from pathlib import Path

import numpy as np
import pytest

import minikeras

pytest.importorskip("numba")

from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.products.tiles import ROWS, address, multiply_rows, tiling_of

FOLDER = Path(minikeras.__file__).parent / "kernels" / "compiled"


@compiled()
def product(code, a, b, start, out, runs, sums, lower_bound):
    """`out = max(start + a @ b, lower_bound)`, the terms in runs, and these in several sums."""
    size, length = a.itemsize, a.shape[1] // runs
    offsets = np.empty((2, runs), np.int64)
    for run in range(runs):
        offsets[0, run] = run * length * size
        offsets[1, run] = run * length * b.strides[0]
    multiply_rows(
        code,
        tiling_of(len(a), b.shape[1], size),
        a=(address(a), a.strides[0], size),
        b=(address(b), b.strides[0]),
        runs=(address(offsets[0]), address(offsets[1]), runs // sums, length),
        start=(address(start), 0),
        out=(address(out), out.strides[0]),
        lower_bound=lower_bound,
        sums=sums,
    )


@compiled()
def tiling(rows, columns, size):
    return tiling_of(rows, columns, size)


@pytest.mark.parametrize(("runs", "sums"), [(1, 1), (6, 1), (6, 2), (6, 6)])
@pytest.mark.parametrize("columns", [1, 5])
@pytest.mark.parametrize("rows", [1, 13, 31])
def test_it_is_the_product(rows, columns, runs, sums):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, 12)), rng.normal(size=(12, columns))
    start, out = rng.normal(size=columns), np.full((rows, columns), np.nan)
    product(tile_code(a.dtype), a, b, start, out, runs, sums, -np.inf)
    np.testing.assert_allclose(out, a @ b + start, rtol=0, atol=1e-14)


def test_the_lower_bound_is_that_of_relu():
    a, b = np.array([[1.0], [-2.0], [np.nan]]), np.array([[3.0]])
    out = np.empty((3, 1))
    product(tile_code(a.dtype), a, b, np.zeros(1), out, 1, 1, 0.0)
    np.testing.assert_array_equal(out[:, 0], [3.0, 0.0, np.nan])


@pytest.mark.parametrize("rows", range(1, 40))
def test_rows_are_divided_evenly(rows):
    vectors, last, tiles, height, taller = tiling(rows, 1, 8)
    assert (vectors, last) == (1, 1)
    assert tiles == -(-rows // ROWS[1])
    assert tiles * height + taller == rows
    assert 0 <= taller < tiles
    assert height + (taller > 0) <= ROWS[1]


def test_nobody_else_goes_through_tiles():
    """A product whose terms stay spread over lanes is one tile; all others share the loop."""
    callers = {
        (path.relative_to(FOLDER).as_posix(), function.name)
        for path in FOLDER.rglob("*.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "tile"
    }
    assert callers == {("products/tiles.py", "multiply_rows"), ("convolution/loops.py", "_dot")}
