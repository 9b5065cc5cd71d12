"""Compiled kernels of images against those of NumPy calls: maps, look-ups, transforms."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled import colors, lookups, resampling, warping
from minikeras.kernels.shared.images import colors as shared_colors
from minikeras.kernels.shared.images import lookups as shared_lookups
from minikeras.kernels.shared.images import resampling as shared_resampling
from minikeras.kernels.shared.images import warping as shared_warping

DTYPES = ["float32", "float64"]


def _draw(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, axis", [((3, 6, 2, 3), 1), ((2, 4, 6, 3), 2), ((6, 40), 0)])
@pytest.mark.parametrize("convex", [True, False])
def test_resampled(in_numpy, threads, dtype, shape, axis, convex):
    x, places = _draw(shape, dtype), np.random.default_rng(1).integers(0, 6, (2, 9)).astype("int32")
    arguments = np, x, places, _draw((2, 9), "float64", 2)
    options = {"axis": axis, "convex": convex}
    expected = in_numpy(shared_resampling.resampled, *arguments, **options)
    assert np.array_equal(resampling.resampled(*arguments, **options), expected)


def test_resampled_steps_back():
    x, places, weights = np.ones((2, 3)), np.zeros((1, 3), "int32"), np.ones((1, 3))
    assert resampling.resampled(np, x.T, places, weights, axis=0) is NotImplemented
    assert resampling.resampled(np, x.astype("f2"), places, weights, axis=1) is NotImplemented
    assert resampling.resampled(np, x, places.astype("i8"), weights, axis=1) is NotImplemented
    assert resampling.resampled(np, x[:0], places, weights, axis=1).shape == (0, 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch, alike", [(3, False), (3, True), (1, True), (0, True)])
def test_lookups(in_numpy, threads, dtype, batch, alike):
    own = 1 if alike else batch
    index = np.random.default_rng(0).integers(0, 6, (4, own, 7)).astype("int32")
    table, weights, g = (
        _draw(shape, dtype, i)
        for i, shape in enumerate([(batch, 6, 3), (4, own, 7), (batch, 7, 3)])
    )
    weights[1] = 0
    for name, arguments, options in (
        ("weighted_rows", (table, weights, index), {}),
        ("spread_rows", (g, weights, index), {"size": 6}),
        ("row_products", (g, table, index), {}),
    ):
        expected = in_numpy(getattr(shared_lookups, name), np, *arguments, **options)
        actual = getattr(lookups, name)(np, *arguments, **options)
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_a_row_without_weight_is_not_read(in_numpy):
    table = np.array([[[1.0], [np.inf]]])
    weights, index = np.array([[[2.0]], [[0.0]]]), np.array([[[0]], [[1]]], "int32")
    with np.errstate(all="ignore"):
        expected = in_numpy(shared_lookups.weighted_rows, np, table, weights, index)
    assert lookups.weighted_rows(np, table, weights, index) == expected == 2.0


def test_lookups_step_back():
    table, weights, index = np.ones((1, 2, 3)), np.ones((1, 1, 2)), np.zeros((1, 1, 2), "int64")
    assert lookups.weighted_rows(np, table, weights, index) is NotImplemented
    assert lookups.spread_rows(np, table, weights, index, size=2) is NotImplemented
    assert lookups.row_products(np, table, table, index) is NotImplemented


def _transforms(dtype):
    """Affine ones and projective ones, far away ones, and what is no number."""
    transforms = 2 * _draw((6, 8), dtype)
    transforms[:3, 6:] = 0
    transforms[1] = [1, 0, 0.5, 0, 1, -0.5, 0, 0]
    transforms[2, :3] *= 100
    transforms[4, 2], transforms[5, 0] = np.inf, np.nan
    return transforms


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "reflect"])
@pytest.mark.parametrize("height, width", [(5, 7), (1, 4), (1, 1)])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_warped(in_numpy, threads, dtype, fill_mode, height, width):
    """The bits of NumPy, also where a place is no number."""
    table, transforms = _draw((6, height * width, 3), dtype), _transforms(dtype)
    options = {"height": height, "width": width, "fill_mode": fill_mode}
    for rows, fill_value in ((transforms, 0), (transforms[1:2], 2.5)):
        arguments = np, table, rows
        options["fill_value"] = fill_value
        expected = in_numpy(shared_warping.warped, *arguments, **options)
        np.testing.assert_array_equal(warping.warped(*arguments, **options), expected, strict=True)
    arguments = np, transforms, height, width, fill_mode
    expected = in_numpy(shared_warping.nearest_pixels, *arguments)
    for a, b in zip(warping.nearest_pixels(*arguments), expected, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_warped_steps_back():
    table, transforms = np.ones((1, 1, 3)), np.ones((1, 8), "f4")
    options = {"height": 1, "width": 1, "fill_mode": "wrap", "fill_value": 0}
    assert warping.warped(np, table, transforms, **options) is NotImplemented
    assert warping.nearest_pixels(np, transforms.astype("f2"), 1, 1, "wrap") is NotImplemented


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["rgb_to_hsv", "hsv_to_rgb"])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_colors(in_numpy, threads, dtype, name):
    """The bits of NumPy for colors, grays, numbers beyond 0 and 1, and what is no number."""
    x = _draw((3, 40, 3), dtype)
    x[0] = np.random.default_rng(1).integers(0, 3, (40, 3)) / 2
    x[1, :2] = [[np.nan, 1, 0], [np.inf, 0, 1]]
    expected = in_numpy(getattr(shared_colors, name), np, x)
    np.testing.assert_array_equal(getattr(colors, name)(np, x), expected, strict=True)
    assert getattr(colors, name)(np, x.astype("f2")) is NotImplemented
