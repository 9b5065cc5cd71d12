"""What follows a product of matrices, in one launch; see `kernels/shared/dense.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("dense")


def finish(xp, y, bias, relu):
    """Add a bias along the last axis and apply ReLU, in place."""
    if not are_floats(y, bias) or not y.flags.c_contiguous:
        return NotImplemented
    (bias,) = contiguous(xp, bias)
    arguments = y, y if bias is None else bias, bias is not None, relu, y.shape[-1], y.size
    _source.launch(xp, "finish", y.size, *arguments)
    return y


def where_positive(xp, g, y):
    """`g` where `y` is positive, else zero."""
    if not are_floats(g, y) or g.shape != y.shape:
        return NotImplemented
    g, y = contiguous(xp, g, y)
    dx = xp.empty(g.shape, g.dtype)
    _source.launch(xp, "where_positive", g.size, g, y, dx, g.size)
    return dx
