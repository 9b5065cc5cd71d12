"""Layers that give tensors other shapes: flattened, reshaped, permuted, repeated."""

from collections.abc import Iterable
from typing import Annotated

from minikeras import ops
from minikeras.core import dims
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


@layer
class Flatten(Layer):
    """Put all axes after the batch into one.

    Args:
        data_format: `"channels_last"`, `"channels_first"` (channels are moved to the end first),
            or None for the default.

    Input shape: `(batch, ...)`; output shape: `(batch, product of the others)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Flatten()(keras.ops.ones((2, 3, 4))).shape
        (2, 12)
    """

    data_format: DataFormat = None

    def setup(self):
        """Demand a batch axis."""
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """Reshape to two axes."""
        if self.data_format == "channels_first" and inputs.ndim > 1:
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], dims.product(inputs.shape[1:])))


def _target(value, name):
    if not isinstance(value, Iterable):
        raise TypeError(
            f"`{name}` must be a tuple of integers, a sample's sizes, such as `(2, -1)`. "
            f"Received: {name}={value!r} of type {type(value).__name__}"
        )
    shape = tuple(value)
    if any(not isinstance(size, int) or size < -1 for size in shape):
        raise ValueError(
            f"`{name}` holds a sample's sizes: ints that are 0 or greater, and -1 for what is "
            f"left. Received: {name}={shape}"
        )
    if shape.count(-1) > 1:
        raise ValueError(
            f"-1 may stand in `{name}` once, since one size alone follows from the others. "
            f"Received: {name}={shape}"
        )
    return shape


@layer
class Reshape(Layer):
    """Give each sample another shape.

    Args:
        target_shape: sizes without the batch; one of them may be -1, for what is left.

    Raises:
        ValueError: if the number of elements differs.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Reshape((2, -1))(keras.ops.ones((5, 6))).shape
        (5, 2, 3)
    """

    target_shape: Annotated[tuple, Field(_target)]

    def setup(self):
        """There is nothing to build."""
        self.built = True

    def call(self, inputs):
        """Reshape."""
        self._check_size(inputs.shape[1:])
        return ops.reshape(inputs, (inputs.shape[0], *self.target_shape))

    def _check_size(self, shape):
        """Check the shape of one sample alone: the batch may be empty."""
        if not dims.is_known(shape):
            return
        size, asked = dims.product(shape), dims.product(n for n in self.target_shape if n != -1)
        open_ended = -1 in self.target_shape
        if (size % asked if open_ended and asked else size != asked) or (open_ended and not asked):
            raise ValueError(
                "A sample keeps its number of elements: the sizes of `target_shape` must multiply "
                f"to the same. Received: input_shape={tuple(shape)}, "
                f"target_shape={self.target_shape}"
            )


def _order(value, name):
    order = tuple(value)
    if sorted(order) != list(range(1, len(order) + 1)):
        raise ValueError(
            f"Invalid permutation argument `{name}` for Permute Layer. The set of indices in "
            f"`{name}` must be consecutive and start from 1. Received {name}={order}"
        )
    return order


@layer
class Permute(Layer):
    """Bring the axes of each sample into another order.

    Args:
        dims: the old places of the axes, counted from 1 after the batch.

    Raises:
        ValueError: if `dims` is no permutation.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Permute((2, 1))(keras.ops.ones((2, 3, 4))).shape
        (2, 4, 3)
    """

    dims: Annotated[tuple, Field(_order)]

    def setup(self):
        """Demand as many axes as there are places."""
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        """Transpose."""
        return ops.transpose(inputs, axes=(0, *self.dims))


def _times(value, name):
    if not isinstance(value, int):
        raise TypeError(f"Expected an integer value for `{name}`, got {type(value)}.")
    if value <= 0:
        raise ValueError(
            f"Argument `{name}` should be a positive integer. Received: {name}={value}"
        )
    return value


Times = Annotated[int, Field(_times)]


@layer
class RepeatVector(Layer):
    """Make a sequence that repeats a vector.

    Args:
        n: length of the sequence.

    Input shape: `(batch, features)`; output shape: `(batch, n, features)`.

    Raises:
        ValueError: if `n` is not positive.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.RepeatVector(3)(keras.ops.ones((2, 4))).shape
        (2, 3, 4)
    """

    n: Times

    def setup(self):
        """Demand vectors."""
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        """Repeat."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)


@layer
class UpSampling1D(Layer):
    """Repeat each step of a sequence.

    Args:
        size: int, how often.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, steps * size, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.UpSampling1D()(keras.ops.ones((1, 3, 2))).shape
        (1, 6, 2)
    """

    size: Times = 2

    def setup(self):
        """Demand sequences."""
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs):
        """Repeat."""
        return ops.repeat(inputs, self.size, axis=1)
