"""Compiled attention against that of NumPy calls."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled import attention as compiled
from minikeras.kernels.shared import attention as shared

NEAR = {"float32": 1e-5, "float64": 1e-12}
SIZES = [  # batch, targets, sources, heads, size, width
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 2, 4, 3),
    (3, 37, 1, 1, 2, 5),
    (2, 1, 9, 3, 1, 1),
    (5, 17, 17, 2, 3, 70),
    (2, 70, 65, 3, 33, 16),
]
EVERYTHING = (True, True, True, False, False)


def _draw(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _arrays(size, dtype="float32"):
    batch, targets, sources, heads, terms, width = size
    shapes = (targets, terms), (sources, terms), (sources, width)
    return [_draw((batch, n, heads, k), dtype, i) for i, (n, k) in enumerate(shapes)]


def _seen(*shape):
    return np.random.default_rng(8).random(shape) < 0.6


def _same(actual, expected, dtype):
    assert (actual is None) == (expected is None)
    if expected is not None:
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        scale = np.abs(expected).max(initial=1)  # a gradient may be a difference of equal terms
        np.testing.assert_allclose(actual, expected, rtol=0, atol=NEAR[dtype] * scale)


def _compare(in_numpy, arrays, needs, dtype, **options):
    arrays = [*arrays, *[None] * (5 - len(arrays))]
    expected, kept = in_numpy(shared.attention, np, *arrays, save=True, **options)
    actual, saved = compiled.attention(np, *arrays, save=True, **options)
    _same(actual, expected, dtype)
    assert (saved[2] is None) == (kept[2] is None)
    if kept[2] is not None:
        np.testing.assert_array_equal(saved[2], kept[2])
    np.testing.assert_array_equal(compiled.attention(np, *arrays, **options)[0], actual)
    g = _draw(expected.shape, dtype, 7)
    slopes = in_numpy(shared.attention_backward, np, g, arrays, kept, needs, **options)
    for held in (saved, kept):  # either may go on with what the other one saved
        arguments = compiled.attention_backward(np, g, arrays, held, needs, **options)
        for a, b in zip(arguments, slopes, strict=True):
            _same(a, b, dtype)
    crossed = in_numpy(shared.attention_backward, np, g, arrays, saved, needs, **options)
    for a, b in zip(crossed, slopes, strict=True):
        _same(a, b, dtype)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("causal", [False, True])
def test_plain(in_numpy, threads, size, dtype, causal):
    _compare(in_numpy, _arrays(size, dtype), EVERYTHING, dtype, scale=0.3, causal=causal)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", NEAR)
def test_bias_and_mask(in_numpy, size, dtype):
    batch, targets, sources, heads = size[:4]
    full = batch, heads, targets, sources
    for shape in (full, (1, 1, targets, sources), (batch, 1, 1, sources), (sources,), (1,) * 4):
        for extra in ([_draw(shape, dtype)], [None, _seen(*shape)]):
            needs = (True, True, True, extra[0] is not None, False)
            arguments = [*_arrays(size, dtype), *extra]
            _compare(in_numpy, arguments, needs, dtype, scale=0.3, causal=shape == full)
    arguments = [*_arrays(size, dtype), _draw(full[1:], dtype), _seen(*full)]
    _compare(in_numpy, arguments, (*EVERYTHING[:3], True, False), dtype, scale=0.3)


@pytest.mark.parametrize("kept", [False, True])
def test_targets_block_by_block(in_numpy, monkeypatch, kept):
    monkeypatch.setattr(compiled, "_BLOCK", 1)
    monkeypatch.setattr(compiled, "_LEAST", 32)
    batch, targets, sources, heads = SIZES[-1][:4]
    arrays = _arrays(SIZES[-1])
    if kept:
        arrays += [_draw((heads, targets, sources)), _seen(batch, 1, targets, sources)]
    _compare(in_numpy, arrays, (True, True, True, kept, False), "float32", scale=0.3, causal=True)


def test_only_what_is_needed(in_numpy):
    arrays = [*_arrays(SIZES[1]), _draw((2, 1, 3, 5))]
    for bits in range(1, 16):
        needs = (*(bool(bits >> i & 1) for i in range(4)), False)
        _compare(in_numpy, arrays, needs, "float32", scale=0.5)


def test_targets_that_see_nothing(in_numpy):
    mask = np.ones((2, 1, 3, 5), bool)
    mask[0, :, 1] = False
    arrays = [*_arrays(SIZES[1], "float64"), None, mask]
    _compare(in_numpy, arrays, EVERYTHING, "float64", scale=40.0)


def test_arrays_that_are_not_contiguous(in_numpy):
    spread = [np.repeat(a, 2, axis=1)[:, ::2].T.copy().T for a in _arrays(SIZES[1])]
    _compare(in_numpy, spread, EVERYTHING, "float32", scale=0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_where_it_is(in_numpy, value):
    query, key, values = _arrays(SIZES[1])
    query[0, 1, 0, 2] = value
    values[1, 2, 1, 1] = value
    with np.errstate(all="ignore"):
        expected, _ = in_numpy(shared.attention, np, query, key, values, scale=1.0)
    actual, _ = compiled.attention(np, query, key, values, scale=1.0)
    np.testing.assert_array_equal(np.isfinite(actual), np.isfinite(expected))
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))


def test_steps_back():
    half = [a.astype("float16") for a in _arrays(SIZES[1])]
    assert compiled.attention(np, *half) is NotImplemented
    nobody = [a[:0] for a in _arrays(SIZES[1])]
    assert compiled.attention(np, *nobody) is NotImplemented
