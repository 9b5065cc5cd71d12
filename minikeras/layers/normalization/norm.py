"""Layers that normalize each sample separately: over features or groups, or to unit length."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core import dims, dtypes
from minikeras.layers.base.arguments import Axes, plain
from minikeras.layers.base.declare import Constraint, Field, Initializer, Regularizer, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer
from minikeras.ops.nn.norm import group_norm, normalize

_SHORTEST = 1e-12
"""The length below which a vector counts as zero and is not brought to length 1."""


@layer
class LayerNormalization(Layer):
    """Normalize each sample over some of its axes.

    Ba, Kiros and Hinton, "Layer Normalization" (2016).

    Args:
        axis: int or list of ints, what is normalized together.
        epsilon: number added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        rms_scaling: bool, deprecated: whether to scale without subtracting the mean.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.LayerNormalization(epsilon=0.0)(keras.ops.array([[1.0, 5.0]])).tolist()
        [[-1.0, 1.0]]
    """

    axis: Axes = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = "zeros"
    gamma_initializer: Initializer = "ones"
    beta_regularizer: Regularizer = None
    gamma_regularizer: Regularizer = None
    beta_constraint: Constraint = None
    gamma_constraint: Constraint = None

    def __init__(self, *args, rms_scaling=False, **kwargs):
        LayerNormalization.from_fields(self, *args, **kwargs)
        self.rms_scaling = rms_scaling

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def build(self, input_shape):
        """Make `gamma` and `beta`, of the sizes of the normalized axes."""
        self.axis, shape = _axes_and_sizes(self.axis, input_shape)
        scaled, centred = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self.gamma = self.field_weight("gamma", shape, autocast=False) if scaled else None
        self.beta = self.field_weight("beta", shape, autocast=False) if centred else None

    def call(self, inputs):
        """Normalize, multiply, add."""
        return ops.layer_normalization(
            ops.cast(inputs, self.compute_dtype),
            self.gamma,
            self.beta,
            axis=tuple(self.axis),
            epsilon=self.epsilon,
            rms_scaling=self.rms_scaling,
        )

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


@layer
class RMSNormalization(Layer):
    """Divide each sample by the root of its mean square over some axes.

    Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).

    Args:
        axis: int or list of ints, what is normalized together.
        epsilon: number added to the mean square.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.array([[2.0, 2.0]])
        >>> keras.layers.RMSNormalization(epsilon=0.0)(x).tolist()
        [[1.0, 1.0]]
    """

    axis: Annotated[Any, Field(serialize=plain)] = -1
    epsilon: float = 1e-6

    def build(self, input_shape):
        """Make the scale, of the sizes of the normalized axes."""
        axes = list(self.axis) if isinstance(self.axis, tuple) else self.axis
        self.axis, shape = _axes_and_sizes(axes, input_shape)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")

    def call(self, x):
        """Normalize, multiply."""
        places = [axis % x.ndim for axis in self.axis]
        sizes = [size if i in places else 1 for i, size in enumerate(x.shape)]
        scale = ops.reshape(self.scale, sizes)
        x = ops.cast(x, self.compute_dtype)
        return ops.rms_normalization(x, scale, axis=tuple(self.axis), epsilon=self.epsilon)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


def _axes_and_sizes(axis, input_shape):
    """The normalized axes as a list in their order, and their sizes."""
    axes = sorted(axis) if isinstance(axis, list) else [axis]
    places = dims.normalize_axes(axes, len(input_shape))
    return axes, tuple(input_shape[place] for place in places)


@layer
class GroupNormalization(Layer):
    """Normalize each sample over its places and over groups of its channels.

    Wu and He, "Group Normalization" (2018).

    Args:
        groups: number of groups, which divides the channels; -1 for one for each channel.
        axis: the axis of the channels.
        epsilon: number added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.

    Raises:
        ValueError: if the groups do not divide the channels.

    Example:
        >>> import minikeras as keras
        >>> norm = keras.layers.GroupNormalization(groups=2, epsilon=0.0)
        >>> norm(keras.ops.array([[1.0, 5.0, 0.0, 8.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    groups: int = 32
    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = "zeros"
    gamma_initializer: Initializer = "ones"
    beta_regularizer: Regularizer = None
    gamma_regularizer: Regularizer = None
    beta_constraint: Constraint = None
    gamma_constraint: Constraint = None

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def build(self, input_shape):
        """Make `gamma` and `beta`, one number for each channel."""
        channels = input_shape[dims.normalize_axis(self.axis, len(input_shape))]
        if channels is None:
            raise ValueError(
                f"The channels, axis {self.axis} of the inputs, must be of known number. Received: "
                f"input_shape={input_shape}"
            )
        self.groups = channels if self.groups == -1 else self.groups
        if channels < self.groups:
            raise ValueError(
                "There are more groups than channels: give `groups` a divisor of the number of "
                f"channels. Received: groups={self.groups} and {channels} channels"
            )
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must divide the number of channels ({channels})."
            )
        self.gamma = self.field_weight("gamma", (channels,), autocast=False) if self.scale else None
        self.beta = self.field_weight("beta", (channels,), autocast=False) if self.center else None
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs):
        """Normalize, multiply, add."""
        x = ops.cast(inputs, dtypes.result_type(inputs.dtype, "float32"))
        options = {"groups": self.groups, "axis": self.axis, "epsilon": self.epsilon}
        x = group_norm(x, self.gamma, self.beta, **options)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@layer
class UnitNormalization(Layer):
    """Divide each sample by its Euclidean length over some axes.

    Args:
        axis: int or list of ints, what is normalized together.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.UnitNormalization()(keras.ops.array([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
    """

    axis: Axes = -1

    def setup(self):
        """Masks pass; there is nothing to build."""
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        """Divide by the length."""
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return normalize(ops.cast(inputs, self.compute_dtype), axis=axis, epsilon=_SHORTEST)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape
