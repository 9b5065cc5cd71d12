"""Layers against overfitting: noise while training, and penalties on activations."""

import math
from collections.abc import Callable
from typing import Annotated, Any

from minikeras import ops, regularizers
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import Field, Fraction, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer
from minikeras.ops.random import draws as random
from minikeras.ops.random.dropout import dropout
from minikeras.ops.random.seeds import SeedGenerator


def _noise_shape(value, name):
    if value is None:
        return None
    message = f"Invalid value received for argument `{name}`. Expected "
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{message}a tuple or list of integers. Received: {name}={value}")
    for i, size in enumerate(value):
        if size is not None and (not isinstance(size, int) or size <= 0):
            raise ValueError(
                f"{message}sizes greater than 0, or None for the inputs' own. Received: "
                f"{name}={value}, with {size} at index {i}"
            )
    return tuple(value)


NoiseShape = Annotated[
    Any,
    Field(
        _noise_shape,
        text="tuple of ints, the shape of the mask, which broadcasts to the inputs, with None "
        "where it has their size; None: every element separately.",
    ),
]


class _Noise(Layer):
    """A layer that changes its input at random while training and passes it on otherwise.

    Args:
        seed: int, or None for one drawn from Python's `random`.
    """

    seed: int | None
    _amount = "rate"
    _noisy: Callable[[Any], Any]

    def setup(self):
        """Make a source of seeds, if there is anything to draw."""
        self.supports_masking = True
        if getattr(self, self._amount) > 0:
            self.seed_generator = SeedGenerator(self.seed)
        self.built = True

    def call(self, inputs, training=False):
        """Add noise while training."""
        if not training or not getattr(self, self._amount) > 0:
            return inputs
        return self._noisy(inputs)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@layer
class Dropout(_Noise):
    """Set a random part of the inputs to zero while training, and scale the others up.

    Srivastava et al., "Dropout" (2014).

    Args:
        rate: the part, from 0 to 1; the others are multiplied by `1 / (1 - rate)`.

    Raises:
        ValueError: if the rate is outside its range or the noise shape invalid.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.Dropout(0.5, seed=1)
        >>> layer(keras.ops.array([[1.0, 2.0]]), training=True).tolist()
        [[2.0, 0.0]]
    """

    rate: Fraction
    noise_shape: NoiseShape = None
    seed: int | None = None

    def _noisy(self, inputs):
        return dropout(inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator)


class _SpatialDropout(_Noise):
    """Dropout of whole channels.

    Args:
        rate: float from 0 to 1, the part of the channels.
    """

    rate: float
    _rank: int

    def setup(self):
        """Demand a batch, the spatial axes and the channels."""
        super().setup()
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _noisy(self, inputs):
        batch, ones = inputs.shape[0], (1,) * self._rank
        if getattr(self, "data_format", None) == "channels_first":
            shape = (batch, inputs.shape[1], *ones)
        else:
            shape = (batch, *ones, inputs.shape[-1])
        return dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["trainable"]
        return config


@layer
class SpatialDropout1D(_SpatialDropout):
    """Set whole channels of sequences to zero while training, and scale the others up.

    Tompson et al., "Efficient Object Localization Using Convolutional Networks" (2015).

    Input shape: `(batch, steps, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SpatialDropout1D(0.5)(keras.ops.ones((1, 2, 3))).shape
        (1, 2, 3)
    """

    _rank = 1

    rate: Fraction
    seed: int | None = None
    name: str | None = None
    dtype: Any = None


@layer
class SpatialDropout2D(_SpatialDropout):
    """Set whole channels of images to zero while training, and scale the others up.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SpatialDropout2D(0.5)(keras.ops.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    _rank = 2

    rate: Fraction
    data_format: DataFormat = None
    seed: int | None = None
    name: str | None = None
    dtype: Any = None


@layer
class SpatialDropout3D(_SpatialDropout):
    """Set whole channels of volumes to zero while training, and scale the others up.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.SpatialDropout3D(0.5)(keras.ops.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 2, 2, 3)
    """

    _rank = 3

    rate: Fraction
    data_format: DataFormat = None
    seed: int | None = None
    name: str | None = None
    dtype: Any = None


@layer
class GaussianNoise(_Noise):
    """Add normal noise while training.

    Args:
        stddev: standard deviation of the noise, from 0 to 1.

    Raises:
        ValueError: if the deviation is outside its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GaussianNoise(0.5)(keras.ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    _amount = "stddev"

    stddev: Fraction
    seed: int | None = None

    def _noisy(self, inputs):
        return inputs + random.normal(
            inputs.shape, 0.0, self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


@layer
class GaussianDropout(_Noise):
    """Multiply by normal noise of mean 1 and deviation `sqrt(rate / (1 - rate))` while training.

    Srivastava et al., "Dropout" (2014), section 10.

    Args:
        rate: float from 0 to below 1; the noise has the standard deviation that `Dropout` of this
            rate has.

    Raises:
        ValueError: if the rate is outside its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.GaussianDropout(0.5)(keras.ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    rate: Fraction
    seed: int | None = None

    def _noisy(self, inputs):
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(
            inputs.shape, 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


_SELU_LIMIT = -1.6732632423543772 * 1.0507009873554805
"""What `selu` tends to on the negative side."""


@layer
class AlphaDropout(_Noise):
    """Set a random part of the inputs to the limit of `selu` while training.

    Mean and variance stay as they are.

    Klambauer et al., "Self-Normalizing Neural Networks" (2017), section "New Dropout Technique".

    Args:
        rate: the part, from 0 to below 1.

    Raises:
        ValueError: if the rate is outside its range or the noise shape invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.AlphaDropout(0.5)(keras.ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    rate: Fraction
    noise_shape: NoiseShape = None
    seed: int | None = None

    def _noisy(self, inputs):
        shape = self.noise_shape or inputs.shape
        shape = tuple(n if m is None else m for m, n in zip(shape, inputs.shape, strict=True))
        draws = random.uniform(shape, seed=self.seed_generator)
        kept = ops.cast(ops.greater_equal(draws, self.rate), inputs.dtype)
        scale = ((1 - self.rate) * (1 + self.rate * _SELU_LIMIT**2)) ** -0.5
        shift = -scale * _SELU_LIMIT * self.rate
        return scale * (inputs * kept + _SELU_LIMIT * (1 - kept)) + shift


@layer
class ActivityRegularization(Layer):
    """Add a penalty on the inputs to the loss, and pass them on.

    Args:
        l1: factor of the sum of absolute values, not negative.
        l2: factor of the sum of squares, not negative.

    Raises:
        ValueError: if a factor is negative.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.ActivityRegularization(l1=0.5)
        >>> y = layer(keras.ops.array([[1.0, -3.0]]))
        >>> float(layer.losses[0])
        2.0
    """

    l1: float = 0.0
    l2: float = 0.0

    def setup(self):
        """Make the penalty."""
        self.activity_regularizer = regularizers.L1L2(l1=self.l1, l2=self.l2)
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config
