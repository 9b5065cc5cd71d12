"""CuDNNLSTM and CuDNNGRU: LSTM and GRU with weights as cuDNN orders them, on any device.

cuDNN reads the kernel of each gate, `(features, units)` numbers in a row, as a matrix
`(units, features)`, and adds a bias to the inputs' part and another to the state's:

    K_gate = reshape(kernel_gate, (units, features)).T
    U_gate = recurrent_kernel_gate.T

The gates are sigmoid and tanh; a GRU's reset gate applies after the product with U.
"""

from typing import TYPE_CHECKING, Any

from minikeras import initializers, ops
from minikeras.layers.base.declare import layer
from minikeras.layers.rnn.cells import GRUCell, LSTMCell
from minikeras.layers.rnn.fields import taking
from minikeras.layers.rnn.fused import FusedRNN
from minikeras.layers.rnn.gru import GRU
from minikeras.layers.rnn.lstm import LSTM
from minikeras.ops.nn import rnn as sequences

# To the checker this part of a layer is an RNN, whose methods it goes on to by `super()`.
_Rest = FusedRNN if TYPE_CHECKING else object


def as_matrix(kernel, gates):
    """Return a kernel in cuDNN's order as the matrix that inputs are multiplied by.

    Args:
        kernel: tensor `(features, gates * units)`.
        gates: the number of gates.

    Returns:
        A tensor of the same shape.
    """
    features, width = kernel.shape
    units = width // gates
    blocks = ops.transpose(ops.reshape(kernel, (features, gates, units)), (1, 0, 2))
    blocks = ops.reshape(blocks, (gates, units, features))
    return ops.reshape(ops.transpose(blocks, (2, 0, 1)), (features, width))


class _CuDNN(_Rest):
    """The part of a layer that computes with weights in cuDNN's order."""

    _biases: Any

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Run over the steps; there are no masks, as with cuDNN.

        Raises:
            ValueError: if there is a mask.
        """
        if mask is not None:
            raise ValueError(
                f"Layer {self.name!r} cannot skip steps, but received a mask: use LSTM or GRU, "
                "which can."
            )
        return super().call(sequences, initial_state, None, training)

    def _loop(self, x, states, mask, training):
        cell = self.cell
        output, *states = self.sequence_op(
            x,
            as_matrix(cell.kernel, cell.gates),
            as_matrix(cell.recurrent_kernel, cell.gates),
            self._biases(cell.bias),
            *states,
            None,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            zero_output_for_mask=False,
        )
        return output, states


class _CuDNNLSTMCell(LSTMCell):
    """The weights of CuDNNLSTM: a bias `(8 * units,)`, the inputs' half first."""

    def _bias(self, shape):
        def first_values(_shape, dtype=None):
            zeros = self.bias_initializer
            parts = [zeros((5 * self.units,), dtype=dtype), zeros((2 * self.units,), dtype=dtype)]
            ones = initializers.get("ones")((self.units,), dtype=dtype)
            return ops.concatenate([parts[0], ones, parts[1]], axis=0)

        return self.add_weight(
            shape=(2 * shape[0],),
            initializer=first_values if self.unit_forget_bias else self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
            name="bias",
        )


class _CuDNNGRUCell(GRUCell):
    """The weights of CuDNNGRU: a bias `(6 * units,)`, the inputs' half first."""

    def _bias(self, shape):
        return self.field_weight("bias", (2 * shape[0],))


@taking(zero_output_for_mask=False, implementation=2)
@layer
class CuDNNLSTM(_CuDNN, LSTM):
    """LSTM with weights in cuDNN's order, and two biases; it runs on any device.

    Args:
        units: size of the state and of the output.

    Example:
        >>> from minikeras.keras2.layers import CuDNNLSTM
        >>> from minikeras.keras2.models import Sequential
        >>> layer = CuDNNLSTM(4, input_shape=(5, 3))
        >>> [w.shape for w in Sequential([layer]).get_weights()]
        [(3, 16), (4, 16), (32,)]
    """

    cell_class = _CuDNNLSTMCell
    sequence_op = sequences.lstm

    def _biases(self, bias):
        first, second = ops.split(bias, 2)
        return first + second


@taking(zero_output_for_mask=False, implementation=2)
@layer
class CuDNNGRU(_CuDNN, GRU):
    """GRU with weights in cuDNN's order, and two biases; it runs on any device.

    Args:
        units: size of the state and of the output.

    Example:
        >>> from minikeras.keras2.layers import CuDNNGRU
        >>> from minikeras.keras2.models import Sequential
        >>> layer = CuDNNGRU(4, input_shape=(5, 3))
        >>> [w.shape for w in Sequential([layer]).get_weights()]
        [(3, 12), (4, 12), (24,)]
    """

    cell_class = _CuDNNGRUCell
    sequence_op = sequences.gru

    def _biases(self, bias):
        return ops.reshape(bias, (2, -1))
