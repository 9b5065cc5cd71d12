"""TimeDistributed in a graph: all steps of all samples go through the layer as one batch."""

from minikeras import layers
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import is_building
from minikeras.keras2.engine.layer import Layer


def call(layer, inputs, training=None, mask=None):
    """Run the wrapped layer on every step.

    Args:
        layer: the wrapper.
        inputs: tensor `(batch, steps, ...)`.
        training: 0 or 1, or None for the learning phase.
        mask: mask of the inputs, or None.

    Returns:
        A tensor `(batch, steps, ...)`.
    """
    if not is_building():
        return layers.TimeDistributed.call(layer, inputs, training=training, mask=mask)
    steps = K.reshape(inputs, (-1, *_sizes(inputs)[2:]))
    if mask is not None and K.ndim(mask) > 2:
        steps._keras_mask = K.reshape(mask, (-1, *_sizes(mask)[2:]))
    outputs = layer.layer(steps)
    if isinstance(layer.layer, Layer):
        layer.add_loss(layer.layer.get_losses_for(steps), inputs)
        layer.add_update(layer.layer.get_updates_for(steps), inputs)
    return K.reshape(outputs, (-1, _sizes(inputs)[1], *_sizes(outputs)[1:]))


def _sizes(x):
    """The sizes, as numbers where they are known and else as tensors."""
    return [K.shape(x)[i] if size is None else size for i, size in enumerate(x.shape)]


def compute_mask(layer, inputs, mask=None):
    """Return the mask of the steps."""
    return mask
