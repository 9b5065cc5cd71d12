"""What convolution and pooling have in common: their arguments, layouts and output sizes.

Kernels work on channels-last arrays with explicit padding. Here the arguments that users write
are brought into that form; unknown sizes stay unknown.
"""

from minikeras.core import dims, settings
from minikeras.core.checks import one_of
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared.windows import VALID, same_padding, span
from minikeras.ops.shapes.shaping import transpose


def channels_last(x, data_format):
    """Return `x` with its channels after the spatial axes.

    Args:
        x: tensor of rank 3, 4 or 5, of any dtype.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if the rank is another one.
    """
    if x.ndim not in (3, 4, 5):
        raise ValueError(
            f"Input rank not supported: {x.ndim}. Expected values are [3, 4, 5]. "
            f"Received: inputs.shape={dims.to_public(x.shape)}"
        )
    if data_format == "channels_last":
        return x
    return transpose(x, (0, *range(2, x.ndim), 1))


def as_declared(y, data_format):
    """Undo `channels_last` on a result."""
    if data_format == "channels_last":
        return y
    return transpose(y, (0, y.ndim - 1, *range(1, y.ndim - 1)))


def layout(data_format):
    """Return the name of the layout, the default one for None."""
    return settings.standardize_data_format(data_format)


def per_axis(value, rank, name):
    """Return one positive int for each spatial axis.

    Args:
        value: int, or sequence of `rank` ints (or of one).
        rank: number of spatial axes.
        name: str, what to call it in an error.

    Raises:
        ValueError: if the number of ints is wrong, or one is not positive.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values *= rank
    if len(values) != rank or any(v < 1 for v in values):
        raise ValueError(
            f"`{name}` must be a positive int or a sequence of {rank} of them, one for each "
            f"spatial axis. Received: {name}={value}"
        )
    return values


def paddings(padding, sizes, window, strides, dilation):
    """Return a pair of paddings for each axis, or the word itself where sizes are unknown.

    Args:
        padding: `"valid"`, `"same"`, or the pairs.
        sizes: tuple of ints, the sizes of the spatial axes.
        window: tuple of ints, the taps along each axis.
        strides: tuple of ints, the steps along each axis.
        dilation: tuple of ints, the steps between taps along each axis.

    Raises:
        ValueError: if the word is another one.
    """
    if not isinstance(padding, str):
        return tuple(padding)
    padding = padding.lower()
    if padding == "valid":
        return (VALID,) * len(sizes)
    one_of("padding", padding, ("valid", "same"))
    if not dims.is_known(sizes):
        return padding
    axes = zip(sizes, window, strides, dilation, strict=True)
    return tuple(same_padding(*axis) for axis in axes)


@described(paddings)
def output_sizes(sizes, window, strides, padding, dilation):
    """Return how many windows fit along each axis.

    Args:
        padding: pairs, or `"same"`.

    Raises:
        ValueError: if not even one window fits.
    """
    if padding == "same":
        return tuple((n + (s - 1)) // s for n, s in zip(sizes, strides, strict=True))
    axes = zip(sizes, window, strides, padding, dilation, strict=True)
    outputs = tuple((n + (lo + hi - span(k, d) + s)) // s for n, k, s, (lo, hi), d in axes)
    if any(not isinstance(n, Dim) and n <= 0 for n in outputs):
        raise ValueError(
            "Computed output size would be zero or negative: the window does not fit. Received: "
            f"spatial sizes {dims.to_public(sizes)}, window={window}, strides={strides}, "
            f"padding={padding}, dilation_rate={dilation}. Use a smaller window, a larger input, "
            "or padding='same'."
        )
    return outputs
