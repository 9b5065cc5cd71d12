"""Compiled sums, products and the like have NumPy's bits, whatever the arrays are."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.compiled.wide import wide

FUNCTIONS = [np.add, np.subtract, np.multiply, np.maximum]


@pytest.fixture(autouse=True, params=[1, 3])
def settled(request, monkeypatch):
    """With one thread and with three, however small the arrays are."""
    monkeypatch.setattr(threads, "_LEAST_WORK", 1e-9)
    monkeypatch.setitem(settings._settings, "num_threads", request.param)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (7, 5), (3, 1, 130), (0, 4), (257,)], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_bits_are_those_of_numpy(function, shape, dtype):
    rng = np.random.default_rng(0)
    x1, x2 = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    x1.reshape(-1)[:5] = special[: x1.size]
    x2.reshape(-1)[:5] = special[::-1][: x2.size]
    with np.errstate(all="ignore"):
        for other in (x2, 0, 1.5, x1.dtype.type(2), np.array(-1, dtype), np.array(np.nan, dtype)):
            actual, expected = wide(np, function, x1, other), function(x1, other)
            assert actual.dtype == expected.dtype
            np.testing.assert_array_equal(actual, expected)


def test_what_the_loops_were_not_made_for_is_handed_back():
    x = np.ones((4, 6), "float32")
    for operands in [
        (x, x[0]),
        (x, x.T),
        (x[:, ::2], x[:, ::2]),
        (x, np.float64(2)),
        (x, x.astype("float64")),
        (x.astype("int32"), 1),
        (2.0, x),
    ]:
        assert wide(np, np.add, *operands) is NotImplemented
    assert wide(np, np.divide, x, x) is NotImplemented
    assert wide(np, lambda a, b: a + b, x, x) is NotImplemented
    assert wide(np, np.add, x, x, x) is NotImplemented
