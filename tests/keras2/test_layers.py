"""Layers of Keras 1 and 2: every spelling computes the same; formulas of layers that are gone."""

import numpy as np
import pytest

from minikeras import layers as engine
from minikeras.keras2 import backend as K
from minikeras.keras2 import layers
from minikeras.keras2.layers.table import ALIASES, ROWS
from minikeras.keras2.models import Model, Sequential
from minikeras.regularizers import l2

_IMAGE, _SEQUENCE, _VECTOR = (6, 7, 2), (5, 3), (4,)

# class: input shape, arguments by place of Keras 1, by name of Keras 1, by name of Keras 2
SPELLINGS = [
    (
        "Dense",
        _VECTOR,
        (3, "he_normal", "tanh", None, l2(0.1)),
        {"output_dim": 3, "init": "he_normal", "activation": "tanh", "W_regularizer": l2(0.1)},
        {
            "units": 3,
            "kernel_initializer": "he_normal",
            "activation": "tanh",
            "kernel_regularizer": l2(0.1),
        },
    ),
    (
        "TimeDistributedDense",
        _SEQUENCE,
        (3, "uniform", "tanh"),
        {"output_dim": 3, "init": "uniform", "activation": "tanh"},
        {"units": 3, "kernel_initializer": "uniform", "activation": "tanh"},
    ),
    (
        "Convolution1D",
        _SEQUENCE,
        (4, 3, "uniform", "relu", None, "same", 2),
        {
            "nb_filter": 4,
            "filter_length": 3,
            "border_mode": "same",
            "subsample_length": 2,
            "activation": "relu",
        },
        {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2, "activation": "relu"},
    ),
    (
        "Convolution2D",
        _IMAGE,
        (4, 3, 2, "uniform", "relu", None, "same", (2, 1), "tf"),
        {
            "nb_filter": 4,
            "nb_row": 3,
            "nb_col": 2,
            "border_mode": "same",
            "subsample": (2, 1),
            "dim_ordering": "tf",
            "activation": "relu",
        },
        {
            "filters": 4,
            "kernel_size": (3, 2),
            "padding": "same",
            "strides": (2, 1),
            "data_format": "channels_last",
            "activation": "relu",
        },
    ),
    (
        "Convolution3D",
        (4, 4, 5, 2),
        (3, 2, 1, 3),
        {"nb_filter": 3, "kernel_dim1": 2, "kernel_dim2": 1, "kernel_dim3": 3, "bias": True},
        {"filters": 3, "kernel_size": (2, 1, 3), "use_bias": True},
    ),
    (
        "AtrousConvolution2D",
        _IMAGE,
        (4, 2, 3, "uniform", "tanh", None, "valid", (1, 1), (2, 1)),
        {"nb_filter": 4, "nb_row": 2, "nb_col": 3, "atrous_rate": (2, 1), "activation": "tanh"},
        {"filters": 4, "kernel_size": (2, 3), "dilation_rate": (2, 1), "activation": "tanh"},
    ),
    (
        "Deconvolution2D",
        _IMAGE,
        (4, 3, 3, (None, 13, 15, 4), "uniform", "relu", None, "valid", (2, 2)),
        {
            "nb_filter": 4,
            "nb_row": 3,
            "nb_col": 3,
            "output_shape": (None, 13, 15, 4),
            "subsample": (2, 2),
            "activation": "relu",
        },
        {"filters": 4, "kernel_size": 3, "strides": 2, "activation": "relu"},
    ),
    (
        "SeparableConvolution2D",
        _IMAGE,
        (4, 3, 3, "uniform", "tanh", None, "same"),
        {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "same", "activation": "tanh"},
        {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "tanh"},
    ),
    (
        "LocallyConnected1D",
        _SEQUENCE,
        (4, 3, "uniform", "tanh", None, "valid", 2),
        {"nb_filter": 4, "filter_length": 3, "subsample_length": 2, "activation": "tanh"},
        {"filters": 4, "kernel_size": 3, "strides": 2, "activation": "tanh"},
    ),
    (
        "LocallyConnected2D",
        _IMAGE,
        (4, 3, 2, "uniform", "tanh", None, "valid", (2, 1)),
        {"nb_filter": 4, "nb_row": 3, "nb_col": 2, "subsample": (2, 1), "activation": "tanh"},
        {"filters": 4, "kernel_size": (3, 2), "strides": (2, 1), "activation": "tanh"},
    ),
    (
        "MaxPooling1D",
        _SEQUENCE,
        (2, 1, "same"),
        {"pool_length": 2, "stride": 1, "border_mode": "same"},
        {"pool_size": 2, "strides": 1, "padding": "same"},
    ),
    (
        "AveragePooling2D",
        _IMAGE,
        ((2, 3), (1, 2), "same", "tf"),
        {"pool_size": (2, 3), "strides": (1, 2), "border_mode": "same", "dim_ordering": "tf"},
        {"pool_size": (2, 3), "strides": (1, 2), "padding": "same"},
    ),
    ("UpSampling1D", _SEQUENCE, (3,), {"length": 3}, {"size": 3}),
    (
        "ZeroPadding2D",
        _IMAGE,
        ((1, 2), "th"),
        {"padding": (1, 2), "dim_ordering": "th"},
        {"padding": (1, 2), "data_format": "channels_first"},
    ),
    (
        "LSTM",
        _SEQUENCE,
        (3, "uniform", "orthogonal", "one", "tanh", "sigmoid"),
        {
            "output_dim": 3,
            "inner_init": "orthogonal",
            "forget_bias_init": "one",
            "inner_activation": "sigmoid",
            "consume_less": "gpu",
        },
        {"units": 3, "recurrent_activation": "sigmoid"},
    ),
    (
        "GRU",
        _SEQUENCE,
        (3, "uniform", "orthogonal", "relu", "sigmoid"),
        {
            "output_dim": 3,
            "activation": "relu",
            "inner_activation": "sigmoid",
            "consume_less": "mem",
        },
        {"units": 3, "activation": "relu", "recurrent_activation": "sigmoid"},
    ),
    (
        "SimpleRNN",
        _SEQUENCE,
        (3, "uniform", "orthogonal", "relu"),
        {"output_dim": 3, "activation": "relu", "consume_less": "cpu", "unroll": True},
        {"units": 3, "activation": "relu"},
    ),
    (
        "ConvLSTM2D",
        (3, 5, 5, 2),
        (2, 3, 3, "uniform", "orthogonal", "one", "tanh", "sigmoid", "tf", "same"),
        {
            "nb_filter": 2,
            "nb_row": 3,
            "nb_col": 3,
            "forget_bias_init": "one",
            "inner_activation": "sigmoid",
            "border_mode": "same",
        },
        {"filters": 2, "kernel_size": 3, "padding": "same", "recurrent_activation": "sigmoid"},
    ),
    (
        "BatchNormalization",
        _VECTOR,
        (0.01, 0, -1, 0.9),
        {"epsilon": 0.01, "mode": 0, "momentum": 0.9, "gamma_init": "one", "beta_init": "zero"},
        {"epsilon": 0.01, "momentum": 0.9},
    ),
    (
        "PReLU",
        _VECTOR,
        ("uniform", None, [1]),
        {"init": "uniform", "shared_axes": [1]},
        {"alpha_initializer": "uniform", "shared_axes": [1]},
    ),
    ("Dropout", _VECTOR, (0.5,), {"p": 0.5}, {"rate": 0.5}),
    ("GaussianNoise", _VECTOR, (0.5,), {"sigma": 0.5}, {"stddev": 0.5}),
]
_IDS = [row[0] for row in SPELLINGS]


def _data(shape, seed=0, count=3):
    return np.random.RandomState(seed).randn(count, *shape).astype("float32")


def _model(layer, shape):
    x = layers.Input(shape)
    return Model(x, layer(x))


@pytest.mark.parametrize("name, shape, places, old, new", SPELLINGS, ids=_IDS)
def test_every_spelling_computes_the_same(name, shape, places, old, new):
    cls, x = getattr(layers, name), _data(shape)
    models = [_model(layer, shape) for layer in (cls(*places), cls(**old), cls(**new))]
    weights = models[-1].get_weights()
    expected = models[-1].predict(x)
    assert np.std(expected) > 0
    for model in models[:-1]:
        model.set_weights(weights)
        np.testing.assert_array_equal(model.predict(x), expected)


@pytest.mark.parametrize("name, shape, places, old, new", SPELLINGS, ids=_IDS)
def test_every_spelling_has_one_config(name, shape, places, old, new):
    layer = getattr(layers, name)(**old, name="x")
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config
    assert not set(config) & (set(type(layer)._old_arguments) - set(type(layer)._row.arguments()))


@pytest.mark.parametrize("name, shape, places, old, new", SPELLINGS, ids=_IDS)
def test_the_engine_computes_the_same(name, shape, places, old, new):
    ours = getattr(layers, name)(**new)
    base = type(ours)._row.engine
    if not base.__module__.startswith("minikeras.layers."):
        pytest.skip("The engine has no such layer.")
    if name in ("GRU", "TimeDistributedDense"):
        new = {**new, "reset_after": False} if name == "GRU" else new
    own = base(**new)
    x = _data(shape)
    model = _model(ours, shape)
    expected = np.asarray(own(x))
    own.set_weights(model.get_weights())
    expected = np.asarray(own(x))
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-6)


def test_no_other_name_is_left_without_a_class():
    for alias, name in ALIASES.items():
        assert getattr(layers, alias) is getattr(layers, name)
    assert all(hasattr(layers, row.class_name) for row in ROWS)
    assert issubclass(layers.Dense, engine.Dense)


# Formulas of the layers that are gone


def _gone(layer, shape, seed=0):
    model, x = _model(layer, shape), _data(shape, seed)
    rng = np.random.RandomState(1)
    weights = [rng.uniform(-1, 1, w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights(weights)
    return x, weights, model.predict(x)


def test_maxout():
    x, (W, b), y = _gone(layers.MaxoutDense(3, nb_feature=2), (4,))
    np.testing.assert_allclose(y, np.max(np.einsum("ni,kio->nko", x, W) + b, axis=1), rtol=1e-5)


def test_highway():
    x, (W, W_carry, b, b_carry), y = _gone(layers.Highway(activation="tanh"), (4,))
    t = 1 / (1 + np.exp(-(x @ W_carry + b_carry)))
    np.testing.assert_allclose(y, t * np.tanh(x @ W + b) + (1 - t) * x, rtol=1e-5, atol=1e-6)


def test_highway_starts_by_carrying():
    layer = layers.Highway(input_dim=3)
    Sequential([layer])
    assert [w.tolist() for w in layer.get_weights()[2:]] == [[0, 0, 0], [1, 1, 1]]


def test_srelu():
    x, (t_left, a_left, t_right, a_right), y = _gone(layers.SReLU(), (50,))
    t_right = t_left + np.abs(t_right)
    expected = np.where(x >= t_right, t_right + a_right * (x - t_right), x)
    expected = np.where(x <= t_left, t_left + a_left * (x - t_left), expected)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_parametric_softplus():
    x, (alphas, betas), y = _gone(layers.ParametricSoftplus(), (5,))
    np.testing.assert_allclose(y, alphas * np.log1p(np.exp(betas * x)), rtol=1e-4)
    shared = layers.ParametricSoftplus(shared_axes=[1, 2], input_shape=(4, 5, 2))
    assert [w.shape for w in Sequential([shared]).get_weights()] == [(1, 1, 2)] * 2


def test_thresholded_relu():
    model = _model(layers.ThresholdedReLU(1.5), (3,))
    assert model.predict(np.array([[1.0, 1.5, 2.0]])).tolist() == [[0, 0, 2]]


def test_locally_connected_1d():
    x, (kernel, bias), y = _gone(layers.LocallyConnected1D(2, 3, strides=2), (8, 2))
    for place in range(3):
        window = x[:, 2 * place : 2 * place + 3].reshape(3, -1)
        np.testing.assert_allclose(y[:, place], window @ kernel[place] + bias[place], rtol=1e-4)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_locally_connected_2d(layout):
    layer = layers.LocallyConnected2D(2, (2, 3), strides=(2, 1), data_format=layout, use_bias=False)
    shape = (2, 6, 5) if layout == "channels_first" else (6, 5, 2)
    x, (kernel,), y = _gone(layer, shape)
    assert layer.compute_output_shape((None, *shape)) == (None, *y.shape[1:])
    y = np.moveaxis(y, 1, -1) if layout == "channels_first" else y
    for place, (i, j) in enumerate(np.ndindex(3, 3)):
        rows, columns = slice(2 * i, 2 * i + 2), slice(j, j + 3)
        is_first = layout == "channels_first"
        window = x[:, :, rows, columns] if is_first else x[:, rows, columns]
        expected = window.reshape(3, -1) @ kernel[place]
        np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-4, atol=1e-5)


def test_cudnn_lstm():
    x, (kernel, recurrent, bias), y = _gone(layers.CuDNNLSTM(3), (5, 2))
    weights = [_blocks(kernel, 4), _blocks(recurrent, 4), bias[:12] + bias[12:]]
    plain = _model(layers.LSTM(3, recurrent_activation="sigmoid"), (5, 2))
    plain.set_weights(weights)
    np.testing.assert_allclose(y, plain.predict(x), rtol=1e-5, atol=1e-6)


def test_cudnn_gru():
    x, (kernel, recurrent, bias), y = _gone(layers.CuDNNGRU(3, return_sequences=True), (5, 2))
    plain = layers.GRU(3, recurrent_activation="sigmoid", reset_after=True, return_sequences=True)
    plain = _model(plain, (5, 2))
    plain.set_weights([_blocks(kernel, 3), _blocks(recurrent, 3), bias.reshape(2, 9)])
    np.testing.assert_allclose(y, plain.predict(x), rtol=1e-5, atol=1e-6)


def _blocks(kernel, gates):
    """cuDNN's order: the numbers of each gate's kernel as the rows of its transpose."""
    parts = np.split(kernel, gates, axis=1)
    return np.concatenate([p.reshape(p.shape[::-1]).T for p in parts], axis=1)


def test_cudnn_layers_refuse_masks():
    with pytest.raises(ValueError, match="mask"):
        Sequential([layers.Masking(input_shape=(4, 2)), layers.CuDNNLSTM(2)])


def test_modes_of_batch_normalization():
    x = _data((4,), count=8) * 2 + 1
    by_batch = _model(layers.BatchNormalization(mode=2), (4,)).predict(x)
    np.testing.assert_allclose(
        by_batch, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-4, atol=1e-5
    )
    by_sample = _model(layers.BatchNormalization(mode=1), (4,)).predict(x)
    deviation = np.sqrt(x.var(1, keepdims=True) + 1e-3)
    expected = (x - x.mean(1, keepdims=True)) / (deviation + 1e-3)
    np.testing.assert_allclose(by_sample, expected, rtol=1e-4, atol=1e-5)


def test_dropout_of_an_embedding_takes_whole_vectors():
    layer = layers.Embedding(20, 3, dropout=0.5, input_length=20)
    x = layers.Input((20,), dtype="int32")
    f = K.function([x, K.learning_phase()], [layer(x)])
    ids, table = np.arange(20)[None], layer.get_weights()[0]
    np.testing.assert_array_equal(f([ids, 0])[0][0], table)
    ratio = f([ids, 1])[0][0] / table
    assert set(np.round(ratio, 3).ravel().tolist()) == {0.0, 2.0}
    assert (ratio.std(axis=1) < 1e-5).all()


class AlwaysDropout(layers.Dropout):
    """A layer of a user's that drops in the test phase, too."""

    def call(self, x):
        return super().call(x, training=True)


RANDOM = {
    "Dropout": lambda: layers.Dropout(0.5),
    "a subclass": lambda: AlwaysDropout(0.5),
    "SpatialDropout1D": lambda: layers.SpatialDropout1D(0.5),
    "GaussianNoise": lambda: layers.GaussianNoise(1.0),
    "GaussianDropout": lambda: layers.GaussianDropout(0.5),
    "AlphaDropout": lambda: layers.AlphaDropout(0.5),
    "SimpleRNN": lambda: layers.SimpleRNN(9, dropout=0.5),
    "GRU": lambda: layers.GRU(9, recurrent_dropout=0.5, return_sequences=True),
    "LSTM": lambda: layers.LSTM(9, dropout=0.5, recurrent_dropout=0.5),
    "cells": lambda: layers.RNN([layers.LSTMCell(9, dropout=0.5), layers.GRUCell(9)]),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(9, dropout=0.5)),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dropout(0.5)),
    "a model": lambda: Sequential([layers.Dropout(0.5, input_shape=(5, 3))]),
}


@pytest.mark.parametrize("name", RANDOM)
def test_seeds_come_from_numpy(name):
    """After `np.random.seed` a script draws the same masks and noise."""
    ones = np.ones((4, 5, 3))

    def draws(seed):
        np.random.seed(seed)
        x = layers.Input((5, 3))
        f = K.function([x, K.learning_phase()], [RANDOM[name]()(x)])
        return np.array([f([ones, 1])[0] for _ in range(3)])

    first = draws(1)
    np.testing.assert_array_equal(draws(1), first)
    assert (draws(2) != first).any() and (first[0] != first[1]).any()


def test_layers_that_draw_nothing_take_no_seed():
    x = layers.Input((5, 3))
    np.random.seed(1)
    layers.Dropout(0.0)(x), layers.Dropout(0.5, seed=3)(x), layers.Flatten()(x)
    following = np.random.rand()
    np.random.seed(1)
    assert np.random.rand() == following
