"""Files of NumPy arrays (`.npz`), among them those that hold lists as pickles.

The format of a member is that of `numpy.lib.format`: a header with shape and dtype, then the bytes
of the array, or a pickle where its elements are Python objects.
"""

import io
import math
import os
from typing import Any

import numpy as np
from numpy.lib import format as npy

from minikeras.datasets import pickles
from minikeras.saving import guard
from minikeras.saving.guard.errors import damaged, refuse

# The largest member of a known data set has 45 MiB.
_MOST = 512 << 20

_HEADERS = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
    (3, 0): npy.read_array_header_2_0,  # differs in the encoding of names of fields alone
}


def read(path: str | os.PathLike[str], *names: str) -> list[np.ndarray[Any, Any]]:
    """Read arrays of an `.npz` file.

    Args:
        path: the file.
        names: the arrays to read.

    Returns:
        New arrays, in the order of the names. Arrays of Python objects hold lists.

    Raises:
        FileError: if the file is damaged, or has no such array, or one of something else than
            numbers, strings and lists of them.

    Example:
        >>> np.savez("data.npz", x=np.arange(3), y=np.array([[1, 2], [3]], dtype="object"))
        >>> read("data.npz", "y", "x")
        [array([list([1, 2]), list([3])], dtype=object), array([0, 1, 2])]
    """
    with guard.open_archive(path) as archive:
        members = [f"{name}.npy" for name in names]
        return [
            _array(archive.read(member, limit=_MOST), f"{archive.where}: {member}")
            for member in members
        ]


def _array(content: bytes, where: str) -> np.ndarray[Any, Any]:
    """The array of a member."""
    with damaged(where, ValueError, TypeError, SyntaxError, KeyError, RecursionError):
        file = io.BytesIO(content)
        shape, is_fortran, dtype = _HEADERS[npy.read_magic(file)](file)
    rest = content[file.tell() :]
    if dtype.kind == "O":
        return _objects(rest, shape, where)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(rest):
        refuse(where, f"an array of shape {shape} and dtype {dtype} has other {len(rest)} bytes")
    order = "F" if is_fortran else "C"
    return np.frombuffer(bytearray(rest), dtype).reshape(shape, order=order)


def _objects(content: bytes, shape: tuple[int, ...], where: str) -> np.ndarray[Any, Any]:
    """An array of lists, or of numbers where all lists had one length."""
    array = pickles.loads(content, where)
    if not isinstance(array, np.ndarray) or array.shape != shape or not shape:
        refuse(where, f"the pickle holds no array of shape {shape}")
    if not all(isinstance(item, (list, np.ndarray)) for item in array):
        refuse(where, "an array of lists is expected")
    # One list may stand in many places: together they are no longer than the file.
    if sum(map(len, array)) > len(content):
        refuse(where, f"lists of {sum(map(len, array))} elements in {len(content)} bytes")
    return array
