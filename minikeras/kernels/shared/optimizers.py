"""Update rules of optimizers, in place.

Every rule is a handful of elementwise operations on the weight and its state. Done one operation
after the other over a whole large weight, each would fetch everything from memory again; so the
rules run over blocks that stay in the cache, writing through `out=` into two scratch blocks.

The symbols are those of the equations: `w` the weight, `g` its gradient, `m`, `v`, ... the states,
all of one shape and changed in place but `g`. What depends on the step alone, a rule is given
(`alpha`, `one_minus_beta_1`, `bias_correction_1`): the rules of `optimizers/rules.py` compute it
once for all weights. A moving average is updated as `m + (g - m) * (1 - beta_1)`, which is
`beta_1 * m + (1 - beta_1) * g`. Where a rule uses the squared (or absolute) gradient, it may be
given as `square` (or `magnitude`) instead (see `optimizers.rows`).
"""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import wraps
from typing import Any

import numpy as np

from minikeras.arrays.device import elsewhere
from minikeras.arrays.threads import BYTES, chunks, each
from minikeras.kernels.providers import dispatched, large_or_at_hand

BLOCK = 1 << 16
"""Elements per block: five arrays of 256 KB stay about within a core's second-level cache. Smaller
blocks would let threads wait for the GIL more often than they compute."""

# About how often a rule reads or writes as many bytes as the weight has.
_PASSES = 7


def blocks(*arrays: Any) -> Iterator[list[Any]]:
    """Yield flat views of one stretch of several arrays (or None), at most `BLOCK` long.

    Arrays of a GPU come whole: it has no such cache, and each call costs a launch.
    """
    size: int = arrays[0].size
    if size <= BLOCK and arrays[0].ndim:
        yield list(arrays)
        return
    flat: list[Any] = [None if array is None else array.reshape(-1) for array in arrays]
    length = BLOCK if type(flat[0]) is np.ndarray else max(size, 1)
    for start in range(0, size, length):
        yield [None if part is None else part[start : start + length] for part in flat]


def run_in_chunks(kernel, arrays, options):
    """Run a rule on a weight; threads share a large one.

    Args:
        kernel: one of the rules.
        arrays: the weight, its gradient and its states, arrays of one shape.
        options: the rule's other arguments; arrays among them go along with the weight.
    """
    weight = arrays[0]
    if not isinstance(weight, np.ndarray):
        with elsewhere(weight) or nullcontext():
            _refuse_strided(weight, *arrays[2:])
            kernel(*arrays, **options)
        return
    if weight.size > BLOCK:
        _refuse_strided(weight, *arrays[2:])
        # A gradient may have other strides, of which the compiled rules want to know nothing.
        arrays = [weight, np.ascontiguousarray(arrays[1]), *arrays[2:]]
    kernel(*arrays, **options)


def _in_chunks(rule):
    """Let threads share a rule of NumPy calls: each computes stretches of a large weight."""

    @wraps(rule)
    def run(*arrays, **options):
        weight, parts = arrays[0], ()
        if type(weight) is np.ndarray and weight.size > BLOCK:
            parts = chunks(weight.size, _PASSES * weight.nbytes / BYTES)
        if len(parts) < 2:
            return rule(*arrays, **options)
        flat, named = [_flat(v) for v in arrays], {k: _flat(v) for k, v in options.items()}
        each(
            lambda part: rule(
                *[_stretch(v, part) for v in flat],
                **{k: _stretch(v, part) for k, v in named.items()},
            ),
            parts,
        )

    return run


def _flat(value):
    return value.reshape(-1) if getattr(value, "ndim", 0) else value


def _stretch(value, part):
    return value[part] if getattr(value, "ndim", 0) else value


def _refuse_strided(*written):
    """Large arrays are taken apart through flat views, which only contiguous ones have."""
    if not all(array.flags.c_contiguous for array in written):
        raise ValueError("A weight and its states must be contiguous: they are changed in place.")


@dispatched("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_chunks
def sgd(w, g, lr):
    """Gradient descent.

    Equations (optimizers.sgd):
        w = w - lr * g
    """
    for w_, g_ in blocks(w, g):
        w_ -= g_ * lr


@dispatched("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_chunks
def sgd_momentum(w, g, v, lr, momentum, nesterov):
    """Gradient descent with momentum, in Nesterov's form if asked to.

    Equations (optimizers.sgd_momentum):
        v = momentum * v - lr * g
        w = w + v

    Equations (optimizers.sgd_nesterov):
        v = momentum * v - lr * g
        w = w + momentum * v - lr * g
    """
    for w_, g_, v_ in blocks(w, g, v):
        step = g_ * lr
        v_ *= momentum
        v_ -= step
        if nesterov:
            w_ += np.subtract(v_ * momentum, step, out=step)
        else:
            w_ += v_


@dispatched("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_chunks
def adagrad(w, g, v, lr, epsilon, square=None):
    """Adagrad.

    Equations (optimizers.adagrad):
        v = v + g**2
        w = w - lr * g / sqrt(v + epsilon)
    """
    for w_, g_, v_, square_ in blocks(w, g, v, square):
        v_ += g_ * g_ if square_ is None else square_
        root = np.sqrt(v_ + epsilon)
        w_ -= np.divide(g_ * lr, root, out=root)


@dispatched("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_chunks
def adam(w, g, m, v, alpha, one_minus_beta_1, one_minus_beta_2, epsilon, v_max=None, square=None):
    """Adam, given `alpha`; AMSGrad if it is given `v_max`, whose root it takes instead of `v`'s.

    Equations (optimizers.adam_rearranged):
        m = m + (g - m) * (1 - beta_1)
        v = v + (g**2 - v) * (1 - beta_2)
        alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (sqrt(v) + epsilon)
    """
    for w_, g_, m_, v_, v_max_, square_ in blocks(w, g, m, v, v_max, square):
        scratch = g_ - m_
        scratch *= one_minus_beta_1
        m_ += scratch
        if square_ is None:
            square_ = np.multiply(g_, g_, out=scratch)
        np.subtract(square_, v_, out=scratch)
        scratch *= one_minus_beta_2
        v_ += scratch
        if v_max_ is not None:
            np.maximum(v_max_, v_, out=v_max_)
        np.sqrt(v_ if v_max_ is None else v_max_, out=scratch)
        scratch += epsilon
        w_ -= np.divide(m_ * alpha, scratch, out=scratch)


@dispatched("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_chunks
def rmsprop(w, g, v, lr, rho, one_minus_rho, epsilon, m=None, b=None, momentum=None, square=None):
    """RMSprop, centered if it is given the mean gradient `m`.

    Equations (optimizers.rmsprop_centered):
        v = rho * v + (1 - rho) * g**2
        m = rho * m + (1 - rho) * g
        w = w - lr * g / sqrt(v - m**2 + epsilon)

    Without `m` nothing is subtracted. With the velocity `b` the steps gather in it:

    Equations (optimizers.rmsprop_momentum):
        v = rho * v + (1 - rho) * g**2
        b = momentum * b + lr * g / sqrt(v + epsilon)
        w = w - b
    """
    for w_, g_, v_, m_, b_, square_ in blocks(w, g, v, m, b, square):
        v_ *= rho
        v_ += (g_ * g_ if square_ is None else square_) * one_minus_rho
        if m_ is None:
            denominator = v_ + epsilon
        else:
            m_ *= rho
            m_ += g_ * one_minus_rho
            denominator = v_ - m_ * m_
            denominator += epsilon
        np.sqrt(denominator, out=denominator)
        step = np.divide(g_ * lr, denominator, out=denominator)
        if b_ is None:
            w_ -= step
        else:
            b_ *= momentum
            b_ += step
            w_ -= b_


@dispatched(cuda="optimizers")
@_in_chunks
def adadelta(w, g, v, d, lr, rho, one_minus_rho, epsilon, square=None):
    """Adadelta.

    Equations (optimizers.adadelta):
        v = rho * v + (1 - rho) * g**2
        step = sqrt(d + epsilon) / sqrt(v + epsilon) * g
        d = rho * d + (1 - rho) * step**2
        w = w - lr * step
    """
    for w_, g_, v_, d_, square_ in blocks(w, g, v, d, square):
        v_ *= rho
        v_ += (g_ * g_ if square_ is None else square_) * one_minus_rho
        step = np.sqrt(d_ + epsilon)
        step *= g_
        step /= np.sqrt(v_ + epsilon)
        if square_ is not None:
            step_square = square_ * (d_ + epsilon) / (v_ + epsilon)
        else:
            step_square = step * step
        d_ *= rho
        d_ += step_square * one_minus_rho
        w_ -= step * lr


@dispatched(cuda="optimizers")
@_in_chunks
def adamax(w, g, m, u, lr, one_minus_beta_1, beta_2, bias_correction_1, epsilon, magnitude=None):
    """Adamax, given `bias_correction_1 = 1 - beta_1**t`.

    Equations (optimizers.adamax):
        m = beta_1 * m + (1 - beta_1) * g
        u = maximum(beta_2 * u, abs(g))
        m_hat = m / (1 - beta_1**t)
        w = w - lr * m_hat / (u + epsilon)

    Rearranged: `w = w - lr * m / ((u + epsilon) * bias_correction_1)`.
    """
    for w_, g_, m_, u_, magnitude_ in blocks(w, g, m, u, magnitude):
        scratch = g_ - m_
        scratch *= one_minus_beta_1
        m_ += scratch
        u_ *= beta_2
        np.maximum(u_, np.abs(g_, out=scratch) if magnitude_ is None else magnitude_, out=u_)
        np.add(u_, epsilon, out=scratch)
        scratch *= bias_correction_1
        w_ -= np.divide(m_ * lr, scratch, out=scratch)


@dispatched(cuda="optimizers")
@_in_chunks
def nadam(
    w,
    g,
    m,
    v,
    lr,
    one_minus_beta_1,
    one_minus_beta_2,
    m_factor,
    g_factor,
    bias_correction_2,
    epsilon,
    square=None,
):
    """Nadam, given `bias_correction_2 = 1 - beta_2**t` and the factors of `m` and `g` in `m_hat`.

    Each factor is a pair, a numerator and a denominator: `(mu_next, 1 - product * mu_next)` and
    `(1 - mu, 1 - product)`.

    Equations (optimizers.nadam):
        mu = beta_1 * (1 - 0.5 * 0.96**t)
        mu_next = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
        product = product * mu
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        v_hat = v / (1 - beta_2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + epsilon)
    """
    for w_, g_, m_, v_, square_ in blocks(w, g, m, v, square):
        scratch = g_ - m_
        scratch *= one_minus_beta_1
        m_ += scratch
        np.subtract(g_ * g_ if square_ is None else square_, v_, out=scratch)
        scratch *= one_minus_beta_2
        v_ += scratch
        m_hat = m_ * m_factor[0]
        m_hat /= m_factor[1]
        m_hat += (g_ * g_factor[0]) / g_factor[1]
        m_hat *= lr
        np.sqrt(v_ / bias_correction_2, out=scratch)
        scratch += epsilon
        w_ -= np.divide(m_hat, scratch, out=scratch)


@dispatched(cuda="optimizers")
@_in_chunks
def ftrl(w, g, n, z, lr, power, l1, l2, shrinkage, square=None):
    """Follow the regularized leader; `l2` includes `beta / (2 * lr)`, `shrinkage` the factor 2.

    Equations (optimizers.ftrl):
        n_new = n + g**2
        sigma = (n_new**power - n**power) / lr
        z = z + g + 2 * shrinkage * w - sigma * w
        w = (clip(z, -l1, l1) - z) / (n_new**power / lr + 2 * (l2 + beta / (2 * lr)))
    """
    for w_, g_, n_, z_, square_ in blocks(w, g, n, z, square):
        before = n_**power
        n_ += g_ * g_ if square_ is None else square_
        after = n_**power
        z_ += (g_ + w_ * shrinkage) - (after - before) / lr * w_
        after /= lr
        after += l2 + l2
        w_[...] = (z_.clip(-l1, l1) - z_) / after


@dispatched(cuda="optimizers")
@_in_chunks
def lion(w, g, m, lr, beta_1, beta_2):
    """Lion.

    Equations (optimizers.lion):
        w = w - lr * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    """
    one = w.dtype.type(1)
    for w_, g_, m_ in blocks(w, g, m):
        w_ -= np.sign(m_ * beta_1 + g_ * (one - beta_1)) * lr
        m_ *= beta_2
        m_ += g_ * (one - beta_2)
