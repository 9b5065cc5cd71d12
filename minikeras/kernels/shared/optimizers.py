"""Update rules of optimizers, in place.

Every rule is a handful of elementwise operations on the weight and its state. Done one operation
after the other over a whole large weight, each would fetch everything from memory again; so the
rules run over blocks that stay in the cache, writing through `out=` into two scratch blocks.
"""

import numpy as np

BLOCK = 1 << 14
"""Elements per block: five arrays of 64 KB stay within a core's second-level cache."""


def blocks(*arrays):
    """Yield flat views of the same stretch of several arrays, at most `BLOCK` elements long."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [part[start : start + BLOCK] for part in flat]


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


def adagrad(p, g, total, lr, epsilon):
    """`total += g**2`; `p -= lr * g / sqrt(total + epsilon)`."""
    for p_, g_, total_ in blocks(p, g, total):
        total_ += g_ * g_
        root = np.sqrt(total_ + epsilon)
        p_ -= np.divide(g_ * lr, root, out=root)


def adam(p, g, m, v, alpha, beta_1, beta_2, epsilon, largest=None):
    """`m`, `v` follow `g`, `g**2`; `p -= alpha * m / (sqrt(v) + epsilon)`.

    With `largest` (AMSGrad) the root is taken of the largest `v` so far.
    """
    one = p.dtype.type(1)
    states = (p, g, m, v) if largest is None else (p, g, m, v, largest)
    for p_, g_, m_, v_, *rest in blocks(*states):
        scratch = g_ - m_
        scratch *= one - beta_1
        m_ += scratch
        np.multiply(g_, g_, out=scratch)
        scratch -= v_
        scratch *= one - beta_2
        v_ += scratch
        if rest:
            np.maximum(rest[0], v_, out=rest[0])
        np.sqrt(rest[0] if rest else v_, out=scratch)
        scratch += epsilon
        np.divide(m_, scratch, out=scratch)
        scratch *= alpha
        p_ -= scratch


def rmsprop(p, g, v, lr, rho, epsilon, mean=None, velocity=None, momentum=None):
    """`v` follows `g**2`; `p -= lr * g / sqrt(v + epsilon)`, centred and with momentum if given."""
    one = p.dtype.type(1)
    extra = [a for a in (mean, velocity) if a is not None]
    for p_, g_, v_, *rest in blocks(p, g, v, *extra):
        v_ *= rho
        v_ += (g_ * g_) * (one - rho)
        denominator = v_ + epsilon
        if mean is not None:
            mean_ = rest.pop(0)
            mean_ *= rho
            mean_ += g_ * (one - rho)
            denominator -= mean_ * mean_
        np.sqrt(denominator, out=denominator)
        step = np.divide(g_ * lr, denominator, out=denominator)
        if velocity is None:
            p_ -= step
        else:
            velocity_ = rest.pop(0)
            velocity_ *= momentum
            velocity_ += step
            p_ -= velocity_
