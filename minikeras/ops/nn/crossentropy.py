"""Cross-entropies between targets and predictions, one number for each sample.

A prediction that comes straight from `softmax` or `sigmoid` remembers its logits, and the loss is
computed from these: exactly, with no clipping. Other probabilities are clipped to
`[epsilon, 1 - epsilon]` before their logarithm is taken.
"""

import warnings

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, cached, same, to_float
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes, settings
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.kernels.shared import crossentropy as kernels
from minikeras.ops.elementwise.exponential import log
from minikeras.ops.elementwise.extremes import clip
from minikeras.ops.indexing.blocks import take_along_axis
from minikeras.ops.nn.shrinkage import softplus
from minikeras.ops.nn.softmax import log_softmax, softmax_along
from minikeras.ops.reductions.sums import sum
from minikeras.ops.shapes.shaping import expand_dims, squeeze


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy between target probabilities and predicted ones.

    Args:
        target: float tensor of any shape, probabilities that add up to one along `axis`.
        output: float tensor of the same shape, probabilities or logits.
        from_logits: bool, whether `output` holds logits.
        axis: int, the axis of the classes.

    Returns:
        A float tensor without that axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.categorical_crossentropy([0.0, 1.0], [1000.0, 0.0], from_logits=True).item()
        1000.0
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    if not target.ndim:
        raise ValueError(
            "`target` and `output` need an axis of classes. " + _shapes(target, output)
        )
    _check_same_shape(target, output)
    output, from_logits = _logits_of(output, from_logits, "softmax", "categorical_crossentropy")
    if from_logits:
        return _in_float32(_softmax_crossentropy, target, output, axis=axis)
    output = _clipped(output / sum(output, axis=axis, keepdims=True))
    return -sum(target * log(output), axis=axis)


@op
@described(categorical_crossentropy)
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy between class numbers and predicted probabilities.

    Args:
        target: tensor of integers in `[0, classes)`, of the shape of `output` without its last
            axis; a last axis of size 1 may stand in its place.
        output: float tensor `(..., classes)`, probabilities or logits.
        axis: int, which must be the last axis.

    Returns:
        A float tensor `(...)`.

    Raises:
        ValueError: if the shapes do not fit, the axis is not the last, or a class number is out
            of range.

    Example:
        >>> import minikeras as keras
        >>> logits = [[1000.0, 0.0], [0.0, 0.0]]
        >>> keras.ops.sparse_categorical_crossentropy([1, 0], logits, from_logits=True).tolist()
        [1000.0, 0.6931471824645996]
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    if axis not in (-1, output.ndim - 1):
        raise ValueError(
            f"The classes must lie along the last axis. Received: axis={axis} for "
            f"output.shape={dims.to_public(output.shape)}"
        )
    if not output.ndim:
        raise ValueError("`output` needs an axis of classes. " + _shapes(target, output))
    output, from_logits = _logits_of(
        output, from_logits, "softmax", "sparse_categorical_crossentropy"
    )
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = squeeze(target, axis=-1)
    if target.ndim != output.ndim - 1:
        raise ValueError(
            "Argument `target` must have one axis less than `output`. " + _shapes(target, output)
        )
    if not _agree(target.shape, output.shape[:-1]):
        raise ValueError(
            "Arguments `target` and `output` must have the same shape up until the last "
            "dimension. " + _shapes(target, output)
        )
    if not from_logits:
        output = log(_clipped(output))
    return _in_float32(_sparse_crossentropy, output, cast(target, dtype="int64"))


@op
@described(categorical_crossentropy)
def binary_crossentropy(target, output, from_logits=False):
    """Cross-entropy between target probabilities of one event and predicted ones, cell by cell.

    Args:
        target: float tensor of any shape, of numbers from 0 to 1.

    Returns:
        A float tensor of the same shape.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.binary_crossentropy([0.0, 1.0], [1000.0, 0.0], from_logits=True).tolist()
        [1000.0, 0.6931471824645996]
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    _check_same_shape(target, output)
    output, from_logits = _logits_of(output, from_logits, "sigmoid", "binary_crossentropy")
    if from_logits:
        return _sigmoid_crossentropy(target, output)
    output = _clipped(output)
    return -(target * log(output) + (1 - target) * log(1 - output))


def _logits_of(output, from_logits, activation, name):
    """The logits of probabilities, if these remember them; and whether the input is logits."""
    logits = getattr(output, "_keras_logits", None)
    if logits is None:
        return output, from_logits
    if from_logits:
        warnings.warn(
            f"`{name}` received the probabilities of a {activation} and `from_logits=True`. Their "
            "logits are used; pass these, or leave out `from_logits`.",
            stacklevel=3,
        )
    return logits, True


def _clipped(output):
    return clip(output, settings.epsilon(), 1.0 - settings.epsilon())


def _in_float32(crossentropy, first, second, **statics):
    """Compute in float32 what is given in half precision, and round the result once."""
    dtype = dtypes.result_type(first.dtype, second.dtype, "float")
    if dtype != "float16":
        return crossentropy(first, second, **statics)
    wide = [cast(x, dtype="float32") if dtypes.is_float(x.dtype) else x for x in (first, second)]
    return cast(crossentropy(*wide, **statics), dtype=dtype)


def _check_same_shape(target, output):
    if target.ndim != output.ndim or not _agree(target.shape, output.shape):
        raise ValueError("`target` and `output` must have one shape. " + _shapes(target, output))


def _shapes(target, output):
    return (
        f"Received: target.shape={dims.to_public(target.shape)}, "
        f"output.shape={dims.to_public(output.shape)}"
    )


def _agree(shape, other):
    pairs = zip(shape, other, strict=True)
    return all(a == b or isinstance(a, Dim) or isinstance(b, Dim) for a, b in pairs)


def _shape_without_axis(shapes, statics):
    axis = dims.normalize_axis(statics["axis"], len(shapes[1]))
    return tuple(size for i, size in enumerate(shapes[1]) if i != axis)


_over_classes = Family(to_float, same, _shape_without_axis)


@primitive(_over_classes)
def _softmax_crossentropy_reference(xp, target, output, *, axis=-1):
    """Cross-entropy of logits, whose gradient takes for granted that targets add up to one.

    Equations (crossentropy.softmax_crossentropy):
        p = softmax(logits)
        loss = -sum(target * log(p), axis=-1)

    Equations (crossentropy.softmax_crossentropy_backward):
        dtarget = -g[:, None] * log(p)
        dlogits = g[:, None] * (p - target)
    """
    return kernels.categorical(xp, target, output, axis=axis)[0]


@_softmax_crossentropy_reference.vjp("target")
def _(g, output, axis):
    return -expand_dims(g, axis=axis) * log_softmax(output, axis=axis)


@_softmax_crossentropy_reference.vjp("output")
def _(g, target, output, axis):
    return expand_dims(g, axis=axis) * (softmax_along(output, axis=axis) - target)


_softmax_crossentropy = fused(
    "categorical_crossentropy",
    reference=_softmax_crossentropy_reference,
    forward=kernels.categorical,
    backward=kernels.categorical_backward,
    family=_over_classes,
)


@op
def _sparse_crossentropy_reference(output, target):
    """Cross-entropy of logits with the numbers of the right classes.

    Equations (crossentropy.sparse_crossentropy):
        p = softmax(logits)
        loss = -log(p[arange(len(p)), target])

    Equations (crossentropy.sparse_crossentropy_backward):
        dlogits = p.copy()
        dlogits[arange(len(p)), target] -= 1
        dlogits *= g[:, None]
    """
    places = expand_dims(target, axis=-1)
    return -squeeze(take_along_axis(log_softmax(output), places, axis=-1), axis=-1)


@cached
def _float_and_classes(names):
    return to_float(names[:1])[0], names[1]


_sparse_crossentropy = fused(
    "sparse_categorical_crossentropy",
    reference=_sparse_crossentropy_reference,
    forward=kernels.sparse,
    backward=kernels.sparse_backward,
    family=Family(_float_and_classes, same, None),
)


@op
def _sigmoid_crossentropy_reference(target, output):
    """Cross-entropy of a logit with a target probability: `log(1 + exp(x)) - x * target`.

    Equations (crossentropy.sigmoid_crossentropy):
        p = 1 / (1 + exp(-logits))
        loss = -target * log(p) - (1 - target) * log(1 - p)

    Equations (crossentropy.sigmoid_crossentropy_backward):
        dtarget = -g * logits
        dlogits = g * (p - target)
    """
    return softplus(output) - output * target


_sigmoid_crossentropy = fused(
    "binary_crossentropy",
    reference=_sigmoid_crossentropy_reference,
    forward=kernels.binary,
    backward=kernels.binary_backward,
    family=Family(to_float, same, lambda shapes, _: shapes[1]),
)


@_softmax_crossentropy.shape_rule
def _(target, output, *, axis):
    return Abstract(_shape_without_axis((None, output.shape), {"axis": axis}), output.dtype)


@_sparse_crossentropy.shape_rule
def _(output, target):
    return Abstract(output.shape[:-1], output.dtype)


@_sigmoid_crossentropy.shape_rule
def _(target, output):
    return Abstract(output.shape, output.dtype)
