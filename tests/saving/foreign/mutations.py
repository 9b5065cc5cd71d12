"""Files changed at random: their bytes, their members, their trees of arrays."""

import contextlib
import io
import random
import struct
import zipfile

import h5py
import numpy as np

from tests.saving.foreign.json_mutations import changed_json_text

_NUMBERS = [0, 1, 255, -1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]


# ---- bytes


def changed_bytes(draw, content):
    """A copy with one to four changes."""
    for _ in range(draw.choice([1, 1, 2, 4])):
        content = draw.choice(_OF_BYTES)(draw, bytearray(content))
    return bytes(content)


def _range(draw, content):
    start = draw.randrange(len(content) + 1)
    return start, min(start + draw.choice([1, 4, 8, 64, 1024]), len(content))


def _flip(draw, content):
    for _ in range(draw.choice([1, 2, 8])):
        if content:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return content


def _cut(draw, content):
    return content[: draw.randrange(len(content) + 1)]


def _repeat(draw, content):
    start, end = _range(draw, content)
    return content[:end] + content[start:]


def _delete(draw, content):
    start, end = _range(draw, content)
    return content[:start] + content[end:]


def _move(draw, content):
    (a, b), (c, d) = _range(draw, content), _range(draw, content)
    content[c:d] = content[a:b]
    return content


def _fill(draw, content):
    start, end = _range(draw, content)
    content[start:end] = bytes([draw.choice([0, 255, 47, 46])]) * (end - start)
    return content


def _number(draw, content):
    form, size = draw.choice([("<Q", 8), ("<I", 4), ("<H", 2)])
    if len(content) >= size:
        value = draw.choice([*_NUMBERS, len(content), draw.getrandbits(40)]) % 2 ** (8 * size)
        struct.pack_into(form, content, draw.randrange(len(content) - size + 1), value)
    return content


_OF_BYTES = [_flip, _flip, _flip, _cut, _repeat, _delete, _move, _fill, _number, _number]


# ---- zip archives


def changed_archive(draw, content):
    """A copy of a zip archive in which members, or what the directory says of them, changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    kind = draw.randrange(10)
    if kind < 5:
        members = _changed_member(draw, members)
    elif kind < 8:
        members = draw.choice(_OF_MEMBERS)(draw, members)
    target = io.BytesIO()
    how = draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(target, "w", how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue() if kind < 8 else _lying(draw, bytearray(target.getvalue()))


def _changed_member(draw, members):
    position = draw.choice([0, 1, 1, 1, 2, 2])  # metadata, config, weights
    name, data = members[position]
    if name.endswith(".h5"):
        data = draw.choice([changed_hdf5, changed_hdf5, changed_bytes])(draw, data)
    elif draw.randrange(8):
        data = changed_json_text(draw, data)
    else:
        data = changed_bytes(draw, data)
    return [*members[:position], (name, data), *members[position + 1 :]]


def _swap_members(draw, members):
    (a, x), (b, y) = draw.sample(members, 2)
    return [(n, y if n == a else x if n == b else d) for n, d in members]


def _rename_member(draw, members):
    position = draw.randrange(len(members))
    name = draw.choice(
        ["../up", "/abs", "a\\b", "assets/x", "model.weights.npz", "/", "config.json"]
    )
    return [(name if i == position else n, d) for i, (n, d) in enumerate(members)]


def _double_member(draw, members):
    return [*members, draw.choice(members)]


def _drop_member(draw, members):
    return [m for m in members if m is not members[draw.randrange(len(members))]]


_OF_MEMBERS = [_swap_members, _rename_member, _double_member, _drop_member]


def _lying(draw, content):
    """Change a number in one header of a member, in the directory or beside the member."""
    signature, width = draw.choice([(b"PK\x01\x02", 46), (b"PK\x03\x04", 30), (b"PK\x05\x06", 22)])
    places = []
    start = content.find(signature)
    while start >= 0:
        places.append(start)
        start = content.find(signature, start + 4)
    place = draw.choice(places) + draw.randrange(4, width - 4)
    struct.pack_into("<I", content, place, draw.choice([*_NUMBERS, len(content)]) % 2**32)
    return bytes(content)


# ---- HDF5


def changed_hdf5(draw, content):
    """A copy of an HDF5 file in which one to three objects changed."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        for _ in range(draw.choice([1, 1, 3])):
            names = []
            file.visit(names.append)
            if names:
                with contextlib.suppress(*_IMPOSSIBLE):
                    draw.choice(_OF_HDF5)(draw, file, draw.choice(names), names)
    return buffer.getvalue()


_IMPOSSIBLE = (OSError, ValueError, TypeError, KeyError, RecursionError, MemoryError)


def _remove(draw, file, name, names):
    del file[name]


def _rename(draw, file, name, names):
    target = draw.choice([name + "x", name.rpartition("/")[0] + "/" + draw.choice("0123"), "vars"])
    if target not in file and not target.startswith(name + "/"):
        file.move(name, target)


def _into_group(draw, file, name, names):
    del file[name]
    file.create_group(name)


def _other_array(draw, file, name, names):
    del file[name]
    shape = draw.choice([(), (0,), (1,), (3,), (4, 4), (1,) * 32, (3, 3, 1, 2), (0, 2**40)])
    dtype = draw.choice(["f4", "f8", "f2", "i4", "u1", "i8", "?", "c8", "S3", "V2", ">f4", "O"])
    values = np.zeros(shape, dtype) if dtype != "O" else np.full(shape[:2], "words", object)
    file.create_dataset(name, data=values, dtype=h5py.string_dtype() if dtype == "O" else None)


def _unstored(draw, file, name, names):
    del file[name]
    shape = draw.choice([(3,), (2**20,), (2**31,), (2**40,), (2**20, 2**20)])
    chunks = draw.choice([None, True])
    file.create_dataset(name, shape, "f4", chunks=chunks, fillvalue=draw.choice([0, 1]))


def _compressed(draw, file, name, names):
    if isinstance(file[name], h5py.Dataset) and file[name].shape:
        values = file[name][...]
        del file[name]
        options = draw.choice(
            [{"compression": "gzip"}, {"compression": "lzf"}, {"fletcher32": True}]
        )
        file.create_dataset(name, data=values, chunks=True, **options)


def _link(draw, file, name, names):
    target = draw.choice(names)
    link = draw.choice([h5py.SoftLink("/" + target), h5py.ExternalLink("other.h5", "/x"), None])
    del file[name]
    if link is not None:
        file[name] = link
    elif target in file:
        file[name] = file[target]


def _attribute(draw, file, name, names):
    owner = file[draw.choice([name, "/"])]
    value = draw.choice([1, b"\xff", "x" * 1000, np.zeros(5), ["a", "b"], np.nan, h5py.Empty("f4")])
    known = [*owner.attrs, "name", "layer_names", "weight_names", "model_config", "keras_version"]
    owner.attrs[draw.choice(known)] = value


def _config_attribute(draw, file, name, names):
    """Change the JSON in an attribute of a whole-model file."""
    names = ("model_config", "training_config")
    known = [n for n in names if isinstance(file.attrs.get(n), (str, bytes))]
    if known:
        key = draw.choice(known)
        text = file.attrs[key]
        text = text if isinstance(text, bytes) else text.encode()
        file.attrs[key] = changed_json_text(draw, text).decode("utf-8", "replace")


def _surplus(draw, file, name, names):
    target = f"{name}/{draw.choice(['vars', '0', 'x', 'layers'])}"
    if isinstance(file[name], h5py.Group) and target not in file:
        file[target] = np.ones(2, "f4")


_OF_HDF5 = [
    _remove,
    _rename,
    _into_group,
    _other_array,
    _other_array,
    _unstored,
    _compressed,
    _link,
    _attribute,
    _config_attribute,
    _config_attribute,
    _surplus,
]


def seeded(seed, number):
    """The random numbers of one case."""
    return random.Random(f"{seed}:{number}")
