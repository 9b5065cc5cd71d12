"""Attention: its products by cuBLAS, between them one launch; see `kernels/shared/attention.py`."""

from typing import Any

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous
from minikeras.kernels.gpu.working import working_dtype
from minikeras.kernels.shared.attention import HIDDEN, sum_to

_source = Source("attention")


def attention(xp, query, key, value, bias=None, mask=None, *, scale=1.0, causal=False, save=False):
    """Weigh values by the softmax of the scores of their keys."""
    if not _fit(query, key, value, bias, mask):
        return NotImplemented
    dtype = query.dtype
    query, key, value, bias = _wide(xp, query, key, value, bias)
    weights = xp.ascontiguousarray(xp.matmul(_rows(query * scale), _columns(key)))
    _, heads, targets, sources = weights.shape
    rows = weights.size // sources
    blind = xp.empty(rows, bool)
    bias, mask = contiguous(xp, _full(bias), _full(mask))
    arguments = weights, weights if bias is None else bias, blind if mask is None else mask, blind
    flags = HIDDEN, bias is not None, mask is not None, causal, *_steps(bias), *_steps(mask)
    sizes = heads, targets, sources, rows
    _source.launch_rows(xp, "attention_weights", rows, sources, *arguments, *flags, *sizes)
    y = xp.ascontiguousarray(xp.matmul(weights, _rows(value)).transpose(0, 2, 1, 3))
    return y.astype(dtype, copy=False), (weights, blind) if save else None


def attention_backward(xp, g, arrays, saved, needs, *, scale=1.0, causal=False):
    """Gradients of `attention` with respect to the inputs that need one."""
    if not _fit(*arrays):
        return NotImplemented
    dtype, (weights, blind) = arrays[0].dtype, saved
    g, query, key, value = _wide(xp, g, *arrays[:3])
    dq = dk = dv = db = None
    if needs[2]:
        dv = xp.matmul(weights.swapaxes(-1, -2), _rows(g))
    if needs[0] or needs[1] or needs[3]:
        slopes = xp.ascontiguousarray(xp.matmul(_rows(g), _columns(value)))
        sources = slopes.shape[3]
        rows = slopes.size // sources
        arguments = slopes, weights, blind, sources, rows
        _source.launch_rows(xp, "attention_slopes", rows, sources, *arguments)
        dq = xp.matmul(slopes, _rows(key)) * scale if needs[0] else None
        dk = xp.matmul(slopes.swapaxes(-1, -2), _rows(query)) * scale if needs[1] else None
        db = sum_to(slopes, arrays[3].shape).astype(dtype, copy=False) if needs[3] else None
    gradients = [None if d is None else d.transpose(0, 2, 1, 3) for d in (dq, dk, dv)]
    gradients = [None if d is None else d.astype(dtype, copy=False) for d in gradients]
    return [*contiguous(xp, *gradients), db, None]


def _fit(query, key, value, bias, mask):
    """Whether the kernels know the arrays: both passes answer alike."""
    are_full = all(x.ndim == 4 and x.size for x in (query, key, value))
    return are_full and are_floats(query, key, value, bias) and (mask is None or mask.dtype == bool)


def _wide(xp, *arrays) -> Any:
    dtype = working_dtype(xp, arrays[0].dtype)
    return [None if array is None else array.astype(dtype, copy=False) for array in arrays]


def _rows(x):
    """View `(batch, places, heads, size)` as a stack of matrices, a place in each row."""
    return x.transpose(0, 2, 1, 3)


def _columns(x):
    """View it with a place in each column."""
    return x.transpose(0, 2, 3, 1)


def _full(x):
    """View what broadcasts to `(batch, heads, targets, sources)` with all four axes."""
    return None if x is None else x.reshape((1,) * (4 - x.ndim) + x.shape)


def _steps(x):
    """Elements from cell to cell along each axis, 0 where there is one cell."""
    if x is None:
        return [0] * 4
    return [0 if n == 1 else step // x.itemsize for n, step in zip(x.shape, x.strides, strict=True)]
