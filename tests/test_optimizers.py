"""Small weights that are changed together: what nobody may notice of it."""

import copy

import numpy as np
import pytest

import minikeras as keras
from minikeras.optimizers import declare

RULES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Ftrl", {"l1_regularization_strength": 0.01}),
    ("Lion", {}),
]
SHAPES = [(3, 5), (5,), (), (7, 2), (0, 4)]


def _weights(dtype="float32"):
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in SHAPES]


def _gradients(step, dtype="float32"):
    rng = np.random.default_rng(step + 1)
    return [keras.ops.convert_to_tensor(rng.normal(size=s).astype(dtype)) for s in SHAPES]


def _optimizer(name, options):
    return getattr(keras.optimizers, name)(learning_rate=0.1, **options)


def _train(optimizer, weights, steps=4, between=lambda weights: None):
    optimizer.build(weights)
    with np.errstate(all="ignore"):
        for step in range(steps):
            optimizer.apply(_gradients(step), weights)
            between(weights)
    return [v.numpy() for v in (*weights, *optimizer.variables)]


def _assert_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_the_bits_of_weights_changed_one_by_one(monkeypatch, name, options):
    together = _train(_optimizer(name, options), _weights())
    monkeypatch.setattr(declare, "LARGEST", -1)
    _assert_equal(together, _train(_optimizer(name, options), _weights()))


def test_weights_of_several_dtypes_and_sizes(monkeypatch):
    monkeypatch.setattr(declare, "LARGEST", 6)
    weights = [keras.Variable(np.ones(n), dtype=d) for n in (2, 9) for d in ("float32", "float64")]
    gradients = [keras.ops.ones(v.shape, v.dtype) for v in weights]
    optimizer = keras.optimizers.SGD(0.5)
    for _ in range(2):
        optimizer.apply(gradients, weights)
    assert all((v.numpy() == 0).all() for v in weights)


def test_a_new_array_of_a_variable_is_taken_over():
    def replace(weights):
        weights[1].assign(weights[1].numpy() + 1)
        weights[3].array = weights[3].array.copy()

    weights, others = _weights(), _weights()
    actual = _train(_optimizer("Adam", {}), weights, between=replace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(declare, "LARGEST", -1)
        _assert_equal(actual, _train(_optimizer("Adam", {}), others, between=replace))


def test_whoever_holds_the_values_keeps_them():
    weights = _weights()
    optimizer = _optimizer("SGD", {})
    optimizer.apply(_gradients(0), weights)
    held, before = weights[0].value, weights[0].numpy()
    optimizer.apply(_gradients(1), weights)
    np.testing.assert_array_equal(held.numpy(), before)
    assert (weights[0].numpy() != before).any()


def test_other_weights_from_step_to_step():
    weights = _weights()
    optimizer = _optimizer("SGD", {"momentum": 0.5})
    optimizer.build(weights)
    gradients = _gradients(0)
    for some in (slice(0, 2), slice(1, 4), slice(0, 5)):
        optimizer.apply(gradients[some], weights[some])
    alone = _weights()[0]
    other = _optimizer("SGD", {"momentum": 0.5})
    for _ in range(2):
        other.apply(gradients[:1], [alone])
    np.testing.assert_array_equal(weights[0].numpy(), alone.numpy())


def test_a_rule_changed_by_a_user_is_asked_for_each_weight():
    seen = []

    class Own(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            seen.append(variable.shape)
            super().update_step(gradient * 2, variable, learning_rate)

    actual = _train(Own(0.1), _weights(), steps=1)
    assert seen == SHAPES
    _assert_equal(actual[:5], _train(keras.optimizers.SGD(0.2), _weights(), steps=1)[:5])


def test_a_copy_goes_its_own_way():
    weights = _weights()
    optimizer = _optimizer("Adam", {})
    optimizer.apply(_gradients(0), weights)
    copied, own = copy.deepcopy((optimizer, weights))
    before = [v.numpy() for v in weights]
    copied.apply(_gradients(1), own)
    _assert_equal([v.numpy() for v in weights], before)
    optimizer.apply(_gradients(1), weights)
    _assert_equal([v.numpy() for v in weights], [v.numpy() for v in own])
