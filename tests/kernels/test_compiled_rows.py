"""Compiled kernels that go row by row, and the exponentials, against those of NumPy calls."""

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.arrays import random as draws
from minikeras.kernels.compiled import activations as bends
from minikeras.kernels.compiled import crossentropy, dropout, scatter
from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.exponentials import exp, largest, sigmoid, tanh
from minikeras.kernels.compiled.normalization.batch_norm import batch_norm, batch_norm_backward
from minikeras.kernels.compiled.normalization.layer_norm import layer_norm, layer_norm_backward
from minikeras.kernels.compiled.products import dense
from minikeras.kernels.cpu import scatter as cpu_scatter
from minikeras.kernels.shared import activations, masks
from minikeras.kernels.shared import crossentropy as shared_crossentropy
from minikeras.kernels.shared import dense as shared_dense
from minikeras.kernels.shared import products as shared_products
from minikeras.kernels.shared.normalization import norm as shared_norm

SHAPES = [(1, 1), (7, 3), (5, 9, 130), (33, 4, 16), (3, 1100), (6,)]
NEAR = {"float32": 5e-6, "float64": 1e-12}


def _draw(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _same(actual, expected, near=0.0):
    assert (actual is None) == (expected is None)
    if expected is not None:
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        scale = np.abs(expected).max(initial=1e-3)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=near * scale)


# Normalization


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("scaled", [True, False])
def test_batch_norm(in_numpy, threads, shape, dtype, scaled):
    x, channels = _draw(shape, dtype) * 3 + 2, shape[-1]
    gamma, beta = (_draw(channels, dtype, i) if scaled else None for i in (1, 2))
    expected, saved = in_numpy(shared_norm.batch_norm, np, x, gamma, beta, save=True)
    actual, actual_saved = batch_norm(np, x, gamma, beta, save=True)
    for a, b in zip(actual, expected, strict=True):
        _same(a, b, NEAR[dtype])
    gradients = [_draw(shape, dtype, 3), _draw(channels, dtype, 4), _draw(channels, dtype, 5)]
    arguments = gradients, (x, gamma, beta), saved, (True, scaled, scaled)
    slopes = in_numpy(shared_norm.batch_norm_backward, np, *arguments)
    for a, b in zip(batch_norm_backward(np, *arguments), slopes, strict=True):
        _same(a, b, NEAR[dtype])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("scaled", [True, False])
def test_layer_norm(in_numpy, threads, shape, dtype, axes, scaled):
    if axes > len(shape):
        pytest.skip("fewer axes")
    x, own = _draw(shape, dtype) * 3 + 2, shape[len(shape) - axes :]
    gamma, beta = (_draw(own, dtype, i) if scaled else None for i in (1, 2))
    arguments = x, gamma, beta
    expected, saved = in_numpy(shared_norm.layer_norm, np, *arguments, axes=axes, save=True)
    actual, actual_saved = layer_norm(np, *arguments, axes=axes, save=True)
    _same(actual, expected, NEAR[dtype])
    for a, b in zip(actual_saved, saved, strict=True):
        _same(a, b, NEAR[dtype])
    arguments = _draw(shape, dtype, 3), arguments, saved, (True, scaled, scaled)
    slopes = in_numpy(shared_norm.layer_norm_backward, np, *arguments, axes=axes)
    for a, b in zip(layer_norm_backward(np, *arguments, axes=axes), slopes, strict=True):
        _same(a, b, NEAR[dtype])


def test_batch_norm_keeps_the_digits_of_numbers_far_from_zero():
    x = _draw((4000, 24)) + np.float32(1e4)
    _, mean, variance = batch_norm(np, x)[0]
    exact = x.astype("float64")
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-6)


def test_norms_of_nan_and_infinity():
    x = _draw((8, 3))
    x[0, 0], x[1, 1] = np.nan, np.inf
    with np.errstate(all="ignore"):
        y, mean, variance = batch_norm(np, x)[0]
        rows, _ = layer_norm(np, x)
    assert np.isnan(y[:, :2]).all() and np.isfinite(y[:, 2]).all()
    assert np.isnan(mean[0]) and mean[1] == np.inf
    assert np.isnan(rows[:2]).all() and np.isfinite(rows[2:]).all()


@pytest.mark.parametrize("kernel", [batch_norm, layer_norm])
def test_norms_step_back(kernel):
    x = _draw((4, 6))
    cases = [(x.astype("float16"),), (x[:0],), (x.T,), (x, _draw(5)), (x, _draw(6, "float64"))]
    assert all(kernel(np, *case) is NotImplemented for case in cases)
    assert batch_norm(np, x, axis=0) is NotImplemented


# Dropout


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (5, 7), (64, 99)], ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.1, 1 / 3, 0.5, 0.999999])
def test_masks_are_equal_bit_for_bit(threads, dtype, shape, rate):
    for seed in [(3, 0), (2**63 + 5, 7), (1, 2**40 + 1)]:
        expected = draws.dropout_mask(np, seed, shape, rate, dtype)
        assert np.array_equal(dropout.dropout_mask(np, seed, shape, rate, dtype), expected)
    assert dropout.dropout_mask(np, seed, shape, rate, "float64") is NotImplemented


@pytest.mark.parametrize("dtype", NEAR)
def test_kept(in_numpy, threads, dtype):
    x, keep = _draw((9, 11), dtype), _draw((9, 11)) > 0
    x[0, :2], keep[0, :2] = np.nan, (True, False)
    expected = in_numpy(masks.apply_mask, np, x, keep, 1.25)
    assert np.array_equal(dropout.apply_mask(np, x, keep, 1.25), expected, equal_nan=True)
    assert dropout.apply_mask(np, x, keep[:1], 1.25) is NotImplemented
    assert dropout.apply_mask(np, x.T, keep.T, 1.25) is NotImplemented


# Softmax, cross-entropy, what surrounds a dense layer, scatter


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NEAR)
def test_softmax_and_cross_entropy(in_numpy, threads, shape, dtype):
    x = _draw(shape, dtype) * 20
    target = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    _same(crossentropy.softmax(np, x), in_numpy(activations.softmax, np, x), NEAR[dtype])
    expected, saved = in_numpy(shared_crossentropy.sparse, np, x, np.asarray(target), save=True)
    actual, actual_saved = crossentropy.sparse(np, x, np.asarray(target), save=True)
    _same(np.asarray(actual), np.asarray(expected), NEAR[dtype])
    _same(actual_saved, saved, NEAR[dtype])
    arguments = _draw(shape[:-1], dtype, 2) if len(shape) > 1 else np.ones((), dtype)
    arguments = arguments, (x, np.asarray(target)), saved, (True, False)
    slopes = in_numpy(shared_crossentropy.sparse_backward, np, *arguments)[0]
    _same(crossentropy.sparse_backward(np, *arguments)[0], slopes, NEAR[dtype])


def test_softmax_of_nan_and_infinity(in_numpy):
    inf, nan = np.inf, np.nan
    x = np.array([[1, nan, 2], [nan, 1, 2], [inf, 1, 2], [-inf, -inf, 0], [-inf] * 3], "float32")
    with np.errstate(all="ignore"):
        expected = in_numpy(activations.softmax, np, x)
        assert np.array_equal(crossentropy.softmax(np, x), expected, equal_nan=True)


def test_cross_entropy_steps_back():
    x, target = _draw((4, 3)), np.array([0, 1, 2, 3])
    assert crossentropy.sparse(np, x, target) is NotImplemented
    assert crossentropy.softmax(np, x, axis=0) is NotImplemented
    with pytest.raises(ValueError, match="Expected class numbers from 0 to 2"):
        shared_crossentropy.sparse(np, x, target)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("relu", [True, False])
def test_around_a_dense_layer(in_numpy, threads, dtype, relu):
    y, g, bias = _draw((5, 7, 33), dtype), _draw((5, 7, 33), dtype, 1), _draw(33, dtype, 2)
    y[0, 0, :2], g[0, 0, 2] = (np.nan, np.inf), np.nan
    with np.errstate(all="ignore"):
        expected = in_numpy(shared_products.finish, np, y.copy(), bias, relu)
        slopes = in_numpy(shared_dense.where_positive, np, g, y)
    assert np.array_equal(dense.finish(np, y.copy(), bias, relu), expected, equal_nan=True)
    assert np.array_equal(dense.where_positive(np, g, y), slopes, equal_nan=True)
    assert dense.finish(np, y, None, relu) is NotImplemented
    assert dense.where_positive(np, g[:1], y) is NotImplemented


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("count", [0, 1, 200])
def test_scatter(in_numpy, kind, count):
    places = np.random.default_rng(0).integers(-6, 6, count).astype(kind)
    table, rows = _draw((6, 5)), _draw((count, 5), seed=1)
    expected = in_numpy(cpu_scatter.scatter_add_rows, table.copy(), places, rows)
    assert np.array_equal(scatter.scatter_add_rows(table.copy(), places, rows), expected)
    with pytest.raises(IndexError, match="outside the table"):
        scatter.scatter_add_rows(table, np.array([6]), rows[:1])


# Activations


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("shape", [(), (1,), (5, 77)], ids=str)
def test_activations(in_numpy, threads, dtype, shape):
    x, g = _draw(shape, dtype) * 5, _draw(shape, dtype, 1)
    x, g = np.asarray(x, dtype), np.asarray(g, dtype)
    _same(bends.sigmoid(np, x), np.asarray(in_numpy(activations.sigmoid, np, x)), NEAR[dtype])
    for name in ("silu", "gelu"):
        expected, saved = in_numpy(getattr(activations, name), np, x, save=True)
        actual, actual_saved = getattr(bends, name)(np, x, save=True)
        _same(actual, np.asarray(expected), NEAR[dtype])
        _same(actual_saved, np.asarray(saved), NEAR[dtype])
        arguments = g, (x,), np.asarray(saved), (True,)
        slopes = in_numpy(getattr(activations, f"{name}_backward"), np, *arguments)[0]
        actual = getattr(bends, f"{name}_backward")(np, *arguments)[0]
        _same(actual, np.asarray(slopes), NEAR[dtype])


def test_activations_of_nan_and_infinity(in_numpy):
    x = np.array([np.nan, np.inf, -np.inf], "float32")
    with np.errstate(all="ignore"):
        for name in ("sigmoid", "silu", "gelu"):
            expected = in_numpy(getattr(activations, name), np, x)
            actual = getattr(bends, name)(np, x)
            if name != "sigmoid":
                expected, actual = expected[0], actual[0]
            assert np.array_equal(actual, expected, equal_nan=True), name


def test_activations_step_back():
    x = _draw((4, 6))
    for case in (x.astype("float16"), x.T, np.arange(3)):
        assert bends.sigmoid(np, case) is bends.gelu(np, case) is NotImplemented


# Exponentials


@compiled()
def _fill(x, exps, tanhs, sigmoids):
    for i in range(x.size):
        exps[i], tanhs[i], sigmoids[i] = exp(x[i]), tanh(x[i]), sigmoid(x[i])
    return largest(x)


def _units(actual, exact):
    """Errors in units of the last place of float32."""
    fits = np.abs(exact) < np.finfo("float32").max
    spacing = np.spacing(np.abs(exact[fits]).astype("float32")).astype("float64")
    return np.abs(actual[fits].astype("float64") - exact[fits]) / spacing


def test_exponentials_are_good_to_a_few_units_in_the_last_place():
    words = np.arange(0, 2**32, 20011, dtype="uint64").astype("uint32").view("float32")
    near = np.linspace(-110, 95, 200_001, dtype="float32")
    x = np.concatenate([words[np.isfinite(words)], near, near / 50])
    actual = [np.empty_like(x) for _ in range(3)]
    assert _fill(x, *actual) == x.max()
    exact = x.astype("float64")
    with np.errstate(all="ignore"):
        truths = np.exp(exact), np.tanh(exact), 1 / (1 + np.exp(-exact))
    for name, y, truth, most in zip("ets", actual, truths, (1.0, 2.6, 2.5), strict=True):
        assert _units(y, truth).max() <= most, name


def test_exponentials_at_the_ends():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 89.0, -104.0], "float32")
    exps, tanhs, sigmoids = (np.empty_like(x) for _ in range(3))
    _fill(x, exps, tanhs, sigmoids)
    nan, inf = math.nan, math.inf
    np.testing.assert_array_equal(exps, [nan, inf, 0, 1, 1, inf, 0])
    np.testing.assert_array_equal(tanhs, [nan, 1, -1, 0, 0, 1, -1])
    np.testing.assert_array_equal(sigmoids, [nan, 1, 0, 0.5, 0.5, 1, 0])
    assert np.signbit(tanhs[4])


def test_exponentials_of_float64_are_those_of_the_c_library():
    x = np.linspace(-800, 800, 1001)
    actual = [np.empty_like(x) for _ in range(3)]
    _fill(x, *actual)
    with np.errstate(all="ignore"):
        truths = np.exp(x), np.tanh(x), 1 / (1 + np.exp(-x))
    for y, truth in zip(actual, truths, strict=True):
        np.testing.assert_allclose(y, truth, rtol=1e-15)
