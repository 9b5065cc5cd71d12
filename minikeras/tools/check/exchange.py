"""Files and configs cross: what one engine writes, the other reads, and computes the same."""

import numpy as np

from minikeras.tools.check import verdict
from minikeras.tools.check.items import Item, read
from minikeras.tools.check.measure import distance
from minikeras.tools.check.session import write_arrays
from minikeras.tools.tolerances import bound

FORMS = ("file", "config")
# Engines that read no `.keras` file and no config of Keras 3, and the files that they read.
SUFFIXES = {"tf-keras": ".h5"}


def compare_files(pair, batch, against):
    """Let each engine write the model, and both read it.

    A reader has the same weights and the same kernels either way, so its outputs should be the same
    but for a rounding, and the slots of its optimizer to the bit. What the other engine does not
    read of its own files, a model with code in it for one, is a note.

    Args:
        pair: the `Pair` with the model.
        batch: list of arrays, inputs of the model.
        against: name of the other engine.

    Returns:
        A list of `Item`s of phase `"saving"`, a list of `verdict.Finding`s, and a list of notes.
    """
    path = write_arrays(pair.folder / "saving.npz", batch)
    sessions = pair.ours, pair.theirs
    written = pair.both("write", to="written", suffix=SUFFIXES.get(against, ".keras"))
    own = [_own(session, path) for session in sessions]
    # An engine that could not read the optimizer of a file has none to write.
    whats = ["outputs", "slots"] if len({len(one["slots"]) for one in own}) == 1 else ["outputs"]
    items, result, notes = [], [], []
    for form in FORMS[: 1 if against in SUFFIXES else 2]:
        cells = {
            (writer, reader): _read(
                sessions[reader], form, written[writer], path, own[reader], whats
            )
            for writer in (0, 1)
            for reader in (0, 1)
        }
        back = [cells[i, i] for i in (0, 1)]
        broken = [i for i in (0, 1) if back[i][0] == np.inf]
        broken = broken or ([1] if back[0][0] and back[1][0] else [])
        if broken:  # it cannot read the other's either, a class of a user's own for one
            who, (_, text) = sessions[broken[0]].engine, back[broken[0]]
            notes.append(f"{who} does not read its own {form} of the model: {text}")
            continue
        for (writer, reader), (apart, text) in cells.items():
            names = sessions[writer].engine, sessions[reader].engine
            item = Item("saving", f"{form} of {names[0]}", f"read by {names[1]}", apart=apart)
            items.append(item)
            if apart and (writer == reader or not cells[writer, writer][0]):
                result.append(verdict.Finding(verdict.SAVING, item, text))
    return items, result, notes


def _own(session, batch):
    """The outputs of the model as an engine has it, and its optimizer's slots."""
    to = session.folder / "own"
    session.ask("forward", dtype="float32", batch=batch, training=False, to=str(to))
    session.ask("weights", dtype="float32", to=str(to))
    return _arrays(to, "outputs", "slots", "weights")


def _read(session, form, written, batch, own, whats):
    """How far the model that an engine reads is from its own, and a sentence."""
    if written[form] is None:
        return float("inf"), f"it is not written: {written[f'{form} failed']}"
    to = session.folder / "read"
    failed = session.ask("read", form=form, path=written[form], batch=batch, to=str(to))["failed"]
    if failed:
        return float("inf"), f"it is not read: {failed}"
    what, apart = _apart(_arrays(to, *whats), own, whats if form == "file" else whats[:1])
    return apart, f"the {what} are {apart:.1e} apart from those of the model that was written"


def _arrays(folder, *names):
    return {name: read(folder / f"{name}.npz") for name in names}


def _terms(weights):
    """How many terms the sums of all layers have together: their roundings add up on the way.

    Libraries may add in another order where arrays lie elsewhere in memory.
    """
    shapes = (array.shape for array in weights.values())
    return sum(int(np.prod(shape[:-1])) for shape in shapes if len(shape) > 1) or 1


def _apart(read_arrays, own, whats):
    """What differs most, and how far it is apart; a config has no slots."""
    result = ("outputs", 0.0)
    for what in whats:
        a, b = read_arrays[what], own[what]
        apart = float("inf") if len(a) != len(b) else 0.0
        for name in a if len(a) == len(b) else ():
            apart = max(apart, distance(a[name], b[name]))
        if what == "slots" or apart > bound("float32", _terms(own["weights"])):
            result = max(result, (what, apart), key=lambda pair: pair[1])
    return result
