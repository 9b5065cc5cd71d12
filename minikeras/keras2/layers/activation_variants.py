"""Activations with parameters that are layers of Keras 1 and 2 alone."""

from typing import Any

from minikeras import initializers, ops
from minikeras.layers.base.declare import Initializer, layer
from minikeras.layers.base.layer import Layer


class _Elementwise(Layer):
    """A layer whose output has the shape of its input."""

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


def _shared_shape(input_shape, shared_axes):
    """The shape of parameters that are shared along axes, which are counted from 1."""
    axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes or ()
    return [1 if i in axes else size for i, size in enumerate(input_shape) if i]


@layer
class ThresholdedReLU(_Elementwise):
    """Zero up to a threshold, the input above it: `y = x if x > theta else 0`.

    Konda et al., "Zero-bias autoencoders and the benefits of co-adapting features" (2014).

    Args:
        theta: the threshold, not negative.
        **kwargs: see `Layer`.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.layers import ThresholdedReLU
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([ThresholdedReLU(1.5, input_shape=(3,))])
        >>> model.predict(np.array([[1.0, 1.5, 2.0]])).tolist()
        [[0.0, 0.0, 2.0]]
    """

    theta: float = 1.0

    def call(self, inputs):
        """Multiply by whether the input is over the threshold."""
        return inputs * ops.cast(inputs > self.theta, inputs.dtype)


@layer
class ParametricSoftplus(_Elementwise):
    """A softplus with two trained parameters: `y = alpha * log(1 + exp(beta * x))`.

    McFarland et al., "Inferring Nonlinear Neuronal Computation Based on Physiologically Plausible
    Inputs" (2013).

    Args:
        alpha_init: first value of each alpha.
        beta_init: first value of each beta.
        weights: list of two arrays to start from.
        shared_axes: axes along which the parameters are shared, counted from 1; or None.
        **kwargs: see `Layer`.

    Example:
        >>> from minikeras.keras2.layers import ParametricSoftplus
        >>> from minikeras.keras2.models import Sequential
        >>> Sequential([ParametricSoftplus(input_shape=(3,))]).count_params()
        6
    """

    alpha_init: float = 0.2
    beta_init: float = 5.0
    shared_axes: Any = None

    def build(self, input_shape):
        """Make `alphas` and `betas`."""
        shape = _shared_shape(input_shape, self.shared_axes)
        self.alphas, self.betas = (
            self.add_weight(name=name, shape=shape, initializer=initializers.Constant(value))
            for name, value in (("alphas", self.alpha_init), ("betas", self.beta_init))
        )

    def call(self, inputs):
        """Compute the softplus."""
        return ops.softplus(self.betas * inputs) * self.alphas


@layer
class SReLU(_Elementwise):
    """A function of three straight parts, with trained bends and slopes.

    Jin et al., "Deep Learning with S-shaped Rectified Linear Activation Units" (2015), with
    t_r = t_left + |t_right|:

        y = t_left + a_left * (x - t_left)      where x <= t_left
        y = x                                   between
        y = t_r + a_right * (x - t_r)           where x >= t_r

    Args:
        t_left_init: initializer of the left bend.
        a_left_init: initializer of the left slope.
        t_right_init: initializer of the distance between the bends.
        a_right_init: initializer of the right slope.
        shared_axes: axes along which the parameters are shared, counted from 1; or None.
        **kwargs: see `Layer`.

    Example:
        >>> from minikeras.keras2.layers import SReLU
        >>> from minikeras.keras2.models import Sequential
        >>> Sequential([SReLU(input_shape=(3,))]).count_params()
        12
    """

    t_left_init: Initializer = "zeros"
    a_left_init: Initializer = "glorot_uniform"
    t_right_init: Initializer = "glorot_uniform"
    a_right_init: Initializer = "ones"
    shared_axes: Any = None

    def build(self, input_shape):
        """Make the bends and slopes."""
        shape = _shared_shape(input_shape, self.shared_axes)
        self.t_left, self.a_left, self.t_right, self.a_right = (
            self.add_weight(name=name, shape=shape, initializer=getattr(self, f"{name}_init"))
            for name in ("t_left", "a_left", "t_right", "a_right")
        )

    def call(self, inputs):
        """Compute the parts."""
        t_left, t_right = self.t_left, self.t_left + ops.abs(self.t_right)
        left = ops.minimum(inputs - t_left, 0.0) * self.a_left
        right = ops.maximum(inputs - t_right, 0.0) * self.a_right
        return ops.clip(inputs, t_left, t_right) + left + right
