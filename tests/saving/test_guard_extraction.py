"""Archives that are unpacked: whole below the target, or not at all."""

import io
import os
import tarfile

import pytest

from minikeras.saving.guard import FileError, extract_archive
from tests.saving.hostile import bounded

FORMATS = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


class Zeros(io.RawIOBase):
    def read(self, count=-1):
        return bytes(count)


def make(path, mode, name="./d/x", kind=tarfile.REGTYPE, size=0, content=None):
    with tarfile.open(path, mode) as file:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.linkname = kind, size, "/etc/passwd"
        file.addfile(info, content)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_unpacked_whole_or_not_at_all(tmp_path, form):
    data = os.urandom(300_000)
    path = make(tmp_path / "a", FORMATS[form], size=len(data), content=io.BytesIO(data))
    extract_archive(path, tmp_path / "out", form)
    assert (tmp_path / "out" / "d" / "x").read_bytes() == data
    path.write_bytes(path.read_bytes()[:150_000])
    with pytest.raises(FileError, match="damaged"):
        extract_archive(path, tmp_path / "new", form)
    assert sorted(os.listdir(tmp_path)) == ["a", "out"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (tarfile.SYMTYPE, "a"),
        (tarfile.LNKTYPE, "a"),
        (tarfile.CHRTYPE, "a"),
        (tarfile.FIFOTYPE, "a"),
        (tarfile.REGTYPE, "../a"),
        (tarfile.REGTYPE, "/a"),
    ],
)
def test_members_that_lead_out(tmp_path, form, kind, name):
    path = make(tmp_path / "a", FORMATS[form], name, kind)
    with pytest.raises(FileError, match="link|name"):
        extract_archive(path, tmp_path / "new", form)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "tar"])
def test_bombs(tmp_path, form):
    path = make(tmp_path / "a", FORMATS[form], size=1 << 27, content=Zeros())
    with bounded(), pytest.raises(FileError, match="declares"):
        extract_archive(path, tmp_path / "new", form)
    assert os.listdir(tmp_path) == ["a"]


def test_a_target_that_is_a_link(tmp_path):
    path = make(tmp_path / "a", "w")
    (tmp_path / "new").symlink_to(tmp_path)
    with pytest.raises(FileError, match="is a link"):
        extract_archive(path, tmp_path / "new", "tar")
    with pytest.raises(ValueError, match="format must be one of"):
        extract_archive(path, tmp_path / "other", "rar")
