"""Archives that a model may come in, and archives that it may not."""

import os
import socket
import stat
import struct
import zipfile

import pytest

from minikeras.saving.durable import replacing_folder
from minikeras.saving.guard import FileError, open_archive, regular_file
from tests.saving.hostile import bounded, flipped

CONTENT = {"config.json": b'{"units": 3}', "model.weights.h5": bytes(range(256)) * 10}


def make(path, members=CONTENT, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def everything(path):
    """All that an archive holds, by both ways to read it."""
    with open_archive(path) as archive:
        content = {name: archive.read(name) for name in archive.names}
        assert content == {name: archive.view(name).read() for name in archive.names}
    return content


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_good_archives(path, compression):
    make(path, CONTENT | {"assets/": b"", "assets/words.txt": b"", "é": b"x"}, compression)
    assert everything(path) == CONTENT | {"assets/words.txt": b"", "é": b"x"}
    with open_archive(path) as archive:
        assert archive.names == ["assets/words.txt", "config.json", "model.weights.h5", "é"]
        assert archive.json("config.json") == {"units": 3}
        view, again = archive.view("model.weights.h5"), archive.view("model.weights.h5")
        view.seek(-6, os.SEEK_END)
        assert view.read(100) == bytes(range(250, 256))
        assert again.read(3) == bytes(range(3))
        with pytest.raises(FileError, match=r"model\.keras: nothing: not in the archive"):
            archive.read("nothing")
        with pytest.raises(FileError, match="at most 10 are read"):
            archive.read("config.json", limit=10)


def test_archives_that_are_written_as_a_stream(path):
    class Stream:
        def __init__(self, file):
            self.write, self.flush = file.write, file.flush

    with open(path, "wb") as file:
        make(Stream(file), CONTENT, zipfile.ZIP_DEFLATED)
    assert everything(path) == CONTENT


def test_cut_at_every_length(path):
    whole = make(path).read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match=r"model\.keras"):
            everything(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_archives_are_refused_or_the_same(path, compression):
    whole = make(path, CONTENT, compression).read_bytes()
    refused = 0
    for content in flipped(whole, 400):
        path.write_bytes(content)
        try:
            content = everything(path)
        except FileError as error:
            assert "model.keras" in str(error)
            refused += 1
        else:  # a name has no checksum
            assert sorted(content.values()) == sorted(CONTENT.values())
    assert refused > 300


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/passwd", "C:/a", "C:a", "a\\b", "a\0b", "a\nb", "./a", "a//b"],
)
def test_names_that_lead_elsewhere(path, name):
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("x")
        info.filename = info.orig_filename = name
        file.writestr(info, b"x")
    with pytest.raises(FileError, match=r"model\.keras: .*name"), open_archive(path):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr("config.json", '{"a": 1}')
    with pytest.raises(FileError, match="config.json.*occurs twice"), open_archive(path):
        pass


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_members_that_are_no_files(path, kind):
    info = zipfile.ZipInfo("model.weights.h5")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(FileError, match=r"model\.weights\.h5: .*link"), open_archive(path):
        pass


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(path, method):
    make(path, CONTENT, method)
    with pytest.raises(FileError, match="compression method"), open_archive(path):
        pass


def test_a_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("a", "w") as member:
        for _ in range(256):
            member.write(bytes(1 << 20))
    with bounded(), pytest.raises(FileError, match="a: declares 268435456 bytes"):
        everything(path)


def patched(path, position, form, value, after=b"PK\x01\x02"):
    """Change a field of the first header with a signature."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, content.index(after) + position, value)
    path.write_bytes(content)


def test_sizes_that_are_lies(path):
    member = {"a": b"x" * 10_000}
    for position in (24, 20):  # the size, the stored size
        make(path, member, zipfile.ZIP_DEFLATED)
        patched(path, position, "<I", 100)
        with pytest.raises(FileError, match="differs from the directory"):
            everything(path)
        patched(path, position - 2, "<I", 100, b"PK\x03\x04")
        with pytest.raises(FileError, match=r"more than|do not end|reaches beyond"):
            everything(path)


def test_a_member_that_hides_another(path):
    """A comment so long that it swallows the next member of the directory."""
    make(path, {"a": b"1", "b": b"2"})
    patched(path, 32, "<H", 47)
    with pytest.raises(FileError, match="has 1 members, 2 are declared"), open_archive(path):
        pass


def test_many_members(path):
    members = {f"{number}": b"" for number in range(70_000)}
    with open_archive(make(path, members)) as archive:
        assert set(archive.names) == set(members)


def test_encrypted_members(path):
    make(path)
    patched(path, 8, "<H", 1)
    with pytest.raises(FileError, match="encrypted"), open_archive(path):
        pass


def test_members_that_overlap(path):
    """Two names in the directory for one place, as in bombs whose members are each small."""
    make(path, {"a": b"same" * 100, "b": b"same" * 100})
    content = bytearray(path.read_bytes())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", content, second + 42, 0)
    local = content.index(b"PK\x03\x04")
    content[local + 30 : local + 31] = b"b"
    path.write_bytes(content)
    with pytest.raises(FileError, match="overlaps|differs"), open_archive(path):
        pass


def test_a_changed_weight_is_refused(path):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        whole = bytearray(make(path, CONTENT, compression).read_bytes())
        whole[whole.index(b"model.weights.h5") + 40] ^= 1
        path.write_bytes(whole)
        with open_archive(path) as archive:
            assert archive.json("config.json") == {"units": 3}
            with pytest.raises(FileError, match=r"model\.weights\.h5"):
                archive.view("model.weights.h5")


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        (tmp_path / "link").symlink_to("/dev/zero")
        for name in ("pipe", "socket", "link", "/dev/zero"):
            for opener in (open_archive, regular_file):
                refused = pytest.raises(FileError, match="regular file must be")
                with bounded(), refused, opener(tmp_path / name):
                    pass
    with pytest.raises(FileError, match="a folder is there"):
        regular_file(tmp_path)
    for opener in (open_archive, regular_file):
        with pytest.raises(FileNotFoundError, match="nothing"), opener(tmp_path / "nothing"):
            pass


def make_folder(path, members=CONTENT):
    with replacing_folder(path) as folder:
        for name, content in members.items():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(content)


def test_a_folder_is_an_archive(path):
    make_folder(path, CONTENT | {"assets/words.txt": b"x"})
    assert everything(path) == CONTENT | {"assets/words.txt": b"x"}


def test_a_folder_that_is_replaced_while_it_is_read(path):
    make_folder(path, {"a": b"1", "b": b"1"})
    with open_archive(path) as archive:
        first = archive.read("a")
        make_folder(path, {"a": b"2", "b": b"2"})
        assert archive.read("b") == first == b"1"
    assert everything(path) == {"a": b"2", "b": b"2"}


def test_links_in_a_folder(path, tmp_path):
    """At the top, as in the caches of models, they lead anywhere; below, not out of the folder."""
    (tmp_path / "blob").write_bytes(b"weights")
    make_folder(path, {"assets/a": b"a"})
    (path / "model.weights.h5").symlink_to(tmp_path / "blob")
    (path / "assets" / "inside").symlink_to(path / "assets" / "a")
    assert everything(path)["model.weights.h5"] == b"weights"
    assert everything(path)["assets/inside"] == b"a"
    (path / "assets" / "outside").symlink_to(tmp_path / "blob")
    with pytest.raises(FileError, match="assets/outside: a link that leads out"):
        everything(path)


@pytest.mark.parametrize("target", [".", "/etc", "nowhere", "/dev/zero"])
def test_links_to_what_is_no_file(path, target):
    make_folder(path)
    (path / "assets").symlink_to(target)
    with pytest.raises(FileError, match="assets: not a regular file"):
        everything(path)
