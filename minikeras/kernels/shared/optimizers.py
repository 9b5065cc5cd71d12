"""Update rules of optimizers, in place.

Every rule is a handful of elementwise operations on the weight and its state. Done one operation
after the other over a whole large weight, each would fetch everything from memory again; so the
rules run over blocks that stay in the cache, writing through `out=` into two scratch blocks.

Where a rule uses the squared (or absolute) gradient, `square` (or `magnitude`) may bring it along
instead (see `optimizers.rows`).
"""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import wraps
from typing import Any

import numpy as np

from minikeras.arrays.device import elsewhere
from minikeras.arrays.threads import BYTES, each, pieces
from minikeras.kernels.providers import large_or_at_hand, provided

BLOCK = 1 << 16
"""Elements per block: five arrays of 256 KB stay about within a core's second-level cache. Smaller
blocks would let threads wait for Python's lock more often than they compute."""

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


def run_in_pieces(kernel, arrays, options):
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


def _in_pieces(rule):
    """Let threads share a rule of NumPy calls: each computes stretches of a large weight."""

    @wraps(rule)
    def run(*arrays, **options):
        weight, parts = arrays[0], ()
        if type(weight) is np.ndarray and weight.size > BLOCK:
            parts = pieces(weight.size, _PASSES * weight.nbytes / BYTES)
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


@provided("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_pieces
def sgd(p, g, lr):
    """`p -= lr * g`."""
    for p_, g_ in blocks(p, g):
        p_ -= g_ * lr


@provided("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_pieces
def sgd_momentum(p, g, m, lr, momentum, nesterov):
    """`m = momentum * m - lr * g`; then `p += m`, or Nesterov's `p += momentum * m - lr * g`."""
    for p_, g_, m_ in blocks(p, g, m):
        step = g_ * lr
        m_ *= momentum
        m_ -= step
        if nesterov:
            p_ += np.subtract(m_ * momentum, step, out=step)
        else:
            p_ += m_


@provided("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_pieces
def adagrad(p, g, total, lr, epsilon, square=None):
    """`total += g**2`; `p -= lr * g / sqrt(total + epsilon)`."""
    for p_, g_, total_, square_ in blocks(p, g, total, square):
        total_ += g_ * g_ if square_ is None else square_
        root = np.sqrt(total_ + epsilon)
        p_ -= np.divide(g_ * lr, root, out=root)


@provided("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_pieces
def adam(p, g, m, v, alpha, share_1, share_2, epsilon, largest=None, square=None):
    """`m`, `v` go their share of the way to `g`, `g**2`; `p -= alpha * m / (sqrt(v) + epsilon)`.

    With `largest` (AMSGrad) the root is taken of the largest `v` so far.
    """
    for p_, g_, m_, v_, largest_, square_ in blocks(p, g, m, v, largest, square):
        scratch = g_ - m_
        scratch *= share_1
        m_ += scratch
        if square_ is None:
            square_ = np.multiply(g_, g_, out=scratch)
        np.subtract(square_, v_, out=scratch)
        scratch *= share_2
        v_ += scratch
        if largest_ is not None:
            np.maximum(largest_, v_, out=largest_)
        np.sqrt(v_ if largest_ is None else largest_, out=scratch)
        scratch += epsilon
        p_ -= np.divide(m_ * alpha, scratch, out=scratch)


@provided("optimizers", cuda="optimizers", is_large=large_or_at_hand)
@_in_pieces
def rmsprop(p, g, v, lr, rho, share, epsilon, mean=None, velocity=None, momentum=None, square=None):
    """`v = rho * v + share * g**2`; `p -= lr * g / sqrt(v + epsilon)`.

    With `mean`, the mean gradient, its square is taken from `v`; with `velocity` the steps gather
    there, `momentum` of it staying each time.
    """
    for p_, g_, v_, mean_, velocity_, square_ in blocks(p, g, v, mean, velocity, square):
        v_ *= rho
        v_ += (g_ * g_ if square_ is None else square_) * share
        if mean_ is None:
            denominator = v_ + epsilon
        else:
            mean_ *= rho
            mean_ += g_ * share
            denominator = v_ - mean_ * mean_
            denominator += epsilon
        np.sqrt(denominator, out=denominator)
        step = np.divide(g_ * lr, denominator, out=denominator)
        if velocity_ is None:
            p_ -= step
        else:
            velocity_ *= momentum
            velocity_ += step
            p_ -= velocity_


@provided(cuda="optimizers")
@_in_pieces
def adadelta(p, g, mean, delta_mean, lr, rho, share, epsilon, square=None):
    """`mean` follows `g**2`, `delta_mean` the squared step `d`; `p += lr * d`.

    `d = -sqrt(delta_mean + epsilon) * g / sqrt(mean + epsilon)`.
    """
    for p_, g_, mean_, delta_mean_, square_ in blocks(p, g, mean, delta_mean, square):
        mean_ *= rho
        mean_ += (g_ * g_ if square_ is None else square_) * share
        step = np.sqrt(delta_mean_ + epsilon)
        step *= g_
        step /= np.sqrt(mean_ + epsilon)
        if square_ is None:
            step_square = step * step
        else:
            step_square = square_ * (delta_mean_ + epsilon) / (mean_ + epsilon)
        delta_mean_ *= rho
        delta_mean_ += step_square * share
        p_ -= step * lr


@provided(cuda="optimizers")
@_in_pieces
def adamax(p, g, m, u, lr, share, beta_2, left, epsilon, magnitude=None):
    """`m` follows `g`; `u = max(beta_2 * u, abs(g))`; `p -= lr * m / (left * (u + epsilon))`."""
    for p_, g_, m_, u_, magnitude_ in blocks(p, g, m, u, magnitude):
        scratch = g_ - m_
        scratch *= share
        m_ += scratch
        u_ *= beta_2
        np.maximum(u_, np.abs(g_, out=scratch) if magnitude_ is None else magnitude_, out=u_)
        np.add(u_, epsilon, out=scratch)
        scratch *= left
        p_ -= np.divide(m_ * lr, scratch, out=scratch)


@provided(cuda="optimizers")
@_in_pieces
def nadam(p, g, m, v, lr, share_1, share_2, factor_m, factor_g, left, epsilon, square=None):
    """`m`, `v` follow `g`, `g**2`; the step goes along `factor_m * m + factor_g * g`.

    The factors are pairs of a numerator and a denominator; `v / left` is the corrected average.
    """
    for p_, g_, m_, v_, square_ in blocks(p, g, m, v, square):
        scratch = g_ - m_
        scratch *= share_1
        m_ += scratch
        np.subtract(g_ * g_ if square_ is None else square_, v_, out=scratch)
        scratch *= share_2
        v_ += scratch
        step = m_ * factor_m[0]
        step /= factor_m[1]
        step += (g_ * factor_g[0]) / factor_g[1]
        step *= lr
        np.sqrt(v_ / left, out=scratch)
        scratch += epsilon
        p_ -= np.divide(step, scratch, out=scratch)


@provided(cuda="optimizers")
@_in_pieces
def ftrl(p, g, total, linear, lr, power, l1, l2, shrinkage, square=None):
    """`total` sums `g**2`, `linear` the gradients less what the weights stand for.

    `p` becomes what minimises the linear, the quadratic (`total**power / lr + 2 * l2`) and the
    absolute (`l1`) terms together.
    """
    for p_, g_, total_, linear_, square_ in blocks(p, g, total, linear, square):
        before = total_**power
        total_ += g_ * g_ if square_ is None else square_
        after = total_**power
        linear_ += (g_ + p_ * shrinkage) - (after - before) / lr * p_
        after /= lr
        after += l2 + l2
        p_[...] = (linear_.clip(-l1, l1) - linear_) / after


@provided(cuda="optimizers")
@_in_pieces
def lion(p, g, m, lr, beta_1, beta_2):
    """`p -= lr * sign(beta_1 * m + (1 - beta_1) * g)`; then `m` follows `g` by `beta_2`."""
    one = p.dtype.type(1)
    for p_, g_, m_ in blocks(p, g, m):
        p_ -= np.sign(m_ * beta_1 + g_ * (one - beta_1)) * lr
        m_ *= beta_2
        m_ += g_ * (one - beta_2)
