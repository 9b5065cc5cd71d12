"""Grouped-query attention: several heads of queries share one head of keys and values.

Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models" (2023).
"""

from minikeras import ops
from minikeras.core.docstrings import described
from minikeras.layers.attention.heads import SHAPES, Window, _Heads, check_places
from minikeras.layers.base.declare import Constraint, Initializer, Regularizer, UseBias, layer


@layer
class GroupedQueryAttention(_Heads):
    """Attention whose heads share keys and values in groups.

    With as many heads of keys as of queries this is `MultiHeadAttention`, with one it is
    multi-query attention.

    Args:
        head_dim: size of a head's queries, keys and values.
        num_query_heads: number of heads of queries.
        num_key_value_heads: number of heads of keys and values, which divides that of queries.
        use_bias: whether the projections add a bias.
        kernel_initializer: initializer of the projections' kernels.
        bias_initializer: initializer of their biases.
        kernel_regularizer: regularizer of their kernels.
        bias_regularizer: regularizer of their biases.
        activity_regularizer: regularizer of their outputs and of the layer's.
        kernel_constraint: constraint of their kernels.
        bias_constraint: constraint of their biases.
        use_gate: whether the heads' findings are multiplied by a sigmoid projection of the query.

    Raises:
        ValueError: if the numbers of heads do not divide.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.GroupQueryAttention(4, num_query_heads=6, num_key_value_heads=2)
        >>> x = keras.ops.ones((1, 5, 3))
        >>> layer(x, x).shape
        (1, 5, 3)
    """

    # Keras names layers and parts of files after the class, whose public name is another.
    _public_name = "GroupQueryAttention"

    head_dim: int
    num_query_heads: int
    num_key_value_heads: int
    dropout: float = 0.0
    use_bias: UseBias = True
    sliding_window: Window = None
    flash_attention: bool | None = None
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None
    use_gate: bool = False
    seed: int | None = None

    def setup(self):
        """Check that the heads divide."""
        super().setup()
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                "Each head of keys and values serves the same number of query heads, so "
                "`num_query_heads` is a multiple of `num_key_value_heads`. Received: "
                f"num_query_heads={self.num_query_heads}, "
                f"num_key_value_heads={self.num_key_value_heads}"
            )
        self.num_repeats = self.num_query_heads // self.num_key_value_heads
        self._penalty_of_projections = self.activity_regularizer

    @described(SHAPES)
    def build(self, query_shape, value_shape, key_shape=None):
        """Make the projections, and what attends."""
        key_shape = value_shape if key_shape is None else key_shape
        all_heads = (self.num_query_heads, self.head_dim)
        shared_heads = (self.num_key_value_heads, self.head_dim)
        self._query_dense = self._projection("query", query_shape, 1, all_heads)
        self._key_dense = self._projection("key", key_shape, 1, shared_heads)
        if self.use_gate:
            self._gate_dense = self._projection(
                "gate", query_shape, 1, all_heads, activation="sigmoid"
            )
        self._value_dense = self._projection("value", value_shape, 1, shared_heads)
        self._build_attention(4, (1,), self.head_dim)
        shape = (*query_shape[:-1], *all_heads)
        self._output_dense = self._projection("attention_output", shape, 2, query_shape[-1:])

    def _for_all_heads(self, x):
        return x if self.num_repeats == 1 else ops.repeat(x, self.num_repeats, axis=2)

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        """Return the query's shape."""
        key_shape = value_shape if key_shape is None else key_shape
        shapes = f"query_shape={tuple(query_shape)}, value_shape={tuple(value_shape)}"
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                "`query` and `value` need one number of features (the size of the last axis), and "
                f"have {query_shape[-1]} and {value_shape[-1]}. Received: {shapes}"
            )
        check_places(value_shape, key_shape)
        return tuple(query_shape)

    def get_config(self):
        """Return the constructor's arguments, in the form that Keras's own layer writes."""
        config = super().get_config()
        del config["flash_attention"]
        return config


GroupQueryAttention = GroupedQueryAttention
