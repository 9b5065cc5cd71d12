"""Recurrent layers of the engine as Keras 2 has them: with states in the graph, and kept ones.

A layer that a script derives from one of them with a `step` of its own, as in Keras 1, runs by it.
"""

import numpy as np

from minikeras import layers
from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import trees
from minikeras.keras2.backend.tensors import record
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.layers.direct_calls import direct_call
from minikeras.keras2.layers.rnn import steps
from minikeras.keras2.layers.rnn.constants import note_constants
from minikeras.keras2.layers.spelling import IMPLEMENTATIONS
from minikeras.layers.base.marks import default

_CALL = "inputs, mask=None, training=None, initial_state=None"


def symbolic_call(layer, inputs, initial_state=None, constants=None, **kwargs):
    """Add the layer to the graph.

    Args:
        layer: a recurrent layer.
        inputs: tensor, or a list of it, of the first states, if there are any, and of as many
            constants as the layer was called with before, as a config says it.
        initial_state: tensor or list of tensors to start from, or None.
        constants: tensor or list of tensors that the cell gets in every step, or None.
        **kwargs: see the layer's `call`.

    Returns:
        The output; with `return_state` a list of the output and the last states.
    """
    if isinstance(inputs, (list, tuple)):
        inputs, *states = inputs
        count = getattr(layer, "num_constants", 0)
        if count and constants is None:
            states, constants = states[:-count], states[-count:]
        initial_state = states or initial_state
    if initial_state is not None:
        kwargs["initial_state"] = initial_state
    if constants is not None:
        listed = isinstance(constants, (list, tuple))
        kwargs["constants"] = list(constants) if listed else [constants]
        note_constants(layer, kwargs["constants"])
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
    own = [state for state in trees.flatten(layer.states) if state is not None]
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


def methods(engine, parameters=_CALL):
    """Return the methods of Keras 2 for a recurrent layer.

    Args:
        engine: the engine's class, which computes.
        parameters: the arguments of `call`.

    Returns:
        A dict of attributes of the class.
    """

    def build(self, input_shape):
        engine.build(self, _first(input_shape))

    @default
    def compute_output_shape(self, input_shape):
        shapes = engine.compute_output_shape(self, _first(input_shape))
        return list(shapes) if self.return_state else shapes

    def compute_mask(self, inputs, mask=None):
        return engine.compute_mask(self, inputs, mask)

    return {
        "symbolic_call": symbolic_call,
        "reset_states": reset_states,
        "build": _described(build, engine),
        "compute_output_shape": _described(compute_output_shape, engine),
        "compute_mask": _described(compute_mask, engine),
        "call": direct_call(engine, parameters),
        **(_states_of(engine) if issubclass(engine, layers.RNN) else {}),
    }


def _states_of(engine):
    """What concerns the states."""

    def get_initial_state(self, inputs):
        if isinstance(inputs, KerasTensor):
            return list(record(lambda x: engine.get_initial_state(self, x.shape[0]), (inputs,)))
        batch = inputs.shape[0] if hasattr(inputs, "shape") else inputs
        return engine.get_initial_state(self, batch)

    def first_states(self, sequences, states):
        has_its_own = type(self).get_initial_state.__module__ != __name__
        if states is None and has_its_own and not self.stateful:
            states = self.get_initial_state(sequences)
        return engine._first_states(self, sequences, states)

    def states(self):
        """The states that the layer keeps from batch to batch, None in their places before."""
        kept = vars(self).get("_kept_states")
        return [None] * len(self.state_size) if kept is None else kept

    def keep(self, states):
        vars(self)["_kept_states"] = states

    return {
        "get_initial_state": _described(get_initial_state, engine),
        "_first_states": first_states,
        "states": property(states, keep),
    }


def methods_with_steps(engine):
    """Return the methods of a recurrent layer from which those with steps of their own derive.

    Args:
        engine: the engine's class, which computes.

    Returns:
        A dict of attributes of the class.
    """
    own = methods(engine)
    compute = own["call"]

    def call(self, inputs, mask=None, training=None, initial_state=None):
        if steps.has_own_steps(self):
            return steps.by_steps(self, inputs, mask, initial_state)
        return compute(self, inputs, mask, training, initial_state)

    return {
        **own,
        "call": _described(call, engine),
        "consume_less": property(_consume_less),
        "step": steps.step,
        "get_constants": steps.get_constants,
        "preprocess_input": steps.preprocess_input,
        "get_initial_states": steps.get_initial_states,
    }


def _consume_less(self):
    """What the layer computes at once: the inputs' part of all steps (`"cpu"`) by default."""
    names = {number: name for name, number in IMPLEMENTATIONS.items()}
    return names[self._values["implementation"]] if "implementation" in self._named else "cpu"


def _described(method, engine):
    method.__doc__ = getattr(engine, method.__name__).__doc__
    return method


def _first(shape):
    """The shape of the sequences, which stands first where there are also shapes of states."""
    return shape[0] if isinstance(shape, list) and isinstance(shape[0], (list, tuple)) else shape
