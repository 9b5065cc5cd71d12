"""Files from the network: whole in the cache or not there, unpacked below one folder."""

import functools
import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

import minikeras as keras
from minikeras.saving.guard import FileError

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and at /short.bin fewer bytes than it declares."""

    def do_GET(self):
        if self.path != "/short.bin":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        return self.wfile.write(b"x" * 1000)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder and the address at which it is served."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "a.bin").write_bytes(CONTENT)
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def get(tmp_path):
    """`get_file` with a cache of the test's own."""
    return functools.partial(keras.utils.get_file, cache_dir=str(tmp_path / "cache"))


def listed(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "options", [{}, {"file_hash": SHA256}, {"file_hash": MD5}, {"md5_hash": MD5}]
)
def test_download(served, get, tmp_path, capsys, options):
    path = get("b.bin", f"{served[1]}/a.bin", **options)
    assert path == str(tmp_path / "cache" / "datasets" / "b.bin")
    assert Path(path).read_bytes() == CONTENT
    assert f"{len(CONTENT)}/{len(CONTENT)}" in capsys.readouterr().out
    assert listed(tmp_path) == ["cache", "cache/datasets", "cache/datasets/b.bin"]


def test_what_is_in_the_cache_is_read(get, tmp_path, capsys):
    (tmp_path / "cache" / "datasets").mkdir(parents=True)
    (tmp_path / "cache" / "datasets" / "a.bin").write_bytes(CONTENT)
    path = get(origin="http://127.0.0.1:9/x/a.bin?y=1", file_hash=SHA256.upper())
    assert Path(path).read_bytes() == CONTENT
    assert not capsys.readouterr().out


def test_another_hash_is_downloaded_again(served, get, capsys):
    path = get("a.bin", f"{served[1]}/a.bin")
    with open(path, "r+b") as file:
        file.write(b"no")
    assert get("a.bin", f"{served[1]}/a.bin", file_hash=MD5) == path
    assert "its md5 hash is not" in capsys.readouterr().out
    assert Path(path).read_bytes() == CONTENT


def test_force_download(served, get, capsys):
    path = get("a.bin", f"{served[1]}/a.bin")
    os.truncate(path, 3)
    assert get("a.bin", f"{served[1]}/a.bin") == path and os.path.getsize(path) == 3
    get("a.bin", f"{served[1]}/a.bin", force_download=True)
    assert os.path.getsize(path) == len(CONTENT)


@pytest.mark.parametrize("address", ["missing.bin", "short.bin"])
def test_a_failed_download_changes_nothing(served, get, tmp_path, address):
    path = get("a.bin", f"{served[1]}/a.bin")
    with pytest.raises(OSError, match=rf"URL fetch failure on http.*{address}.*a\.bin' yourself"):
        get("a.bin", f"{served[1]}/{address}", force_download=True)
    assert Path(path).read_bytes() == CONTENT
    assert listed(tmp_path) == ["cache", "cache/datasets", "cache/datasets/a.bin"]


def test_without_a_network(get, tmp_path):
    with pytest.raises(OSError, match=r"http://127.0.0.1:9/a.bin: .*datasets/a.bin"):
        get(origin="http://127.0.0.1:9/a.bin")
    assert listed(tmp_path) == ["cache", "cache/datasets"]


@pytest.mark.parametrize("algorithm", ["auto", "md5", "sha256"])
def test_a_wrong_hash_changes_nothing(served, get, tmp_path, algorithm):
    with pytest.raises(ValueError, match="is damaged"):
        get(origin=f"{served[1]}/a.bin", file_hash="ab" * 32, hash_algorithm=algorithm)
    assert listed(tmp_path) == ["cache", "cache/datasets"]


def test_the_cache_folder(served, tmp_path, monkeypatch):
    origin = (served[0] / "a.bin").as_uri()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    assert keras.utils.get_file(origin=origin) == str(tmp_path / "home" / "datasets" / "a.bin")
    path = keras.utils.get_file(origin=origin, cache_subdir=str(tmp_path / "own"))
    assert path == str(tmp_path / "own" / "a.bin")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    path = keras.utils.get_file(origin=origin, cache_subdir="models")
    assert path == str(tmp_path / "user" / ".keras" / "models" / "a.bin")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "origin"),
        ({"origin": "http://a/"}, "fname"),
        ({"origin": "http://a/.."}, "fname"),
        ({"origin": "http://a/b", "fname": "../c"}, "a name without folders"),
        ({"origin": "http://a/b", "fname": ".."}, "a name without folders"),
        ({"origin": "http://a/b", "archive_format": "rar"}, "archive_format"),
        ({"origin": "http://a/b", "hash_algorithm": "sha1"}, "hash_algorithm"),
        ({"origin": "no address"}, "unknown url type"),
    ],
)
def test_arguments(get, arguments, message):
    with pytest.raises(ValueError, match=message):
        get(**arguments)


def archive(path, members, form):
    """Make an archive of a form such as `zip` or `tar.gz` from a dict of contents."""
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name, content)
        return path
    with tarfile.open(path, "w:" + form[4:]) as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


MEMBERS = {"d/one.txt": b"1", "d/e/two.txt": b"2"}


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_unpacked(get, tmp_path, form):
    origin = archive(tmp_path / "data", MEMBERS, form).as_uri()
    kinds = ["auto", form[:3], ["zip", "tar"]]
    for archive_format, fname in zip(kinds, [None, "x.y.z", "x"], strict=True):
        path = get(fname, origin, extract=True, archive_format=archive_format)
        name = {None: "data", "x.y.z": "x_extracted", "x": "x"}[fname]
        assert path == str(tmp_path / "cache" / "datasets" / name)
        for member, content in MEMBERS.items():
            assert Path(path, member).read_bytes() == content
    assert sorted(os.listdir(tmp_path / "cache" / "datasets")) == sorted(
        ["data", "data_archive", "x.y.z", "x_extracted", "x", "x_archive"]
    )


def test_what_is_in_the_folder_stays(get, tmp_path):
    origin = archive(tmp_path / "data", MEMBERS, "tar").as_uri()
    path = get(origin=origin, untar=True)
    for name, content in {"d/own.txt": "mine", "d/one.txt": "changed"}.items():
        with open(os.path.join(path, name), "w") as file:
            file.write(content)
    os.remove(os.path.join(path, "d/e/two.txt"))
    get(origin=origin, untar=True)
    names = {name: Path(path, name).read_text() for name in ["d/own.txt", *MEMBERS]}
    assert names == {"d/own.txt": "mine", "d/one.txt": "1", "d/e/two.txt": "2"}


@pytest.mark.parametrize("formats", ["tar", None, []])
def test_a_file_of_another_format_is_left_alone(get, tmp_path, formats):
    origin = archive(tmp_path / "data.zip", MEMBERS, "zip").as_uri()
    with pytest.warns(UserWarning, match="Could not extract archive"):
        path = get("data.zip", origin, extract=True, archive_format=formats)
    assert not os.path.exists(path)
    with pytest.warns(UserWarning, match="Could not extract archive"):
        get("text", (tmp_path / "data.zip").as_uri(), untar=True)


def test_a_file_that_is_no_archive(get, served):
    with pytest.warns(UserWarning, match="Could not extract archive"):
        get(origin=(served[0] / "a.bin").as_uri(), extract=True)


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_links_on_the_way_are_not_followed(get, tmp_path, form):
    origin = archive(tmp_path / "data", MEMBERS, form).as_uri()
    folder = tmp_path / "cache" / "datasets"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "beyond").mkdir()
    (folder / "data" / "d").symlink_to(tmp_path / "beyond")
    with pytest.raises(FileError, match="data/d: .*link"):
        get(origin=origin, extract=True)
    (folder / "data" / "d").unlink()
    (folder / "data").rmdir()
    (folder / "data").symlink_to(tmp_path / "beyond")
    with pytest.raises(FileError, match="datasets/data: .*link"):
        get(origin=origin, extract=True)
    assert not os.listdir(tmp_path / "beyond")


def test_a_folder_in_the_way_is_met_before_anything_changes(get, tmp_path):
    origin = archive(tmp_path / "data", MEMBERS, "tar").as_uri()
    folder = tmp_path / "cache" / "datasets"
    (folder / "data" / "d" / "e" / "two.txt").mkdir(parents=True)
    with pytest.raises(FileError, match="two.txt: a folder is there"):
        get(origin=origin, extract=True)
    assert listed(folder / "data") == ["d", "d/e", "d/e/two.txt"]
    assert sorted(os.listdir(folder)) == ["data", "data_archive"]
