"""Elements dealt out to other axes by a pattern: blocks, patches, named axes, bits of a dtype."""

import functools
import re

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.settings import standardize_data_format
from minikeras.core.work import spend
from minikeras.ops.elementwise.arithmetic import add
from minikeras.ops.indexing.lookup import among_zeros
from minikeras.ops.rearranging.elements import pad
from minikeras.ops.shapes.shaping import moveaxis, reshape, stack, transpose
from minikeras.ops.shapes.sizes import may_agree


@op
def space_to_depth(x, block_size, data_format="channels_last"):
    """Move square blocks of pixels into the channels.

    Args:
        x: tensor of any dtype, `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` for `"channels_first"`; height and width divisible by the block's size.
        block_size: int, the side of a block.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A tensor with height and width divided by the block's size, and the channels multiplied by
        its square.

    Raises:
        ValueError: if a size cannot be divided.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
        [[[[1, 2, 3, 4]]]]
    """
    x = _channels_last(x, data_format)
    n, h, w, c = x.shape
    for size in (h, w):
        _check_divisible(size, block_size, x.shape)
    rows, columns = h // block_size, w // block_size
    blocks = reshape(x, (n, rows, block_size, columns, block_size, c))
    y = transpose(blocks, axes=(0, 1, 3, 2, 4, 5))
    return _channels_back(reshape(y, (n, rows, columns, c * block_size**2)), data_format)


@op
@described(space_to_depth)
def depth_to_space(x, block_size, data_format="channels_last"):
    """Move groups of channels into square blocks of pixels; undoes `space_to_depth`.

    Args:
        x: tensor of any dtype, `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` for `"channels_first"`; channels divisible by the square of the block's size.

    Returns:
        A tensor with height and width multiplied by the block's size.

    Raises:
        ValueError: if the channels cannot be divided.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
        [[[[1], [2]], [[3], [4]]]]
    """
    x = _channels_last(x, data_format)
    n, h, w, c = x.shape
    _check_divisible(c, block_size**2, x.shape)
    depth = c // block_size**2
    blocks = reshape(x, (n, h, w, block_size, block_size, depth))
    y = transpose(blocks, axes=(0, 1, 3, 2, 4, 5))
    return _channels_back(reshape(y, (n, h * block_size, w * block_size, depth)), data_format)


def _channels_last(x, data_format):
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"A rank of 4 is needed. Received: x.shape={dims.to_public(x.shape)}")
    return moveaxis(x, 1, -1) if standardize_data_format(data_format) == "channels_first" else x


def _channels_back(y, data_format):
    return moveaxis(y, -1, 1) if standardize_data_format(data_format) == "channels_first" else y


def _check_divisible(size, divisor, shape):
    if not isinstance(size, Dim) and size % divisor:
        raise ValueError(
            f"The size {size} in shape {dims.to_public(shape)} is not divisible by {divisor}."
        )


@op
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """List the patches that a sliding window sees, one per column.

    Args:
        x: tensor of any dtype, `(batch, channels, height, width)`.
        kernel_size: int or two ints, the window's height and width.
        dilation: int or two ints, the step from one of the window's taps to the next.
        padding: int or two ints, the zeros on either side of an axis.
        stride: int or two ints, the step from one window to the next.

    Returns:
        A tensor `(batch, channels * taps, windows)`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape(keras.ops.arange(6), (1, 1, 2, 3))
        >>> keras.ops.unfold(x, 2).tolist()
        [[[0, 1], [1, 2], [3, 4], [4, 5]]]
    """
    kernel, dilation, (ph, pw), stride = map(_pair, (kernel_size, dilation, padding, stride))
    x = pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    n, c, *sizes = x.shape
    keys, windows = _taps(sizes, kernel, dilation, stride)
    taps = [x[:, :, row, column] for row, column in keys]
    return reshape(stack(taps, axis=2), (n, c * len(taps), dims.product(windows)))


@op
@described(unfold)
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Add patches, one per column, into images; pixels that several patches cover are sums.

    The transpose of `unfold`, and its gradient.

    Args:
        x: tensor `(batch, channels * taps, windows)` of any dtype.
        output_size: int or two ints, height and width of the images.

    Returns:
        A tensor `(batch, channels, height, width)`.

    Raises:
        ValueError: if the sizes of `x` are not those of so many patches.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.fold([[[0, 1], [1, 2], [3, 4], [4, 5]]], (2, 3), 2).tolist()
        [[[[0, 2, 2], [3, 8, 5]]]]
    """
    x = convert_to_tensor(x)
    kernel, dilation, (ph, pw), stride = map(_pair, (kernel_size, dilation, padding, stride))
    height, width = _pair(output_size)
    sizes = height + 2 * ph, width + 2 * pw
    keys, windows = _taps(sizes, kernel, dilation, stride)
    n, depth, count = x.shape
    if depth % len(keys) or not may_agree((count,), (dims.product(windows),)):
        raise ValueError(
            f"Expected a multiple of {len(keys)} rows and {dims.product(windows)} columns, one for "
            f"each patch. Received: x.shape={dims.to_public(x.shape)}"
        )
    channels = depth // len(keys)
    parts = reshape(x, (n, channels, len(keys), *windows))
    whole = (slice(None), slice(None))
    terms = [
        among_zeros(parts[:, :, i], shape=(n, channels, *sizes), key=(*whole, *key))
        for i, key in enumerate(keys)
    ]
    return functools.reduce(add, terms)[:, :, ph : ph + height, pw : pw + width]


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _taps(sizes, kernel, dilation, stride):
    """What each tap of a window sees, as pairs of slices, and how many windows there are."""
    spend(kernel[0] * kernel[1])
    axes = list(zip(sizes, kernel, dilation, stride, strict=True))
    windows = [(size - d * (k - 1) - 1) // s + 1 for size, k, d, s in axes]
    rows, columns = (
        [slice(i * d, i * d + (count - 1) * s + 1, s) for i in range(k)]
        for count, (_, k, d, s) in zip(windows, axes, strict=True)
    )
    return [(row, column) for row in rows for column in columns], windows


@op
def rearrange(tensor, pattern, **axes_lengths):
    """Split, reorder and join axes as a pattern of names says.

    Args:
        tensor: tensor of any shape and dtype.
        pattern: string such as `"b (h w) c -> b c h w"`: names of the axes, then of the axes of
            the result; names in brackets share an axis, the last one running fastest.
        **axes_lengths: ints, the sizes of names in brackets, all but one for every bracket.

    Returns:
        A tensor.

    Raises:
        ValueError: if the pattern does not fit the tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.rearrange([[1, 2], [3, 4]], "a b -> (b a)").tolist()
        [1, 3, 2, 4]
    """
    x = convert_to_tensor(tensor)
    left, arrow, right = pattern.partition("->")
    before, after = _groups(left), _groups(right)
    names = [name for group in before for name in group]
    if not arrow or sorted(names) != sorted(n for group in after for n in group):
        raise ValueError(f"'{pattern}' must name the same axes on both sides of '->'.")
    if len(set(names)) != len(names) or len(before) != x.ndim:
        raise ValueError(f"'{pattern}' does not fit a tensor of shape {dims.to_public(x.shape)}.")
    sizes = dict(axes_lengths)
    for group, size in zip(before, x.shape, strict=True):
        _complete(sizes, group, size, pattern)
    x = reshape(x, [sizes[name] for name in names])
    order = [name for group in after for name in group]
    x = transpose(x, axes=tuple(names.index(name) for name in order))
    return reshape(x, [_product(sizes[name] for name in group) for group in after])


def _groups(side):
    """The names on one side of a pattern, one list for every axis."""
    tokens = re.findall(r"\(([^()]*)\)|(\w+)", side)
    return [grouped.split() if not single else [single] for grouped, single in tokens]


def _complete(sizes, group, size, pattern):
    """Find the size of the one name in a group that was not given."""
    unknown = [name for name in group if name not in sizes]
    known = _product(sizes[name] for name in group if name in sizes)
    if len(unknown) > 1:
        raise ValueError(f"'{pattern}': give the sizes of all but one of {unknown}.")
    if unknown:
        sizes[unknown[0]] = size // known if known != 1 else size


def _product(sizes):
    return dims.product(tuple(sizes))


@primitive(elementwise)
def view(xp, x, *, dtype=None):
    """Read the bits of a tensor as another dtype.

    Args:
        dtype: dtype name; with another width the last axis changes its size.

    Returns:
        A tensor.

    Raises:
        ValueError: if the bytes of the last axis cannot be divided.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.view(keras.ops.array([1.0]), "int32").tolist()
        [1065353216]
    """
    if dtype is None:
        return x
    # `ascontiguousarray` would make a number an array of rank 1.
    return xp.asarray(x, order="C").view(dtypes.standardize(dtype))


@view.shape_rule
def _(x, *, dtype):
    old = dtypes.NUMPY[x.dtype].itemsize
    name = x.dtype if dtype is None else dtypes.standardize(dtype)
    new = dtypes.NUMPY[name].itemsize
    if old == new:
        return Abstract(x.shape, name)
    if not x.shape or (not isinstance(x.shape[-1], Dim) and x.shape[-1] * old % new):
        raise ValueError(
            f"The bytes along the last axis are no multiple of those of a {name}. Received: "
            f"x.shape={dims.to_public(x.shape)}, x.dtype={x.dtype}"
        )
    return Abstract((*x.shape[:-1], x.shape[-1] * old // new), name)


@op
def vander(x, N=None, increasing=False):
    """Make the matrix whose columns are powers of a vector.

    Args:
        x: tensor `(n,)` of any dtype.
        N: int, the number of columns; `n` by default.
        increasing: bool, whether the powers rise from left to right.

    Returns:
        A tensor `(n, N)`.

    Raises:
        ValueError: if `x` is no vector or `N` is negative.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.vander([1, 2, 3]).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    x = convert_to_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"Input tensor must have dimension 1. Received: {dims.to_public(x.shape)}")
    count = x.shape[0] if N is None else N
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"Argument `N` must be a non-negative integer. Received: N={count}")
    spend(count)
    exponents = range(count) if increasing else reversed(range(count))
    powers = [x**k for k in exponents]
    return stack(powers, axis=1) if powers else x[:, None][:, :0]
