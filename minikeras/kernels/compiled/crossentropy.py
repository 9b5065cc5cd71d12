"""Softmax and the cross-entropy of class indices, row by row.

A row is in the first-level cache while its maximum, its exponentials and their sum are computed,
for which NumPy goes through the whole array five times.
"""

import math

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, plain
from minikeras.kernels.compiled.exponentials import exp, largest
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for

# Nanoseconds that an element takes.
_EACH = 2


def softmax(xp, x, *, axis=-1):
    """Exponentials divided by their sum; see `shared.activations.softmax`."""
    if not _has_rows(x) or axis not in (-1, x.ndim - 1):
        return NotImplemented
    y = np.empty_like(x)
    rows, results = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    parallel_for(_softmax, len(rows), x.size * _EACH, rows, results)
    return y


def sparse(xp, logits, target, *, save=False):
    """Cross-entropy of class indices; see `shared.crossentropy.sparse`."""
    if not _has_rows(logits) or target.dtype.kind not in "iu":
        return NotImplemented
    classes = logits.shape[-1]
    if not 0 <= target.min() <= target.max() < classes:
        return NotImplemented  # the NumPy kernel explains
    rows = logits.reshape(-1, classes)
    labels = target.reshape(-1).astype(np.intp, copy=False)
    y, powers = np.empty(target.shape, logits.dtype), np.empty_like(rows)
    parallel_for(_sparse, len(rows), logits.size * _EACH, rows, labels, powers, y.reshape(-1))
    return y, powers.reshape(logits.shape) if save else None


def sparse_backward(xp, g, arrays, saved, needs):
    """Gradient of `sparse` w.r.t. the logits; see `shared.crossentropy.sparse_backward`."""
    target = arrays[1]
    if not _has_rows(saved) or target.dtype.kind not in "iu" or not plain(saved, g):
        return NotImplemented
    rows, dlogits = saved.reshape(-1, saved.shape[-1]), np.empty_like(saved)
    target = target.reshape(-1).astype(np.intp, copy=False)
    _sparse_backward(rows, target, g.reshape(-1), dlogits.reshape(rows.shape))
    return [dlogits, None]


def _has_rows(x):
    return type(x) is np.ndarray and x.ndim > 0 and x.size > 0 and plain(x)


@compiled()
def _softmax(pool, ends, chunk, rows, results):
    if chunk == ALL:
        return fork_join(pool, ends, (rows, results))
    for i in range(ends[chunk], ends[chunk + 1]):
        total = _exponentials(rows[i], largest(rows[i]), results[i])
        _divide(results[i], total)


@compiled()
def _sparse(pool, ends, chunk, rows, target, p, losses):
    """`losses = -log(p[target])`, with `p` the softmax of a row."""
    if chunk == ALL:
        return fork_join(pool, ends, (rows, target, p, losses))
    for i in range(ends[chunk], ends[chunk + 1]):
        top = largest(rows[i])
        total = _exponentials(rows[i], top, p[i])
        losses[i] = math.log(total) - (rows[i, target[i]] - top)
        _divide(p[i], total)


@compiled()
def _sparse_backward(p, target, g, dlogits):
    """`dlogits = g * (p - one_hot(target))`."""
    for i in range(len(p)):
        _times(p[i], g[i], dlogits[i])
        dlogits[i, target[i]] = (p[i, target[i]] - p.dtype.type(1)) * g[i]


@inner("reassoc")
def _exponentials(x, top, out):
    total = x.dtype.type(0)
    for j in range(x.size):
        power = exp(x[j] - top)
        out[j] = power
        total += power
    return total


@inner()
def _divide(out, by):
    for j in range(out.size):
        out[j] /= by


@inner()
def _times(x, factor, out):
    for j in range(out.size):
        out[j] = x[j] * factor
