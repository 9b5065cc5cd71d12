"""Activation functions that gate: sigmoid curves, and `x` times a curve of `x`."""

import math

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import floating
from minikeras.autograd.fused import fused
from minikeras.core import dims
from minikeras.core.docstrings import described
from minikeras.kernels.shared import activations as kernels
from minikeras.kernels.shared import curves
from minikeras.ops.elementwise.exponential import sigmoid, tanh
from minikeras.ops.elementwise.special import erf
from minikeras.ops.nn.activation import relu6
from minikeras.ops.shapes.shaping import split


@op
@described(floating.texts)
def gelu(x, approximate=True):
    """Gaussian error linear unit: `x` times the probability that a normal number is below `x`.

    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).

    Equations (activations.gelu):
        u = sqrt(2 / pi) * (x + 0.044715 * x**3)
        t = tanh(u)
        y = x * (1 + t) / 2

    Equations (activations.erf_gelu):
        below = (1 + erf(x * sqrt(0.5))) / 2
        y = x * below

    Args:
        approximate: bool, whether to use the formula with `tanh` in place of the error function.

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.gelu([0.0, 100.0]).tolist()
        [0.0, 100.0]
    """
    if approximate:
        return _tanh_gelu(x)
    return _erf_gelu(x)


@op
def _tanh_gelu_reference(x):
    return 0.5 * x * (1.0 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


_tanh_gelu = fused(
    "gelu",
    reference=_tanh_gelu_reference,
    forward=kernels.gelu,
    backward=kernels.gelu_backward,
    family=floating,
)


@op
def _silu_reference(x):
    return x * sigmoid(x)


_silu = fused(
    "silu",
    reference=_silu_reference,
    forward=kernels.silu,
    backward=kernels.silu_backward,
    family=floating,
)


@op
def _erf_gelu_reference(x):
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


_erf_gelu = fused(
    "erf_gelu",
    reference=_erf_gelu_reference,
    forward=curves.erf_gelu,
    backward=curves.erf_gelu_backward,
    family=floating,
)


@op
def _hard_sigmoid_reference(x):
    return relu6(x + 3.0) / 6.0


_hard_sigmoid = fused(
    "hard_sigmoid",
    reference=_hard_sigmoid_reference,
    forward=curves.hard_sigmoid,
    backward=curves.hard_sigmoid_backward,
    family=floating,
)


@op
def _hard_silu_reference(x):
    return x * _hard_sigmoid_reference(x)


_hard_silu = fused(
    "hard_silu",
    reference=_hard_silu_reference,
    forward=curves.hard_silu,
    backward=curves.hard_silu_backward,
    family=floating,
)


@_tanh_gelu.shape_rule
@_silu.shape_rule
@_erf_gelu.shape_rule
@_hard_sigmoid.shape_rule
@_hard_silu.shape_rule
def _(x):
    return x


@op
@described(floating.texts)
def silu(x):
    """Multiply each element by its own sigmoid; also called swish.

    Equations (activations.silu):
        s = sigmoid(x)
        y = x * s

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.silu([0.0, 100.0]).tolist()
        [0.0, 100.0]
    """
    return _silu(x)


swish = silu


@op
def glu(x, axis=-1):
    """Gated linear unit: one half of the axis times the sigmoid of the other half.

    Args:
        x: float tensor of rank 1 or more; integers become the default float type.
        axis: int, an axis of even size.

    Returns:
        A float tensor with half the size along the axis.

    Raises:
        ValueError: if the size is odd.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.glu([4.0, 0.0]).tolist()
        [2.0]
    """
    x = convert_to_tensor(x)
    size = x.shape[dims.normalize_axis(axis, x.ndim)]
    if not isinstance(size, dims.Dim) and size % 2:
        raise ValueError(
            f"`glu` halves the axis {axis}, whose size must be even. Received: "
            f"x.shape={dims.to_public(x.shape)}"
        )
    values, gates = split(x, 2, axis=axis)
    return values * sigmoid(gates)


@op
@described(floating.texts)
def hard_sigmoid(x):
    """A sigmoid of straight lines: 0 up to -3, 1 from 3 on.

    Equations (activations.hard_sigmoid):
        y = minimum(maximum(x + 3, 0), 6) / 6

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_sigmoid([-4.0, 0.0, 4.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return _hard_sigmoid(x)


@op
@described(floating.texts)
def hard_silu(x):
    """Multiply each element by its own `hard_sigmoid`; also called hard swish.

    Equations (activations.hard_silu):
        y = x * hard_sigmoid(x)

    Returns:
        A float tensor of the same shape.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hard_silu([-1.5, 0.0, 4.0]).tolist()
        [-0.375, 0.0, 4.0]
    """
    return _hard_silu(x)


hard_swish = hard_silu
