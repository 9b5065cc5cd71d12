"""The truth of `minikeras check`, who is nearer to it, and that looking changes nothing."""

import keras
import mpmath
import numpy as np
import pytest

import minikeras
from minikeras.tools.check.items import WIDE, Item, measured
from minikeras.tools.check.verdict import nearer
from minikeras.tools.worker import choosing, models, phases
from tests.tools import traced_models

pytestmark = pytest.mark.parity

DIGITS = 50
BATCHES = 8


def exact(array):
    """An array as numbers of 50 digits, the same ones."""
    return np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(array, WIDE))


def each(function):
    """A function of arrays made of one of numbers."""
    return np.vectorize(function, otypes=[object])


exp, tanh, root = each(mpmath.exp), each(mpmath.tanh), each(mpmath.sqrt)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def dense(layer, x, kernel, bias):
    return tanh(x @ kernel + bias)


def softmax(layer, x):
    powers = exp(x)
    return powers / powers.sum(axis=-1, keepdims=True)


def layer_normalization(layer, x, gamma, beta):
    centred = x - x.sum(axis=-1, keepdims=True) / x.shape[-1]
    variance = (centred * centred).sum(axis=-1, keepdims=True) / x.shape[-1]
    return centred / root(variance + mpmath.mpf(float(layer.epsilon))) * gamma + beta


def convolution(layer, x, kernel, bias):
    size, length = kernel.shape[0], x.shape[1] - kernel.shape[0] + 1
    windows = (x[:, i : i + length] @ kernel[i] for i in range(size))
    return sum(windows) + bias


def lstm(layer, x, kernel, recurrent, bias):
    units = recurrent.shape[0]
    h = c = exact(np.zeros((len(x), units)))
    for step in range(x.shape[1]):
        gates = x[:, step] @ kernel + h @ recurrent + bias
        i, f, g, o = (gates[:, n * units : (n + 1) * units] for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    return h


# The layer of a Keras, the shape of its inputs, and what it computes.
ROWS = {
    "Dense": (lambda k: k.Dense(6, activation="tanh"), (9,), dense),
    "Softmax": (lambda k: k.Softmax(), (7,), softmax),
    "LayerNormalization": (lambda k: k.LayerNormalization(), (8,), layer_normalization),
    "Conv1D": (lambda k: k.Conv1D(5, 3), (7, 4), convolution),
    "LSTM": (lambda k: k.LSTM(4), (5, 3), lstm),
}


class Run:
    """A model of one layer in one engine, in float32 and in float64."""

    def __init__(self, name, make, shape, weights=None):
        module = minikeras if name == "minikeras" else keras
        self.engine = choosing.engine_of(name)
        self.model = module.Sequential([module.Input(shape), make(module.layers)])
        if weights is not None:
            self.model.set_weights(weights)
        with self.engine.floats(WIDE):
            x = np.zeros((1, *shape))
            self.wide = models.twin(self.engine, self.model, {"path": ""}, WIDE, [x])

    def outputs(self, x):
        """What the layer gives for inputs in float32 and in float64."""
        result = []
        for model in (self.model, self.wide):
            runner = phases.Phases(self.engine, model)
            arrays = {"in0": x}
            runner.alone([x], False, lambda key, arrays=arrays: arrays, self._keep)
            result.append(self.kept["out0"])
        return result

    def _keep(self, call, arrays):
        self.kept = arrays


def drawn(shape, draw):
    return draw.normal(scale=2, size=(3, *shape)).astype("float32")


@pytest.mark.parametrize("kind", traced_models.KINDS)
def test_models_of_keras_run_untouched(kind):
    """Looking at the layers of real Keras changes no bit of what they compute."""
    plain, watched = traced_models.looked_at(choosing.engine_of("keras"), phases.Phases, kind)
    assert [y.tobytes() for y in plain] == [y.tobytes() for y in watched]


@pytest.mark.parametrize("name", ROWS)
def test_truth_and_who_is_nearer(name):
    make, shape, formula = ROWS[name]
    draw = np.random.default_rng(1)
    ours = Run("minikeras", make, shape)
    weights = [draw.normal(size=w.shape).astype("float32") for w in ours.model.get_weights()]
    ours, theirs = Run("minikeras", make, shape, weights), Run("keras", make, shape, weights)
    items = {"float64": [], "digits": []}
    with mpmath.workdps(DIGITS):
        for _ in range(BATCHES):
            x = drawn(shape, draw)
            (mine, wide), (other, other_wide) = ours.outputs(x), theirs.outputs(x)
            truth = formula(ours.model.layers[-1], exact(x), *map(exact, weights))
            largest = max(abs(number) for number in truth.flat)
            for array in (wide, other_wide):
                assert max(abs(n) for n in (exact(array) - truth).flat) < largest * 1e-14
            for kind, known in (("float64", wide), ("digits", truth.astype(WIDE))):
                item = Item("forward", name, "out0", allowed=np.inf)
                items[kind].append(measured(item, known, mine, other))
    sides = []
    for kind in items:
        merged = items[kind][0]
        for item in items[kind][1:]:
            merged = merged.merged(item)
        sides.append(nearer(*merged.squares))
    assert sides[0] == sides[1]
