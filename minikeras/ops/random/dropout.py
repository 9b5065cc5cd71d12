"""Dropout: a random part of the entries becomes zero."""

from minikeras.arrays import device
from minikeras.arrays import random as draws
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import primitive
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, dtypes
from minikeras.core.docstrings import described
from minikeras.kernels.shared.masks import apply_mask, dropout_mask
from minikeras.ops.random.draws import DRAW, is_declared
from minikeras.ops.random.seeds import draw_seed


@op
@described(DRAW)
def dropout(inputs, rate, noise_shape=None, seed=None):
    """Set a random part of the entries to zero and scale the others up by `1 / (1 - rate)`.

    Equations (dropout.dropout):
        y = x * keep / (1 - rate)  # its expectation is x

    Equations (dropout.dropout_backward):
        dx = g * keep / (1 - rate)

    Args:
        inputs: float tensor of any shape.
        rate: float, the fraction to set to zero, from 0 to 1; 0 returns the inputs, 1 gives zeros.
        noise_shape: shape of the mask, which broadcasts to that of `inputs`; None in it stands for
            the size of `inputs`. None: every entry independently.
        seed: int (the same mask each time), `SeedGenerator`, or None for the global generator.

    Returns:
        A tensor of the shape and dtype of `inputs`; gradients reach `inputs`.

    Raises:
        ValueError: if the rate is outside its range, `inputs` are no floats, the mask does not fit,
            or the seed is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.random.dropout([1.0, 2.0], 0.5, seed=1).tolist()
        [2.0, 0.0]
    """
    x = convert_to_tensor(inputs)
    rate = _checked_rate(rate)
    if not rate:
        return x
    if not dtypes.is_float(x.dtype):
        raise ValueError(f"`inputs` must be floats, as they are scaled. Received: dtype={x.dtype}")
    shape = _mask_shape(noise_shape, x.shape)
    if rate == 1.0:
        return _masked(x, False, scale=1.0)
    if is_declared((*shape, *x.shape)):
        return Abstract(x.shape, x.dtype)
    keep = _mask(device.namespace(x.data), shape, rate, x.dtype, seed)
    return _masked(x, keep, scale=1.0 / (1.0 - rate))


@primitive(elementwise)
def _masked(xp, x, keep, *, scale):
    """The scaled input where `keep` is True, zero elsewhere, whatever stood there."""
    return apply_mask(xp, x, keep, scale)


@_masked.vjp("x")
def _(g, keep, scale):
    return _masked(g, keep, scale=scale)


def _checked_rate(rate):
    if not isinstance(rate, (int, float)):
        rate = convert_to_tensor(rate).item()
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must be a number in the range [0, 1]. Received: rate={rate}")
    return float(rate)


def _mask_shape(noise_shape, shape):
    if noise_shape is None:
        return shape
    noise_shape = tuple(noise_shape)
    if len(noise_shape) == len(shape):
        sizes = tuple(b if a is None else a for a, b in zip(noise_shape, shape, strict=True))
    else:
        sizes = noise_shape
    if None in sizes or len(dims.broadcast(sizes, shape)) != len(shape):
        raise ValueError(
            f"`noise_shape` must broadcast to the shape of the inputs, {dims.to_public(shape)}. "
            f"Received: noise_shape={noise_shape}"
        )
    return sizes


@replayed
def _mask(xp, shape, rate, dtype, seed):
    return Tensor(dropout_mask(xp, draws.fold_seed(draw_seed(seed)), shape, rate, dtype))
