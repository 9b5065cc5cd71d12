"""Discrete Fourier transforms; complex numbers are pairs of tensors, real and imaginary parts.

Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series" (1965). The
transform is a symmetric matrix `F`, with `F[k, n] = exp(-2πi kn / N)`. The gradient with respect to
its input is `conj(F) g`; and as `i conj(z)` swaps the parts of `z`, that is `F` with both parts
swapped before and after: so the transform is its own gradient.
"""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, elementwise, floating, same, to_common
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.types import List, Tuple
from minikeras.ops.rearranging.elements import pad

_PAIR = {
    "x": "tuple of two float tensors of one shape and dtype: real and imaginary parts.",
}


@op
@described(_PAIR)
def fft(x):
    """Compute the Fourier transform along the last axis: `y[k] = sum(x[n] exp(-2πi kn / N))`.

    Returns:
        A tuple of two tensors of the same shape and dtype: real and imaginary parts.

    Raises:
        ValueError: if `x` is no such pair.

    Example:
        >>> import minikeras as keras
        >>> real, imag = keras.ops.fft(([1.0, 0.0, 0.0, 0.0], [0.0] * 4))
        >>> real.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return transformed(*_pair(x, 1), axes=(-1,))


fft.class_name = "FFT"


@op
@described(_PAIR)
def fft2(x):
    """Compute the Fourier transform along the last two axes.

    Returns:
        A tuple of two tensors of the same shape and dtype: real and imaginary parts.

    Raises:
        ValueError: if `x` is no such pair.

    Example:
        >>> import minikeras as keras
        >>> real, imag = keras.ops.fft2((keras.ops.ones((2, 2)), keras.ops.zeros((2, 2))))
        >>> real.tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    return transformed(*_pair(x, 2), axes=(-2, -1))


fft2.class_name = "FFT2"


@op
@described(_PAIR)
def ifft2(x):
    """Compute the inverse of `fft2`.

    Returns:
        A tuple of two tensors of the same shape and dtype: real and imaginary parts.

    Raises:
        ValueError: if `x` is no such pair.

    Example:
        >>> import minikeras as keras
        >>> real, imag = keras.ops.ifft2((keras.ops.ones((2, 2)), keras.ops.zeros((2, 2))))
        >>> real.tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    real, imag = _pair(x, 2)
    back_imag, back_real = transformed(imag, real, axes=(-2, -1))
    count = real.shape[-2] * real.shape[-1]
    return back_real / count, back_imag / count


ifft2.class_name = "IFFT2"


@op
def rfft(x, fft_length=None):
    """Compute the Fourier transform of real numbers along the last axis: frequencies up to half.

    Args:
        x: float tensor `(..., n)`.
        fft_length: int, to which length the axis is cut, or continued by zeros; its own by default.

    Returns:
        A tuple of two tensors `(..., fft_length // 2 + 1)`: real and imaginary parts.

    Raises:
        ValueError: if `x` is a scalar or the length is not positive.

    Example:
        >>> import minikeras as keras
        >>> real, imag = keras.ops.rfft([1.0, 0.0, -1.0, 0.0])
        >>> real.tolist()
        [0.0, 2.0, 0.0]
    """
    x = convert_to_tensor(x)
    _check_rank(x, 1)
    length = x.shape[-1] if fft_length is None else _positive(fft_length)
    return half_transformed(_of_length(x, length))


rfft.class_name = "RFFT"


@op
@described(_PAIR)
def irfft(x, fft_length=None):
    """Compute the inverse of `rfft`: real numbers from their frequencies up to half.

    Args:
        fft_length: int, the length of the result; by default the even one, `2 * (m - 1)` for `m`
            frequencies. Frequencies are cut, or continued by zeros, to `fft_length // 2 + 1`.

    Returns:
        A tensor `(..., fft_length)`.

    Raises:
        ValueError: if `x` is no such pair or the length is not positive.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.irfft(([0.0, 2.0, 0.0], [0.0, 0.0, 0.0])).tolist()
        [1.0, 0.0, -1.0, 0.0]
    """
    real, imag = _pair(x, 1)
    if fft_length is None:
        length = 2 * (real.shape[-1] - 1)
    else:
        length = _positive(fft_length)
        real, imag = (_of_length(part, length // 2 + 1) for part in (real, imag))
    if isinstance(length, Dim):
        return Abstract((*real.shape[:-1], length), real.dtype)
    return half_inverse(real, imag, length=length)


irfft.class_name = "IRFFT"


def _pair(x, rank):
    """Real and imaginary parts as float tensors of one shape."""
    if not isinstance(x, (Tuple, List)) or len(x) != 2:
        raise ValueError(f"`x` must be a tuple `(real, imag)` of two tensors. Received: x={x}")
    real, imag = map(convert_to_tensor, x)
    if not dims.may_be_equal(real.shape, imag.shape):
        raise ValueError(
            "The real and the imaginary part must have one shape. Received: "
            f"x[0].shape={dims.to_public(real.shape)}, x[1].shape={dims.to_public(imag.shape)}"
        )
    if not (dtypes.is_float(real.dtype) and dtypes.is_float(imag.dtype)):
        raise ValueError(
            "Both parts of `x` should be floats. "
            f"Received: x[0].dtype={real.dtype}, x[1].dtype={imag.dtype}"
        )
    _check_rank(real, rank)
    return real, imag


def _check_rank(x, rank):
    if x.ndim < rank:
        raise ValueError(
            f"Input should have rank >= {rank}. Received: input.shape={dims.to_public(x.shape)}"
        )


def _positive(length):
    if length < 1:
        raise ValueError(f"`fft_length` must be a positive int. Received: fft_length={length}")
    return length


def _of_length(x, length):
    """Cut the last axis, or continue it by zeros."""
    size = x.shape[-1]
    if isinstance(size, Dim) or isinstance(length, Dim):
        return x if size == length else Abstract((*x.shape[:-1], length), x.dtype)
    if size < length:
        return pad(x, ((0, 0),) * (x.ndim - 1) + ((0, length - size),))
    return x[..., :length]


_paired = Family(to_common, same, None)


@primitive(_paired)
def transformed(xp, real, imag, *, axes):
    """The Fourier transform of pairs along axes."""
    return _parts(xp.fft.fftn(_complex(xp, real, imag), axes=axes), real.dtype)


@transformed.vjp_all
def _(g, axes):
    real, imag = g
    back_imag, back_real = transformed(imag, real, axes=axes)
    return [back_real, back_imag]


@transformed.shape_rule
def _(real, imag, *, axes):
    return (Abstract(real.shape, real.dtype),) * 2


@primitive(floating)
def half_transformed(xp, x):
    """The Fourier transform of real numbers along the last axis, frequencies up to half.

    The gradient of `half_inverse`, but for factors, as that is of this op.
    """
    return _parts(xp.fft.rfft(x), x.dtype)


@half_transformed.vjp()
def _(g, x_shape):
    # dL/dx[n] = sum over k of Re(g[k] exp(2πi kn / N)), each frequency once; the inverse transform
    # counts those twice that stand for two, k and N - k, and divides by N.
    real, imag = (part / _multiplicity(part, length=x_shape[-1]) for part in g)
    return half_inverse(real, imag, length=x_shape[-1]) * x_shape[-1]


@half_transformed.shape_rule
def _(x):
    return (Abstract((*x.shape[:-1], x.shape[-1] // 2 + 1), x.dtype),) * 2


@primitive(_paired)
def half_inverse(xp, real, imag, *, length):
    """Real numbers from their frequencies up to half."""
    y = xp.fft.irfft(_complex(xp, real, imag), length)
    return y.astype(real.dtype, copy=False)


@half_inverse.vjp_all
def _(g, length):
    # x[n] = sum over k of Re(y[k] exp(2πi kn / N)) / N, those twice that stand for two.
    parts = half_transformed(g)
    return [part * _multiplicity(part, length=length) / length for part in parts]


@half_inverse.shape_rule
def _(real, imag, *, length):
    return Abstract((*real.shape[:-1], length), real.dtype)


@primitive(elementwise)
def _multiplicity(xp, frequencies, *, length):
    """For how many frequencies of `length` each up to half stands: itself, and `length - k`."""
    k = xp.arange(frequencies.shape[-1])
    return xp.where((k == 0) | (2 * k == length), 1, 2).astype(frequencies.dtype)


@_multiplicity.shape_rule
def _(frequencies, *, length):
    return Abstract(frequencies.shape[-1:], frequencies.dtype)


def _complex(xp, real, imag):
    """An array of complex numbers; `real + 1j * imag` would make NaN of an infinite part."""
    wide = "float64" if real.dtype == "float64" else "float32"
    pairs = xp.stack((real, imag), axis=-1).astype(wide, copy=False)
    return pairs.view("complex128" if wide == "float64" else "complex64")[..., 0]


def _parts(z, dtype):
    return z.real.astype(dtype), z.imag.astype(dtype)
