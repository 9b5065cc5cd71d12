"""Embedding with Keras 1's `dropout`: in training, some of the integers lose their vectors."""

from minikeras import layers, ops
from minikeras.keras2.backend.randomness import seed_of
from minikeras.ops.random.dropout import dropout
from minikeras.ops.random.seeds import SeedGenerator


def call(layer, inputs, training=None):
    """Look the vectors up; in training, those of some integers are zero in the whole batch.

    With m drawn once a batch, `0` with probability `dropout` and else `1 / (1 - dropout)`:

        y = m[ids] * embeddings[ids]

    Args:
        layer: the layer.
        inputs: tensor of integers.
        training: whether this is a step of training.

    Returns:
        A tensor `(..., output_dim)`.
    """
    y = layers.Embedding.call(layer, inputs)
    if not training or not layer.dropout:
        return y
    m = dropout(ops.ones((layer.input_dim, 1)), layer.dropout, seed=_source(layer))
    return y * ops.take(m, ops.cast(inputs, "int32"), axis=0)


def _source(layer):
    if "_dropout_source" not in layer.__dict__:
        object.__setattr__(layer, "_dropout_source", SeedGenerator(seed_of(None)))
    return layer.__dict__["_dropout_source"]
