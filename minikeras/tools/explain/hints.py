"""Hints: what is worth a look in a layer, each with its numbers and its threshold."""

import numpy as np

from minikeras.tools.trace.state import weight_names

DEAD = 0.9
"""Share of units that are 0 everywhere above which a rectified layer gets a hint."""

SATURATED = 0.5
"""Share of numbers in the flat part of a sigmoid or tanh above which a layer gets a hint."""

VANISHED = 1e-3
"""Size of a gradient, beside the largest of all layers, below which it is called vanishing."""

UPDATE = (1e-4, 1e-2)
"""Sizes of an update, beside its weight, that are usual."""


def hints_of(record, trace):
    """Return the hints for one call.

    Args:
        record: its `Record`.
        trace: the `Trace`.

    Returns:
        A list of sentences.
    """
    hints = [*_dead(record), *_saturated(record), *_vanishing(record, trace)]
    return hints + _updates(record, trace)


def _activation(record):
    function = getattr(record.layer, "activation", None)
    return getattr(function, "__name__", "") or type(record.layer).__name__.lower()


def _dead(record):
    if _activation(record) != "relu" or not record.outputs:
        return []
    y = record.outputs[0]
    zero = float(np.mean(y <= 0))
    units = np.all(y <= 0, axis=tuple(range(y.ndim - 1)))
    if zero <= DEAD and not (y.ndim > 2 and units.any()):
        return []
    return [
        f"relu: {zero:.0%} of the outputs are 0 (a hint from {DEAD:.0%} on), and "
        f"{int(units.sum())} of {units.size} channels are 0 everywhere in this example: no "
        "gradient passes there."
    ]


def _saturated(record):
    bounds = {"sigmoid": (0.02, 0.98), "tanh": (-0.96, 0.96)}.get(_activation(record))
    if bounds is None or not record.outputs:
        return []
    y = record.outputs[0]
    share = float(np.mean((y < bounds[0]) | (y > bounds[1])))
    if share < SATURATED:
        return []
    return [
        f"saturated: {share:.0%} of the outputs lie beyond {bounds[0]} or {bounds[1]}, where the "
        f"slope is under 0.08 (a hint from {SATURATED:.0%} on)."
    ]


def _size(gradients):
    arrays = [g for g in gradients if g is not None and g.size]
    if not arrays:
        return None
    return float(np.sqrt(np.mean([np.mean(np.square(g, dtype="float64")) for g in arrays])))


def _vanishing(record, trace):
    sizes = {r.key: _size(r.d_outputs) for r in trace.records}
    mine = sizes[record.key]
    largest = max((s for s in sizes.values() if s), default=0.0)
    if mine is None or not largest or mine >= VANISHED * largest:
        return []
    return [
        f"vanishing: the gradient here has a root mean square of {mine:.2e}, {mine / largest:.1e} "
        f"of the largest of all layers (a hint below {VANISHED:g})."
    ]


def _updates(record, trace):
    hints = []
    mine = weight_names(record.layer)
    for step in trace.steps:
        if id(step.variable) not in mine or record.index:
            continue
        weight = float(np.linalg.norm(step.before))
        update = float(np.linalg.norm(step.after - step.before))
        if weight == 0 or UPDATE[0] <= update / weight <= UPDATE[1]:
            continue
        side = "below" if update / weight < UPDATE[0] else "above"
        name = mine[id(step.variable)]
        hints.append(
            f"update: this step changes {name} by {update / weight:.1e} of its size, {side} the "
            f"usual {UPDATE[0]:g} to {UPDATE[1]:g}."
        )
    return hints
