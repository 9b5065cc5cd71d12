"""Weights of a layer as older releases stored them, brought into today's layout.

Keras 1 kept the gates of recurrent layers apart and, with Theano's dimension order, kernels as
`(filters, channels, rows, columns)`. CuDNN's layers keep the kernels of the gates transposed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
_GATES = {"LSTMCell": 4, "GRUCell": 3}
# Where today's gates i, f, c, o (LSTM) and z, r, h (GRU) stand among the groups of Keras 1.
_ORDER = {"LSTMCell": (0, 2, 1, 3), "GRUCell": (0, 1, 2)}
_SPATIAL = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2, "Conv3DTranspose": 3}


@dataclass(frozen=True)
class Layout:
    """How a file stores weights.

    Attributes:
        generation: 1, 2 (tf-keras included) or 3, the generation of Keras that wrote it.
        rotated: whether kernels are those of a convolution that turns them, as Theano's does.
    """

    generation: int = 2
    rotated: bool = False


def count_in_pieces(layer: Any, count: int) -> int:
    """Return how many arrays Keras 1 stored for a layer that has `count` weights today."""
    gates = _GATES.get(type(layer).__name__)
    return gates * 3 if gates and count == 3 else count


def converted(layer: Any, values: Arrays, layout: Layout) -> Arrays:
    """Return the weights of a layer in today's layout.

    Args:
        layer: a layer that has weights of its own.
        values: its arrays, in the order of the file.
        layout: how the file stores weights.

    Returns:
        A list of arrays.

    Raises:
        ValueError: if the arrays have no shape that is known.
    """
    name = type(layer).__name__
    if name in _GATES:
        return _recurrent(layer, name, values)
    if layout.generation == 1 and name in _OF_KERAS_1 and values:
        values = _OF_KERAS_1[name](layer, values)
    if layout.rotated and name in _SPATIAL and values:
        axes = tuple(range(_SPATIAL[name]))
        values = [np.flip(values[0], axes), *values[1:]]
    return values


# Recurrent layers


def _recurrent(layer, name, values):
    gates = _GATES[name]
    if len(values) == 3 * gates:
        # For each gate: the kernel of the inputs, that of the state, the bias.
        groups = [values[3 * i : 3 * i + 3] for i in _ORDER[name]]
        return [np.concatenate(parts, axis=-1) for parts in zip(*groups, strict=True)]
    if len(values) == 3 and values[2].shape == (2 * gates * layer.units,):
        return _from_cudnn(name, values, gates)
    return values


def _from_cudnn(name, values, gates):
    kernel, recurrent, bias = values
    return [
        np.hstack([_c_order(part) for part in np.hsplit(kernel, gates)]),
        np.hstack([part.T for part in np.hsplit(recurrent, gates)]),
        bias.reshape(2, -1) if name == "GRUCell" else bias.reshape(2, -1).sum(axis=0),
    ]


def _c_order(kernel):
    """A gate's kernel whose numbers lie column by column."""
    return kernel.T.reshape(kernel.shape, order="F")


# Convolutions of Keras 1


def _conv1d(layer, values):
    kernel = _with_axes(values[0], 4)
    if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
        kernel = kernel.transpose(2, 3, 1, 0)  # (filters, channels, length, 1) before Keras 1.2
    return [kernel[:, 0], *values[1:]]


def _conv(layer, values):
    if layer.data_format != "channels_first":
        return values
    rank = values[0].ndim
    return [values[0].transpose(*range(2, rank), 1, 0), *values[1:]]


def _conv2d_transpose(layer, values):
    axes = (2, 3, 0, 1) if layer.data_format == "channels_first" else (0, 1, 3, 2)
    return [_with_axes(values[0], 4).transpose(axes), *values[1:]]


def _separable_conv2d(layer, values):
    if layer.data_format != "channels_first":
        return values
    return [_with_axes(value, 4).transpose(2, 3, 1, 0) for value in values[:2]] + values[2:]


def _with_axes(value, rank):
    if value.ndim != rank:
        raise ValueError(f"Expected a kernel of rank {rank}. Received an array of {value.shape}.")
    return value


_OF_KERAS_1: dict[str, Callable[[Any, Arrays], Arrays]] = {
    "Conv1D": _conv1d,
    "Conv2D": _conv,
    "Conv3D": _conv,
    "Conv2DTranspose": _conv2d_transpose,
    "SeparableConv2D": _separable_conv2d,
}
