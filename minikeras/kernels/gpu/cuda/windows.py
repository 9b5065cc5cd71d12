"""A grid of windows as the numbers that kernels take."""

AXES = 3
"""Axes of the windows that kernels know; those that an array lacks have one cell."""


def numbers(sizes, grid):
    """Return the parameters `PARAMETERS_OF_GRID` of a kernel.

    Args:
        sizes: Cells of each spatial axis of the array under the windows.
        grid: The windows.

    Returns:
        A list of ints: sizes, outputs, taps, strides, padding in front, dilation; three of each.

    Example:
        >>> from minikeras.kernels.gpu.cuda.windows import numbers
        >>> from minikeras.kernels.shared.windows import Grid
        >>> numbers((5,), Grid.over((5,), (2,), (1,), ((0, 0),)))[:9]
        [1, 1, 5, 1, 1, 4, 1, 1, 2]
    """
    missing = AXES - len(sizes)
    ones, zeros = (1,) * missing, (0,) * missing
    fields = sizes, grid.outputs, grid.window, grid.strides, grid.lows, grid.dilation
    fill = ones, ones, ones, ones, zeros, ones
    return [n for lead, field in zip(fill, fields, strict=True) for n in (*lead, *field)]
