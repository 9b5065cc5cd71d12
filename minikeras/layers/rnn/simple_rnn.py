"""The SimpleRNN layer."""

from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.rnn.cells import SimpleRNNCell
from minikeras.layers.rnn.fields import Rate, Units, drawing_seed_first, taking
from minikeras.layers.rnn.fused import FusedRNN
from minikeras.layers.rnn.rnn import RNN
from minikeras.ops.nn import rnn as sequences


@taking(zero_output_for_mask=False)
@drawing_seed_first
@layer
class SimpleRNN(FusedRNN, RNN):
    """A simple recurrent network: the output of a step is fed back into the next.

    `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        activation: activation function or its name.
        **kwargs: `name`, `dtype`, `trainable`, and `zero_output_for_mask`: whether the output of a
            masked step is zero rather than the one before it.

    Input shape: `(batch, steps, features)`; output shape: `(batch, units)`, or
    `(batch, steps, units)`; with `return_state` a tuple of the output and the state.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SimpleRNN(4)(keras.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = SimpleRNNCell
    cell_name = "simple_rnn_cell"
    sequence_op = sequences.simple_rnn
    cell_options = ("drawn_seed",)
    unsaved = ("seed",)
    _fields = {}  # replaced by `@layer`; those of RNN are others

    units: Units
    activation: Activation = "tanh"
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    recurrent_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    recurrent_constraint: Constraint = None
    bias_constraint: Constraint = None
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    seed: int | None = None
