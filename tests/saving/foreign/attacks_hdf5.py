"""Attacks by HDF5: other files, declared sizes, and weights that are not the model's."""

import h5py
import numpy as np

from tests.saving.foreign.attack_files import attack, beyond, ways_of_weights


def _nested(make):
    """Both beside the weights and below a group that a model does not ask for."""

    def change(file):
        del file["layers/dense/vars/1"]
        make(file, "layers/dense/vars/1")
        make(file, "layers/other/below/vars/0")

    return change


@attack("external link")
def external_links(folder):
    def make(file, name):
        file[name] = h5py.ExternalLink(str(beyond(folder) / "beyond.h5"), "/secret")

    return ways_of_weights(folder, _nested(make))


@attack("soft link")
def soft_links(folder):
    def make(file, name):
        file[name] = h5py.SoftLink("/layers/dense/vars/0")

    return ways_of_weights(folder, _nested(make))


@attack("external storage")
def external_storage(folder):
    def make(file, name):
        place = (str(beyond(folder) / "beyond.txt"), 0, 8)
        file.create_dataset(name, (2,), "f4", external=[place])

    return ways_of_weights(folder, _nested(make))


@attack("virtual")
def virtual_data_sets(folder):
    def make(file, name):
        layout = h5py.VirtualLayout((2,), "f4")
        layout[:] = h5py.VirtualSource(str(beyond(folder) / "beyond.h5"), "secret", (2,))
        file.create_virtual_dataset(name, layout)

    return ways_of_weights(folder, _nested(make))


@attack("same object")
def groups_in_themselves(folder):
    def change(file):
        file["layers/dense/inner"] = file["layers"]

    return ways_of_weights(folder, change)


@attack("declares|stored|chunks")
def numbers_that_are_not_stored(folder):
    def make(file, name):
        file.create_dataset(name, (2**36,), "f4", fillvalue=1.0)

    return ways_of_weights(folder, _nested(make))


@attack("declares|stored|chunks")
def chunks_that_are_not_stored(folder):
    def make(file, name):
        file.create_dataset(name, (2**36,), "f4", chunks=(2**28,), compression="gzip")

    return ways_of_weights(folder, _nested(make))


@attack("declares|stored|decompress")
def numbers_that_expand(folder):
    def make(file, name):
        chunk = file.create_dataset(name, (2**26,), "f4", chunks=(2**20,), compression="gzip")
        chunk[: 2**24] = 0

    return ways_of_weights(folder, _nested(make))


def _set(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@attack("shape|dtype|type|missing|has not|group|no such|same|data set|layers")
def weights_of_another_form(folder):
    kernel = "layers/dense/vars/0"
    changes = {
        "shape": _set(kernel, np.zeros((2, 3), "f4")),
        "number": _set(kernel, np.float32(1)),
        "more axes": _set(kernel, np.zeros((1, 3, 2), "f4")),
        "complex": _set(kernel, np.zeros((3, 2), "c8")),
        "text": _set(kernel, np.full((3, 2), b"abc")),
        "empty": _set(kernel, h5py.Empty("f4")),
        "surplus, empty": lambda file: file.__setitem__("layers/a/vars/0", h5py.Empty("f4")),
        "surplus, a group": lambda file: file.create_group("layers/dense/vars/7"),
        "missing": lambda file: file.__delitem__(kernel),
        "surplus": lambda file: file.__setitem__("layers/dense/vars/2", np.zeros(2)),
        "another layer": lambda file: file.__setitem__("layers/dense_1/vars/0", np.zeros(2)),
        "a group": lambda file: (file.__delitem__(kernel), file.create_group(kernel)),
    }
    ways = {}
    for name, change in changes.items():
        inner = folder / name.replace(" ", "_")
        inner.mkdir()
        loads = ways_of_weights(inner, change)
        ways |= {f"{name}: {way}": loads[way] for way in ("weights", "load_model", "load_weights")}
    return ways
