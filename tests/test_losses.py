"""Losses by themselves: gradients by finite differences, shapes alone, names, errors."""

import inspect
import warnings

import numpy as np
import pytest

import minikeras as keras
from minikeras import losses, ops
from minikeras.autograd.symbolic import Abstract, abstract_scope

CLASSES = sorted(
    name for name in losses.__all__ if inspect.isclass(getattr(losses, name)) and name != "Loss"
)


def batch(name, seed=0):
    """Targets and predictions that suit a loss, away from its kinks."""
    rng = np.random.default_rng(seed)
    y_pred = rng.uniform(0.1, 0.9, (4, 3))
    if name.startswith("Sparse") or "Generalized" in name:
        return np.array([0, 2, 1, 1]), y_pred
    if name == "CTC":
        return np.array([[1, 2], [1, 0], [2, 2], [1, 1]]), rng.normal(size=(4, 5, 3))
    if name == "Circle":
        return np.array([0, 0, 1, 1]), y_pred / np.linalg.norm(y_pred, axis=-1, keepdims=True)
    if name == "MeanAbsolutePercentageError":
        return 2 - np.eye(3)[[0, 2, 1, 1]], y_pred
    return np.eye(3)[[0, 2, 1, 1]], y_pred


def slope(loss, y_true, y_pred, direction):
    """The first and second derivatives along a direction, by the tape."""
    x = keras.Variable(y_pred, dtype="float64")
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            value = loss(y_true, x)
        first = ops.sum(inner.gradient(value, x) * direction)
    second = outer.gradient(first, x)
    return float(first), 0.0 if second is None else float(ops.sum(second * direction))


@pytest.mark.parametrize("name", CLASSES)
def test_gradients_are_those_of_finite_differences(name):
    loss = getattr(losses, name)(dtype="float64", **({"gamma": 2.0} if name == "Circle" else {}))
    y_true, y_pred = batch(name)
    direction = np.random.default_rng(1).normal(size=y_pred.shape)
    step = 1e-4

    def at(t):
        return float(loss(y_true, y_pred + t * direction))

    first, second = slope(loss, y_true, y_pred, direction)
    assert first == pytest.approx((at(step) - at(-step)) / (2 * step), rel=1e-6, abs=1e-7)
    curvature = (at(step) - 2 * at(0) + at(-step)) / step**2
    assert second == pytest.approx(curvature, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_alone(name):
    y_true, y_pred = batch(name)
    loss = getattr(losses, name)(reduction=None)
    expected = loss(y_true, y_pred)
    with abstract_scope():
        shapes = Abstract(y_true.shape), Abstract(y_pred.shape)
        inferred = loss(*shapes)
        total = getattr(losses, name)()(*shapes)
        batches = Abstract((None, 3))
        unknown = losses.MeanSquaredError()(batches, batches)
    assert (inferred.shape, inferred.dtype) == (expected.shape, expected.dtype)
    assert total.shape == unknown.shape == ()


def test_losses_in_a_model_graph():
    x = keras.Input((3,))
    y = losses.mean_squared_error(ops.zeros_like(x), x)
    assert y.shape == (None,)
    assert keras.Model(x, y)(np.array([[1.0, 2.0, 2.0]])).tolist() == [3.0]


def test_reductions():
    y_true, y_pred = np.zeros((2, 1)), np.array([[1.0], [3.0]])
    weight = np.array([1.0, 3.0])

    def loss(reduction):
        return losses.MeanSquaredError(reduction=reduction)(y_true, y_pred, weight).tolist()

    assert loss("none") == loss(None) == [1.0, 27.0]
    assert loss("sum") == 28.0
    assert loss("mean") == loss("sum_over_batch_size") == 14.0
    assert loss("mean_with_sample_weight") == 7.0


def test_masked_values_do_not_count():
    y_pred = ops.convert_to_tensor([[1.0], [3.0], [5.0]])
    y_pred._keras_mask = ops.convert_to_tensor([True, False, True])
    assert float(losses.MeanSquaredError()(np.zeros((3, 1)), y_pred)) == 13.0
    y_pred._keras_mask = ops.convert_to_tensor([False, False, False])
    assert float(losses.MeanSquaredError()(np.zeros((3, 1)), y_pred)) == 0.0


def test_an_ignored_class_does_not_count():
    y_pred = np.array([[0.5, 0.5], [0.9, 0.1], [0.25, 0.75]])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(loss([0, -1, 1], y_pred)) == pytest.approx(-np.log([0.5, 0.75]).mean(), rel=1e-6)


def test_lists_of_numbers_are_arrays():
    assert float(losses.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])) == pytest.approx(
        np.log(2), rel=1e-6
    )


@pytest.mark.parametrize("name", CLASSES)
def test_targets_are_left_alone(name):
    y_true, y_pred = batch(name)
    copies = y_true.copy(), y_pred.copy()
    getattr(losses, name)()(y_true, y_pred)
    np.testing.assert_array_equal(y_true, copies[0])
    np.testing.assert_array_equal(y_pred, copies[1])


@pytest.mark.parametrize("name", CLASSES)
def test_configs_go_round(name):
    loss = getattr(losses, name)(name="mine", reduction="sum")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert keras.utils.deserialize_keras_object(losses.serialize(loss)).name == "mine"


def test_options_that_differ_from_defaults_are_saved():
    assert losses.Huber.from_config(losses.Huber(delta=2.0).get_config()).delta == 2.0
    assert "delta" not in losses.Huber().get_config()


def test_functions_of_ones_own():
    def distance(y_true, y_pred, power):
        return ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1)

    loss = losses.base.LossFunctionWrapper(distance, power=3)
    assert float(loss([[0.0]], [[2.0]])) == 8.0
    again = losses.deserialize(losses.serialize(loss), {"distance": distance})
    assert again.fn is distance
    assert losses.get(distance) is distance


def test_subclasses_pass_their_arguments_on():
    class Scaled(losses.MeanSquaredError):
        def __init__(self, scale, **kwargs):
            super().__init__(**kwargs)
            self.scale = scale

        def call(self, y_true, y_pred):
            return self.scale * super().call(y_true, y_pred)

    loss = Scaled(3.0, name="scaled", reduction="sum")
    assert (float(loss([[0.0]], [[2.0]])), loss.name) == (12.0, "scaled")


def refused(message, kind=ValueError):
    return pytest.raises(kind, match=message)


def test_missing_targets_are_named():
    with refused("'mean_squared_error' needs targets.*`y_true` is None"):
        losses.MeanSquaredError()(None, np.zeros((2, 1)))
    with refused("got None"):
        losses.mean_squared_error(None, np.zeros((2, 1)))


@pytest.mark.parametrize("label", [3, -1, np.nan])
def test_labels_without_a_class_are_refused(label):
    y_true, y_pred = np.array([0, label]), np.full((2, 3), 1 / 3)
    for loss in (losses.SparseCategoricalCrossentropy(), losses.sparse_categorical_crossentropy):
        with refused(r"labels run from .*(3|-1|nan).*3 classes.*from 0 to 2"):
            loss(y_true, y_pred)


def test_shapes_that_do_not_fit_are_named():
    a, b = np.zeros((4, 3)), np.zeros((4, 5))
    with refused(r"y_true.shape=\(4, 3\), y_pred.shape=\(4, 5\)"):
        losses.MeanSquaredError()(a, b)
    with refused(r"\(4, 3\).*\(4, 5\)"):
        losses.CategoricalCrossentropy()(a, b)
    with refused(r"values of shape \(4,\), but the sample weights.*shape \(3,\)"):
        losses.MeanSquaredError()(a, a, np.ones(3))


def test_bad_arguments_are_refused():
    with refused("`reduction` must be one of"):
        losses.MeanSquaredError(reduction="average")
    with refused(r"Huber\(\) got an unexpected keyword argument 'dleta'", TypeError):
        losses.Huber(dleta=2.0)
    with refused("q must be in the interval"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)
    with refused("`axis` must be of type `int`"):
        losses.categorical_crossentropy(np.eye(2), np.eye(2), axis=True)
    with refused("Known names.*mean_squared_error"):
        losses.get("mean_square_error")


def test_one_class_is_warned_of():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses.categorical_crossentropy(np.ones((2, 1)), np.ones((2, 1)))
    assert [w.category for w in caught] == [SyntaxWarning]
