"""BatchNormalization in a graph: both branches of the learning phase, and the updates.

As in Keras 2, a frozen layer still normalizes with the batch's statistics while training; it only
leaves out the updates of its moving averages. Those take the unbiased variance of the batch,
`variance * n / (n - 1 - epsilon)`, and are corrected for their start as in TensorFlow 1 (zero
debiasing): after `t` updates with momentum m,

    biased = m * biased + (1 - m) * value
    moving = biased / (1 - m ** t)

Keras 1 has two more modes: 2 takes the batch's statistics at all times, and 1 those of each sample,

    s = sqrt(var(x) + epsilon)      over the last axis
    y = gamma * (x - mean(x)) / (s + epsilon) + beta
"""

import numpy as np

from minikeras import layers, ops
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import is_building, record
from minikeras.ops.nn.batch_norm import batch_norm_train


def call(layer, inputs, training=None):
    """Normalize with the batch's statistics while training, else with the moving averages.

    Args:
        layer: the layer.
        inputs: tensor.
        training: 0 or 1, or None for the learning phase.

    Returns:
        A tensor of the shape of `inputs`.
    """
    if layer.mode == 1:
        return _by_sample(layer, inputs)
    if not is_building():
        training = training or layer.mode == 2
        return layers.BatchNormalization.call(layer, inputs, training=training)
    axis, epsilon = layer.axis, layer.epsilon

    def with_averages(x, mean, variance, beta, gamma):
        return ops.batch_normalization(
            x, mean, variance, axis, offset=beta, scale=gamma, epsilon=epsilon
        )

    fixed = record(
        with_averages, (inputs, layer.moving_mean, layer.moving_variance, layer.beta, layer.gamma)
    )
    if training is not None and not training:
        return fixed

    def with_batch(x, gamma, beta):
        y, mean, variance = batch_norm_train(x, gamma, beta, axis=axis, epsilon=epsilon)
        mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
        count = ops.size(x) / ops.size(mean)
        count = ops.cast(count, "float32")
        return y, mean, variance * (count / (count - (1.0 + epsilon)))

    normalized, mean, variance = record(with_batch, (inputs, layer.gamma, layer.beta))
    if layer.mode == 2:
        return normalized
    updates = _follow(layer.moving_mean, mean, layer.momentum)
    updates += _follow(layer.moving_variance, variance, layer.momentum)
    layer.add_update(updates, inputs)
    return K.in_train_phase(normalized, fixed, training=training)


def _by_sample(layer, x):
    mean = K.mean(x, axis=-1, keepdims=True)
    deviation = K.sqrt(K.var(x, axis=-1, keepdims=True) + layer.epsilon)
    return layer.gamma * ((x - mean) / (deviation + layer.epsilon)) + layer.beta


def _follow(moving, value, momentum):
    """The updates of a moving average without the bias of its start from zero."""
    biased = K.variable(np.zeros(moving.shape), name="biased")
    count = K.variable(0.0, name="local_step")
    new = biased * momentum + value * (1.0 - momentum)
    return [
        K.update(biased, new),
        K.update(count, count + 1.0),
        K.update(moving, new / (1.0 - momentum ** (count + 1.0))),
    ]
