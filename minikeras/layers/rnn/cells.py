"""The cells of SimpleRNN, GRU and LSTM: one step of each, with its weights.

A cell is called as `cell(inputs, states)` and returns `(output, states)`; `RNN` runs it over the
steps of a sequence. The equations stand in `ops.rnn`.
"""

from minikeras import initializers, ops
from minikeras.core import trees
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.base.layer import Layer
from minikeras.layers.rnn.dropout_cell import DropoutRNNCell, project
from minikeras.layers.rnn.fields import Rate, Units, drawing_seed_first, taking
from minikeras.ops.nn.rnn import gru_step, lstm_step
from minikeras.ops.random.seeds import SeedGenerator


class _Cell(DropoutRNNCell, Layer):
    """What the three cells share: kernels, states, and masks that only training uses."""

    units: int
    use_bias: bool
    seed: int | None
    gates = 1
    state_count = 1
    drawn_seed = None

    def setup(self):
        """Say what the states look like and make the generator of the masks."""
        self.state_size = [self.units] * self.state_count if self.state_count > 1 else self.units
        self.output_size = self.units
        seed = self.drawn_seed if self.seed is None else self.seed
        self.seed_generator = SeedGenerator(seed=seed)

    def build(self, input_shape):
        """Make the kernel `(features, gates * units)`, the recurrent kernel and the bias."""
        width = self.gates * self.units
        self.kernel = self.field_weight("kernel", (input_shape[-1], width))
        self.recurrent_kernel = self.field_weight("recurrent_kernel", (self.units, width))
        self.bias = self._bias((width,)) if self.use_bias else None

    def _bias(self, shape):
        return self.field_weight("bias", shape)

    def get_initial_state(self, batch_size=None):
        """Return the states before the first step: zeros.

        Args:
            batch_size: number of samples.

        Returns:
            A list of tensors `(batch_size, units)`.
        """
        shape = (batch_size, self.units)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(self.state_count)]

    def _masks(self, inputs, h, training):
        """The masks of the inputs and of the state, None where none applies."""
        if not training:
            return None, None
        return self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(h)


class _GatedCell(_Cell):
    """A cell with gates; with recurrent dropout each of them has masks of its own."""

    def setup(self):
        """Note how many gates there are, and in how many products the kernels are multiplied."""
        super().setup()
        self.gates_with_own_mask = self.gates
        if self.recurrent_dropout:
            self.implementation = 1

    def _masks(self, inputs, h, training):
        """As in every cell, but a rate of 1 drops nothing."""
        masks = super()._masks(inputs, h, training)
        rates = (self.dropout, self.recurrent_dropout)
        return [mask if rate < 1 else None for mask, rate in zip(masks, rates, strict=True)]


@drawing_seed_first
@layer
class SimpleRNNCell(_Cell):
    """One step of a simple recurrent network: `h = activation(x @ kernel + h @ recurrent + bias)`.

    Args:
        activation: activation function or its name.

    Example:
        >>> import minikeras as keras
        >>> cell = keras.layers.SimpleRNNCell(4)
        >>> output, state = cell(keras.ops.ones((2, 3)), keras.ops.zeros((2, 4)))
        >>> output.shape
        (2, 4)
    """

    units: Units
    activation: Activation = "tanh"
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    recurrent_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    recurrent_constraint: Constraint = None
    bias_constraint: Constraint = None
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    seed: int | None = None

    def call(self, sequence, states, training=False):
        """Return the output and the new state, in a list if it was passed in one."""
        h = states[0] if trees.is_nested(states) else states
        mask, recurrent_mask = self._masks(sequence, h, training)
        z = project(sequence, self.kernel, mask)
        if self.bias is not None:
            z = z + self.bias
        h = self.activation(z + project(h, self.recurrent_kernel, recurrent_mask))
        return h, [h] if trees.is_nested(states) else h


@taking(implementation=2)
@layer
class GRUCell(_GatedCell):
    """One step of gated recurrent units (Cho et al., 2014).

    Args:
        activation: activation of the candidate.
        recurrent_activation: activation of the update and reset gates.
        reset_after: whether the reset gate applies after the product with the recurrent kernel;
            there are two biases then.

    Example:
        >>> import minikeras as keras
        >>> cell = keras.layers.GRUCell(4)
        >>> output, state = cell(keras.ops.ones((2, 3)), keras.ops.zeros((2, 4)))
        >>> output.shape
        (2, 4)
    """

    gates = 3

    units: Units
    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    recurrent_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    recurrent_constraint: Constraint = None
    bias_constraint: Constraint = None
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    reset_after: bool = True
    seed: int | None = None

    def _bias(self, shape):
        return self.field_weight("bias", (2, *shape) if self.reset_after else shape)

    def call(self, inputs, states, training=False):
        """Return the output and the new state, in a list if it was passed in one."""
        h = states[0] if trees.is_nested(states) else states
        mask, recurrent_mask = self._masks(inputs, h, training)
        z = project(inputs, self.kernel, mask)
        step = self._reset_after if self.reset_after else self._reset_before
        h = step(z, h, recurrent_mask)
        return h, [h] if trees.is_nested(states) else h

    def _reset_after(self, z, h, mask):
        z_state = project(h, self.recurrent_kernel, mask)
        if self.bias is not None:
            z, z_state = z + self.bias[0], z_state + self.bias[1]
        return gru_step(z, z_state, h, self.activation, self.recurrent_activation)

    def _reset_before(self, x_part, h, mask):
        """The next state; `x_part` is what the inputs give to the pre-activations.

        Equations (recurrent.gru_reset_before_step):
            x_z, x_r, x_g = split(x @ K + b, 3, axis=1)  # (batch, units) each
            U_z, U_r, U_g = split(U, 3, axis=1)  # (units, units) each
            z = sigmoid(x_z + h_prev @ U_z)
            r = sigmoid(x_r + h_prev @ U_r)
            g = tanh(x_g + (r * h_prev) @ U_g)
            h = z * h_prev + (1 - z) * g

        Equations (recurrent.gru_reset_before_step_backward):
            U_z, U_r, U_g = split(U, 3, axis=1)
            da_z = dh * (h_prev - g) * z * (1 - z)
            da_g = dh * (1 - z) * (1 - g**2)
            dreset = da_g @ U_g.T  # (batch, units), with respect to r * h_prev
            da_r = dreset * h_prev * r * (1 - r)
            da = concatenate([da_z, da_r, da_g], axis=1)  # (batch, 3 * units)
            dx = da @ K.T
            dh_prev = dh * z + dreset * r + da_z @ U_z.T + da_r @ U_r.T
            dK += x.T @ da
            dU += concatenate([h_prev.T @ da_z, h_prev.T @ da_r, (r * h_prev).T @ da_g], axis=1)
            db += sum(da, axis=0)
        """
        if self.bias is not None:
            x_part = x_part + self.bias
        first, last = (mask[:2], mask[2]) if mask is not None else (None, None)
        x_zr, x_g = ops.split(x_part, [2 * self.units], axis=-1)
        U_zr, U_g = ops.split(self.recurrent_kernel, [2 * self.units], axis=-1)
        gates = self.recurrent_activation(x_zr + project(h, U_zr, first))
        z, r = ops.split(gates, 2, axis=-1)
        g = self.activation(x_g + project(r * h, U_g, last))
        return z * h + (1 - z) * g


@taking(implementation=2)
@layer
class LSTMCell(_GatedCell):
    """One step of a long short-term memory (Hochreiter and Schmidhuber, 1997).

    Args:
        activation: activation of the candidate and of the cell state.
        recurrent_activation: activation of the input, forget and output gates.
        unit_forget_bias: whether the bias of the forget gate starts at one (Jozefowicz et al.,
            2015).

    Example:
        >>> import minikeras as keras
        >>> cell = keras.layers.LSTMCell(4)
        >>> output, states = cell(keras.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, len(states)
        ((2, 4), 2)
    """

    gates = 4
    state_count = 2

    units: Units
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

    def _bias(self, shape):
        return lstm_bias(self, self.units)

    def call(self, inputs, states, training=False):
        """Return the output and the new states `[h, c]`."""
        h, c = states
        mask, recurrent_mask = self._masks(inputs, h, training)
        z = project(inputs, self.kernel, mask) + project(h, self.recurrent_kernel, recurrent_mask)
        if self.bias is not None:
            z = z + self.bias
        h, c = lstm_step(z, c, self.activation, self.recurrent_activation)
        return h, [h, c]


def lstm_bias(cell, units):
    """Make the bias `(4 * units,)` of the gates `i, f, g, o`, of which `f` may start at one.

    Args:
        cell: layer with the fields `unit_forget_bias`, `bias_initializer` and the like.
        units: int, the number of biases of each gate.

    Returns:
        A `Variable`.
    """
    if not cell.unit_forget_bias:
        return cell.field_weight("bias", (4 * units,))

    def ones_in_forget_gate(_shape, dtype=None):
        first = cell.bias_initializer((units,), dtype=dtype)
        forget = initializers.get("ones")((units,), dtype=dtype)
        rest = cell.bias_initializer((2 * units,), dtype=dtype)
        return ops.concatenate([first, forget, rest], axis=0)

    return cell.add_weight(
        shape=(4 * units,),
        initializer=ones_in_forget_gate,
        regularizer=cell.bias_regularizer,
        constraint=cell.bias_constraint,
        name="bias",
    )
