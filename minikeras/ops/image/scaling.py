"""Images stretched and moved by numbers that may be tensors, with gradients."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.checks import one_of
from minikeras.ops import numpy as functions
from minikeras.ops.creation.filled import arange
from minikeras.ops.elementwise.arithmetic import absolute
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.elementwise.extremes import clip, maximum
from minikeras.ops.elementwise.rounding import round
from minikeras.ops.image.interpolation import KERNELS
from minikeras.ops.linalg.products import tensordot
from minikeras.ops.reductions.selection import max as max_
from minikeras.ops.reductions.selection import min as min_
from minikeras.ops.reductions.sums import sum as sum_
from minikeras.ops.shapes.shaping import moveaxis

_METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), "bilinear"),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), "bicubic"),
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}

# Weights whose sum is below this have no pixel within their reach.
_LEAST_SUM = 1000 * 2.0**-23


@op
def scale_and_translate(
    images,
    output_shape,
    scale,
    translation,
    spatial_dims,
    method,
    antialias=True,
):
    """Stretch a tensor along some of its axes, and move it there.

    What lies at `c` along an axis, in pixels from the edge of the first one, comes to lie at
    `scale * c + translation`. New pixels whose centres come from outside are 0.

    Args:
        images: tensor of any shape and dtype.
        output_shape: tuple of ints, the shape of the result; the sizes of other axes are those of
            `images`.
        scale: float tensor `(k,)`, the factor for each of the axes.
        translation: float tensor `(k,)`, the movement along each of the axes, in new pixels.
        spatial_dims: tuple of `k` ints, the axes.
        method: `"linear"` (also `"bilinear"`, `"trilinear"`, `"triangle"`), `"cubic"` (also
            `"bicubic"`, `"tricubic"`), `"lanczos3"` or `"lanczos5"`.
        antialias: bool; where an axis becomes smaller, whether all pixels that a new one covers
            count in it.

    Returns:
        A tensor of `output_shape` and the dtype of `images`; integers are rounded. Gradients reach
        `images`, `scale` and `translation`.

    Raises:
        ValueError: if the method is unknown, or there are not as many factors and movements as
            axes.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor([0.0, 2.0, 4.0])
        >>> keras.ops.image.scale_and_translate(x, (3,), [1.0], [1.0], (0,), "linear").tolist()
        [0.0, 0.0, 2.0]
    """
    one_of("method", method, _METHODS)
    x, scale, translation = map(convert_to_tensor, (images, scale, translation))
    for name, values in (("scale", scale), ("translation", translation)):
        if values.shape != (len(spatial_dims),):
            raise ValueError(
                f"Expected one number of `{name}` for each of the axes {tuple(spatial_dims)}. "
                f"Received: {name}.shape={dims.to_public(values.shape)}"
            )
    if any(isinstance(value, Abstract) for value in (x, scale, translation)):
        return Abstract(output_shape, x.dtype)
    y = x if dtypes.is_float(x.dtype) else cast(x, dtype="float32")
    for i, axis in enumerate(spatial_dims):
        axis = dims.normalize_axis(axis, x.ndim)
        sizes = x.shape[axis], output_shape[axis]
        weights = _weights(*sizes, scale[i], translation[i], _METHODS[method], antialias)
        y = moveaxis(tensordot(y, cast(weights, dtype=y.dtype), axes=[[axis], [0]]), -1, axis)
    if y.dtype == x.dtype:
        return y
    return cast(clip(round(y), min_(x), max_(x)), dtype=x.dtype)


def _weights(size, count, scale, translation, method, antialias):
    """The weights `(size, count)` of old pixels in new ones."""
    dtype = dtypes.result_type(scale.dtype, translation.dtype, "float")
    kernel, _ = KERNELS[method]
    stretch = 1 / scale
    centres = (arange(count, dtype=dtype) + 0.5) * stretch - translation * stretch - 0.5
    distances = absolute(centres - arange(size, dtype=dtype)[:, None])
    weights = kernel(functions, distances / maximum(stretch, 1.0) if antialias else distances)
    total = sum_(weights, axis=0, keepdims=True)
    weights = where(absolute(total) > _LEAST_SUM, weights / where(total != 0, total, 1), 0)
    return where((centres >= -0.5) & (centres <= size - 0.5), weights, 0)
