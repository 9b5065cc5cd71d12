"""Two engines run the same model, layer by layer, and what they compute is measured.

Both run in float32 and in float64. That both agree in float64 makes those numbers the truth. Every
layer is judged alone: it gets the true inputs, and for its gradients the true gradients of its
outputs, all rounded to float32, so that errors of the layers before it do not count as its own.
"""

import shutil
import time

import numpy as np

from minikeras.tools.check.alone import Alone, shapes_of
from minikeras.tools.check.items import (
    NARROW,
    OWN,
    WIDE,
    Item,
    arrays_of,
    by_key,
    measured,
    read,
    rounded,
    write_each,
)
from minikeras.tools.check.kinks import Kinks, without_kinks
from minikeras.tools.check.measure import distance, error, largest_of
from minikeras.tools.check.session import receive_all, write_arrays


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

        A folder that is fed by `to` is one of each engine's own. The other engine is asked first:
        one that answers from a golden file puts the arrays there that both are asked about.
        """
        for session in (self.theirs, self.ours):
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
        self.noise = set()  # weights whose gradient is zero but for rounding
        self.traced = 0.0  # how far a run that is looked at is from one that is not, in ulp
        self.kinks = Kinks(pair)
        self.calls: list[dict[str, str]] = []

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
            alone = Alone(self.pair, phase, training, files, fed, number)
            for item in alone.items(y if training else None, kinks):
                self.add(item)

    def _met(self, phase, training, files, fed, number, calls):
        described = by_key(calls)

        def shapes(key):
            return shapes_of(arrays_of(described[key]), fed[key][0], described[key])

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
        self.calls = self.calls or [
            {name: call[name] for name in ("key", "path", "class", "source", "meaning")}
            for call in runs[WIDE][0]["calls"]
        ]
        if number == 0:
            self._compare_untouched(files[NARROW], training, runs[NARROW])
        self._note_others(*[by_key(answer["calls"]) for answer in runs[WIDE]])
        self._carried(phase, runs)
        return runs

    def _compare_untouched(self, batch, training, answers):
        """Run the model once without looking at its layers: nothing should be another bit."""
        pair = self.pair
        pair.both("untouched", dtype=NARROW, batch=batch, training=training, to="untouched")
        for session, answer in zip((pair.ours, pair.theirs), answers, strict=True):
            watched = read(answer["outputs"])
            for name, array in read(session.folder / "untouched" / "outputs.npz").items():
                if array.dtype.kind == "f":
                    self.traced = max(self.traced, error(watched[name], array).largest)

    def _note_others(self, mine, other):
        for name, keys, rest in (("minikeras", mine, other), ("other", other, mine)):
            for key in keys:
                if key not in rest and key not in self.only[name]:
                    self.only[name].append(key)

    def _carried(self, phase, runs):
        """Measure the errors of the whole run in float32."""
        truth = by_key(runs[WIDE][0]["calls"])
        narrow = [by_key(answer["calls"]) for answer in runs[NARROW]]
        for key, call in truth.items():
            if key in narrow[0] and key in narrow[1]:
                exact = arrays_of(call)
                both = [arrays_of(calls[key]) for calls in narrow]
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
        mine, other = (by_key(answer["calls"]) for answer in answers)
        for key, call in mine.items():
            if key in fed:
                fed[key].append(self._seeds(call, fed[key][0], kinks.get(key, [])))
        folders = [s.folder / f"{number}/b64" for s in (self.pair.ours, self.pair.theirs)]
        sizes = (largest_of(arrays_of(call).values()) for call in mine.values())
        on_the_way = max(sizes, default=0.0)
        for file, names in (("gradients", self.mine["trainable"]), ("inputs", None)):
            a, b = (read(folder / f"{file}.npz") for folder in folders)
            # One that is zero but for rounding is measured against those that it is made of.
            largest = max(largest_of(a.values()), on_the_way)
            for place in a:
                if place in b:
                    key = names[int(place)] if names else f"input {place}"
                    apart = distance(a[place], b[place], largest)
                    if largest_of([a[place]]) < _NOISE * largest:
                        self.noise.add(key)
                    self.add(Item("gradients, whole", key, "gradient", "", apart))

    def _seeds(self, call, fed, kinks):
        """Write the gradients with respect to a call's outputs, rounded; return the file.

        Where there are none, as with a loss that reads the logits before them, they are random.
        """
        arrays = arrays_of(call)
        outputs = read(fed)
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

    def _fed(self, folder, truth):
        """Write the true inputs of every call, rounded to float32; return the files by key."""
        folder.mkdir()
        fed = {}
        for number, call in enumerate(truth["calls"]):
            path = folder / f"{number}.npz"
            write_each(path, ((n, rounded(array)) for n, array in arrays_of(call).items()))
            fed[call["key"]] = [str(path)]
        return fed


def _wide(x):
    return x.astype(WIDE) if x.dtype.kind == "f" else x


# A gradient so much smaller than those that it is made of is the rest of a sum of zero.
_NOISE = 1e3 * float(np.finfo(WIDE).eps)
