"""Batch normalization: each channel brought to mean 0 and variance 1 over the batch.

Ioffe and Szegedy, "Batch Normalization" (2015); Ioffe, "Batch Renormalization" (2017).
"""

from typing import Annotated, Any

import numpy as np

from minikeras import ops
from minikeras.core import dims, dtypes, settings
from minikeras.layers.base.declare import Constraint, Field, Initializer, Regularizer, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer
from minikeras.ops.nn.batch_norm import batch_norm_train

_CLIPPING = ("rmax", "rmin", "dmax")


@layer
class BatchNormalization(Layer):
    """Normalize each channel: over the batch while training, by moving averages otherwise.

    `(x - mean) / sqrt(variance + epsilon) * gamma + beta`. While training, the moving averages
    follow as `moving * momentum + batch's * (1 - momentum)`. A layer with `trainable=False` runs
    as in inference.

    Args:
        axis: the axis of the channels.
        momentum: weight of the past in the moving averages.
        epsilon: number added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        moving_mean_initializer: initializer of the moving mean.
        moving_variance_initializer: initializer of the moving variance.
        renorm: whether to correct the batch's statistics towards moving ones while training.
        renorm_clipping: dict with any of `rmax`, `rmin`, `dmax`, the bounds of the correction.
        renorm_momentum: weight of the past in the moving averages of `renorm`.
        synchronized: whether to join the statistics of several devices; there is one.

    A mask, of the input's shape without the last axis, tells which places count for the
    statistics.

    Raises:
        ValueError: if the mask's rank does not fit, or `renorm_clipping` is wrong.

    Example:
        >>> import minikeras as keras
        >>> norm = keras.layers.BatchNormalization(epsilon=0.0)
        >>> norm(keras.ops.array([[1.0], [5.0]]), training=True).tolist()
        [[-1.0], [1.0]]
    """

    axis: Annotated[int, Field(lambda value, name: int(value))] = -1
    momentum: Annotated[float, Field(lambda value, name: float(value))] = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = "zeros"
    gamma_initializer: Initializer = "ones"
    moving_mean_initializer: Initializer = "zeros"
    moving_variance_initializer: Initializer = "ones"
    beta_regularizer: Regularizer = None
    gamma_regularizer: Regularizer = None
    beta_constraint: Constraint = None
    gamma_constraint: Constraint = None
    renorm: bool = False
    renorm_clipping: Annotated[Any, Field(serialize=lambda v: dict(v) if v is not None else v)] = (
        None
    )
    renorm_momentum: float = 0.99
    synchronized: bool = False

    def setup(self):
        """Masks pass; the bounds of the correction are checked."""
        self.supports_masking = True
        if self.renorm:
            self.renorm_clipping = _checked_clipping(self.renorm_clipping or {})

    def build(self, input_shape):
        """Make `gamma`, `beta` and the moving averages, one number for each channel."""
        axis = dims.normalize_axis(self.axis, len(input_shape))
        shape = (input_shape[axis],)
        self.gamma = self.field_weight("gamma", shape, autocast=False) if self.scale else None
        self.beta = self.field_weight("beta", shape, autocast=False) if self.center else None
        self.moving_mean = self._statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._statistic(
            "moving_variance", shape, self.moving_variance_initializer
        )
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", shape, self._first_stddev)
            self.renorm_mean = self._statistic("renorm_mean", shape, self.moving_mean_initializer)
            self.renorm_stddev = self._statistic("renorm_stddev", shape, self._first_stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: input_shape[axis]})

    def _first_stddev(self, shape, dtype=None):
        """An initializer: the root of the moving variance."""
        return np.sqrt(self.moving_variance.numpy())

    def _statistic(self, name, shape, initializer):
        return self.add_weight(
            shape=shape, initializer=initializer, trainable=False, autocast=False, name=name
        )

    def call(self, inputs, training=None, mask=None):
        """Normalize.

        Args:
            inputs: tensor.
            training: whether to use, and note, the batch's own statistics.
            mask: bool tensor of the input's shape without the last axis, or None.

        Returns:
            A tensor of the shape of `inputs`, in the layer's compute dtype.
        """
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "`mask` must have the inputs' axes but the last one, the features. Received: "
                f"mask.shape={dims.to_public(mask.shape)}, "
                f"inputs.shape={dims.to_public(inputs.shape)}"
            )
        x = ops.cast(inputs, dtypes.result_type(inputs.dtype, "float32"))
        if not training or not self.trainable:
            y = self._normalized(x, self.moving_mean, self.moving_variance, self.gamma, self.beta)
        elif mask is None and not self.renorm:
            options = {"axis": self.axis, "epsilon": self.epsilon}
            y, mean, variance = batch_norm_train(x, self.gamma, self.beta, **options)
            self._follow(self.momentum, (self.moving_mean, mean), (self.moving_variance, variance))
        else:
            y = self._trained_by_parts(x, mask)
        return ops.cast(y, self.compute_dtype)

    def _trained_by_parts(self, x, mask):
        """Normalize with statistics that need more than the fused op gives."""
        others = tuple(i for i in range(x.ndim) if i != self.axis % x.ndim)
        if mask is None:
            mean, variance = ops.moments(x, others)
        else:
            mean, variance = _masked_moments(x, mask, others)
        if self.renorm:
            gamma, beta = self._renormalizing(mean, variance)
        else:
            gamma, beta = self.gamma, self.beta
            self._follow(self.momentum, (self.moving_mean, mean), (self.moving_variance, variance))
        return self._normalized(x, mean, variance, gamma, beta)

    def _normalized(self, x, mean, variance, gamma, beta):
        return ops.batch_normalization(
            x, mean, variance, self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )

    def _renormalizing(self, mean, variance):
        """The factor and the shift with the correction in them; note the statistics."""
        mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
        stddev = ops.sqrt(variance + self.epsilon)
        clipping = {"rmin": 0.0, "rmax": float("inf"), "dmax": float("inf"), **self.renorm_clipping}
        usual = ops.cast(self.renorm_stddev, stddev.dtype)
        factor = ops.clip(stddev / usual, clipping["rmin"], clipping["rmax"])
        shift = ops.clip((mean - self.renorm_mean) / usual, -clipping["dmax"], clipping["dmax"])
        self._follow(self.renorm_momentum, (self.renorm_mean, mean), (self.renorm_stddev, stddev))
        self._follow(self.momentum, (self.moving_mean, mean), (self.moving_stddev, stddev))
        self.moving_variance.assign(ops.square(self.moving_stddev) - self.epsilon)
        gamma, beta = factor, shift
        if self.gamma is not None:
            gamma, beta = factor * self.gamma, shift * self.gamma
        return gamma, beta if self.beta is None else beta + self.beta

    def _follow(self, momentum, *pairs):
        """Move averages towards the batch's values."""
        for moving, value in pairs:
            moving.assign(moving * momentum + ops.stop_gradient(value) * (1.0 - momentum))

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


def _masked_moments(x, mask, axes):
    weights = ops.broadcast_to(ops.expand_dims(ops.cast(mask, x.dtype), -1), x.shape)
    count = ops.sum(weights, axis=axes, keepdims=True) + settings.epsilon()
    mean = ops.sum(weights * x, axis=axes, keepdims=True) / count
    variance = ops.sum(weights * ops.square(x - mean), axis=axes, keepdims=True) / count
    return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


def _checked_clipping(clipping):
    if not set(clipping) <= set(_CLIPPING):
        raise ValueError(
            f"`renorm_clipping` is a dict with keys among {list(_CLIPPING)}. Received: "
            f"renorm_clipping={clipping}"
        )
    rmax, rmin = clipping.get("rmax"), clipping.get("rmin")
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            f"`rmax` of `renorm_clipping` must not be less than `rmin`. Received: rmax={rmax}, "
            f"rmin={rmin}"
        )
    if clipping.get("dmax") is not None and clipping["dmax"] < 0:
        raise ValueError(
            f"`dmax` of `renorm_clipping` must be 0 or greater. Received: dmax={clipping['dmax']}"
        )
    return dict(clipping)
