"""The optimizer's steps of two engines, each from the same state, on the same gradients."""

from collections.abc import Callable

import numpy as np

from minikeras.tools.check.items import NARROW, WIDE, Item, measured, read, rounded, write_each
from minikeras.tools.check.measure import distance, largest_of
from minikeras.tools.check.session import write_arrays
from minikeras.tools.tolerances import bound

# What an optimizer's rule computes of a weight takes some operations, and no sum.
_ALLOWED = bound(NARROW, 4) / float(np.finfo(NARROW).eps)


def compare_steps(comparison, batches, steps, progress: Callable[[int], None] = lambda done: None):
    """Measure so many steps of the optimizer.

    Each step begins with the true weights and slots, those of minikeras in float64, and takes the
    true gradients. Beside that both engines train for as many steps in float64 by themselves, so
    that what else a step changes is compared: moving statistics, metrics, the loss with its
    penalties.

    Args:
        comparison: the `Comparison`.
        batches: list of `(inputs, targets, probe)`.
        steps: int.
        progress: function that is told how many steps are done.
    """
    trained = _train(comparison, batches, steps)
    for step in range(steps):
        _compare_update(comparison, batches[step % len(batches)], trained, step)
        progress(step + 1)


def _train(comparison, batches, steps):
    """Both engines train in float64; compare the state after every step."""
    pair = comparison.pair
    folder = pair.folder / "steps"
    folder.mkdir()
    files = []
    for i, (inputs, targets, _) in enumerate(batches):
        wide = [x.astype(WIDE) if x.dtype.kind == "f" else x for x in inputs]
        files.append(
            [write_arrays(folder / f"x{i}.npz", wide), write_arrays(folder / f"y{i}.npz", targets)]
        )
    pair.both("weights", dtype=WIDE, to="state")
    order = [files[step % len(files)] for step in range(steps)]
    answers = pair.both("steps", dtype=WIDE, batches=order, to="trained")
    for mine, other in zip(*[answer["logs"] for answer in answers], strict=True):
        if sorted(mine) != sorted(other):
            comparison.add(Item("logs", "the names", f"{sorted(mine)}", "", float("inf")))
        for name in mine:
            if name in other:
                apart = distance(np.array([mine[name]]), np.array([other[name]]))
                comparison.add(Item("logs", name, "value", "", apart))
    _compare_states(comparison, pair)
    return {"files": files, "folder": folder}


def _variables(comparison):
    """The files of a state, and the names of what is in them."""
    return [(file, comparison.mine[file]) for file in ("weights", "slots")]


def _compare_states(comparison, pair):
    for file, names in _variables(comparison):
        a, b = (
            read(session.folder / "trained" / f"{file}0.npz")
            for session in (pair.ours, pair.theirs)
        )
        # A weight whose gradient is zero but for rounding moves by roundings: the others count.
        kinds = [name.rpartition("_")[2] if file == "slots" else "" for name in names]
        largest = {}
        for place, kind in enumerate(kinds):
            if str(place) in a:
                largest[kind] = max(largest.get(kind, 0.0), largest_of([a[str(place)]]))
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            key = str(place)
            if key in a and key in b and not _is_noise(name, comparison.noise):
                apart = distance(a[key], b[key], largest[kind])
                comparison.add(Item("first step", name, file[:-1], "", apart))


def _is_noise(name, weights):
    """Whether a weight, or a slot of one, moves by roundings alone: some rules divide by them."""
    return name in weights or any(weight.replace("/", "_") in name for weight in weights)


def _compare_update(comparison, batch, trained, step):
    """Take one step from the true state, on the true gradients, in both dtypes."""
    pair = comparison.pair
    ours = pair.ours.folder
    folder = trained["folder"]
    before = [ours / "state" / "weights.npz", ours / "state" / "slots.npz"]
    if step:
        before = [ours / "trained" / f"{file}{step - 1}.npz" for file in ("weights", "slots")]
    gradients = _gradients(comparison, batch, trained, before[0], step)
    files = [
        _rounded(path, folder / f"{name}{step}.npz")
        for path, name in zip([*before, gradients], ("weights", "slots", "gradients"), strict=True)
    ]
    for dtype in (WIDE, NARROW):
        pair.both(
            "update",
            dtype=dtype,
            weights=files[0],
            slots=files[1],
            gradients=files[2],
            to=f"update{step}/{dtype}",
        )
    for file, names in _variables(comparison):
        states = [
            [read(s.folder / f"update{step}" / dtype / f"{file}.npz") for dtype in (WIDE, NARROW)]
            for s in (pair.ours, pair.theirs)
        ]
        (exact, ours32), (theirs64, theirs32) = states
        for place, name in enumerate(names):
            key = str(place)
            if key in exact and key in theirs64:
                truth = exact[key]
                apart = distance(truth, theirs64[key])
                item = Item("update", name, file[:-1], comparison.mine["optimizer"], apart)
                item.allowed = _ALLOWED
                comparison.add(measured(item, truth, ours32[key], theirs32[key]))


def _gradients(comparison, batch, trained, weights, step):
    """The true gradients in the state before a step."""
    session = comparison.pair.ours
    x, y = trained["files"][step % len(trained["files"])]
    to = session.folder / f"step{step}"
    initial = session.folder / "state" / "weights.npz"
    session.ask("set_weights", dtype=WIDE, at=str(weights))
    session.ask("backward", dtype=WIDE, batch=x, targets=y, probe=None, to=str(to))
    session.ask("set_weights", dtype=WIDE, at=str(initial))
    return to / "gradients.npz"


def _rounded(path, to):
    """Write the arrays of a file in float32; return the new path."""
    write_each(to, ((name, rounded(array)) for name, array in read(path).items()))
    return str(to)
