"""Losses: the number that training makes small, and where its gradient begins.

A loss that reads probabilities that a softmax gives is computed from what the softmax was
taken of, so the gradient begins there: `p - y`.
"""

from math import prod
from typing import Any

import minikeras as keras
from minikeras.tools.explain.proof import NoView
from minikeras.tools.explain.sheet import letters, loops


def _checked(sheet, rank):
    """Refuse targets of another shape than formulas expect; losses bring some into shape."""
    shape = sheet.shape("p") if rank is None else sheet.shape("p")[:rank]
    if sheet.shape("target") != shape:
        raise NoView(f"targets of shape {sheet.shape('target')} for {sheet.shape('p')}")


def _front(shape):
    names = letters(len(shape))
    return names, ", ".join(names), loops(**dict(zip(names, shape, strict=True)))


def sparse_crossentropy(sheet, loss):
    """`-log p` of the class that is meant; its gradient with respect to the logits is `p - y`."""
    _checked(sheet, -1)
    *front, classes = sheet.shape("p")
    names, at, each = _front(front)
    count = prod(front)
    sheet.forward(
        "losses",
        " ".join(names),
        f"-log(p[{at}, target[{at}]])",
        tuple(front),
        says="small where the class that is meant has a large probability",
    )
    sheet.forward("L", "", f"sum(losses[{at}] {each}) / {count}", says="the mean over samples")
    sheet.backward(
        "dlogits",
        " ".join([*names, "f"]),
        f"(p[{at}, f] - (1 if target[{at}] == f else 0)) / {count}",
        says="probability minus truth: what the softmax passes back to its logits",
    )
    sheet.backward(
        "dp",
        " ".join([*names, "f"]),
        f"(-1 / (p[{at}, f] * {count})) if target[{at}] == f else 0",
    )


def categorical_crossentropy(sheet, loss):
    """`-sum(y * log p)`; its gradient with respect to the logits is `p - y`."""
    _checked(sheet, None)
    *front, classes = sheet.shape("p")
    names, at, each = _front(front)
    count = prod(front)
    sheet.forward(
        "losses",
        " ".join(names),
        f"-sum(target[{at}, f] * log(p[{at}, f]) for f in range({classes}) "
        f"if target[{at}, f] != 0)",
        tuple(front),
    )
    sheet.forward("L", "", f"sum(losses[{at}] {each}) / {count}", says="the mean over samples")
    total = f"sum(target[{at}, g] for g in range({classes}))"
    sheet.backward(
        "dlogits",
        " ".join([*names, "f"]),
        f"(p[{at}, f] * {total} - target[{at}, f]) / {count}",
        says="probability minus truth: what the softmax passes back to its logits",
    )
    sheet.backward("dp", " ".join([*names, "f"]), f"-target[{at}, f] / p[{at}, f] / {count}")


def binary_crossentropy(sheet, loss):
    """`-y log p - (1 - y) log(1 - p)`, the mean over all outputs."""
    _checked(sheet, None)
    shape = sheet.shape("p")
    names, at, each = _front(shape)
    p, y = f"p[{at}]", f"target[{at}]"
    sheet.forward(
        "losses",
        " ".join(names),
        f"-{y} * log(maximum({p}, epsilon)) - (1 - {y}) * log(maximum(1 - {p}, epsilon))",
        shape,
        epsilon=keras.config.epsilon(),
    )
    sheet.forward("L", "", f"sum(losses[{at}] {each}) / {prod(shape)}")
    sheet.backward("dlogits", " ".join(names), f"({p} - {y}) / {prod(shape)}")
    sheet.backward("dp", " ".join(names), f"({p} - {y}) / ({p} * (1 - {p})) / {prod(shape)}")


def mean_squared_error(sheet, loss):
    """The mean of squared differences."""
    _checked(sheet, None)
    shape = sheet.shape("p")
    names, at, each = _front(shape)
    sheet.forward("L", "", f"sum((p[{at}] - target[{at}]) ** 2 {each}) / {prod(shape)}")
    sheet.backward("dp", " ".join(names), f"2 * (p[{at}] - target[{at}]) / {prod(shape)}")


def mean_absolute_error(sheet, loss):
    """The mean of the sizes of differences."""
    _checked(sheet, None)
    shape = sheet.shape("p")
    names, at, each = _front(shape)
    sheet.forward("L", "", f"sum(abs(p[{at}] - target[{at}]) {each}) / {prod(shape)}")
    sign = f"(1 if p[{at}] > target[{at}] else (-1 if p[{at}] < target[{at}] else 0))"
    sheet.backward("dp", " ".join(names), f"{sign} / {prod(shape)}")


def total(sheet, loss):
    """The sum of the outputs, where a model has no loss."""
    shape = sheet.shape("p")
    names, at, each = _front(shape)
    sheet.forward("L", "", f"sum(p[{at}] {each})", says="there is no loss: the sum of the outputs")
    sheet.backward("dp", " ".join(names), "1")


LOSSES = {
    "sparse_categorical_crossentropy": sparse_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "binary_crossentropy": binary_crossentropy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}
"""By name: the view of a loss, on a `Sheet` with `p`, `target`, `L` and `dp` or `dlogits`."""


def loss_name(loss: Any):
    """Return the name of a loss as the table has it, None of one with options of its own."""
    if loss is None:
        return None
    if isinstance(loss, str):
        return loss if loss in LOSSES else None
    name = getattr(loss, "__name__", None)
    if name is None:
        config = loss.get_config()
        plain = not config.get("from_logits") and not config.get("label_smoothing")
        plain = plain and config.get("reduction") == "sum_over_batch_size"
        plain = plain and config.get("axis", -1) == -1
        plain = plain and config.get("ignore_class") is None
        name = str(loss.name) if plain else None
    return name if name in LOSSES else None
