"""Layers that join tensors along an axis: concatenation and dot products."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core import dims
from minikeras.layers.base.arguments import plain
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.merging.elementwise import _Merge, are_shapes, check_masks, spread
from minikeras.ops.nn.norm import normalize


@layer
class Concatenate(_Merge):
    """The inputs concatenated along an axis.

    Args:
        axis: the axis; the others must have equal sizes.

    Raises:
        ValueError: if the other sizes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Concatenate()([keras.ops.ones((1, 2)), keras.ops.zeros((1, 1))]).tolist()
        [[1.0, 1.0, 0.0]]
    """

    axis: int = -1

    def build(self, input_shape):
        """Check that the shapes agree but for the axis."""
        if not are_shapes(input_shape) or not input_shape:
            raise ValueError(
                f"`Concatenate` takes a list of tensors. Received: input_shape={input_shape}"
            )
        place = dims.normalize_axis(self.axis, len(input_shape[0]))
        rests = [(*shape[:place], *shape[place + 1 :]) for shape in input_shape]
        fits = len({len(shape) for shape in input_shape}) == 1 and all(
            len(set(sizes) - {None}) <= 1 for sizes in zip(*rests, strict=True)
        )
        if not fits:
            raise ValueError(
                f"`Concatenate` takes tensors whose sizes agree along all axes but {self.axis}. "
                f"Received: input_shape={input_shape}"
            )

    def call(self, inputs):
        """Concatenate."""
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        """Return the first input's shape with the sizes along the axis added up."""
        place = dims.normalize_axis(self.axis, len(input_shape[0]))
        sizes = [shape[place] for shape in input_shape]
        total = None if None in sizes else sum(sizes)
        return (*input_shape[0][:place], total, *input_shape[0][place + 1 :])

    def compute_mask(self, inputs, mask=None):
        """Return the masks joined as the inputs are; an input without one counts as all True."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        whole = [
            ops.broadcast_to(spread(m, x), x.shape) if m is not None else ops.ones_like(x, "bool")
            for x, m in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)


def _checked_axes(axes, name):
    if isinstance(axes, int):
        return axes
    received = f"`axes` must be an int for both inputs, or two ints. Received: axes={axes!r}"
    if not isinstance(axes, (list, tuple)):
        raise TypeError(f"{received} (of type {type(axes).__name__})")
    if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
        raise ValueError(received)
    return axes


@layer
class Dot(_Merge):
    """The dot products, sample by sample, of two inputs along an axis of each.

    Args:
        axes: int, or two ints, the axis of each input; the batch is axis 0.
        normalize: whether to bring the vectors to length 1 first (cosine similarity).

    Raises:
        ValueError: if there are not exactly two inputs, or the sizes along the axes differ.

    Example:
        >>> import minikeras as keras
        >>> x, y = keras.ops.ones((1, 2, 3)), keras.ops.ones((1, 3, 4))
        >>> keras.layers.Dot(axes=(2, 1))([x, y]).shape
        (1, 2, 4)
    """

    axes: Annotated[Any, Field(_checked_axes, plain)]
    normalize: bool = False

    def build(self, input_shape):
        """Check that there are two inputs with equal sizes along the axes."""
        self._check_two(input_shape)
        shape, other = input_shape
        axis, other_axis = self._places(len(shape), len(other))
        if None not in (shape[axis], other[other_axis]) and shape[axis] != other[other_axis]:
            raise ValueError(
                f"`Dot` sums along axis {axis} of the first input and axis {other_axis} of the "
                f"second, whose sizes must be equal. Received: shapes {shape} and {other}"
            )

    def _check_two(self, input_shape):
        if not are_shapes(input_shape) or len(input_shape) != 2:
            raise ValueError(
                f"`Dot` takes a list of two tensors. Received: input_shape={input_shape}"
            )

    def _places(self, *ranks):
        axes = (self.axes,) * 2 if isinstance(self.axes, int) else self.axes
        return [dims.normalize_axis(axis, rank) for axis, rank in zip(axes, ranks, strict=True)]

    def call(self, inputs):
        """Multiply and sum along the axes."""
        x, y = inputs
        axis, other_axis = self._places(x.ndim, y.ndim)
        if 0 in (axis, other_axis):
            raise ValueError(
                "Cannot perform a batch-wise dot product over axis 0, the batch. If your inputs "
                "are not batched, give them a batch axis with `ops.expand_dims(x, 0)`."
            )
        if self.normalize:
            x, y = normalize(x, axis=axis), normalize(y, axis=other_axis)
        batch, size = x.shape[0], x.shape[axis]
        shape = self.compute_output_shape([x.shape, y.shape])
        x = ops.reshape(ops.moveaxis(x, axis, -1), (batch, x.size // (batch * size), size))
        y = ops.reshape(ops.moveaxis(y, other_axis, 1), (batch, size, y.size // (batch * size)))
        return ops.reshape(ops.matmul(x, y), shape)

    def compute_output_shape(self, input_shape):
        """Return the batch, then what is left of each shape; `(batch, 1)` if nothing is."""
        self._check_two(input_shape)
        shape, other = (list(s) for s in input_shape)
        axis, other_axis = self._places(len(shape), len(other))
        del shape[axis], other[other_axis]
        left = (*shape, *other[1:])
        return left if len(left) > 1 else (*left, 1)

    def compute_mask(self, inputs, mask=None):
        """Return None."""
        return None


def concatenate(inputs, axis=-1, **kwargs):
    """Call a new `Concatenate` layer on a list of tensors.

    Args:
        inputs: list of tensors.
        axis: the axis along which they are joined.
        **kwargs: the layer's other arguments.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.concatenate([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).shape
        (1, 4)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """Call a new `Dot` layer on a list of two tensors.

    Args:
        inputs: list of two tensors.
        axes: int, or two ints, the axis of each input.
        **kwargs: the layer's other arguments.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.dot([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).tolist()
        [[2.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
