"""Softmax and cross-entropies over the last axis, in one launch each.

The definitions are those of `kernels/shared/crossentropy.py` and `activations.py`.
"""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("crossentropy")


def softmax(xp, x, *, axis=-1):
    """Exponentials divided by their sum."""
    return _by_row(xp, "softmax", x, axis)


def log_softmax(xp, x, *, axis=-1):
    """Logarithm of `softmax`."""
    return _by_row(xp, "log_softmax", x, axis)


def categorical(xp, target, logits, *, axis=-1, save=False):
    """Cross-entropy between target probabilities and the softmax of logits."""
    if not are_floats(target, logits) or not _is_last(logits, axis):
        return NotImplemented
    target, logits = contiguous(xp, target, logits)
    return _losses(xp, "categorical", (target, logits), logits, save)


def categorical_backward(xp, g, arrays, saved, needs, *, axis=-1):
    """Gradient of `categorical` with respect to the logits."""
    target, logits = arrays
    if needs[0] or not are_floats(g, target, saved) or not _is_last(logits, axis):
        return NotImplemented
    return [None, _gradient(xp, "categorical_backward", g, saved, target)]


def sparse(xp, logits, target, *, save=False):
    """Cross-entropy between class numbers and the softmax of logits over the last axis."""
    if not are_floats(logits) or not logits.shape[-1]:
        return NotImplemented
    logits, target = contiguous(xp, logits, target.astype("int64", copy=False))
    return _losses(xp, "sparse", (logits, target), logits, save)


def sparse_backward(xp, g, arrays, saved, needs):
    """Gradient of `sparse` with respect to the logits."""
    if not are_floats(g, saved):
        return NotImplemented
    target = arrays[1].astype("int64", copy=False)
    return [_gradient(xp, "sparse_backward", g, saved, target), None]


def binary(xp, target, logits, *, save=False):
    """Cross-entropy between a target probability and the sigmoid of a logit."""
    if not are_floats(target, logits) or target.shape != logits.shape:
        return NotImplemented
    target, logits = contiguous(xp, target, logits)
    loss = xp.empty(logits.shape, logits.dtype)
    saved = xp.empty(logits.shape, logits.dtype) if save else loss
    _source.launch(xp, "binary", loss.size, target, logits, loss, saved, save, loss.size)
    return loss, saved if save else None


def binary_backward(xp, g, arrays, saved, needs):
    """Gradient of `binary` with respect to the logits."""
    if needs[0] or not are_floats(g, *arrays, saved):
        return NotImplemented
    target, logits, g, saved = contiguous(xp, *arrays, g, saved)
    dx = xp.empty(logits.shape, logits.dtype)
    _source.launch(xp, "binary_backward", dx.size, g, target, logits, saved, dx, dx.size)
    return [None, dx]


def _is_last(x, axis):
    return isinstance(axis, int) and axis in (-1, x.ndim - 1) and x.ndim > 0 and x.shape[-1] > 0


def _by_row(xp, name, x, axis):
    if not are_floats(x) or not _is_last(x, axis):
        return NotImplemented
    (x,) = contiguous(xp, x)
    y, width = xp.empty(x.shape, x.dtype), x.shape[-1]
    rows = x.size // width
    _source.launch_rows(xp, name, rows, width, x, y, width, rows)
    return y


def _losses(xp, name, arrays, logits, save):
    """A number for each row, and the probabilities if `save`."""
    width = logits.shape[-1]
    rows = logits.size // width
    loss = xp.empty(logits.shape[:-1], logits.dtype)
    saved = xp.empty(logits.shape, logits.dtype) if save else loss
    _source.launch_rows(xp, name, rows, width, *arrays, loss, saved, save, width, rows)
    return loss, saved if save else None


def _gradient(xp, name, g, saved, target):
    g, saved, target = contiguous(xp, g, saved, target)
    dx = xp.empty(saved.shape, saved.dtype)
    _source.launch(xp, name, dx.size, g, saved, target, dx, saved.shape[-1], dx.size)
    return dx
