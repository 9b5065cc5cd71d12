"""Sums by a product with ones equal NumPy's, and stay nearer to the exact sum."""

import numpy as np
import pytest

from minikeras.kernels.shared.sums import total

SHAPE = (6, 9, 11, 13)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    "axis", [None, 0, 1, 2, 3, -1, -2, (0, 1), (1, 2), (0, 1, 2), (0, 2), (2, 1), (-3, -2), ()]
)
def test_every_choice_of_axes(axis, keepdims, dtype):
    x = np.random.default_rng(0).normal(size=SHAPE).astype(dtype)
    actual = np.asarray(total(np, x, axis=axis, keepdims=keepdims))
    exact = x.astype("float64").sum(axis=axis, keepdims=keepdims)
    assert actual.shape == exact.shape
    assert actual.dtype == x.dtype
    tolerance = {"float16": 2e-2, "float32": 2e-5, "float64": 1e-13, "int32": 0}[dtype]
    np.testing.assert_allclose(actual, exact, atol=tolerance * 10, rtol=tolerance)


def test_views_and_small_arrays():
    x = np.random.default_rng(0).normal(size=(70, 60, 5))
    for view in (x[::2], x.transpose(1, 0, 2), x[:3, :3], x[:0]):
        np.testing.assert_allclose(total(np, view, axis=(0, 1)), view.sum(axis=(0, 1)), atol=1e-11)


def test_infinity_and_nan_stay_in_their_columns():
    x = np.ones((100, 50, 4), "float32")
    x[3, 4, 1], x[5, 6, 2] = np.inf, np.nan
    np.testing.assert_array_equal(total(np, x, axis=(0, 1)), [5000, np.inf, np.nan, 5000])


def test_it_is_nearer_to_the_exact_sum():
    x = np.random.default_rng(0).random((200, 50, 16), "float32")
    exact = x.astype("float64").sum(axis=(0, 1))
    ours = np.abs(total(np, x, axis=(0, 1)) - exact).max()
    assert ours <= np.abs(x.sum(axis=(0, 1)) - exact).max()
