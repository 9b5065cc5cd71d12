"""The weights that both engines have read, or drawn, before anything is computed."""

import numpy as np

from minikeras.tools.check import verdict
from minikeras.tools.check.items import NARROW, Item
from minikeras.tools.check.measure import distance

# Functions that make a model draw its weights, and initializers round: an orthogonal matrix, say,
# comes from a decomposition.
_DRAWN = 1e-5


def compare_weights(pair, loaded, source, draws_alike):
    """Compare the weights and the optimizer's slots; give the other engine those of minikeras.

    Args:
        pair: the `Pair` with the model.
        loaded: what both engines say of it.
        source: where it is from; see `worker.models.load`.
        draws_alike: whether the other engine draws the numbers of minikeras from the same seeds.

    Returns:
        A list of `verdict.Finding`s, empty if all are equal, and a list of notes.
    """
    mine, other = loaded
    if mine["shapes"] != other["shapes"]:
        item = Item("loading", mine["name"], "shapes of weights")
        text = _difference_of_shapes(mine, other)
        return [verdict.Finding(verdict.STATE, item, text)], []
    pair.both("weights", dtype=NARROW, to="loaded")
    folders = [session.folder / "loaded" for session in (pair.ours, pair.theirs)]
    is_drawn = bool({"function", "config"} & {*source}) and "weights" not in source
    least = dict.fromkeys(("weights", "slots"), _DRAWN if is_drawn else 0.0)
    if is_drawn and not draws_alike:
        least["weights"] = np.inf
    result, drawn = [], 0
    # An engine that could not read the optimizer has said so.
    trained = mine["optimizer"] is not None and other["optimizer"] is not None
    for file in ("weights", "slots") if trained else ("weights",):
        for name, apart, text in _differences(folders, f"{file}.npz", mine[file]):
            if apart > least[file]:
                item = Item("loading", name, "value", apart=apart)
                result.append(verdict.Finding(verdict.STATE, item, text))
            drawn += apart <= least[file]
    if not drawn or result:
        return result, []
    pair.theirs.ask("set_weights", dtype=NARROW, at=str(folders[0] / "weights.npz"))
    return [], [f"{drawn} weights were drawn otherwise: both engines get those of minikeras"]


def _differences(folders, file, names):
    """Yield the arrays that differ in the files of two folders: names, distances, sentences."""
    with np.load(folders[0] / file) as mine, np.load(folders[1] / file) as other:
        for place, name in enumerate(names):
            a, b = mine[str(place)], other.get(str(place))
            if b is None or a.shape != b.shape:
                there = "none" if b is None else b.shape
                yield name, np.inf, f"it is of shape {a.shape} here, {there} there"
            elif not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                text = f"{int((a != b).sum()):,} of {a.size:,} numbers differ before any step"
                yield name, distance(a, b), text


def _difference_of_shapes(mine, other):
    pairs = zip(mine["weights"], mine["shapes"], other["weights"], other["shapes"], strict=False)
    for name, shape, their_name, their_shape in pairs:
        if shape != their_shape:
            there = f"{their_name} {tuple(their_shape)} there"
            return f"{name} is of shape {tuple(shape)} here, {there}"
    return f"{len(mine['shapes'])} weights here, {len(other['shapes'])} there"
