"""Recurrent kernels against the loops they stand for, and the loop itself."""

import itertools

import numpy as np
import pytest

import minikeras
from minikeras import ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core.dims import Dim
from minikeras.layers import rnn as layers
from minikeras.ops.nn import rnn

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
SIZES = [(2, 3, 4, 5), (1, 1, 1, 1), (0, 2, 3, 2), (3, 5, 2, 1), (1, 4, 1, 3)]
FLAGS = list(itertools.product((False, True), repeat=5))


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def arrays(name, batch, steps, features, units, bias=True, mask=False, dtype="float64"):
    """Inputs of a recurrent op; inputs, kernel and recurrent kernel are not contiguous."""
    width = GATES[name] * units
    inputs = [
        draw(0, steps, batch, features).swapaxes(0, 1),
        draw(1, width, features).T,
        draw(2, units, 2 * width)[:, ::2],
        draw(3, *((2, width) if name == "gru" else (width,))) if bias else None,
        *(draw(4 + i, batch, units) for i in range(2 if name == "lstm" else 1)),
    ]
    inputs = [None if a is None else a.astype(dtype) for a in inputs]
    return [*inputs, draw(7, batch, steps) < 0.3 if mask else None]


def evaluate(op, inputs, options, order=1):
    """Results, and gradients of orders 1 to `order` of weighted sums by all floats."""
    tensors = [None if a is None else Tensor(a) for a in inputs]
    sources = [t for t in tensors if t is not None and t.dtype != "bool"]
    tapes = [GradientTape(persistent=True) for _ in range(order)]
    for tape in tapes:
        tape.__enter__()
        tape.watch(sources)
    actual = list(op(*tensors, **options))
    levels = [actual]
    for tape in reversed(tapes):
        total = sum(ops.sum(y * Tensor(draw(i, *y.shape))) for i, y in enumerate(actual))
        actual = tape.gradient(total, sources)
        levels.append(actual)
        tape.__exit__()
    return [y.numpy() for level in levels for y in level]


def assert_same(actual, expected, tolerance=1e-11):
    for value, truth in zip(actual, expected, strict=True):
        assert value.shape == truth.shape
        scale = max(1, np.abs(truth).max(initial=0))
        np.testing.assert_allclose(value, truth, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", GATES)
def test_fused_is_its_reference(name, size):
    op = getattr(rnn, name)
    for bias, mask, sequences, backwards, zero in FLAGS:
        options = {"return_sequences": sequences, "go_backwards": backwards}
        options["zero_output_for_mask"] = zero
        inputs = arrays(name, *size, bias=bias, mask=mask)
        assert_same(evaluate(op, inputs, options), evaluate(op.reference, inputs, options))


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("name", GATES)
def test_second_order(name, mask):
    op, inputs = getattr(rnn, name), arrays(name, 2, 3, 2, 2, mask=mask)
    assert_same(evaluate(op, inputs, {}, 2), evaluate(op.reference, inputs, {}, 2))


@pytest.mark.parametrize("name", GATES)
def test_only_what_is_needed_is_computed(name):
    op, inputs = getattr(rnn, name), arrays(name, 2, 3, 4, 5, mask=True)
    outputs, saved = op.kernel(np, *inputs, save=True)
    gradients = [np.ones_like(y) for y in outputs]
    every = op.backward_kernel(np, gradients, inputs, saved, (True,) * len(inputs))
    for i in range(len(inputs) - 1):
        needs = tuple(i == j for j in range(len(inputs)))
        actual = op.backward_kernel(np, gradients, inputs, saved, needs)
        assert [g is not None for g in actual] == list(needs)
        np.testing.assert_array_equal(actual[i], every[i])


@pytest.mark.parametrize("name", GATES)
def test_gradients_by_finite_differences(name):
    op, inputs = getattr(rnn, name), arrays(name, 2, 3, 2, 2, mask=True)
    floats = [a for a in inputs if a is not None and a.dtype != bool]
    actual = evaluate(op, inputs, {})[-len(floats) :]

    def total():
        results = op(*[None if a is None else Tensor(a) for a in inputs])
        return sum((y.numpy() * draw(i, *y.shape)).sum() for i, y in enumerate(results))

    for array, gradient in zip(floats, actual, strict=True):
        for place in np.ndindex(array.shape):
            value, ends = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = value + step
                ends.append(total())
            array[place] = value
            assert abs((ends[0] - ends[1]) / 2e-6 - gradient[place]) < 1e-7


@pytest.mark.parametrize("name", GATES)
def test_float32_is_near_float64(name):
    op = getattr(rnn, name)
    exact = evaluate(op, arrays(name, 4, 9, 5, 6, mask=True), {})
    actual = evaluate(op, arrays(name, 4, 9, 5, 6, mask=True, dtype="float32"), {})
    assert all(value.dtype == "float32" for value in actual)
    assert_same([value.astype("float64") for value in actual], exact, 2e-5)


@pytest.mark.parametrize("name", GATES)
def test_saturated_gates_stay_finite(name):
    inputs = arrays(name, 2, 3, 2, 2)
    inputs[1] *= 1e5
    with np.errstate(all="raise"):
        assert all(np.isfinite(value).all() for value in evaluate(getattr(rnn, name), inputs, {}))


@pytest.mark.parametrize("name", GATES)
def test_shapes_of_unknown_sizes(name):
    batch, steps = Dim(), Dim()
    inputs = [
        None if a is None else Abstract(a.shape, str(a.dtype)) for a in arrays(name, 2, 3, 4, 5)
    ]
    inputs[0] = Abstract((batch, steps, 4), "float32")
    inputs[4:6] = [None if a is None else Abstract((batch, 5), "float64") for a in inputs[4:6]]
    y, h, *_ = getattr(rnn, name)(*inputs, return_sequences=True)
    assert y.shape == (batch, steps, 5) and y.dtype == "float64" and h.shape[1:] == (5,)


def add(x, states):
    total = x + states[0]
    return total, [total]


def test_loop():
    x = np.arange(6.0).reshape(2, 3, 1)
    last, outputs, states = rnn.rnn(add, x, [ops.zeros((2, 1), "float64")])
    assert outputs.tolist() == [[[0], [1], [3]], [[3], [7], [12]]]
    assert last.tolist() == states[0].tolist() == [[3], [12]]
    last, outputs, _ = rnn.rnn(
        add, x, [ops.zeros((2, 1), "float64")], go_backwards=True, return_all_outputs=False
    )
    assert outputs.tolist() == [[[3]], [[12]]]


def test_masked_loop():
    x, mask = np.ones((1, 4, 1)), np.array([[False, True, False, True]])
    start = [ops.ones((1, 1), "float64")]
    _, outputs, states = rnn.rnn(add, x, start, mask=mask)
    assert outputs.tolist() == [[[0], [2], [2], [3]]] and states[0].tolist() == [[3]]
    _, outputs, _ = rnn.rnn(add, x, start, mask=mask[..., None], zero_output_for_mask=True)
    assert outputs.tolist() == [[[0], [2], [0], [3]]]


@pytest.mark.parametrize(
    ("shape", "mask"), [((2, 0, 1), None), ((2,), None), ((2, 3, 1), (2, 2)), ((2, 3, 1), (6,))]
)
def test_what_does_not_fit_is_refused(shape, mask):
    mask = None if mask is None else np.ones(mask, bool)
    with pytest.raises(ValueError, match="Received"):
        rnn.rnn(add, np.ones(shape), [ops.zeros((2, 1))], mask=mask)


def test_time_distributed_at_once_is_step_by_step():
    x = draw(1, 2, 3, 4)
    inner = minikeras.layers.Dense(5, dtype="float64")
    outer = layers.TimeDistributed(inner, dtype="float64")
    steps = [inner(x[:, t]).numpy() for t in range(3)]
    np.testing.assert_allclose(outer(x).numpy(), np.stack(steps, axis=1), rtol=1e-13)


def test_bidirectional_takes_weights():
    first = layers.Bidirectional(layers.GRU(2))
    first.build((None, 3, 4))
    second = layers.Bidirectional(layers.GRU(2), weights=first.get_weights())
    x = ops.ones((1, 3, 4))
    assert second(x).tolist() == first(x).tolist()


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_half_precision(name):
    layer = getattr(layers, name)(3, dtype="mixed_float16", return_sequences=True)
    y = layer(draw(1, 2, 3, 4))
    assert y.dtype == "float16" and layer.weights[0].dtype == "float32"


def test_wrong_states_are_refused():
    with pytest.raises(ValueError, match="2 states"):
        layers.LSTM(3)(ops.ones((2, 3, 4)), initial_state=ops.ones((2, 3)))
    layer = layers.GRU(3, dropout=0.5, seed=1)
    with pytest.raises(ValueError, match="mask"):
        layer(ops.ones((2, 3, 4)), mask=ops.ones((2, 4), "bool"))
    assert layer.cell.seed_generator.state.numpy().tolist() == [1, 0]
