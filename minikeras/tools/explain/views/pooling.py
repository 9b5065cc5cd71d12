"""Pooling over windows, and over all places."""

from math import prod

from minikeras.tools.explain.views.shapes import flat_index
from minikeras.tools.explain.views.table import view
from minikeras.tools.explain.views.windows import Window


def _window(sheet, layer):
    first = layer.data_format == "channels_first"
    shape = sheet.shape("x")
    sizes = shape[2:] if first else shape[1:-1]
    rank = len(sizes)

    def each(value):
        return list(value) if isinstance(value, (list, tuple)) else [value] * rank

    strides = each(layer.strides if layer.strides is not None else layer.pool_size)
    return Window(layer, sizes, each(layer.pool_size), strides, layer.padding), sizes


@view("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", about="The largest number in each window.")
def max_pooling(sheet, layer):
    """The gradient goes to the first cell that holds the largest number."""
    window, _ = _window(sheet, layer)
    x = window.at("x", window.under(), "c")
    y = window.at("y", window.outer, "c")
    sheet.forward("y", window.indices("c"), f"max({x} {window.each_tap()})")
    if not sheet.has("dy"):
        return
    place = flat_index(window.taps, window.kernel)
    sheet.forward(
        "place",
        window.indices("c"),
        f"-max(-({place}) {window.each_tap()} if {x} == {y})",
        sheet.shape("y"),
        says="which cell of the window is the largest, counted by rows; the first of equal ones",
    )
    over = window.over()
    sheet.backward(
        "dx",
        window.indices("c"),
        f"sum({window.at('dy', over, 'c')} {window.each_tap()} "
        f"if {window.at('place', over, 'c')} == {place})",
        says="only the cell that won gets the gradient",
    )


@view("AveragePooling1D", "AveragePooling2D", "AveragePooling3D", about="The mean of each window.")
def average_pooling(sheet, layer):
    """Cells of the padding do not count."""
    window, sizes = _window(sheet, layer)
    x = window.at("x", window.under(), "c")
    count = str(prod(window.kernel))
    if layer.padding == "same":
        tests = zip(window.under(), sizes, strict=True)
        inside = " and ".join(f"{index} >= 0 and {index} < {size}" for index, size in tests)
        sheet.forward(
            "count",
            " ".join(window.outer),
            f"sum(1 {window.each_tap()} if {inside})",
            window.spatial(sheet.shape("y")),
            says="how many cells of the window are not padding",
        )
        count = f"count[{', '.join(window.outer)}]"
    sheet.forward("y", window.indices("c"), f"sum({x} {window.each_tap()}) / {count}")
    over = window.over()
    if layer.padding == "same":
        count = f"count[{', '.join(over)}]"
    dy = window.at("dy", over, "c")
    sheet.backward("dx", window.indices("c"), f"sum({dy} / {count} {window.each_tap()})")


def _places(sheet, layer):
    """Index variables of the input and of the output, and the loops over all places."""
    first = layer.data_format == "channels_first"
    shape = sheet.shape("x")
    sizes = shape[2:] if first else shape[1:-1]
    names = list("ijk"[: len(sizes)])
    inner = ["n", "c", *names] if first else ["n", *names, "c"]
    ones = ["0"] * len(sizes)
    kept = names if layer.keepdims else []
    outer = ["n", "c", *kept] if first else ["n", *kept, "c"]
    at = [name if name in "nc" else ones[0] for name in outer]
    each = " ".join(f"for {n} in range({s})" for n, s in zip(names, sizes, strict=True))
    outer = [{"i": "a", "j": "b", "k": "e"}.get(name, name) for name in outer]
    return inner, outer, ", ".join(at), each, sizes, names


@view(
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    about="The mean of each channel over all places.",
)
def global_average(sheet, layer):
    """Each place gets the same share of the gradient; places that a mask leaves out get none."""
    inner, outer, at, each, sizes, _ = _places(sheet, layer)
    x = f"x[{', '.join(inner)}]"
    count, only = str(prod(sizes)), ""
    if sheet.has("mask"):
        sheet.forward("count", "n", f"sum(1 {each} if mask[n, i])", sheet.shape("x")[:1])
        count, only = "count[n]", " if mask[n, i]"
    sheet.forward("y", " ".join(outer), f"sum({x} {each}{only}) / {count}")
    share = f"dy[{at}] / {count}"
    share = f"({share}) if mask[n, i] else 0" if sheet.has("mask") else share
    sheet.backward("dx", " ".join(inner), share)


@view(
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    about="The largest number of each channel over all places.",
)
def global_max(sheet, layer):
    """Places that hold the largest number share the gradient."""
    inner, outer, at, each, sizes, _ = _places(sheet, layer)
    x = f"x[{', '.join(inner)}]"
    sheet.forward("y", " ".join(outer), f"max({x} {each})")
    channels = (sheet.shape("x")[0], sheet.shape("x")[1 if inner[1] == "c" else -1])
    sheet.backward(
        "ties", "n c", f"sum(1 {each} if {x} == y[{at}])", channels, says="how many are the largest"
    )
    sheet.backward("dx", " ".join(inner), f"dy[{at}] / ties[n, c] if {x} == y[{at}] else 0")
