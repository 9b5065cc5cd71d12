"""HDF5 files of weights, and HDF5 files that try something else."""

import os
import re
import struct
import zlib

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.guard import FileError, open_archive, open_hdf5, read_array
from minikeras.saving.guard.hdf5 import MAX_DEPTH
from tests.saving.hostile import bounded, flipped
from tests.saving.test_guard_archive import make

SECRET = b"nobody may read this"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.h5"


def make_good(path):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.arange(6, dtype="float32").reshape(3, 2)
        file["layers/dense/vars/1"] = np.arange(2, dtype=">f8")
        file["layers/dense/vars"].attrs["name"] = "dense"
        file.attrs["names"] = ["dense", "", "long" * 100]
        file.attrs["old_names"] = np.array([b"dense", b"conv"])
        file["text"] = "a vocabulary"
        file["words"] = ["a", "", "ccc"]
        file["flag"] = np.array([True, False])
        file["empty"] = np.zeros((0, 3))
        file["nothing"] = h5py.Empty("f")
        for compression in ("gzip", "lzf"):
            file.create_dataset(
                compression,
                data=np.arange(1000) % 7,
                chunks=(300,),
                compression=compression,
                shuffle=True,
                fletcher32=True,
            )
        file.create_dataset("plain", data=np.arange(10), chunks=(4,), maxshape=(None,))
    return path


def everything(path):
    """All that a file holds."""
    content = {}

    def note(name, item):
        content[name] = {key: np.array(value).tolist() for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            content[name]["value"] = read_array(item).tolist()

    with open_hdf5(path) as file:
        file.visititems(note)
        content["/"] = {key: np.array(value).tolist() for key, value in file.attrs.items()}
    return content


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_good_files(path, version):
    with h5py.File(path, "w", libver=version) as file:
        file.attrs["names"] = ["dense", "é"]
        file.create_group("a", track_order=True).attrs["name"] = "dense"
        file["a/b"] = 3.0
    assert everything(path)["/"] == {"names": ["dense", "é"]}
    assert everything(path)["a"] == {"name": "dense"}
    content = everything(make_good(path))
    assert content["layers/dense/vars/0"]["value"] == [[0, 1], [2, 3], [4, 5]]
    assert content["gzip"]["value"] == content["lzf"]["value"] == [i % 7 for i in range(1000)]
    assert content["words"]["value"] == [b"a", b"", b"ccc"]


def test_in_an_archive(path, tmp_path):
    make_good(path)
    make(tmp_path / "model.keras", {"config.json": b"{}", "w.h5": path.read_bytes()})
    with (
        open_archive(tmp_path / "model.keras") as archive,
        open_hdf5(archive.view("w.h5")) as file,
    ):
        assert read_array(file["layers/dense/vars/0"]).sum() == 15
        with pytest.raises(
            FileError, match=r"model\.keras: w\.h5: /layers/dense/vars/0: has shape"
        ):
            read_array(file["layers/dense/vars/0"], shape=(2, 3))


def test_read_array(path):
    with open_hdf5(make_good(path)) as file:
        weight, layer = file["layers/dense/vars/1"], file["layers/dense"]
        assert read_array(weight).dtype == np.dtype("float64")
        assert read_array(weight, (2,), "float16").dtype == np.dtype("float16")
        for expected, arguments in {
            "int32": {"dtype": "int32"},
            r"\(2,\); \(\) is expected": {"shape": ()},
        }.items():
            with pytest.raises(FileError, match=expected):
                read_array(weight, **arguments)
        with pytest.raises(FileError, match="not a Group"):
            read_array(layer)
        with pytest.raises(FileError, match="does not convert"):
            read_array(file["text"], dtype="float32")


@pytest.mark.parametrize("values", [np.float32([1.0, -2.5, 3e38]), np.array(0.5, "float32")])
def test_bfloat16(path, values):
    with h5py.File(path, "w") as file:
        file["a"] = (values.view("uint32") >> 16).astype("<u2").view("V2")
    with open_hdf5(path) as file:
        array = read_array(file["a"])
    assert isinstance(array, np.ndarray)
    np.testing.assert_allclose(array, values, rtol=2**-7)


def soft_link(file):
    file["layers/a"] = h5py.SoftLink("/layers/dense")


def external_link(file):
    file["layers/a/b/c"] = h5py.ExternalLink("secret.h5", "/")


def external_storage(file):
    file.create_dataset("a/b", (20,), "u1", external=[("secret", 0, 20)])


def virtual(file):
    layout = h5py.VirtualLayout((20,), "u1")
    layout[:] = h5py.VirtualSource("secret.h5", "a", (20,))
    file.create_virtual_dataset("a/b", layout)


def circle(file):
    file["layers/dense/a"] = file["layers"]


def two_names(file):
    file["layers/dense/a"] = file["layers/dense/vars/0"]


def deep(file):
    file["a/" * (MAX_DEPTH + 1) + "b"] = 1


def fill_value(file):
    file.create_dataset("a", (1 << 40,), "f4", fillvalue=1)


def small_fill_value(file):
    file.create_dataset("a", (1 << 15,), "f4", fillvalue=1)


def many_chunks(file):
    file.create_dataset("a", (100_000,), "u1", chunks=(1,))


def fill_value_chunked(file):
    file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 20,))


def partly_written(file):
    file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 10,))[:5] = 1


def large_chunk(file):
    data = file.create_dataset(
        "a", (1,), "u1", chunks=(1 << 27,), maxshape=(None,), compression="gzip"
    )
    data[:] = 1


def bomb(file):
    file.create_dataset("a", data=np.zeros(1 << 27, "u1"), compression="gzip", chunks=True)


def chunk_bomb(file):
    """A chunk that decompresses to more than it declares; HDF5 would decompress all of it."""
    data = file.create_dataset("a", (1000,), "u1", chunks=(1000,), compression="gzip")
    data.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 28)))


def other_filter(file):
    file.create_dataset("a", data=np.arange(100), chunks=(10,), scaleoffset=2)


def filter_twice(file):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((10,))
    plan.set_deflate(9)
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((10,))
    h5py.h5d.create(file.id, b"a", h5py.h5t.NATIVE_DOUBLE, space, plan)


def compound(file):
    file["a"] = np.zeros(3, [("x", "f4"), ("y", "i4"), ("z", "f4")])


def reference(file):
    file.create_dataset("a", data=[file["layers"].ref], dtype=h5py.ref_dtype)


def ragged(file):
    file.create_dataset("a", (2,), h5py.vlen_dtype("f4"))[0] = [1, 2]


def opaque(file):
    file["a"] = np.zeros(3, "V1000")


def _float_of(exponent_bits, mantissa_bits):
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_fields(63, mantissa_bits, exponent_bits, 0, mantissa_bits)
    kind.set_ebias(2 ** (exponent_bits - 1) - 1)
    return kind


def wider_float(file):
    h5py.h5d.create(file.id, b"a", _float_of(13, 50), h5py.h5s.create_simple((3,)))


def widest_float(file):
    h5py.h5d.create(file.id, b"a", _float_of(20, 43), h5py.h5s.create_simple((3,)))


def named_type(file):
    file["a"] = np.dtype("f4")


def reference_in_attribute(file):
    file["layers"].attrs["a"] = file["layers"].ref


def many_attributes(file):
    group = file.create_group("a", track_order=True)
    for number in range(10_001):
        group.attrs[str(number)] = 1


def name_that_is_no_text(file):
    h5py.h5g.create(file.id, b"\xff\xfe")


HOSTILE = {
    soft_link: "a soft link",
    external_link: "an external link",
    external_storage: "another file",
    virtual: "virtual",
    circle: "is the same object as",
    two_names: "is the same object as",
    deep: "nested more than",
    fill_value: "declares 4398046511104 bytes",
    small_fill_value: "none of which are stored",
    fill_value_chunked: "declares 4398046511104 bytes",
    many_chunks: "more than 65536 chunks",
    partly_written: "declares 4398046511104 bytes",
    large_chunk: "declares 134217728 bytes",
    bomb: "declares 134217728 bytes|declares 13",
    chunk_bomb: "does not decompress to its 1000 bytes",
    other_filter: "HDF5 filter 6",
    filter_twice: "no order that h5py writes",
    compound: "the type",
    reference: "the type",
    ragged: "the type",
    opaque: "the type",
    wider_float: "the type float128|Insufficient precision",
    widest_float: "Insufficient precision",
    named_type: "neither a group nor a data set",
    reference_in_attribute: "/layers: attribute 'a': the type",
    many_attributes: "so many links or attributes",
    name_that_is_no_text: "UnicodeDecodeError",
}


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.__name__)
def test_refused(path, tmp_path, monkeypatch, attack):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(SECRET)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = np.frombuffer(SECRET, "u1")
    make_good(path)
    with h5py.File(path, "r+") as file:
        attack(file)
    with bounded(), pytest.raises(FileError, match=HOSTILE[attack]) as caught, open_hdf5(path):
        pass
    assert str(caught.value).startswith(str(path))
    assert (tmp_path / "secret").read_bytes() == SECRET
    assert sorted(os.listdir(tmp_path)) == ["secret", "secret.h5", "weights.h5"]


def test_a_name_that_means_another_object(path):
    make_good(path)
    for name in (b".", b"..", b"a/b", b""):
        content = path.read_bytes().replace(b"nothing\0", name + bytes(8 - len(name)))
        path.with_name("changed.h5").write_bytes(content)
        with (
            pytest.raises(FileError, match="name|damaged"),
            open_hdf5(path.with_name("changed.h5")),
        ):
            pass


def test_many_names_for_one_long_string(path):
    """HDF5 would copy the string for each of the names: here 4 MiB 1000 times."""
    with h5py.File(path, "w") as file:
        file.attrs["a"] = "x" * (1 << 22)
        file.attrs["b"] = ["y" * 77] * 1000
    content = bytearray(path.read_bytes())
    long = content.index(struct.pack("<IQ", 1 << 22, content.index(b"GCOL")))
    first = content.index(struct.pack("<I", 77))
    content[first : first + 16 * 1000] = content[long : long + 16] * 1000
    path.write_bytes(content)
    with bounded(), pytest.raises(FileError, match="bytes of strings"), open_hdf5(path):
        pass


def test_a_damaged_heap_is_refused_before_hdf5_reads_it(path):
    """An object of size 0 lets HDF5 1.14 loop without end."""
    make_good(path)
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    position, refused = heap + 16, set()
    for offset in range(0, 200, 2):
        changed = bytearray(content)
        changed[position + offset : position + offset + 16] = bytes(16)
        path.write_bytes(changed)
        try:
            with bounded():
                everything(path)
        except FileError:
            refused.add(offset)
    assert 0 in refused  # the first object; what follows is text, headers and text again


@pytest.mark.parametrize("step", [101, pytest.param(1, marks=pytest.mark.slow)])
def test_cut_at_every_length(path, step):
    whole = make_good(path).read_bytes()
    for length in range(0, len(whole), step):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match=r"weights\.h5"), open_hdf5(path):
            pass


@pytest.mark.parametrize("times", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_or_read(path, times):
    whole = make_good(path).read_bytes()
    for content in flipped(whole, times):
        path.write_bytes(content)
        try:
            with bounded():
                everything(path)
        except FileError as error:
            assert "weights.h5" in str(error)


def test_what_is_no_hdf5_file(path):
    for content in (b"", b"x", b"PK\3\4" * 100, b"\x89HDF\r\n\x1a\n", bytes(5000)):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"weights\.h5"), open_hdf5(path):
            pass
    with pytest.raises(FileNotFoundError, match="nothing"), open_hdf5(path.with_name("nothing")):
        pass


def _with(content, position, form, *values):
    """A copy of a file with numbers written over a place."""
    changed = bytearray(content)
    struct.pack_into(form, changed, position, *values)
    return bytes(changed)


def test_groups_that_lead_in_a_circle(path):
    """HDF5 follows them without end, or until it has no memory."""
    with h5py.File(path, "w") as file:
        for number in range(2000):
            file[f"group/{number}"] = np.float32(number)
        del file["group/7"]
    whole = path.read_bytes()
    everything(path)
    trees = [m.start() for m in re.finditer(b"TREE", whole)]
    heaps = [m.start() for m in re.finditer(b"HEAP", whole)]
    upper = next(place for place in trees if whole[place + 5])
    changes = [_with(whole, upper + 32, "<Q", upper), _with(whole, upper + 48, "<Q", trees[-1])]
    for place in heaps:
        size, _, data = struct.unpack_from("<QQQ", whole, place + 8)
        block = data + 16
        listed = _with(whole, place + 16, "<Q", 16)
        changes.append(_with(listed, block, "<QQ", 16, 16))
        changes.append(_with(whole, place + 16, "<Q", size))
    for content in changes:
        path.write_bytes(content)
        with bounded(), pytest.raises(FileError, match="damaged"):
            everything(path)


def test_weights_in_bfloat16_are_read_exactly(tmp_path):
    """Keras stores them as two opaque bytes; float32 holds each of them."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.save_weights(tmp_path / "m.weights.h5")
    halves = np.random.default_rng(0).integers(0, 0x7F80, (2, 3)).astype("<u2")
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = halves.view("V2")
    model.load_weights(tmp_path / "m.weights.h5")
    kernel = model.layers[0].kernel.numpy()
    np.testing.assert_array_equal(kernel.view("uint32"), halves.astype("uint32") << 16)
