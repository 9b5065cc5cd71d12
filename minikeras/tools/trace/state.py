"""The variables of a model: leaving them as they were, naming them, an optimizer's twin."""

from contextlib import contextmanager

import numpy as np

import minikeras as keras


@contextmanager
def kept(model):
    """Leave a model's variables, seeds, metrics and those of its optimizer as they were."""
    changing = [*model.variables, *_metric_variables(model)]
    if getattr(model, "optimizer", None) is not None:
        changing += model.optimizer.variables
    before = [(v, np.array(keras.ops.convert_to_numpy(v))) for v in changing]
    try:
        yield
    finally:
        for variable, values in before:
            variable.assign(values)


def _metric_variables(model):
    return [v for metric in getattr(model, "metrics", []) for v in metric.variables]


def weight_names(layer):
    """Return a short name for each weight of a layer by its identity: its path in the layer."""
    names, taken = {}, set()
    for variable in getattr(layer, "weights", []):
        path = str(variable.path)
        inside = path.split(f"{layer.name}/", 1)[-1] if f"{layer.name}/" in path else path
        name = inside
        while name in taken:
            name += "_"
        taken.add(name)
        names[id(variable)] = name
    return names


def twin(optimizer, variables):
    """Return a copy of an optimizer for the same weights, with its state."""
    copy = type(optimizer).from_config(optimizer.get_config())
    copy.build(variables)
    if optimizer.built:
        for new, old in zip(copy.variables, optimizer.variables, strict=True):
            new.assign(old)
    return copy


def slots_of(optimizer, variables):
    """By a weight's identity, the optimizer's variables for it by name."""
    slots = {}
    lists = {
        name: value
        for name, value in vars(optimizer).items()
        if isinstance(value, list) and len(value) == len(variables) and value is not variables
    }
    for name, value in lists.items():
        for variable, slot in zip(variables, value, strict=True):
            if isinstance(slot, keras.Variable) and slot is not variable:
                slots.setdefault(id(variable), {})[name.strip("_")] = slot
    return slots
