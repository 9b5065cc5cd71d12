"""Gradients of roots and reciprocals in one pass: the bits of those of NumPy calls."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled import slopes as compiled
from minikeras.kernels.shared import slopes

NAMES = ["sqrt_slope", "rsqrt_slope", "reciprocal_slope"]
SPECIAL = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan]


@pytest.fixture(autouse=True)
def without_warnings():
    with np.errstate(all="ignore"):
        yield


def bits(x):
    """Numbers as integers, all that are NaN alike."""
    return np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x).view(f"i{x.itemsize}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_bits_are_those_of_numpy(in_numpy, threads, name, dtype):
    y, dy = np.random.default_rng(0).normal(size=(2, 37, 53)).astype(dtype)
    slope = getattr(compiled, name)(np, y, dy)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(bits(slope), bits(in_numpy(getattr(slopes, name), np, y, dy)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_zeros_infinities_and_nan(in_numpy, name, dtype):
    y, dy = np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype))
    slope = getattr(compiled, name)(np, np.ascontiguousarray(y), np.ascontiguousarray(dy))
    np.testing.assert_array_equal(bits(slope), bits(in_numpy(getattr(slopes, name), np, y, dy)))
    assert (slope[dy == 0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_to_numpy(name):
    kernel, y = getattr(compiled, name), np.ones((4, 5))
    assert kernel(np, y.astype("float16"), y.astype("float16")) is NotImplemented
    assert kernel(np, y.T, y.T) is NotImplemented
    assert kernel(np, y, y[:1]) is NotImplemented
    assert kernel(np, y, y.astype("float32")) is NotImplemented
