"""Scaled dot-product attention and its gradients (Vaswani et al., 2017, section 3.2).

Scores lie as `(batch, heads, sources, targets)`: what is done along the sources (the largest, the
sum) then runs over whole rows of targets at once. The weights are never divided by their sum, but
the result is, which has fewer numbers. A core works through a few samples at a time, so that their
scores stay in cache. Half precision is computed in float32 and rounded once at the end.
"""

import math
from typing import Any

import numpy as np

from minikeras.arrays.threads import BYTES, OPERATIONS, chunks, each
from minikeras.kernels.providers import dispatched

_BLOCK = 2**17
"""Scores worked on at a time: what fits a core's own cache in float32."""

HIDDEN = -0.7 * 3.38953e38
"""The score of a source that may not be seen; finite, so that a row of them has a softmax."""

_PASSES = 5
"""How often the scores are read and written, at least."""

_SMALL = 30.0
"""Scores up to this size have exponentials that neither overflow nor lose gradients."""


@dispatched("attention", cuda="attention")
def attention(xp, query, key, value, bias=None, mask=None, *, scale=1.0, causal=False, save=False):
    """Weigh values by the softmax of the scores of their keys.

    A mask is here the finite `HIDDEN`: a target that may see nothing then sees all sources alike.

    Equations (attention.attention):
        scores = scale * einsum("bthd,bshd->bhts", query, key) + bias  # (b, h, t, s)
        weights = softmax(where(mask, scores, -inf))  # (b, h, t, s), along s
        y = einsum("bhts,bshw->bthw", weights, value)  # (b, t, h, w)

    Args:
        xp: The array module.
        query: Array `(batch, targets, heads, size)`.
        key: Array `(batch, sources, heads, size)`.
        value: Array `(batch, sources, heads, width)`.
        bias: Array that broadcasts to `(batch, heads, targets, sources)`, added to the scores.
        mask: Bool array that broadcasts likewise, True where a source may be seen.
        scale: Factor of the scores.
        causal: Whether a target sees only the sources up to its own place.
        save: Whether a backward pass will follow.

    Returns:
        The array `(batch, targets, heads, width)`, and if `save` the exponentials of the scores,
        their sums, where a target sees nothing (or None), and the result.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.attention import attention
        >>> x = np.arange(4.0).reshape(1, 4, 1, 1)
        >>> attention(np, x, x, x, scale=0.0)[0].ravel().tolist()
        [1.5, 1.5, 1.5, 1.5]
    """
    dtype = query.dtype
    query, key, value = (_wide(xp, x) for x in (query, key, value))
    batch, targets, heads, _ = query.shape
    sources, width = key.shape[1], value.shape[3]
    bias, limit = across(bias), ceiling(xp, mask, causal, sources, targets, query.dtype)
    powers = xp.empty((batch, heads, sources, targets), query.dtype) if save else None
    total = xp.empty((batch, heads, 1, targets), query.dtype)
    blind = xp.empty(total.shape, bool) if mask is not None else None
    y = xp.empty((batch, targets, heads, width), query.dtype)

    def attend(at):
        buffer = None if powers is None else powers[at]
        hidden = None if blind is None else blind[at]
        parts = query[at], key[at], value[at], _part(bias, at), _part(limit, at)
        _attend(xp, *parts, scale, buffer, total[at], hidden, y[at])

    each(attend, _parts(xp, query, key, value))
    return y.astype(dtype, copy=False), (powers, total, blind, y) if save else None


def _attend(xp, query, key, value, bias, limit, scale, powers, total, blind, y):
    """Attend for some samples; fill `powers` (if given), `total`, `blind` (if given) and `y`."""
    shifted = bias is not None or not _are_small(xp, query, key, scale)
    q, k, v, out = _columns(xp, query, scale), _heads(key), _heads(value), _heads(y)
    (batch, heads, sources, _), targets = k.shape, q.shape[3]
    count = _samples(xp, batch, heads * sources * targets)
    buffer: Any = None
    if powers is None:
        buffer = xp.empty((count, heads, sources, targets), q.dtype)
    ones = xp.ones((1, sources), q.dtype)
    for at in _blocks(batch, count):
        p = buffer[: at.stop - at.start] if powers is None else powers[at]
        xp.matmul(k[at], q[at], out=p)
        if bias is not None:
            p += _part(bias, at)
        if limit is not None:
            xp.fmin(p, _part(limit, at), out=p)
        if shifted:
            largest = _largest(xp, p)
            if blind is not None:
                blind[at] = largest <= HIDDEN
            p -= largest
        xp.exp(p, out=p)
        xp.matmul(ones, p, out=total[at])
        if blind is not None and not shifted:
            blind[at] = total[at] == 0
            _look_everywhere(p, total[at], blind[at])
        xp.matmul(p.swapaxes(-1, -2), v[at], out=out[at])
    y /= total.transpose(0, 3, 1, 2)


@dispatched("attention", cuda="attention")
def attention_backward(xp, g, arrays, saved, needs, *, scale=1.0, causal=False):
    """Gradients of `attention` with respect to the inputs that need one.

    Rearranged, since the sum of `dweights * weights` over the sources is that of `g * y` over the
    width: `dscores = weights * (dweights - sum(g * y))`, the sum as one more column of the product.

    Equations (attention.attention_backward):
        dvalue = einsum("bhts,bthw->bshw", weights, g)
        dweights = einsum("bthw,bshw->bhts", g, value)
        dscores = weights * (dweights - sum(dweights * weights, axis=-1, keepdims=True))
        dbias = dscores  # (b, h, t, s), to be summed to the shape of the bias
        dquery = scale * einsum("bhts,bshd->bthd", dscores, key)
        dkey = scale * einsum("bhts,bthd->bshd", dscores, query)

    Args:
        xp: The array module.
        g: Array `(batch, targets, heads, width)`, the gradient with respect to the result.
        arrays: `(query, key, value, bias, mask)` of the forward pass.
        saved: What the forward pass saved.
        needs: Five bools.
        scale: As in the forward pass.
        causal: As in the forward pass.

    Returns:
        A list of five arrays, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.attention import attention, attention_backward
        >>> x = np.ones((1, 2, 1, 1))
        >>> _, saved = attention(np, x, x, x, scale=1.0, save=True)
        >>> needs = (False, False, True, False, False)
        >>> gradients = attention_backward(np, x, (x, x, x, None, None), saved, needs, scale=1.0)
        >>> gradients[2].ravel().tolist()
        [1.0, 1.0]
    """
    query, key, value = (_wide(xp, x) for x in arrays[:3])
    slopes = xp.empty(saved[0].shape, query.dtype) if needs[3] else None
    gradients = [
        xp.empty(x.shape, x.dtype) if needed else None
        for x, needed in zip((query, key, value), needs, strict=False)
    ]

    def backward_of_part(at):
        saved_parts = [None if x is None else x[at] for x in saved]
        buffer = None if slopes is None else slopes[at]
        parts = g[at], query[at], key[at], value[at], saved_parts
        outs = [None if d is None else d[at] for d in gradients]
        _backward_of_samples(xp, *parts, scale, buffer, *outs)

    each(backward_of_part, _parts(xp, query, key, value))
    db = None if slopes is None else sum_to(slopes.swapaxes(-1, -2), arrays[3].shape)
    gradients = [None if d is None else d.astype(arrays[0].dtype, copy=False) for d in gradients]
    return [*gradients, db, None]


def _backward_of_samples(xp, g, query, key, value, saved, scale, slopes, dq, dk, dv):
    """Backpropagate for some samples; fill those of `slopes`, `dq`, `dk`, `dv` that are arrays."""
    powers, total, blind, y = saved
    g = xp.divide(g, total.transpose(0, 3, 1, 2), dtype=y.dtype)
    batch, heads, sources, targets = powers.shape
    count = _samples(xp, batch, heads * sources * targets)
    through = not (dq is None and dk is None and slopes is None)
    if through:
        rows, columns = _with_ones(xp, value), _with_sums(xp, g, y, blind)
        buffer: Any = None
        if slopes is None:
            buffer = xp.empty((count, heads, sources, targets), y.dtype)
    for at in _blocks(batch, count):
        if dv is not None:
            xp.matmul(powers[at], _heads(g)[at], out=_heads(dv)[at])
        if not through:
            continue
        s = buffer[: at.stop - at.start] if slopes is None else slopes[at]
        xp.matmul(rows[at], columns[at], out=s)
        s *= powers[at]
        if dq is not None:
            xp.matmul(s.swapaxes(-1, -2), _heads(key)[at], out=_heads(dq)[at])
        if dk is not None:
            xp.matmul(s, _heads(query)[at], out=_heads(dk)[at])
    for gradient in (dq, dk):
        if gradient is not None:
            gradient *= scale


def _parts(xp, query, key, value):
    """Divide the samples among threads; a device of another kind does all at once."""
    batch, targets, heads, size = query.shape
    if xp is not np:
        return [slice(0, batch)]
    scores = batch * heads * targets * key.shape[1]
    work = scores * (2 * (size + value.shape[3]) / OPERATIONS + _PASSES * 8 / BYTES)
    return chunks(batch, work)


def _wide(xp, x):
    return x if x.dtype.itemsize > 2 else x.astype(xp.float32)


def _heads(x):
    """View `(batch, places, heads, size)` as a stack of matrices, one for each head."""
    return x.transpose(0, 2, 1, 3)


def _columns(xp, x, scale):
    """Scaled `(batch, heads, size, places)`, laid out so: the form that products take best."""
    x = x.transpose(0, 2, 3, 1)
    return xp.multiply(x, scale, out=xp.empty(x.shape, x.dtype))


def across(x):
    """View what broadcasts to `(batch, heads, targets, sources)` with the last two swapped."""
    return None if x is None else x.reshape((1,) * (4 - x.ndim) + x.shape).swapaxes(-1, -2)


def ceiling(xp, mask, causal, sources, targets, dtype):
    """What the scores may not exceed: nothing is above `HIDDEN` where nothing may be seen."""
    seen = across(mask)
    if causal:
        past = across(xp.tri(targets, sources, dtype=bool))
        seen = past if seen is None else seen & past
    if seen is None:
        return None
    levels = xp.full(2, xp.inf, dtype)  # looked up: a choice per element is slower
    levels[0] = HIDDEN
    return xp.take(levels, xp.ascontiguousarray(seen).view(xp.int8))


def _are_small(xp, query, key, scale):
    """Whether no score can be so large that its exponential needs care (Cauchy and Schwarz).

    A device of another kind is not asked: to wait for its answer costs more than the care.
    """
    if xp is not np or not (query.size and key.size):
        return False
    longest = [_row_sums(xp, x * x).max() for x in (query, key)]
    return bool(longest[0] * longest[1] * scale * scale < _SMALL * _SMALL)


def _look_everywhere(powers, total, blind):
    """Let targets that see nothing see all sources alike, as a softmax of equal scores does."""
    if blind.any():
        powers += blind
        total += blind * powers.dtype.type(powers.shape[-2])


def _row_sums(xp, x):
    """Sums along the last axis, as a product with ones: short rows add up faster that way."""
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return (rows @ xp.ones(x.shape[-1], x.dtype)).reshape(x.shape[:-1])


def _samples(xp, batch, scores):
    """How many samples to work through at a time, each with so many scores."""
    return max(1, min(batch, _BLOCK // max(scores, 1) if xp is np else batch))


def _blocks(batch, count):
    return [slice(i, min(i + count, batch)) for i in range(0, batch, count)]


def _part(x, at):
    """The samples `at`, of an array that may be the same for all."""
    return x if x is None or x.shape[0] == 1 else x[at]


def _largest(xp, x):
    """The maximum along the last axis but one, found by folding it in half again and again."""
    size = x.shape[-2]
    while size > 1:
        half = size // 2
        x = xp.maximum(x[..., : size - half, :], x[..., half:size, :])
        size -= half
    return x


def _with_ones(xp, value):
    """The values as `(batch, heads, sources, width + 1)` with a column of ones."""
    v = _heads(value)
    extended = xp.empty((*v.shape[:3], v.shape[3] + 1), v.dtype)
    extended[..., :-1] = v
    extended[..., -1] = 1
    return extended


def _with_sums(xp, g, y, blind):
    """The gradients as `(batch, heads, width + 1, targets)` with a row of `-sum(g * y)`.

    Targets that see nothing pass none on.
    """
    columns = g.transpose(0, 2, 3, 1)
    extended = xp.empty((*columns.shape[:2], columns.shape[2] + 1, columns.shape[3]), g.dtype)
    extended[:, :, :-1] = columns
    xp.negative(_row_sums(xp, g * y).transpose(0, 2, 1), out=extended[:, :, -1])
    if blind is not None:
        extended *= ~blind
    return extended


def sum_to(x, shape):
    """Sum over the axes along which an array of that shape was broadcast."""
    full = (1,) * (4 - len(shape)) + shape
    axes = tuple(i for i, size in enumerate(full) if size == 1)
    return x.sum(axis=axes, keepdims=True).reshape(shape)
