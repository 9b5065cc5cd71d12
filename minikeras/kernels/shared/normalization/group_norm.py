"""Group normalization and its gradients: layer normalization of the groups of a sample's channels.

Wu and He, "Group Normalization" (2018). What is normalized together, all positions of a group of
channels of a sample, is brought into one row of a matrix `(batch * groups, positions * channels of
a group)`. On these rows the kernels of layer normalization run, forward and backward; the CUDA
kernels read the rows where they lie. The factors are one number for each channel, as in batch
normalization.
"""

import math

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.normalization.norm import (
    check_factors,
    layer_norm,
    layer_norm_backward,
)


@dispatched(cuda="norm")
def group_norm(xp, x, gamma=None, beta=None, *, groups=1, axis=-1, epsilon=1e-3, save=False):
    """Normalize each sample over its places and over each group of its channels.

    Equations (normalization.group_norm):
        grouped = x.reshape(*x.shape[:2], groups, -1)  # (batch, places, groups, channels / groups)
        mean = grouped.mean(axis=(1, 3), keepdims=True)  # (batch, 1, groups, 1)
        variance = ((grouped - mean) ** 2).mean(axis=(1, 3), keepdims=True)
        z = ((grouped - mean) / sqrt(variance + epsilon)).reshape(x.shape)
        y = z * gamma + beta

    Args:
        xp: The array module.
        x: Float array `(batch, ...)`.
        gamma: Optional array `(channels,)` to multiply by.
        beta: Optional array `(channels,)` to add.
        groups: Number of groups, which divides the channels.
        axis: The axis of the channels.
        epsilon: What to add to the variance.
        save: Whether a backward pass will follow.

    Returns:
        The normalized array, and what the backward pass wants to know.

    Raises:
        ValueError: If `gamma` or `beta` has another shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.group_norm import group_norm
        >>> group_norm(np, np.array([[1.0, 5.0, 0.0, 8.0]]), groups=2, epsilon=0.0)[0]
        array([[-1.,  1., -1.,  1.]])
    """
    form = Groups(x.shape, groups, axis)
    check_factors((form.channels,), gamma, beta)
    y, saved = layer_norm(xp, form.rows(xp, x), epsilon=epsilon, save=save)
    y = form.restored(xp, y)
    for factor, join in ((gamma, xp.multiply), (beta, xp.add)):
        if factor is not None:
            y = join(y, form.along(factor), out=y)
    return y, saved


@dispatched(cuda="norm")
def group_norm_backward(xp, g, arrays, saved, needs, *, groups=1, axis=-1, epsilon=1e-3):
    """Gradients of `group_norm`.

    Equations (normalization.group_norm_backward):
        dgamma = sum(g * z, axis=(0, 1))  # (channels,)
        dbeta = sum(g, axis=(0, 1))  # (channels,)
        dz, z = ((a.reshape(*g.shape[:2], groups, -1)) for a in (g * gamma, z))
        across = dz.mean(axis=(1, 3), keepdims=True) + z * (dz * z).mean(axis=(1, 3), keepdims=True)
        dx = ((dz - across) / sqrt(variance + epsilon)).reshape(g.shape)

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(x, gamma, beta)`.
        saved: What `group_norm` saved.
        needs: Three bools.
        groups: As for `group_norm`.
        axis: As for `group_norm`.
        epsilon: As for `group_norm`.

    Returns:
        The gradients with respect to `x`, `gamma` and `beta`, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.normalization.group_norm import (
        ...     group_norm,
        ...     group_norm_backward,
        ... )
        >>> x = np.array([[1.0, 5.0]])
        >>> saved = group_norm(np, x, groups=1, save=True)[1]
        >>> needs = (True, False, False)
        >>> group_norm_backward(np, np.ones((1, 2)), (x, None, None), saved, needs, groups=1)[0]
        array([[0., 0.]])
    """
    x, gamma, _ = arrays
    form = Groups(x.shape, groups, axis)
    rows = form.rows(xp, x)
    dx = dgamma = dbeta = None
    if needs[0]:
        dz = form.rows(xp, g if gamma is None else g * form.along(gamma))
        arrays, needed = (rows, None, None), (True, False, False)
        dx = layer_norm_backward(xp, dz, arrays, saved, needed, epsilon=epsilon)[0]
        dx = form.restored(xp, dx)
    if needs[1]:
        mean, inverse = saved
        dgamma = form.summed(xp, form.restored(xp, (rows - mean) * inverse) * g)
    if needs[2]:
        dbeta = form.summed(xp, g)
    return [dx, dgamma, dbeta]


class Groups:
    """How the groups of channels lie in an array `(batch, front, channels, inner)`.

    `front` are the positions along the axes between batch and channels, `inner` those along the
    axes after the channels.

    Args:
        shape: The array's shape.
        groups: Number of groups.
        axis: The axis of the channels.
    """

    def __init__(self, shape, groups, axis):
        axis %= len(shape)
        self.shape, self.groups, self.channels = shape, groups, shape[axis]
        self.front, self.inner = math.prod(shape[1:axis]), math.prod(shape[axis + 1 :])
        self.width = self.channels // groups * self.inner
        self.size = self.front * self.width
        self._spread = (self.channels, *(1,) * (len(shape) - axis - 1))

    def rows(self, xp, array):
        """One row for each group of each sample."""
        split = array.reshape(self.shape[0], self.front, self.groups, self.width)
        rows = self.shape[0] * self.groups, self.size
        return xp.ascontiguousarray(split.swapaxes(1, 2).reshape(rows))

    def restored(self, xp, rows):
        """Undo `rows`."""
        split = rows.reshape(self.shape[0], self.groups, self.front, self.width)
        return xp.ascontiguousarray(split.swapaxes(1, 2)).reshape(self.shape)

    def along(self, factor):
        """One scalar of each channel in the shape that broadcasts with the array."""
        return factor.reshape(self._spread)

    def summed(self, xp, array):
        """The sum for each channel."""
        flat = array.reshape(self.shape[0] * self.front, self.channels, self.inner)
        return flat.sum(axis=(0, 2), dtype=array.dtype)
