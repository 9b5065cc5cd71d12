"""Fused attention against its reference of plain ops, at awkward sizes, masks and magnitudes."""

import importlib

import numpy as np
import pytest

from minikeras import config
from minikeras.kernels.shared import attention as kernels
from tests.kernels.test_fused import assert_same, both_ways, floats_among

attention = importlib.import_module("minikeras.ops.nn.attention")

SIZES = [  # batch, targets, sources, heads, size, width
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 2, 4, 3),
    (3, 7, 1, 1, 2, 5),
    (2, 1, 9, 3, 1, 1),
    (5, 17, 17, 2, 3, 3),
]


@pytest.fixture(autouse=True, params=["compiled", "numpy"])
def provider(request):
    before = config.compiled_kernels()
    config.set_compiled_kernels(request.param == "compiled")
    yield
    config.set_compiled_kernels(before)


def arrays_of(batch, targets, sources, heads, size, width):
    rng = np.random.default_rng(batch + targets)
    shapes = [(targets, size), (sources, size), (sources, width)]
    return [rng.normal(size=(batch, n, heads, k)) for n, k in shapes]


def bias_of(*shape):
    return np.random.default_rng(7).normal(size=shape)


def mask_of(*shape):
    return np.random.default_rng(8).random(shape) < 0.6


def compare(arrays, options, needs=None, order=2):
    needs = floats_among(arrays) if needs is None else needs
    assert_same(*both_ways(attention._attention, arrays, options, needs, order))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_plain(size, causal):
    compare(arrays_of(*size), {"scale": 0.3, "causal": causal})


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_with_bias_and_mask(size, causal):
    batch, targets, sources, heads = size[:4]
    options = {"scale": 0.3, "causal": causal}
    full = (batch, heads, targets, sources)
    for shape in (full, (1, 1, targets, sources), (batch, 1, 1, sources), (sources,)):
        compare([*arrays_of(*size), bias_of(*shape)], options, order=1)
        compare([*arrays_of(*size), None, mask_of(*shape)], options, order=1)
    compare([*arrays_of(*size), bias_of(*full[1:]), mask_of(*full)], options)


@pytest.mark.parametrize("block", [1, 100, 10**6])
@pytest.mark.parametrize("large", [1, 40])
def test_blocks_and_magnitudes_change_nothing(block, large, monkeypatch):
    monkeypatch.setattr(kernels, "_BLOCK", block)
    query, key, value = arrays_of(5, 17, 17, 2, 3, 3)
    mask = mask_of(5, 1, 17, 17)
    mask[1] = False
    for extra in ([], [None, mask], [bias_of(5, 2, 17, 17), mask]):
        compare([large * query, large * key, value, *extra], {"scale": 1.0}, order=1)


@pytest.mark.parametrize("large", [1, 40])
def test_a_target_that_sees_nothing_sees_all_alike_and_passes_nothing_on(large):
    query, key, value = arrays_of(2, 3, 5, 2, 4, 3)
    mask = np.ones((2, 1, 3, 5), bool)
    mask[0, :, 1] = False
    arrays = [large * query, large * key, value, None, mask]
    y, saved = kernels.attention(np, *arrays, scale=1.0, save=True)
    np.testing.assert_allclose(y[0, 1], value[0].mean(axis=0), atol=1e-14)
    g = np.zeros_like(y)
    g[0, 1] = 1
    needs = (True, True, True, False, False)
    actual = kernels.attention_backward(np, g, arrays, saved, needs, scale=1.0)
    assert not actual[0].any() and not actual[1].any()
    np.testing.assert_allclose(actual[2][0], 1 / 5, atol=1e-14)
    compare(arrays, {"scale": 1.0}, order=1)


def test_only_what_is_needed_is_computed():
    arrays = [*arrays_of(2, 3, 5, 2, 4, 3), bias_of(2, 1, 3, 5)]
    for bits in range(1, 16):
        needs = tuple(bool(bits >> i & 1) for i in range(4))
        compare(arrays, {"scale": 0.5}, needs, order=1)
        y, saved = kernels.attention(np, *arrays, scale=0.5, save=True)
        actual = kernels.attention_backward(
            np, y, [*arrays, None], saved, (*needs, False), scale=0.5
        )
        assert [d is not None for d in actual] == [*needs, False]


def test_arrays_that_are_not_contiguous():
    arrays = arrays_of(2, 3, 5, 2, 4, 3)
    spread = [np.repeat(a, 2, axis=1)[:, ::2].T.copy().T for a in arrays]
    for order in (0, 1):
        actual = both_ways(attention._attention, spread, {"scale": 0.5}, [True] * 3, order)
        expected = both_ways(attention._attention, arrays, {"scale": 0.5}, [True] * 3, order)
        assert_same(actual[0], expected[1])


def test_half_precision_is_rounded_once():
    arrays = [a.astype(np.float16) for a in arrays_of(2, 9, 300, 2, 64, 3)]
    y, saved = kernels.attention(np, *arrays, scale=0.125, save=True)
    wide, _ = kernels.attention(np, *[a.astype(float) for a in arrays], scale=0.125)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, wide, rtol=2**-11, atol=1e-4)
    needs = (True, True, True, False, False)
    actual = kernels.attention_backward(np, y, [*arrays, None, None], saved, needs, scale=0.125)
    assert all(d.dtype == np.float16 for d in actual[:3])


def test_scores_that_would_overflow():
    x = np.array([1e3, -1e3], np.float32).reshape(1, 2, 1, 1)
    y, _ = kernels.attention(np, x, x, x, scale=1.0)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(2, 3, 4)] * 3, r"are \(batch, length, heads, features\)"),
        ([(2, 3, 2, 4), (3, 3, 2, 4), (3, 3, 2, 4)], "one batch size"),
        ([(2, 3, 2, 4), (2, 5, 2, 4), (2, 6, 2, 4)], "the same places"),
        ([(2, 3, 2, 4), (2, 5, 2, 3), (2, 5, 2, 4)], "one last size"),
        ([(2, 3, 3, 4), (2, 5, 2, 4), (2, 5, 2, 4)], "must divide"),
    ],
)
def test_wrong_shapes_are_refused(shapes, words):
    with pytest.raises(ValueError, match=words):
        attention.dot_product_attention(*(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize("name", ["bias", "mask"])
def test_what_does_not_broadcast_is_refused(name):
    x = np.ones((2, 3, 2, 4))
    with pytest.raises(ValueError, match=rf"`{name}` must broadcast to .*\(2, 2, 3, 3\)"):
        attention.dot_product_attention(x, x, x, **{name: np.ones((2, 2, 3, 4)) > 0})
