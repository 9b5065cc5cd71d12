"""Elements of data sets: what they may be made of, and how they come together in batches."""

from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees


class Objects(np.ndarray):
    """An array of strings, bytes or arrays of various shapes, with the `numpy()` of tensors."""

    def numpy(self):
        """Return the array itself; where it has no axes, what is in it."""
        return np.asarray(self) if self.ndim else self.item()


def objects(value):
    """Return a string, bytes or an array as the one element of an array without axes."""
    holder = np.empty(1, dtype="object")
    holder[0] = value
    return holder[0, ...].view(Objects)


def slices(arrays, count):
    """Yield the slices of arrays along their first axis."""
    for i in range(count):
        yield trees.map_structure(lambda leaf, i=i: leaf[i, ...], arrays)


def as_arrays(element):
    """Return an element of tensors, arrays, numbers and strings as NumPy arrays; a list is one."""
    if isinstance(element, dict):
        return {key: as_arrays(part) for key, part in element.items()}
    if isinstance(element, tuple):
        parts = map(as_arrays, element)
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    if isinstance(element, list) and any(isinstance(part, (str, bytes)) for part in element):
        return np.array(element, dtype="object")
    return as_array(element)


def as_array(leaf) -> np.ndarray[Any, Any]:
    """Return a tensor, an array, a list, a number or a string as a NumPy array."""
    if isinstance(leaf, (str, bytes)):
        return objects(leaf)
    if isinstance(leaf, np.ndarray):
        return leaf.astype("object").view(Objects) if leaf.dtype.kind in "SU" else leaf
    if hasattr(leaf, "__array__") and not isinstance(leaf, np.generic):
        return as_array(np.asarray(leaf))
    return device.to_numpy(convert_to_tensor(leaf).data)


def as_numpy(element):
    """Return an element as `as_numpy_iterator` does: NumPy's numbers for arrays without axes."""
    return trees.map_structure(lambda leaf: leaf if leaf.ndim else leaf[()], element)


def as_tensors(element):
    """Return an element as loops get it: tensors, and arrays of strings."""
    return trees.map_structure(_as_tensor, element)


def _as_tensor(leaf):
    return leaf.view(Objects) if leaf.dtype.kind == "O" else Tensor(device.asarray(leaf))


def stacked(leaves):
    """Stack arrays of one shape."""
    shapes = {leaf.shape for leaf in leaves}
    if len(shapes) > 1:
        raise ValueError(
            f"Elements of the shapes {sorted(shapes)} can't be stacked to a batch: bring them to "
            "one shape first, or take batches of one element."
        )
    return np.stack(leaves)


def padded(leaves):
    """Stack arrays at the start of one that has the largest size along each axis."""
    shape = tuple(max(sizes) for sizes in zip(*(leaf.shape for leaf in leaves), strict=True))
    batch = np.zeros((len(leaves), *shape), leaves[0].dtype)
    for i, leaf in enumerate(leaves):
        batch[(i, *map(slice, leaf.shape))] = leaf
    return batch
