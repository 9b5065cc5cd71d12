"""The weights of a file in the layout of Keras 1 and 2, given to a model's layers.

A group lists `layer_names`; each layer's group lists `weight_names`. All that does not fit is
found, and said in one message, before anything is assigned.
"""

import math
import re
import warnings
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from minikeras.autograd.postponed import has_values
from minikeras.core import dtypes
from minikeras.saving.guard import read_array
from minikeras.saving.legacy.arrays import Layout, converted, count_in_pieces
from minikeras.saving.legacy.groups import check_distinct, datasets_in, names_in, subgroup

_TOP_LEVEL = "top_level_model_weights"
_MOST_PROBLEMS = 50  # that a message lists


@dataclass
class Slot:
    """Weights of one layer that stand together in a file.

    Attributes:
        layer: the layer that owns them; not a model or a wrapper, but the layer inside.
        variables: the weights.
        sources: name and array in the file of each, in the file's layout.
    """

    layer: Any
    variables: list[Any]
    sources: list[tuple[str, Any]]


def load_weights(
    model: Any,
    group: h5py.Group,
    layout: Layout,
    by_name: bool = False,
    skip_mismatch: bool = False,
) -> list[Slot]:
    """Give the weights in a group to the layers of a model: all of them, or none.

    Args:
        model: a built model.
        group: the group with `layer_names`.
        layout: how the file stores weights.
        by_name: whether layers are found by their names; layers without one in the file, or in the
            model, are left out. By default they are taken in order, and their numbers must agree.
        skip_mismatch: whether layers whose weights do not fit are left as they are, with a warning.

    Returns:
        The slots that were filled, in the order of the file.

    Raises:
        ValueError: if weights are missing, too many, or of other shapes.
    """
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' has no weights yet. Build it first, by calling it on data or "
            "with `model.build(input_shape)`."
        )
    slots, problems = [], []
    for layer, stored in _matched(model, group, by_name):
        try:
            slots += slots_of(layer, stored)
        except ValueError as error:
            problems.append(str(error))
    assigned, kept = [], []
    for slot in slots:
        try:
            assigned += zip(slot.variables, arrays_for(slot, layout), strict=True)
            kept.append(slot)
        except ValueError as error:
            problems.append(str(error))
    _report(problems, group.file.filename, skip_mismatch)
    _fill_all(assigned)
    return kept


def _fill_all(pairs):
    """Give variables the values of arrays: all of them, or none if an interrupt comes between."""
    former = [(variable, variable.array) for variable, _ in pairs if has_values(variable)]
    try:
        for variable, array in pairs:
            fill(variable, array)
    except BaseException:
        for variable, array in reversed(former):
            variable.array = array
        raise


def fill(variable: Any, array: np.ndarray) -> None:
    """Give a variable the values of an array that has its shape and belongs to nobody else.

    The initial values of a postponed variable are not drawn for it.
    """
    variable.adopt(np.asarray(array, dtypes.NUMPY[variable.dtype], order="C"))


def _report(problems, filename, skip_mismatch):
    if not problems:
        return
    listed = "\n".join(f"- {problem}" for problem in problems[:_MOST_PROBLEMS])
    more = len(problems) - _MOST_PROBLEMS
    listed += f"\n- and {more} more" if more > 0 else ""
    message = f"Weights in {filename} do not fit the model:\n{listed}"
    if not skip_mismatch:
        raise ValueError(f"{message}\nNothing was loaded.")
    warnings.warn(f"{message}\nThese were left as they are.", stacklevel=4)


# Layers of the model and of the file


def _matched(model, group, by_name):
    """Pairs of a layer and the list of arrays that the file holds for it."""
    names = names_in(group, "layer_names")
    stored = [(name, datasets_in(subgroup(group, name))) for name in names]
    stored = [(name, arrays) for name, arrays in stored if arrays]
    check_distinct([array for _, arrays in stored for array in arrays])
    matched = []
    if by_name:
        layers = [layer for layer in model._flatten_layers(include_self=False) if layer.weights]
        matched = [(layer, a) for name, a in stored for layer in layers if layer.name == name]
    else:
        matched = _in_order(model, stored, group.file.filename)
    own = _own(model)
    if _TOP_LEVEL in group and own:
        matched.append((model, datasets_in(subgroup(group, _TOP_LEVEL))))
    return matched


def _in_order(model, stored, filename):
    layers = [layer for layer in model.layers if layer.weights]
    if len(layers) != len(stored):  # Keras 1 stored the layers of models inside a Sequential singly
        singly = _single_layers(model)
        layers = singly if len(singly) == len(stored) else layers
    if len(layers) != len(stored):
        raise ValueError(
            f"Layer count mismatch: {filename} holds weights of {len(stored)} layers, "
            f"{[name for name, _ in stored]}; model '{model.name}' has {len(layers)} layers with "
            f"weights, {[layer.name for layer in layers]}. Nothing was loaded."
        )
    by_name = {layer.name: layer for layer in layers}
    if len(by_name) == len(layers) and set(by_name) == {name for name, _ in stored}:
        layers = [by_name[name] for name, _ in stored]
    return [(layer, arrays) for layer, (_, arrays) in zip(layers, stored, strict=True)]


def _single_layers(model):
    layers = []
    for layer in model.layers:
        inside = _single_layers(layer) if hasattr(layer, "layers") else [layer]
        layers += [one for one in inside if one.weights]
    return layers


def _own(layer):
    return [*layer._trainable_variables, *layer._non_trainable_variables]


# Weights of one layer


def slots_of(layer: Any, stored: list[tuple[str, Any]]) -> list[Slot]:
    """Return which stored arrays belong to which weights of a layer, or of the layers inside.

    Args:
        layer: a layer, a wrapper or a model.
        stored: name and array of all its weights in the file.

    Returns:
        A list of slots: those of trainable weights come first, as in the file.

    Raises:
        ValueError: if there are more or fewer arrays than weights.
    """
    candidates = [_dealt(order, stored) for order in _orders(layer)]
    fitting = [slots for slots in candidates if slots is not None and _fits(slots)]
    complete = [*fitting, *(slots for slots in candidates if slots is not None)]
    if complete:
        return complete[0]
    expected = {v.path: tuple(v.shape) for part, vs in _orders(layer)[0] for v in vs}
    received = {name: tuple(array.shape) for name, array in stored}
    raise ValueError(
        f"layer '{layer.name}' ({type(layer).__name__}): the model has {len(expected)} weights, "
        f"the file {len(received)}. Expected {expected}. Received {received}"
    )


def _orders(layer):
    """The orders in which weights may stand: those that train first, and the others after them.

    Frozen layers count by what they would train in files of Keras 2, not in those of tf-keras.
    """
    owners = _owners(layer, {})
    trains = {id(v) for v in layer.trainable_weights}
    now = [
        [(o, [v for v in _own(o) if (id(v) in trains) is t]) for o in owners] for t in (True, False)
    ]
    thawed = [
        [(o, list(o._trainable_variables)) for o in owners],
        [(o, list(o._non_trainable_variables)) for o in owners],
    ]
    return [_each_once(pair for part in order for pair in part) for order in (now, thawed)]


def _each_once(owned):
    """Pairs of a layer and its weights, without those of a layer before, and without empty ones."""
    seen, pairs = set(), []
    for owner, variables in owned:
        new = [v for v in variables if id(v) not in seen]
        seen.update(map(id, new))
        pairs += [(owner, new)] if new else []
    return pairs


def _owners(layer, seen):
    """All layers from this one down that have weights of their own, each once."""
    if id(layer) in seen:
        return []
    seen[id(layer)] = layer
    owners = [layer] if _own(layer) else []
    for inside in layer._layers:
        owners += _owners(inside, seen)
    return owners


def _dealt(order, stored):
    counts = [len(variables) for _, variables in order]
    if len(stored) != sum(counts):
        counts = [count_in_pieces(layer, len(variables)) for layer, variables in order]
    if len(stored) != sum(counts):
        return None
    slots, at = [], 0
    for (layer, variables), count in zip(order, counts, strict=True):
        slots.append(Slot(layer, variables, stored[at : at + count]))
        at += count
    return slots


def _fits(slots):
    """Say whether the arrays' last names and sizes are those of the weights."""
    for slot in slots:
        if len(slot.sources) != len(slot.variables):
            continue
        for variable, (name, array) in zip(slot.variables, slot.sources, strict=True):
            if _last_name(name) != variable.name or math.prod(array.shape) != variable.size:
                return False
    return True


def _last_name(name):
    return re.sub(r"(_\d+)?(:\d+)?$", "", name.rsplit("/", 1)[-1])


def arrays_for(slot: Slot, layout: Layout) -> list[np.ndarray]:
    """Return the arrays of a slot in today's layout, of the shapes that its weights have.

    Args:
        slot: the weights and where they lie in the file.
        layout: how the file stores weights.

    Returns:
        One array for each weight.

    Raises:
        ValueError: if a shape is another; arrays that are far too large are not read at all.
    """
    wanted = [tuple(v.shape) for v in slot.variables]
    sizes = sum(math.prod(array.shape) for _, array in slot.sources)
    # A CuDNN layer has two biases for one of today.
    if sizes > 2 * sum(math.prod(shape) for shape in wanted):
        raise ValueError(_mismatch(slot, [array.shape for _, array in slot.sources]))
    arrays = converted(slot.layer, [read_array(array) for _, array in slot.sources], layout)
    if [array.shape for array in arrays] != wanted:
        raise ValueError(_mismatch(slot, [array.shape for array in arrays]))
    return arrays


def _mismatch(slot, shapes):
    rows = []
    names = [name for name, _ in slot.sources]
    if len(names) != len(slot.variables):
        names = [f"{names[0]} to {names[-1]}"] * len(slot.variables)
    for variable, name, shape in zip(slot.variables, names, shapes, strict=False):
        if tuple(variable.shape) != tuple(shape):
            rows.append(f"{variable.path} has shape {tuple(variable.shape)}, {name} {tuple(shape)}")
    return f"layer '{slot.layer.name}': " + "; ".join(rows)
