"""Root-mean-square normalization, forward and backward.

Layer normalization without a mean; Zhang and Sennrich, "Root Mean Square Layer Normalization"
(2019).
"""

import math

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.normalization.norm import check_factors


@dispatched(cuda="norm")
def rms_norm(xp, x, gamma=None, *, axes=1, epsilon=1e-3, save=False):
    """Divide by the root of the mean square over the last axes.

    Equations (normalization.rms_norm):
        square = (x**2).mean(axis=1, keepdims=True)  # (rows, 1)
        z = x / sqrt(square + epsilon)  # (rows, features)
        y = z * gamma

    Args:
        xp: The array module.
        x: Float array.
        gamma: Optional array of the shape of the last axes, to multiply by.
        axes: How many axes at the end are normalized together.
        epsilon: What to add to the mean square.
        save: Whether a backward pass will follow.

    Returns:
        The normalized array, and the inverse of the root for each place if `save`.

    Raises:
        ValueError: If `gamma` has another shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.rms import rms_norm
        >>> rms_norm(np, np.array([[2.0, -2.0]]), epsilon=0.0)[0]
        array([[ 1., -1.]])
    """
    check_factors(x.shape[x.ndim - axes :], gamma)
    rows, width = _rows(x, axes)
    square = xp.einsum("ij,ij->i", rows, rows)[:, None] / max(width, 1)
    inverse = 1 / xp.sqrt(square + epsilon)
    y = rows * inverse
    if gamma is not None:
        y *= gamma.reshape(-1)
    return y.reshape(x.shape), inverse if save else None


@dispatched(cuda="norm")
def rms_norm_backward(xp, g, arrays, saved, needs, *, axes=1, epsilon=1e-3):
    """Gradients of `rms_norm`.

    Equations (normalization.rms_norm_backward):
        dgamma = sum(g * z, axis=0)  # (features,)
        dz = g * gamma  # (rows, features)
        dx = (dz - z * (dz * z).mean(axis=1, keepdims=True)) / sqrt(square + epsilon)

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(x, gamma)`.
        saved: The inverse of the root for each place.
        needs: Two bools.
        axes: As for `rms_norm`.
        epsilon: As for `rms_norm`.

    Returns:
        The gradients with respect to `x` and `gamma`, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.rms import rms_norm, rms_norm_backward
        >>> x = np.array([[2.0, -2.0]])
        >>> saved = rms_norm(np, x, epsilon=0.0, save=True)[1]
        >>> rms_norm_backward(np, np.ones((1, 2)), (x, None), saved, (True, False))[0]
        array([[0.5, 0.5]])
    """
    x, gamma = arrays
    rows, width = _rows(x, axes)
    g = g.reshape(rows.shape)
    z = rows * saved
    dx = dgamma = None
    if needs[1]:
        dgamma = xp.einsum("ij,ij->j", g, z).reshape(x.shape[x.ndim - axes :])
    if needs[0]:
        dz = g if gamma is None else g * gamma.reshape(-1)
        z *= xp.einsum("ij,ij->i", dz, z)[:, None] / max(width, 1)
        dx = xp.subtract(dz, z, out=z)
        dx *= saved
        dx = dx.reshape(x.shape)
    return [dx, dgamma]


def _rows(x, axes):
    """A matrix with what is normalized together in each row, and the length of a row."""
    width = math.prod(x.shape[x.ndim - axes :])
    return x.reshape(math.prod(x.shape[: x.ndim - axes]), width), width
