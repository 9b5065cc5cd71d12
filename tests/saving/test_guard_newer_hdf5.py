"""HDF5 files in the newest form: damage with the right checksums is found before HDF5 reads it."""

import random

import h5py
import numpy as np
import pytest

from minikeras.saving.guard import FileError, open_hdf5
from tests.saving.foreign.checksums import blocks_of, forged, lookup3, newer
from tests.saving.hostile import bounded
from tests.saving.test_guard_hdf5 import everything


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.h5"


def many_links(file):
    for number in range(20):
        file[f"a/{number}"] = 1.0


def many_links_in_the_first_group(file):
    for number in range(20):
        file[str(number)] = 1.0


def many_attributes(file):
    file["a"] = 1.0
    for number in range(20):
        file["a"].attrs[str(number)] = number


def growing_chunks(file):
    file.create_dataset("a", data=np.zeros(64), chunks=(8,), maxshape=(None,))


def growing_matrix(file):
    file.create_dataset("a", data=np.zeros((8, 8)), chunks=(2, 2), maxshape=(None, None))


def fixed_chunks(file):
    file.create_dataset("a", data=np.zeros(64), chunks=(8,), compression="gzip")


INDEXED = [many_links, many_links_in_the_first_group, many_attributes]
INDEXED += [growing_chunks, growing_matrix, fixed_chunks]


@pytest.mark.parametrize("make", INDEXED)
def test_indexes_are_refused(path, make):
    with h5py.File(path, "w", libver="latest") as file:
        make(file)
    with pytest.raises(FileError, match=r"weights\.h5.*HDF5.*without `libver`"), open_hdf5(path):
        pass


@pytest.mark.parametrize("make", INDEXED)
def test_the_same_in_the_form_of_keras_is_read(path, make):
    with h5py.File(path, "w") as file:
        make(file)
    assert len(everything(path)) > 1


def small(path):
    """A file with all that stands in headers."""
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["names"] = ["dense", "é"]
        file["layers/dense/vars/0"] = np.arange(6.0).reshape(2, 3)
        file.create_group("tracked", track_order=True)["b"] = 3.0
        file.create_dataset("c", data=np.zeros((4, 4)), chunks=(4, 4), compression="gzip")
        file["words"] = ["a", "", "ccc"]
    return path.read_bytes()


def test_what_stands_in_headers_is_read(path):
    small(path)
    content = everything(path)
    assert content["layers/dense/vars/0"]["value"] == [[0, 1, 2], [3, 4, 5]]
    assert content["/"] == {"names": ["dense", "é"]}


def test_checksums_are_those_of_hdf5(path):
    assert lookup3(b"Four score and seven years ago") == 0x17770551  # from the author's own test
    assert len(blocks_of(small(path))) > 8
    path.write_bytes(newer(path.read_bytes()))
    assert {"layers", "tracked", "words"} <= set(everything(path))


@pytest.mark.parametrize("times", [150, pytest.param(5000, marks=pytest.mark.slow)])
def test_forged_checksums(path, times):
    good, read = small(path), 0
    for number in range(times):
        path.write_bytes(forged(random.Random(number), good))
        try:
            with bounded():
                read += bool(everything(path))
        except FileError:
            continue
    assert 0 < read < times
