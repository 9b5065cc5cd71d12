"""Arrays as a graph takes them: in the order of its inputs, with the right shapes, and weights."""

import numpy as np


def arrays_in_order(data, names, shapes, what):
    """Return data as a list of arrays, one for each name, after checking their shapes.

    Args:
        data: array, list of arrays, or dict by name.
        names: the names of the inputs or outputs.
        shapes: a shape for each, `None` where any size (or, for a whole shape, any shape) will do.
        what: `"input"` or `"target"`, for messages.

    Returns:
        A list of arrays; those of rank 1 have got a last axis of size 1.

    Raises:
        ValueError: if the number of arrays, a name or a shape is wrong.
    """
    if not names:
        if data is not None and not _is_empty(data):
            raise ValueError(f"This model takes no {what} data, but received {type(data)}.")
        return []
    if data is None:
        return [None] * len(names)
    arrays = [_with_last_axis(a) for a in _listed(data, names, what)]
    for name, shape, array in zip(names, shapes, arrays, strict=True):
        if shape is not None:
            _check_shape(array.shape, shape, name, what)
    return arrays


def _is_empty(data):
    return isinstance(data, (list, dict)) and len(data) == 0


def _listed(data, names, what):
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                f'No data provided for "{missing[0]}". Need data for each key: {names}'
            )
        return [data[name] for name in names]
    if isinstance(data, (list, tuple)):
        if len(data) == len(names) and all(hasattr(a, "shape") or _is_nest(a) for a in data):
            return list(data)
        if len(names) == 1 and data and not hasattr(data[0], "shape"):
            return [np.asarray(data)]
        raise ValueError(
            f"Error when checking model {what}: the list of arrays does not have the size that the "
            f"model expected. Expected {len(names)} array(s), but got {len(data)}."
        )
    if len(names) > 1:
        raise ValueError(
            f"The model expects {len(names)} {what} arrays, but only received one array of shape "
            f"{np.shape(data)}."
        )
    return [data]


def _is_nest(value):
    return isinstance(value, (list, tuple))


def _with_last_axis(array):
    array = array.values if hasattr(array, "iloc") else np.asarray(array)
    return array[:, None] if array.ndim == 1 else array


def _check_shape(actual, expected, name, what):
    fits = len(actual) == len(expected) and all(
        e is None or a == e for a, e in zip(actual[1:], expected[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"Error when checking {what}: expected {name} to have shape {tuple(expected[1:])} but "
            f"got array with shape {tuple(actual[1:])}."
            if len(actual) == len(expected)
            else f"Error when checking {what}: {name} must have {len(expected)} axes. "
            f"Received: an array of shape {tuple(actual)}"
        )


def check_lengths(inputs, targets):
    """Demand that all arrays have the same number of samples.

    Raises:
        ValueError: if they have not.
    """
    for arrays, kind in ((inputs, "Input"), (targets, "Target")):
        counts = {a.shape[0] for a in arrays if a is not None}
        if len(counts) > 1:
            raise ValueError(
                f"All {kind.lower()} arrays should have the same number of samples. Got array "
                f"shapes: {[a.shape for a in arrays if a is not None]}"
            )
    first = [arrays[0].shape[0] for arrays in (inputs, targets) if arrays and arrays[0] is not None]
    if len(set(first)) > 1:
        raise ValueError(
            "There must be a target for each sample. Received: "
            f"{first[0]} samples of the inputs and {first[1]} of the targets"
        )


def sample_weights(targets, weights, class_weights, modes):
    """Return an array of weights for each target.

    Args:
        targets: list of arrays.
        weights: list of arrays of sample weights, or Nones.
        class_weights: list of dicts of class to weight, or Nones.
        modes: list of `"temporal"` or None.

    Returns:
        A list of arrays, of ones where nothing is given.
    """
    return [_weights(*parts) for parts in zip(targets, weights, class_weights, modes, strict=True)]


def _weights(y, weight, classes, mode):
    if weight is not None:
        weight = np.asarray(weight)
        _check_rank(weight, mode, y)
    by_class = None
    if classes:
        labels = y.argmax(axis=1) if y.shape[-1] > 1 else y.reshape(-1)
        missing = set(np.unique(labels)) - set(classes)
        if missing:
            raise ValueError(
                f"`class_weight` has no weight for the classes {sorted(missing)} of the targets: "
                "give one for each."
            )
        by_class = np.array([classes[label] for label in labels.tolist()], "float32")
    if weight is not None and by_class is not None:
        return weight * by_class
    if weight is not None:
        return weight
    if by_class is not None:
        return by_class
    return np.ones(y.shape[:2] if mode == "temporal" else y.shape[:1], "float32")


def _check_rank(weight, mode, y):
    expected = 2 if mode == "temporal" else 1
    if weight.ndim != expected:
        hint = "" if mode else ' For weights of steps compile with `sample_weight_mode="temporal"`.'
        raise ValueError(
            f"Found a sample_weight array of shape {weight.shape} for an output with targets of "
            f"shape {y.shape}: expected {expected} axes.{hint}"
        )


def by_name(value, names, argument):
    """Return an argument of `fit` that may be given by output as a list.

    Args:
        value: None, one value, a list with an entry for each output, or a dict by name.
        names: the outputs' names.
        argument: the argument's name, for messages.

    Returns:
        A list.
    """
    if value is None or _is_empty(value):
        return [None] * len(names)
    if isinstance(value, dict) and any(key in names for key in value):
        return [value.get(name) for name in names]
    if len(names) == 1:
        return list(value) if isinstance(value, list) and len(value) == 1 else [value]
    if isinstance(value, (list, tuple)) and len(value) == len(names):
        return list(value)
    raise ValueError(
        f"The model has {len(names)} outputs: `{argument}` must be a list with an entry for each, "
        "or a dict by name."
    )


def batches(count, batch_size):
    """Return the pairs `(start, end)` of batches of samples."""
    return [(i, min(i + batch_size, count)) for i in range(0, count, batch_size)]


def taken(arrays, which):
    """Return some samples of each array: a slice, or an array of indices."""
    if isinstance(which, np.ndarray) and any(not isinstance(a, np.ndarray) for a in arrays):
        which = np.sort(which)
    return [a[which] for a in arrays]
