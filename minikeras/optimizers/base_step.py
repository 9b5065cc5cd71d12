"""The base step: what happens to gradients and weights around the update rule, in order.

    gradients -> unscale -> accumulate -> clip -> decay -> rule -> average -> constrain

`take` is this chain, a line for each stage; below it are the stages. They are functions of an
optimizer's arrays and options. The order of their operations is that of Keras, so that float32
rounds alike.
"""

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.optimizers import rate
from minikeras.optimizers.rows import dense, square_sum


def take(optimizer, grads, variables):
    """Take a step.

    Args:
        optimizer: the `Optimizer`, whose options say which stages there are.
        grads: list of arrays and `RowGradient`s, one for each variable.
        variables: list of weights; they change in place.
    """
    grads = unscaled(grads, optimizer.loss_scale_factor)
    grads = accumulated(optimizer, grads, variables)
    if grads is not None:
        grads = clipped(optimizer, grads)
        learning_rate = rate.as_scalar(optimizer.learning_rate)
        decay(optimizer, variables, learning_rate)
        optimizer.begin_update()
        optimizer._update_all(grads, variables, learning_rate)
    average(optimizer)
    constrain(variables)


def overwritten(grads, variables):
    """Assign the gradient to those weights that are made so; return the others, and theirs."""
    if not any(v.overwrite_with_gradient for v in variables):
        return grads, variables
    others = []
    for g, v in zip(grads, variables, strict=True):
        if v.overwrite_with_gradient:
            v.assign(g)
        else:
            others.append((g, v))
    return [g for g, _ in others], [v for _, v in others]


# Unscale: the loss was multiplied by a factor


def unscaled(grads, factor):
    """Divide gradients by the factor of the loss, if there is one."""
    if factor is None:
        return grads
    return [g / g.dtype.type(factor) for g in grads]


# Accumulate


def accumulated(optimizer, grads, variables):
    """The mean gradients of several steps once they have been taken, None until then."""
    steps = optimizer.gradient_accumulation_steps
    if not steps:
        return grads
    grads = [dense(g) for g in grads]
    sums = [optimizer._sums[optimizer._get_variable_index(v)] for v in variables]
    if (int(optimizer._iterations) + 1) % steps:
        for total, g in zip(sums, grads, strict=True):
            total.assign_add(g)
        return None
    pairs = zip(sums, grads, strict=True)
    means = [(g + total.array) / g.dtype.type(steps) for total, g in pairs]
    for total in optimizer._sums:
        total.assign(Tensor(device.namespace(total.array).zeros_like(total.array)))
    return means


# Clip; Pascanu, Mikolov and Bengio (2013), section 3.2


def clipped(optimizer, grads):
    """Make gradients smaller, in the one way that the optimizer's options name."""
    if optimizer.clipnorm and optimizer.clipnorm > 0:
        return clip_each_norm(grads, optimizer.clipnorm)
    if optimizer.global_clipnorm and optimizer.global_clipnorm > 0:
        return clip_joint_norm(grads, optimizer.global_clipnorm)
    if optimizer.clipvalue and optimizer.clipvalue > 0:
        return clip_by_value(grads, optimizer.clipvalue)
    return grads


def clip_each_norm(grads, limit):
    """Scale each gradient down to at most the norm `limit`."""
    return [_clip_norm(g, g.dtype.type(limit)) for g in grads]


def _clip_norm(g, limit):
    return g * limit / np.maximum(np.sqrt(square_sum(g)), limit)


def clip_joint_norm(grads, limit):
    """Scale all gradients down by one factor, so that their joint norm is at most `limit`.

    If the norm is not finite all elements become NaN.
    """
    norm = np.sqrt(sum(square_sum(g) for g in grads))
    one, limit = norm.dtype.type(1), norm.dtype.type(limit)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = limit * np.minimum(one / norm, one / limit) + (norm - norm)
    return [g * scale.astype(g.dtype) for g in grads]


def clip_by_value(grads, limit):
    """Clip every element to the range from `-limit` to `limit`."""
    return [g.clip(-limit, limit) for g in grads]


# Decay


def decay(optimizer, variables, learning_rate):
    """Let weights shrink; Loshchilov and Hutter (2019), for any rule.

    Equations (optimizers.decoupled_weight_decay):
        w = w - lr * weight_decay * w
    """
    if optimizer.weight_decay is None:
        return
    for v in variables:
        if optimizer._is_decayed(v):
            w = v.writable()
            scalar = w.dtype.type
            w -= w * as_cast(optimizer.weight_decay, scalar) * scalar(learning_rate)


# Average; Polyak and Juditsky (1992), in the exponential form


def average(optimizer):
    """Let the moving averages follow the weights, and now and then the weights become them.

    Equations (optimizers.moving_average):
        a = momentum * a + (1 - momentum) * w
    """
    if not optimizer.use_ema:
        return
    steps = int(optimizer.iterations)
    for v, mean in zip(optimizer._trainable_variables, optimizer._averages, strict=True):
        if mean is None:
            continue
        a = mean.writable()
        momentum = a.dtype.type(optimizer.ema_momentum if steps else 0.0)
        a *= momentum
        a += (a.dtype.type(1) - momentum) * v.array
    every = optimizer.ema_overwrite_frequency
    if every and (steps + 1) % every == 0:
        use_averages(optimizer, optimizer._trainable_variables)


def use_averages(optimizer, variables):
    """Let weights become their moving averages."""
    for v, mean in zip(variables, optimizer._averages, strict=True):
        if mean is not None:
            v.assign(mean)


# Constrain


def constrain(variables):
    """Let every weight that has a constraint satisfy it."""
    for v in variables:
        if v.constraint is not None:
            v.assign(v.constraint(v))


def as_cast(value, scalar):
    """Return a hyperparameter as a number of a weight's type, as a float32 first.

    Keras on TensorFlow casts Python floats so. It also makes a float64 run follow the same rule as
    a float32 run, whose hyperparameters cannot be finer.
    """
    return scalar(np.float32(value))
