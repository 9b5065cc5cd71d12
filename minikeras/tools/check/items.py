"""What is measured of one array that both engines compute, and the arrays that they hand over."""

import zipfile
from dataclasses import dataclass, field

import numpy as np

from minikeras.tools.check.measure import Error, error, not_finite

NARROW, WIDE = "float32", "float64"

OWN = ("forward", "training", "gradients", "update")
"""Phases in which each layer, and each step, is judged alone."""


@dataclass
class Item:
    """What was measured of one array that both engines computed.

    Attributes:
        phase: `"forward"`, `"training"`, `"gradients"`, `"update"` or `"steps"`.
        key: the call of the layer, `"path#index"`; of weights the variable's path.
        what: name of the array: `"out0"`, `"din0"`, `"dweight0"`, `"slot"`, ...
        layer: name of the layer's class, empty if there is none.
        apart: how far the engines are apart in float64, relative to the largest number.
        ours: `Error` of minikeras in float32, None if only float64 was compared.
        theirs: that of the other engine.
        allowed: the bound on both, in the same unit.
        batches: how many were measured.
        squares: sums over the batches of the mean squares of both errors.
        kink: op inside the layer on whose kink elements sit, so that a branch may have flipped.
        kink_wide: whether that can be in float64, too.
        terms: about how many terms are summed into a number, 0 if that is not known.
        odd: how many numbers are NaN or infinity in one of the arrays.
    """

    phase: str
    key: str
    what: str
    layer: str = ""
    apart: float = 0.0
    ours: Error | None = None
    theirs: Error | None = None
    allowed: float = 0.0
    batches: int = 1
    squares: list[float] = field(default_factory=lambda: [0.0, 0.0])
    kink: str = ""
    kink_wide: bool = False
    odd: int = 0
    terms: int = 0

    def merged(self, other):
        """Return the worst of both, of several batches."""
        best = Item(self.phase, self.key, self.what, self.layer, max(self.apart, other.apart))
        best.allowed = max(self.allowed, other.allowed)
        best.batches = self.batches + other.batches
        best.odd = max(self.odd, other.odd)
        best.terms = max(self.terms, other.terms)
        best.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]
        best.kink, best.kink_wide = self.kink or other.kink, self.kink_wide or other.kink_wide
        best.ours = _worse(self.ours, other.ours)
        best.theirs = _worse(self.theirs, other.theirs)
        return best


def _worse(a, b):
    if a is None or b is None:
        return a or b
    return a if a.largest >= b.largest else b


def measured(item, truth, ours, theirs, scale=0.0):
    """Complete an item by the errors in float32 of what both engines computed.

    Random numbers are others in float64. Where both are as far from the truth as that, and agree
    with each other, they drew the same, and there is no truth to measure against.

    Args:
        item: the `Item`, its bound set.
        truth: array of float64.
        ours: what minikeras computed in float32.
        theirs: what the other engine did.
        scale: as for `measure.error`.

    Returns:
        The item.
    """
    if truth.dtype.kind != "f" or not ours.shape == theirs.shape == truth.shape:
        return item
    item.odd = not_finite(truth, ours, theirs)
    mine, other = error(ours, truth, scale=scale), error(theirs, truth, scale=scale)
    apart = error(ours, theirs, scale=scale).largest
    if min(mine.largest, other.largest) > item.allowed >= apart:
        return item
    item.ours, item.theirs, item.squares = mine, other, [mine.rms**2, other.rms**2]
    return item


def rounded(array):
    """Round an array of floats to float32, where large numbers become infinite."""
    with np.errstate(over="ignore"):
        return array.astype(NARROW) if array.dtype.kind == "f" else array


def by_key(calls):
    """Return what a worker answers of the calls of layers, by their keys."""
    return {call["key"]: call for call in calls}


def arrays_of(call):
    """Return the arrays of a call, by name."""
    return read(call["file"])


def read(path):
    """Return the arrays of a file by name; each is read when it is asked for."""
    return np.load(path)


def write_each(path, arrays):
    """Write arrays into an `.npz`, one after another, so that only one is held at a time.

    Args:
        path: of the file.
        arrays: iterable of pairs of a name and an array.
    """
    with zipfile.ZipFile(path, "w") as file:
        for name, array in arrays:
            with file.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
