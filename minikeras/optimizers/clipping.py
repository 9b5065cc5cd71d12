"""Making gradients smaller before a step; pure functions of lists of arrays."""

import numpy as np


def clip_each_norm(grads, limit):
    """Scale each gradient down to at most the norm `limit`."""
    return [g * _shrink(np.sqrt(_square_sum(g)), limit, g.dtype) for g in grads]


def clip_joint_norm(grads, limit):
    """Scale all gradients down together, so that their joint norm is at most `limit`."""
    norm = np.sqrt(sum(_square_sum(g) for g in grads))
    return [g * _shrink(norm, limit, g.dtype) for g in grads]


def clip_by_value(grads, limit):
    """Clip every element to the range from `-limit` to `limit`."""
    return [g.clip(-limit, limit) for g in grads]


def _square_sum(g):
    flat = g.reshape(-1)
    return flat @ flat


def _shrink(norm, limit, dtype):
    """The factor that brings a norm down to the limit: 1 below it, NaN if the norm is not finite."""
    if not np.isfinite(norm):
        return dtype.type(np.nan)
    return dtype.type(limit / max(float(norm), limit))
