"""What the measurements mean: the findings, each with its class, and who is nearer to the truth."""

from dataclasses import dataclass
from typing import Any

from minikeras.tools.check.items import OWN
from minikeras.tools.differences import Difference
from minikeras.tools.tolerances import FLOAT64

# Errors in float32 whose ratio is below this are equal.
EQUAL = 1.25
# An engine whose error exceeds the bound is at fault if the other's is so many times smaller;
# otherwise the numbers themselves are hard to compute.
AT_FAULT = 4.0

DEFINITION, ROUNDING, STATE = "definition", "rounding", "weights or state"
KINK, SAVING = "kink", "saving"


@dataclass
class Finding:
    """A difference that is no rounding within the bound.

    Attributes:
        kind: its class, `DEFINITION`, `ROUNDING`, `STATE`, `SAVING` or, for what is no fault of
            either engine, `KINK`.
        item: the `Item` where it shows.
        text: a sentence.
        known: the `Difference` of docs/numerics.md that it shows, None if it is not known.
    """

    kind: str
    item: Any
    text: str
    known: Difference | None = None


def findings(items, engine="keras"):
    """Return what differs, that which comes first in front.

    Args:
        items: list of `Item`s in the order in which the numbers are computed.
        engine: name of the other engine.
    """
    own = sorted((i for i in items if i.phase in OWN), key=lambda item: OWN.index(item.phase))
    result = [finding for finding in (_judged(i, engine) for i in own) if finding is not None]
    _tell_of_slots(result)
    if not any(finding.kind == DEFINITION for finding in result):
        result += _between_layers(items, bool(rounded_constants(items, engine)))
    return result


def _tell_of_slots(judged):
    """Say of weights after a step whether what the optimizer keeps beside them agrees."""
    updates = [f for f in judged if f.item.phase == "update" and f.kind == DEFINITION]
    if updates and all(finding.item.what == "weight" for finding in updates):
        for finding in updates:
            finding.text += "; the slots agree, so it is how the rule uses them"


def longest_sum(items):
    """Return the item with the longest sums that forward runs compute, None without any."""
    sums = [item for item in items if item.phase == "forward" and item.ours and item.theirs]
    return max(sums, key=lambda item: item.terms, default=None)


def rounded_constants(items, engine="keras"):
    """Return those that differ in float64 by less than float32 can show.

    Keras rounds some constants to float32 in every dtype: a slope of 0.2, those of `gelu`.
    """
    return [i for i in items if i.phase in OWN and FLOAT64 < i.apart <= _limit(i, engine)]


_FLOAT32 = 2.0**-24  # half a unit of the last place of 1 in float32

# Keras on TensorFlow, as minikeras, takes settings of optimizers and some constants of layers as
# float32 has them, also in float64. On other back ends they are exact there: of `1 - beta_2`, the
# difference of 1 and 0.999, float32 has lost three digits.
_EXACT_CONSTANTS = ("keras-jax", "keras-torch")
_OF_LAYERS, _OF_OPTIMIZERS = 4 * _FLOAT32, 2e-5


def _limit(item, engine):
    """How far the two may be apart in float64 because constants are rounded."""
    if engine not in _EXACT_CONSTANTS or item.ours is None or _is_beyond(item):
        return _FLOAT32
    return _OF_OPTIMIZERS if item.phase == "update" else _OF_LAYERS


def _judged(item, engine):
    finding = _difference(item, engine)
    if item.kink and (item.kink_wide or finding is None or finding.kind == ROUNDING):
        return _flipped(item) if finding is not None or _is_beyond(item) else None
    return finding


def _flipped(item):
    """The finding that rounding has decided on different branches."""
    apart = f"the two are {item.apart:.1e} apart in float64"
    if item.ours is not None and item.theirs is not None:
        mine, other = item.ours.largest, item.theirs.largest
        apart = f"the two are {mine:,.3g} and {other:,.3g} units of the last place from the truth"
    return Finding(KINK, item, f"a rounding decides which branch of {item.kink} is taken; {apart}")


def _is_beyond(item):
    """Whether the error of an engine in float32 exceeds the bound."""
    both = item.ours, item.theirs
    return None not in both and max(error.largest for error in both) > item.allowed


def _difference(item, engine):
    if item.apart > _limit(item, engine):
        text = f"the two are {item.apart:.1e} apart in float64, so it is no rounding"
        if item.apart == float("inf"):
            text = (
                "in float64 one has NaN, infinity, another integer or shape where the other has not"
            )
        return Finding(DEFINITION, item, text)
    if item.ours is None or item.theirs is None:
        return None
    mine, other = item.ours.largest, item.theirs.largest
    for name, error, rest in (("minikeras", mine, other), ("Keras", other, mine)):
        if error > item.allowed and error > AT_FAULT * rest:
            text = (
                f"{name} is {error:,.3g} units of the last place from the truth, the other "
                f"{rest:,.3g}; rounding explains {item.allowed:,.3g}"
            )
            return Finding(ROUNDING, item, text)
    return None


# Where layers agree alone, the code between them, the loss or the step may still differ.
_CODE = "what the model's own code computes before it"
_BETWEEN = {
    "forward, between": _CODE,
    "training, between": _CODE,
    "loss": "the loss, or a penalty that is added to it",
    "gradients, whole": "the loss, or a penalty on this weight",
    "first step": "what a step does beside the optimizer's update, in training only,",
    "logs": "the metric",
}
# In these, errors have grown on the way through the whole model.
_CARRIED = ("gradients, whole", "first step", "logs")


def _between_layers(items, has_rounded):
    order = list(_BETWEEN)
    between = [item for item in items if item.phase in _BETWEEN]
    for item in sorted(between, key=lambda item: order.index(item.phase)):
        if item.apart > _allowed(item, has_rounded):
            text = f"{_BETWEEN[item.phase]} differs: {item.apart:.1e} in float64"
            return [_flipped(item) if item.kink else Finding(DEFINITION, item, text)]
    return []


def _allowed(item, has_rounded):
    """How far numbers of float64 may be apart that are made of those of several layers."""
    if not has_rounded:
        return 1e3 * FLOAT64
    return (1e5 if item.phase in _CARRIED else 16) * _FLOAT32


@dataclass
class Row:
    """The figures of one phase.

    Attributes:
        phase: its name.
        count: how many arrays were compared.
        within: how many are within the bound in both engines.
        nearer: how many times minikeras, neither, and the other engine is nearer to the truth.
        worst: the largest errors of both, in units of the last place.
        at: the key of the call with the largest.
    """

    phase: str
    count: int
    within: int
    nearer: tuple[int, int, int]
    worst: tuple[float, float]
    at: str


def rows(items):
    """Return a `Row` for each phase in which something was measured in float32."""
    result = []
    for phase in OWN:
        mine = [item for item in items if item.phase == phase and item.ours and item.theirs]
        mine = [item for item in mine if not (item.kink and _is_beyond(item))]
        if mine:
            result.append(_row(phase, mine))
    return result


def _row(phase, items):
    sides = [nearer(*item.squares) for item in items]
    counts = sides.count(0), sides.count(1), sides.count(2)
    within = sum(max(i.ours.largest, i.theirs.largest) <= i.allowed for i in items)
    worst = max(items, key=lambda item: max(item.ours.largest, item.theirs.largest))
    largest = worst.ours.largest, worst.theirs.largest
    return Row(phase, len(items), within, counts, largest, f"{worst.key} {worst.what}")


def nearer(mine, other):
    """Say who is nearer to the truth.

    Args:
        mine: sum of the squared errors of minikeras.
        other: that of the other engine.

    Returns:
        0 for minikeras, 1 if both are equal, 2 for the other engine.
    """
    if mine * EQUAL**2 < other:
        return 0
    return 2 if other * EQUAL**2 < mine else 1


def agreement(items):
    """Return the largest distance of the engines in float64, of layers judged alone."""
    own = (item for item in items if item.phase in OWN and not item.kink_wide)
    return max((item.apart for item in own), default=0.0)
