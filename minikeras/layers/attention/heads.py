"""What layers of attention with several heads share: projections, masks, the attention itself.

Queries, keys and values are projected to `(batch, ..., heads, size)`, attended, and projected back.
"""

import math
import string
from collections.abc import Callable
from typing import Annotated, Any

from minikeras import ops
from minikeras.initializers import Initializer
from minikeras.layers.activations.activation import Softmax
from minikeras.layers.base.declare import Field
from minikeras.layers.base.layer import Layer
from minikeras.layers.core.einsum_dense import EinsumDense
from minikeras.layers.regularization.noise import Dropout
from minikeras.ops.nn.attention import places_in_sight


def _window(value, name):
    if value is not None and (not isinstance(value, int) or value <= 0):
        raise ValueError(f"`{name}` must be `None` or a positive integer. Received: {name}={value}")
    return value


Window = Annotated[int | None, Field(_window)]


SHAPES = {
    "query_shape": "shape of the query, `(batch, targets, features)`.",
    "value_shape": "shape of the value, `(batch, sources, features)`.",
    "key_shape": "shape of the key; None for that of the value.",
}
"""What docstrings say of the shapes that `build` gets."""


class _Projection(EinsumDense):
    """A dense layer inside another layer: a mask that its input carries is no mistake there."""

    class_name = "EinsumDense"

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def _declares_output(self):
        return False  # `call` knows sizes that the output's declared shape leaves open


class _Heads(Layer):
    """Attention with several heads; a subclass declares the arguments and builds the parts.

    Args:
        dropout: float from 0 to 1, the part of the weights that is dropped while training.
        sliding_window: int, how many places a target sees to each side, its own included; None for
            all.
        flash_attention: None or False; True is refused when called, as there is none on a CPU.
        seed: int, or None for one drawn from Python's `random`: what dropout draws from.
    """

    dropout: float
    use_bias: bool
    use_gate: bool
    sliding_window: int | None
    flash_attention: bool | None
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any
    seed: int | None

    # What `build` of a subclass sets.
    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _value_dense: EinsumDense
    _output_dense: EinsumDense
    _gate_dense: EinsumDense
    _softmax: Softmax
    _dropout_layer: Dropout
    _scale: float
    _penalty_of_projections: Callable[..., Any] | None

    def setup(self):
        """Refuse what flash attention cannot do."""
        self.supports_masking = True
        if self.flash_attention and self.dropout > 0.0:
            raise ValueError(
                "Flash attention has no dropout: set `dropout=0.0`, or `flash_attention=False`. "
                f"Received: dropout={self.dropout}"
            )

    def call(
        self,
        query,
        value,
        key=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        """Let every place of the query gather values from the places that it attends to.

        Args:
            query: tensor `(batch, targets, features)`, or with several axes of targets.
            value: tensor `(batch, sources, features)`, or with several axes of sources.
            key: tensor of the same axes of sources; None for the value.
            query_mask: mask of the query, bool `(batch, targets)`.
            value_mask: mask of the value, bool `(batch, sources)`.
            key_mask: mask of the key, bool `(batch, sources)`.
            attention_mask: bool `(batch, targets, sources)`, True where a target may see a source.
            return_attention_scores: whether to return the weights of the values as well.
            training: whether to drop weights.
            use_causal_mask: whether a target sees only the sources up to its own place.

        Returns:
            A tensor of the query's axes; and the weights `(batch, heads, targets, sources)`, if
            asked for.
        """
        key = value if key is None else key
        seen = self._compute_attention_mask(
            query,
            value,
            query_mask=self._mask_of_query(query, query_mask),
            value_mask=value_mask,
            key_mask=key_mask,
            attention_mask=attention_mask,
        )
        gate = self._gate_dense(query) if self.use_gate else None
        y, weights = self._compute_attention(
            self._query_dense(query),
            self._for_all_heads(self._key_dense(key)),
            self._for_all_heads(self._value_dense(value)),
            seen,
            training=training,
            return_attention_scores=return_attention_scores,
            use_causal_mask=use_causal_mask,
        )
        y = self._output_dense(y if gate is None else y * gate)
        return (y, weights) if return_attention_scores else y

    def _mask_of_query(self, query, mask):
        return mask

    def _for_all_heads(self, x):
        return x

    def _declares_output(self):
        return False  # `call` knows the shape of the weights as well

    # Parts

    def _projection(self, name, shape, summed, new_sizes, **options):
        """Build a dense layer that sums over the last axes and puts others in their place.

        Args:
            name: the layer's name.
            shape: shape of its input.
            summed: how many axes are summed over.
            new_sizes: tuple of the sizes that replace them.
            **options: arguments of `EinsumDense`.
        """
        kept = len(shape) - summed
        front, bound, new = _letters(kept, summed, len(new_sizes))
        dense = _Projection(
            f"{front}{bound},{bound}{new}->{front}{new}",
            output_shape=(*(None,) * (kept - 1), *new_sizes),
            bias_axes=new if self.use_bias else None,
            kernel_initializer=_fresh(self.kernel_initializer),
            bias_initializer=_fresh(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._penalty_of_projections,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
            **options,
        )
        dense.build(shape)
        return dense

    def _build_attention(self, rank, axes, size):
        """Make what attends over `axes` of projected tensors of a rank, keys having a size."""
        self._scale = 1.0 / math.sqrt(size)
        self._axes = axes
        self._product, self._combination = _equations(rank, axes)
        last = tuple(range(rank - 1, rank - 1 + len(axes)))
        self._softmax = Softmax(axis=last, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)

    # Masks

    def _compute_attention_mask(
        self,
        query,
        value,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        use_causal_mask=False,
    ):
        """Join all masks: bool, broadcasting to `(batch, targets, sources)`, or None."""
        masks = [None if attention_mask is None else ops.cast(attention_mask, "bool")]
        for mask, axis in ((query_mask, -1), (value_mask, -2), (key_mask, -2)):
            if mask is not None:
                masks.append(ops.expand_dims(ops.cast(mask, "bool"), axis))
        window = self.sliding_window
        if use_causal_mask or window is not None:
            masks.append(places_in_sight(query, value, causal=use_causal_mask, window=window))
        return _joined(masks)

    def _spread(self, mask, rank):
        """Give a mask the axes of the scores that it lacks, in front of targets and sources."""
        if mask is None:
            return None
        for _ in range(rank - mask.ndim):
            mask = ops.expand_dims(mask, -2 * len(self._axes) - 1)
        return mask

    # Attention

    def _compute_attention(
        self,
        query,
        key,
        value,
        attention_mask=None,
        training=None,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        """Attend with projected tensors; return the result, and the weights or None."""
        if self.flash_attention and return_attention_scores:
            raise ValueError(
                "Flash attention never holds the whole scores, so it cannot return them: set "
                "`flash_attention=False` to get them. Received: return_attention_scores=True"
            )
        if self.dropout > 0.0 or return_attention_scores or query.ndim != 4:
            if use_causal_mask:
                past = places_in_sight(query, value, causal=True)
                attention_mask = _joined([attention_mask, past])
            return self._attend_step_by_step(query, key, value, attention_mask, training)
        y = ops.dot_product_attention(
            query,
            key,
            value,
            mask=self._spread(attention_mask, 4),
            scale=self._scale,
            is_causal=use_causal_mask,
            flash_attention=self.flash_attention,
        )
        return y, None

    def _attend_step_by_step(self, query, key, value, mask, training):
        """Attend over any axes, with the weights at hand."""
        scores = ops.einsum(self._product, key, query * self._scale)
        weights = self._softmax(scores, mask=self._spread(mask, scores.ndim))
        kept = self._dropout_layer(weights, training=training) if self.dropout > 0.0 else weights
        return ops.einsum(self._combination, kept, value), weights


def _fresh(initializer):
    """A copy that draws numbers of its own; other callables as they are."""
    return initializer.clone() if isinstance(initializer, Initializer) else initializer


def _joined(masks):
    """Where all masks are True, of those that there are."""
    masks = [mask for mask in masks if mask is not None]
    if not masks:
        return None
    joined = masks[0]
    for mask in masks[1:]:
        joined = ops.logical_and(joined, mask)
    return joined


def _letters(*counts):
    """Groups of letters, all different."""
    letters = iter(string.ascii_lowercase)
    return ["".join(next(letters) for _ in range(count)) for count in counts]


def _equations(rank, axes):
    """The products of keys with queries, and of weights with values, as equations.

    Args:
        rank: rank of all three, the last two axes being heads and features.
        axes: the axes along which targets attend to sources.
    """
    targets, others = _letters(rank, len(axes))
    renamed = dict(zip((targets[axis] for axis in axes), others, strict=True))
    sources = "".join(renamed.get(letter, letter) for letter in targets)
    stacked = "".join(letter for letter in targets[:-1] if letter not in renamed)
    weights = f"{stacked}{''.join(renamed)}{others}"
    return f"{sources},{targets}->{weights}", f"{weights},{sources}->{targets}"


def check_places(value_shape, key_shape):
    """Raise a ValueError unless there is a key for each value: all sizes but the features agree."""
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ValueError(
            "`key` and `value` must have the same sizes along all axes but the last, the features. "
            f"Received: key_shape={tuple(key_shape)}, value_shape={tuple(value_shape)}"
        )
