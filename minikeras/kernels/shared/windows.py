"""Windows that slide over an axis: sizes, paddings, strided views and overlaps.

Output cell `o` of a window with `k` taps reads the input cells `o * stride - lo + t * dilation`
for `t = 0 .. k - 1`, where `lo` cells of padding stand before the axis and `hi` after it.
Convolution and pooling of any rank, forward and backward, follow from this one relation. The
arithmetic of sizes is explained in Dumoulin and Visin, "A guide to convolution arithmetic for deep
learning" (2016).
"""

import itertools
from typing import NamedTuple

VALID = (0, 0)


def same_padding(size, window, stride=1, dilation=1):
    """Padding with which an axis of `size` cells gives `ceil(size / stride)` windows.

    Args:
        size: Cells of the axis.
        window: Taps of the window.
        stride: Step from one window to the next.
        dilation: Step from one tap to the next.

    Returns:
        `(lo, hi)`, the cells to add before and after; an odd one goes after.

    Example:
        >>> from minikeras.kernels.shared.windows import same_padding
        >>> same_padding(10, window=3, stride=2)
        (0, 1)
    """
    last = (-(-size // stride) - 1) * stride
    total = max(last + span(window, dilation) - size, 0)
    return total // 2, total - total // 2


def causal_padding(window, dilation=1):
    """Padding with which output `i` sees no input cell later than `i`.

    Args:
        window: Taps of the window.
        dilation: Step from one tap to the next.

    Returns:
        `(lo, 0)`.

    Example:
        >>> from minikeras.kernels.shared.windows import causal_padding
        >>> causal_padding(3, dilation=2)
        (4, 0)
    """
    return span(window, dilation) - 1, 0


def output_size(size, window, stride=1, padding=VALID, dilation=1):
    """Number of windows that fit in a padded axis.

    Args:
        size: Cells of the axis.
        window: Taps of the window.
        stride: Step from one window to the next.
        padding: `(lo, hi)` cells added before and after.
        dilation: Step from one tap to the next.

    Returns:
        The number of windows, 0 where not even one fits.

    Example:
        >>> from minikeras.kernels.shared.windows import output_size
        >>> output_size(28, window=3, stride=2)
        13
    """
    extent = size + padding[0] + padding[1] - span(window, dilation)
    return max(extent // stride + 1, 0)


def transposed_output_size(
    size, window, stride=1, padding="valid", output_padding=None, dilation=1
):
    """Cells that a transposed convolution makes of an axis.

    Args:
        size: Cells of the axis.
        window: Taps of the window.
        stride: Step between the cells in the output.
        padding: `"valid"` or `"same"`.
        output_padding: Cells added after; `None` adds as many as `"valid"` needs to hold a whole
            stride, or as `"same"` needs to reach `size * stride`.
        dilation: Step from one tap to the next.

    Returns:
        The number of cells.

    Raises:
        ValueError: `padding` is neither `"valid"` nor `"same"`.

    Example:
        >>> from minikeras.kernels.shared.windows import transposed_output_size
        >>> transposed_output_size(14, window=3, stride=2, padding="same")
        28
    """
    if padding not in ("valid", "same"):
        raise ValueError(f'Expected padding to be "valid" or "same", received: padding={padding!r}')
    reach = span(window, dilation)
    start = (size - 1) * stride
    if padding == "valid":
        return start + (max(reach, stride) if output_padding is None else reach + output_padding)
    return size * stride if output_padding is None else start + reach % 2 + output_padding


def span(window, dilation=1):
    """Cells from the first tap of a window to its last.

    Args:
        window: Taps of the window.
        dilation: Step from one tap to the next.

    Returns:
        The number of cells, both ends counted.

    Example:
        >>> from minikeras.kernels.shared.windows import span
        >>> span(3, dilation=2)
        5
    """
    return (window - 1) * dilation + 1


class Grid(NamedTuple):
    """The windows over the spatial axes of an array: one number for each axis in every field.

    Attributes:
        outputs: Windows.
        window: Taps of a window.
        strides: Steps from one window to the next.
        lows: Cells of padding before the axis; a negative number crops.
        dilation: Steps from one tap to the next.
    """

    outputs: tuple
    window: tuple
    strides: tuple
    lows: tuple
    dilation: tuple

    @classmethod
    def over(cls, sizes, window, strides, padding, dilation=None):
        """Lay as many windows as fit.

        Args:
            sizes: Cells of each spatial axis.
            window: Taps along each axis.
            strides: Steps along each axis.
            padding: A pair `(lo, hi)` for each axis.
            dilation: Steps between taps along each axis; 1 by default.

        Returns:
            The grid.

        Example:
            >>> from minikeras.kernels.shared.windows import Grid
            >>> Grid.over((8, 8), (3, 2), (1, 2), ((1, 1), (0, 0))).outputs
            (8, 4)
        """
        dilation = tuple(dilation or (1,) * len(window))
        axes = zip(sizes, window, strides, padding, dilation, strict=True)
        outputs = tuple(output_size(*axis) for axis in axes)
        lows = tuple(lo for lo, _ in padding)
        return cls(outputs, tuple(window), tuple(strides), lows, dilation)

    @property
    def extents(self):
        """Cells from the first that a window reads to the last, padding counted."""
        axes = zip(self.outputs, self.window, self.strides, self.dilation, strict=True)
        return tuple((n - 1) * step + span(taps, rate) for n, taps, step, rate in axes)


def window_view(xp, x, grid):
    """View of every window of an array that already holds its padding, copying nothing.

    Args:
        xp: The array module.
        x: Array `(..., *spatial, channels)` of any strides, with `spatial >= grid.extents`.
        grid: The windows; `grid.lows` is not read.

    Returns:
        A view `(..., *outputs, *window, channels)`. Windows share memory: read it only.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.windows import Grid, window_view
        >>> x = np.arange(4).reshape(1, 4, 1)
        >>> window_view(np, x, Grid.over((4,), (2,), (1,), ((0, 0),)))[0, :, :, 0]
        array([[0, 1],
               [1, 2],
               [2, 3]])
    """
    lead = x.ndim - len(grid.window) - 1
    steps = x.strides[lead:-1]
    shape = (*x.shape[:lead], *grid.outputs, *grid.window, x.shape[-1])
    hops = [step * stride for step, stride in zip(steps, grid.strides, strict=True)]
    taps = [step * rate for step, rate in zip(steps, grid.dilation, strict=True)]
    return xp.lib.stride_tricks.as_strided(
        x, shape, (*x.strides[:lead], *hops, *taps, x.strides[-1])
    )


def overlaps(sizes, grid):
    """Where each tap of a window touches the input, with padded cells left out.

    Args:
        sizes: Cells of each spatial axis of the input.
        grid: The windows.

    Returns:
        A list of `(tap, out, inside)` in row-major order of taps: the tap's index, and two tuples
        of slices of equal extents, for the output `(batch, *outputs, channels)` and for the input
        `(batch, *sizes, channels)`. A tap that meets nothing but padding is left out.

    Example:
        >>> from minikeras.kernels.shared.windows import Grid, overlaps
        >>> for tap, out, inside in overlaps((4,), Grid.over((4,), (3,), (2,), ((1, 0),))):
        ...     print(tap, out[1], inside[1])
        (0,) slice(1, 2, None) slice(1, 2, 2)
        (1,) slice(0, 2, None) slice(0, 3, 2)
        (2,) slice(0, 2, None) slice(1, 4, 2)
    """
    axes = [list(_axis_overlaps(*axis)) for axis in zip(sizes, *grid, strict=True)]
    every = slice(None)
    touched = []
    for taps in itertools.product(*axes):
        tap, out, inside = zip(*taps, strict=True)
        touched.append((tap, (every, *out), (every, *inside)))
    return touched


def _axis_overlaps(size, outputs, window, stride, low, dilation):
    """One axis of `overlaps`: for each tap the windows whose cell lies inside."""
    for tap in range(window):
        shift = tap * dilation - low
        first = max(-(shift // stride), 0)
        stop = min((size - 1 - shift) // stride + 1, outputs)
        if first < stop:
            start = first * stride + shift
            end = (stop - 1) * stride + shift + 1
            yield tap, slice(first, stop), slice(start, end, stride)
