"""What an old HDF5 file holds: attributes, some of them in several pieces, and lists of arrays."""

import json
import re
from typing import Any

import h5py
import numpy as np
from h5py import h5o  # type: ignore[attr-defined]  # compiled

from minikeras.saving.guard import parse_json


def names_in(group: h5py.Group, attribute: str) -> list[str]:
    """Return a list of names that is an attribute, or several where it was too long for one.

    Args:
        group: the group with the attribute.
        attribute: its name; pieces end in 0, 1, 2, ...

    Returns:
        The names, decoded.

    Raises:
        ValueError: if there is no such attribute.
    """
    if attribute in group.attrs:
        return _strings(group, attribute)
    names, piece = [], 0
    while f"{attribute}{piece}" in group.attrs:
        names += _strings(group, f"{attribute}{piece}")
        piece += 1
    if not piece:
        raise ValueError(
            f"Group '{group.name}' of {group.file.filename} has no attribute '{attribute}': it "
            "holds no weights as Keras 1, Keras 2 or tf-keras store them."
        )
    return names


def _strings(group, attribute):
    value: Any = group.attrs[attribute]
    if isinstance(value, h5py.Empty):
        return []
    return [text(item) for item in np.ravel(value)]


def text(value: Any) -> str:
    """Return an attribute's value as a string."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def json_in(file: h5py.Group, attribute: str) -> Any:
    """Return what the JSON in an attribute stands for, or None without the attribute.

    Raises:
        ValueError: if it is no JSON.
    """
    if attribute not in file.attrs:
        return None
    value: Any = file.attrs[attribute]
    return parse_json(value, f"attribute '{attribute}' of {file.file.filename}")


def datasets_in(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    """Return the arrays that a group lists, by name and in order.

    Raises:
        ValueError: if one is listed and not there, or is no array of numbers.
    """
    arrays = []
    for name in names_in(group, "weight_names"):
        item = group.get(name)
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub":
            what = "is missing" if item is None else f"is no array of real numbers: {item}"
            raise ValueError(f"'{name}' in group '{group.name}' of {group.file.filename} {what}.")
        arrays.append((name, item))
    return arrays


def check_distinct(arrays: list[tuple[str, h5py.Dataset]]) -> None:
    """Refuse two names of one array: weights take as much memory as the file has, no more.

    Args:
        arrays: names and data sets.

    Raises:
        ValueError: if one is listed twice.
    """
    names: dict[Any, str] = {}
    for name, array in arrays:
        address = h5o.get_info(array.id).addr
        if address in names:
            raise ValueError(
                f"{array.file.filename} lists one array as two weights: {names[address]!r} and "
                f"{name!r}, which is {array.name!r}."
            )
        names[address] = name


def subgroup(group: h5py.Group, name: str) -> h5py.Group:
    """Return a group inside a group.

    Raises:
        ValueError: if it is missing or no group.
    """
    item = group.get(name)
    if not isinstance(item, h5py.Group):
        raise ValueError(f"Group '{name}' is missing in '{group.name}' of {group.file.filename}.")
    return item


def generation_of(version: Any, config: Any = None) -> int:
    """Return 1, 2 or 3, the generation of Keras that wrote a file.

    Args:
        version: the attribute `keras_version`, or None in the oldest files.
        config: the model's config, which tells where there is no version.

    Returns:
        An int; 2 if nothing tells.
    """
    major = re.match(r"(\d+)\.", text(version)) if version is not None else None
    if major:
        return min(max(int(major[1]), 1), 3)
    described = json.dumps(config)
    if '"keras_history"' in described or '"DTypePolicy"' in described:
        return 3
    old = ("nb_filter", "dim_ordering", "inner_activation", "W_regularizer", "border_mode")
    return 1 if any(f'"{name}"' in described for name in old) else 2
