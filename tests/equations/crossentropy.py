"""Softmax, sigmoid, and the cross-entropies between what they make of logits and a target.

Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990);
Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.2.2. A softmax or sigmoid and
the logarithm of the loss undo each other: the gradient with respect to the logits is `p - target`.

`logits`, `target` and `p` are `(batch, classes)`; losses, and `g`, are `(batch,)`.
"""

from numpy import arange, exp, log, log1p, max, maximum, sum


def softmax(x):
    """Exponentials divided by their sum. Less the largest `x` none overflows; the ratio stays."""
    power = exp(x - max(x, axis=-1, keepdims=True))
    y = power / sum(power, axis=-1, keepdims=True)
    return y


def softmax_backward(g, y):
    """Gradient of `softmax`."""
    dx = y * (g - sum(g * y, axis=-1, keepdims=True))
    return dx


def log_softmax(x):
    """The logarithm of it, without taking one of a probability that may be rounded to zero."""
    shifted = x - max(x, axis=-1, keepdims=True)
    y = shifted - log(sum(exp(shifted), axis=-1, keepdims=True))
    return y


def log_softmax_backward(g, y):
    """Gradient of `log_softmax`; `exp(y)` is the softmax."""
    dx = g - exp(y) * sum(g, axis=-1, keepdims=True)
    return dx


def softmax_crossentropy(target, logits):
    """Cross-entropy of classes; targets are probabilities that add up to one."""
    p = softmax(logits)
    loss = -sum(target * log(p), axis=-1)
    return loss, p


def softmax_crossentropy_backward(g, target, p):
    """Gradients of `softmax_crossentropy`."""
    dtarget = -g[:, None] * log(p)
    dlogits = g[:, None] * (p - target)
    return dtarget, dlogits


def sparse_crossentropy(logits, target):
    """The same for the number of the right class, `(batch,)`: its target is 1, all others are 0."""
    p = softmax(logits)
    loss = -log(p[arange(len(p)), target])
    return loss, p


def sparse_crossentropy_backward(g, p, target):
    """Gradient of `sparse_crossentropy`: `g * (p - target)`, written out."""
    dlogits = p.copy()
    dlogits[arange(len(p)), target] -= 1
    dlogits *= g[:, None]
    return dlogits


def sigmoid_crossentropy(target, logits):
    """Cross-entropy of independent events, each number alone; the shapes are all the same."""
    p = 1 / (1 + exp(-logits))
    loss = -target * log(p) - (1 - target) * log(1 - p)
    return loss, p


def sigmoid_crossentropy_stable(target, logits):
    """The same without overflow: `log(p) = x - log(1 + exp(x))` and `log(1 - p) = log(p) - x`."""
    loss = maximum(logits, 0) - logits * target + log1p(exp(-abs(logits)))
    return loss


def sigmoid_crossentropy_backward(g, target, logits, p):
    """Gradients of `sigmoid_crossentropy`."""
    dtarget = -g * logits
    dlogits = g * (p - target)
    return dtarget, dlogits
