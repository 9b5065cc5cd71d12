"""Layers that move numbers: flattening, reshaping, padding, cropping, repeating."""

from math import prod

from minikeras.tools.explain.sheet import letters, moved
from minikeras.tools.explain.views.table import NoView, view


def flat_index(names, sizes):
    """Return the place of a cell in row-major order: `(i * 3 + j) * 4 + c`."""
    text = ""
    for name, size in zip(names, sizes, strict=True):
        text = (
            name
            if not text
            else f"({text}) * {size} + {name}"
            if "+" in text
            else (f"{text} * {size} + {name}")
        )
    return text or "0"


def unflattened(text, sizes):
    """Return the indices of the cell at a place in row-major order."""
    indices = []
    for axis, size in enumerate(sizes):
        below = prod(sizes[axis + 1 :])
        inner = f"({text})" if not text.isidentifier() else text
        index = inner if below == 1 else f"{inner} // {below}"
        indices.append(index if axis == 0 else f"{index} % {size}")
    return ", ".join(indices)


@view("Flatten", "Reshape", about="The same numbers in the same order, in another shape.")
def reshaped(sheet, layer):
    """Cells keep their place in row-major order."""
    shape, out = sheet.shape("x"), sheet.shape("y")
    if getattr(layer, "data_format", None) == "channels_first" and len(shape) > 2:
        raise NoView("channels first")
    inner, outer = letters(len(shape)), letters(len(out))
    to = unflattened(flat_index(outer[1:], out[1:]), shape[1:])
    fro = unflattened(flat_index(inner[1:], shape[1:]), out[1:])
    sheet.forward("y", " ".join(outer), f"x[n, {to}]" if len(shape) > 1 else "x[n]")
    sheet.backward("dx", " ".join(inner), f"dy[n, {fro}]" if len(out) > 1 else "dy[n]")


@view("Permute", about="Puts the axes into another order.")
def permuted(sheet, layer):
    """Axis k of the output is axis `dims[k]` of the input."""
    names = letters(len(sheet.shape("x")))
    order = [0, *layer.dims]
    outer = [names[axis] for axis in order]
    sheet.forward("y", " ".join(outer), f"x[{', '.join(names)}]")
    sheet.backward("dx", " ".join(names), f"dy[{', '.join(outer)}]")


@view("RepeatVector", about="Repeats a vector along a new axis.")
def repeated(sheet, layer):
    """The same vector at each place."""
    sheet.forward("y", "n t c", "x[n, c]")
    sheet.backward("dx", "n c", f"sum(dy[n, t, c] for t in range({layer.n}))")


@view("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", about="Puts zeros around the input.")
def padded(sheet, layer):
    """A cell of the output lies `before` cells further in the input."""
    _shifted(sheet, layer, layer.padding, -1)


@view("Cropping1D", "Cropping2D", "Cropping3D", about="Cuts off the border of the input.")
def cropped(sheet, layer):
    """A cell of the output lies `before` cells further in the input."""
    _shifted(sheet, layer, layer.cropping, 1)


def _pairs(value):
    value = value if isinstance(value, (list, tuple)) else (value,)
    return [value] if isinstance(value[0], int) and len(value) == 2 else list(value)


def _shifted(sheet, layer, amounts, sign):
    shape = sheet.shape("x")
    names = letters(len(shape), "c")
    first = getattr(layer, "data_format", None) == "channels_first"
    names = ["n", "c", *names[1:-1]] if first else names
    spatial = names[2:] if first else names[1:-1]
    before = dict(zip(spatial, [pair[0] for pair in _pairs(amounts)], strict=True))
    there = [moved(n, offset=sign * before.get(n, 0)) for n in names]
    back = [moved(n, offset=-sign * before.get(n, 0)) for n in names]
    sheet.forward("y", " ".join(names), f"x[{', '.join(there)}]", says="outside, there is 0")
    sheet.backward("dx", " ".join(names), f"dy[{', '.join(back)}]")


@view("UpSampling1D", "UpSampling2D", "UpSampling3D", about="Repeats each cell.")
def upsampled(sheet, layer):
    """Each cell of the input becomes a block of equal cells."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise NoView("interpolation other than nearest")
    shape = sheet.shape("x")
    names = letters(len(shape), "c")
    first = getattr(layer, "data_format", None) == "channels_first"
    names = ["n", "c", *names[1:-1]] if first else names
    spatial = names[2:] if first else names[1:-1]
    size = layer.size if isinstance(layer.size, (list, tuple)) else [layer.size] * len(spatial)
    factors = dict(zip(spatial, size, strict=True))
    there = [f"{n} // {factors[n]}" if n in factors else n for n in names]
    taps = dict(zip(spatial, "uvw", strict=False))
    back = [f"{factors[n]} * {n} + {taps[n]}" if n in factors else n for n in names]
    each = " ".join(f"for {taps[n]} in range({factors[n]})" for n in spatial)
    sheet.forward("y", " ".join(names), f"x[{', '.join(there)}]")
    sheet.backward("dx", " ".join(names), f"sum(dy[{', '.join(back)}] {each})")
