"""Configs in which one number after the other is exchanged for one that asks for endless work."""

import copy
import json
import warnings

import minikeras as keras
from minikeras.core import trees

HUGE = (10**6, 10**9, -1)
_REFERENCES = ("keras_history", "input_layers", "output_layers", "registered_name")


def of_op(case):
    """The config of a row's call of an op as a model, or None if it can't stand in one."""
    try:
        inputs = [keras.Input(batch_shape=a.shape, dtype=a.dtype.name) for a in case.draw()]
        leaves = trees.flatten(case.apply(keras.ops, inputs))
        outputs = [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # functions of the rows are not all saved by name
            return json.loads(keras.Model(inputs, outputs).to_json())
    except (ValueError, TypeError, NotImplementedError):  # what ops raise
        return None


def of_layer(case):
    """The config of a row's layer as a model."""
    inputs = [keras.Input(batch_shape=s, dtype=case.dtype) for s in case.shapes]
    return json.loads(keras.Model(inputs, case.call(case.make(), case.nest(inputs))).to_json())


def exchanged(config, values=HUGE):
    """Yield `(where, changed config)` for each place of a number, or of None, and each value."""
    for place in _places(config["config"]):
        for value in values:
            yield f"{place}: {value}", _with(config, ("config", *place), value)
    # What one number allows another may need: a window fits where its image is as large.
    for i, inner in enumerate(config["config"].get("layers", ())):
        places = [("config", "layers", i, "config", *place) for place in _numbers(inner["config"])]
        for value in values:
            changed = config
            for place in places:
                changed = _with(changed, place, value)
            yield f"all numbers of layer {i}: {value}", changed


def _numbers(config):
    """The places of numbers, not of None, which often means a default."""
    for place in _places(config):
        value = config
        for key in place:
            value = value[key]
        if _is_number(value):
            yield place


def _places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if key in _REFERENCES:
            continue
        if isinstance(item, (dict, list)):
            yield from _places(item, (*path, key))
            if isinstance(item, list) and item and all(map(_is_number, item)):
                yield (*path, key)
        elif item is None or _is_number(item):
            yield (*path, key)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _with(config, path, value):
    """A copy with a value at a path, in place of each number of the list that is there."""
    changed = copy.deepcopy(config)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = [value] * len(old) if isinstance(old, list) else value
    return changed
