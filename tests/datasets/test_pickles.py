"""Pickles of data sets: arrays, numbers, strings, lists and dicts, and nothing else."""

import contextlib
import datetime
import functools
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from minikeras.datasets import cifar, npz, pickles
from minikeras.saving.guard import FileError
from tests.datasets.small_files import python_2_pickle
from tests.saving.hostile import bounded


def ragged():
    lists = np.empty(3, dtype=object)
    lists[:] = [[1, 300, 70_000], [], [2, -5]]
    return lists


PLAIN = [
    {b"labels": [1, 2], b"data": np.arange(6, dtype=np.uint8).reshape(2, 3)},
    {"a": None, "b": [True, False, 1.5, -7, 2**40, "text", b"bytes"]},
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(3, dtype=">i4"),
    np.array([b"ab", b"c"]),
    ragged(),
    list(range(2000)),
    [[i] for i in range(1000)],
]


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_data(value, protocol):
    got = pickles.loads(pickle.dumps(value, protocol), "file")
    np.testing.assert_equal(got, value)
    assert type(got) is type(value)


def test_pickles_of_python_2():
    value = {b"data": np.arange(6, dtype="i2"), b"labels": [1, -1], b"names": [b"a"]}
    np.testing.assert_equal(pickles.loads(python_2_pickle(value), "file"), value)


class Gadget:
    """Calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def array(
    shape=(3,), kind=b"u1", state=b"K\x03U\x01|NNNK\x00K\x00K\x00", content=b"abc", version=1
):
    """A pickle of an array whose parts need not belong together."""
    sizes = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", size) for size in shape) + b"t"
    dtype = b"cnumpy\ndtype\nU" + bytes([len(kind)]) + kind + b"\x85R(" + state + b"tb"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n)R"
    content = b"U" + bytes([len(content)]) + content if isinstance(content, bytes) else b"](K\x01e"
    return (
        b"\x80\x02" + empty + b"(K" + bytes([version]) + sizes + dtype + b"\x89" + content + b"tb."
    )


def test_the_array_of_these_tests_is_read():
    assert pickles.loads(array(), "file").tobytes() == b"abc"


HOSTILE = {
    "system": pickle.dumps(Gadget(os.system, "touch beyond")),
    "eval": pickle.dumps([1, Gadget(eval, "open('beyond', 'w')")]),
    "in an array": pickle.dumps(np.array([Gadget(os.mkdir, "beyond")])),
    "partial": pickle.dumps(functools.partial(os.mkdir, "beyond")),
    "numpy's own": pickle.dumps(Gadget(np.load, "beyond", None, True)),
    "a harmless class": pickle.dumps(datetime.date(2020, 1, 1)),
    "a scalar": pickle.dumps(np.float64(1)),
    "text protocol": pickle.dumps([1, 2], 0),
    "inst": b"(S'touch beyond'\nios\nsystem\n.",
    "a persistent id": b"\x80\x02Pname\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "a new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "ndarray called": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    "a long name": b"\x80\x02c" + b"a" * 10_000 + b"\nb\n.",
    "a constructor changed": b"\x80\x02cnumpy\ndtype\n}U\x09_functionNsb.",
    "a slot changed": b"\x80\x02cnumpy\ndtype\nN}U\x09_functionNs\x86b.",
    "a list with a state": b"\x80\x02]}b.",
    "too few operands": b"\x80\x02b.",
    "appended to a number": b"\x80\x02K\x01K\x01a.",
    "a large place in memory": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a large frame": b"\x80\x04\x95" + struct.pack("<q", 1 << 40) + b"N.",
    "long bytes": b"\x80\x04\x8e" + struct.pack("<q", 1 << 40) + b"a.",
    "negative bytes": b"\x80\x02T\xff\xff\xff\xffa.",
    "an unknown protocol": b"\x80\x20N.",
    "a deep key": b"\x80\x02})" + b"\x85" * 1_000_000 + b"Ns.",
    "no end": b"\x80\x02N",
    "nothing": b"",
    "an array with a large shape": array(shape=(1 << 40,)),
    "an array with a negative shape": array(shape=(-3, -1)),
    "an array of pointers": array(kind=b"O8"),
    "an array of strings": array(kind=b"V3"),
    "an array of dates": array(kind=b"M8"),
    "an array of huge items": array(kind=b"S99999999999"),
    "an array with fields": array(state=b"K\x03U\x01|N}NK\x00K\x00K\x00"),
    "an unknown byte order": array(state=b"K\x03U\x01!NNNK\x00K\x00K\x00"),
    "a short state": array(state=b"K\x03"),
    "an array of another version": array(version=9),
    "an array with a list for numbers": array(content=[1]),
    "a dtype alone": b"\x80\x02cnumpy\ndtype\nU\x03f80\x85R.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with bounded(), pytest.raises(FileError, match="the file: "):
        pickles.loads(HOSTILE[name], "the file")
    assert not os.listdir(tmp_path)
    assert pickles.loads(array(), "file").shape == (3,)  # the constructors are what they were


def test_damage_is_refused_or_plain():
    """Whatever bytes of a pickle are changed, the outcome is plain data or the one error."""
    rng = np.random.default_rng(0)
    good = pickle.dumps({b"data": np.zeros((2, 3), np.uint8), b"labels": [1, 2, 300]}, 3)
    with bounded():
        for _ in range(3000):
            content = bytearray(good)
            for position in rng.integers(0, len(content), rng.integers(1, 4)):
                content[position] = rng.integers(256)
            with contextlib.suppress(FileError):
                pickles.loads(bytes(content[: rng.integers(1, len(content) + 1)]), "file")


def test_arrays_of_lists(tmp_path):
    values = {"a": ragged(), "b": np.arange(6.0).reshape(2, 3).T, "c": np.array(7)}
    np.savez(tmp_path / "file.npz", **values)
    got = npz.read(tmp_path / "file.npz", *values)
    for name, array in zip(values, got, strict=True):
        np.testing.assert_array_equal(array, values[name])
        assert array.dtype == values[name].dtype and array.flags.writeable


def npz_of(path, array, content=None, header=None):
    """Write an `.npz` file with one array, whose bytes or header may be others."""
    buffer = io.BytesIO()
    fields = np.lib.format.header_data_from_array_1_0(array) | (header or {})
    np.lib.format.write_array_header_1_0(buffer, fields)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "x.npy", buffer.getvalue() + (array.tobytes() if content is None else content)
        )
    return path


SHARED = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01M\xe8\x03\x85cnumpy\ndtype\nU\x01O\x85R"
)
SHARED += b"\x89](]q\x00(" + b"N" * 5000 + b"e" + b"h\x00" * 999 + b"etb."


@pytest.mark.parametrize(
    "options",
    [
        {"content": b"short"},
        {"header": {"shape": (1 << 40,)}},
        {"header": {"shape": (-3,)}},
        {"header": {"shape": "abc"}},
        {"header": {"descr": "|O"}},
        {"header": {"descr": "|O"}, "content": pickle.dumps([1, 2, 3])},
        {"header": {"descr": "|O"}, "content": pickle.dumps(np.arange(3), 3)},
        {"header": {"descr": "|O"}, "content": HOSTILE["system"]},
        {"header": {"descr": "|O", "shape": (1000,)}, "content": SHARED},
        {"header": {"descr": [("a", "|O")]}},
    ],
    ids=range(10),
)
def test_hostile_arrays(tmp_path, options):
    path = npz_of(tmp_path / "file.npz", np.arange(3), **options)
    with bounded(), pytest.raises(FileError, match=r"file.npz: x.npy"):
        npz.read(path, "x")


def test_an_array_that_is_not_there(tmp_path):
    np.savez(tmp_path / "file.npz", x=np.arange(3))
    with pytest.raises(FileError, match="y.npy: not in the archive"):
        npz.read(tmp_path / "file.npz", "x", "y")


IMAGES = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    "value",
    [
        [1],
        {b"labels": [1, 2]},
        {b"data": IMAGES},
        {b"data": IMAGES, b"labels": [1]},
        {b"data": IMAGES, b"labels": [1, "two"]},
        {b"data": IMAGES[:, :-1], b"labels": [1, 2]},
        {b"data": IMAGES.astype("float32"), b"labels": [1, 2]},
        {b"data": "text", b"labels": [1, 2]},
    ],
    ids=range(8),
)
def test_batches_that_are_none(tmp_path, value):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(value, 3))
    with pytest.raises(FileError, match="batch: "):
        cifar.read(str(path), "labels")
