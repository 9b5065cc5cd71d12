"""The variables of a model as nested dicts, by the parts of their paths."""

import numpy as np

_KINDS = {
    "trainable_variables": lambda model: model.trainable_variables,
    "non_trainable_variables": lambda model: model.non_trainable_variables,
    "optimizer_variables": lambda model: model.optimizer.variables if model.optimizer else [],
    "metrics_variables": lambda model: model.metrics_variables,
}


def of_model(model, value_format):
    """Return the nested dicts; see `Model.get_state_tree`."""
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            "Invalid `value_format` argument. Expected 'numpy_array' or 'backend_tensor'. "
            f"Received: value_format={value_format}"
        )
    as_array = value_format == "numpy_array"
    return {kind: _nested(list_of(model), as_array) for kind, list_of in _KINDS.items()}


def _nested(variables, as_array):
    tree = {}
    for path, variable in _by_path(variables).items():
        *outer, last = path.split("/")
        branch = tree
        for part in outer:
            branch = branch.setdefault(part, {})
        branch[last] = variable.numpy() if as_array else variable.value
    return tree


def _by_path(variables):
    by_path = {v.path: v for v in variables}
    if len(by_path) < len(variables):
        paths = [v.path for v in variables]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        raise ValueError(
            f"Two variables of the model have one path: {twice}. A tree of its state needs paths "
            "that differ: give layers names that differ."
        )
    return by_path


def assign_state_tree(model, state_tree):
    """Assign the values of nested dicts; see `Model.set_state_tree`."""
    if not isinstance(state_tree, dict):
        raise ValueError(
            f"Expected a dict with keys among {list(_KINDS)}, as `get_state_tree` returns it. "
            f"Received: {state_tree!r:.200} (of type {type(state_tree).__name__})"
        )
    pairs = []
    for kind, tree in state_tree.items():
        if kind not in _KINDS:
            raise ValueError(f"Unknown variable name: {kind}. Expected one of {list(_KINDS)}.")
        variables = _by_path(_KINDS[kind](model))
        for path, value in _flattened(tree).items():
            if path not in variables:
                raise ValueError(
                    f"The model has no variable '{path}' among its {kind}. It has "
                    f"{sorted(variables)}."
                )
            pairs.append((variables[path], value))
    for variable, value in pairs:
        if tuple(np.shape(value)) != tuple(variable.shape):
            raise ValueError(
                f"The variable '{variable.path}' has shape {tuple(variable.shape)}. "
                f"Received: shape={tuple(np.shape(value))}"
            )
    for variable, value in pairs:
        variable.assign(value)


def _flattened(tree, path=""):
    if not isinstance(tree, dict):
        return {path: tree}
    flat = {}
    for key, value in tree.items():
        flat.update(_flattened(value, f"{path}/{key}" if path else key))
    return flat
