"""HDF5 attributes: names and configurations, read once to see that they can be read."""

from typing import Any

import h5py
from h5py import h5a, h5s  # type: ignore[attr-defined]  # compiled

from minikeras.saving.guard.errors import damaged, refuse
from minikeras.saving.guard.hdf5_types import DAMAGED, Limits, check_kind, is_variable_string

# Keras splits lists of names that are too long for one attribute over numbered ones.
MAX_ATTRIBUTES = 10_000


def check_attributes(item: Any, header: int, where: str, limits: Limits) -> None:
    """Refuse attributes that are too many, too large, or no names, numbers or text.

    Args:
        item: a low-level group or data set.
        header: the address of its object header.
        where: the file and the path in it.
        limits: what the file may hold.
    """
    names: list[bytes] = []

    def note(name: bytes) -> bool | None:
        names.append(bytes(name))
        return True if len(names) > MAX_ATTRIBUTES else None  # True ends the iteration

    h5a.iterate(item, note)
    if len(names) > MAX_ATTRIBUTES:
        refuse(where, f"more than {MAX_ATTRIBUTES} attributes")
    for name in names:
        inside = f"{where}: attribute {name[:200].decode(errors='replace')!r}"
        with damaged(inside, *DAMAGED):
            name.decode("utf-8")
            _check_attribute(item, header, name, inside, limits)


def _check_attribute(item: Any, header: int, name: bytes, where: str, limits: Limits) -> None:
    attribute = h5a.open(item, name)
    kind, space = attribute.get_type(), attribute.get_space()
    check_kind(kind, where)
    if space.get_simple_extent_type() == h5s.NULL:
        return
    count = space.get_simple_extent_npoints()
    if count * kind.get_size() > limits.size:
        refuse(where, f"declares {count * kind.get_size()} bytes, in a file of {limits.size}")
    if is_variable_string(kind):
        limits.add_strings(where, limits.raw.in_attribute(header, name, count, where))
    h5py.AttributeManager(_Item(item))[name.decode("utf-8")]


class _Item:
    """What h5py's attributes are read from: an object with a low-level `id`."""

    def __init__(self, item: Any):
        self.id = item
        self._id = item
