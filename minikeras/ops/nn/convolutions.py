"""Convolution of channels-last tensors: a closed trio, and the fused op that layers run.

For two spatial axes, with strides `s` and dilations `d`; the zeros of a padding are part of `x`,
and `g` is the gradient with respect to `y`. With `relu`, `y` becomes `max(y, 0)`, and the backward
pass takes `g * (y > 0)` for `g`.

Equations (convolution.conv):
    rows, columns = (output_size(x.shape[i], kernel.shape[i - 1], s, d) for i in (1, 2))
    y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
    for p, q in ndindex(rows, columns):
        for u, v in ndindex(kernel.shape[:2]):
            y[:, p, q] += x[:, p * s + u * d, q * s + v * d] @ kernel[u, v]  # (batch, filters)

Equations (convolution.conv_backward):
    dx = zeros_like(x)  # (batch, rows, columns, channels)
    dkernel = zeros_like(kernel)  # (height, width, channels, filters)
    for p, q in ndindex(g.shape[1:3]):
        for u, v in ndindex(kernel.shape[:2]):
            dx[:, p * s + u * d, q * s + v * d] += g[:, p, q] @ kernel[u, v].T
            dkernel[u, v] += x[:, p * s + u * d, q * s + v * d].T @ g[:, p, q]
    dbias = sum(g, axis=(0, 1, 2))  # (filters,)

One or three axes have as many indices in place of `p, q` and `u, v`. With groups, the channels and
the filters are cut into as many slices, and the equations hold for each slice.

The three large sums are the ops `convolve` (`y` without ReLU), `input_grad` (`dx`) and
`kernel_grad` (`dkernel`). They are the derivatives of one function, `L = sum(y * g)` without the
bias, with respect to `g`, `x` and `kernel`. It is linear in each of them, so each of the three ops
has the other two for its gradients: any order of gradient is exact and made of the same three
kernels.

`convolution` and `transposed_convolution` add the bias and ReLU to the forward pass, and take all
gradients in one backward pass.
"""

from minikeras.autograd.base_ops import broadcast_to
from minikeras.autograd.composite import op
from minikeras.autograd.families import Family, as_they_are, same, to_common
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.kernels import per_device as kernels
from minikeras.kernels.shared.dense import column_sums, flat, where_positive
from minikeras.ops.elementwise.arithmetic import add
from minikeras.ops.nn import activation
from minikeras.ops.nn.spatial import output_sizes

_linear = Family(to_common, same, None)


@primitive(_linear)
def convolve(xp, x, kernel, bias, *, strides, padding, dilation, groups=1):
    """`y`: the sum of `x * kernel` over the window at each position, plus a bias."""
    return kernels.conv(
        xp,
        x,
        kernel,
        bias=bias,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@convolve.shape_rule
def _(x, kernel, bias, *, strides, padding, dilation, groups):
    sizes = output_sizes(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ValueError(
            f"Expected one bias for each of {kernel.shape[-1]} filters. "
            f"Received: bias.shape={dims.to_public(bias.shape)}"
        )
    return Abstract((x.shape[0], *sizes, kernel.shape[-1]), x.dtype)


@convolve.vjp("x")
def _(g, kernel, x_shape, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return input_grad(g, kernel, input_shape=x_shape[1:-1], **options)


@convolve.vjp("kernel")
def _(g, x, kernel_shape, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return kernel_grad(x, g, window=kernel_shape[:-2], **options)


@convolve.vjp("bias")
def _(g):
    return _over_places(g)


@primitive(_linear)
def input_grad(xp, g, kernel, *, input_shape, strides, padding, dilation, groups=1):
    """`dx`: the gradient of `convolve` with respect to `x`."""
    return kernels.conv_input_grad(
        xp,
        g,
        kernel,
        input_shape=input_shape,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@input_grad.shape_rule
def _(g, kernel, *, input_shape, groups, **_options):
    return Abstract((g.shape[0], *input_shape, kernel.shape[-2] * groups), g.dtype)


@input_grad.vjp("g")
def _(g, kernel, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return convolve(g, kernel, None, **options)


@input_grad.vjp("kernel")
def _(upstream, g, kernel_shape, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return kernel_grad(upstream, g, window=kernel_shape[:-2], **options)


@primitive(_linear)
def kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups=1):
    """`dkernel`: the gradient of `convolve` with respect to `kernel`."""
    return kernels.conv_kernel_grad(
        xp,
        x,
        g,
        window=window,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@kernel_grad.shape_rule
def _(x, g, *, window, groups, **_options):
    return Abstract((*window, x.shape[-1] // groups, g.shape[-1]), x.dtype)


@kernel_grad.vjp("x")
def _(upstream, g, x_shape, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return input_grad(g, upstream, input_shape=x_shape[1:-1], **options)


@kernel_grad.vjp("g")
def _(upstream, x, strides, padding, dilation, groups):
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return convolve(x, upstream, None, **options)


@primitive(Family(as_they_are, same, lambda shapes, _: shapes[0][-1:]))
def _over_places(xp, x):
    """`dbias`: the sum over all axes but the last."""
    return column_sums(xp, flat(x))


@_over_places.vjp()
def _(g, x_shape):
    return broadcast_to(g, shape=x_shape)


@op
def _convolution(x, kernel, bias, *, strides, padding, dilation, groups=1, relu=False):
    """`y = convolve(x, kernel, bias)`, and `max(y, 0)` if `relu`."""
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    y = convolve(x, kernel, bias, **options)
    return activation.relu(y) if relu else y


def _forward(xp, x, kernel, bias, *, save, strides, padding, dilation, groups=1, relu=False):
    y = kernels.conv(
        xp,
        x,
        kernel,
        bias=bias,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
        relu=relu,
    )
    return y, y if relu else None


def _backward(xp, g, arrays, y, needs, **options):
    return kernels.conv_backward(xp, g, arrays, y, needs, **options)


convolution = fused(
    "convolution", reference=_convolution, forward=_forward, backward=_backward, family=_linear
)


@convolution.shape_rule
def _(x, kernel, bias, *, relu, **options):
    return convolve.infer((x, kernel, bias), options)


@op
def _transposed(x, kernel, bias, *, input_shape, strides, padding, dilation, relu=False):
    """`y = input_grad(x, kernel) + bias`, and `max(y, 0)` if `relu`.

    A padding is cut from `y`, and is zeros around `g`.

    Equations (convolution.conv_transpose):
        rows, columns = ((x.shape[i] - 1) * s + (kernel.shape[i - 1] - 1) * d + 1 for i in (1, 2))
        y = zeros((len(x), rows, columns, len(bias))) + bias  # (batch, rows, columns, filters)
        for p, q in ndindex(x.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                y[:, p * s + u * d, q * s + v * d] += x[:, p, q] @ kernel[u, v].T

    Equations (convolution.conv_transpose_backward):
        dx = zeros_like(x)  # (batch, rows, columns, channels)
        dkernel = zeros_like(kernel)  # (height, width, filters, channels)
        for p, q in ndindex(x.shape[1:3]):
            for u, v in ndindex(kernel.shape[:2]):
                dx[:, p, q] += g[:, p * s + u * d, q * s + v * d] @ kernel[u, v]
                dkernel[u, v] += g[:, p * s + u * d, q * s + v * d].T @ x[:, p, q]
        dbias = sum(g, axis=(0, 1, 2))  # (filters,)
    """
    options = {"strides": strides, "padding": padding, "dilation": dilation}
    y = input_grad(x, kernel, input_shape=input_shape, **options)
    y = y if bias is None else add(y, bias)
    return activation.relu(y) if relu else y


def _transposed_forward(
    xp, x, kernel, bias, *, save, input_shape, strides, padding, dilation, relu=False
):
    y = kernels.conv_input_grad(
        xp,
        x,
        kernel,
        bias=bias,
        input_shape=input_shape,
        strides=strides,
        padding=padding,
        dilation=dilation,
        relu=relu,
    )
    return y, y if relu else None


def _transposed_backward(xp, g, arrays, y, needs, *, input_shape, relu=False, **options):
    """`dx = convolve(g, kernel)`, `dkernel = kernel_grad(g, x)`, `dbias` the sum of `g`.

    After ReLU, `g * (y > 0)` takes the place of `g`.
    """
    x, kernel, _ = arrays
    if relu:
        g = where_positive(xp, g, y)
    window = kernel.shape[:-2]
    return [
        kernels.conv(xp, g, kernel, **options) if needs[0] else None,
        kernels.conv_kernel_grad(xp, g, x, window=window, **options) if needs[1] else None,
        column_sums(xp, flat(g)) if needs[2] else None,
    ]


transposed_convolution = fused(
    "transposed_convolution",
    reference=_transposed,
    forward=_transposed_forward,
    backward=_transposed_backward,
    family=_linear,
)


@transposed_convolution.shape_rule
def _(x, kernel, bias, *, relu, **options):
    channels = kernel.shape[-2]
    if bias is not None and bias.shape != (channels,):
        raise ValueError(
            f"Expected one bias for each of {channels} filters. "
            f"Received: bias.shape={dims.to_public(bias.shape)}"
        )
    return input_grad.infer((x, kernel), {"groups": 1, **options})
