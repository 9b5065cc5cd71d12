"""Recurrent: the base of recurrent layers that scripts write themselves, step by step."""

from typing import Any

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.engine.base.input_spec import InputSpec
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.layers.rnn import steps
from minikeras.keras2.layers.spelling import IMPLEMENTATIONS


class Recurrent(Layer):
    """The base of recurrent layers that are written as one step.

    A subclass has `units` (or `output_dim`), sets `states` to a list of None, one for each of its
    states, in `build`, and defines `step(inputs, states)`, which returns `(output, new_states)`;
    `states` ends with what `get_constants(inputs)` returned. It may define
    `preprocess_input(inputs)`, called once on all steps, and `get_initial_state(inputs)`
    (`get_initial_states` in Keras 1).

    Args:
        return_sequences: whether to return the outputs of all steps or of the last.
        return_state: whether to return the last states as well.
        go_backwards: whether to begin at the last step.
        stateful: whether a batch starts from the states in which the last one ended.
        unroll: accepted; the results are the same.
        implementation: 0, 1 or 2, for subclasses (`consume_less` in Keras 1).
        **kwargs: see `Layer`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import Input, Recurrent
        >>> class Sum(Recurrent):
        ...     def build(self, input_shape):
        ...         self.units, self.states = input_shape[-1], [None]
        ...         super().build(input_shape)
        ...     def step(self, inputs, states):
        ...         return inputs + states[0], [inputs + states[0]]
        >>> K.int_shape(Sum(return_sequences=True)(Input((5, 3))))
        (None, 5, 3)
    """

    _old_arguments = ("consume_less", "weights", "input_dim", "input_length")
    states: Any = None
    units: Any = None

    def __init__(
        self,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        implementation=0,
        **kwargs,
    ):
        consume_less = kwargs.pop("consume_less", None)
        if kwargs.get("input_dim") is not None:
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
        super().__init__(**kwargs)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.implementation = IMPLEMENTATIONS.get(consume_less, implementation)
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=3)]
        self.dropout = self.recurrent_dropout = 0

    @property
    def consume_less(self):
        """What `implementation` was in Keras 1: `"cpu"`, `"mem"` or `"gpu"`."""
        return {number: name for name, number in IMPLEMENTATIONS.items()}[self.implementation]

    def _size(self):
        return getattr(self, "output_dim", None) if self.units is None else self.units

    def _count(self):
        return len(self.states) if self.states else 1

    def compute_output_shape(self, input_shape):
        """Return the shape of the output; with `return_state` in a list with those of the states.

        Args:
            input_shape: sizes of the sequences, or a list of them and of those of first states.
        """
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        state = (shape[0], self._size())
        output = (*shape[:2], self._size()) if self.return_sequences else state
        return [output, *[state] * self._count()] if self.return_state else output

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the steps with `return_sequences`, else None."""
        mask = mask[0] if isinstance(mask, list) else mask
        own = mask if self.return_sequences else None
        return [own, *[None] * self._count()] if self.return_state else own

    def step(self, inputs, states):
        """Return the output of one step, and a list of the new states; every subclass says how.

        Args:
            inputs: tensor `(batch, ...)`.
            states: list of the states, then of what `get_constants` returned.

        Returns:
            `(output, new_states)`.

        Raises:
            TypeError: if the subclass does not define it.
        """
        raise TypeError(
            f"{type(self).__name__} must define `step(self, inputs, states)`, which returns the "
            "output of one step and a list of the new states."
        )

    def get_constants(self, inputs, training=None):
        """Return a list of what holds for all steps: nothing, unless a subclass says so."""
        return []

    def get_initial_state(self, inputs):
        """Return the states before the first step: zeros, `(batch, units)` each."""
        return steps.zeros(inputs, self._size(), self._count())

    def get_initial_states(self, x):
        """Return what `get_initial_state` does, which had this name in Keras 1."""
        return self.get_initial_state(x)

    def preprocess_input(self, inputs, training=None):
        """Return what the steps get: the inputs, unless a subclass says otherwise."""
        return inputs

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Run the steps.

        Args:
            inputs: tensor `(batch, steps, ...)`, or a list of it and of the first states.
            mask: mask of the steps, or None.
            training: accepted.
            initial_state: list of the first states, or None.

        Returns:
            The output; with `return_state` a list of it and of the last states.
        """
        return steps.by_steps(self, inputs, mask, initial_state)

    def reset_states(self, states=None):
        """Make the states that a stateful layer keeps, or give them values: zeros by default.

        Args:
            states: array or list of arrays `(batch, units)`, or None.

        Raises:
            AttributeError: if the layer keeps no states.
            ValueError: if the batch size is unknown.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        shape = self._state_shape()
        if states is None:
            states = [np.zeros(shape)] * self._count()
        values = list(states) if isinstance(states, (list, tuple)) else [states]
        if not self.states or self.states[0] is None:
            self.states = [K.zeros(shape) for _ in values]
        for state, value in zip(self.states, values, strict=True):
            K.set_value(state, value)

    def _state_shape(self) -> Any:
        specs: Any = self.input_spec if isinstance(self.input_spec, list) else [self.input_spec]
        shape = getattr(self, "batch_input_shape", None) or specs[0].shape
        if not shape or shape[0] is None:
            raise ValueError(
                f"Layer {self.name!r} keeps a state for each sample, so it needs to know the batch "
                "size: give `batch_input_shape` to the first layer, or `batch_shape` to `Input`."
            )
        return (shape[0], self._size())

    def get_config(self):
        """Return the constructor's arguments."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
        config = {name: getattr(self, name) for name in (*names, "implementation")}
        return {**super().get_config(), **config}


def time_distributed_dense(
    x,
    w,
    b=None,
    dropout=None,
    input_dim=None,
    output_dim=None,
    timesteps=None,
    training=None,
):
    """Return `x w + b` for every step; dropout takes the same inputs from all steps of a sample.

    Args:
        x: tensor `(batch, steps, features)`.
        w: weights `(features, units)`.
        b: bias `(units,)`, or None.
        dropout: fraction of the inputs to drop in training, or None.
        input_dim: accepted: the sizes are those of `x` and `w`.
        output_dim: accepted.
        timesteps: accepted.
        training: 0 or 1, or None for the learning phase.

    Returns:
        A tensor `(batch, steps, units)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers.recurrent import time_distributed_dense
        >>> K.int_shape(time_distributed_dense(K.zeros((2, 5, 3)), K.zeros((3, 4))))
        (2, 5, 4)
    """
    if dropout is not None and 0 < dropout < 1:
        mask = steps.dropout_mask(x, x.shape[-1], dropout, training)
        x = x * K.expand_dims(mask, 1)
    y = K.dot(x, w)
    return y if b is None else y + b
