"""Normalization: floats shifted and scaled to mean 0 and variance 1."""

import itertools
import math
from typing import Annotated, Any, ClassVar

import numpy as np

from minikeras import ops
from minikeras.core import settings
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.preprocessing.adapting import (
    batches_of,
    host_array_of,
    inputs_of,
    is_array,
    refuse_nothing,
)
from minikeras.layers.preprocessing.host import _FeatureLayer

_SCALARS_AT_ONCE = 128
"""The size of a batch of the elements of a data set that has no batches."""


def _axes(value, name):
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)


def _listed(value):
    return np.array(value).tolist()


_GIVEN_MEAN = Field(serialize=_listed, attribute="input_mean")
_GIVEN_VARIANCE = Field(serialize=_listed, attribute="input_variance")


class _Statistics(_FeatureLayer):
    """What a Normalization shows: its statistics, of a shape that broadcasts with the inputs."""

    @property
    def mean(self):
        """The mean; None until the layer is built."""
        return self._statistic("mean") if self.built else None

    @property
    def variance(self):
        """The variance; None until the layer is built."""
        return self._statistic("variance") if self.built else None

    def _statistic(self, name):
        """Mean or variance by name."""
        raise TypeError(f"{type(self).__name__} must define `_statistic(self, name)`.")


@layer
class Normalization(_Statistics):
    """Shift and scale inputs to mean 0 and variance 1: `(x - mean) / sqrt(variance)`.

    Mean and variance are given, or those of the data that the layer adapts to. Several batches are
    put together by the formula for the sum of squares between and within groups.

    Args:
        axis: int or tuple of ints, the axes along which mean and variance differ; None for a single
            mean and variance.
        mean: float, or array whose axes are the last of `axis`.
        variance: float, or array of the shape of `mean`.
        invert: bool, whether the inverse is computed, `mean + x * sqrt(variance)`.

    Raises:
        ValueError: if only one of `mean` and `variance` is given, or their shapes do not fit.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> layer = keras.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0]]))
        >>> layer(np.array([[0.0, 9.0, 5.0]])).tolist()
        [[-1.0, 1.0, 0.0]]
    """

    axis: Annotated[Any, Field(_axes)] = -1
    mean: Annotated[Any, _GIVEN_MEAN] = None
    variance: Annotated[Any, _GIVEN_VARIANCE] = None
    invert: bool = False

    # What the constructor got, and the weights.
    input_mean: ClassVar[Any]
    input_variance: ClassVar[Any]
    adapt_mean: ClassVar[Any]
    adapt_variance: ClassVar[Any]

    def setup(self):
        """Check the arguments."""
        self.supports_masking = True
        mean, variance = self.input_mean, self.input_variance
        if (mean is None) != (variance is None):
            raise ValueError(
                "Give both `mean` and `variance`, or neither and call `adapt`. Received: "
                f"mean={mean}, variance={variance}"
            )
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                f"`mean` and `variance` need one shape. Received: shapes {np.shape(mean)} and "
                f"{np.shape(variance)}"
            )
        if np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"`mean` has more axes than `axis` names, {len(self.axis)}. Received: mean of "
                f"shape {np.shape(mean)}, axis={self.axis}"
            )

    def build(self, input_shape):
        """Make the weights `mean`, `variance` and `count`, unless the values were given."""
        if input_shape is None:
            return
        rank = len(input_shape)
        if any(axis < -rank or axis >= rank for axis in self.axis):
            raise ValueError(
                f"Each of `axis` must be from {-rank} to {rank - 1}, since the inputs have {rank} "
                f"axes. Received: axis={self.axis}"
            )
        kept = sorted(axis % rank for axis in self.axis)
        for axis in kept:
            if input_shape[axis] is None:
                raise ValueError(
                    "There is a mean for each place along `axis`, so the sizes there must be "
                    f"known. Received: axis={self.axis} for input_shape={input_shape}, whose axis "
                    f"{axis} is unknown"
                )
        self._kept, self._input_shape = tuple(kept), tuple(input_shape)
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._broadcast_shape = tuple(input_shape[i] if i in kept else 1 for i in range(rank))
        if self.input_mean is None:
            self._make_weights(tuple(input_shape[axis] for axis in kept))
        else:
            self._check_given()
        self.built = True

    def _make_weights(self, shape):
        for name, initializer in (("mean", "zeros"), ("variance", "ones")):
            weight = self.add_weight(
                shape=shape, initializer=initializer, trainable=False, name=name
            )
            setattr(self, f"adapt_{name}", weight)
        # Nothing counts with it; files of Keras have it.
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int", trainable=False, name="count"
        )

    def _check_given(self):
        shape = self._given_shape(np.shape(self.input_mean))
        pairs = zip(shape, self._broadcast_shape, strict=True)
        if any(size not in (1, wanted) for size, wanted in pairs):
            raise ValueError(
                f"`mean` and `variance` of shape {np.shape(self.input_mean)} do not broadcast to "
                f"the axes {self.axis} of inputs of shape {self._input_shape}."
            )

    def _given_shape(self, shape):
        """The shape of given values among the axes of the inputs: the last of `axis` are theirs."""
        full = [1] * len(self._broadcast_shape)
        for axis, size in zip(self._kept[len(self._kept) - len(shape) :], shape, strict=True):
            full[axis] = size
        return full

    def _statistic(self, name):
        """Mean or variance, of a shape that broadcasts with the inputs."""
        values = getattr(self, f"input_{name}")
        if values is None:
            value = ops.reshape(getattr(self, f"adapt_{name}"), self._broadcast_shape)
            return ops.cast(value, self.compute_dtype)
        value = np.reshape(values, self._given_shape(np.shape(values)))
        value = ops.convert_to_tensor(value, dtype=self.compute_dtype)
        return ops.broadcast_to(value, self._broadcast_shape)

    def adapt(self, data):
        """Compute mean and variance of data.

        Args:
            data: array, or iterable of batches `x` or `(x, ...)`: a data set, a list of arrays, a
                generator, a PyDataset.

        Raises:
            ValueError: if there are no data, or their shape is not that of the inputs.
            TypeError: if `data` is nothing of the kind.
        """
        batches = iter([data] if is_array(data) else self._batches_of(data))
        first = next(batches, None)
        if first is None or not np.size(host_array_of(first)):
            refuse_nothing(self)
        if not self.built:
            self.build(tuple(first.shape))
        self._check_shape(first)
        if self.input_mean is not None:
            raise ValueError(
                f"Layer '{self.name}' was made with `mean` and `variance`: it cannot adapt to data."
            )
        mean, variance = self._moments(itertools.chain([first], batches))
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _batches_of(self, data):
        items = map(inputs_of, batches_of(data))
        first = next(items, None)
        if first is None:
            return []
        if not hasattr(first, "shape"):
            raise TypeError(
                "adapt() expects an iterable that yields arrays or tensors with a `.shape` "
                f"attribute. Got an element of type {type(first).__name__}: turn it into an array."
            )
        items = itertools.chain([first], items)
        return items if len(first.shape) else _joined(items)

    def _moments(self, batches):
        """Mean and variance of all batches, in float64."""
        mean = variance = total = 0.0
        for batch in batches:
            self._check_shape(batch)
            values = host_array_of(batch).astype(np.float64)
            count = math.prod(values.shape[axis] for axis in self._reduced)
            total += count
            if not total:
                continue
            new = count / total
            own, spread = values.mean(self._reduced), values.var(self._reduced)
            shifted = mean * (1 - new) + own * new
            variance = (variance + (mean - shifted) ** 2) * (1 - new) + (
                spread + (own - shifted) ** 2
            ) * new
            mean = shifted
        return mean, variance

    def _check_shape(self, batch):
        shape, expected = tuple(batch.shape), self._input_shape
        fits = len(shape) == len(expected) and all(shape[i] == expected[i] for i in self._kept)
        if not fits:
            raise ValueError(
                f"`adapt` needs data of the shape that the layer was built for, {expected}. "
                f"Received: data of shape {shape}"
            )

    def finalize_state(self):
        """Do nothing: `mean` and `variance` are those of the weights at any time."""

    def call(self, inputs):
        """Shift and scale, or the inverse."""
        inputs = ops.cast(inputs, self.compute_dtype)
        mean, variance = self._statistic("mean"), self._statistic("variance")  # of the weights
        deviation = ops.maximum(ops.sqrt(variance), settings.epsilon())
        if self.invert:
            return mean + inputs * deviation
        return (inputs - mean) / deviation

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs."""
        return input_shape


def _joined(numbers):
    """Batches of the elements of a data set without batches."""
    while group := list(itertools.islice(numbers, _SCALARS_AT_ONCE)):
        yield np.stack([host_array_of(number) for number in group])
