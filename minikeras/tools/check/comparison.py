"""Two engines run the same model, layer by layer, and what they compute is measured.

Both run in float32 and in float64. That both agree in float64 makes those numbers the truth. Every
layer is judged alone: it gets the true inputs, and for its gradients the true gradients of its
outputs, all rounded to float32, so that errors of the layers before it do not count as its own.
"""

import shutil
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minikeras.tools.check.kinks import Kinks, unseparated, without_jumps, without_kinks
from minikeras.tools.check.measure import Error, distance, error, largest_of, terms
from minikeras.tools.check.session import receive_all, write_arrays
from minikeras.tools.tolerances import bound

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

    def merged(self, other):
        """Return the worst of both, of several batches."""
        best = Item(self.phase, self.key, self.what, self.layer, max(self.apart, other.apart))
        best.allowed = max(self.allowed, other.allowed)
        best.batches = self.batches + other.batches
        best.odd = max(self.odd, other.odd)
        best.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]
        best.kink, best.kink_wide = self.kink or other.kink, self.kink_wide or other.kink_wide
        best.ours = _worse(self.ours, other.ours)
        best.theirs = _worse(self.theirs, other.theirs)
        return best


def _worse(a, b):
    if a is None or b is None:
        return a or b
    return a if a.largest >= b.largest else b


class Pair:
    """Both engines with the same model.

    Args:
        ours: `Session` of minikeras.
        theirs: `Session` of the other engine.
        folder: a `Path`, for arrays that both read.
    """

    def __init__(self, ours, theirs, folder):
        self.ours = ours
        self.theirs = theirs
        self.folder = folder

    def both(self, do, **request):
        """Ask both the same, at the same time; return both answers.

        A folder that is fed by `to` is one of each engine's own.
        """
        for session in (self.ours, self.theirs):
            session.send(do, **self._own(session, request))
        return receive_all((self.ours, self.theirs))

    @staticmethod
    def _own(session, request):
        if "to" not in request:
            return request
        return {**request, "to": str(session.folder / request["to"])}


class Comparison:
    """Measures a model that both engines have loaded.

    Args:
        pair: the `Pair`.
        loaded: the answers of both to `load`.
        seconds: how long batches are measured, one at least.
    """

    def __init__(self, pair, loaded, seconds=20.0):
        self.pair = pair
        self.mine, self.other = loaded
        self.seconds = seconds
        self.items: dict[tuple[str, str, str], Item] = {}
        self.only: dict[str, list[str]] = {"minikeras": [], "other": []}
        self.batches = 0
        self.kinks = Kinks(pair)

    def add(self, item):
        """Note what was measured; what was measured before of the same array is merged with it."""
        if item.phase not in OWN:
            item.kink = self.kinks.wide if self._follows_gradients(item) else self.kinks.jump
            item.kink_wide = bool(item.kink)
        place = (item.phase, item.key, item.what)
        self.items[place] = self.items[place].merged(item) if place in self.items else item

    def _follows_gradients(self, item):
        """Whether a number is made of gradients of the whole model, so that a kink changes it."""
        if item.phase == "first step":
            return item.what == "slot" or item.key in self.mine["trainable"]
        return item.phase in ("gradients, whole", "logs")

    def run(self, batches, progress=lambda done: None):
        """Measure batch after batch, forward and backward.

        Args:
            batches: list of `(inputs, targets, probe)`: lists of arrays, `targets` None for a model
                without a loss.
            progress: function that is told how many batches are done.
        """
        end = time.monotonic() + self.seconds
        for number, batch in enumerate(batches):
            if number and time.monotonic() > end:
                break
            self._measure(number, *batch)
            self._discard(number)
            self.batches = number + 1
            progress(self.batches)

    def _measure(self, number, inputs, targets, probe):
        folder = self.pair.folder / str(number)
        folder.mkdir()
        files = {
            NARROW: write_arrays(folder / "x32.npz", inputs),
            WIDE: write_arrays(folder / "x64.npz", [_wide(x) for x in inputs]),
        }
        y = None if targets is None else write_arrays(folder / "y.npz", targets)
        v = None if targets is not None else write_arrays(folder / "v.npz", probe)
        for phase, training in (("forward", False), ("training", True)):
            whole = self._whole(phase, training, files, number)
            fed = self._fed(folder / phase, whole[WIDE][0])
            kinks = self._met(phase, training, files, fed, number, whole[WIDE][0]["calls"])
            if training:
                self._backward(files, y, v, number, fed, kinks)
            self._alone(phase, training, files, fed, number, y if training else None, kinks)

    def _met(self, phase, training, files, fed, number, calls):
        by_key = _by_key(calls)

        def shapes(key):
            return self._shapes(_arrays(by_key[key]), fed[key][0], by_key[key])

        return self.kinks.met(training, files, fed, f"{number}/{phase} kinks", shapes)

    def _discard(self, number):
        """Remove the arrays of a batch: they are as many as all that the layers compute."""
        pair = self.pair
        for folder in (pair.folder, pair.ours.folder, pair.theirs.folder):
            shutil.rmtree(folder / str(number), ignore_errors=True)

    # ---- whole runs

    def _whole(self, phase, training, files, number):
        """Run the whole model in both dtypes; compare what comes out in float64."""
        runs = {
            dtype: self.pair.both(
                "forward",
                dtype=dtype,
                batch=files[dtype],
                training=training,
                to=f"{number}/{phase}/{dtype}",
            )
            for dtype in (WIDE, NARROW)
        }
        self._note_others(*[_by_key(answer["calls"]) for answer in runs[WIDE]])
        self._carried(phase, runs)
        return runs

    def _note_others(self, mine, other):
        for name, keys, rest in (("minikeras", mine, other), ("other", other, mine)):
            for key in keys:
                if key not in rest and key not in self.only[name]:
                    self.only[name].append(key)

    def _carried(self, phase, runs):
        """Measure the errors of the whole run in float32."""
        truth = _by_key(runs[WIDE][0]["calls"])
        narrow = [_by_key(answer["calls"]) for answer in runs[NARROW]]
        for key, call in truth.items():
            if key in narrow[0] and key in narrow[1]:
                exact = _arrays(call)
                both = [_arrays(calls[key]) for calls in narrow]
                for name in exact:
                    if name.startswith("out") and all(name in arrays for arrays in both):
                        item = Item(f"{phase}, carried", key, name, call["class"])
                        item.allowed = np.inf
                        self.add(measured(item, exact[name], *[a[name] for a in both]))

    def _backward(self, files, y, v, number, fed, kinks):
        """Differentiate the loss in float64; the true gradients join what layers are fed."""
        answers = self.pair.both(
            "backward", dtype=WIDE, batch=files[WIDE], targets=y, probe=v, to=f"{number}/b64"
        )
        mine, other = (_by_key(answer["calls"]) for answer in answers)
        for key, call in mine.items():
            if key in fed:
                fed[key].append(self._seeds(call, fed[key][0], kinks.get(key, [])))
        folders = [s.folder / f"{number}/b64" for s in (self.pair.ours, self.pair.theirs)]
        for file, names in (("gradients", self.mine["trainable"]), ("inputs", None)):
            a, b = (_read(folder / f"{file}.npz") for folder in folders)
            largest = largest_of(a.values())
            for place in a:
                if place in b:
                    key = names[int(place)] if names else f"input {place}"
                    apart = distance(a[place], b[place], largest)
                    self.add(Item("gradients, whole", key, "gradient", "", apart))

    def _seeds(self, call, fed, kinks):
        """Write the gradients with respect to a call's outputs, rounded; return the file.

        Where there are none, as with a loss that reads the logits before them, they are random.
        """
        arrays = _arrays(call)
        outputs = _read(fed)
        draw = np.random.default_rng(len(arrays))
        seeds = {}
        for name, output in outputs.items():
            if name.startswith("out") and output.dtype.kind == "f":
                gradient = arrays.get("d" + name)
                if gradient is None or not np.any(gradient):
                    gradient = draw.normal(size=output.shape)
                seeds["d" + name] = without_kinks(name, rounded(gradient), kinks)
        path = fed.replace(".npz", ".d.npz")
        np.savez(path, **seeds)
        return path

    # ---- each layer alone

    def _fed(self, folder, truth):
        """Write the true inputs of every call, rounded to float32; return the files by key."""
        folder.mkdir()
        fed = {}
        for number, call in enumerate(truth["calls"]):
            arrays = {name: rounded(array) for name, array in _arrays(call).items()}
            path = folder / f"{number}.npz"
            np.savez(path, **arrays)
            fed[call["key"]] = [str(path)]
        return fed

    def _alone(self, phase, training, files, fed, number, y, kinks):
        """Run each layer alone, in both dtypes, and measure what both engines make of it."""
        answers = {
            dtype: self.pair.both(
                "alone",
                dtype=dtype,
                batch=files[dtype],
                training=training,
                fed=fed,
                to=f"{number}/{phase} alone/{dtype}",
                targets=y,
            )
            for dtype in (WIDE, NARROW)
        }
        (mine, other), narrow = (
            [_by_key(answer["calls"]) for answer in answers[dtype]] for dtype in (WIDE, NARROW)
        )
        self._compare_between(phase, mine, other, answers[WIDE])
        for key, call in mine.items():
            if key not in other or not all(key in calls for calls in narrow):
                continue
            exact, theirs = _arrays(call), _arrays(other[key])
            both = [_arrays(calls[key]) for calls in narrow]
            shapes = self._shapes(exact, fed[key][0], call)
            # A gradient that is zero but for rounding is measured against the layer's others.
            largest = largest_of([array for name, array in exact.items() if name[0] == "d"])
            for name in (name for name in exact if not name.startswith("got")):
                own, scale = ("gradients", largest) if name[0] == "d" else (phase, 0.0)
                if name not in theirs or not all(name in arrays for arrays in both):
                    continue
                met = kinks.get(key, [])
                others = [theirs[name]] + [arrays[name] for arrays in both]
                wide, *narrow_arrays = without_jumps(name, exact[name], others, met)
                apart = distance(exact[name], wide, scale)
                allowed = bound(NARROW, terms(name, *shapes)) / float(np.finfo(NARROW).eps)
                item = Item(own, key, _named(name, call), call["class"], apart, allowed=allowed)
                inside = unseparated(name, met)
                if inside is not None:
                    item.kink, item.kink_wide = inside.op, inside.is_wide
                self.add(measured(item, exact[name], *narrow_arrays, scale=scale))

    def _compare_between(self, phase, mine, other, answers):
        """Compare in float64 what the code between the layers makes of their outputs.

        All layers got the same inputs, so no error has grown on the way.
        """
        place = f"{phase}, between"
        for key in (key for key in mine if key in other):
            a, b = _arrays(mine[key]), _arrays(other[key])
            for name in (name for name in a if name.startswith("got") and name in b):
                self.add(Item(place, key, name, mine[key]["class"], distance(a[name], b[name])))
        a, b = (_read(answer["outputs"]) for answer in answers)
        for name in (name for name in a if name in b):
            self.add(Item(place, "the outputs", name, "", distance(a[name], b[name])))
        losses = [answer["loss"] for answer in answers]
        if None not in losses:
            apart = distance(np.array([losses[0]]), np.array([losses[1]]))
            self.add(Item("loss", "the loss", "value", "", apart))

    @staticmethod
    def _shapes(arrays, fed, call):
        inputs = [a.shape for n, a in _read(fed).items() if n.startswith("in")]
        outputs = [a.shape for n, a in arrays.items() if n.startswith("out")]
        return inputs, outputs, call["shapes"]


def measured(item, truth, ours, theirs, scale=0.0):
    """Complete an item by the errors in float32 of what both engines computed.

    Random numbers are others in float64. Where both are as far from the truth as that, and agree
    with each other, they drew the same, and there is no truth to measure against.
    """
    if truth.dtype.kind != "f" or not ours.shape == theirs.shape == truth.shape:
        return item
    finite = np.isfinite(truth) & np.isfinite(ours) & np.isfinite(theirs)
    item.odd = int(finite.size - np.count_nonzero(finite))
    mine, other = error(ours, truth, scale=scale), error(theirs, truth, scale=scale)
    apart = error(ours, theirs.astype(WIDE), scale=scale).largest
    if min(mine.largest, other.largest) > item.allowed >= apart:
        return item
    item.ours, item.theirs, item.squares = mine, other, [mine.rms**2, other.rms**2]
    return item


def rounded(array):
    """Round an array of floats to float32, where large numbers become infinite."""
    with np.errstate(over="ignore"):
        return array.astype(NARROW) if array.dtype.kind == "f" else array


def _named(name, call):
    """The name of an array, that of a weight in the place of its number."""
    if name.startswith("dweight"):
        return "gradient of " + call["weights"][int(name[7:])].rpartition("/")[2]
    return name


def _by_key(calls):
    return {call["key"]: call for call in calls}


def _arrays(call):
    return _read(call["file"])


def _read(path) -> dict[str, Any]:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _wide(x):
    return x.astype(WIDE) if x.dtype.kind == "f" else x
