"""One step of a convolutional LSTM, with its weights."""

from typing import Any

from minikeras import ops
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
from minikeras.layers.convolutional.conv import _Windowed
from minikeras.layers.rnn.cells import lstm_bias
from minikeras.layers.rnn.dropout_cell import DropoutRNNCell, project
from minikeras.layers.rnn.fields import Rate, drawing_seed_first
from minikeras.ops.nn.conv import conv
from minikeras.ops.nn.rnn import lstm_step
from minikeras.ops.random.seeds import SeedGenerator


@drawing_seed_first
@layer
class ConvLSTMCell(DropoutRNNCell, _Windowed):
    """One step of a long short-term memory whose inputs and states are images.

    Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for Precipitation
    Nowcasting" (2015), without the connections from the cell state to the gates. With `K`, `U` and
    `b` for `kernel`, `recurrent_kernel` and `bias`, and `conv` for the convolution with the
    arguments of the cell, a step is

        z = conv(x, K) + conv_same(h_prev, U) + b  # (batch, height, width, 4 * filters)
        z_i, z_f, z_g, z_o = split(z, 4, axis=channels)
        i, f, o = recurrent_activation(z_i), recurrent_activation(z_f), recurrent_activation(z_o)
        g = activation(z_g)
        c = f * c_prev + i * g
        h = o * activation(c)

    where `conv_same` has steps of 1 and keeps the size of the state.

    Args:
        rank: int, the number of spatial axes: 1, 2 or 3.
        activation: function that gives the candidate, and the output of the cell state.
        recurrent_activation: function that gives the input, forget and output gates.
        unit_forget_bias: whether the bias of the forget gate starts at one (Jozefowicz et al.,
            2015).

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import minikeras as keras
        >>> from minikeras.layers.rnn.conv_lstm_cell import ConvLSTMCell
        >>> cell = ConvLSTMCell(2, 4, 3)
        >>> frames = keras.ops.ones((1, 8, 8, 3))
        >>> cell.build(frames.shape)
        >>> output, states = cell(frames, cell.get_initial_state(1))
        >>> output.shape, len(states)
        ((1, 6, 6, 4), 2)
    """

    drawn_seed = None
    gates_with_own_mask = 4

    rank: int
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
    kernel_constraint: Constraint = None
    recurrent_constraint: Constraint = None
    bias_constraint: Constraint = None
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    seed: int | None = None

    def setup(self):
        """Check the window's arguments and make the generator of the masks."""
        if self.rank not in (1, 2, 3):
            raise ValueError(
                f"A convolutional LSTM has 1, 2 or 3 spatial axes. Received: rank={self.rank}"
            )
        self._rank = self.rank
        super().setup()
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.state_size = [self.filters, self.filters]
        self.state_shape = None
        seed = self.drawn_seed if self.seed is None else self.seed
        self.seed_generator = SeedGenerator(seed=seed)

    @property
    def channel_axis(self):
        """The axis of inputs and states that counts their channels."""
        return -1 if self.data_format == "channels_last" else 1

    def build(self, inputs_shape, states_shape=None):
        """Make the kernels `(*window, channels, 4 * filters)` and the bias `(4 * filters,)`."""
        channels = self._input_channels(inputs_shape)
        if None in inputs_shape[1:]:
            raise ValueError(
                "A convolutional LSTM keeps a state of the size of its images, which must be known "
                f"when it is built; received the shape {tuple(inputs_shape)}."
            )
        self.state_shape = self.compute_output_shape(inputs_shape)[0][1:]
        self.input_spec = InputSpec(shape=(None, *inputs_shape[1:]))
        width = 4 * self.filters
        self.kernel = self.field_weight("kernel", (*self.kernel_size, channels, width))
        self.recurrent_kernel = self.field_weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, width)
        )
        self.bias = lstm_bias(self, self.filters) if self.use_bias else None

    def get_initial_state(self, batch_size=None):
        """Return the states before the first step: zeros.

        Args:
            batch_size: number of samples.

        Returns:
            A list of two tensors `(batch_size, *spatial, filters)`.

        Raises:
            ValueError: if the cell is not built, so that the states' sizes are not known.
        """
        if self.state_shape is None:
            raise ValueError(
                f"The states of layer '{self.name}' have the size of its outputs, which is not "
                "known before the layer is built: call it, or its `build`, first."
            )
        shape = (batch_size, *self.state_shape)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in self.state_size]

    def call(self, inputs, states, training=False):
        """Return the output and the new states `[h, c]`."""
        h, c = states
        mask = recurrent_mask = None
        if training and 0 < self.dropout < 1:
            mask = self.get_dropout_mask(inputs)
        if training and 0 < self.recurrent_dropout < 1:
            recurrent_mask = self.get_recurrent_dropout_mask(h)
        z = project(inputs, self.kernel, mask, self._convolved, self.channel_axis)
        if self.bias is not None:
            z = z + self._spread(self.bias)
        z = z + project(h, self.recurrent_kernel, recurrent_mask, self._same, self.channel_axis)
        gates = (self.activation, self.recurrent_activation)
        h, c = lstm_step(z, c, *gates, axis=self.channel_axis)
        return h, [h, c]

    def _convolved(self, x, kernel):
        return conv(x, kernel, **self._window_options())

    def _same(self, h, kernel):
        return conv(h, kernel, padding="same", data_format=self.data_format)

    def _spread(self, bias):
        """The bias with as many axes as the states have after their channels."""
        trailing = self.rank if self.data_format == "channels_first" else 0
        return ops.reshape(bias, (*bias.shape, *[1] * trailing))

    def compute_output_shape(self, inputs_shape, states_shape=None):
        """Return the shape of the output, and a list of those of the two states."""
        shape = self._output_shape(inputs_shape, self.filters)
        return shape, [shape, shape]

    def _masks_per_call(self):
        return self.gates_with_own_mask
