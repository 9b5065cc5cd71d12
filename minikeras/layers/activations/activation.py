"""Layers that apply an activation function: with options, with weights, with a mask."""

from typing import Annotated, Any

from minikeras import activations, ops
from minikeras.core import dims
from minikeras.layers.base.arguments import plain
from minikeras.layers.base.declare import (
    Activation as ActivationField,
)
from minikeras.layers.base.declare import (
    Constraint,
    Field,
    Initializer,
    Regularizer,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


class _Elementwise(Layer):
    """A layer without weights whose output has the shape of its input."""

    def setup(self):
        """Masks pass; there is nothing to build."""
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@layer
class Activation(_Elementwise):
    """Any activation function as a layer.

    Args:
        activation: activation function or its name.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Activation("relu")(keras.ops.array([-3.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    activation: ActivationField

    def call(self, inputs):
        """Apply the function."""
        return self.activation(inputs)


def _not_negative(text):
    """A field of a number that must not be negative, nor None."""

    def convert(value, name):
        if value is None or value < 0:
            raise ValueError(text.format(name=name) + f"Received: {name}={value}")
        return value

    return Field(convert)


def _ceiling(value, name):
    if value is not None and value < 0:
        raise ValueError(
            f"{name} of a ReLU layer cannot be a negative value. Received: {name}={value}"
        )
    return value


_OfReLU = Annotated[
    float, _not_negative("{name} of a ReLU layer cannot be None or a negative value. ")
]


@layer
class ReLU(_Elementwise):
    """Rectified linear unit, with a slope below a threshold and a ceiling.

    Args:
        max_value: the ceiling, not negative, or None for none.
        negative_slope: slope below the threshold, not negative.
        threshold: where the slope ends, not negative.

    Raises:
        ValueError: if a value is negative.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ReLU(max_value=2.0)(keras.ops.array([-3.0, 1.0, 5.0])).tolist()
        [0.0, 1.0, 2.0]
    """

    max_value: Annotated[float | None, Field(_ceiling)] = None
    negative_slope: _OfReLU = 0.0
    threshold: _OfReLU = 0.0

    def call(self, inputs):
        """Apply the unit."""
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


@layer
class LeakyReLU(_Elementwise):
    """Negative inputs multiplied by a small slope.

    Args:
        negative_slope: the slope, not negative.
        **kwargs: `name`, `dtype`, `activity_regularizer`; `alpha`, the slope's former name.

    Raises:
        ValueError: if the slope is negative.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.LeakyReLU(0.5)(keras.ops.array([-3.0, 2.0])).tolist()
        [-1.5, 2.0]
    """

    negative_slope: Annotated[
        float,
        _not_negative(
            "The {name} value of a Leaky ReLU layer cannot be None or negative value. Expected a "
            "float. "
        ),
    ] = 0.3

    def __init__(self, *args, **kwargs):
        if "alpha" in kwargs:
            kwargs["negative_slope"] = kwargs.pop("alpha")
        LeakyReLU.from_fields(self, *args, **kwargs)

    def call(self, inputs):
        """Apply the unit."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


@layer
class ELU(_Elementwise):
    """Exponential linear unit: `alpha * (exp(x) - 1)` for negative inputs.

    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
    Linear Units" (2015).

    Args:
        alpha: minus the limit on the negative side.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ELU()(keras.ops.array([-100.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    alpha: float = 1.0

    def call(self, inputs):
        """Apply the unit."""
        return activations.elu(inputs, alpha=self.alpha)


def _axis_list(value, name):
    if value is None or isinstance(value, (list, tuple)):
        return value if value is None else list(value)
    return [value]


@layer
class PReLU(Layer):
    """Negative inputs multiplied by a slope that is learned: one for each feature.

    He et al., "Delving Deep into Rectifiers" (2015).

    Args:
        alpha_initializer: initializer of the slopes.
        alpha_regularizer: regularizer of the slopes.
        alpha_constraint: constraint of the slopes.
        shared_axes: list of axes (the batch is axis 0) along which slopes are shared, or None.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.PReLU("ones")(keras.ops.array([[-3.0, 2.0]])).tolist()
        [[-3.0, 2.0]]
    """

    alpha_initializer: Initializer = "Zeros"
    alpha_regularizer: Regularizer = None
    alpha_constraint: Constraint = None
    shared_axes: Annotated[Any, Field(_axis_list, plain)] = None

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def build(self, input_shape):
        """Make the slopes, of the shape of one sample with size 1 along shared axes."""
        shared = set(self.shared_axes or ())
        outside = [axis for axis in shared if not 1 <= axis < len(input_shape)]
        if outside:
            raise ValueError(
                f"`shared_axes` must be axes of the input from 1 to {len(input_shape) - 1}. "
                f"Received: shared_axes={self.shared_axes}, input_shape={input_shape}"
            )
        shape = [1 if i in shared else n for i, n in enumerate(input_shape)]
        self.alpha = self.field_weight("alpha", tuple(shape[1:]))
        axes = {i: n for i, n in enumerate(input_shape) if i and i not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs):
        """Apply the unit."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@layer
class Softmax(_Elementwise):
    """Turn logits into probabilities: exponentials divided by their sum.

    Args:
        axis: int or list of ints along which the result adds up to one.

    A mask, True at the logits that count, gives the others the probability 0.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Softmax()(keras.ops.array([[1.0, 1.0]])).tolist()
        [[0.5, 0.5]]
    """

    axis: Annotated[Any, Field(serialize=plain)] = -1

    def call(self, inputs, mask=None):
        """Compute the probabilities.

        Args:
            inputs: tensor of logits.
            mask: bool tensor that broadcasts to the logits, or None.

        Returns:
            A tensor of the shape of `inputs`.

        Raises:
            ValueError: if the mask does not broadcast to the logits.
        """
        axis = self.axis
        if isinstance(axis, (list, tuple)):
            axes = list(axis)
            axis = tuple(axes) if len(axes) > 1 else axes[0]
        if mask is None:
            return activations.softmax(inputs, axis=axis)
        mask = ops.cast(mask, "bool")
        _check_mask(mask.shape, inputs.shape)
        logits = ops.where(mask, inputs, _HIDDEN.get(inputs.dtype, _HIDDEN["float32"]))
        return activations.softmax(logits, axis=axis) * ops.cast(mask, inputs.dtype)


# Logits so low that their exponential is zero beside any other; finite, so that a row of nothing
# else has a softmax.
_HIDDEN = {"float16": -3e4, "float32": -3e38, "float64": -3e38}


def _check_mask(mask_shape, shape):
    sizes = zip(reversed(mask_shape), reversed(shape), strict=False)
    fits = len(mask_shape) <= len(shape) and all(
        m == 1 or m == n or isinstance(m, dims.Dim) or isinstance(n, dims.Dim) for m, n in sizes
    )
    if not fits:
        raise ValueError(
            "`mask` must have the inputs' sizes, or 1, along each of its axes. Received: "
            f"inputs.shape={dims.to_public(shape)}, mask.shape={dims.to_public(mask_shape)}"
        )
