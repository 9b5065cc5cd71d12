"""Rows of the backend of Keras 2: losses, normalization, biases, loops and choices."""

import numpy as np

from tests.cases.keras2_row import (
    BELOW,
    IMAGES,
    PROBABILITIES,
    X23,
    X234,
    Row,
    distinct,
    floats,
    softmax,
)


def _losses():
    one_hot, classes = np.eye(4)[[[0, 3, 1], [2, 2, 0]]], np.array([[0, 3, 1], [2, 2, 0]])
    yield Row(
        "categorical_crossentropy",
        lambda K, t, y: K.categorical_crossentropy(t, y),
        [one_hot, PROBABILITIES],
        lambda t, y: -np.sum(t * np.log(y / y.sum(-1, keepdims=True)), -1),
    )
    yield Row(
        "categorical_crossentropy",
        lambda K, t, y: K.categorical_crossentropy(t, y, axis=1),
        [one_hot, PROBABILITIES],
        lambda t, y: -np.sum(t * np.log(y / y.sum(1, keepdims=True)), 1),
    )
    yield Row(
        "categorical_crossentropy",
        lambda K, t, y: K.categorical_crossentropy(t, y, from_logits=True),
        [one_hot, X234],
        lambda t, y: -np.sum(t * np.log(softmax(y)), -1),
    )
    yield Row(
        "sparse_categorical_crossentropy",
        lambda K, y: K.sparse_categorical_crossentropy(K.constant(classes), y, from_logits=True),
        [X234],
        lambda y: -np.log(np.take_along_axis(softmax(y), classes[..., None], -1)[..., 0]),
    )
    yield Row(
        "sparse_categorical_crossentropy",
        lambda K, y: K.sparse_categorical_crossentropy(
            K.constant(classes[:, :2] % 3), y, from_logits=True, axis=1
        ),
        [floats(2, 3, 2)],
        lambda y: -np.log(np.take_along_axis(softmax(y, 1), classes[:, None, :2] % 3, 1)[:, 0]),
    )
    yield Row(
        "binary_crossentropy",
        lambda K, y: K.binary_crossentropy(K.constant([[0.0, 1, 1], [1, 0, 0.5]], y.dtype), y),
        [PROBABILITIES[..., 0]],
        lambda y: _bernoulli(np.array([[0, 1, 1], [1, 0, 0.5]]), y),
        later="adds epsilon to what it takes logarithms of",
    )
    yield Row(
        "binary_crossentropy",
        lambda K, y: K.binary_crossentropy(
            K.constant([[0.0, 1, 1], [1, 0, 0.5]], y.dtype), y, from_logits=True
        ),
        [X23],
        lambda y: _bernoulli(np.array([[0, 1, 1], [1, 0, 0.5]]), 1 / (1 + np.exp(-y))),
    )
    yield Row(
        "in_top_k",
        lambda K, y: K.in_top_k(y, K.constant([3, 0, 1], dtype="int32"), 2),
        [distinct(3, 4)],
        lambda y: np.array([t in np.argsort(-r)[:2] for r, t in zip(y, [3, 0, 1], strict=True)]),
        smooth=False,
    )


def _bernoulli(t, y):
    return -t * np.log(y) - (1 - t) * np.log(1 - y)


def _normalization():
    def normalized(x, gamma, beta, axes=(0, 1, 2)):
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        return (x - mean) / np.sqrt(var + 1e-3) * gamma + beta

    yield Row(
        "normalize_batch_in_training",
        lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0, 1, 2])[0],
        [IMAGES, floats(3), floats(3) + 1],
        normalized,
    )
    yield Row(
        "normalize_batch_in_training",
        lambda K, x: K.normalize_batch_in_training(x, None, None, [0, 1, 2])[2],
        [IMAGES],
        lambda x: x.var((0, 1, 2), ddof=1),
        smooth=False,  # TensorFlow's fused kernel has no gradient there
    )
    yield Row(
        "normalize_batch_in_training",
        lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0, 2])[0],
        [X234, floats(3), floats(3) + 1],
        lambda x, g, b: normalized(x, g[:, None], b[:, None], (0, 2)),
    )
    yield Row(
        "batch_normalization",
        lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g),
        [IMAGES, floats(3), floats(3, low=0.2), floats(3), floats(3)],
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + 1e-3) * g + b,
    )


def _biases():
    for rank in (2, 3, 4, 5):
        shape = (2, 3, 2, 2, 3)[:rank]
        for layout in ("channels_last", "channels_first"):
            place = -1 if layout == "channels_last" else 1
            ends = (1,) * (0 if place == -1 else rank - 2)
            yield Row(
                "bias_add",
                lambda K, x, b, f=layout: K.bias_add(x, b, f),
                [floats(*shape), floats(shape[place])],
                lambda x, b, e=ends: x + b.reshape(-1, *e),
            )
    yield Row(
        "bias_add",
        lambda K, x, b: K.bias_add(x, b, "channels_first"),
        [floats(2, 3, 4, 5), floats(4, 5, 3)],
        lambda x, b: x + b.reshape(3, 4, 5),
    )


def _loops():
    def cumulated(x, reverse=False):
        return np.cumsum(x[:, ::-1] if reverse else x, axis=1)

    def add(x, states):
        return x + states[0], [x + states[0]]

    yield Row("rnn", lambda K, x: K.rnn(add, x, [K.zeros_like(x[:, 0])])[1], [X234], cumulated)
    yield Row(
        "rnn",
        lambda K, x: K.rnn(add, x, [K.zeros_like(x[:, 0])], unroll=True, go_backwards=True)[0],
        [X234],
        lambda x: x.sum(1),
    )
    yield Row(
        "rnn",
        lambda K, x, w: K.rnn(
            lambda x, s: (K.dot(x, w) * s[1], [K.dot(x, w)]),
            x,
            [K.zeros_like(x[:, 0])],
            constants=[K.ones_like(x[:, 0]) * 2],
        )[1],
        [X234, floats(4, 4)],
        lambda x, w: 2 * x @ w,
    )
    yield Row(
        "rnn",
        lambda K, x: K.rnn(
            add, x, [K.zeros_like(x[:, 0])], mask=K.constant([[1, 1, 0], [0, 1, 1]])
        )[2][0],
        [X234],
        lambda x: np.stack([x[0, :2].sum(0), x[1, 1:].sum(0)]),
        later="takes truth values only as a mask",
    )
    yield Row("map_fn", lambda K, x: K.map_fn(lambda t: t * t, x), [X23], np.square)
    yield Row(
        "foldl",
        lambda K, x: K.foldl(lambda a, t: a * 2 + t, x),
        [X23],
        lambda x: 2 * x[0] + x[1],
    )
    yield Row(
        "foldr",
        lambda K, x: K.foldr(lambda a, t: a * 2 + t, x, K.ones_like(x[0])),
        [X23],
        lambda x: (2 + x[1]) * 2 + x[0],
    )
    yield Row(
        "switch",
        lambda K, x, y: K.switch(x > 0, x, y),
        [X23, BELOW],
        lambda x, y: np.where(x > 0, x, y),
    )
    yield Row(
        "switch",
        lambda K, x, y: K.switch(x[:, 0] > 0, x, y),
        [np.array([[0.5, -1.0], [-0.5, 1.0]]), floats(2, 2)],
        lambda x, y: np.where(x[:, :1] > 0, x, y),
        later="spreads a vector of conditions over the last axis, as TensorFlow 2 does",
    )
    yield Row(
        "switch",
        lambda K, x, y: K.switch(K.sum(x) > 100.0, lambda: x, lambda: y * 2),
        [X23, BELOW],
        lambda x, y: y * 2,
        smooth=False,  # nothing flows to `x`
    )


ROWS = [*_losses(), *_normalization(), *_biases(), *_loops()]
