"""Which numbers sit on a kink: a rounding decides there which branch of a function is taken.

The derivative of `relu` is 0 below 0 and 1 above. Where the truth is nearer to 0 than rounding
explains, either is right, and so is either neighbour where `round` or `argmax` have to choose.
Such elements are counted and left out: the gradient that arrives at them is set to 0 for both
engines, and results that jump there are not compared.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikeras.tools.check.items import read
from minikeras.tools.check.measure import terms
from minikeras.tools.tolerances import bound

NARROW, WIDE = "float32", "float64"


@dataclass
class Kink:
    """Elements of one function's argument that sit on its kink.

    Attributes:
        op: the function's name.
        jumps: whether its result jumps there; it bends otherwise.
        output: name of the layer's output that is the function's result, None if none is.
        mask: bool array, the elements within the bound of float32.
        is_wide: bool, whether one of them is within the bound of float64, too.
    """

    op: str
    jumps: bool
    output: str | None
    mask: Any
    is_wide: Any


class Kinks:
    """The kinks that a model's layers meet, over all batches.

    Args:
        pair: the `Pair` of engines.
    """

    def __init__(self, pair):
        self.pair = pair
        self.on: Counter[str] = Counter()
        self.of: Counter[str] = Counter()
        self.wide = ""  # an op with a kink that float64 cannot tell from its neighbourhood
        self.jump = ""  # likewise, one that jumps there
        self._phases = {False: True, True: True}  # whether there is something to look for

    def met(self, training, batches, fed, to, shapes):
        """Return the kinks that each call meets on its true inputs.

        Args:
            training: bool.
            batches: dict of dtype to the file of the model's inputs.
            fed: dict of the key of a call to the files of its arrays.
            to: name of a folder.
            shapes: function of a key: shapes of the call's inputs, outputs and weights.

        Returns:
            A dict of the key of a call to a list of `Kink`s.
        """
        if not self._phases[training]:
            return {}
        first = {key: files[0] for key, files in fed.items()}

        def ask(session, dtype):
            folder = str(session.folder / f"{to} {dtype}")
            request = {"batch": batches[dtype], "training": training, "fed": first, "to": folder}
            return session.ask("kinks", dtype=dtype, **request)["calls"]

        calls = ask(self.pair.ours, WIDE)
        # Without a gradient only jumps matter.
        self._phases[training] = any(
            k["jumps"] or training for call in calls for k in call["kinks"]
        )
        again = [(self.pair.ours, NARROW), (self.pair.theirs, WIDE), (self.pair.theirs, NARROW)]
        arrays = [read(call["file"]) for call in calls]
        others = [ask(*each) for each in again] if any(map(_has_zeros, arrays)) else []
        result = {}
        for number, call in enumerate(calls):
            result[call["key"]] = [
                self._kink(
                    described,
                    arrays[number][str(place)],
                    _zeros(others, number, call, place, arrays[number][str(place)]),
                    shapes(call["key"]),
                )
                for place, described in enumerate(call["kinks"])
            ]
        if training:
            for kinks in result.values():
                self._count(kinks)
        return result

    def _kink(self, described, distance, exact, shapes):
        """The elements within the bound, but for those that are exactly zero in all runs."""
        length, largest = terms("out0", *shapes), described["largest"]
        mask = (distance <= bound(NARROW, length) * largest) & ~exact
        wide = (distance <= 1e3 * np.finfo(WIDE).eps * length**0.5 * largest) & ~exact
        kink = Kink(described["op"], described["jumps"], described["output"], mask, wide.any())
        if kink.is_wide:
            self.wide = kink.op
            self.jump = kink.op if kink.jumps else self.jump
        return kink

    def _count(self, kinks):
        for kink in kinks:
            self.on[kink.op] += int(kink.mask.sum())
            self.of[kink.op] += kink.mask.size

    def sentences(self):
        """Say how many elements were left out."""
        return [
            f"{count:,} of {self.of[op]:,} elements sit on a kink of {op} (left out)"
            for op, count in self.on.items()
            if count
        ]


def _has_zeros(arrays):
    return any(not array.all() for array in arrays.values())


def _zeros(others, number, call, place, distance):
    """Where the same elements are exactly zero in this run and in all others."""
    result = distance == 0
    for calls in others:
        same = calls[number] if number < len(calls) else None
        if same is None or same["key"] != call["key"] or len(same["kinks"]) <= place:
            continue
        array = read(same["file"])[str(place)]
        if array.shape == distance.shape:
            result &= array == 0
    return result


def without_kinks(name, gradient, kinks):
    """Return a gradient with respect to an output, 0 for elements on a kink.

    Args:
        name: of the output.
        gradient: array.
        kinks: the `Kink`s of the call.
    """
    for kink in kinks:
        if kink.output == name and kink.mask.any():
            gradient = np.where(kink.mask, 0, gradient).astype(gradient.dtype)
    return gradient


def without_jumps(name, truth, arrays, kinks):
    """Return arrays in which elements that may jump are those of the truth.

    Args:
        name: of the output.
        truth: array.
        arrays: list of arrays of the same shape.
        kinks: the `Kink`s of the call.
    """
    for kink in kinks:
        if kink.output == name and kink.jumps and kink.mask.any():
            arrays = [np.where(kink.mask, truth, a).astype(a.dtype) for a in arrays]
    return arrays


def unseparated(name, kinks):
    """Return the `Kink` inside a layer that may have changed an array, None without one.

    Args:
        name: of an array of the call.
        kinks: its `Kink`s.
    """
    for kink in kinks:
        matters = kink.jumps or name.startswith("d")
        if kink.output is None and matters and kink.mask.any():
            return kink
    return None
