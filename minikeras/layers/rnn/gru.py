"""The GRU layer."""

from typing import Any

from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.rnn.cells import GRUCell
from minikeras.layers.rnn.fields import Rate, Units, taking
from minikeras.layers.rnn.fused import FusedRNN
from minikeras.layers.rnn.rnn import RNN
from minikeras.ops.nn import rnn as sequences


@taking(zero_output_for_mask=False, implementation=2)
@layer
class GRU(FusedRNN, RNN):
    """Gated recurrent units over a sequence.

    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014).

    Args:
        activation: activation of the candidate.
        recurrent_activation: activation of the update and reset gates.
        reset_after: whether the reset gate applies after the product with the recurrent kernel;
            there are two biases then.
        **kwargs: `name`, `dtype`, `trainable`, and `zero_output_for_mask`: whether the output of a
            masked step is zero rather than the one before it.

    Input shape: `(batch, steps, features)`; output shape: `(batch, units)`, or
    `(batch, steps, units)`; with `return_state` a tuple of the output and the state.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GRU(4)(keras.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = GRUCell
    cell_name = "gru_cell"
    sequence_op = sequences.gru
    _fields = {}  # replaced by `@layer`; those of RNN are others

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
    reset_after: bool = True
    use_cudnn: Any = "auto"
