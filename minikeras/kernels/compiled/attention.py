"""Attention head by head: scores, softmax and weighted sum while a block of scores is in cache.

NumPy's form is a dozen passes over all scores, and its products are many small ones, at which
BLAS is slow. Here one call goes through all heads of a thread, and works on one head's scores, or
on a stretch of its targets, from the first product to the last. The tile of `tiles` computes the
products: it reads queries, keys and values where they lie, whatever the distance from position to
position; only what stands on the right of a product with its columns apart is copied. Scores lie as
`(sources, targets)` as in `shared/attention.py`: what is done along the sources is done for a whole
vector of targets at once, and no vector is ever added up in itself.

For one head, with queries `q` (targets, size), keys `k` and values `v` (sources, size):

    s = scale * q @ k.T + bias,  p = softmax(s),  y = p @ v                 s, p (targets, sources)
    dv = p.T @ g
    ds = p * (g @ v.T - sum(g * y))        a sum for each target; where the tile's sums start
    dq = scale * ds @ k,  dk = scale * ds.T @ q,  dbias = ds

All gradients are taken from a block of `p` while it is in cache.
"""

import math

import numpy as np

from minikeras.arrays.threads import OPERATIONS
from minikeras.kernels.compiled.compiler import compiled, inner, matrix_at, plain, wide_vectors
from minikeras.kernels.compiled.exponentials import exp
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.products.tiles import UNBOUNDED, VECTOR, VECTORS, address, multiply
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for
from minikeras.kernels.shared.attention import HIDDEN, across, ceiling, sum_to

# Bytes of scores that are worked on at a time, a part of a core's own cache; and targets, of which
# a block has a multiple if it does not have all.
_BLOCK = 1 << 18
_LEAST = 32
# Nanoseconds that a score takes apart from the products.
_EACH = 0.5
_HIDDEN = HIDDEN


def attention(xp, query, key, value, bias=None, mask=None, *, scale=1.0, causal=False, save=False):
    """Weigh values by the softmax of the scores; see `shared.attention.attention`."""
    if not _is_supported(query, key, value, bias):
        return NotImplemented
    query, key, value = (np.ascontiguousarray(x) for x in (query, key, value))
    (batch, targets, heads, size), dtype = query.shape, query.dtype
    shape = batch, heads, key.shape[1], targets
    bias = _whole(across(bias), shape, np.zeros((1, 1, 1, targets), dtype))
    limit = _whole(ceiling(np, mask, causal, *shape[2:], dtype), shape, _nothing(dtype))
    powers = np.empty(shape, dtype) if save else _nothing(dtype)
    total = np.empty((batch, heads, 1, targets), dtype)
    blind = None if mask is None else np.empty(total.shape, bool)
    y = np.empty((batch, targets, heads, value.shape[3]), dtype)
    width = _width(shape, dtype)
    inputs = query, key, value, bias, limit, dtype.type(scale)
    outputs = powers, total, _nothing(bool) if blind is None else blind, y
    work = _work(shape, size + value.shape[3])
    tiles = _tiles(query, value, width)
    parallel_for(_attend, batch * heads, work, tiles, width, *inputs, *outputs)
    return y, (powers, total, blind, y) if save else None


def attention_backward(xp, g, arrays, saved, needs, *, scale=1.0, causal=False):
    """Gradients of `attention`; see `shared.attention.attention_backward`."""
    powers, total, blind, y = saved
    if not _is_supported(*arrays[:4]) or g.dtype != y.dtype:
        return NotImplemented
    g, query, key, value = (np.ascontiguousarray(x) for x in (g, *arrays[:3]))
    shape, dtype, width = powers.shape, y.dtype, _width(powers.shape, y.dtype)
    gradients = [
        np.empty(x.shape, dtype) if needed else None
        for x, needed in zip((query, key, value), needs, strict=False)
    ]
    ds = np.empty(shape, dtype) if needs[3] else _nothing(dtype)
    saved = powers, total, _nothing(bool) if blind is None else blind, y
    inputs = g, query, key, value, *saved, dtype.type(scale)
    outputs = *[_nothing(dtype) if d is None else d for d in gradients], ds
    work = _work(shape, 2 * (query.shape[3] + y.shape[3]))
    tiles = _tiles(query, value, width)
    parallel_for(_attend_backward, shape[0] * shape[1], work, tiles, width, *inputs, *outputs)
    dbias = sum_to(ds.swapaxes(-1, -2), arrays[3].shape) if needs[3] else None
    return [*gradients, dbias, None]


def _is_supported(query, key, value, bias):
    dtype = query.dtype
    arrays = [query, key, value] if bias is None else [query, key, value, bias]
    return (
        all(type(x) is np.ndarray and x.size > 0 and x.dtype == dtype for x in arrays)
        and plain(np.empty(0, dtype))
        and query.shape[::2] == key.shape[::2] == value.shape[::2]
    )


def _nothing(dtype):
    return np.empty((0, 0, 0, 0), dtype)


def _whole(table, shape, otherwise):
    """What is the same for all samples or heads stays so, but has all sources and targets."""
    if table is None:
        return otherwise
    whole = *table.shape[:2], *shape[2:]
    # A broadcast array is read-only, and kernels are compiled once more for arrays that are.
    return np.ascontiguousarray(table if table.shape == whole else np.broadcast_to(table, whole))


def _width(shape, dtype):
    """How many targets to work on at a time."""
    sources, targets = shape[2:]
    return min(targets, max(_BLOCK // (sources * dtype.itemsize * _LEAST), 1) * _LEAST)


def _tiles(query, value, width):
    """What `_product` needs: the tile, and a row of zeros."""
    zeros = np.zeros(max(query.shape[3], value.shape[3], width), query.dtype)
    return tile_code(query.dtype), zeros


def _work(shape, terms):
    """Nanoseconds that all heads of all samples take."""
    return math.prod(shape) * (terms / OPERATIONS + _EACH)


@compiled("contract")
def _attend(
    pool, ends, chunk, by, width, query, key, value, bias, limit, scale, powers, total, blind, y
):  # fmt: skip
    """Attend for some heads, counted through all samples."""
    if chunk == ALL:
        args = by, width, query, key, value, bias, limit, scale, powers, total, blind, y
        return fork_join(pool, ends, args)
    (targets, heads, terms), sources = query.shape[1:], key.shape[1]
    size, kept = query.itemsize, powers.size > 0
    line = targets if kept else width
    columns, best = np.empty((terms, width), query.dtype), np.empty(width, query.dtype)
    scratch = np.empty((0 if kept else sources, width), query.dtype)
    for i in range(ends[chunk], ends[chunk + 1]):
        b, h = i // heads, i % heads
        added = bias[b % len(bias), h % bias.shape[1]]
        for t in range(0, targets, width):
            n, here = min(width, targets - t), t * size
            at = address(powers[b, h]) + here if kept else address(scratch)
            start = address(added) + here, targets * size if len(added) > 1 else 0
            _transpose(_head(query, b, t, h), n, scale, columns)
            _product(
                by, (*_rows(key, b, 0, h), size), (address(columns), width * size),
                (sources, n, terms), start, (at, line * size),
            )  # fmt: skip
            scores, sums = matrix_at(at, sources, line, query), total[b, h, 0, t : t + n]
            if limit.size > 0:
                most = address(limit[b % len(limit), h % limit.shape[1]]) + here
                _limit(scores, n, matrix_at(most, sources, targets, query))
            _largest(scores, n, best)
            if blind.size > 0:
                for j in range(n):
                    blind[b, h, 0, t + j] = best[j] <= best.dtype.type(_HIDDEN)
            _exponentials(scores, n, best, sums)
            _product(
                by, (at, size, line * size), _rows(value, b, 0, h),
                (n, value.shape[3], sources), (address(by[1]), 0), _rows(y, b, t, h),
            )  # fmt: skip
            _divide(_head(y, b, t, h), sums, y.shape[3])


@compiled("contract")
def _attend_backward(
    pool, ends, chunk, by, width, g, query, key, value, powers, total, blind, y, scale,
    dq, dk, dv, ds,
):  # fmt: skip
    """Compute the gradients of some heads, counted through all samples."""
    if chunk == ALL:
        args = by, width, g, query, key, value, powers, total, blind, y, scale, dq, dk, dv, ds
        return fork_join(pool, ends, args)
    (targets, heads), size = query.shape[1:3], query.itemsize
    needs_scores = dq.size > 0 or dk.size > 0 or ds.size > 0
    rows = np.empty((width, y.shape[3]), y.dtype)
    columns = np.empty((y.shape[3], width), y.dtype)
    start, scratch = np.empty(width, y.dtype), np.empty((key.shape[1], width), y.dtype)
    for i in range(ends[chunk], ends[chunk + 1]):
        b, h = i // heads, i % heads
        for t in range(0, targets, width):
            n, weights = min(width, targets - t), address(powers[b, h]) + t * size
            sums = total[b, h, 0, t : t + n]
            _upstream(_head(g, b, t, h), sums, _head(y, b, t, h), rows, start)
            if dv.size > 0:
                _add_sources(by, (weights, targets * size, size), _whole_rows(rows), n, dv, i, t)
            if needs_scores:
                if blind.size > 0:
                    _blind(blind[b, h, 0, t : t + n], rows, start)
                _transpose(rows, n, y.dtype.type(1), columns)
                at, line = address(scratch), width
                if ds.size > 0:
                    at, line = address(ds[b, h]) + t * size, targets
                inputs = query, key, value, columns, start, weights
                _backward_scores(by, inputs, i, t, n, (at, line), scale, dq, dk)
        if dk.size > 0:
            _scale(_head(dk, b, 0, h), dk.shape[1], dk.shape[3], scale)


@inner("contract")
def _backward_scores(by, inputs, i, t, n, ds, scale, dq, dk):
    """Write `ds` of some targets, their `dq`, and add to `dk`."""
    query, key, value, columns, start, weights = inputs
    (targets, heads, terms), sources, size = query.shape[1:], key.shape[1], query.itemsize
    (at, line), b, h = ds, i // heads, i % heads
    _product(
        by, (*_rows(value, b, 0, h), size), (address(columns), columns.shape[1] * size),
        (sources, n, columns.shape[0]), (address(start), 0), (at, line * size),
    )  # fmt: skip
    s = matrix_at(at, sources, line, query)
    _times(s, n, matrix_at(weights, sources, targets, query))
    if dq.size > 0:
        _product(
            by, (at, size, line * size), _rows(key, b, 0, h),
            (n, terms, sources), (address(by[1]), 0), _rows(dq, b, t, h),
        )  # fmt: skip
        _scale(_head(dq, b, t, h), n, terms, scale)
    if dk.size > 0:
        _add_sources(by, (at, line * size, size), _rows(query, b, t, h), n, dk, i, t)


@inner()
def _add_sources(by, a, b, terms, out, i, t):
    """Add to `dk` or `dv` of all sources of a head what some targets, from `t` on, give."""
    sources, heads, columns = out.shape[1:]
    place = _rows(out, i // heads, 0, i % heads)
    start = place if t > 0 else (address(by[1]), 0)
    _product(by, a, b, (sources, columns, terms), start, place)


@inner()
def _product(by, a, b, sizes, start, out):
    """Write `out = start + a @ b`.

    Args:
        by: What `_tiles` returns.
        a: Address of the left operand, and bytes from a row and from a column of it to the next.
        b: Address of the right operand, and bytes from a row of it to the next.
        sizes: Rows and columns of the result, and terms of each sum.
        start: As `b`, of what is added; rows that are 0 bytes apart are one row for all.
        out: As `b`, of the result, which may be `start`.
    """
    (code, _), (rows, columns, terms), size = by, sizes, by[1].itemsize
    wide = VECTOR // size * VECTORS
    multiply(
        code,
        rows=rows,
        columns=columns,
        terms=terms,
        a=a,
        b=(*b, wide * size),
        start=start,
        out=out,
        lower_bound=UNBOUNDED,
        wide=wide,
        size=size,
    )


@inner()
def _head(x, b, t, h):
    """One head from position `t` on: a row for each, of whose numbers only the first are its."""
    return matrix_at(address(x[b, t, h]), x.shape[1] - t, x.shape[2] * x.shape[3], x)


@inner()
def _rows(x, b, t, h):
    """Address of one head's numbers from position `t` on, and bytes from one to the next."""
    return address(x[b, t, h]), x.shape[2] * x.shape[3] * x.itemsize


@inner()
def _whole_rows(matrix):
    """Address of a matrix, and bytes from a row to the next."""
    return address(matrix), matrix.shape[1] * matrix.itemsize


@inner()
def _transpose(rows, n, scale, columns):
    """Write some rows, scaled, as columns."""
    for j in range(n):
        for k in range(len(columns)):
            columns[k, j] = rows[j, k] * scale


@inner()
def _limit(scores, n, limit):
    for s in range(len(scores)):
        for j in range(n):
            scores[s, j] = scores[s, j] if scores[s, j] < limit[s, j] else limit[s, j]


@inner()
def _largest(scores, n, best):
    """The largest of each column; NaN if one is NaN."""
    for j in range(n):
        best[j] = scores[0, j]
    for s in range(1, len(scores)):
        for j in range(n):
            score = scores[s, j]
            best[j] = score if score > best[j] or score != score else best[j]


@inner("contract")
def _exponentials(scores, n, best, total):
    wide_vectors()
    for j in range(n):
        total[j] = 0
    for s in range(len(scores)):
        for j in range(n):
            power = exp(scores[s, j] - best[j])
            scores[s, j] = power
            total[j] += power


@inner()
def _times(s, n, weights):
    for i in range(len(s)):
        for j in range(n):
            s[i, j] *= weights[i, j]


@inner("contract", "reassoc")
def _upstream(g, total, y, rows, start):
    """Write `g` divided as the results were, and `-sum(g * y)` for each target."""
    for j in range(total.size):
        divisor, product = total[j], rows.dtype.type(0)
        for k in range(rows.shape[1]):
            upstream = g[j, k] / divisor
            rows[j, k] = upstream
            product += upstream * y[j, k]
        start[j] = -product


@inner()
def _blind(blind, rows, start):
    """Set to zero what targets that see no source would pass on to the scores."""
    for j in range(blind.size):
        if blind[j]:
            start[j] = 0
            for k in range(rows.shape[1]):
                rows[j, k] = 0


@inner()
def _scale(rows, n, width, factor):
    for j in range(n):
        for k in range(width):
            rows[j, k] *= factor


@inner()
def _divide(rows, by, width):
    for j in range(by.size):
        for k in range(width):
            rows[j, k] /= by[j]
