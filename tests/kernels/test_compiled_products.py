"""Compiled products of matrices against those of BLAS, at awkward sizes and layouts."""

import itertools

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.compiled.products import products as compiled
from minikeras.kernels.compiled.products.tiles import VECTOR, panel_columns
from minikeras.kernels.shared import products as shared

SHAPES = [
    (1, 1, 1),
    (1, 40, 3),
    (3, 1, 70),
    (7, 5, 17),
    (13, 63, 129),
    (130, 33, 64),
    (29, 801, 65),
    (250, 385, 31),
]
LAYOUTS = ["rows", "columns"]
# A sum of some hundred products of numbers near one, in another order.
LOOSE = {"float32": 3e-6, "float64": 1e-14}


def matrix(rows, columns, layout, dtype):
    numbers = np.random.default_rng(rows + columns).normal(size=(rows, columns)).astype(dtype)
    return np.asfortranarray(numbers) if layout == "columns" else numbers


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Let every product be shared among the threads, however small it is."""
    monkeypatch.setattr(threads, "_LEAST_WORK", 1e-9)
    monkeypatch.setitem(settings._settings, "num_threads", 1)
    monkeypatch.setitem(settings._settings, "compiled_kernels", True)


def computed(a, b, count=1, bias=None, relu=False):
    """The product, computed in about `count` parts."""
    settings._settings["num_threads"] = count
    return compiled.grouped_products(np, [(a, b, bias, relu)])[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_product_is_that_of_blas(shape, left, right, dtype):
    m, k, n = shape
    a, b = matrix(m, k, left, dtype), matrix(k, n, right, dtype)
    exact = a.astype("float64") @ b.astype("float64")
    size = np.sqrt(k) * LOOSE[dtype]
    np.testing.assert_allclose(computed(a, b), exact, rtol=0, atol=size)


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("shape", [(20, 50, 300), (300, 50, 20), (9, 9, 9)], ids=str)
def test_pieces_have_the_bits_of_the_whole(shape, count):
    m, k, n = shape
    a, b = matrix(m, k, "rows", "float32"), matrix(k, n, "rows", "float32")
    assert np.array_equal(computed(a, b, count), computed(a, b))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(300, 700, 800), (257, 1100, 520), (600, 800, 700)], ids=str)
def test_large_ones_are_left_to_blas(monkeypatch, shape, relu, count):
    m, k, n = shape
    bias = matrix(1, n, "rows", "float32")[0]
    for left, right in itertools.product(LAYOUTS, LAYOUTS):
        a, b = matrix(m, k, left, "float32"), matrix(k, n, right, "float32")
        desired = a.astype("float64") @ b.astype("float64") + bias
        desired = np.maximum(desired, 0) if relu else desired
        actual = computed(a, b, count, bias, relu)
        np.testing.assert_allclose(actual, desired, rtol=0, atol=1e-4)
        with monkeypatch.context() as without:
            without.setattr(compiled, "gemm_code", lambda dtype: (0, False))  # a BLAS unheard of
            actual = computed(a, b, count, bias, relu)
        np.testing.assert_allclose(actual, desired, rtol=0, atol=1e-4)


@pytest.mark.parametrize("relu", [False, True])
def test_bias_and_relu_follow_the_last_block_of_terms(relu):
    a, b = matrix(20, 900, "rows", "float64"), matrix(900, 40, "columns", "float64")
    bias = 30 * matrix(1, 40, "rows", "float64")[0]
    desired = a @ b + bias
    desired = np.maximum(desired, 0) if relu else desired
    np.testing.assert_allclose(computed(a, b, 2, bias, relu), desired, rtol=0, atol=1e-11)


def test_nan_and_infinity_pass():
    a, b = matrix(8, 30, "rows", "float32"), matrix(30, 20, "rows", "float32")
    a[2, 3], a[5, 7], b[9, 4] = np.nan, np.inf, -np.inf
    with np.errstate(all="ignore"):
        desired = a @ b
        for relu in (False, True):
            bias = np.zeros(20, "float32")
            expected = np.maximum(desired, 0) if relu else desired
            actual = computed(a, b, 1, bias, relu)
            assert np.array_equal(np.isnan(actual), np.isnan(expected))
            assert np.array_equal(np.isinf(actual), np.isinf(expected))


def test_parts_of_larger_matrices():
    whole = matrix(60, 90, "rows", "float32")
    a, b = whole[5:45:2, 3:40], matrix(37, 50, "rows", "float32")
    np.testing.assert_allclose(computed(a, b), a @ b, rtol=0, atol=1e-4)
    upside_down = a[::-1]
    np.testing.assert_allclose(computed(upside_down, b), upside_down @ b, rtol=0, atol=1e-4)


def test_what_the_loops_were_not_made_for_is_handed_back():
    a, b = matrix(4, 5, "rows", "float32"), matrix(5, 6, "rows", "float32")

    def refused(a, b, bias=None):
        return compiled.grouped_products(np, [(a, b, bias, False)]) is NotImplemented

    assert refused(a, b[:, ::2])
    assert refused(a.astype("float16"), b.astype("float16"))
    assert refused(a, b, np.zeros(12, "float32")[::2])
    assert refused(a[:, :0], b[:0])
    assert refused(a[:0], b)


@pytest.mark.parametrize("count", [1, 3])
def test_several_at_once(count):
    settings._settings["num_threads"] = count
    a, b = matrix(128, 400, "rows", "float32"), matrix(400, 512, "rows", "float32")
    bias = matrix(1, 512, "rows", "float32")[0]
    assert np.array_equal(shared.affine(np, a, b, bias, True), computed(a, b, 1, bias, True))
    assert np.array_equal(shared.matrix_product(np, a, b, "float32"), computed(a, b))
    actual = shared.products_at_once(np, [(a, b), None, (a.T, a)], np.dtype("float32"))
    assert np.array_equal(actual[0], computed(a, b)) and actual[1] is None
    assert np.array_equal(actual[2], computed(a.T, a))


def test_panels_are_about_even():
    lanes = VECTOR // 4
    assert panel_columns(lanes * 5, 4) < lanes * 5
    assert all(panel_columns(n, 4) % lanes == 0 for n in range(1, 300))
