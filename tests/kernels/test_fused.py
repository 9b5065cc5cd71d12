"""Fused ops against their references of plain ops: results, gradients, and gradients of those."""

import importlib
import itertools

import numpy as np
import pytest

from minikeras import config, ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.tensor import Tensor
from minikeras.kernels.shared.normalization import norm as norm_kernels

# Imported by their paths: `ops.nn` names its ops alone.
batch_norm_op, crossentropy, ctc, gates, norm, shrinkage = (
    importlib.import_module(f"minikeras.ops.nn.{name}")
    for name in ("batch_norm", "crossentropy", "ctc", "gates", "norm", "shrinkage")
)


def draw(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def shares(*shape):
    weights = np.exp(draw(*shape))
    return weights / weights.sum(axis=-1, keepdims=True)


def batch_norm(shape, axis):
    channels = shape[axis]
    arrays = draw(*shape), draw(channels), draw(channels, 1)[:, 0]
    return f"batch_norm{shape}{axis}", batch_norm_op.batch_norm_train, arrays, {"axis": axis}


def layer_norm(shape, axes):
    sizes = shape[len(shape) - axes :]
    arrays = draw(*shape), draw(*sizes), draw(*sizes) ** 2
    return f"layer_norm{shape}{axes}", norm._layer_norm, arrays, {"axes": axes}


def group_norm(shape, axis, groups):
    channels = shape[axis]
    arrays = draw(*shape), draw(channels), draw(channels, 1)[:, 0]
    options = {"axis": axis, "groups": groups}
    return f"group_norm{shape}{axis}{groups}", norm.group_norm, arrays, options


def rms_norm(shape, axes):
    arrays = draw(*shape), draw(*shape[len(shape) - axes :])
    return f"rms_norm{shape}{axes}", norm._rms_norm, arrays, {"axes": axes}


def temporal(*shape):
    """Labels that repeat, that fill up a row, that do not fit, and steps that do not count."""
    target = np.array([[1, 1, 2], [3, 0, 0], [2, 2, 2], [1, 2, 0]])
    lengths = np.array([3, 1, 3, 2]), np.array([5, 4, 4, 0])
    return f"ctc{shape}", ctc._ctc_loss, (draw(4, *shape), target, *lengths), {"mask_index": 0}


def dense(*shape, units):
    arrays = draw(*shape), draw(shape[-1], units), draw(units)
    return f"dense{shape}{units}", ops.dense, arrays, {}


def categorical(shape, axis):
    arrays = shares(*shape), 20 * draw(*shape)
    options = {"axis": axis}
    return f"categorical{shape}{axis}", crossentropy._softmax_crossentropy, arrays, options


def sparse(*shape):
    target = np.arange(np.prod(shape[:-1])).reshape(shape[:-1]) % shape[-1]
    arrays = 20 * draw(*shape), target
    return f"sparse{shape}", crossentropy._sparse_crossentropy, arrays, {}


CASES = [
    *(batch_norm(shape, axis) for shape in [(1, 1), (7, 3), (97, 5)] for axis in (-1, 1)),
    *(batch_norm((3, 5, 2, 7), axis) for axis in (0, 1, 2, 3)),
    batch_norm((6, 5, 5, 64), -1),
    *(layer_norm(shape, axes) for shape in [(1, 1), (5, 7)] for axes in (1, 2)),
    *(layer_norm((3, 2, 5), axes) for axes in (1, 2, 3)),
    *(group_norm((3, 4, 2, 4), axis, groups) for axis in (-1, 1) for groups in (1, 2, 4)),
    group_norm((2, 3, 6, 2), 2, 3),
    group_norm((2, 4), -1, 2),
    *(rms_norm((3, 2, 5), axes) for axes in (1, 2, 3)),
    rms_norm((1, 1), 1),
    dense(1, 1, units=1),
    dense(5, 3, units=7),
    dense(2, 1, 3, 4, units=5),
    dense(3, units=2),
    *(categorical(shape, axis) for shape in [(1, 1), (5, 3)] for axis in (0, 1)),
    categorical((2, 3, 5), 1),
    sparse(1, 1),
    sparse(5, 3),
    sparse(2, 3, 7),
    ("binary", crossentropy._sigmoid_crossentropy, (shares(5, 3), 30 * draw(5, 3)), {}),
    temporal(5, 4),
    ("gelu", gates._tanh_gelu, (5 * draw(5, 3),), {}),
    ("erf_gelu", gates._erf_gelu, (5 * draw(5, 3),), {}),
    ("hard_sigmoid", gates._hard_sigmoid, (5 * draw(5, 3),), {}),
    ("hard_silu", gates._hard_silu, (5 * draw(5, 3),), {}),
    ("log_sigmoid", shrinkage._log_sigmoid, (5 * draw(5, 3),), {}),
    ("softsign", shrinkage._softsign, (5 * draw(5, 3),), {}),
    ("mish", shrinkage.mish, (5 * draw(5, 3),), {}),
    ("silu", gates._silu, (30 * draw(5, 3),), {}),
]
NAMES = [case[0] for case in CASES]


def evaluate(op, arrays, options, needs, order):
    """Results of an op, and gradients of orders 1 to `order` of weighted sums."""
    inputs = [None if a is None else Tensor(a) for a in arrays]
    sources = [x for x, needed in zip(inputs, needs, strict=True) if needed]
    tapes = [GradientTape(persistent=True) for _ in range(order)]
    for tape in tapes:
        tape.__enter__()
        tape.watch(sources)
    actual = op(*inputs, **options)
    actual = list(actual) if isinstance(actual, tuple) else [actual]
    everything = [actual]
    for tape in reversed(tapes):
        total = sum(ops.sum(y * Tensor(draw(*y.shape, 1)[..., 0])) for y in actual)
        actual = [g for g in tape.gradient(total, sources) if g is not None]
        everything.append(actual)
        tape.__exit__()
    return [[y.numpy() for y in level] for level in everything]


def both_ways(op, arrays, options, needs, order):
    fused = evaluate(op, arrays, options, needs, order)
    config.set_fused_kernels(False)
    try:
        return fused, evaluate(op, arrays, options, needs, order)
    finally:
        config.set_fused_kernels(True)


def assert_same(actual, expected):
    for level, other in zip(actual, expected, strict=True):
        for value, truth in zip(level, other, strict=True):
            assert value.dtype == truth.dtype
            np.testing.assert_allclose(value, truth, rtol=1e-10, atol=1e-10)


def floats_among(arrays):
    return [a is not None and a.dtype.kind == "f" for a in arrays]


@pytest.mark.parametrize(("name", "op", "arrays", "options"), CASES, ids=NAMES)
def test_fused_is_its_reference(name, op, arrays, options):
    assert_same(*both_ways(op, arrays, options, floats_among(arrays), order=2))


@pytest.mark.parametrize(("name", "op", "arrays", "options"), CASES, ids=NAMES)
def test_only_what_is_needed_is_computed(name, op, arrays, options):
    every = floats_among(arrays)
    for needs in itertools.product(*((False, True) if on else (False,) for on in every)):
        if any(needs):
            assert_same(*both_ways(op, arrays, options, needs, order=1))
            saved = op.kernel(np, *arrays, save=True, **options)
            gradients = [np.ones_like(y) for y in (saved[0] if isinstance(saved[0], tuple) else [])]
            g = gradients or np.ones_like(saved[0])
            actual = op.backward_kernel(np, g, arrays, saved[1], needs, **options)
            assert [value is not None for value in actual] == list(needs)


@pytest.mark.parametrize("case", [case for case in CASES if "norm" in case[0]], ids=str)
@pytest.mark.parametrize("missing", [(1,), (2,), (1, 2)])
def test_norms_without_gamma_or_beta(case, missing):
    _, op, arrays, options = case
    arrays = [None if i in missing else a for i, a in enumerate(arrays)]
    assert_same(*both_ways(op, arrays, options, floats_among(arrays), order=1))


@pytest.mark.parametrize("block", [1, 40, 300])
@pytest.mark.parametrize("line", [1, 8, 4096])
@pytest.mark.parametrize("case", [case for case in CASES if "norm" in case[0]], ids=str)
def test_blocks_and_lines_change_nothing(case, block, line, monkeypatch):
    _, op, arrays, options = case
    monkeypatch.setattr(norm_kernels, "_BLOCK", block)
    monkeypatch.setattr(norm_kernels, "_LINE", line)
    assert_same(*both_ways(op, arrays, options, floats_among(arrays), order=1))


@pytest.mark.parametrize("case", [case for case in CASES if "norm" in case[0]], ids=str)
def test_norms_of_arrays_that_are_not_contiguous(case):
    _, op, arrays, options = case
    spread = [np.repeat(a, 2, axis=0)[::2].T.copy().T for a in arrays]
    needs = floats_among(arrays)
    actual = evaluate(op, spread, options, needs, 1)
    assert_same(actual, evaluate(op, arrays, options, needs, 1))


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_statistics_survive_a_large_mean(axis):
    x = (draw(64, 8, 8) + 3000).astype(np.float32)
    _, mean, variance = batch_norm_op.batch_norm_train(x, axis=axis)
    others = tuple(i for i in range(3) if i != axis % 3)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), wide.mean(axis=others), rtol=2e-7)
    np.testing.assert_allclose(variance.numpy(), wide.var(axis=others), rtol=1e-6)


def test_norms_compute_half_precision_in_float32():
    x = (1000 * draw(16, 4)).astype(np.float16)
    y, mean, variance = batch_norm_op.batch_norm_train(x, axis=-1)
    assert y.dtype == mean.dtype == variance.dtype == "float32"
    np.testing.assert_allclose(variance.numpy(), x.astype(np.float64).var(axis=0), rtol=1e-6)
    assert norm.layer_normalization(x).dtype == "float16"


def test_dense_sums_half_precision_in_float32():
    x, kernel = np.full((1, 4096), 1, np.float16), np.full((4096, 1), 1, np.float16)
    assert ops.dense(x, kernel).numpy()[0, 0] == 4096


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_crossentropies_of_extreme_logits(size):
    logits = np.array([[size, -size]])
    assert crossentropy._sparse_crossentropy(logits, np.array([1])).item() == 2 * size
    target = np.array([[0.0, 1.0]])
    assert crossentropy._softmax_crossentropy(target, logits).item() == 2 * size
    actual = crossentropy._sigmoid_crossentropy(target, logits).tolist()
    assert actual == [[size, size]]


@pytest.mark.parametrize("target", [[3], [-1]])
def test_a_class_that_does_not_exist_is_refused(target):
    with pytest.raises(ValueError, match="class numbers from 0 to 2"):
        crossentropy._sparse_crossentropy(np.zeros((1, 3)), np.array(target))


def test_wrong_factors_are_refused():
    with pytest.raises(ValueError, match=r"`gamma` of shape \(3,\)"):
        batch_norm_op.batch_norm_train(np.zeros((2, 3)), np.ones(1))
    with pytest.raises(ValueError, match=r"normalized axes, \(3,\)"):
        norm.layer_normalization(np.zeros((2, 3)), np.ones(1))
    with pytest.raises(ValueError, match=r"bias.shape=\(1,\)"):
        ops.dense(np.zeros((2, 3)), np.ones((3, 4)), np.ones(1))
