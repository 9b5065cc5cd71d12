"""Compiled pooling against the kernels of NumPy calls."""

import functools

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.cpu import pooling as kernels

pytest.importorskip("numba")
compiled = pytest.importorskip("minikeras.kernels.compiled.pooling.pooling")

# sizes, channels, window, strides, padding
CASES = [
    ((1,), 1, (1,), (1,), ((0, 0),)),
    ((9,), 17, (3,), (2,), ((1, 1),)),
    ((7,), 1, (2,), (3,), ((0, 2),)),
    ((5,), 2, (5,), (2,), ((4, 4),)),
    ((4, 6), 32, (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((5, 7), 33, (2, 2), (2, 2), ((0, 1), (1, 0))),
    ((6, 5), 1, (3, 3), (2, 2), ((0, 1), (1, 1))),
    ((6, 5), 70, (3, 2), (1, 3), ((1, 1), (0, 0))),
    ((3, 1), 16, (1, 1), (2, 1), ((0, 0), (0, 0))),
    ((2, 2), 2, (3, 4), (1, 1), ((2, 2), (1, 2))),
    ((20, 16), 1, (20, 16), (20, 16), ((0, 0), (0, 0))),
]
LOOSE = {"float32": 1e-6, "float64": 1e-14}


def options(case):
    return dict(zip(("window", "strides", "padding"), case[2:], strict=True))


def draw(case, dtype, batch=3):
    """Numbers with many ties, some infinite, some not a number."""
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, size=(batch, *case[0], case[1])).astype(dtype)
    x[rng.random(x.shape) < 0.1] = -np.inf
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def both(name, *arrays, **options):
    """A compiled kernel's result, which must be one, and that of the NumPy kernel."""
    actual = getattr(compiled, name)(np, *arrays, **options)
    assert actual is not NotImplemented
    expected = getattr(kernels, name).__wrapped__(np, *arrays, **options)
    assert actual.dtype == expected.dtype
    return actual, expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_maxima_and_indices_are_the_same(case, dtype):
    x, some = draw(case, dtype), options(case)
    y, expected = both("max_pool", x, **some)
    np.testing.assert_array_equal(y, expected)
    index, expected = both("max_pool_index", x, y, **some)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(*both("pool_gather", x, index, **some))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_sums_differ_by_rounding_at_most(case, dtype):
    x, some = draw(case, dtype), options(case)
    index = kernels.max_pool_index(np, x, kernels.max_pool(np, x, **some), **some)
    g = np.random.default_rng(1).normal(size=index.shape).astype(dtype)
    loose = {"rtol": LOOSE[dtype], "atol": LOOSE[dtype]}
    calls = [
        ("avg_pool", (x,), {}),
        ("avg_pool_grad", (g,), {"input_shape": case[0]}),
        ("pool_scatter", (g, index), {"input_shape": case[0]}),
    ]
    for name, arrays, more in calls:
        np.testing.assert_allclose(*both(name, *arrays, **some, **more), **loose)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_and_strides_of_arrays_change_nothing(case, monkeypatch):
    x, some = draw(case, "float32", batch=5), options(case)
    y, _ = both("max_pool", x, **some)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setitem(settings._settings, "num_threads", 3)
    out = np.zeros((*y.shape, 2), y.dtype)[..., 0]
    assert compiled.max_pool(np, np.repeat(x, 2, axis=1)[:, ::2], out=out, **some) is out
    np.testing.assert_array_equal(out, y)


@pytest.mark.parametrize(
    "x",
    [np.zeros((1, 4, 4, 2), "float16"), np.zeros((1, 4, 4, 2), "int32"), np.zeros((0, 4, 4, 2))],
    ids=["float16", "int32", "empty"],
)
def test_other_arrays_are_left_to_numpy(x):
    some = {"window": (2, 2), "strides": (2, 2), "padding": ((0, 0), (0, 0))}
    assert compiled.max_pool(np, x, **some) is NotImplemented
    assert kernels.max_pool(np, x, **some).shape == (len(x), 2, 2, 2)


def test_the_switch_chooses(monkeypatch):
    some = {"window": (2,), "strides": (2,), "padding": ((0, 0),)}
    calls = []
    monkeypatch.setitem(settings._settings, "compiled", True)
    first = functools.partial(kernels.max_pool, np, np.ones((1, 4, 1)), **some)
    first()  # the provider has looked the compiled kernel up
    monkeypatch.setattr(compiled, "_run", lambda *args: calls.append(args) or NotImplemented)
    first()
    assert len(calls) == 1
    monkeypatch.setitem(settings._settings, "compiled", False)
    first()
    assert len(calls) == 1
