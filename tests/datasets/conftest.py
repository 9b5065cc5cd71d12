"""Small data sets in place of the downloads."""

import pytest

from tests.datasets import small_files


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    """A folder of small files for all data sets."""
    folder = tmp_path_factory.mktemp("downloads")
    small_files.make(folder)
    return folder


@pytest.fixture
def cache(downloads, tmp_path, monkeypatch):
    """An empty cache, and the small files where the data sets are downloaded from."""
    small_files.install(downloads, monkeypatch.setitem)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "datasets"
