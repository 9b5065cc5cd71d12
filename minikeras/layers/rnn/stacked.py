"""StackedRNNCells: several cells that behave as one."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core import registry, trees
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.layer import Layer


def check_cell(cell):
    """Raise a ValueError unless an object has what an RNN asks of a cell."""
    if not hasattr(cell, "call"):
        raise ValueError(
            f"A cell must have a method `call(inputs, states)`, one step. Received: cell={cell!r}"
        )
    if not hasattr(cell, "state_size"):
        raise ValueError(
            "A cell must have a `state_size`, an int for each of its states. Received: "
            f"cell={cell!r}"
        )


def _checked_cells(cells, name):
    for cell in cells:
        check_cell(cell)
    return list(cells)


def _serialized(cells):
    return [registry.serialize(cell) for cell in cells]


@layer
class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: list of cells.

    Example:
        >>> import minikeras as keras
        >>> cells = [keras.layers.LSTMCell(4), keras.layers.GRUCell(2)]
        >>> stacked = keras.layers.StackedRNNCells(cells)
        >>> keras.layers.RNN(stacked)(keras.ops.ones((1, 5, 3))).shape
        (1, 2)
    """

    cells: Annotated[Any, Field(_checked_cells, _serialized)]

    @property
    def state_size(self):
        """The state sizes of all cells, in order."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        """The size of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size=None):
        """Return a list of the states of all cells before the first step."""
        return [initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape):
        """Build every cell for the output of the one before."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], *sizes(output_size(cell)))

    def call(self, inputs, states, training=False, **kwargs):
        """Return the last cell's output and a list of the new states of all cells."""
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            own = list(own) if trees.is_nested(own) else [own]
            inputs, own = call_cell(cell, inputs, own, training, **kwargs)
            new_states.append(own)
        return inputs, new_states

    def skip_masks(self):
        """Let the generators of all cells step on as if masks had been drawn."""
        for_each_cell(self, "skip_masks")

    @classmethod
    def from_config(cls, config):
        """Make the cells, and the layer, from what `get_config` returned."""
        with registry.reading(config):
            cells = [registry.deserialize(cell) for cell in config["cells"]]
        return super().from_config({**config, "cells": cells})


def for_each_cell(cell, method):
    """Call a method, without arguments, of every cell in `cell` that has it."""
    for each in cell.cells if isinstance(cell, StackedRNNCells) else [cell]:
        getattr(each, method, _nothing)()


def _nothing():
    """Stands for a method that a cell need not have."""


def call_cell(cell: Any, inputs, states, training, **kwargs) -> Any:
    """Call a cell; one that is no layer does not hear of `training`."""
    if isinstance(cell, Layer):
        kwargs["training"] = training
    return cell(inputs, states, **kwargs)


def output_size(cell):
    """Return the size of a cell's output: by default that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if trees.is_nested(cell.state_size) else cell.state_size


def sizes(size):
    """Return a size, or a nest of sizes of one tensor, as a tuple."""
    return tuple(size) if trees.is_nested(size) else (size,)


def initial_state(cell, batch_size, dtype):
    """Return a cell's states before the first step as a list; zeros if it does not say."""
    if hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch_size)
    else:
        states = [ops.zeros((batch_size, d), dtype=dtype) for d in sizes(cell.state_size)]
    return list(states) if trees.is_nested(states) else [states]
