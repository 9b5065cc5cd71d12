"""Bidirectional: a sequence read from both ends."""

from typing import Any

from minikeras import ops
from minikeras.core import registry, trees
from minikeras.core.checks import one_of
from minikeras.layers.base.arguments import checked_layer
from minikeras.layers.base.layer import Layer
from minikeras.layers.base.marks import default

_MERGE = {
    "sum": lambda y, back: y + back,
    "mul": lambda y, back: y * back,
    "ave": lambda y, back: (y + back) / 2,
    "concat": lambda y, back: ops.concatenate([y, back], axis=-1),
}
_SHARED = ("stateful", "return_sequences", "return_state")


class Bidirectional(Layer):
    """Run one recurrent layer from the first step on and another from the last, and join them.

    Schuster and Paliwal, "Bidirectional Recurrent Neural Networks" (1997).

    Args:
        layer: a recurrent layer; a copy of it, made from its config, reads forward.
        merge_mode: how the outputs are joined: `"sum"`, `"mul"`, `"ave"`, `"concat"`, or None for a
            tuple of both.
        weights: list of arrays to start from, those of the forward layer first; or None.
        backward_layer: a layer that reads backward; by default another copy.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: if `layer` is none, the merge mode is unknown, or the two layers do not fit
            together.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((2, 5, 3))
        >>> keras.layers.Bidirectional(keras.layers.LSTM(4))(x).shape
        (2, 8)
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        _check_arguments(layer, merge_mode, backward_layer)
        super().__init__(**kwargs)
        self.forward_layer = _copied(layer, "forward")
        if backward_layer is None:
            backward_layer = _copied(layer, "backward", go_backwards=not layer.go_backwards)
        self.backward_layer = backward_layer
        _check_pair(self.forward_layer, backward_layer)
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._first_weights = weights
        # So that at masked steps neither direction adds anything to the other.
        for part in self._pair():
            if hasattr(part, "zero_output_for_mask"):
                part.zero_output_for_mask = layer.return_sequences

    def build(self, sequences_shape, initial_state_shape=None):
        """Build both layers."""
        for part in self._pair():
            if not part.built:
                part.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def call(self, sequences, initial_state=None, mask=None, training=None):
        """Run both layers.

        Args:
            sequences: tensor `(batch, steps, features)`.
            initial_state: list of the forward layer's states, then the backward layer's.
            mask: bool tensor `(batch, steps)`, False where there is no data.
            training: whether dropout applies.

        Returns:
            The joined output, a tuple of two with `merge_mode=None`; with `return_state` a tuple of
            the output and the last states of both layers.
        """
        parts = []
        for layer, first in zip(self._pair(), _halves(initial_state), strict=True):
            output = layer(sequences, initial_state=first, mask=mask, training=training)
            parts.append(self._parts(output))
        (y, states), (back, back_states) = parts
        if self.return_sequences:
            back = ops.flip(back, axis=1)
        joined = (y, back) if self.merge_mode is None else (_MERGE[self.merge_mode](y, back),)
        if self.return_state:
            return (*joined, *states, *back_states)
        return joined if self.merge_mode is None else joined[0]

    def _pair(self):
        return self.forward_layer, self.backward_layer

    def _parts(self, output):
        return (output[0], output[1:]) if self.return_state else (output, ())

    @property
    def states(self):
        """The states that both layers keep, None if they keep none."""
        if not self.forward_layer.states:
            return None
        return tuple(self.forward_layer.states) + tuple(self.backward_layer.states)

    def reset_state(self):
        """Set the kept states to zero; nothing happens if none are kept."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self):
        """Alias of `reset_state`."""
        self.reset_state()

    def compute_mask(self, inputs, mask: Any = None):
        """Return the mask of the outputs, None for a single output."""
        own = (mask[0] if trees.is_nested(mask) else mask) if self.return_sequences else None
        return (own, own) if self.merge_mode is None else own

    @default
    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Return the shape of what `call` returns."""
        output, states = self._parts(self.forward_layer.compute_output_shape(sequences_shape))
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        joined = (output, output) if self.merge_mode is None else (output,)
        if self.return_state:
            return (*joined, *states, *states)
        return joined if self.merge_mode is None else output

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config["merge_mode"] = self.merge_mode
        config["layer"] = registry.serialize(self.forward_layer)
        config["backward_layer"] = registry.serialize(self.backward_layer)
        return config

    def _automatic_config(self):
        return {}


def _check_arguments(layer, merge_mode, backward_layer):
    checked_layer(layer, "layer")
    if not hasattr(layer, "go_backwards"):
        raise ValueError(
            f"`Bidirectional` needs a recurrent layer, such as an LSTM. Received: {layer}"
        )
    if backward_layer is not None:
        checked_layer(backward_layer, "backward_layer")
    one_of("merge_mode", merge_mode, (*_MERGE, None))


def _check_pair(forward, backward):
    if forward.go_backwards == backward.go_backwards:
        raise ValueError(
            "One of the two layers must read backwards: give one `go_backwards=True`, the other "
            f"False. Received: go_backwards={forward.go_backwards} in both"
        )
    for name in _SHARED:
        ours, theirs = getattr(forward, name), getattr(backward, name)
        if ours != theirs:
            raise ValueError(
                f"The forward and the backward layer must be equal in `{name}`. Received: {ours!r} "
                f"(forward) and {theirs!r} (backward)"
            )


def _halves(states):
    """The states of the forward layer and those of the backward layer."""
    if states is None:
        return None, None
    half = len(states) // 2
    return states[:half], states[half:]


def _copied(layer, prefix, **changes):
    """A layer made again from the config of `layer`, without its weights."""
    saved = registry.serialize(layer)
    stem = layer.name.removeprefix("forward_")
    saved["config"] = {**saved["config"], "name": f"{prefix}_{stem}", **changes}
    classes = {type(part).__name__: type(part) for part in layer._flatten_layers()}
    return registry.deserialize(saved, classes)
