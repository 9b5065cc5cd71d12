"""The formulas of Keras 2.2.4 against plain NumPy: optimizers, losses, activations."""

import numpy as np
import pytest

from minikeras.keras2 import activations, losses, metrics, optimizers
from minikeras.keras2 import backend as K

EPSILON = 1e-7


def _sgd(g, p, t, s, lr=0.1, momentum=0.9, decay=0.1, nesterov=False):
    rate = lr / (1 + decay * t)
    v = s["v"] = momentum * s.get("v", 0) - rate * g
    return p + momentum * v - rate * g if nesterov else p + v


def _rmsprop(g, p, t, s, lr=0.1, rho=0.9):
    a = s["a"] = rho * s.get("a", 0) + (1 - rho) * g**2
    return p - lr * g / (np.sqrt(a) + EPSILON)


def _adagrad(g, p, t, s, lr=0.1):
    a = s["a"] = s.get("a", 0) + g**2
    return p - lr * g / (np.sqrt(a) + EPSILON)


def _adadelta(g, p, t, s, lr=1.0, rho=0.95):
    a = s["a"] = rho * s.get("a", 0) + (1 - rho) * g**2
    d = s.get("d", 0)
    u = g * np.sqrt(d + EPSILON) / np.sqrt(a + EPSILON)
    s["d"] = rho * d + (1 - rho) * u**2
    return p - lr * u


def _adam(g, p, t, s, lr=0.1, b1=0.9, b2=0.999, amsgrad=False):
    m = s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    v = s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    if amsgrad:
        v = s["h"] = np.maximum(s.get("h", 0), v)
    rate = lr * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
    return p - rate * m / (np.sqrt(v) + EPSILON)


def _adamax(g, p, t, s, lr=0.1, b1=0.9, b2=0.999):
    m = s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    u = s["u"] = np.maximum(b2 * s.get("u", 0), np.abs(g))
    return p - lr / (1 - b1 ** (t + 1)) * m / (u + EPSILON)


def _nadam(g, p, t, s, lr=0.1, b1=0.9, b2=0.999, decay=0.004):
    t += 1
    mu, after = (b1 * (1 - 0.5 * 0.96 ** (i * decay)) for i in (t, t + 1))
    product = s["M"] = s.get("M", 1.0) * mu
    m = s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    v = s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    step = (1 - mu) * g / (1 - product) + after * m / (1 - product * after)
    return p - lr * step / (np.sqrt(v / (1 - b2**t)) + EPSILON)


RULES = [
    (optimizers.SGD(0.1, 0.9, 0.1), _sgd, {}),
    (optimizers.SGD(0.1, 0.9, 0.1, True), _sgd, {"nesterov": True}),
    (optimizers.RMSprop(lr=0.1), _rmsprop, {}),
    (optimizers.Adagrad(lr=0.1), _adagrad, {}),
    (optimizers.Adadelta(), _adadelta, {}),
    (optimizers.Adam(lr=0.1), _adam, {}),
    (optimizers.Adam(lr=0.1, amsgrad=True), _adam, {"amsgrad": True}),
    (optimizers.Adamax(lr=0.1), _adamax, {}),
    (optimizers.Nadam(lr=0.1), _nadam, {}),
]


@pytest.mark.parametrize(("optimizer", "rule", "options"), RULES)
def test_optimizers(optimizer, rule, options):
    p = np.array([1.0, -2.0, 0.5])
    parameter, state = K.variable(p), {}
    loss = K.sum(K.square(parameter) * K.constant([1.0, 2.0, 3.0]))
    step = K.function([], [], optimizer.get_updates(loss=loss, params=[parameter]))
    for t in range(4):
        step([])
        p = rule(2 * p * [1, 2, 3], p, t, state, **options)
    np.testing.assert_allclose(K.get_value(parameter), p, rtol=1e-4)
    assert type(optimizer).from_config(optimizer.get_config()).get_config() == pytest.approx(
        optimizer.get_config()
    )


@pytest.mark.parametrize(
    ("options", "scale"),
    [({"clipvalue": 0.5}, None), ({"clipnorm": 1.0}, 1.0), ({"clipnorm": 100.0}, 100.0)],
)
def test_clipping(options, scale):
    p, q = K.variable([3.0, -0.1]), K.variable([[4.0]])
    loss = 0.5 * (K.sum(K.square(p)) + K.sum(K.square(q)))
    step = K.function([], [], optimizers.SGD(1.0, **options).get_updates(loss=loss, params=[p, q]))
    step([])
    gradient = np.array([3.0, -0.1, 4.0])
    if scale is None:
        clipped = np.clip(gradient, -0.5, 0.5)
    else:
        clipped = gradient * min(1, scale / np.sqrt((gradient**2).sum()))
    values = np.concatenate([K.get_value(p), K.get_value(q)[0]])
    np.testing.assert_allclose(values, gradient - clipped, atol=1e-6)


_T = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
_P = np.array([[0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
LOSSES = {
    "mse": ((_P - _T) ** 2).mean(-1),
    "mae": np.abs(_P - _T).mean(-1),
    "mape": 100 * (np.abs(_T - _P) / np.clip(np.abs(_T), EPSILON, None)).mean(-1),
    "msle": ((np.log(np.maximum(_P, EPSILON) + 1) - np.log(np.maximum(_T, EPSILON) + 1)) ** 2).mean(
        -1
    ),
    "hinge": np.maximum(1 - _T * _P, 0).mean(-1),
    "squared_hinge": (np.maximum(1 - _T * _P, 0) ** 2).mean(-1),
    "categorical_hinge": np.maximum(0, ((1 - _T) * _P).max(-1) - (_T * _P).sum(-1) + 1),
    "logcosh": np.log(np.cosh(_P - _T)).mean(-1),
    "categorical_crossentropy": -(_T * np.log(_P)).sum(-1),
    "binary_crossentropy": -(_T * np.log(_P) + (1 - _T) * np.log(1 - _P)).mean(-1),
    "kld": (np.clip(_T, EPSILON, 1) * np.log(np.clip(_T, EPSILON, 1) / _P)).sum(-1),
    "poisson": (_P - _T * np.log(_P + EPSILON)).mean(-1),
    "cosine_proximity": -(_T * _P / np.sqrt((_P**2).sum(-1, keepdims=True))).sum(-1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    value = K.eval(losses.get(name)(K.constant(_T), K.constant(_P)))
    np.testing.assert_allclose(value, LOSSES[name], rtol=1e-4)


def test_a_rule_of_a_user_keeps_its_constructor():
    class Slow(optimizers.SGD):
        def __init__(self, times, **kwargs):
            super().__init__(**kwargs)
            self.times = times

        def new_value(self, p, g):
            return super().new_value(p, g / self.times)

    class Slower(Slow):
        pass

    p = K.variable([1.0])
    rule = Slower(2.0, lr=0.5)
    K.function([], [], rule.get_updates(K.sum(p), [p]))([])
    np.testing.assert_allclose(K.get_value(p), [0.75])


def test_accuracies():
    labels = K.constant(_T.argmax(1)[:, None])
    assert K.eval(metrics.sparse_categorical_accuracy(labels, K.constant(_P))).tolist() == [1, 0]
    assert K.eval(metrics.categorical_accuracy(K.constant(_T), K.constant(_P))).tolist() == [1, 0]
    binary = K.eval(metrics.binary_accuracy(K.constant(_T), K.constant(_P)))
    np.testing.assert_allclose(binary, [1, 2 / 3], rtol=1e-6)


def test_the_hard_sigmoid_of_that_time():
    x = np.array([-3.0, -1.0, 0.0, 2.0, 3.0])
    values = K.eval(activations.hard_sigmoid(K.constant(x)))
    np.testing.assert_allclose(values, np.clip(0.2 * x + 0.5, 0, 1), rtol=1e-6)
