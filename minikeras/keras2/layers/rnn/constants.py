"""RNN, Bidirectional and stacked cells with `constants`: tensors that all steps get."""

from typing import Any

from minikeras import layers
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.rnn.stacked import call_cell


class RNN(layers.RNN):
    """Runs a cell over the steps of a sequence; `constants` are the same in every step."""

    _constants = None
    _constant_shapes: Any = ()

    def build(self, sequences_shape, initial_state_shape=None):
        """Build the cell for one step, and for the constants if it takes any."""
        if self._constant_shapes and not getattr(self.cell, "built", True):
            step_shape = (sequences_shape[0], *sequences_shape[2:])
            self.cell.build([step_shape, *self._constant_shapes])
        super().build(sequences_shape, initial_state_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False, constants=None):
        """Run the cell.

        Args:
            sequences: tensor `(batch, steps, ...)`.
            initial_state: tensor or list of them to start from.
            mask: bool tensor `(batch, steps)`, False where there is no data.
            training: whether dropout applies.
            constants: list of tensors that each call of the cell gets, or None.

        Returns:
            The output; with `return_state` a tuple of the output and the last states.
        """
        with _Given((self,), constants):
            return super().call(sequences, initial_state, mask, training)

    def _call_cell(self, inputs, states, training):
        more = {} if self._constants is None else {"constants": self._constants}
        return call_cell(self.cell, inputs, states, training, **more)


class StackedRNNCells(layers.StackedRNNCells):
    """Several cells as one; those whose `call` takes `constants` get them."""

    def call(self, inputs, states, training=False, constants=None, **kwargs):
        """Return the last cell's output and a list of the new states of all cells.

        Args:
            inputs: tensor `(batch, features)`.
            states: list of lists of tensors, the states of each cell.
            training: whether dropout applies.
            constants: list of tensors, or None.
            **kwargs: passed on to the cells.
        """
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            more = (
                {"constants": constants} if signature_of(type(cell).call).has("constants") else {}
            )
            inputs, own = call_cell(cell, inputs, list(own), training, **kwargs, **more)
            new_states.append(own)
        return inputs, new_states


class Bidirectional(layers.Bidirectional):
    """Runs two recurrent layers, from both ends; `constants` are the same in every step."""

    def call(self, sequences, initial_state=None, mask=None, training=None, constants=None):
        """Run both layers; see the engine's, and `RNN` for `constants`."""
        with _Given(self._pair(), constants):
            return super().call(sequences, initial_state, mask, training)


class _Given:
    """The constants of some layers, during one call of them."""

    def __init__(self, parts, constants):
        self._parts = parts if constants is not None else ()
        self._constants = constants

    def __enter__(self):
        for part in self._parts:
            object.__setattr__(part, "_constants", self._constants)

    def __exit__(self, *_):
        for part in self._parts:
            object.__setattr__(part, "_constants", None)


def note_constants(layer, constants):
    """Tell a layer how many constants it gets, and its recurrent layers of which shapes.

    It needs the number for its config, and these the shapes to be built.

    Args:
        layer: RNN, or a layer that holds some.
        constants: list of tensors.
    """
    object.__setattr__(layer, "num_constants", len(constants))
    for part in layer._flatten_layers():
        if isinstance(part, RNN):
            object.__setattr__(part, "_constant_shapes", [tuple(c.shape) for c in constants])
