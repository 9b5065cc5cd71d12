"""Rows of the backend of Keras 2 for convolutions and pooling, by loops over windows."""

import itertools

import numpy as np

from tests.cases.keras2_row import Row, distinct, floats


def _span(window, dilation):
    return tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))


def _padded(x, span, strides, padding, value=0.0):
    """The input with its padding, and the number of windows along each axis."""
    sizes = x.shape[1:-1]
    if padding == "valid":
        return x, [(n - k) // s + 1 for n, k, s in zip(sizes, span, strides, strict=True)], sizes
    counts = [-(-n // s) for n, s in zip(sizes, strides, strict=True)]
    missing = [
        max((c - 1) * s + k - n, 0) for c, s, k, n in zip(counts, strides, span, sizes, strict=True)
    ]
    pads = [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)]
    return np.pad(x, pads, constant_values=value), counts, sizes


def _windows(x, window, strides, padding, dilation, value=0.0):
    """The windows of a tensor: `(place, elements (batch, *window, channels))`."""
    x, counts, _ = _padded(x, _span(window, dilation), strides, padding, value)
    for place in itertools.product(*map(range, counts)):
        axes = zip(place, strides, window, dilation, strict=True)
        taken = tuple(slice(p * s, p * s + (k - 1) * d + 1, d) for p, s, k, d in axes)
        yield place, counts, x[(slice(None), *taken)]


def conv(x, kernel, strides, padding, dilation):
    """Convolution of a channels-last tensor."""
    window, y = kernel.shape[:-2], None
    for place, counts, part in _windows(x, window, strides, padding, dilation):
        if y is None:
            y = np.zeros((len(x), *counts, kernel.shape[-1]))
        y[(slice(None), *place)] = np.tensordot(part, kernel, kernel.ndim - 1)
    return y


def depthwise(x, kernel, strides, padding, dilation):
    """Convolution of each channel by its own kernels."""
    channels = [
        conv(x[..., c : c + 1], kernel[..., c : c + 1, :], strides, padding, dilation)
        for c in range(x.shape[-1])
    ]
    return np.concatenate(channels, -1)


def transposed(x, kernel, sizes, strides, padding):
    """The gradient of `conv` with respect to an input of these sizes, where `x` is given."""
    window, rank = kernel.shape[:-2], kernel.ndim - 2
    full = [(n - 1) * s + k for n, s, k in zip(x.shape[1:-1], strides, window, strict=True)]
    y = np.zeros((len(x), *(max(f, n) for f, n in zip(full, sizes, strict=True)), kernel.shape[-2]))
    for place in itertools.product(*map(range, x.shape[1:-1])):
        axes = zip(place, strides, window, strict=True)
        taken = tuple(slice(p * s, p * s + k) for p, s, k in axes)
        y[(slice(None), *taken)] += np.tensordot(
            x[(slice(None), *place)], kernel, [[1], [rank + 1]]
        )
    before = [
        max(f - n, 0) // 2 if padding == "same" else 0 for f, n in zip(full, sizes, strict=True)
    ]
    kept = tuple(slice(b, b + n) for b, n in zip(before, sizes, strict=True))
    return y[(slice(None), *kept)]


def pool(x, window, strides, padding, mode):
    """Maximum or mean over windows; what is padded does not count."""
    y, axes = None, tuple(range(1, x.ndim - 1))
    for place, counts, part in _windows(x, window, strides, padding, (1,) * len(window), np.nan):
        if y is None:
            y = np.zeros((len(x), *counts, x.shape[-1]))
        y[(slice(None), *place)] = (np.nanmax if mode == "max" else np.nanmean)(part, axes)
    return y


def _first(x):
    return np.moveaxis(x, -1, 1)


def _last(x):
    return np.moveaxis(x, 1, -1)


def _convolutions():
    settings = [
        (1, "valid", 1),
        (2, "same", 1),
        (1, "same", 2),
    ]
    for rank, (stride, padding, dilation) in itertools.product((1, 2, 3), settings):
        if rank == 3 and dilation == 2:
            continue
        strides, dilations = (stride,) * rank, (dilation,) * rank
        options = {"padding": padding}
        options["strides"] = stride if rank == 1 else strides
        options["dilation_rate"] = dilation if rank == 1 else dilations
        yield Row(
            f"conv{rank}d",
            lambda K, x, w, r=rank, o=options: getattr(K, f"conv{r}d")(x, w, **o),
            [floats(2, *(5, 4, 3)[:rank], 2), floats(*(3, 2, 2)[:rank], 2, 3)],
            lambda x, w, s=strides, p=padding, d=dilations: conv(x, w, s, p, d),
        )
    yield Row(
        "conv1d",
        lambda K, x, w: K.conv1d(x, w, padding="causal", dilation_rate=2),
        [floats(2, 5, 2), floats(2, 2, 3)],
        lambda x, w: conv(np.pad(x, [(0, 0), (2, 0), (0, 0)]), w, (1,), "valid", (2,)),
    )
    for rank in (1, 2, 3):
        yield Row(
            f"conv{rank}d",
            lambda K, x, w, r=rank: getattr(K, f"conv{r}d")(x, w, data_format="channels_first"),
            [floats(2, 2, *(5, 4, 3)[:rank]), floats(*(3, 2, 2)[:rank], 2, 3)],
            lambda x, w, r=rank: _first(conv(_last(x), w, (1,) * r, "valid", (1,) * r)),
        )
    for padding in ("valid", "same"):
        ones, strides = (1, 1), (2, 2)
        yield Row(
            "depthwise_conv2d",
            lambda K, x, w, p=padding: K.depthwise_conv2d(x, w, strides=(2, 2), padding=p),
            [floats(2, 5, 4, 2), floats(2, 2, 2, 2)],
            lambda x, w, p=padding, o=ones, s=strides: depthwise(x, w, s, p, o),
        )
        yield Row(
            "separable_conv2d",
            lambda K, x, d, w, p=padding: K.separable_conv2d(x, d, w, padding=p),
            [floats(2, 5, 4, 2), floats(2, 2, 2, 2), floats(1, 1, 4, 3)],
            lambda x, d, w, p=padding, o=ones: depthwise(x, d, o, p, o) @ w[0, 0],
        )
        yield Row(
            "separable_conv1d",
            lambda K, x, d, w, p=padding: K.separable_conv1d(x, d, w, padding=p),
            [floats(2, 5, 2), floats(3, 2, 2), floats(1, 4, 3)],
            lambda x, d, w, p=padding: depthwise(x, d, (1,), p, (1,)) @ w[0],
        )


def _transposed_rows():
    for padding, sizes in [
        ("valid", (7, 5)),
        ("valid", (8, 6)),
        ("same", (6, 4)),
        ("same", (5, 3)),
    ]:
        yield Row(
            "conv2d_transpose",
            lambda K, x, w, p=padding, n=sizes: K.conv2d_transpose(
                x, w, (2, *n, 4), strides=(2, 2), padding=p
            ),
            [floats(2, 3, 2, 2), floats(3, 3, 4, 2)],
            lambda x, w, p=padding, n=sizes: transposed(x, w, n, (2, 2), p),
        )
    yield Row(
        "conv2d_transpose",
        lambda K, x, w: K.conv2d_transpose(x, w, (2, 4, 5, 4), data_format="channels_first"),
        [floats(2, 2, 3, 2), floats(3, 3, 4, 2)],
        lambda x, w: _first(transposed(_last(x), w, (5, 4), (1, 1), "valid")),
    )
    yield Row(
        "conv3d_transpose",
        lambda K, x, w: K.conv3d_transpose(
            x, w, (2, 4, 2, 4, 2), strides=(2, 1, 2), padding="same"
        ),
        [floats(2, 2, 2, 2, 2), floats(2, 2, 3, 2, 2)],
        lambda x, w: transposed(x, w, (4, 2, 4), (2, 1, 2), "same"),
    )


def _pools():
    for mode, padding in itertools.product(("max", "avg"), ("valid", "same")):
        yield Row(
            "pool2d",
            lambda K, x, m=mode, p=padding: K.pool2d(x, (2, 3), (2, 1), p, pool_mode=m),
            [distinct(2, 5, 4, 2)],
            lambda x, m=mode, p=padding: pool(x, (2, 3), (2, 1), p, m),
        )
        yield Row(
            "pool3d",
            lambda K, x, m=mode, p=padding: K.pool3d(x, (2, 2, 2), padding=p, pool_mode=m),
            [distinct(1, 3, 3, 2, 2)],
            lambda x, m=mode, p=padding: pool(x, (2, 2, 2), (1, 1, 1), p, m),
        )
    yield Row(
        "pool2d",
        lambda K, x: K.pool2d(x, (2, 2), data_format="channels_first"),
        [distinct(2, 2, 4, 3)],
        lambda x: _first(pool(_last(x), (2, 2), (1, 1), "valid", "max")),
    )


def _local():
    def local_1(x, w, stride=2, window=3):
        parts = [x[:, i * stride : i * stride + window].reshape(len(x), -1) for i in range(len(w))]
        return np.stack([part @ k for part, k in zip(parts, w, strict=True)], 1)

    yield Row(
        "local_conv1d",
        lambda K, x, w: K.local_conv1d(x, w, (3,), (2,)),
        [floats(2, 7, 2), floats(3, 6, 4)],
        local_1,
    )
    for layout in ("channels_last", "channels_first"):

        def local_2(x, w, layout=layout):
            def window(i, j):
                rows, columns = slice(i, i + 2), slice(j, j + 2)
                last = layout == "channels_last"
                part = x[:, rows, columns] if last else x[:, :, rows, columns]
                return part.reshape(len(x), -1)

            places = enumerate(itertools.product(range(2), range(3)))
            y = np.stack([window(i, j) @ w[n] for n, (i, j) in places], 1)
            y = y.reshape(len(x), 2, 3, -1)
            return y if layout == "channels_last" else _first(y)

        shape = (2, 3, 4, 2) if layout == "channels_last" else (2, 2, 3, 4)
        yield Row(
            "local_conv2d",
            lambda K, x, w, f=layout: K.local_conv2d(x, w, (2, 2), (1, 1), (2, 3), f),
            [floats(*shape), floats(6, 8, 3)],
            local_2,
        )


ROWS = [*_convolutions(), *_transposed_rows(), *_pools(), *_local()]
