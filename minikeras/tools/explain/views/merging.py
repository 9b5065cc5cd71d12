"""Layers of several inputs, and those that leave their input as it is or scale it."""

import numpy as np

from minikeras.tools.explain.sheet import letters
from minikeras.tools.explain.views.table import NoView, view
from minikeras.tools.trace.tracing import again


def _inputs(sheet):
    names = [f"x{i}" for i in range(len(sheet.record.inputs))]
    if any(sheet.shape(name) != sheet.shape("y") for name in names):
        raise NoView("inputs of several shapes")
    axes = letters(len(sheet.shape("y")), "c")
    return names, axes, ", ".join(axes)


def _others(names, name, at, join=" * "):
    return join.join(f"{other}[{at}]" for other in names if other != name)


@view("Add", about="The sum of its inputs.")
def add(sheet, layer):
    """Every input gets the whole gradient."""
    names, axes, at = _inputs(sheet)
    sheet.forward("y", " ".join(axes), " + ".join(f"{name}[{at}]" for name in names))
    for name in names:
        sheet.backward(f"d{name}", " ".join(axes), f"dy[{at}]")


@view("Average", about="The mean of its inputs.")
def average(sheet, layer):
    """Every input gets its share of the gradient."""
    names, axes, at = _inputs(sheet)
    total = " + ".join(f"{name}[{at}]" for name in names)
    sheet.forward("y", " ".join(axes), f"({total}) / {len(names)}")
    for name in names:
        sheet.backward(f"d{name}", " ".join(axes), f"dy[{at}] / {len(names)}")


@view("Subtract", about="The difference of its inputs.")
def subtract(sheet, layer):
    """The second input gets the gradient with the other sign."""
    _, axes, at = _inputs(sheet)
    sheet.forward("y", " ".join(axes), f"x0[{at}] - x1[{at}]")
    sheet.backward("dx0", " ".join(axes), f"dy[{at}]")
    sheet.backward("dx1", " ".join(axes), f"-dy[{at}]")


@view("Multiply", about="The product of its inputs.")
def multiply(sheet, layer):
    """Every input gets the gradient times the other inputs."""
    names, axes, at = _inputs(sheet)
    sheet.forward("y", " ".join(axes), " * ".join(f"{name}[{at}]" for name in names))
    for name in names:
        sheet.backward(f"d{name}", " ".join(axes), f"dy[{at}] * {_others(names, name, at)}")


def _choice(sheet, function, sign):
    names, axes, at = _inputs(sheet)
    if len(names) != 2:
        raise NoView("more than two inputs")
    sheet.forward("y", " ".join(axes), f"{function}(x0[{at}], x1[{at}])")
    sheet.backward("dx0", " ".join(axes), f"dy[{at}] if x0[{at}] {sign}= x1[{at}] else 0")
    sheet.backward("dx1", " ".join(axes), f"dy[{at}] if x1[{at}] {sign} x0[{at}] else 0")


@view("Maximum", about="The larger of its inputs, cell by cell.")
def maximum(sheet, layer):
    """The gradient goes to the input that was the largest."""
    _choice(sheet, "maximum", ">")


@view("Minimum", about="The smaller of its inputs, cell by cell.")
def minimum(sheet, layer):
    """The gradient goes to the input that was the smallest."""
    _choice(sheet, "minimum", "<")


@view("Concatenate", about="Its inputs side by side.")
def concatenate(sheet, layer):
    """Every input gets its part of the gradient."""
    shape = sheet.shape("y")
    axes = letters(len(shape), "c")
    axis = layer.axis % len(shape)
    names = [f"x{i}" for i in range(len(sheet.record.inputs))]
    start, text = 0, ""
    for i, name in enumerate(names):
        size = sheet.shape(name)[axis]
        inner = list(axes)
        inner[axis] = f"{axes[axis]} - {start}" if start else axes[axis]
        cell = f"{name}[{', '.join(inner)}]"
        last = i == len(names) - 1
        text += cell if last else f"{cell} if {axes[axis]} < {start + size} else "
        outer = list(axes)
        outer[axis] = f"{axes[axis]} + {start}" if start else axes[axis]
        sheet.backward(f"d{name}", " ".join(axes), f"dy[{', '.join(outer)}]")
        start += size
    sheet.forward("y", " ".join(axes), text)


@view(
    "Identity",
    "Masking",
    "ActivityRegularization",
    about="Leaves its input as it is, as far as the numbers go.",
)
def identity(sheet, layer):
    """What comes out is what went in."""
    axes = letters(len(sheet.shape("y")), "c")
    at = ", ".join(axes)
    sheet.forward("y", " ".join(axes), f"x[{at}]")
    sheet.backward("dx", " ".join(axes), f"dy[{at}]")


@view("Rescaling", about="Multiplies by a number and adds another.")
def rescaling(sheet, layer):
    """`y = x * scale + offset`."""
    if np.ndim(layer.scale) or np.ndim(layer.offset):
        raise NoView("a scale for each channel")
    numbers = {"scale": float(layer.scale), "offset": float(layer.offset)}
    axes = letters(len(sheet.shape("y")), "c")
    at = ", ".join(axes)
    sheet.forward("y", " ".join(axes), f"x[{at}] * scale + offset", **numbers)
    sheet.backward("dx", " ".join(axes), f"dy[{at}] * scale", **numbers)


@view(
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    about="In training some numbers become 0 at random, and the others larger.",
)
def dropout(sheet, layer):
    """The same cells are left out forward and backward."""
    axes = letters(len(sheet.shape("y")), "c")
    at, names = ", ".join(axes), " ".join(axes)
    if not sheet.record.training or not layer.rate:
        sheet.forward("y", names, f"x[{at}]", says="nothing is left out but in training")
        sheet.backward("dx", names, f"dy[{at}]")
        return
    ones = np.ones_like(sheet.array("x"))
    keep = again(sheet.record, [ones])[0] != 0
    sheet.inside("keep", keep, says="drawn at random: which numbers stay")
    scale = {"scale": 1 / (1 - layer.rate)}
    says = "those that stay are larger, so that the mean stays"
    sheet.forward("y", names, f"x[{at}] * scale if keep[{at}] else 0", says=says, **scale)
    sheet.backward("dx", names, f"dy[{at}] * scale if keep[{at}] else 0", **scale)
