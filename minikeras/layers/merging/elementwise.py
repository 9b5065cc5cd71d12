"""Layers that merge several tensors element by element: sums, products, means, extremes.

Inputs of different ranks are broadcast after the batch axis: `(batch, c)` and `(batch, h, w, c)`
give `(batch, h, w, c)`. A mask of the result is True wherever that of any input is.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

from minikeras import ops
from minikeras.layers.base.declare import layer
from minikeras.layers.base.layer import Layer


class _Merge(Layer):
    """What all merging layers share: checks, broadcasting, masks."""

    _join: Callable[[Any, Any], Any]

    def setup(self):
        """Masks are joined."""
        self.supports_masking = True

    def build(self, input_shape):
        """Check that the shapes can be broadcast."""
        if not are_shapes(input_shape):
            raise ValueError(
                f"{type(self).__name__} takes a list of tensors. Received: "
                f"input_shape={input_shape}, which is no list of shapes"
            )
        if not input_shape:
            raise ValueError(
                f"{type(self).__name__} takes a list of tensors. Received: an empty one"
            )
        if len({shape[0] for shape in input_shape} - {None}) > 1:
            raise ValueError(
                f"The tensors to be merged need one batch size. Received: shapes {input_shape}"
            )
        self.compute_output_shape(input_shape)

    def call(self, inputs):
        """Join the inputs element by element."""
        return self._merged(_aligned(inputs))

    def _merged(self, inputs):
        return reduce(self._join, inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape that the inputs broadcast to."""
        batches = {shape[0] for shape in input_shape} - {None}
        batch = batches.pop() if len(batches) == 1 else None
        return (batch, *reduce(_broadcast_shape, (tuple(shape[1:]) for shape in input_shape)))

    def compute_mask(self, inputs, mask=None):
        """Return where any of the masks is True; None if an input has none."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        return None if any(m is None for m in mask) else reduce(ops.logical_or, mask)


def are_shapes(value):
    """Say whether a value is a list of shapes."""
    return isinstance(value, (list, tuple)) and all(isinstance(v, (list, tuple)) for v in value)


def _broadcast_shape(shape, other):
    """The shape, without the batch, that two tensors broadcast to; None where a size is unknown."""
    long, short = (shape, other) if len(shape) >= len(other) else (other, shape)
    met = list(long[: len(long) - len(short)])
    for a, b in zip(long[len(met) :], short, strict=True):
        if a is None or b is None:
            met.append(None)
        elif a == b or 1 in (a, b):
            met.append(max(a, b) if 0 not in (a, b) else 0)
        else:
            raise ValueError(
                "The tensors to be merged need equal sizes, or 1, along each axis. Received: "
                f"shapes of samples {shape} and {other}"
            )
    return tuple(met)


def _aligned(inputs):
    """Give all inputs the same rank, with new axes after the batch."""
    rank = max(x.ndim for x in inputs)
    return [_raised(x, rank) for x in inputs]


def _raised(x, rank):
    if x.ndim == rank:
        return x
    return ops.reshape(x, (x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]))


def check_masks(inputs, mask):
    """Raise a ValueError unless there is one mask, or None, for each of a list of inputs."""
    if not isinstance(mask, (list, tuple)):
        raise ValueError(f"`mask` should be a list. Received: mask={mask}")
    if not isinstance(inputs, (list, tuple)):
        raise ValueError(f"`inputs` should be a list. Received: inputs={inputs}")
    if len(mask) != len(inputs):
        raise ValueError(
            f"There must be a mask, or None, for each input. Received: {len(inputs)} inputs and "
            f"{len(mask)} masks"
        )


@layer
class Add(_Merge):
    """The sum of the inputs.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Add()([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    _join = staticmethod(ops.add)


@layer
class Subtract(_Merge):
    """The first of two inputs less the second.

    Raises:
        ValueError: if there are not exactly two inputs.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Subtract()([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    _join = staticmethod(ops.subtract)

    def build(self, input_shape):
        """Check that there are two inputs that can be broadcast."""
        if are_shapes(input_shape) and len(input_shape) != 2:
            raise ValueError(
                "`Subtract` takes two tensors, and returns the first less the second. Received: "
                f"input_shape={input_shape}"
            )
        super().build(input_shape)


@layer
class Multiply(_Merge):
    """The product of the inputs; an input counts as 1 where its mask is False.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.array([[2.0, 3.0]])
        >>> keras.layers.Multiply()([x, x]).tolist()
        [[4.0, 9.0]]
    """

    _join = staticmethod(ops.multiply)

    def call(self, inputs):
        """Multiply; where all masks are False the result is 0."""
        masks = _masks_of(inputs)
        kept = [
            x if m is None else ops.where(spread(m, x), x, ops.cast(1, x.dtype))
            for x, m in zip(inputs, masks, strict=True)
        ]
        y = self._merged(_aligned(kept))
        if any(m is None for m in masks):
            return y
        return y * ops.cast(spread(reduce(ops.logical_or, masks), y), y.dtype)


def _masks_of(inputs):
    return [getattr(x, "_keras_mask", None) for x in inputs]


def spread(mask, x):
    """Give a mask the axes that it lacks after its own."""
    return ops.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))


@layer
class Average(_Merge):
    """The mean of the inputs.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Average()([keras.ops.ones((1, 2)), keras.ops.zeros((1, 2))]).tolist()
        [[0.5, 0.5]]
    """

    _join = staticmethod(ops.add)

    def _merged(self, inputs):
        return super()._merged(inputs) / len(inputs)


class _Extreme(_Merge):
    """An input whose mask is False does not count, unless the others' are False as well."""

    def call(self, inputs):
        """Join the inputs element by element."""
        masks = [
            None if m is None else spread(m, x)
            for x, m in zip(inputs, _masks_of(inputs), strict=True)
        ]
        if all(m is None for m in masks):
            return super().call(inputs)
        rank = max(x.ndim for x in inputs)
        masks = [None if m is None else _raised(m, rank) for m in masks]
        return reduce(self._join_masked, zip(_aligned(inputs), masks, strict=True))[0]

    def _join_masked(self, left, right):
        (x, seen), (y, mask) = left, right
        joined = self._join(x, y)
        if seen is not None:
            joined = ops.where(seen, joined, y)
        if mask is not None:
            joined = ops.where(mask, joined, x)
        either = None if seen is None or mask is None else ops.logical_or(seen, mask)
        return joined, either


@layer
class Maximum(_Extreme):
    """The largest of the inputs, element by element; masked ones do not count.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Maximum()([keras.ops.ones((1, 2)), keras.ops.zeros((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    _join = staticmethod(ops.maximum)


@layer
class Minimum(_Extreme):
    """The smallest of the inputs, element by element; masked ones do not count.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Minimum()([keras.ops.ones((1, 2)), keras.ops.zeros((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    _join = staticmethod(ops.minimum)


def _as_function(cls):
    """The function that makes a merging layer and calls it at once."""

    def merge(inputs, **kwargs):
        return cls(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = cls.__name__.lower()
    merge.__doc__ = f"""Call a new `{cls.__name__}` layer on a list of tensors.

    Args:
        inputs: list of tensors.
        **kwargs: the layer's arguments.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((1, 2))
        >>> keras.layers.{merge.__name__}([x, x]).shape
        (1, 2)
    """
    return merge


add = _as_function(Add)
subtract = _as_function(Subtract)
multiply = _as_function(Multiply)
average = _as_function(Average)
maximum = _as_function(Maximum)
minimum = _as_function(Minimum)
