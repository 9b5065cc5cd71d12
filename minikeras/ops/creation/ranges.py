"""Evenly spaced numbers, and the windows that taper a signal's ends.

Source of the windows: Harris, "On the use of windows for harmonic analysis with the discrete
Fourier transform" (1978).
"""

import math

import numpy as np

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dtypes
from minikeras.core.docstrings import described
from minikeras.core.work import spend_numbers
from minikeras.ops.elementwise.arithmetic import power
from minikeras.ops.elementwise.exponential import exp, log
from minikeras.ops.shapes.shaping import expand_dims, moveaxis


@op
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """Return evenly spaced numbers from `start` to `stop`.

    Args:
        start: number or tensor.
        stop: number or tensor, broadcast with `start`.
        num: int, how many.
        endpoint: bool, whether `stop` is the last of them; else it would be the next.
        retstep: bool, whether to return the step, too.
        dtype: dtype name; the promoted float dtype of the inputs if None.
        axis: int, where the new axis stands in the result.

    Returns:
        A tensor, or `(tensor, step)`.

    Raises:
        ValueError: if `num` is negative.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.linspace(0, 1, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    if num < 0:
        raise ValueError(f"`num`, the number of samples, must be 0 or greater. Received: num={num}")
    floats = dtypes.result_type(_lattice_name(start), _lattice_name(stop), "float")
    target = dtypes.standardize(dtype) if dtype else floats
    working = target if dtypes.is_float(target) else floats
    start, stop = (cast(convert_to_tensor(v), dtype=working) for v in (start, stop))
    gaps = num - 1 if endpoint else num
    step = (stop - start) / gaps if gaps > 0 else (stop - start) * float("nan")
    y = _spaced(start, stop, step, num, endpoint, working)
    y = cast(moveaxis(y, 0, axis), dtype=target)
    return (y, step) if retstep else y


def _spaced(start, stop, step, num, endpoint, dtype):
    """Numbers along a new first axis; the last one is exactly `stop`."""
    spend_numbers(num)
    rank = max(start.ndim, stop.ndim)
    xp = np if symbolic.in_abstract_scope() else device.namespace(None)
    counts = _constant(xp.arange(num).reshape(-1, *[1] * rank), dtype)
    if num < 2:
        return expand_dims(start + stop * 0, axis=0) + counts
    y = start + step * counts
    if not endpoint:
        return y
    is_last = _constant((xp.arange(num) == num - 1).reshape(-1, *[1] * rank), dtype)
    return y * (1 - is_last) + stop * is_last


def _lattice_name(value):
    return dtypes.weak_name(value) or convert_to_tensor(value).dtype


def _constant(values, dtype):
    if symbolic.in_abstract_scope():
        return Abstract(values.shape, dtype)
    return Tensor(device.asarray(values, dtypes.NUMPY[dtype]))


@op
@described(linspace)
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """Return numbers whose logarithms are evenly spaced from `start` to `stop`.

    Args:
        start: number or tensor, the first exponent.
        stop: number or tensor, the last exponent.
        endpoint: bool, whether `stop` is the last exponent.
        base: number, what is raised to the exponents.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    working = dtype if dtype and dtypes.is_float(dtypes.standardize(dtype)) else None
    exponents = linspace(start, stop, num=num, endpoint=endpoint, dtype=working, axis=axis)
    y = power(cast(convert_to_tensor(base), dtype=exponents.dtype), exponents)
    return cast(y, dtype=dtypes.standardize(dtype) if dtype else exponents.dtype)


@op
@described(linspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Return numbers from `start` to `stop` with a constant ratio.

    Args:
        start: number or tensor without zeros.
        stop: number or tensor of the sign of `start`.
        endpoint: bool, whether `stop` is the last of them.
        dtype: dtype name of the result; the default float type if None.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.geomspace(1, 100, 3).numpy().round(4).tolist()
        [1.0, 10.0, 100.0]
    """
    working = dtypes.standardize(dtype)
    if dtype is None or not dtypes.is_float(working):
        working = dtypes.result_type(_lattice_name(start), _lattice_name(stop), "float")
    start, stop = (cast(convert_to_tensor(v), dtype=working) for v in (start, stop))
    sign = start / abs(start)
    logs = linspace(log(start * sign), log(stop * sign), num=num, endpoint=endpoint, axis=0)
    y = moveaxis(exp(logs) * sign, 0, axis)
    return cast(y, dtype=dtypes.standardize(dtype))


def hanning(x):
    """Return the Hann window, a raised cosine.

    Args:
        x: int, the number of points.

    Returns:
        A tensor `(x,)` of the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hanning(3).tolist()
        [0.0, 1.0, 0.0]
    """
    return _cosine_window(x, (0.5, -0.5))


@described(hanning)
def hamming(x):
    """Return the Hamming window, a raised cosine on a small base.

    Returns:
        A tensor `(x,)` of the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hamming(3).tolist()
        [0.07999999821186066, 1.0, 0.07999999821186066]
    """
    return _cosine_window(x, (0.54, -0.46))


@described(hanning)
def blackman(x):
    """Return the Blackman window, a sum of two cosines.

    Returns:
        A tensor `(x,)` of the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.blackman(3).numpy().round(6).tolist()
        [-0.0, 1.0, -0.0]
    """
    return _cosine_window(x, (0.42, -0.5, 0.08))


@described(hanning)
def bartlett(x):
    """Return the Bartlett window, a triangle.

    Returns:
        A tensor `(x,)` of the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window(x, lambda n: np.bartlett(n))


@described(hanning)
def kaiser(x, beta):
    """Return the Kaiser window, whose shape a number sets.

    Args:
        beta: number, 0 for a rectangle, larger for a narrower window.

    Returns:
        A tensor `(x,)` of the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.kaiser(3, 0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    shape = float(convert_to_tensor(beta))
    return _window(x, lambda n: np.kaiser(n, shape))


def _cosine_window(x, weights):
    def values(count):
        angles = 2 * math.pi * np.arange(count) / (count - 1)
        return sum(weight * np.cos(k * angles) for k, weight in enumerate(weights))

    return _window(x, values)


def _window(x, values):
    count = int(x)
    spend_numbers(count)
    return _constant(values(count) if count > 1 else np.ones(count), dtypes.standardize(None))
