"""Scaled dot-product attention.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2. `b` is the batch, `t` and `s` are
places of targets and sources, `h` heads, `d` and `w` the sizes of a key and of a value; the mask
says where a target may see a source. By default `scale` is `1 / sqrt(d)`.
"""

from numpy import einsum, inf, sum, where

from tests.equations.crossentropy import softmax


def attention(query, key, value, bias, mask, scale):
    """Values weighed by how well their keys match the query."""
    scores = scale * einsum("bthd,bshd->bhts", query, key) + bias  # (b, h, t, s)
    weights = softmax(where(mask, scores, -inf))  # (b, h, t, s), along s
    y = einsum("bhts,bshw->bthw", weights, value)  # (b, t, h, w)
    return y, weights


def attention_backward(g, query, key, value, weights, scale):
    """Gradients of `attention`."""
    dvalue = einsum("bhts,bthw->bshw", weights, g)
    dweights = einsum("bthw,bshw->bhts", g, value)
    dscores = weights * (dweights - sum(dweights * weights, axis=-1, keepdims=True))
    dbias = dscores  # (b, h, t, s), to be summed to the shape of the bias
    dquery = scale * einsum("bhts,bshd->bthd", dscores, key)
    dkey = scale * einsum("bhts,bthd->bshd", dscores, query)
    return dquery, dkey, dvalue, dbias
