"""Small files in the formats of the known data sets, in place of the downloads.

`make(folder)` writes them; `install(folder, setitem)` puts them into the table of sources, from
where they come by `file://`, as from the network; `fill_cache` puts them into the cache itself.
"""

import dataclasses
import gzip
import hashlib
import io
import json
import pickle
import tarfile

import numpy as np

from minikeras.datasets.catalog import SOURCES

WORDS = ["the", "and", "a", "of", "to", "is", "br", "in"]


def make(folder, seed=0):
    """Write a file for each entry of the table, under its name there; archives as well."""
    rng = np.random.default_rng(seed)
    images = {
        "x_train": _pixels(rng, 7, 28, 28),
        "y_train": _labels(rng, 7),
        "x_test": _pixels(rng, 3, 28, 28),
        "y_test": _labels(rng, 3),
    }
    np.savez(folder / "mnist.npz", **images)
    for name, array in images.items():
        part = "train" if name.endswith("train") else "t10k"
        kind = "images-idx3" if array.ndim == 3 else "labels-idx1"
        (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    for name, features in (("boston", 13), ("california", 8)):
        x, y = rng.normal(size=(700, features)), rng.normal(size=700)
        np.savez(folder / f"{name}_housing.npz", x=x, y=y)
    train, test = texts(rng, 60), texts(rng, 40)
    y_train, y_test = rng.integers(0, 2, 60), rng.integers(0, 2, 40)
    np.savez(folder / "imdb.npz", x_train=train, y_train=y_train, x_test=test, y_test=y_test)
    np.savez(folder / "reuters.npz", x=texts(rng, 90), y=rng.integers(0, 46, 90))
    for name in ("imdb", "reuters"):
        index = {word: i + 1 for i, word in enumerate(WORDS)}
        (folder / f"{name}_word_index.json").write_text(json.dumps(index))
    _make_cifar(folder, rng)


def _pixels(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _labels(rng, count):
    return rng.integers(0, 10, count, dtype=np.uint8)


def idx(array):
    """The bytes of an IDX file of uint8 numbers."""
    sizes = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def texts(rng, count):
    """Lists of indexes, some of which need one, two and four bytes in a pickle."""
    lists = np.empty(count, dtype=object)
    for i in range(count):
        highest = rng.choice([9, 300, 88_000])
        lists[i] = rng.integers(1, highest, rng.integers(1, 40)).tolist()
    return lists


def batch(rng, count, *keys):
    """A batch of CIFAR, as Python 2 has pickled it: its strings are bytes."""
    entries = {key: [int(label) for label in _labels(rng, count)] for key in keys}
    entries |= {b"data": _pixels(rng, count, 3072), b"batch_label": b"one of many"}
    return entries | {b"filenames": [b"a.png"] * count}


def _make_cifar(folder, rng, count=1):
    # Keras asks for batches of 10,000, or of 1, which NumPy repeats.
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    batches = {f"cifar-10-batches-py/{n}": batch(rng, count, b"labels") for n in names}
    _write_tar(folder / "cifar-10-batches-py-target", batches)
    keys = b"fine_labels", b"coarse_labels"
    batches = {f"cifar-100-python/{n}": batch(rng, 4, *keys) for n in ("train", "test")}
    _write_tar(folder / "cifar-100-python-target", batches)


def _write_tar(path, batches):
    with tarfile.open(path, "w:gz") as file:
        for name, entries in batches.items():
            content = python_2_pickle(entries) if "100" in name else pickle.dumps(entries, 3)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def python_2_pickle(value):
    """A pickle of protocol 2 as Python 2 wrote it, with strings of bytes."""
    return b"\x80\x02" + _python_2(value) + b"."


def _python_2(value):
    if isinstance(value, bytes):
        return b"T" + len(value).to_bytes(4, "little") + value
    if isinstance(value, int):
        return b"J" + value.to_bytes(4, "little", signed=True)
    if isinstance(value, list):
        return b"](" + b"".join(map(_python_2, value)) + b"e"
    if isinstance(value, dict):
        items = (_python_2(part) for item in value.items() for part in item)
        return b"}(" + b"".join(items) + b"u"
    order = {1: b"|"}.get(value.itemsize, b"<")
    kind = b"cnumpy\ndtype\n" + _python_2(value.dtype.str[1:].encode()) + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + _python_2(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    shape = b"(" + b"".join(map(_python_2, value.shape)) + b"t"
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return empty + b"(K\x01" + shape + kind + b"\x89" + _python_2(value.tobytes()) + b"tb"


def install(folder, setitem):
    """Let the table name these files and their checksums.

    Args:
        folder: where `make` has written them.
        setitem: a function of a dict, a key and a value, such as `monkeypatch.setitem`.
    """
    for name, source in list(SOURCES.items()):
        path = folder / name
        digits = source.checksum and hashlib.sha256(path.read_bytes()).hexdigest()
        new = dataclasses.replace(source, origin=path.as_uri(), checksum=digits)
        setitem(SOURCES, name, new)


def fill_cache(folder, home, monkeypatch):
    """Put the files where a download would have left them, and make `home` the cache."""
    install(folder, monkeypatch.setitem)
    monkeypatch.setenv("KERAS_HOME", str(home))
    for name, source in SOURCES.items():
        place = home / source.folder / (f"{name}_archive" if source.is_archive else name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((folder / name).read_bytes())
