"""The LSTM layer."""

from typing import Any

from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.rnn.cells import LSTMCell
from minikeras.layers.rnn.fields import Rate, Units, taking
from minikeras.layers.rnn.fused import FusedRNN
from minikeras.layers.rnn.rnn import RNN
from minikeras.ops.nn import rnn as sequences


@taking(zero_output_for_mask=False, implementation=2)
@layer
class LSTM(FusedRNN, RNN):
    """Long short-term memory over a sequence.

    Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), with the forget gate of Gers et al.
    (2000).

    Args:
        activation: activation of the candidate and of the cell state.
        recurrent_activation: activation of the input, forget and output gates.
        unit_forget_bias: whether the bias of the forget gate starts at one.
        **kwargs: `name`, `dtype`, `trainable`, and `zero_output_for_mask`: whether the output of a
            masked step is zero rather than the one before it.

    Input shape: `(batch, steps, features)`; output shape: `(batch, units)`, or
    `(batch, steps, units)`; with `return_state` a tuple of the output and the states `h`, `c`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((2, 5, 3))
        >>> y, h, c = keras.layers.LSTM(4, return_sequences=True, return_state=True)(x)
        >>> y.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
    """

    cell_class = LSTMCell
    cell_name = "lstm_cell"
    sequence_op = sequences.lstm
    _fields = {}  # replaced by `@layer`; those of RNN are others

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
    unroll: bool = False
    use_cudnn: Any = "auto"
