"""Pooling over windows of one, two or three spatial axes.

The docstrings of `max_pool` and `average_pool` state the equations for two axes, windows of `n`
times `n` positions and strides `s`; `g` is the gradient with respect to the result `y`. Windows at
the border are cut to the positions inside the array: a padding is in no mean and never a maximum.

What computes them are two pairs of ops, each linear and the other's gradient, so that every order
of gradient is exact: `_avg_pool` and `_avg_spread` (`dx`) for the mean; `_pick`, which reads the
position of each window that an index names, and `_put_back` (`dx`), for the maximum at the index
that `_max_index` finds. The gradient of a maximum goes to the first position that has it, as in
TensorFlow.
"""

from functools import lru_cache

from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, as_they_are, elementwise, floating, same
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.core.work import spend
from minikeras.kernels import per_device as kernels
from minikeras.ops.indexing.lookup import take
from minikeras.ops.nn.spatial import (
    as_declared,
    channels_last,
    layout,
    output_sizes,
    paddings,
    per_axis,
)
from minikeras.ops.shapes.shaping import concatenate


@op
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Take the maximum of each window.

    Equations (pooling.max_pool):
        rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
        y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
        for p, q in ndindex(rows, columns):
            y[:, p, q] = max(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

    Equations (pooling.max_pool_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        for b, p, q, c in ndindex(g.shape):
            window = x[b, p * s : p * s + n, q * s : q * s + n, c]
            u, v = next(tap for tap in ndindex(n, n) if window[tap] == y[b, p, q, c])  # first
            dx[b, p * s + u, q * s + v, c] += g[b, p, q, c]

    Args:
        inputs: float tensor `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` if
            `data_format` is `"channels_first"`, of one to three spatial axes.
        pool_size: int or tuple of ints, the window.
        strides: int or tuple of ints, the steps of the window; `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the default.

    Returns:
        A tensor of the rank and dtype of `inputs`.

    Raises:
        ValueError: if ranks do not fit, or the window is larger than the input.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 3.0, 2.0, 0.0], (1, 4, 1))
        >>> keras.ops.max_pool(x, 2).tolist()
        [[[3.0], [2.0]]]
    """
    return _pooled(_max_pool, inputs, pool_size, strides, padding, data_format)


@op
@described(max_pool)
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Take the mean of each window; padded cells do not count.

    Equations (pooling.average_pool):
        rows, columns = ((size - n) // s + 1 for size in x.shape[1:3])
        y = zeros((len(x), rows, columns, x.shape[3]))  # (batch, rows, columns, channels)
        for p, q in ndindex(rows, columns):
            y[:, p, q] = mean(x[:, p * s : p * s + n, q * s : q * s + n], axis=(1, 2))

    Equations (pooling.average_pool_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        for p, q in ndindex(g.shape[1:3]):
            dx[:, p * s : p * s + n, q * s : q * s + n] += g[:, p, q][:, None, None] / n**2

    Returns:
        A float tensor of the rank of `inputs`.

    Raises:
        ValueError: if ranks do not fit, or the window is larger than the input.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 3.0, 2.0, 0.0], (1, 4, 1))
        >>> keras.ops.average_pool(x, 2).tolist()
        [[[2.0], [1.0]]]
    """
    return _pooled(_avg_pool, inputs, pool_size, strides, padding, data_format)


@op
@described(max_pool)
def adaptive_max_pool(inputs, output_size, data_format=None):
    """Take the maximum of as many windows as asked for, spread evenly over the input.

    Window `i` of `m` over `n` cells reaches from `floor(i * n / m)` to `ceil((i + 1) * n / m)`.

    Args:
        inputs: float tensor `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` if
            `data_format` is `"channels_first"`, of one to three spatial axes of known sizes.
        output_size: int or tuple of ints, the number of windows along each spatial axis.

    Returns:
        A tensor of the rank and dtype of `inputs`.

    Raises:
        ValueError: if ranks do not fit, or a spatial size is not known.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 3.0, 2.0, 0.0, 5.0], (1, 5, 1))
        >>> keras.ops.adaptive_max_pool(x, 2).tolist()
        [[[3.0], [5.0]]]
    """
    return _adapted(_max_pool, inputs, output_size, data_format)


@op
@described(adaptive_max_pool)
def adaptive_average_pool(inputs, output_size, data_format=None):
    """Take the mean of as many windows as asked for, spread evenly over the input.

    Window `i` of `m` over `n` cells reaches from `floor(i * n / m)` to `ceil((i + 1) * n / m)`.

    Returns:
        A float tensor of the rank of `inputs`.

    Raises:
        ValueError: if ranks do not fit, or a spatial size is not known.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 3.0, 2.0, 1.0], (1, 4, 1))
        >>> keras.ops.adaptive_average_pool(x, 3).tolist()
        [[[2.0], [2.5], [1.5]]]
    """
    return _adapted(_avg_pool, inputs, output_size, data_format)


def _pooled(pool, inputs, pool_size, strides, padding, data_format):
    """Bring the arguments into the kernels' form, pool, and restore the layout."""
    form = layout(data_format)
    x = channels_last(convert_to_tensor(inputs), form)
    rank, sizes = x.ndim - 2, x.shape[1:-1]
    window = per_axis(pool_size, rank, "pool_size")
    strides = window if strides is None else per_axis(strides, rank, "strides")
    pads = paddings(padding, sizes, window, strides, (1,) * rank)
    output_sizes(sizes, window, strides, pads, (1,) * rank)
    return as_declared(pool(x, window=window, strides=strides, padding=pads), form)


def _adapted(pool, inputs, output_size, data_format):
    form = layout(data_format)
    x = channels_last(convert_to_tensor(inputs), form)
    rank = x.ndim - 2
    counts = per_axis(output_size, rank, "output_size")
    if not dims.is_known(x.shape[1:-1]):
        raise ValueError(
            "Adaptive pooling needs known spatial sizes. "
            f"Received: inputs.shape={dims.to_public(inputs.shape)}"
        )
    for axis, count in enumerate(counts, start=1):
        spend(count)
        x = _adapted_axis(pool, x, axis, count)
    return as_declared(x, form)


def _adapted_axis(pool, x, axis, count):
    """Pool one axis: all windows of each length that occurs, then those that are wanted."""
    rank = x.ndim - 2
    lengths, indices = _windows(x.shape[axis], count, device.current())
    options = {"strides": (1,) * rank, "padding": ((0, 0),) * rank}
    pooled = []
    for length in lengths:
        window = tuple(length if i == axis else 1 for i in range(1, rank + 1))
        pooled.append(pool(x, window=window, **options))
    return take(concatenate(pooled, axis=axis), indices, axis=axis)


@lru_cache(maxsize=256)
def _windows(size, count, where):
    """The lengths of `count` windows over `size` cells, and the indices of the windows.

    The indices, among all windows of the first length, then of the next, are kept on the device of
    that name, the current one: they go there once for all calls.
    """
    starts = [i * size // count for i in range(count)]
    ends = [-(-(i + 1) * size // count) for i in range(count)]
    lengths = sorted({end - start for start, end in zip(starts, ends, strict=True)})
    offsets, count_before = {}, 0
    for length in lengths:
        offsets[length] = count_before
        count_before += size - length + 1
    indices = [a + offsets[b - a] for a, b in zip(starts, ends, strict=True)]
    return lengths, convert_to_tensor(indices)


def _shape_pooled(shapes, statics):
    batch, *sizes, channels = shapes[0]
    window, strides, padding = statics["window"], statics["strides"], statics["padding"]
    outputs = output_sizes(sizes, window, strides, padding, (1,) * len(window))
    return (batch, *outputs, channels)


def _shape_unpooled(shapes, statics):
    return (shapes[0][0], *statics["input_shape"], shapes[0][-1])


@primitive(elementwise.shaped(_shape_pooled))
def _max_pool(xp, x, *, window, strides, padding):
    return kernels.max_pool(xp, x, window=window, strides=strides, padding=padding)


@_max_pool.vjp()
def _(g, x, y, x_shape, window, strides, padding):
    options = {"window": window, "strides": strides, "padding": padding}
    index = _max_index(x, y, **options)
    return _put_back(g, index, input_shape=x_shape[1:-1], **options)


@primitive(elementwise)
def _max_index(xp, x, y, *, window, strides, padding):
    return kernels.max_pool_index(xp, x, y, window=window, strides=strides, padding=padding)


@_max_index.shape_rule
def _(x, y, **_options):
    return Abstract(y.shape, "int32")


@primitive(Family(as_they_are, same, _shape_unpooled))
def _put_back(xp, g, index, *, input_shape, window, strides, padding):
    return kernels.pool_scatter(
        xp, g, index, input_shape=input_shape, window=window, strides=strides, padding=padding
    )


@_put_back.vjp("g")
def _(g, index, window, strides, padding):
    return _pick(g, index, window=window, strides=strides, padding=padding)


@primitive(Family(as_they_are, same, _shape_pooled))
def _pick(xp, x, index, *, window, strides, padding):
    return kernels.pool_gather(xp, x, index, window=window, strides=strides, padding=padding)


@_pick.vjp("x")
def _(g, index, x_shape, window, strides, padding):
    options = {"window": window, "strides": strides, "padding": padding}
    return _put_back(g, index, input_shape=x_shape[1:-1], **options)


@primitive(floating.shaped(_shape_pooled))
def _avg_pool(xp, x, *, window, strides, padding):
    return kernels.avg_pool(xp, x, window=window, strides=strides, padding=padding)


@_avg_pool.vjp()
def _(g, x_shape, window, strides, padding):
    options = {"window": window, "strides": strides, "padding": padding}
    return _avg_spread(g, input_shape=x_shape[1:-1], **options)


@primitive(elementwise.shaped(_shape_unpooled))
def _avg_spread(xp, g, *, input_shape, window, strides, padding):
    return kernels.avg_pool_grad(
        xp, g, input_shape=input_shape, window=window, strides=strides, padding=padding
    )


@_avg_spread.vjp()
def _(g, window, strides, padding):
    return _avg_pool(g, window=window, strides=strides, padding=padding)
