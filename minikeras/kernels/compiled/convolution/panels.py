"""The weights of a convolution, copied into the panels that tiles read line after line.

A kernel is an array `(taps, channels, groups, filters of a group)`. A panel holds the weights of as
many filters as a tile has columns, for all taps of a part: `(taps * channels, columns)`, the tap
the slowest index. The gradient with respect to the input goes from filters to channels, so there
channels and filters change places. Where a tile takes several taps at once, their weights lie one
after the other for each channel: `(taps / at_once, channels, at_once, columns)`.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, matrix_at
from minikeras.kernels.compiled.convolution.tables import PANEL
from minikeras.kernels.compiled.products.tiles import address
from minikeras.kernels.compiled.thread_pool import ALL, fork_join, parallel_for
from minikeras.kernels.cpu.buffers import aligned_empty

# Nanoseconds that it takes to copy a weight.
_NANOSECONDS = 1


def packed(plan, kernel, groups, backward=False):
    """Copy a kernel into panels.

    Args:
        plan: `forward_plan`, or `input_grad_plan` if `backward`.
        kernel: Array `(*window, channels // groups, filters)`.
        groups: Number of groups.
        backward: Whether the weights go from filters to channels.

    Returns:
        A flat array of all panels of all parts.
    """
    channels, filters = kernel.shape[-2:]
    lanewise = plan.kind == "lanewise"
    sizes = channels, 1 if lanewise else groups, filters if lanewise else filters // groups
    steps = filters, sizes[2], 1
    if backward and not lanewise:
        sizes, steps = sizes[::-1], steps[::-1]
    inputs, groups, outputs = sizes
    panels = groups * -(-outputs // plan.columns)
    buffer = aligned_empty(np, (len(plan.taps) * panels * inputs * plan.columns,), kernel.dtype)
    weights = np.ascontiguousarray(kernel).reshape(-1, channels * filters)
    options = plan.taps, plan.tables[0], plan.at_once, plan.columns, sizes, steps
    parallel_for(_pack, inputs, buffer.size * _NANOSECONDS, weights, *options, buffer)
    return buffer


@compiled()
def _pack(pool, ends, chunk, kernel, taps, parts, at_once, columns, sizes, steps, buffer):
    """Copy weights into panels.

    Args:
        pool: As for `fork_join`.
        ends: As for `fork_join`: inputs of a group.
        chunk: As for `fork_join`.
        kernel: Array `(taps, weights of a tap)`.
        taps: `Plan.taps`.
        parts: The first of `Plan.tables`.
        at_once: Taps that a tile takes at once; they lie side by side.
        columns: Columns of a panel.
        sizes: Inputs of a group, groups, and outputs of a group.
        steps: Weights from one of each to the next.
        buffer: Array of the panels, one after the other.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (kernel, taps, parts, at_once, columns, sizes, steps, buffer))
    inputs, groups, outputs = sizes
    # Views that own nothing: threads that count references to the same memory slow each other down.
    weights = matrix_at(address(kernel), len(kernel), kernel.shape[1], kernel)
    rows = matrix_at(address(buffer), buffer.size // columns, columns, buffer)
    tap, panel = 0, 0
    for part in range(len(parts)):
        count = parts[part, PANEL] // (inputs * columns * buffer.itemsize)
        for group in range(groups):
            for first in range(0, outputs, columns):
                start, wanted = group * steps[1] + first * steps[2], min(columns, outputs - first)
                for i in range(count):
                    run, place = divmod(i, at_once)
                    source = weights[taps[tap + i]]
                    for k in range(ends[chunk], ends[chunk + 1]):
                        target = rows[panel + (run * inputs + k) * at_once + place]
                        _gather(source[start + k * steps[0] :], steps[2], target, wanted)
                panel += inputs * count
        tap += count


@inner()
def _gather(source, step, target, count):
    """Copy numbers that are a step apart, and fill the rest with zeros."""
    if step == 1:
        for j in range(count):
            target[j] = source[j]
    else:
        for j in range(count):
            target[j] = source[j * step]
    for j in range(count, target.size):
        target[j] = 0
