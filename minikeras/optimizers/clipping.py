"""Making gradients smaller before a step; pure functions of lists of arrays.

The order of the operations is that of Keras, so that float32 rounds alike.
"""

import numpy as np

from minikeras.optimizers.rows import square_sum


def clip_each_norm(grads, limit):
    """Scale each gradient down to at most the norm `limit`."""
    return [_clipped(g, g.dtype.type(limit)) for g in grads]


def clip_joint_norm(grads, limit):
    """Scale all gradients down together, so that their joint norm is at most `limit`.

    If the norm is not finite all elements become NaN.
    """
    norm = np.sqrt(sum(square_sum(g) for g in grads))
    one, limit = norm.dtype.type(1), norm.dtype.type(limit)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = limit * np.minimum(one / norm, one / limit) + (norm - norm)
    return [g * scale.astype(g.dtype) for g in grads]


def clip_by_value(grads, limit):
    """Clip every element to the range from `-limit` to `limit`."""
    return [g.clip(-limit, limit) for g in grads]


def _clipped(g, limit):
    return g * limit / np.maximum(np.sqrt(square_sum(g)), limit)
