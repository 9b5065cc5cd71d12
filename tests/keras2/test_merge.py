"""Merge and merge() of Keras 1, Lambda, and functions in configs."""

import json

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import (
    LSTM,
    Bidirectional,
    Convolution2D,
    CuDNNLSTM,
    Dense,
    Embedding,
    Input,
    Lambda,
    MaxoutDense,
    Merge,
    TimeDistributed,
    concatenate,
    dot,
    merge,
)
from minikeras.keras2.models import Model, Sequential

_DATA = [np.random.RandomState(i).randn(6, 3).astype("float32") for i in (0, 1)]


def _cosine(x, y):
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return ((x * y).sum(1) / norms)[:, None]


FORMULAS = {
    "sum": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "ave": lambda x, y: (x + y) / 2,
    "max": np.maximum,
    "concat": lambda x, y: np.concatenate([x, y], axis=1),
    "dot": lambda x, y: (x * y).sum(1, keepdims=True),
    "cos": _cosine,
}


@pytest.mark.parametrize("mode", FORMULAS)
def test_modes(mode):
    a, b = Input((3,)), Input((3,))
    joined = merge([a, b], mode=mode)
    expected = FORMULAS[mode](*_DATA)
    assert K.int_shape(joined) == (None, *expected.shape[1:])
    np.testing.assert_allclose(Model([a, b], joined).predict(_DATA), expected, rtol=1e-5)


@pytest.mark.parametrize("mode", [*FORMULAS, lambda tensors: tensors[0] - tensors[1]])
def test_models_joined_as_the_first_layer_of_a_stack(mode):
    branches = [Sequential([Dense(3, input_dim=3)]) for _ in _DATA]
    model = Sequential([Merge(branches, mode=mode), Dense(2)])
    model.compile("sgd", "mse")
    assert model.input_shape == [(None, 3), (None, 3)]
    assert len(model.trainable_weights) == 6
    before = branches[0].get_weights()[0]
    model.train_on_batch(_DATA, np.ones((6, 2)))
    assert not np.array_equal(before, branches[0].get_weights()[0])
    copy = Sequential.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(_DATA), model.predict(_DATA))


def test_dot_products_along_chosen_axes():
    a, b = Input((4, 3)), Input((5, 3))
    joined = merge([a, b], mode="dot", dot_axes=(2, 2))
    x, y = np.random.randn(2, 4, 3), np.random.randn(2, 5, 3)
    expected = np.einsum("nif,njf->nij", x, y)
    np.testing.assert_allclose(Model([a, b], joined).predict([x, y]), expected, rtol=1e-4)


def test_a_function_with_arguments_and_a_shape():
    a, b = Input((3,)), Input((3,))

    def scaled(tensors, factor):
        return tensors[0] + factor * tensors[1]

    joined = merge([a, b], mode=scaled, output_shape=(3,), arguments={"factor": 2.0})
    model = Model([a, b], joined)
    copy = Model.from_config(model.get_config())
    for one in (model, copy):
        np.testing.assert_allclose(one.predict(_DATA), _DATA[0] + 2 * _DATA[1], rtol=1e-5)


def test_which_call_of_a_layer_is_joined():
    layer = Dense(3)
    first, second = layer(Input((2,))), layer(Input((2,)))
    joined = Merge([layer, layer], node_indices=[0, 1])
    assert joined.input == [first, second]


def test_masks_are_joined():
    a, b = (Input((3,), dtype="int32") for _ in _DATA)
    table = Embedding(5, 2, mask_zero=True)
    x = [np.array([[1, 2, 0]]), np.array([[1, 0, 0]])]
    masks = {
        "sum": [[True, False, False]],
        "concat": [[True, True, False, True, False, False]],
    }
    for mode, expected in masks.items():
        joined = merge([table(a), table(b)], mode=mode, concat_axis=1)
        assert K.function([a, b], [joined._keras_mask])(x)[0].tolist() == expected


@pytest.mark.parametrize(
    "arguments, shapes, error, message",
    [
        ({"mode": "sum"}, [(3,), (4,)], ValueError, "one shape"),
        ({"mode": "cos"}, [(3,)] * 3, ValueError, "two inputs"),
        ({"mode": "none"}, [(3,)] * 2, ValueError, "none"),
        ({"mode": "sum"}, [(3,)], TypeError, "two or more"),
        ({"mode": "concat"}, [(3, 2), (4, 3)], ValueError, "sizes"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, shapes, error, message):
    with pytest.raises(error, match=message):
        merge([Input(shape) for shape in shapes], **arguments)


def test_functions_that_join():
    a, b = Input((3,)), Input((4,))
    assert K.int_shape(concatenate([a, b], -1)) == (None, 7)
    assert K.int_shape(dot([a, a], 1, normalize=True)) == (None, 1)


def test_lambda_takes_the_arguments_of_keras_1():
    x = Input((3,))
    layer = Lambda(lambda t, factor: t * factor, (3,), {"factor": np.arange(3.0)})
    model = Model(x, layer(x))
    copy = Model.from_config(model.get_config())
    np.testing.assert_allclose(copy.predict(_DATA[0]), _DATA[0] * np.arange(3), rtol=1e-6)


def test_code_of_another_process_is_refused():
    config = Lambda(lambda t: t + 1).get_config()
    code, *rest = config["function"]
    foreign = {**config, "function": [code[:-8] + "AAAA\n", *rest]}
    with pytest.raises(ValueError, match="code"):
        Lambda.from_config(json.loads(json.dumps(foreign)))


@pytest.mark.parametrize(
    "make, shape, weights",
    [
        (lambda: Bidirectional(LSTM(output_dim=3, dropout_W=0.1)), (4, 2), 6),
        (lambda: Bidirectional(CuDNNLSTM(3)), (4, 2), 6),
        (lambda: TimeDistributed(Convolution2D(3, 2, 2)), (2, 5, 5, 1), 2),
        (lambda: TimeDistributed(MaxoutDense(3)), (4, 2), 2),
    ],
)
def test_wrappers_of_layers_in_old_spelling(make, shape, weights):
    x = Input(shape)
    model = Model(x, make()(x))
    copy = Model.from_config(model.get_config())
    assert len(model.get_weights()) == weights
    copy.set_weights(model.get_weights())
    batch = np.random.RandomState(0).randn(2, *shape)
    np.testing.assert_array_equal(copy.predict(batch), model.predict(batch))


def test_configs_of_keras_1_are_read():
    config = {
        "name": "d",
        "output_dim": 3,
        "init": "uniform",
        "activation": "relu",
        "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.25},
        "b_constraint": {"name": "MaxNorm", "m": 2, "axis": 0},
        "bias": True,
        "input_dim": 4,
    }
    layer = Dense.from_config(config)
    saved = layer.get_config()
    assert saved["kernel_regularizer"]["config"] == {"l1": 0.0, "l2": 0.25}
    assert saved["bias_constraint"]["config"]["max_value"] == 2
    assert saved["batch_input_shape"] == (None, 4)
    assert layer.get_output_shape_for((None, 4)) == (None, 3)


@pytest.mark.parametrize(
    "wrong, error",
    [
        (lambda: Convolution2D(3, 2, 2, border_mode="full"), ValueError),
        (lambda: Convolution2D(3, nb_row=2), TypeError),
        (lambda: Dense(3, init="uniform", kernel_initializer="uniform"), TypeError),
        (lambda: Dense(3, foo=1), TypeError),
        (lambda: LSTM(3, forget_bias_init="uniform"), ValueError),
    ],
)
def test_arguments_that_mean_nothing_are_refused(wrong, error):
    with pytest.raises(error):
        wrong()
