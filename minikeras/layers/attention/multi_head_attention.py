"""Multi-head attention: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.2."""

from typing import Annotated, Any, ClassVar

from minikeras import regularizers
from minikeras.core.docstrings import described
from minikeras.layers.attention.heads import SHAPES, Window, _Heads, check_places
from minikeras.layers.base.arguments import plain
from minikeras.layers.base.declare import (
    Constraint,
    Field,
    Initializer,
    PositiveInt,
    Regularizer,
    UseBias,
    layer,
)


def _positive_or_none(value, name):
    if value is not None and (not isinstance(value, int) or value <= 0):
        raise ValueError(
            f"Received an invalid value for argument `{name}`, expected a positive integer or "
            f"`None`. Received: {name}={value}"
        )
    return value


def _sizes(value, name):
    if not value:
        return value
    if isinstance(value, int):
        return (value,)
    if not isinstance(value, (list, tuple)):
        raise ValueError(
            f"Invalid `{name}`: {value}. When specified, the `{name}` should be of type tuple, "
            "list, or int."
        )
    return tuple(value)


def _axes(value, name):
    if isinstance(value, int):
        return (value,)
    if value and not isinstance(value, (list, tuple)):
        raise ValueError(f"`{name}` must be an int, list, or tuple. Received: {name}={value}")
    return value


@layer
class MultiHeadAttention(_Heads):
    """Attention of a query to keys and values, several times over in smaller spaces.

    Queries and keys are projected to `num_heads` vectors of size `key_dim`, values to ones of size
    `value_dim`; each head attends separately, and all that they find is projected together.

    Args:
        num_heads: number of heads.
        key_dim: size of a head's queries and keys.
        value_dim: size of a head's values; None for `key_dim`.
        use_bias: whether the projections add a bias.
        output_shape: int or tuple, the last sizes of the output; None for the query's last size.
        attention_axes: int or tuple, the axes along which places attend to each other; None for all
            between the batch and the features.
        kernel_initializer: initializer of the projections' kernels.
        bias_initializer: initializer of their biases.
        kernel_regularizer: regularizer of their kernels.
        bias_regularizer: regularizer of their biases.
        activity_regularizer: regularizer of their outputs.
        kernel_constraint: constraint of their kernels.
        bias_constraint: constraint of their biases.
        use_gate: whether the heads' findings are multiplied by a sigmoid projection of the query;
            Qiu et al., "Gated Attention for Large Language Models" (2025).

    Raises:
        ValueError: if a size is no positive integer.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> x = keras.ops.ones((1, 5, 3))
        >>> layer(x, x).shape
        (1, 5, 3)
        >>> layer(x, x, return_attention_scores=True)[1].shape
        (1, 2, 5, 5)
    """

    num_heads: PositiveInt
    key_dim: PositiveInt
    value_dim: Annotated[int | None, Field(_positive_or_none)] = None
    dropout: float = 0.0
    use_bias: UseBias = True
    output_shape: Annotated[Any, Field(_sizes, attribute="_output_shape")] = None
    _output_shape: ClassVar[Any]
    attention_axes: Annotated[Any, Field(_axes, plain)] = None
    sliding_window: Window = None
    flash_attention: bool | None = None
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Annotated[
        Any,
        Field(
            lambda value, name: regularizers.get(value),
            regularizers.serialize,
            attribute="_penalty_of_projections",
        ),
    ] = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None
    use_gate: bool = False
    seed: int | None = None

    def setup(self):
        """Let values have the size of keys, unless they have their own."""
        super().setup()
        self.value_dim = self.value_dim or self.key_dim

    @property
    def query_dense(self):
        """The layer that projects the query to all heads."""
        return self._query_dense

    @property
    def key_dense(self):
        """The layer that projects the key to all heads."""
        return self._key_dense

    @property
    def value_dense(self):
        """The layer that projects the value to all heads."""
        return self._value_dense

    @property
    def output_dense(self):
        """The layer that projects what all heads return to the output."""
        return self._output_dense

    @described(SHAPES)
    def build(self, query_shape, value_shape, key_shape=None):
        """Make the projections, and what attends.

        Raises:
            ValueError: if key and value differ in more than their last size.
        """
        key_shape = value_shape if key_shape is None else key_shape
        check_places(value_shape, key_shape)
        keys, values = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim)
        self._query_dense = self._projection("query", query_shape, 1, keys)
        self._key_dense = self._projection("key", key_shape, 1, keys)
        if self.use_gate:
            self._gate_dense = self._projection(
                "gate", query_shape, 1, values, activation="sigmoid"
            )
        self._value_dense = self._projection("value", value_shape, 1, values)
        rank = len(value_shape) + 1
        axes = self.attention_axes
        if axes is None:
            axes = range(1, rank - 2)
        self.attention_axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        self._build_attention(rank, self.attention_axes, self.key_dim)
        self._output_dense = self._projection(
            "attention_output",
            (*query_shape[:-1], *values),
            2,
            self._output_shape or (query_shape[-1],),
        )

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        """Return the query's shape, its last size replaced by `output_shape` if that is given."""
        check_places(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def _mask_of_query(self, query, mask):
        """The mask that the query carries: one that is passed by name counts for nothing here."""
        return getattr(query, "_keras_mask", None)

    def get_config(self):
        """Return the constructor's arguments, in the form that Keras's own layer writes."""
        config = super().get_config()
        del config["flash_attention"]
        return config
