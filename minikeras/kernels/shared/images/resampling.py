"""A linear map along one axis, of whose inputs each output has few: interpolation, its transpose.

Output `o` is the sum of `weights[t, o] * x[places[t, o]]` over the taps `t`. So are the outputs of
the transposed map, with the places and weights of `transposed`.
"""

import numpy as np

from minikeras.kernels.providers import dispatched


@dispatched("resampling")
def resampled(xp, x, places, weights, *, axis, convex=False):
    """Apply the map to one axis of an array.

    Args:
        xp: numpy or cupy.
        x: Float array.
        places: Integer array (taps, outputs) of places along the axis.
        weights: Float array (taps, outputs).
        axis: Int, not negative.
        convex: Whether each output has two taps `a` and `b` whose weights add up to 1: it is
            computed as `a + weight * (b - a)`.

    Returns:
        An array of the dtype of `x`, with `outputs` elements along the axis.
    """
    rest = (1,) * (x.ndim - axis - 1)
    factors = weights.astype(x.dtype).reshape(*weights.shape, *rest)
    y = x.take(places[0], axis=axis)
    if convex:
        step = x.take(places[1], axis=axis)
        step -= y
        step *= factors[1]
        y += step
        return y
    y *= factors[0]
    for t in range(1, len(factors)):
        part = x.take(places[t], axis=axis)
        part *= factors[t]
        y += part
    return y


def transposed(places, weights, size):
    """Return the places and weights of the transposed map.

    Args:
        places: NumPy array of ints (taps, outputs), where the places that an output has with a
            weight other than 0 are next to each other.
        weights: NumPy array (taps, outputs).
        size: Int, the number of inputs.

    Returns:
        Places and weights, arrays (taps, size).

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.images.resampling import transposed
        >>> places, weights = transposed(np.array([[0, 0, 1]]), np.ones((1, 3)), 2)
        >>> places.tolist(), weights.tolist()
        ([[0, 2], [1, 2]], [[1.0, 1.0], [1.0, 0.0]])
    """
    count = weights.shape[1]
    used = weights != 0
    inputs, outputs = places[used], np.broadcast_to(np.arange(count), places.shape)[used]
    first, last = np.full(size, count), np.full(size, -1)
    np.minimum.at(first, inputs, outputs)
    np.maximum.at(last, inputs, outputs)
    taps = max(int((last - first).max()) + 1, 1)
    back = np.zeros((taps, size), weights.dtype)
    np.add.at(back, (outputs - first[inputs], inputs), weights[used])
    ahead = np.arange(taps)[:, None]
    # A tap without a weight looks at what another one sees: what is infinite elsewhere stays there.
    return np.where(back != 0, first + ahead, np.minimum(first, count - 1)), back
