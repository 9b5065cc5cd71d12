"""Calls of recurrent layers in a graph, with first states as inputs, and states that are kept."""

import numpy as np

from minikeras.core import trees
from minikeras.keras2.engine.layer import Layer


def symbolic_call(layer, inputs, initial_state=None, **kwargs):
    """Add the layer to the graph; a list of inputs holds the sequences and the first states.

    Args:
        layer: a recurrent layer.
        inputs: tensor, or a list of it and of the first states.
        initial_state: tensor or list of tensors to start from, or None.
        **kwargs: see the layer's `call`.

    Returns:
        The output; with `return_state` a list of the output and the last states.
    """
    if isinstance(inputs, (list, tuple)):
        inputs, *states = inputs
        initial_state = states or initial_state
    if initial_state is not None:
        kwargs["initial_state"] = initial_state
    outputs = Layer.symbolic_call(layer, inputs, **kwargs)
    return list(outputs) if isinstance(outputs, tuple) else outputs


def reset_states(layer, states=None):
    """Give the states that a stateful layer keeps values: zeros, or those of arrays.

    Args:
        layer: a stateful recurrent layer.
        states: array or list of arrays, or None.

    Raises:
        AttributeError: if the layer keeps no states.
        ValueError: if the number or a shape of the arrays is another.
    """
    if not layer.stateful:
        raise AttributeError("Layer must be stateful.")
    own = trees.flatten(layer.states or [])
    if states is None:
        values = [np.zeros(state.shape, "float32") for state in own]
    else:
        values = list(states) if isinstance(states, (list, tuple)) else [states]
    if [np.shape(value) for value in values] != [tuple(state.shape) for state in own]:
        raise ValueError(
            f"Layer {layer.name} expects states of shapes {[tuple(s.shape) for s in own]}, but "
            f"received {[np.shape(value) for value in values]}."
        )
    for state, value in zip(own, values, strict=True):
        state.assign(value)
