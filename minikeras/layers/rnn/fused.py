"""Recurrent layers that make their cell themselves, and those with a fused op for sequences."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minikeras import activations, ops
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.rnn.fields import Recurrent
from minikeras.layers.rnn.rnn import RNN

# To the checker this part of a layer is an RNN, whose methods it goes on to by `super()`.
_Rest = RNN if TYPE_CHECKING else object


class OwnCellRNN(Recurrent, _Rest):
    """The part of a layer that makes a built-in cell out of the layer's own fields.

    Layers name the `cell_class`, the `cell_name`, the attributes that the cell takes besides its
    fields (`cell_options`), those that a config has besides the layer's fields (`saved_options`),
    and the fields that it lacks (`unsaved`).
    """

    cell_class: Any
    cell_name: str
    cell_options: tuple[str, ...] = ()
    saved_options: tuple[str, ...] = ("zero_output_for_mask",)
    unsaved: tuple[str, ...] = ()

    def setup(self):
        """Make the cell out of the layer's own fields."""
        options = {name: getattr(self, name) for name in self.cell_class._fields}
        options |= {name: getattr(self, name) for name in self.cell_options}
        self.cell = self.cell_class(
            **options, dtype=self.dtype_policy, trainable=self.trainable, name=self.cell_name
        )
        super().setup()

    def get_config(self):
        """Return the constructor's arguments, as far as they are saved."""
        config = super().get_config()
        config |= {name: getattr(self, name) for name in self.saved_options}
        return {key: value for key, value in config.items() if key not in self.unsaved}


class FusedRNN(OwnCellRNN):
    """The part of a layer that runs its cell as one op where that is the same.

    Layers name the `sequence_op`. The op knows tanh and sigmoid, no dropout of the state, and the
    float types that matrix products are made in; all else goes step by step.

    Args:
        use_cudnn: taken for the sake of old scripts; the results are the same.
    """

    sequence_op: Callable[..., Any]
    cell_options = ("implementation",)
    unsaved = ("use_cudnn",)

    def setup(self):
        """Make the cell, and demand sequences of vectors."""
        super().setup()
        self.input_spec = InputSpec(ndim=3)

    def _loop(self, sequences, states, mask, training):
        if not self._runs_fused(training):
            return super()._loop(sequences, states, mask, training)
        cell = self.cell
        dropout_mask, _ = cell._masks(sequences[:, 0], states[0], training)
        if dropout_mask is not None:
            sequences = sequences * ops.expand_dims(dropout_mask, 1)
        output, *states = self.sequence_op(
            sequences,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            *states,
            mask,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return output, states

    def _runs_fused(self, training):
        cell = self.cell
        gates = getattr(cell, "recurrent_activation", activations.sigmoid)
        return (
            type(cell) is self.cell_class
            and cell.activation is activations.tanh
            and gates is activations.sigmoid
            and getattr(cell, "reset_after", True)
            and not (training and cell.recurrent_dropout)
            and self.compute_dtype in ("float32", "float64")
        )
