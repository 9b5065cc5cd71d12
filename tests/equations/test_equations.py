"""Kernels against their equations: results and all gradients, in every way of computing them."""

import importlib

import numpy as np
import pytest

from minikeras import ops
from minikeras.ops.image.lookups import weighted_rows
from minikeras.ops.nn import activation, attention, crossentropy, gates, shrinkage
from minikeras.ops.random.dropout import _masked
from tests.equations import activations as act
from tests.equations import attention as att
from tests.equations import convolution as conv
from tests.equations import crossentropy as ce
from tests.equations import dense, dropout, lookups, normalization, pooling
from tests.equations.ways import WAYS, assert_near, computed, draw

# The package has functions of these names.
nn = importlib.import_module("minikeras.ops.nn.softmax")
norm = importlib.import_module("minikeras.ops.nn.norm")
batch_norm = importlib.import_module("minikeras.ops.nn.batch_norm")
EPSILON = 2.0**-10


def _dense():
    x, kernel, bias, g = draw(0, 7, 4), draw(1, 4, 5), draw(2, 5), draw(3, 7, 5)
    y, gradients = dense.dense(x, kernel, bias), dense.dense_backward(g, x, kernel)
    return nn.dense, {}, [x, kernel, bias], [g], [y], gradients


def _dense_with_relu():
    x, kernel, bias, g = draw(0, 7, 4), draw(1, 4, 5), draw(2, 5), draw(3, 7, 5)
    y = act.relu(dense.dense(x, kernel, bias))
    gradients = dense.dense_backward(act.relu_backward(g, y), x, kernel)
    return nn.dense, {"relu": True}, [x, kernel, bias], [g], [y], gradients


def _embedding():
    table, ids, g = draw(0, 6, 3), np.array([2, 0, 2, 5]), draw(1, 4, 3)
    gradients = [dense.embedding_backward(g, table, ids)]

    def op(table):
        return ops.take(table, ids, axis=0)

    return op, {}, [table], [g], [dense.embedding(table, ids)], gradients


def _conv(s, d):
    x, kernel, bias = draw(0, 2, 8, 7, 3), draw(1, 2, 3, 3, 4), draw(2, 4)
    y = conv.conv(x, kernel, bias, s, d)
    g = draw(3, *y.shape)

    def op(x, kernel, bias):
        return ops.conv(x, kernel, s, "valid", "channels_last", d) + bias

    return op, {}, [x, kernel, bias], [g], [y], conv.conv_backward(g, x, kernel, s, d)


def _padded_conv():
    x, kernel, bias = draw(0, 2, 6, 5, 3), draw(1, 3, 3, 3, 4), draw(2, 4)
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    y = conv.conv(padded, kernel, bias)
    g = draw(3, *y.shape)
    dx, *others = conv.conv_backward(g, padded, kernel)

    def op(x, kernel, bias):
        return ops.conv(x, kernel, 1, "same", "channels_last") + bias

    return op, {}, [x, kernel, bias], [g], [y], [dx[:, 1:-1, 1:-1], *others]


def _conv_transpose(s, d):
    x, kernel, bias = draw(0, 2, 4, 3, 5), draw(1, 3, 2, 4, 5), draw(2, 4)
    y = conv.conv_transpose(x, kernel, bias, s, d)
    g = draw(3, *y.shape)

    def op(x, kernel, bias):
        return ops.conv_transpose(x, kernel, s, "valid", None, "channels_last", d) + bias

    gradients = conv.conv_transpose_backward(g, x, kernel, s, d)
    return op, {}, [x, kernel, bias], [g], [y], gradients


def _depthwise(s, d):
    x, kernel = draw(0, 2, 8, 7, 3), draw(1, 2, 3, 3, 2)
    y = conv.depthwise_conv(x, kernel, s, d)
    g = draw(3, *y.shape)

    def op(x, kernel):
        return ops.depthwise_conv(x, kernel, s, "valid", "channels_last", d)

    return op, {}, [x, kernel], [g], [y], conv.depthwise_conv_backward(g, x, kernel, s, d)


def _separable():
    x, depthwise, pointwise = draw(0, 2, 8, 7, 3), draw(1, 2, 3, 3, 2), draw(2, 1, 1, 6, 4)
    y, between = conv.separable_conv(x, depthwise, pointwise, 2)
    g = draw(3, *y.shape)

    def op(x, depthwise, pointwise):
        return ops.separable_conv(x, depthwise, pointwise, 2, "valid", "channels_last")

    gradients = conv.separable_conv_backward(g, x, between, depthwise, pointwise, 2)
    return op, {}, [x, depthwise, pointwise], [g], [y], gradients


def _pool(kind):
    x = draw(0, 2, 7, 6, 3)
    x[0, :2, :2] = 9.0  # the first place of a window takes all where several are the largest
    forward, backward = getattr(pooling, kind), getattr(pooling, f"{kind}_backward")
    y = forward(x, 3, 2)
    g = draw(1, *y.shape)
    arguments = (g, x, y, 3, 2) if kind == "max_pool" else (g, x, 3, 2)

    def op(x):
        return getattr(ops, kind)(x, 3, 2, "valid", "channels_last")

    return op, {}, [x], [g], [y], [backward(*arguments)]


def _batch_norm():
    x, gamma, beta, g = draw(0, 9, 4), draw(1, 4), draw(2, 4), draw(3, 9, 4)
    y, mean, variance, z = normalization.batch_norm(x, gamma, beta, EPSILON)
    gradients = normalization.batch_norm_backward(g, z, variance, gamma, EPSILON)
    options, inputs = {"axis": -1, "epsilon": EPSILON}, [x, gamma, beta]
    return (
        batch_norm.batch_norm_train,
        options,
        inputs,
        [g, None, None],
        [y, mean, variance],
        gradients,
    )


def _batch_norm_inference():
    x, mean, variance = draw(0, 9, 4), draw(1, 4), draw(2, 4) ** 2
    gamma, beta = draw(3, 4), draw(4, 4)
    y = normalization.batch_norm_inference(x, mean, variance, gamma, beta, EPSILON)

    def op(x):
        return ops.batch_normalization(x, mean, variance, -1, beta, gamma, EPSILON)

    g = draw(5, 9, 4)
    return op, {}, [x], [g], [y], [g * gamma / np.sqrt(variance + EPSILON)]


def _layer_norm():
    x, gamma, beta, g = draw(0, 9, 4), draw(1, 4), draw(2, 4), draw(3, 9, 4)
    y, variance, z = normalization.layer_norm(x, gamma, beta, EPSILON)
    gradients = normalization.layer_norm_backward(g, z, variance, gamma, EPSILON)
    return norm._layer_norm, {"axes": 1, "epsilon": EPSILON}, [x, gamma, beta], [g], [y], gradients


def _group_norm():
    x, gamma, beta, g = draw(0, 3, 5, 6), draw(1, 6), draw(2, 6), draw(3, 3, 5, 6)
    y, variance, z = normalization.group_norm(x, gamma, beta, 2, EPSILON)
    gradients = normalization.group_norm_backward(g, z, variance, gamma, 2, EPSILON)
    options = {"groups": 2, "axis": -1, "epsilon": EPSILON}
    return norm.group_norm, options, [x, gamma, beta], [g], [y], gradients


def _rms_norm():
    x, gamma, g = draw(0, 9, 4), draw(1, 4), draw(3, 9, 4)
    y, square, z = normalization.rms_norm(x, gamma, EPSILON)
    gradients = normalization.rms_norm_backward(g, z, square, gamma, EPSILON)
    return norm._rms_norm, {"axes": 1, "epsilon": EPSILON}, [x, gamma], [g], [y], gradients


def _softmax():
    x, g = draw(0, 5, 4), draw(1, 5, 4)
    y = ce.softmax(x)
    return nn.softmax_along, {"axis": -1}, [x], [g], [y], [ce.softmax_backward(g, y)]


def _log_softmax():
    x, g = draw(0, 5, 4), draw(1, 5, 4)
    y = ce.log_softmax(x)
    return ops.log_softmax, {}, [x], [g], [y], [ce.log_softmax_backward(g, y)]


def _softmax_crossentropy():
    target, logits, g = ce.softmax(draw(0, 5, 4)), draw(1, 5, 4), draw(2, 5)
    loss, p = ce.softmax_crossentropy(target, logits)
    gradients = ce.softmax_crossentropy_backward(g, target, p)
    op = crossentropy._softmax_crossentropy
    return op, {"axis": -1}, [target, logits], [g], [loss], gradients


def _sparse_crossentropy():
    logits, target, g = draw(0, 5, 4), np.array([0, 3, 1, 1, 2]), draw(1, 5)
    loss, p = ce.sparse_crossentropy(logits, target)
    gradients = [ce.sparse_crossentropy_backward(g, p, target), None]
    return crossentropy._sparse_crossentropy, {}, [logits, target], [g], [loss], gradients


def _sigmoid_crossentropy():
    target, logits, g = act.sigmoid(draw(0, 5, 4)), draw(1, 5, 4), draw(2, 5, 4)
    loss, p = ce.sigmoid_crossentropy(target, logits)
    gradients = ce.sigmoid_crossentropy_backward(g, target, logits, p)
    return crossentropy._sigmoid_crossentropy, {}, [target, logits], [g], [loss], gradients


def _attention():
    query, key, value = draw(0, 2, 4, 3, 5), draw(1, 2, 6, 3, 5), draw(2, 2, 6, 3, 7)
    bias, mask, g = draw(3, 2, 3, 4, 6), draw(4, 2, 3, 4, 6) < 1, draw(5, 2, 4, 3, 7)
    mask[..., 0] = True
    y, weights = att.attention(query, key, value, bias, mask, 0.4)
    gradients = att.attention_backward(g, query, key, value, weights, 0.4)
    options, inputs = {"scale": 0.4, "causal": False}, [query, key, value, bias, mask]
    return attention._attention, options, inputs, [g], [y], [*gradients, None]


def _weighted_rows():
    index = np.random.default_rng(0).integers(0, 6, (4, 2, 5)).astype("int32")
    table, weights, g = draw(0, 2, 6, 3), draw(1, 4, 2, 5), draw(2, 2, 5, 3)
    y = lookups.weighted_rows(table, weights, index)

    def op(table, weights):
        return weighted_rows(table, weights, index)

    gradients = lookups.weighted_rows_backward(g, table, weights, index)
    return op, {}, [table, weights], [g], [y], list(gradients)


def _dropout():
    x, keep, g = draw(0, 5, 4), draw(1, 5, 4) > 0, draw(2, 5, 4)
    y, dx = dropout.dropout(x, keep, 0.25), dropout.dropout_backward(g, keep, 0.25)
    return _masked, {"scale": 1 / 0.75}, [x, keep], [g], [y], [dx, None]


# Each activation by its op, and what its gradient takes beside `g`: x, y or what it returned more.
ACTIVATIONS = {
    "relu": (activation.relu, "y", {}),
    "relu6": (activation.relu6, "y", {}),
    "leaky_relu": (activation.leaky_relu, "x", {"negative_slope": 0.3}),
    "elu": (activation._unit_elu, "y", {}),
    "selu": (activation.selu, "y", {}),
    "sigmoid": (ops.sigmoid, "y", {}),
    "softplus": (shrinkage.softplus, "x", {}),
    "log_sigmoid": (shrinkage._log_sigmoid, "x", {}),
    "softsign": (shrinkage._softsign, "x", {}),
    "silu": (gates._silu, "x, saved", {}),
    "gelu": (gates._tanh_gelu, "x, saved", {}),
    "erf_gelu": (gates._erf_gelu, "x, saved", {}),
    "hard_sigmoid": (gates._hard_sigmoid, "x", {}),
    "hard_silu": (gates._hard_silu, "x", {}),
    "mish": (shrinkage.mish, "x, saved", {}),
}


def _activation(name):
    op, takes, options = ACTIVATIONS[name]
    x, g = 3 * draw(0, 40, 50), draw(1, 40, 50)
    y = getattr(act, name)(x, **options)
    y, saved = y if isinstance(y, tuple) else (y, None)
    saved_values = [{"x": x, "y": y, "saved": saved}[word] for word in takes.split(", ")]
    dx = getattr(act, f"{name}_backward")(g, *saved_values, **options)
    return op, options, [x], [g], [y], [dx]


def _tanh():
    x, g = draw(0, 5, 4), draw(1, 5, 4)
    return ops.tanh, {}, [x], [g], [np.tanh(x)], [act.tanh_backward(g, np.tanh(x))]


CASES = {
    "dense": _dense,
    "dense with relu": _dense_with_relu,
    "embedding": _embedding,
    **{f"conv, strides {s}, dilation {d}": (_conv, s, d) for s, d in ((1, 1), (2, 1), (1, 2))},
    "conv with padding": _padded_conv,
    **{f"conv_transpose, strides {s}": (_conv_transpose, s, 1) for s in (1, 2)},
    **{f"depthwise_conv, strides {s}": (_depthwise, s, 1) for s in (1, 2)},
    "separable_conv": _separable,
    **{kind: (_pool, kind) for kind in ("max_pool", "average_pool")},
    "batch_norm": _batch_norm,
    "batch_norm in inference": _batch_norm_inference,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "rms_norm": _rms_norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softmax_crossentropy": _softmax_crossentropy,
    "sparse_crossentropy": _sparse_crossentropy,
    "sigmoid_crossentropy": _sigmoid_crossentropy,
    "attention": _attention,
    "dropout": _dropout,
    "weighted_rows": _weighted_rows,
    **{name: (_activation, name) for name in ACTIVATIONS},
    "tanh": _tanh,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_equations(monkeypatch, name, way):
    make, *arguments = CASES[name] if isinstance(CASES[name], tuple) else (CASES[name],)
    op, options, inputs, upstream, results, gradients = make(*arguments)
    actual = computed(way, monkeypatch, op, inputs, upstream, **options)
    assert_near(actual[0], results)
    pairs = zip(actual[1], gradients, strict=True)
    assert_near(*zip(*[pair for pair in pairs if pair[1] is not None], strict=True))


def test_crossentropy_of_logits_of_any_size():
    target, logits = act.sigmoid(draw(0, 9)), 5 * draw(1, 9)
    loss = ce.sigmoid_crossentropy(target, logits)[0]
    assert_near([ce.sigmoid_crossentropy_stable(target, logits)], [loss])
