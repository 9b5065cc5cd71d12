"""Convolutional LSTM layers of one, two and three spatial axes."""

from typing import Any, ClassVar

from minikeras.layers.base.arguments import Count, DataFormat, Padding
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.rnn.conv_lstm_cell import ConvLSTMCell
from minikeras.layers.rnn.fields import Rate, drawing_seed_first, taking
from minikeras.layers.rnn.fused import OwnCellRNN
from minikeras.layers.rnn.rnn import RNN


@layer
class _ConvLSTM(OwnCellRNN, RNN):
    """A convolutional LSTM; the number of axes is up to subclasses.

    Args:
        filters: int, the number of channels of the states and of the output.
        kernel_size: int, or one int for each spatial axis: the size of both kernels' windows.
        strides: int, or one int for each spatial axis: the steps of the window over the inputs.
        dilation_rate: int, or one int for each spatial axis: the steps between the taps of the
            window over the inputs; other than 1 it goes with strides of 1 only.
        activation: function that the candidate and the cell state go through.
        recurrent_activation: function that the three gates go through.
        unit_forget_bias: whether the bias of the forget gate starts at one.
        **kwargs: `name`, `dtype`, `trainable`; `unroll`, for the sake of old scripts; and
            `zero_output_for_mask`: whether the output of a masked step is zero rather than the one
            before it.
    """

    cell_class = ConvLSTMCell
    cell_name = "conv_lstm_cell"
    cell_options = ("drawn_seed",)
    saved_options = ("unroll", "zero_output_for_mask")
    rank: ClassVar[int]
    _fields = {}  # replaced by `@layer`; those of RNN are others

    filters: Count
    kernel_size: Any
    strides: Any = 1
    padding: Padding = "valid"
    data_format: DataFormat = None
    dilation_rate: Any = 1
    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    unit_forget_bias: bool = True
    kernel_regularizer: Regularizer = None
    recurrent_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    recurrent_constraint: Constraint = None
    bias_constraint: Constraint = None
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    seed: int | None = None
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False

    def setup(self):
        """Make the cell, and take over the form that it gives to the window's arguments."""
        super().setup()
        for name in ("kernel_size", "strides", "padding", "dilation_rate"):
            setattr(self, name, getattr(self.cell, name))
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def _step_shapes(self, step_shape):
        return self.cell.compute_output_shape(step_shape)


@taking(unroll=False, zero_output_for_mask=False)
@drawing_seed_first
@layer
class ConvLSTM1D(_ConvLSTM):
    """Long short-term memory over a sequence of sequences, with convolutions along one axis.

    Shi et al., "Convolutional LSTM Network" (2015); the equations stand in `ConvLSTMCell`.

    Input shape: `(batch, steps, length, channels)`; output shape: `(batch, new_length, filters)`,
    or `(batch, steps, new_length, filters)`; with `return_state` a tuple of the output and the
    states `h`, `c`. The channels come before the length with `"channels_first"`.

    Raises:
        ValueError: if an argument is outside its range, or a spatial size is not known.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ConvLSTM1D(4, 3)(keras.ops.ones((2, 3, 8, 3))).shape
        (2, 6, 4)
    """

    rank = 1


@taking(unroll=False, zero_output_for_mask=False)
@drawing_seed_first
@layer
class ConvLSTM2D(_ConvLSTM):
    """Long short-term memory over a sequence of images, with convolutions along two axes.

    Shi et al., "Convolutional LSTM Network" (2015); the equations stand in `ConvLSTMCell`.

    Input shape: `(batch, steps, height, width, channels)`; output shape: `(batch, new_height,
    new_width, filters)`, or `(batch, steps, new_height, new_width, filters)`; with `return_state` a
    tuple of the output and the states `h`, `c`. The channels come before the height with
    `"channels_first"`.

    Raises:
        ValueError: if an argument is outside its range, or a spatial size is not known.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ConvLSTM2D(4, 3)(keras.ops.ones((2, 3, 8, 8, 3))).shape
        (2, 6, 6, 4)
    """

    rank = 2


@taking(unroll=False, zero_output_for_mask=False)
@drawing_seed_first
@layer
class ConvLSTM3D(_ConvLSTM):
    """Long short-term memory over a sequence of volumes, with convolutions along three axes.

    Shi et al., "Convolutional LSTM Network" (2015); the equations stand in `ConvLSTMCell`.

    Input shape: `(batch, steps, *spatial, channels)`; output shape: `(batch, *new_spatial,
    filters)`, or `(batch, steps, *new_spatial, filters)`; with `return_state` a tuple of the output
    and the states `h`, `c`. The channels come before the spatial axes with `"channels_first"`.

    Raises:
        ValueError: if an argument is outside its range, or a spatial size is not known.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ConvLSTM3D(4, 2)(keras.ops.ones((2, 3, 4, 5, 6, 3))).shape
        (2, 3, 4, 5, 4)
    """

    rank = 3
