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
    exact, wide = truth.astype("float64"), array.astype("float64")
    same = (exact == wide) | (np.isnan(exact) & np.isnan(wide))
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0.0, np.abs(wide - exact))
    distance = np.where(np.isnan(distance), np.inf, distance) / unit(exact, dtype, scale)
    place = np.unravel_index(int(np.argmax(distance)), distance.shape)
    with np.errstate(over="ignore"):
        rms = float(np.sqrt(np.mean(np.square(distance))))
    return Error(float(distance[place]), rms, tuple(int(i) for i in place))


def unit(truth, dtype, scale=0.0):
    """Return the unit of the last place of an array's largest finite number.

    It is no smaller than the smallest number that no engine takes for zero.
    """
    largest = max(largest_of([truth]), scale)
    return max(largest * float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny))


def largest_of(arrays):
    """Return the largest finite number in some arrays, 0 without any."""
    finite = [np.abs(a[np.isfinite(a)]) for a in arrays if a.dtype.kind == "f"]
    return max([float(a.max()) for a in finite if a.size], default=0.0)


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
