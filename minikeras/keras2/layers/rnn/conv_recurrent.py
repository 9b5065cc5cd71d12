"""Recurrent layers over sequences of images: the cell of ConvLSTM2D, any cell, and steps."""

import inspect
from typing import Any

from minikeras import ops
from minikeras.core import dims
from minikeras.keras2 import backend as K
from minikeras.keras2.engine.base.input_spec import InputSpec
from minikeras.keras2.layers.rnn.constants import RNN
from minikeras.keras2.layers.rnn.stepwise import Recurrent
from minikeras.keras2.layers.spelling import LAYOUTS
from minikeras.keras2.spelling import shown_as
from minikeras.layers import StackedRNNCells
from minikeras.layers.rnn.conv_lstm_cell import ConvLSTMCell
from minikeras.ops.nn import spatial


def convolved_shape(window, shape):
    """Return the shape of images after a convolution.

    Args:
        window: an object with `filters`, `kernel_size`, `strides`, `padding`, `dilation_rate` and
            `data_format`.
        shape: `(batch, rows, columns, channels)`, or `(batch, channels, rows, columns)`.

    Returns:
        A tuple in the same order.
    """
    batch, *rest = shape
    is_first = window.data_format == "channels_first"
    sizes = dims.from_public(tuple(rest[1:] if is_first else rest[:2]))
    taps = (window.kernel_size, window.strides)
    padding = spatial.paddings(window.padding, sizes, *taps, window.dilation_rate)
    sizes = spatial.output_sizes(sizes, *taps, padding, window.dilation_rate)
    sizes = dims.to_public(sizes)
    return (batch, window.filters, *sizes) if is_first else (batch, *sizes, window.filters)


def _with_fields_of(cls):
    """Let a constructor show the arguments of a cell, apart from the rank."""

    def decorate(function):
        signature = inspect.signature(cls.__init__)
        kept = [p for p in signature.parameters.values() if p.name != "rank"]
        function.__signature__ = signature.replace(parameters=kept)
        return function

    return decorate


class ConvLSTM2DCell(ConvLSTMCell):
    """One step of a ConvLSTM2D; the equations stand in the engine's `ConvLSTMCell`.

    Args:
        filters: number of channels of the states and of the output.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import ConvLSTM2DCell, ConvRNN2D, Input
        >>> K.int_shape(ConvRNN2D(ConvLSTM2DCell(2, 3))(Input((5, 8, 8, 3))))
        (None, 6, 6, 2)
    """

    @_with_fields_of(ConvLSTMCell)
    def __init__(self, **arguments):
        super().__init__(rank=2, **arguments)

    def build(self, input_shape):
        """Make the kernels `(rows, columns, channels, 4 * filters)` and the bias `(4 * filters,)`.

        Args:
            input_shape: the shape of the images of one step.
        """
        super().build(input_shape)

    def input_conv(self, x, w, b=None, padding="valid"):
        """Return a convolution of the inputs, with the strides and the dilation of the cell.

        Args:
            x: tensor, the images of one step.
            w: kernel `(rows, columns, channels, filters)`.
            b: bias `(filters,)`, or None.
            padding: `"valid"` or `"same"`.
        """
        layout = self.data_format
        y = K.conv2d(x, w, self.strides, padding, layout, self.dilation_rate)
        return y if b is None else K.bias_add(y, b, data_format=layout)

    def recurrent_conv(self, x, w):
        """Return a convolution of the state, which keeps its size.

        Args:
            x: tensor, a state.
            w: kernel `(rows, columns, filters, channels)`.
        """
        return K.conv2d(x, w, (1, 1), "same", self.data_format)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output, and a list of those of the two states."""
        return super().compute_output_shape(input_shape)


class ConvRNN2D(RNN):
    """Runs a cell of convolutions over a sequence of images.

    A cell has the `call` and the `state_size` of any cell, and the attributes of a convolution:
    `filters`, `kernel_size`, `strides`, `padding`, `dilation_rate` and `data_format`.

    Args:
        cell: the cell.
        return_sequences: whether to return the outputs of all steps or of the last.
        return_state: whether to return the last states as well.
        go_backwards: whether to begin at the last step.
        stateful: whether a batch starts from the states in which the last one ended.
        unroll: must be False.

    Raises:
        TypeError: for a list of cells, or with `unroll`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import ConvLSTM2DCell, ConvRNN2D, Input
        >>> layer = ConvRNN2D(ConvLSTM2DCell(2, 3), return_sequences=True)
        >>> K.int_shape(layer(Input((5, 8, 8, 3))))
        (None, 5, 6, 6, 2)
    """

    _sizes: Any = None

    def setup(self):
        """Check the arguments."""
        if self.unroll or isinstance(self.cell, StackedRNNCells):
            raise TypeError(
                "ConvRNN2D takes one cell, and no `unroll`. Received: "
                f"cell={self.cell!r}, unroll={self.unroll}"
            )
        super().setup()
        self.input_spec = InputSpec(ndim=5)

    def build(self, sequences_shape, initial_state_shape=None):
        """Build the cell for one step; the states have the size of its outputs."""
        self._sizes = convolved_shape(self.cell, (None, *sequences_shape[2:]))[1:]
        super().build(sequences_shape, initial_state_shape)

    def _step_shapes(self, step_shape):
        shape = convolved_shape(self.cell, step_shape)
        return shape, [shape] * len(self.state_size)

    def get_initial_state(self, batch_size):
        """Return the states before the first step: zeros.

        Args:
            batch_size: number of samples.

        Returns:
            A list of tensors of the shape of the cell's outputs.
        """
        shape = (batch_size, *self._sizes)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in self.state_size]


class ConvRecurrent2D(Recurrent):
    """The base of recurrent layers over sequences of images that are written as one step.

    Args:
        filters: number of channels of the output (`nb_filter` in Keras 1).
        kernel_size: int or two of them (`nb_row` and `nb_col` in Keras 1).
        strides: int or two of them.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the setting
            (`dim_ordering` in Keras 1).
        dilation_rate: int or two of them.
        return_sequences: see `Recurrent`.
        go_backwards: see `Recurrent`.
        stateful: see `Recurrent`.
        **kwargs: see `Recurrent`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import ConvRecurrent2D, Input
        >>> class Sum(ConvRecurrent2D):
        ...     def get_initial_state(self, inputs):
        ...         return [K.zeros_like(inputs[:, 0])]
        ...     def step(self, inputs, states):
        ...         return inputs + states[0], [inputs + states[0]]
        >>> K.int_shape(Sum(3, 1)(Input((5, 8, 8, 3))))
        (None, 8, 8, 3)
    """

    _old_arguments = ("weights", "nb_row", "nb_col", "nb_filter", "dim_ordering")

    @shown_as(
        "self, filters, kernel_size, strides=(1, 1), padding='valid', data_format=None, "
        "dilation_rate=(1, 1), return_sequences=False, go_backwards=False, stateful=False, **kwargs"
    )
    def __init__(
        self,
        filters=None,
        kernel_size=None,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        return_sequences=False,
        go_backwards=False,
        stateful=False,
        **kwargs,
    ):
        filters = kwargs.pop("nb_filter", filters)
        window = (kwargs.pop("nb_row", None), kwargs.pop("nb_col", None))
        data_format = LAYOUTS.get(kwargs.pop("dim_ordering", data_format), data_format)
        super().__init__(return_sequences, False, go_backwards, stateful, **kwargs)
        self.filters = filters
        self.kernel_size = spatial.per_axis(kernel_size or window, 2, "kernel_size")
        self.strides = spatial.per_axis(strides, 2, "strides")
        self.padding, self.data_format = padding, data_format or K.image_data_format()
        self.dilation_rate = spatial.per_axis(dilation_rate, 2, "dilation_rate")
        self.input_spec = [InputSpec(ndim=5)]

    def compute_output_shape(self, input_shape):
        """Return the shape of the output.

        Args:
            input_shape: sizes of the sequences, or a list of them and of those of first states.
        """
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        state = convolved_shape(self, (shape[0], *shape[2:]))
        return (*shape[:2], *state[1:]) if self.return_sequences else state

    def get_config(self):
        """Return the constructor's arguments."""
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        config = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **config}
