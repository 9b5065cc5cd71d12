"""RNN: any cell, run over the steps of a sequence."""

from typing import Annotated, Any

from minikeras import initializers, ops
from minikeras.autograd.variable import Variable
from minikeras.core import registry, trees
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.layer import Layer
from minikeras.layers.base.marks import default
from minikeras.layers.rnn.stacked import (
    StackedRNNCells,
    call_cell,
    check_cell,
    for_each_cell,
    initial_state,
    output_size,
    sizes,
)
from minikeras.ops.nn.loop import checked_mask, rnn


def _as_cell(cell, name):
    """One cell: a list of cells is stacked."""
    if isinstance(cell, (list, tuple)):
        cell = StackedRNNCells(cell)
    check_cell(cell)
    return cell


@layer
class RNN(Layer):
    """Run a cell over the steps of a sequence.

    A cell has a `state_size` (an int, or a list with one for each state) and a method
    `call(inputs, states)` that returns `(output, new_states)`; it may have an `output_size` and
    `get_initial_state(batch_size)`.

    Args:
        cell: a cell, or a list of cells to stack.
        return_sequences: whether to return the outputs of all steps or of the last.
        return_state: whether to return the last states as well.
        go_backwards: whether to begin at the last step; outputs come in the order of the steps
            taken.
        stateful: whether a batch starts from the states in which the last one ended.
        unroll: taken for the sake of old scripts; the results are the same.
        zero_output_for_mask: whether the output of a masked step is zero rather than the one
            before it.

    Input shape: `(batch, steps, features)`; output shape: `(batch, units)`, or
    `(batch, steps, units)`; with `return_state` a tuple of the output and the states.

    Raises:
        ValueError: if the cell lacks `call` or `state_size`.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((2, 5, 3))
        >>> keras.layers.RNN(keras.layers.LSTMCell(4), return_sequences=True)(x).shape
        (2, 5, 4)
    """

    cell: Annotated[Any, Field(_as_cell, registry.serialize)]
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False

    def setup(self):
        """Note what the states look like."""
        self.supports_masking = True
        self.states: Any = None
        size = self.cell.state_size
        self.single_state = isinstance(size, int)
        self.state_size = [size] if self.single_state else list(size)
        if not all(isinstance(part, int) for part in trees.flatten(size)):
            raise ValueError(
                "`state_size` of a cell must be an int, or a list or tuple with an int for each "
                f"state. Received: state_size={size}"
            )

    def build(self, sequences_shape, initial_state_shape=None):
        """Build the cell for one step, and the states that a stateful layer keeps."""
        step_shape = (sequences_shape[0], *sequences_shape[2:])
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build(step_shape)
        if self.stateful:
            self._make_states(sequences_shape)

    def _make_states(self, sequences_shape):
        batch = sequences_shape[0]
        if batch is None:
            raise ValueError(
                "A stateful RNN keeps a state for each sequence of the batch, so the batch size "
                "must be known: give `batch_shape` (or `batch_size`) to the Input of the model. "
                f"Received: sequences.shape={tuple(sequences_shape)}"
            )
        _, shapes = self._step_shapes((batch, *sequences_shape[2:]))
        self._keep(trees.map_up_to(self._kept_state, self.state_size, shapes))

    def _step_shapes(self, step_shape):
        """The shape of the cell's output, and the nest of those of its states."""
        batch = step_shape[0]
        states = trees.map_structure(lambda d: (batch, d), self.state_size)
        return (batch, *sizes(output_size(self.cell))), states

    def _kept_state(self, _size, shape):
        return Variable(
            initializers.get("zeros"),
            shape=shape,
            dtype=self.variable_dtype,
            trainable=False,
            name="rnn_state",
        )

    def _keep(self, states):
        """Hold variables that are no weights: they are neither counted nor saved."""
        object.__setattr__(self, "states", states)

    def get_initial_state(self, batch_size):
        """Return the states before the first step.

        Args:
            batch_size: number of samples.

        Returns:
            A list of tensors, nested for stacked cells.
        """
        return initial_state(self.cell, batch_size, self.compute_dtype)

    def reset_state(self):
        """Set the kept states to zero; nothing happens if none are kept."""
        for state in trees.flatten(self.states or []):
            state.assign(ops.zeros(state.shape, dtype=state.dtype))

    def reset_states(self):
        """Alias of `reset_state`."""
        self.reset_state()

    def call(self, sequences, initial_state=None, mask: Any = None, training=False):
        """Run the cell.

        Args:
            sequences: tensor `(batch, steps, ...)`.
            initial_state: tensor or list of them to start from.
            mask: bool tensor `(batch, steps)`, False where there is no data.
            training: whether dropout applies.

        Returns:
            The output; with `return_state` a tuple of the output and the last states.
        """
        mask = checked_mask(mask[0] if trees.is_nested(mask) else mask, sequences)
        states = self._first_states(sequences, initial_state)
        if not training:
            for_each_cell(self.cell, "skip_masks")
        output, states = self._loop(sequences, states, mask, training)
        for_each_cell(self.cell, "reset_dropout_mask")
        for_each_cell(self.cell, "reset_recurrent_dropout_mask")
        if self.stateful:
            kept = zip(trees.flatten(self.states), trees.flatten(states), strict=True)
            for variable, value in kept:
                variable.assign(value)
        return (output, *states) if self.return_state else output

    def _first_states(self, sequences, states):
        batch = sequences.shape[0]
        if states is None:
            states = self.states if self.stateful else self.get_initial_state(batch)
        states = list(states) if trees.is_nested(states) else [states]
        states = trees.map_structure(
            lambda state: ops.convert_to_tensor(state, dtype=self.compute_dtype), states
        )
        sizes, flat = trees.flatten(self.state_size), trees.flatten(states)
        if len(flat) != len(sizes):
            raise ValueError(
                f"Layer '{self.name}' has {len(sizes)} states, but `initial_state` has "
                f"{len(flat)}: {states}"
            )
        if self.stateful and isinstance(batch, int) and flat[0].shape[0] != batch:
            raise ValueError(
                "A stateful RNN goes on from the states of the batch before, so all batches must "
                f"have its size. Expected: a batch of {flat[0].shape[0]}. Received: one of {batch}"
            )
        return states

    def _loop(self, sequences, states, mask, training):
        """Return the output and the last states, one call of the cell for every step."""

        def step(inputs, states):
            output, new = self._call_cell(inputs, tuple(states), training)
            return output, list(new) if trees.is_nested(new) else [new]

        last, outputs, states = rnn(
            step,
            sequences,
            states,
            go_backwards=self.go_backwards,
            mask=mask,
            zero_output_for_mask=self.zero_output_for_mask,
            return_all_outputs=self.return_sequences,
        )
        return outputs if self.return_sequences else last, states

    def _call_cell(self, inputs, states, training) -> Any:
        return call_cell(self.cell, inputs, states, training)

    def compute_mask(self, sequences, mask: Any = None, initial_state=None):
        """Return the mask of the outputs, None for states and for a single output."""
        own = (mask[0] if trees.is_nested(mask) else mask) if self.return_sequences else None
        return [own, *[None] * len(self.state_size)] if self.return_state else own

    @default
    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Return the shape of the output, with `return_state` in a tuple with the states'."""
        output, states = self._step_shapes((sequences_shape[0], *sequences_shape[2:]))
        if self.return_sequences:
            output = (*output[:1], sequences_shape[1], *output[1:])
        return (output, *states) if self.return_state else output
