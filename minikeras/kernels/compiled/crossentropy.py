"""Softmax and the cross-entropy of class numbers, row by row.

A row is in the first-level cache while its maximum, its exponentials and their sum are found, for
which NumPy walks through the whole array five times.
"""

import math

import numpy as np

from minikeras.kernels.compiled.exponentials import exp, largest
from minikeras.kernels.compiled.loops import compiled, inner, plain
from minikeras.kernels.compiled.team import ALL, divided, together

# Nanoseconds that a number takes.
_EACH = 2


def softmax(xp, x, *, axis=-1):
    """Exponentials divided by their sum; see `shared.activations.softmax`."""
    if not _has_rows(x) or axis not in (-1, x.ndim - 1):
        return NotImplemented
    y = np.empty_like(x)
    rows, results = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    divided(_softmax, len(rows), x.size * _EACH, rows, results)
    return y


def sparse(xp, logits, target, *, keep=False):
    """Cross-entropy of class numbers; see `shared.crossentropy.sparse`."""
    if not _has_rows(logits) or target.dtype.kind not in "iu":
        return NotImplemented
    classes = logits.shape[-1]
    if not 0 <= target.min() <= target.max() < classes:
        return NotImplemented  # the NumPy kernel explains
    rows, places = logits.reshape(-1, classes), target.reshape(-1).astype(np.intp, copy=False)
    y, powers = np.empty(target.shape, logits.dtype), np.empty_like(rows)
    given = rows, places, powers, y.reshape(-1)
    divided(_sparse, len(rows), logits.size * _EACH, *given)
    return y, powers.reshape(logits.shape) if keep else None


def sparse_backward(xp, g, arrays, saved, needs):
    """Gradient of `sparse` by the logits; see `shared.crossentropy.sparse_backward`."""
    target = arrays[1]
    if not _has_rows(saved) or target.dtype.kind not in "iu" or not plain(saved, g):
        return NotImplemented
    rows, places = saved.reshape(-1, saved.shape[-1]), target.reshape(-1)
    slopes = np.empty_like(rows)
    _slopes(rows, places.astype(np.intp, copy=False), g.reshape(-1), slopes)
    return [slopes.reshape(saved.shape), None]


def _has_rows(x):
    return type(x) is np.ndarray and x.ndim > 0 and x.size > 0 and plain(x)


@compiled()
def _softmax(team, ends, number, rows, results):
    if number == ALL:
        return together(team, ends, (rows, results))
    for i in range(ends[number], ends[number + 1]):
        total = _exponentials(rows[i], largest(rows[i]), results[i])
        _divide(results[i], total)


@compiled()
def _sparse(team, ends, number, rows, places, powers, losses):
    if number == ALL:
        return together(team, ends, (rows, places, powers, losses))
    for i in range(ends[number], ends[number + 1]):
        top = largest(rows[i])
        total = _exponentials(rows[i], top, powers[i])
        losses[i] = math.log(total) - (rows[i, places[i]] - top)
        _divide(powers[i], total)


@compiled()
def _slopes(powers, places, g, slopes):
    for i in range(len(powers)):
        _times(powers[i], g[i], slopes[i])
        slopes[i, places[i]] = (powers[i, places[i]] - powers.dtype.type(1)) * g[i]


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
