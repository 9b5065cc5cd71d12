"""Images brought to one size without changing their proportions."""

import numpy as np

from minikeras.ops.core.tensors import cast, convert_to_numpy, convert_to_tensor
from minikeras.ops.image import resize


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last"):
    """Resize the largest central part of images that has the proportions of the new size.

    Args:
        x: tensor or array `(height, width, channels)` or `(batch, height, width, channels)`.
        size: tuple of two ints, the new `(height, width)`.
        interpolation: str, `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"` or
            `"area"`.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the axes of `x`.

    Returns:
        A NumPy array for a NumPy array, else a tensor; float64 for float64, else float32.
        `"nearest"` keeps any dtype.

    Raises:
        ValueError: if `x` has not rank 3 or 4, or an argument is unknown.

    Example:
        >>> import numpy as np
        >>> from minikeras.preprocessing.image import smart_resize
        >>> x = np.arange(8.0).reshape(2, 4, 1)
        >>> smart_resize(x, (1, 1)).tolist()  # the mean of the four pixels in the middle
        [[[3.5]]]
    """
    images = convert_to_tensor(x)
    if interpolation != "nearest" and images.dtype != "float64":
        images = cast(images, "float32")  # `resize` would round to integers
    y = resize(images, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    return convert_to_numpy(y) if isinstance(x, np.ndarray) else y
