"""How far numbers are from the truth: in units of the last place of the largest of them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Error:
    """The distance of an array from the truth.

    Attributes:
        largest: the largest error, in units of the last place of the truth's largest number.
        rms: root mean square of the errors, in the same unit.
        index: where the largest is, a tuple of ints.
    """

    largest: float
    rms: float
    index: tuple[int, ...]


def error(array, truth, dtype="float32", scale=0.0):
    """Measure an array against the truth.

    NaN and infinity count as right where the truth has the same, and as infinitely wrong elsewhere.

    Args:
        array: what was computed.
        truth: the same in float64.
        dtype: name of the float dtype whose last place is the unit.
        scale: the least number to measure against, where the array is one of several.

    Returns:
        An `Error`.

    Example:
        >>> error(np.float32([1.0, 2.0]), np.array([1.0, 2.0 + 2.0**-22])).largest
        1.0
    """
    if not array.size:
        return Error(0.0, 0.0, ())
    size, sums, worst, place = unit(truth, dtype, scale), 0.0, -1.0, 0
    for start, (a, b) in enumerate(zip(_parts(array), _parts(truth), strict=True)):
        apart = _apart(a.astype("float64"), b.astype("float64")) / size
        with np.errstate(over="ignore"):
            sums += float(np.sum(np.square(apart)))
        at = int(np.argmax(apart))
        if apart[at] > worst:
            worst, place = float(apart[at]), start * _PART + at
    index = np.unravel_index(place, truth.shape)
    return Error(worst, float(np.sqrt(sums / array.size)), tuple(int(i) for i in index))


# So many numbers are measured at a time, so that few are held as float64.
_PART = 1 << 18


def _parts(array):
    """The parts of an array, flat."""
    flat = array.reshape(-1)
    return [flat[start : start + _PART] for start in range(0, flat.size, _PART)]


def _apart(wide, exact):
    """How far numbers are from the truth, infinitely where one alone is NaN or infinite."""
    same = (exact == wide) | (np.isnan(exact) & np.isnan(wide))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(wide - exact))
    return np.where(np.isnan(apart), np.inf, apart)


def not_finite(*arrays):
    """Return how many places of some arrays of one shape hold NaN or infinity in one of them."""
    parts = zip(*map(_parts, arrays), strict=True)
    return sum(int(np.sum(~np.all(np.isfinite(part), axis=0))) for part in parts)


def unit(truth, dtype, scale=0.0):
    """Return the unit of the last place of an array's largest finite number.

    It is no smaller than the smallest number that no engine takes for zero.
    """
    largest = max(largest_of([truth]), scale)
    return max(largest * float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny))


def largest_of(arrays):
    """Return the largest finite number in some arrays of floats, 0 without any."""
    largest = 0.0
    for array in arrays:
        for part in _parts(array) if array.dtype.kind == "f" else ():
            size = np.abs(part)
            largest = max(largest, float(np.max(size, initial=0.0, where=np.isfinite(size))))
    return largest


def distance(a, b, scale=0.0):
    """Return how far two arrays are apart, relative to their largest number; inf for other shapes.

    Args:
        a: array.
        b: array.
        scale: as for `error`.
    """
    if a.shape != b.shape:
        return float("inf")
    if a.dtype.kind != "f":
        return 0.0 if np.array_equal(a, b) else float("inf")
    return error(a, b, "float64", scale).largest * float(np.finfo("float64").eps)


def terms(what, inputs, outputs, weights, layer=""):
    """Return about how many terms are summed into a number that a layer computes.

    Args:
        what: name of the array, `"out0"`, `"din0"`, `"dweight0"`.
        inputs: shapes of the layer's inputs.
        outputs: shapes of its outputs.
        weights: shapes of its weights.
        layer: name of its class; what is summed over time is summed there in every step.
    """
    size = lambda shape: int(np.prod(shape, dtype="int64"))  # noqa: E731
    most = max([size(shape) for shape in inputs], default=1)
    least = min([size(shape) for shape in outputs], default=1)
    fan = max([size(shape) // max(shape[-1], 1) for shape in weights if shape], default=1)
    positions = max([size(s) // max(s[-1], 1) for s in (*inputs, *outputs) if s], default=1)
    in_time = any(part in layer for part in ("LSTM", "GRU", "RNN", "Bidirectional", "Attention"))
    steps = max([shape[1] for shape in inputs if len(shape) > 2 and in_time], default=1)
    forward = max(fan * steps if weights else 1, most // max(least, 1), 1)
    if what.startswith("dweight"):
        return max(positions, forward)
    if what.startswith("din"):
        largest = max([size(shape) for shape in weights], default=1)
        return max(forward, largest, steps)
    return forward
