"""Functions that are short formulas, in one launch each; see `kernels/shared/curves.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("curves")


def _pair(name):
    """The forward and the backward pass of a function of one number."""

    def forward(xp, x, *, save=False):
        """The function of every element; nothing is saved."""
        y = _mapped(xp, name, x)
        return y if y is NotImplemented else (y, None)

    def backward(xp, g, arrays, saved, needs):
        """The gradient with respect to its argument."""
        if not are_floats(g, *arrays):
            return NotImplemented
        g, x = contiguous(xp, g, *arrays)
        dx = xp.empty(x.shape, x.dtype)
        _source.launch(xp, f"{name}_backward", x.size, g, x, dx, x.size)
        return [dx]

    return forward, backward


def erf(xp, x):
    """The error function."""
    return _mapped(xp, "error_function", x)


def _mapped(xp, name, x):
    if not are_floats(x):
        return NotImplemented
    (x,) = contiguous(xp, x)
    y = xp.empty(x.shape, x.dtype)
    _source.launch(xp, name, x.size, x, y, x.size)
    return y


softsign, softsign_backward = _pair("softsign")
log_sigmoid, log_sigmoid_backward = _pair("log_sigmoid")
hard_sigmoid, hard_sigmoid_backward = _pair("hard_sigmoid")
hard_silu, hard_silu_backward = _pair("hard_silu")
mish, mish_backward = _pair("mish")
erf_gelu, erf_gelu_backward = _pair("erf_gelu")
