"""The state of an optimizer in an old file, given to today's optimizer.

Three layouts: Keras 1 and 2 list a step count and then one state after the other, without telling
names; TensorFlow's optimizers name each state; Keras 3 lists the variables as today's have them.
"""

import re
import warnings
from typing import Any

import h5py

from minikeras.saving.guard import read_array
from minikeras.saving.legacy.arrays import Layout
from minikeras.saving.legacy.groups import datasets_in
from minikeras.saving.legacy.weights import Slot, arrays_for, fill

# By optimizer: what a state is called in files of TensorFlow, and today's list of variables.
_NAMED = {
    "Adadelta": {
        "accum_grad": "_accumulated_grads",
        "accum_var": "_accumulated_delta_vars",
        "accumulated_delta_var": "_accumulated_delta_vars",
        "accumulated_grad": "_accumulated_grads",
    },
    "Adagrad": {"accumulator": "_accumulators"},
    "Adam": {"m": "_momentums", "v": "_velocities", "vhat": "_velocity_hats"},
    "AdamW": {"m": "_momentums", "v": "_velocities", "vhat": "_velocity_hats"},
    "Adamax": {"m": "_m", "u": "_u", "v": "_u"},
    "Ftrl": {"accumulator": "_accumulators", "linear": "_linears"},
    "Lion": {"m": "_momentums"},
    "Nadam": {"m": "_momentums", "v": "_velocities"},
    "RMSprop": {
        "average_gradient": "_average_gradients",
        "mg": "_average_gradients",
        "momentum": "_momentums",
        "rms": "_velocities",
        "velocity": "_velocities",
    },
    "SGD": {"m": "momentums", "momentum": "momentums"},
}

_AVERAGES = {"average": "_averages"}  # any optimizer may keep those of the weights

# By optimizer: the lists in the order of Keras 1 and 2.
_IN_ORDER = {
    "Adadelta": ("_accumulated_grads", "_accumulated_delta_vars"),
    "Adagrad": ("_accumulators",),
    "Adam": ("_momentums", "_velocities", "_velocity_hats"),
    "Adamax": ("_m", "_u"),
    "Nadam": ("_momentums", "_velocities"),
    "RMSprop": ("_velocities",),
    "SGD": ("momentums",),
}
_WARM_UP = 0.96  # Nadam's momentum at step t is `beta_1 * (1 - 0.5 * 0.96**t)`
_STEPS_THAT_COUNT = 1_000_000  # beyond, the product is 0
_STEPS = frozenset({"iter", "iteration", "iterations"})


def load_optimizer(
    optimizer: Any, group: h5py.Group, slots: list[Slot], layout: Layout, sorts: bool = False
) -> None:
    """Give an optimizer the state in a group; warn if it cannot be read, and change nothing then.

    Args:
        optimizer: an optimizer built for the model's trainable variables.
        group: the group with `weight_names`.
        slots: how the model's weights lie in the file.
        layout: how the file stores weights.
        sorts: whether the file's states come in the order of the weights' names, as in Keras 1 and
            2.0.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    try:
        stored = datasets_in(group)
        if layout.generation == 3:
            pairs = _same_variables(optimizer, stored)
        else:
            pairs = _by_name(inner, stored, slots, layout) or _in_order(
                inner, stored, slots, layout, sorts
            )
    except ValueError as error:
        warnings.warn(
            f"The state of the optimizer in {group.file.filename} could not be read: {error} "
            "The optimizer starts from scratch.",
            stacklevel=5,
        )
        return
    for variable, array in pairs:
        fill(variable, array)
    product = getattr(inner, "_u_product", None)
    if product is not None and all(variable is not product for variable, _ in pairs):
        product.assign(_momentum_product(inner))


def _momentum_product(optimizer):
    """Nadam's product of all momentums so far, which old files lack: each follows from its step."""
    scalar = optimizer._u_product.array.dtype.type
    product, steps = scalar(1), min(int(optimizer.iterations), _STEPS_THAT_COUNT)
    for step in range(1, steps + 1):
        product *= scalar(optimizer.beta_1) * (1 - scalar(0.5) * scalar(_WARM_UP) ** scalar(step))
        if not product:
            break
    return product


def state_names(optimizer: Any) -> list[tuple[str, Any]]:
    """Return the names and variables of an optimizer's state in the order of tf-keras.

    Args:
        optimizer: a built optimizer.

    Returns:
        A list of pairs. The learning rate is not among them, nor Nadam's product: tf-keras has no
        place for these.
    """
    kind = type(optimizer).__name__
    names = {}
    for short, attribute in (_AVERAGES | _NAMED.get(kind, {})).items():
        for variable in getattr(optimizer, attribute, None) or ():
            names.setdefault(id(variable), f"{kind}/{short}/{variable.path.split('/')[-1]}")
    names[id(optimizer._iterations)] = "iteration"
    left_out = (optimizer._learning_rate, getattr(optimizer, "_u_product", None))
    averages = getattr(optimizer, "_averages", None) or ()
    first = [id(variable) for variable in (optimizer._iterations, *averages)]
    return [
        (names.get(id(variable), variable.path), variable)
        for variable in sorted(optimizer.variables, key=lambda variable: id(variable) not in first)
        if all(variable is not other for other in left_out)
    ]


def _same_variables(optimizer, stored):
    """Keras 3: the file's list is the optimizer's own."""
    variables = optimizer.variables
    if len(variables) != len(stored):
        raise ValueError(f"it holds {len(stored)} arrays, the optimizer {len(variables)}.")
    pairs = []
    for variable, (name, array) in zip(variables, stored, strict=True):
        if tuple(variable.shape) != tuple(array.shape):
            raise ValueError(f"'{name}' has shape {array.shape}, not {tuple(variable.shape)}.")
        pairs.append((variable, read_array(array)))
    return pairs


# Named states


def _by_name(optimizer, stored, slots, layout):
    """TensorFlow: `Adam/m/dense/kernel` or `Adam/dense/kernel/m`; None for other names."""
    known = _AVERAGES | _NAMED.get(type(optimizer).__name__, {})
    lists: dict[str, list[Any]] = {}
    pairs = []
    for name, array in stored:
        parts = [re.sub(r":\d+$", "", part) for part in name.split("/")]
        kind = next((part for part in (parts[-1], *parts[:2]) if part in known), None)
        if kind is not None:
            lists.setdefault(known[kind], []).append((name, array))
        elif parts[-1] in _STEPS and not array.shape:
            pairs.append((optimizer._iterations, read_array(array)))
        elif parts[-1] in ("_u_product", "u_product", "momentum_cache") and not array.shape:
            pairs.append((getattr(optimizer, "_u_product", None), read_array(array)))
    if not lists:
        return None
    for attribute, arrays in lists.items():
        pairs += _state(optimizer, attribute, arrays, slots, layout, _places(slots))
    return [(variable, array) for variable, array in pairs if variable is not None]


# States in order


def _in_order(optimizer, stored, slots, layout, sorts):
    """Keras 1 and 2: the step count, if there is one, and then list after list."""
    attributes = _IN_ORDER.get(type(optimizer).__name__)
    if attributes is None:
        raise ValueError(f"the layout of {type(optimizer).__name__} is not known.")
    pairs, rest = [], stored
    if rest and not rest[0][1].shape:
        pairs.append((optimizer._iterations, read_array(rest[0][1])))
        rest = rest[1:]
    places = _places(slots)
    orders = [places, sorted(places, key=lambda place: _name_at(slots, place))]
    problem = ValueError("it holds no states.")
    for order in reversed(orders) if sorts else orders:
        try:
            return pairs + _lists(optimizer, attributes, rest, slots, layout, order)
        except ValueError as error:
            problem = error
    raise problem


def _lists(optimizer, attributes, stored, slots, layout, order):
    count, pairs = len(order), []
    for number, attribute in enumerate(attributes):
        arrays = stored[number * count : (number + 1) * count]
        if arrays:
            pairs += _state(optimizer, attribute, arrays, slots, layout, order)
    return pairs


# One state of all weights


def _places(slots):
    """Where the trainable arrays of the file are: pairs of a slot's number and one's in it."""
    return [
        (at, number)
        for at, slot in enumerate(slots)
        if slot.variables[0].trainable
        for number in range(len(slot.sources))
    ]


def _name_at(slots, place):
    return slots[place[0]].sources[place[1]][0]


def _state(optimizer, attribute, arrays, slots, layout, order):
    """Pairs of today's state variables and arrays, which are converted as the weights are.

    Nothing where the optimizer has no such state: without momentum SGD needs no velocity.
    """
    states = getattr(optimizer, attribute, None)
    if not states or all(_is_placeholder(array) for _, array in arrays):
        return []
    if len(arrays) != len(order):
        raise ValueError(f"it holds {len(arrays)} arrays of a state for {len(order)} weights.")
    sources: dict[int, dict[int, Any]] = {}
    for (at, number), (name, array) in zip(order, arrays, strict=True):
        expected = slots[at].sources[number][1].shape
        if tuple(array.shape) != tuple(expected):
            raise ValueError(f"'{name}' has shape {array.shape}, its weight {expected}.")
        sources.setdefault(at, {})[number] = (name, array)
    pairs = []
    for at, by_number in sources.items():
        slot = slots[at]
        shadow = Slot(slot.layer, slot.variables, [by_number[n] for n in range(len(slot.sources))])
        for variable, value in zip(slot.variables, arrays_for(shadow, layout), strict=True):
            pairs.append((states[optimizer._get_variable_index(variable)], value))
    return pairs


def _is_placeholder(array):
    """Keras 2 stores an array of one zero for each maximum that Adam does not keep."""
    return tuple(array.shape) == (1,)
