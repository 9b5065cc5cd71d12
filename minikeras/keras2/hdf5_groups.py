"""Weights of layers in groups of HDF5 files, in the layout of Keras 2.

A group has the attribute `layer_names`, and for each of them a group with the arrays and their
`weight_names`.
"""

from typing import Any

import h5py
import numpy as np

from minikeras.keras2.utils.io_utils import save_attributes_to_hdf5_group
from minikeras.saving.legacy.arrays import Layout, converted
from minikeras.saving.legacy.groups import generation_of, names_in, text
from minikeras.saving.legacy.weights import load_weights, slots_of

__all__ = [
    "load_attributes_from_hdf5_group",
    "load_weights_from_hdf5_group",
    "load_weights_from_hdf5_group_by_name",
    "preprocess_weights_for_loading",
    "save_attributes_to_hdf5_group",
    "save_weights_to_hdf5_group",
]

VERSION = "2.2.4"
"""The release of Keras whose layout is written."""


# --- Attributes -----------------------------------------------------------------------------------


def load_attributes_from_hdf5_group(group, name):
    """Return the list of texts that `save_attributes_to_hdf5_group` wrote.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.engine import saving
        >>> with h5py.File("names.h5", "w") as file:
        ...     saving.save_attributes_to_hdf5_group(file, "layers", ["a", "b"])
        ...     saving.load_attributes_from_hdf5_group(file, "layers")
        ['a', 'b']
    """
    is_there = name in group.attrs or f"{name}0" in group.attrs
    return names_in(group, name) if is_there else []


# --- Writing --------------------------------------------------------------------------------------


def save_weights_to_hdf5_group(f, layers):
    """Write the weights of layers.

    Args:
        f: group of an HDF5 file.
        layers: list of layers.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(2, input_dim=3, name="sums")])
        >>> with h5py.File("weights.h5", "w") as file:
        ...     saving.save_weights_to_hdf5_group(file, model.layers)
        ...     list(file), file["sums/sums/kernel:0"].shape
        (['sums'], (3, 2))
    """
    sign(f)
    save_attributes_to_hdf5_group(f, "layer_names", [layer.name for layer in layers])
    for layer in layers:
        pairs = [(w.name.removesuffix(":0"), w) for w in layer.weights]
        write_arrays(f.create_group(layer.name), pairs)


def sign(group):
    """Write the release into a group."""
    group.attrs["keras_version"], group.attrs["backend"] = VERSION.encode(), b"tensorflow"


def write_arrays(group, pairs):
    """Write pairs of a name and an array, with the names as an attribute."""
    names = []
    for name, variable in pairs:
        again = sum(other.startswith(name) for other in names)
        names.append(f"{name}_{again}:0" if f"{name}:0" in names else f"{name}:0")
        group.create_dataset(names[-1], data=np.asarray(variable))
    save_attributes_to_hdf5_group(group, "weight_names", names)


# --- Reading --------------------------------------------------------------------------------------


class _Layers:
    """Layers that are read together, as the reader of models takes them."""

    _trainable_variables = _non_trainable_variables = ()
    built = True
    name = "layers"

    def __init__(self, layers):
        self.layers: list[Any] = list(layers)

    def _flatten_layers(self, include_self=False):
        return [inside for layer in self.layers for inside in layer._flatten_layers()]


def load_weights_from_hdf5_group(f, layers, reshape=False):
    """Read the weights of layers in the order of a group: all of them, or none.

    Args:
        f: group of an HDF5 file, written by any release of Keras.
        layers: list of layers.
        reshape: accepted.

    Raises:
        ValueError: if the number of layers, or a shape, is another.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> one, other = (Sequential([Dense(2, input_dim=3)]) for _ in range(2))
        >>> one.save_weights("weights.h5")
        >>> with h5py.File("weights.h5") as file:
        ...     saving.load_weights_from_hdf5_group(file, other.layers)
        >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
        True
    """
    load_weights(_Layers(layers), f, layout_of(f))


def load_weights_from_hdf5_group_by_name(f, layers, skip_mismatch=False, reshape=False):
    """Read the weights of the layers whose names a group has; others stay as they are.

    Args:
        f: group of an HDF5 file, written by any release of Keras.
        layers: list of layers.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
        reshape: accepted.

    Raises:
        ValueError: if a layer does not fit.

    Example:
        >>> import h5py
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> one = Sequential([Dense(2, input_dim=3, name="a"), Dense(4)])
        >>> other = Sequential([Dense(2, input_dim=3, name="a"), Dense(5)])
        >>> one.save_weights("weights.h5")
        >>> with h5py.File("weights.h5") as file:
        ...     saving.load_weights_from_hdf5_group_by_name(file, other.layers)
        >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
        True
    """
    load_weights(_Layers(layers), f, layout_of(f), True, skip_mismatch)


def layout_of(group: h5py.Group) -> Layout:
    """Return how the weights in a group are stored, by the release that it names."""
    return _layout(group.attrs.get("keras_version"), group.attrs.get("backend"))


def _layout(version, backend):
    generation = 1 if version in (None, "1", b"1") else generation_of(version)
    return Layout(generation, backend is not None and text(backend) == "theano")


def preprocess_weights_for_loading(
    layer, weights, original_keras_version=None, original_backend=None, reshape=False
):
    """Return arrays that a release of Keras stored for a layer as the layer's own.

    Args:
        layer: the layer, wrapper or model.
        weights: list of arrays in the order of the file.
        original_keras_version: the release, such as `"1.2.2"`; None for Keras 1.
        original_backend: `"theano"` for kernels that are turned around.
        reshape: accepted.

    Returns:
        A list of arrays in the order of the layer's weights.

    Raises:
        ValueError: if there are more or fewer arrays than weights.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Conv1D
        >>> from minikeras.keras2.models import Sequential
        >>> layer = Conv1D(4, 3, input_shape=(8, 2))
        >>> model = Sequential([layer])
        >>> stored = [np.zeros((3, 1, 2, 4)), np.zeros(4)]  # with an axis for the width
        >>> [w.shape for w in saving.preprocess_weights_for_loading(layer, stored, "1")]
        [(3, 2, 4), (4,)]
    """
    layout = _layout(original_keras_version, original_backend)
    by_id = {}
    for slot in slots_of(layer, [(str(i), np.asarray(w)) for i, w in enumerate(weights)]):
        arrays = converted(slot.layer, [array for _, array in slot.sources], layout)
        by_id.update((id(v), a) for v, a in zip(slot.variables, arrays, strict=True))
    return [by_id[id(variable)] for variable in layer.weights]
