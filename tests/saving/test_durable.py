"""Files and folders that are replaced whole, whatever happens while they are written."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from minikeras.saving import durable
from minikeras.saving.durable import readable_folder, replacing, replacing_folder

OLD, NEW = b"old" * 1000, b"new" * 2000

# Forks processes that do nothing but save, and kills each; what is there after each must be whole.
KILLER = """
import os, pathlib, random, signal, sys, time
from minikeras.saving.durable import replacing, replacing_folder

path, kind, times = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def save(number):
    content = b"%09d" % number * 20000
    if kind == "file":
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    else:
        with replacing_folder(path) as temporary:
            (temporary / "a").write_bytes(content)
            (temporary / "b").write_bytes(content)

def check():
    names = [path] if kind == "file" else [path / "a", path / "b"]
    contents = {name.read_bytes() for name in names}
    assert len(contents) == 1, "two saves are mixed"
    content = contents.pop()
    assert content == content[:9] * 20000, f"{len(content)} bytes, not of one save"

moments = random.Random(0)
save(0)
for _ in range(times):
    child = os.fork()
    if not child:
        number = 1
        while True:
            save(number)
            number += 1
    time.sleep(moments.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check()
save(0)
check()
assert os.listdir(path.parent) == [path.name], os.listdir(path.parent)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(OLD)
    return path


def assert_untouched(path):
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == [path.name]


def test_a_file_is_replaced(path):
    with replacing(path) as temporary:
        temporary.write_bytes(NEW)
        assert path.read_bytes() == OLD
        assert temporary.parent.parent == path.parent
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == [path.name]


def test_a_new_file_has_the_permissions_of_new_files(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "new") as temporary:
            temporary.write_bytes(NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_the_temporary_file_has_the_suffix_that_is_asked_for(path):
    with replacing(path, suffix=".npz") as temporary:
        assert temporary.name == "model.keras.npz"
        temporary.write_bytes(NEW)
    assert path.read_bytes() == NEW


def test_permissions_are_kept(path):
    path.chmod(0o604)
    with replacing(path) as temporary:
        temporary.write_bytes(NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_leaves_the_old_file(path, kind):
    with pytest.raises(kind, match="stop"), replacing(path) as temporary:
        temporary.write_bytes(NEW[:100])
        raise kind("stop")
    assert_untouched(path)


def test_an_error_of_the_system_says_what_is_there_now(path):
    with pytest.raises(OSError, match="No space left") as caught, replacing(path) as temporary:
        temporary.write_bytes(NEW[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(path)
    assert caught.value.errno == errno.ENOSPC
    assert any("still there, unchanged" in note for note in caught.value.__notes__)
    assert_untouched(path)


def test_an_error_after_the_rename_says_that_the_new_file_is_there(path, monkeypatch):
    def fail(folder):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(durable, "_flush_folder", fail)
    with pytest.raises(OSError, match="nput/output error") as caught, replacing(path) as temporary:
        temporary.write_bytes(NEW)
    assert any("the new content is in place" in note for note in caught.value.__notes__)
    assert path.read_bytes() == NEW


def test_a_full_disk(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="too large") as caught, replacing(path) as temporary:
            temporary.write_bytes(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.filename == str(path)
    assert_untouched(path)


@pytest.mark.parametrize("protected", ["folder", "file"])
def test_what_may_not_be_written(protected):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model.keras"
        path.write_bytes(OLD)
        path.chmod(0o444 if protected == "file" else 0o666)
        folder.chmod(0o555 if protected == "folder" else 0o777)
        # As root, who may write everywhere, somebody else must try.
        user = os.geteuid()
        try:
            os.seteuid(65534 if user == 0 else user)
            with pytest.raises(PermissionError, match="model.keras"), replacing(path) as temporary:
                temporary.write_bytes(NEW)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        assert_untouched(path)


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="folder"), replacing(tmp_path / "folder"):
        pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"), replacing(tmp_path / "pipe"):
        pass
    with pytest.raises(FileNotFoundError, match="nowhere"), replacing(tmp_path / "nowhere" / "a"):
        pass
    with pytest.raises(NotADirectoryError, match="pipe"), replacing_folder(tmp_path / "pipe"):
        pass
    assert sorted(os.listdir(tmp_path)) == ["folder", "pipe"]


def test_a_link_stays_and_its_target_is_replaced(path, tmp_path):
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "latest"
    link.symlink_to(path)
    with replacing(link) as temporary:
        temporary.write_bytes(NEW)
    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert os.listdir(link.parent) == ["latest"]


def test_a_long_name(tmp_path):
    path = tmp_path / ("é" * 127)
    with replacing(path) as temporary:
        temporary.write_bytes(NEW)
    assert os.listdir(tmp_path) == [path.name]


def test_leftovers_are_removed_and_live_saves_are_not(path):
    leftover = path.parent / ".model.keras.1-0123abcd.tmp"
    leftover.mkdir()
    (leftover / path.name).write_bytes(NEW)
    other = path.parent / ".model.keras.backup.1-0123abcd.tmp"
    other.mkdir()
    with replacing(path) as first:
        first.write_bytes(NEW)
        assert not leftover.exists()
        with replacing(path) as second:
            second.write_bytes(NEW)
            assert first.exists()
    assert sorted(os.listdir(path.parent)) == sorted([other.name, path.name])


def test_without_locks_nothing_is_removed(path, monkeypatch):
    leftover = path.parent / ".model.keras.1-0123abcd.tmp"
    leftover.mkdir()
    monkeypatch.setattr(durable, "fcntl", None)
    with replacing(path) as temporary:
        temporary.write_bytes(NEW)
    assert leftover.exists()
    assert path.read_bytes() == NEW


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(durable, "exchange", lambda first, second: False)
    return request.param


def write(folder, content):
    (folder / "inside").mkdir()
    (folder / "inside" / "a").write_text(content)
    (folder / "b").write_text(content)


def test_a_folder_is_replaced(tmp_path, way):
    path = tmp_path / "model"
    for content in ("1", "2", "3"):
        with replacing_folder(path) as temporary:
            write(temporary, content)
        assert (path / "inside" / "a").read_text() == (path / "b").read_text() == content
        assert os.listdir(tmp_path) == ["model"]


def test_an_exception_leaves_the_old_folder(tmp_path, way):
    path = tmp_path / "model"
    with replacing_folder(path) as temporary:
        write(temporary, "1")
    with pytest.raises(KeyboardInterrupt, match="stop"), replacing_folder(path) as temporary:
        write(temporary, "2")
        raise KeyboardInterrupt("stop")
    assert (path / "b").read_text() == "1"
    assert os.listdir(tmp_path) == ["model"]


def test_a_folder_between_two_renames_is_found_and_put_back(tmp_path):
    path = tmp_path / "model"
    leftover = tmp_path / ".model.1-0123abcd.tmp"
    (leftover / "previous").mkdir(parents=True)
    (leftover / "previous" / "b").write_text("1")
    assert (readable_folder(path) / "b").read_text() == "1"
    with pytest.raises(ValueError, match="stop"), replacing_folder(path):
        raise ValueError("stop")
    assert (path / "b").read_text() == "1"
    assert os.listdir(tmp_path) == ["model"]
    with pytest.raises(FileNotFoundError, match="nothing"):
        readable_folder(tmp_path / "nothing")


def kill_at_random_moments(path, kind, times):
    command = [sys.executable, "-c", KILLER, str(path), kind, str(times)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_killed_while_saving(tmp_path, kind):
    kill_at_random_moments(tmp_path / "model", kind, 15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_killed_while_saving_often(tmp_path, kind):
    kill_at_random_moments(tmp_path / "model", kind, 300)


def test_a_folder_that_another_save_takes_for_a_leftover_is_not_used(tmp_path, monkeypatch):
    """The other save locks it as soon as it is there, and removes it a moment later."""
    fcntl = pytest.importorskip("fcntl")
    taken, mkdir = [], Path.mkdir

    def taken_at_once(folder, *args, **options):
        mkdir(folder, *args, **options)
        if not taken:
            taken.append((folder, os.open(folder, os.O_RDONLY)))
            fcntl.flock(taken[0][1], fcntl.LOCK_EX | fcntl.LOCK_NB)

    monkeypatch.setattr(Path, "mkdir", taken_at_once)
    with replacing(tmp_path / "model") as temporary:
        folder, lock = taken[0]
        folder.rmdir()
        os.close(lock)
        temporary.write_bytes(b"new")
    assert (tmp_path / "model").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model"]


def test_two_writers_and_a_reader(tmp_path):
    path = tmp_path / "model"
    contents = [bytes([65 + writer]) * 50_000 for writer in range(2)]
    path.write_bytes(contents[0])

    def save(content):
        for _ in range(20):
            with replacing(path) as temporary:
                temporary.write_bytes(content)

    writers = [threading.Thread(target=save, args=[content]) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["model"]
