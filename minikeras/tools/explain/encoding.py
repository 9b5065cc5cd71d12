"""The document as JSON: what the page reads."""

import base64

import numpy as np

import minikeras as keras
from minikeras.tools.explain.hints import hints_of
from minikeras.tools.explain.sheet import letters
from minikeras.tools.explain.size import LIMIT, leave_out
from minikeras.tools.explain.sources import sources_of


def as_data(document, limit=LIMIT, steps=()):
    """Return a document as the page reads it.

    Args:
        document: the `Document`.
        limit: bytes of the page, at most.
        steps: pairs of a step of training and the `Document` of the model then; the first is that
            of `document`.

    Returns:
        A dict of what JSON knows.
    """
    trace = document.trace
    used = {e["name"] for sheet in document.sheets.values() for e in sheet.entries}
    arrays = {name: a for name, a in document.arrays.items() if name in used}
    kept, left_out = leave_out(document, arrays, limit // max(1, len(steps)))
    return {
        "version": 1,
        "title": document.title or f"{trace.model.name}: one example, forward and backward",
        "summary": document.summary(),
        "model": _model(trace),
        "nodes": [_node(document, node) for node in document.nodes],
        "arrays": {
            name: _encoded(a) if name in kept else _absent(a, left_out[name])
            for name, a in arrays.items()
        },
        "timeline": _timeline(document),
        "steps": [_step(number, other, document, kept) for number, other in steps],
        "versions": {"minikeras": keras.version(), "numpy": np.__version__},
        "left_out": sorted(f"{name}: {why}" for name, why in left_out.items()),
    }


def _model(trace):
    return {
        "name": trace.model.name,
        "layers": len(trace.records),
        "weights": int(sum(np.prod(w.shape) for w in trace.model.weights)),
        "loss": trace.loss,
        "optimizer": type(trace.optimizer).__name__ if trace.optimizer else None,
    }


def _notes(document, node):
    record = document.sheets[node["key"]].record
    return node["notes"] + (hints_of(record, document.trace) if record is not None else [])


def _node(document, node):
    sheet = document.sheets[node["key"]]
    known = {formula.array: formula.indices for formula in sheet.formulas}
    return {
        **node,
        "notes": _notes(document, node),
        "arrays": [_entry(document, sheet, entry, known) for entry in sheet.entries],
        "formulas": [formula.as_data() for formula in sheet.formulas],
        "source": [] if sheet.record is None else sources_of(sheet.record),
    }


def _entry(document, sheet, entry, known):
    """An array with the names of its axes: a formula's, or those of its gradient's formula."""
    axes = known.get(entry["name"]) or entry["axes"]
    if not axes:
        gradients = [e["name"] for e in sheet.entries if e.get("of") == entry["name"]]
        axes = next((known[name] for name in gradients if name in known), None)
    rank = document.arrays[entry["name"]].ndim
    return {**entry, "axes": axes if axes and len(axes) == rank else letters(rank)}


def _step(number, document, first, kept):
    """What a step of training has made of the arrays of the page."""
    arrays = {
        name: _encoded(document.arrays[name])
        for name in kept
        if name in document.arrays
        and document.arrays[name].shape == first.arrays[name].shape
        and not np.array_equal(document.arrays[name], first.arrays[name])
    }
    notes = {node["key"]: _notes(document, node) for node in document.nodes}
    return {
        "step": number,
        "loss": document.trace.loss,
        "arrays": arrays,
        "notes": notes,
        "names": _changed_names(document, first),
    }


def _changed_names(document, first):
    """By array, what the names of its formula stand for, where a number among them has changed."""
    before, now = (
        {f.array: f.names for sheet in d.sheets.values() for f in sheet.formulas}
        for d in (first, document)
    )
    return {name: names for name, names in now.items() if names != before.get(name)}


def _encoded(array):
    if array.dtype == bool:
        form, values = "bool", array.astype("u1")
    elif array.dtype.kind in "iu":
        form, values = "int32", array.astype("<i4")
    else:
        form, values = "float32", array.astype("<f4")
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"shape": list(array.shape), "dtype": form, "data": data}


def _absent(array, why):
    return {"shape": list(array.shape), "dtype": "float32", "left_out": why}


# ---- the timeline

SAYS = {"forward": "computes", "loss": "is", "backward": "passes back", "step": "updates"}


def _timeline(document):
    """The stops of the three passes, in the order in which things happen."""
    layers = [key for key in document.sheets if key != "loss"]
    order = (
        ("forward", layers),
        ("loss", ["loss"]),
        ("backward", list(reversed(document.sheets))),
        ("step", layers),
    )
    return [stop for phase, keys in order for key in keys for stop in _stops(document, phase, key)]


def _stops(document, phase, key):
    sheet = document.sheets[key]
    wanted = "forward" if phase == "loss" else phase
    names = [f.array for f in sheet.formulas if f.phase == wanted]
    roles = {"forward": ("output",), "backward": ("gradient",), "step": ("step",)}[wanted]
    own = [e["name"] for e in sheet.entries if e["role"] in roles]
    if phase == "step":
        own = [name for name in own if name.endswith("_new")]
    if phase == "backward" and key == "loss":
        own = []
    if not names or phase == "backward":
        names = [*[n for n in own if n not in names and n.startswith(f"{key}/")], *names]
    labels = {entry["name"]: entry["label"] for entry in sheet.entries}
    return [
        {
            "phase": phase,
            "node": key,
            "array": name,
            "text": f"{key} {SAYS[phase]} {labels.get(name, name.split('/')[-1])}",
        }
        for name in dict.fromkeys(names)
    ]
