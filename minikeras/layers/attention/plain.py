"""Attention without weights of its own for queries, keys and values: by product, and additive.

Luong et al., "Effective Approaches to Attention-based Neural Machine Translation" (2015), and
Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate" (2015).
"""

from collections.abc import Callable
from typing import Any, ClassVar

from minikeras import ops
from minikeras.autograd.composite import convert_to_tensor
from minikeras.core.checks import one_of
from minikeras.layers.base.declare import layer, python_numbers
from minikeras.layers.base.layer import Layer
from minikeras.ops.nn.attention import places_in_sight
from minikeras.ops.random.dropout import dropout
from minikeras.ops.random.seeds import SeedGenerator

# What is taken off the score of a source that may not be seen; the largest number of float16.
_HIDING = {"float16": 65504.0}
_HIDING_OTHERWISE = 1.0e9


class _Attention(Layer):
    """Values weighed by the softmax of scores; a subclass says how queries and keys score.

    Args:
        dropout: float from 0 to 1, the part of the weights that is dropped while training.
    """

    dropout: float
    seed: int | None
    _calculate_scores: ClassVar[Callable[..., Any]]

    def setup(self):
        """Make a source of seeds, if there is anything to draw."""
        self.supports_masking = True
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(self.seed)

    def call(
        self,
        inputs,
        mask=None,
        training=False,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        """Weigh the values.

        Args:
            inputs: list of a query `(batch, targets, size)`, a value `(batch, sources, width)` and,
                if it is not the value, a key `(batch, sources, size)`.
            mask: list of the masks of query and value, bool `(batch, places)` or None.
            training: whether to drop weights.
            return_attention_scores: whether to return the weights as well.
            use_causal_mask: whether a target sees only the sources up to its own place.

        Returns:
            A tensor `(batch, targets, width)`, with zeros where the query's mask is False; and the
            weights `(batch, targets, sources)`, if asked for.

        Raises:
            ValueError: if `inputs` or `mask` is no list of two or three.
        """
        self._check(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask else (None, None)
        scores = self._calculate_scores(query=query, key=key)
        seen = _in_sight(query, key, value_mask, use_causal_mask)
        if seen is not None:
            hiding = _HIDING.get(scores.dtype, _HIDING_OTHERWISE)
            scores = ops.where(seen, scores, scores - hiding)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = dropout(weights, self.dropout, seed=self.seed_generator)
        y = ops.matmul(weights, value)
        if query_mask is not None:
            y = ops.where(ops.expand_dims(query_mask, -1), y, 0.0)
        return (y, weights) if return_attention_scores else y

    def compute_mask(self, inputs, mask=None):
        """Return the query's mask."""
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape):
        """Return the query's shape with the value's last size."""
        return (*input_shape[0][:-1], input_shape[1][-1])

    def _declares_output(self):
        return False  # `call` knows the shape of the weights as well

    def _check(self, inputs, mask=None):
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} takes a list of tensors, `[query, value]` or `[query, value, key]`. "
                f"Received: inputs={inputs}"
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{name} takes two or three tensors, `[query, value]` or `[query, value, key]`. "
                f"Received: a list of {len(inputs)}"
            )
        if mask is not None and not isinstance(mask, list):
            raise ValueError(
                f"{name} takes its masks as a list, `[query_mask, value_mask]`, in which None "
                f"stands for no mask. Received: mask={mask}"
            )
        if mask is not None and len(mask) not in (2, 3):
            raise ValueError(
                f"{name} takes two or three masks, `[query_mask, value_mask]` or `[query_mask, "
                f"value_mask, key_mask]`. Received: a list of {len(mask)}"
            )


def _in_sight(query, key, value_mask, causal):
    """Where a target may see a source, as a bool tensor that broadcasts to the scores, or None."""
    seen = None
    if value_mask is not None:
        value_mask = ops.cast(value_mask, "bool")
        seen = ops.expand_dims(value_mask, -2) if value_mask.ndim == 2 else value_mask
    if not causal:
        return seen
    past = places_in_sight(query, key, axis=-2, causal=True)
    return past if seen is None else ops.logical_and(seen, past)


@layer
class Attention(_Attention):
    """Weigh values by the products of their keys with a query.

    Args:
        use_scale: whether to multiply the scores by a weight.
        score_mode: `"dot"` for `query @ key^T`, `"concat"` for `sum(tanh(query + key))` times a
            weight.
        seed: int, or None for one drawn from Python's `random`.

    Raises:
        ValueError: if the mode is another.

    Example:
        >>> import minikeras as keras
        >>> query = keras.ops.zeros((1, 1, 2))
        >>> value = keras.ops.array([[[1.0, 2.0], [3.0, 4.0]]])
        >>> keras.layers.Attention()([query, value]).tolist()
        [[[2.0, 3.0]]]
    """

    use_scale: bool = False
    score_mode: str = "dot"
    dropout: float = 0.0
    seed: int | None = None

    def setup(self):
        """Check the mode."""
        super().setup()
        one_of("score_mode", self.score_mode, ("dot", "concat"))

    def build(self, input_shape):
        """Make the factors of the scores, both scalars."""
        self._check(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _calculate_scores(self, query, key):
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        joined = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        if self.scale is not None:
            joined = self.scale * joined
        return self.concat_score_weight * ops.sum(ops.tanh(joined), axis=-1)


@layer
class AdditiveAttention(_Attention):
    """Weigh values by `sum(scale * tanh(query + key))`.

    Args:
        use_scale: whether `scale` is a weight for each feature; else it is 1.
        **kwargs: `seed`, an int or None for one drawn from Python's `random`; `name`, `dtype`,
            `trainable`.

    Example:
        >>> import minikeras as keras
        >>> query = keras.ops.zeros((1, 1, 2))
        >>> value = keras.ops.array([[[1.0, 2.0], [1.0, 2.0]]])
        >>> keras.layers.AdditiveAttention()([query, value]).tolist()
        [[[1.0, 2.0]]]
    """

    use_scale: bool = True
    dropout: float = 0.0

    def __init__(self, *args, **kwargs):
        self.seed = python_numbers(kwargs.pop("seed", None))
        AdditiveAttention.from_fields(self, *args, **kwargs)

    def build(self, input_shape):
        """Make the factor of each feature."""
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(input_shape[0][-1],))

    def _calculate_scores(self, query, key):
        joined = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(joined if self.scale is None else self.scale * joined, axis=-1)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
