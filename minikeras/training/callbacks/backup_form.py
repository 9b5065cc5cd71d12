"""What the backup of a training holds beside its variables, and the check that a file holds it."""

from types import NoneType

import numpy as np

from minikeras.core.registry import MALFORMED
from minikeras.training.callbacks.packing import unpack

# A dict of names and forms; a type or types; or a function that says whether a value is good.
_DATA = {
    "step": lambda value: _is_count(value),
    "seen": lambda value: value is None or _is_count(value),
    "order": lambda value: value is None or _is_order(value),
    "known": lambda value: value is None or _is_count(value),
    "state": object,
    "state_before": object,
}
_FORM = {
    "position": {
        "epoch": lambda value: _is_count(value),
        "logs": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
        "data": _DATA,
        "validation": lambda value: value is None or _check(value, _DATA, "validation") is None,
    },
    "stop_training": bool,
    "random": {
        "python": list,
        "numpy": dict,
        "generator": (NoneType, np.ndarray),
        "run_seed": (NoneType, int),
        "op_seeds": int,
    },
    "callbacks": lambda value: isinstance(value, list) and all(map(_is_callback, value)),
}


def unpacked_backup(packed, path):
    """Return what a backup says, as the callback wrote it.

    Args:
        packed: the strings and arrays of the file.
        path: the file, for errors.

    Returns:
        A nest of plain values and arrays.

    Raises:
        OSError: if the file holds something else.
    """
    try:
        saved = unpack(packed)
        _check(saved, _FORM, "the backup")
    except (ValueError, TypeError, *MALFORMED) as error:
        raise OSError(f"{path}: damaged: {type(error).__name__}: {error}") from error
    return saved


def _check(value, form, what):
    if isinstance(form, dict):
        if not isinstance(value, dict) or value.keys() != form.keys():
            raise ValueError(f"{what} should be a dict with the keys {list(form)}")
        for key, inner in form.items():
            _check(value[key], inner, f"'{key}' of {what}")
        return
    is_type = isinstance(form, (type, tuple))
    if not (isinstance(value, form) if is_type else form(value)):
        raise ValueError(f"{what} is none: {value!r:.200}")


def _is_count(value):
    return type(value) is int and value >= 0


def _is_number(value):
    return isinstance(value, (int, float, np.generic))


def _is_order(value):
    """Whether an array has each place of itself once."""
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iu":
        return False
    return np.array_equal(np.sort(value), np.arange(len(value)))


def _is_callback(value):
    is_pair = isinstance(value, list) and len(value) == 2
    return is_pair and isinstance(value[0], str) and isinstance(value[1], dict)


def is_like(value, present):
    """Say whether a saved value may take the place of the present one of an attribute."""
    if value is None or present is None:
        return True
    if _is_number(present):
        return _is_number(value)
    return isinstance(value, type(present))
