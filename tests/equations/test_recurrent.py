"""The recurrent kernels against their equations, step by step through a sequence and back."""

import numpy as np
import pytest

from minikeras import layers
from minikeras.ops.nn import rnn
from tests.equations import recurrent
from tests.equations.ways import WAYS, assert_near, computed, draw

BATCH, STEPS, FEATURES, UNITS = 3, 5, 4, 6


def _parameters(gates, two_biases=False):
    width = gates * UNITS
    bias = draw(3, 2, width) if two_biases else draw(3, width)
    return 0.5 * draw(1, FEATURES, width), 0.5 * draw(2, UNITS, width), bias


def _forward(step, x, parameters, states):
    """The states before each step and after the last; what each step leaves for the way back."""
    history, saved = [states], []
    for t in range(STEPS):
        result = step(x[:, t], *parameters, *history[-1])
        result = result if isinstance(result, tuple) else (result, (result,))
        history.append(result[: len(states)])
        saved.append(result[-1])
    return history, saved


def _backward(step_backward, x, parameters, history, saved, dy, dstates):
    """Gradients with respect to x, the parameters and the first states."""
    K, U, b = parameters
    sums = np.zeros_like(K), np.zeros_like(U), np.zeros_like(b)
    dx, dstates = np.zeros_like(x), [d.copy() for d in dstates]
    for t in reversed(range(STEPS)):
        dstates[0] = dstates[0] + dy[:, t]
        result = step_backward(*dstates, x[:, t], K, U, *history[t], *saved[t], *sums)
        dx[:, t], *dstates = result
    return [dx, *sums, *dstates]


CASES = {
    "simple_rnn": (1, 1, recurrent.simple_rnn_step, recurrent.simple_rnn_step_backward),
    "lstm": (4, 2, recurrent.lstm_step, recurrent.lstm_step_backward),
    "gru": (3, 1, recurrent.gru_step, recurrent.gru_step_backward),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_fused(monkeypatch, name, way):
    gates, count, step, step_backward = CASES[name]
    x, parameters = draw(0, BATCH, STEPS, FEATURES), _parameters(gates, name == "gru")
    states = tuple(draw(4 + i, BATCH, UNITS) for i in range(count))
    dy, dstates = draw(6, BATCH, STEPS, UNITS), [draw(7 + i, BATCH, UNITS) for i in range(count)]
    history, saved = _forward(step, x, parameters, states)
    y = np.stack([h for h, *_ in history[1:]], axis=1)
    gradients = _backward(step_backward, x, parameters, history, saved, dy, dstates)
    op, inputs = getattr(rnn, name), [x, *parameters, *states]
    actual = computed(way, monkeypatch, op, inputs, [dy, *dstates])
    assert_near(actual[0], [y, *history[-1]])
    assert_near(actual[1], gradients)


def test_gru_with_the_reset_gate_first(monkeypatch):
    x, parameters = draw(0, BATCH, STEPS, FEATURES), _parameters(3)
    h, dy, dh = draw(4, BATCH, UNITS), draw(6, BATCH, STEPS, UNITS), draw(7, BATCH, UNITS)
    history, saved = _forward(recurrent.gru_reset_before_step, x, parameters, (h,))
    back = recurrent.gru_reset_before_step_backward
    gradients = _backward(back, x, parameters, history, saved, dy, [dh])
    y = np.stack([h for h, *_ in history[1:]], axis=1)
    options = {"return_sequences": True, "return_state": True, "reset_after": False}
    layer = layers.GRU(UNITS, dtype="float64", **options)

    def run(x, kernel, recurrent_kernel, bias, h):
        layer.cell.kernel, layer.cell.recurrent_kernel = kernel, recurrent_kernel
        layer.cell.bias = bias
        return layer(x, initial_state=h)

    layer.build(x.shape)
    actual = computed("numpy", monkeypatch, run, [x, *parameters, h], [dy, dh])
    assert_near(actual[0], [y, *history[-1]])
    assert_near(actual[1], gradients)
