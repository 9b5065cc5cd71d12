"""Convolutions."""

from minikeras.tools.explain.views.activations import activated, put_before_activation
from minikeras.tools.explain.views.table import view
from minikeras.tools.explain.views.windows import Window

ABOUT = "Each output is a weighted sum of the inputs in a window, with the same weights everywhere."


def _window(sheet, layer, x="x"):
    first = layer.data_format == "channels_first"
    shape = sheet.shape(x)
    sizes = shape[2:] if first else shape[1:-1]
    window = Window(
        layer, sizes, layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate
    )
    return window, shape[0], (shape[1] if first else shape[-1])


def _spread(sheet, layer, window, text, channels):
    """Write the sum, the activation, and the gradient of the bias."""
    z = put_before_activation(sheet, layer)
    bias = " + bias[f]" if layer.use_bias else ""
    shape = sheet.shape("y")
    sheet.forward(
        z,
        window.indices("f"),
        f"{text}{bias}",
        says="the weighted sum over the window",
    )
    activated(sheet, layer.activation, window.indices("f").split(), shape)
    each = window.each_place(shape[0], window.spatial(shape))
    sheet.backward("dbias", "f", f"sum({window.at('dz', window.outer, 'f')} {each})")
    return each


@view("Conv1D", "Conv2D", "Conv3D", about=ABOUT)
def convolution(sheet, layer):
    """A window of weights moves over the input."""
    window, _, channels = _window(sheet, layer)
    taps, groups = ", ".join(window.taps), layer.groups
    inside, outside = channels // groups, layer.filters // groups
    channel = "c" if groups == 1 else f"f // {outside} * {inside} + c"
    x = window.at("x", window.under(), channel)
    each = _spread(
        sheet,
        layer,
        window,
        f"sum({x} * kernel[{taps}, c, f] {window.each_tap()} for c in range({inside}))",
        channels,
    )
    filter_ = "f" if groups == 1 else f"c // {inside} * {outside} + f"
    row = "c" if groups == 1 else f"c % {inside}"
    sheet.backward(
        "dx",
        window.indices("c"),
        f"sum({window.at('dz', window.over(), filter_)} * kernel[{taps}, {row}, {filter_}] "
        f"{window.each_tap()} for f in range({outside}))",
        says="from each window that the cell lies in",
    )
    dz = window.at("dz", window.outer, "f")
    sheet.backward(
        "dkernel",
        f"{' '.join(window.taps)} c f",
        f"sum({x} * {dz} {each})",
        says="one weight is used at each place: the sum over all of them",
    )


@view("DepthwiseConv1D", "DepthwiseConv2D", about="A window of weights for each channel alone.")
def depthwise(sheet, layer):
    """Channel c gives `depth_multiplier` outputs."""
    window, _, channels = _window(sheet, layer)
    text = _each_channel(window, "kernel", layer.depth_multiplier, "f")
    each = _spread(sheet, layer, window, text, channels)
    _back_to_channels(sheet, window, "kernel", layer.depth_multiplier, "dz", each)


@view(
    "SeparableConv1D",
    "SeparableConv2D",
    about="A window for each channel alone, then a weighted sum over the channels.",
)
def separable(sheet, layer):
    """A depthwise convolution, then a pointwise one."""
    window, batch, channels = _window(sheet, layer)
    m, kernel = layer.depth_multiplier, "depthwise_kernel"
    deep, spatial = channels * m, window.spatial(sheet.shape("y"))
    inner = (batch, deep, *spatial) if window.first else (batch, *spatial, deep)
    text = _each_channel(window, kernel, m, "d")
    sheet.forward("h", window.indices("d"), text, inner, says="each channel alone")
    ones = ", ".join("0" for _ in window.taps)
    h, point = window.at("h", window.outer, "d"), f"pointwise_kernel[{ones}, d, f]"
    each = _spread(sheet, layer, window, f"sum({h} * {point} for d in range({deep}))", channels)
    dz = window.at("dz", window.outer, "f")
    sheet.backward(
        "dh", window.indices("d"), f"sum({dz} * {point} for f in range({layer.filters}))", inner
    )
    names = ["a", "b", "e"][: window.rank]
    sheet.backward("dpointwise_kernel", f"{' '.join(names)} d f", f"sum({h} * {dz} {each})")
    _back_to_channels(sheet, window, kernel, m, "dh", each)


def _each_channel(window, kernel, m, out):
    """The sum over a window of one channel, of which output `out` is made; each makes `m`."""
    channel, part = (out, "0") if m == 1 else (f"{out} // {m}", f"{out} % {m}")
    x = window.at("x", window.under(), channel)
    return f"sum({x} * {kernel}[{', '.join(window.taps)}, {channel}, {part}] {window.each_tap()})"


def _back_to_channels(sheet, window, kernel, m, gradient, each):
    """Gradients with respect to the inputs and the kernel of such sums."""
    out = "c" if m == 1 else f"c * {m} + m"
    sheet.backward(
        "dx",
        window.indices("c"),
        f"sum({window.at(gradient, window.over(), out)} * {kernel}[{', '.join(window.taps)}, c, m] "
        f"{window.each_tap()} for m in range({m}))",
    )
    x, g = window.at("x", window.under(), "c"), window.at(gradient, window.outer, out)
    sheet.backward(f"d{kernel}", f"{' '.join(window.taps)} c m", f"sum({x} * {g} {each})")


@view(
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    about="Each input is spread over a window of outputs: a convolution run backwards.",
)
def transposed(sheet, layer):
    """The gradient of a convolution with respect to its input, as a layer."""
    first = layer.data_format == "channels_first"
    shape, out = sheet.shape("x"), sheet.shape("y")
    channels = shape[1] if first else shape[-1]
    sizes = out[2:] if first else out[1:-1]
    window = Window(
        layer, sizes, layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate
    )
    taps = ", ".join(window.taps)
    x = window.at("x", window.over(), "c")
    each = _spread(
        sheet,
        layer,
        window,
        f"sum({x} * kernel[{taps}, f, c] {window.each_tap()} for c in range({channels}))",
        channels,
    )
    dz = window.at("dz", window.under(), "f")
    sheet.backward(
        "dx",
        window.indices("c"),
        f"sum({dz} * kernel[{taps}, f, c] {window.each_tap()} for f in range({layer.filters}))",
    )
    each = window.each_place(shape[0], window.spatial(shape))
    x = window.at("x", window.outer, "c")
    sheet.backward("dkernel", f"{' '.join(window.taps)} f c", f"sum({x} * {dz} {each})")
