"""Each layer judged alone: on the true inputs, and on the true gradients of its outputs.

A layer may be hard to compute: where large terms cancel, what is left of them has few digits. How
much roundings grow in it is measured where an error exceeds the bound (`_allow_for_growth`).
"""

import numpy as np

from minikeras.tools.check.items import NARROW, WIDE, Item, arrays_of, by_key, measured, read
from minikeras.tools.check.kinks import unseparated, without_jumps
from minikeras.tools.check.measure import distance, error, largest_of, terms
from minikeras.tools.tolerances import bound

# Roundings may cancel by chance: so often they are drawn, and the largest growth counts.
_DRAWS = 3


class Alone:
    """One run of a model in which each layer gets the true inputs.

    Args:
        pair: the `Pair` of engines.
        phase: `"forward"` or `"training"`.
        training: bool.
        files: dict of dtype to the file of the model's inputs.
        fed: dict of the key of a call to the files of its arrays.
        number: of the batch, an int.
    """

    def __init__(self, pair, phase, training, files, fed, number):
        self.pair = pair
        self.phase = phase
        self.training = training
        self.files = files
        self.fed = fed
        self.number = number

    def items(self, targets, kinks):
        """Run it in both dtypes, and measure what both engines make of it.

        Args:
            targets: the file of the loss's targets, or None.
            kinks: dict of the key of a call to its `Kink`s.

        Returns:
            A list of `Item`s.
        """
        answers = {
            dtype: self.pair.both(
                "alone",
                dtype=dtype,
                batch=self.files[dtype],
                training=self.training,
                fed=self.fed,
                to=f"{self.number}/{self.phase} alone/{dtype}",
                targets=targets,
            )
            for dtype in (WIDE, NARROW)
        }
        wide, narrow = (
            [by_key(answer["calls"]) for answer in answers[dtype]] for dtype in (WIDE, NARROW)
        )
        items, hard = self._between(wide, answers[WIDE]), {}
        for key in wide[0]:
            if all(key in calls for calls in (*wide, *narrow)):
                calls = [calls[key] for calls in (*wide, *narrow)]
                own = self._of_call(key, calls, kinks.get(key, []))
                if any(map(_exceeds, own.values())):
                    hard[key] = calls[0], own
                items += own.values()
        if hard:
            self._allow_for_growth(hard)
        return items

    def _of_call(self, key, calls, kinks):
        """Measure the arrays of one call; return the items by the arrays' names."""
        call, items = calls[0], {}
        exact, *others = map(arrays_of, calls)
        shapes = shapes_of(exact, self.fed[key][0], call)
        largest, inside = _largest(exact), _size_inside(call, exact, self.fed[key][0])
        for name in (name for name in exact if not name.startswith("got")):
            if not all(name in arrays for arrays in others):
                continue
            gradient = name[0] == "d"
            scale = largest if gradient else inside
            truth = exact[name]
            apart = distance(truth, _smooth(name, truth, others[0], kinks), scale)
            count = terms(name, *shapes, call["class"])
            item = Item(
                "gradients" if gradient else self.phase,
                key,
                _named(name, call),
                call["class"],
                apart,
                allowed=bound(NARROW, count) / float(np.finfo(NARROW).eps),
                terms=count,
            )
            kink = unseparated(name, kinks)
            if kink is not None:
                item.kink, item.kink_wide = kink.op, kink.is_wide
            narrow = [_smooth(name, truth, arrays, kinks) for arrays in others[1:]]
            items[name] = measured(item, truth, *narrow, scale=scale)
        return items

    def _allow_for_growth(self, hard):
        """Widen the bounds of layers in which roundings grow, by how much they do.

        In float64 the layers compute once more, from inputs and weights that are changed by one
        rounding of float32 each. Where this alone moves a result by `c` units of its last place,
        a rounding on the way may, too: the bound is `c` times as wide.

        Args:
            hard: dict of the key of a call to the answer on it in float64, and its items.
        """
        growth = {}
        for seed in range(_DRAWS):
            answer = self.pair.ours.ask(
                "alone",
                dtype=WIDE,
                batch=self.files[WIDE],
                training=self.training,
                fed={key: self.fed[key] for key in hard},
                to=str(self.pair.ours.folder / f"{self.number}/shaken"),
                shaken=seed,
            )
            for call in answer["calls"]:
                moved, exact = arrays_of(call), arrays_of(hard[call["key"]][0])
                for name in hard[call["key"]][1]:
                    if name not in moved:
                        continue
                    a, b = moved[name], exact[name]
                    if a.shape == b.shape:
                        scale = _largest(exact) if name[0] == "d" else 0.0
                        place = call["key"], name
                        change = error(a, b, scale=scale).largest
                        growth[place] = max(growth.get(place, 1.0), change)
        for key, (_, items) in hard.items():
            for name, item in items.items():
                item.allowed *= growth.get((key, name), 1.0)

    def _between(self, calls, answers):
        """Compare in float64 what the code between the layers makes of their outputs.

        All layers got the same inputs, so no error has grown on the way.
        """
        place, items = f"{self.phase}, between", []
        mine, other = calls
        for key in (key for key in mine if key in other):
            a, b = arrays_of(mine[key]), arrays_of(other[key])
            for name in (name for name in a if name.startswith("got") and name in b):
                apart = distance(a[name], b[name])
                items.append(Item(place, key, name, mine[key]["class"], apart))
        a, b = (read(answer["outputs"]) for answer in answers)
        for name in (name for name in a if name in b):
            items.append(Item(place, "the outputs", name, "", distance(a[name], b[name])))
        losses = [answer["loss"] for answer in answers]
        if None not in losses:
            apart = distance(np.array([losses[0]]), np.array([losses[1]]))
            items.append(Item("loss", "the loss", "value", "", apart))
        return items


def shapes_of(arrays, fed, call):
    """Return the shapes of a call's inputs, of its outputs and of its layer's weights."""
    inputs = [a.shape for n, a in read(fed).items() if n.startswith("in")]
    outputs = [a.shape for n, a in arrays.items() if n.startswith("out")]
    return inputs, outputs, call["shapes"]


def _smooth(name, truth, arrays, kinks):
    """An array of a call without elements that may jump; one alone is held at a time."""
    return without_jumps(name, truth, [arrays[name]], kinks)[0]


def _largest(arrays):
    """The largest gradient: one that is zero but for rounding is measured against the others."""
    return largest_of(array for name, array in arrays.items() if name[0] == "d")


def _size_inside(call, exact, fed):
    """The size of a number inside a layer that rounds there, however small the results are.

    `elu` is `exp(x) - 1` below zero: it rounds where one does. A normalization of single numbers
    gives the same for all `x`: it may be `x / sqrt(epsilon) - mean / sqrt(epsilon)`, which cancel.
    """
    if call["activation"] in ("elu", "selu", "celu"):
        return 1.0
    outputs = exact["out0"] if call["epsilon"] and "out0" in exact else None
    if outputs is not None and np.all(outputs == outputs[:1]):
        inputs = (array for name, array in read(fed).items() if name.startswith("in"))
        return largest_of(inputs) / float(np.sqrt(call["epsilon"]))
    return 0.0


def _exceeds(item):
    """Whether the error of an engine is larger than the bound."""
    both = (item.ours, item.theirs)
    return any(error is not None and error.largest > item.allowed for error in both)


def _named(name, call):
    """The name of an array, that of a weight in the place of its number."""
    if name.startswith("dweight"):
        return "gradient of " + call["weights"][int(name[7:])].rpartition("/")[2]
    return name
