"""The graph of Keras 2: functions, gradients of any order, updates, the learning phase."""

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import BatchNormalization, Dense, Input, Lambda
from minikeras.keras2.models import Model, Sequential


def test_an_expression_of_variables_is_read_in_each_run():
    v = K.variable(3.0)
    expression = K.square(v) + v
    assert K.eval(expression) == 12
    K.set_value(v, 2.0)
    assert K.eval(expression) == 6


def test_gradients_of_every_order():
    x = K.placeholder(())
    y = x * x * x * x
    first = K.gradients(y, x)[0]
    second = K.gradients(first, x)[0]
    third = K.gradients(second, x)[0]
    assert K.function([x], [first, second, third])([2.0]) == [32, 48, 48]


def test_a_gradient_inside_a_trained_model():
    pre = Input((4,))
    squared = Lambda(lambda t: K.square(t))(pre)
    where = Lambda(lambda t: K.gradients(K.sum(t[0]), t[1])[0])([squared, pre])
    model = Model(pre, Dense(1)(where))
    model.compile("sgd", "mse")
    x = np.random.RandomState(0).randn(3, 4)
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(model.predict(x), 2 * x @ kernel, rtol=1e-5)
    assert np.isfinite(model.train_on_batch(x, np.ones((3, 1))))


def test_updates_are_applied_after_everything_is_computed():
    v = K.variable(1.0)
    step = K.function([], [v * 2], updates=[(v, v + 1), K.update_add(K.variable(0.0), v)])
    assert [step([])[0], step([])[0]] == [2, 4]


def test_the_learning_phase_is_an_input():
    x = K.placeholder((None,))
    f = K.function([x, K.learning_phase()], [K.in_train_phase(x * 2, x)])
    assert f([[1.0], 1])[0] == [2] and f([[1.0], 0])[0] == [1]


def test_what_is_not_fed_is_named():
    x = K.placeholder((2,), name="missing")
    with pytest.raises(ValueError, match="missing"):
        K.function([], [x * 2])([])


def test_trainability_is_fixed_by_compile():
    first = Sequential([Dense(2, input_dim=2)])
    first.compile("sgd", "mse")
    first.trainable = False
    second = Sequential([first, Dense(1)])
    second.compile("sgd", "mse")
    x = np.ones((4, 2))
    before = first.get_weights()
    second.train_on_batch(x, np.ones((4, 1)))
    assert all(np.array_equal(a, b) for a, b in zip(before, first.get_weights(), strict=True))
    first.train_on_batch(x, np.ones((4, 2)))
    assert not np.array_equal(before[0], first.get_weights()[0])


def test_a_frozen_batch_normalization_uses_the_batch_and_keeps_its_averages():
    layer = BatchNormalization(input_shape=(3,))
    model = Sequential([layer])
    layer.trainable = False
    model.compile("sgd", "mse")
    x = np.random.RandomState(0).randn(16, 3) + 5
    loss = model.train_on_batch(x, np.zeros((16, 3)))
    np.testing.assert_allclose(loss, 1, atol=0.02)
    np.testing.assert_array_equal(layer.get_weights()[2], 0)


def test_steps_of_a_sequence_take_tensors_from_outside_and_train():
    x = Input((3, 2))
    summary = Lambda(lambda t: K.sum(t, axis=1))(x)

    def scan(t):
        state = K.zeros_like(t[:, 0])
        step = lambda now, states: (now + states[0] + summary, [now + states[0]])  # noqa: E731
        return K.rnn(step, t, [state])[1]

    model = Model(x, Lambda(scan)(x))
    values = np.random.RandomState(0).randn(4, 3, 2)
    expected = np.cumsum(values, 1) + values.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict(values), expected, rtol=1e-4, atol=1e-5)
    gradient = K.function([x], K.gradients(model.output, x))([values])[0]
    expected = np.array([6, 5, 4.0])[None, :, None] * np.ones((4, 3, 2))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def test_masked_steps_keep_the_state():
    x = K.constant(np.arange(6.0).reshape(1, 3, 2))
    mask = K.constant([[1, 0, 1]])
    step = lambda now, states: (now + states[0], [now + states[0]])  # noqa: E731
    last, outputs, states = K.rnn(step, x, [K.constant([[0.0, 0.0]])], mask=mask)
    assert K.eval(outputs).tolist() == [[[0, 1], [0, 1], [4, 6]]]
    assert K.eval(last).tolist() == K.eval(states[0]).tolist() == [[4, 6]]


def test_maps_and_folds():
    x = K.variable([[1.0, 2.0], [3.0, 4.0]])
    assert K.eval(K.map_fn(lambda row: K.sum(row) * 2, x)).tolist() == [6, 14]
    assert K.eval(K.foldl(lambda a, b: a - b, x)).tolist() == [-2, -2]
    assert K.eval(K.foldr(lambda a, b: a * 2 + b, x)).tolist() == [7, 10]
