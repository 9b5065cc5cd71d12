"""Activations: element by element, and softmax."""

from minikeras import activations
from minikeras.tools.explain.sheet import letters
from minikeras.tools.explain.views.table import NoView, view
from minikeras.tools.trace.tracing import again

SQRT_HALF = 0.7071067811865476
SQRT_2_OVER_PI = 0.7978845608028654
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# By name: y of z, and its slope, in terms of `z` and `y`.
ELEMENTWISE = {
    "relu": ("relu(z)", "(1 if y > 0 else 0)"),
    "relu6": ("minimum(relu(z), 6)", "(1 if y > 0 and y < 6 else 0)"),
    "sigmoid": ("sigmoid(z)", "y * (1 - y)"),
    "tanh": ("tanh(z)", "(1 - y * y)"),
    "elu": ("z if z > 0 else expm1(z)", "(1 if z > 0 else exp(z))"),
    "selu": (
        f"{SELU_SCALE} * (z if z > 0 else {SELU_ALPHA} * expm1(z))",
        f"{SELU_SCALE} * (1 if z > 0 else {SELU_ALPHA} * exp(z))",
    ),
    "softplus": ("softplus(z)", "sigmoid(z)"),
    "softsign": ("z / (1 + abs(z))", "1 / (1 + abs(z)) ** 2"),
    "silu": ("z * sigmoid(z)", "(sigmoid(z) * (1 + z * (1 - sigmoid(z))))"),
    "swish": ("z * sigmoid(z)", "(sigmoid(z) * (1 + z * (1 - sigmoid(z))))"),
    "exponential": ("exp(z)", "y"),
    "hard_sigmoid": (
        "minimum(maximum(z / 6 + 0.5, 0), 1)",
        "(0.16666666666666666 if z > -3 and z < 3 else 0)",
    ),
    "gelu": (
        f"z * 0.5 * (1 + erf(z * {SQRT_HALF}))",
        f"(0.5 * (1 + erf(z * {SQRT_HALF})) + z * exp(-0.5 * z * z) * {SQRT_2_OVER_PI / 2})",
    ),
    "leaky_relu": ("z if z > 0 else 0.2 * z", "(1 if z > 0 else 0.2)"),
}


def name_of(activation):
    """Return the name of an activation function, `"linear"` of none."""
    return getattr(activation, "__name__", str(activation)) if activation else "linear"


def put_before_activation(sheet, layer):
    """Add what the layer computes before its activation, by running it without one.

    Args:
        sheet: the `Sheet`.
        layer: the layer, with a field `activation`.

    Returns:
        The short name of it: `y`, if the layer has no activation; else `z`.
    """
    name = name_of(layer.activation)
    if name == "linear":
        return "y"
    if name != "softmax" and name not in ELEMENTWISE:
        raise NoView(f"no formula for the activation {name}")
    if not sheet.has("z"):
        activation, layer.activation = layer.activation, activations.get("linear")
        try:
            sheet.inside("z", again(sheet.record, sheet.record.inputs)[0])
        finally:
            layer.activation = activation
    return "z"


def activated(sheet, activation, indices, shape, z="z"):
    """Write `y` of `z`, and `dz` of `dy`.

    Args:
        sheet: the `Sheet`, on which `put_before_activation` has put `z`.
        activation: the function.
        indices: list of index variables.
        shape: sizes of `z`.
        z: short name of what the activation is applied to.
    """
    name = name_of(activation)
    if name == "linear":
        if sheet.has("dy"):
            sheet.alias(f"d{z}", "dy")
        return
    if name == "softmax":
        softmax(sheet, indices, shape, z)
        return
    forward, slope = ELEMENTWISE[name]
    _elementwise(sheet, indices, shape, z, forward, slope)


def _elementwise(sheet, indices, shape, z, forward, slope, **constants):
    at = f"[{', '.join(indices)}]"

    def filled(text):
        out, word = "", ""
        for character in text + " ":
            if character.isalnum() or character == "_":
                word += character
                continue
            out += {"z": f"{z}{at}", "y": f"y{at}"}.get(word, word) + character
            word = ""
        return out.strip()

    names = " ".join(indices)
    sheet.forward("y", names, filled(forward), says="the activation", **constants)
    sheet.backward(
        f"d{z}",
        names,
        f"dy{at} * {filled(slope)}",
        shape if f"d{z}" not in sheet.names else None,
        says="the gradient from above, times the slope of the activation",
        **constants,
    )


def softmax(sheet, indices, shape, z):
    """Write the softmax over the last axis."""
    *front, last = indices
    at, row = f"[{', '.join(indices)}]", f"[{', '.join(front)}]"
    size, names = shape[-1], " ".join(front)
    each = f"for {last} in range({size})"
    sheet.forward(
        "largest", names, f"max({z}{at} {each})", shape[:-1], says="so that no power overflows"
    )
    sheet.forward("total", names, f"sum(exp({z}{at} - largest{row}) {each})", shape[:-1])
    sheet.forward(
        "y",
        " ".join(indices),
        f"exp({z}{at} - largest{row}) / total{row}",
        says="softmax: positive numbers whose sum is 1",
    )
    if f"d{z}" in sheet.names and sheet.record.d_logits[0] is not None:
        return  # the loss is computed from `z`, and its view says how the gradient comes here
    sheet.backward(
        "carried",
        names,
        f"sum(dy{at} * y{at} {each})",
        shape[:-1],
        says="the mean of the gradients from above, weighted by y",
    )
    sheet.backward(
        f"d{z}",
        " ".join(indices),
        f"y{at} * (dy{at} - carried{row})",
        shape if f"d{z}" not in sheet.names else None,
    )


@view("Activation", about="Applies a function to each number.")
def activation_layer(sheet, layer):
    """An activation as a layer of its own."""
    shape = sheet.shape("x")
    indices = letters(len(shape), "c")
    sheet.names["z"] = sheet.names["x"]
    name = name_of(layer.activation)
    if sheet.has("dx"):
        sheet.names["dz"] = sheet.names["dx"]
    if name == "linear":
        at = ", ".join(indices)
        sheet.forward("y", " ".join(indices), f"x[{at}]")
        sheet.backward("dx", " ".join(indices), f"dy[{at}]")
        return
    if name != "softmax" and name not in ELEMENTWISE:
        raise NoView(f"no formula for the activation {name}")
    activated(sheet, layer.activation, indices, shape, "x")


@view("ReLU", about="Lets positive numbers pass, and makes the others 0.")
def relu_layer(sheet, layer):
    """The rectifier with its options."""
    shape = sheet.shape("x")
    slope, top, bottom = layer.negative_slope, layer.max_value, layer.threshold
    if not slope and top is None and not bottom:
        forward, back = ELEMENTWISE["relu"]
    else:
        below = f"{slope} * (z - {bottom})"
        inner = f"(z if z >= {bottom} else {below})" if bottom else f"(z if z > 0 else {slope} * z)"
        forward = inner if top is None else f"minimum({inner}, {top})"
        edge = f"z >= {bottom}" if bottom else "z > 0"
        over = "" if top is None else f" and z < {top}"
        back = f"(1 if {edge}{over} else ({slope} if z < {bottom} else 0))"
    _elementwise(sheet, letters(len(shape), "c"), shape, "x", forward, back)


@view("LeakyReLU", about="Lets positive numbers pass, and makes the others small.")
def leaky_relu_layer(sheet, layer):
    """The rectifier that also slopes below zero."""
    slope = float(layer.negative_slope)
    forward, back = f"z if z > 0 else {slope} * z", f"(1 if z > 0 else {slope})"
    shape = sheet.shape("x")
    _elementwise(sheet, letters(len(shape), "c"), shape, "x", forward, back)


@view("ELU", about="Lets positive numbers pass, and bends the others towards a bound.")
def elu_layer(sheet, layer):
    """The exponential linear unit."""
    alpha = float(layer.alpha)
    shape = sheet.shape("x")
    forward, back = f"z if z > 0 else {alpha} * expm1(z)", f"(1 if z > 0 else {alpha} * exp(z))"
    _elementwise(sheet, letters(len(shape), "c"), shape, "x", forward, back)


@view("Softmax", about="Makes positive numbers whose sum is 1.")
def softmax_layer(sheet, layer):
    """The softmax as a layer of its own."""
    shape = sheet.shape("x")
    if layer.axis not in (-1, len(shape) - 1):
        raise NoView("softmax over another axis than the last")
    softmax(sheet, letters(len(shape), "c"), shape, "x")
