"""Update rules of optimizers, in place.

Every rule is a handful of elementwise operations on the weight and its state. Done one operation
after the other over a whole large weight, each would fetch everything from memory again; so the
rules run over blocks that stay in the cache, writing through `out=` into two scratch blocks.

Where a rule uses the squared gradient, `square` may bring it along instead (see `optimizers.rows`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

BLOCK = 1 << 14
"""Elements per block: five arrays of 64 KB stay within a core's second-level cache."""


def blocks(*arrays: Any) -> Iterator[list[Any]]:
    """Yield flat views of one stretch of several arrays (or None), at most `BLOCK` long."""
    flat: list[Any] = [None if array is None else array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [None if part is None else part[start : start + BLOCK] for part in flat]


def sgd(p, g, lr):
    """`p -= lr * g`."""
    for p_, g_ in blocks(p, g):
        p_ -= g_ * lr


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


def adagrad(p, g, total, lr, epsilon, square=None):
    """`total += g**2`; `p -= lr * g / sqrt(total + epsilon)`."""
    for p_, g_, total_, square_ in blocks(p, g, total, square):
        total_ += g_ * g_ if square_ is None else square_
        root = np.sqrt(total_ + epsilon)
        p_ -= np.divide(g_ * lr, root, out=root)


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


def rmsprop(
    p, g, v, lr, rho, share, epsilon, mean=None, velocity=None, momentum=None, square=None
):
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
