"""Normalizations: of a channel over the batch, and of a sample over its own features.

Ioffe and Szegedy, "Batch Normalization" (2015), section 3; Ba, Kiros and Hinton, "Layer
Normalization" (2016), section 3; Wu and He, "Group Normalization" (2018), section 3; Zhang and
Sennrich, "Root Mean Square Layer Normalization" (2019), section 4.

All of them compute `y = z * gamma + beta` with a normalized `z`. That `mean` and `variance` depend
on every `x` gives `dx` its second and third term: what `dz` has in common with 1 and with `z`.
"""

from numpy import sqrt, sum


def batch_norm(x, gamma, beta, epsilon):
    """Each channel over all else; `x` is `(batch and places, channels)`."""
    mean = x.mean(axis=0)  # (channels,)
    variance = ((x - mean) ** 2).mean(axis=0)  # (channels,)
    z = (x - mean) / sqrt(variance + epsilon)  # (rows, channels)
    y = z * gamma + beta
    return y, mean, variance, z


def batch_norm_backward(g, z, variance, gamma, epsilon):
    """Gradients of `batch_norm`'s `y`."""
    dgamma = sum(g * z, axis=0)  # (channels,)
    dbeta = sum(g, axis=0)  # (channels,)
    dz = g * gamma  # (rows, channels)
    dx = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / sqrt(variance + epsilon)
    return dx, dgamma, dbeta


def batch_norm_inference(x, mean, variance, gamma, beta, epsilon):
    """With the moving averages of training in place of the batch's own mean and variance."""
    y = (x - mean) / sqrt(variance + epsilon) * gamma + beta
    return y


def layer_norm(x, gamma, beta, epsilon):
    """Each sample over its features; `x` is `(rows, features)`."""
    mean = x.mean(axis=1, keepdims=True)  # (rows, 1)
    variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)  # (rows, 1)
    z = (x - mean) / sqrt(variance + epsilon)  # (rows, features)
    y = z * gamma + beta
    return y, variance, z


def layer_norm_backward(g, z, variance, gamma, epsilon):
    """Gradients of `layer_norm`."""
    dgamma = sum(g * z, axis=0)  # (features,)
    dbeta = sum(g, axis=0)  # (features,)
    dz = g * gamma  # (rows, features)
    across = dz.mean(axis=1, keepdims=True) + z * (dz * z).mean(axis=1, keepdims=True)
    dx = (dz - across) / sqrt(variance + epsilon)
    return dx, dgamma, dbeta


def group_norm(x, gamma, beta, groups, epsilon):
    """Each sample over a group of its channels; `x` is `(batch, places, channels)`."""
    grouped = x.reshape(*x.shape[:2], groups, -1)  # (batch, places, groups, channels / groups)
    mean = grouped.mean(axis=(1, 3), keepdims=True)  # (batch, 1, groups, 1)
    variance = ((grouped - mean) ** 2).mean(axis=(1, 3), keepdims=True)
    z = ((grouped - mean) / sqrt(variance + epsilon)).reshape(x.shape)
    y = z * gamma + beta
    return y, variance, z


def group_norm_backward(g, z, variance, gamma, groups, epsilon):
    """Gradients of `group_norm`."""
    dgamma = sum(g * z, axis=(0, 1))  # (channels,)
    dbeta = sum(g, axis=(0, 1))  # (channels,)
    dz, z = ((a.reshape(*g.shape[:2], groups, -1)) for a in (g * gamma, z))
    across = dz.mean(axis=(1, 3), keepdims=True) + z * (dz * z).mean(axis=(1, 3), keepdims=True)
    dx = ((dz - across) / sqrt(variance + epsilon)).reshape(g.shape)
    return dx, dgamma, dbeta


def rms_norm(x, gamma, epsilon):
    """Layer normalization without a mean; `x` is `(rows, features)`."""
    square = (x**2).mean(axis=1, keepdims=True)  # (rows, 1)
    z = x / sqrt(square + epsilon)  # (rows, features)
    y = z * gamma
    return y, square, z


def rms_norm_backward(g, z, square, gamma, epsilon):
    """Gradients of `rms_norm`."""
    dgamma = sum(g * z, axis=0)  # (features,)
    dz = g * gamma  # (rows, features)
    dx = (dz - z * (dz * z).mean(axis=1, keepdims=True)) / sqrt(square + epsilon)
    return dx, dgamma
