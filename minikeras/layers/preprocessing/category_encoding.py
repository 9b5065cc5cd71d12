"""CategoryEncoding: categories, integers from 0 on, as vectors."""

from typing import Any

from minikeras import ops
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.encoding import (
    Sparse,
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.host import _FeatureLayer


@layer
class CategoryEncoding(_FeatureLayer):
    """Turn categories, integers from 0 to `num_tokens - 1`, into vectors; others count nowhere.

    Args:
        num_tokens: int, how many categories there are.
        output_mode: `"one_hot"` for a vector for each integer; `"multi_hot"` or `"count"` for one
            for each sample, the last axis: whether each category is there, or how often.

    Call arguments: the integers, of shape `()`, `(length,)` or `(batch, length)`; and
    `count_weights`, a tensor of that shape, what each of them counts in mode `"count"`.

    Raises:
        ValueError: if an argument is invalid.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.CategoryEncoding(num_tokens=4, output_mode="count")
        >>> layer([[0, 1], [3, 3]], count_weights=[[0.5, 1.0], [2.0, 0.25]]).tolist()
        [[0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.25]]
    """

    num_tokens: Any = None
    output_mode: str = "multi_hot"
    sparse: Sparse = False

    def setup(self):
        """Check the arguments."""
        kind = type(self).__name__
        self.output_mode = output_mode(self.output_mode, ("count", "one_hot", "multi_hot"), kind)
        refuse_sparse(self.sparse, kind)
        self.autocast = False
        if self.num_tokens is None:
            raise ValueError(
                "`CategoryEncoding` needs `num_tokens`, one more than the greatest index; where "
                "the categories are not known in advance, `IntegerLookup` finds them by `adapt`. "
                "Received: num_tokens=None"
            )
        if self.num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={self.num_tokens}.")

    def call(self, inputs, count_weights=None):
        """Write the categories as vectors."""
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    "`count_weights` weigh the counts of `output_mode='count'` alone. Received: "
                    f"count_weights={count_weights} with output_mode={self.output_mode!r}"
                )
            count_weights = ops.convert_to_tensor(count_weights, dtype=self.compute_dtype)
        return encode(inputs, self.output_mode, self.num_tokens, self.dtype, count_weights)

    def compute_output_shape(self, input_shape):
        """Return the shape of the vectors."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self):
        """Return the constructor's arguments that a file of Keras has."""
        config = super().get_config()
        del config["sparse"]
        return config
