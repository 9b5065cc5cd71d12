"""Lengths of convolutions, and the forms of their arguments."""

import numpy as np

from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = [
    "conv_input_length",
    "conv_output_length",
    "convert_kernel",
    "deconv_length",
    "normalize_padding",
    "normalize_tuple",
]

_PADDINGS = ("valid", "same", "causal", "full")


def normalize_tuple(value, n, name):
    """Return an int or several as a tuple of `n` ints.

    Args:
        value: int, or iterable of `n` of them.
        n: the number of axes.
        name: the argument's name, for the message.

    Raises:
        ValueError: if it is neither.

    Example:
    from minikeras.keras2.finder import elsewhere
        >>> from minikeras.keras2.utils.conv_utils import normalize_tuple
        >>> normalize_tuple(2, 3, "strides")
        (2, 2, 2)
    """
    if isinstance(value, int):
        return (value,) * n
    try:
        values = tuple(value)
        is_right = len(values) == n and all(int(one) is not None for one in values)
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise ValueError(f"`{name}` must be an integer or {n} of them; received {value!r}.")
    return values


def normalize_padding(value):
    """Return the name of a padding in lower case; raise a ValueError if it is none.

    Example:
        >>> from minikeras.keras2.utils.conv_utils import normalize_padding
        >>> normalize_padding("SAME")
        'same'
    """
    padding = value.lower()
    if padding not in _PADDINGS[:3]:
        raise ValueError(
            f"The `padding` argument must be one of {_PADDINGS[:3]}. Received: {padding}"
        )
    return padding


def convert_kernel(kernel):
    """Return a kernel turned around along its spatial axes, as Theano stored it.

    Args:
        kernel: array of shape (spatial axes, channels in, channels out).

    Raises:
        ValueError: if it has not one to three spatial axes.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.conv_utils import convert_kernel
        >>> convert_kernel(np.arange(3).reshape(3, 1, 1)).ravel().tolist()
        [2, 1, 0]
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"Invalid kernel shape: {kernel.shape}")
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()


def conv_output_length(input_length, filter_size, padding, stride, dilation=1):
    """Return the length that a convolution leaves, None for an unknown one.

    Args:
        input_length: int or None.
        filter_size: int.
        padding: `"valid"`, `"same"`, `"causal"` or `"full"`.
        stride: int.
        dilation: int.

    Example:
        >>> from minikeras.keras2.utils.conv_utils import conv_output_length
        >>> conv_output_length(10, 3, "valid", 2)
        4
    """
    if input_length is None:
        return None
    _check(padding, _PADDINGS)
    reach = (filter_size - 1) * dilation
    length = input_length + {"valid": -reach, "full": reach}.get(padding, 0)
    return -(-length // stride)


def conv_input_length(output_length, filter_size, padding, stride):
    """Return the least length of which a convolution leaves so much, None for an unknown one.

    Args:
        output_length: int or None.
        filter_size: int.
        padding: `"valid"`, `"same"` or `"full"`.
        stride: int.

    Example:
        >>> from minikeras.keras2.utils.conv_utils import conv_input_length
        >>> conv_input_length(4, 3, "valid", 2)
        9
    """
    if output_length is None:
        return None
    _check(padding, ("valid", "same", "full"))
    return (output_length - 1) * stride - 2 * _pad(padding, filter_size) + filter_size


def deconv_length(dim_size, stride_size, kernel_size, padding, output_padding, dilation=1):
    """Return the length that a transposed convolution leaves, None for an unknown one.

    Args:
        dim_size: int or None, the input's length.
        stride_size: int.
        kernel_size: int.
        padding: `"valid"`, `"same"` or `"full"`.
        output_padding: int, what is added at the end; None for what makes the lengths fit.
        dilation: int.

    Example:
        >>> from minikeras.keras2.utils.conv_utils import deconv_length
        >>> deconv_length(4, 2, 3, "valid", None)
        9
    """
    _check(padding, ("valid", "same", "full"))
    if dim_size is None:
        return None
    size = kernel_size + (kernel_size - 1) * (dilation - 1)
    if output_padding is not None:
        return (dim_size - 1) * stride_size + size - 2 * _pad(padding, size) + output_padding
    more = {"valid": max(size - stride_size, 0), "full": -(stride_size + size - 2)}
    return dim_size * stride_size + more.get(padding, 0)


def _check(padding, known):
    if padding not in known:
        raise ValueError(f"`padding` must be one of {known}. Received: {padding!r}")


def _pad(padding, size):
    return {"same": size // 2, "full": size - 1}.get(padding, 0)
