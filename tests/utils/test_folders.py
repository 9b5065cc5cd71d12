"""Data sets of folders, windows and parts: clear errors, and what Keras can't be compared with."""

import os
import threading
import time

import numpy as np
import pytest

import minikeras as keras
from tests.utils.conftest import write_sound


def load(kind, folder, **options):
    function = getattr(keras.utils, f"{kind}_dataset_from_directory")
    return function(folder, **{"verbose": False, **options})


KINDS = ("image", "text", "audio")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing(kind, tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(kind, tmp_path / "nowhere")
    with pytest.raises(ValueError, match=rf"No {kind} files found in directory .*subfolder"):
        load(kind, tmp_path)
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(FileNotFoundError, match="Expected a folder"):
        load(kind, tmp_path / "file.txt")
    assert not capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", [0.05, 0.95])
def test_a_subset_without_files(kind, folder, split):
    for subset in ("training", "validation", "both"):
        if split > 0.5:
            for name in os.listdir(folder / "b"):
                (folder / "b" / name).unlink(missing_ok=True)
            for i in range(1, 5):
                for path in (folder / "a").glob(f"{i}.*"):
                    path.unlink()
        with pytest.raises(ValueError, match="No training or no validation"):
            load(kind, folder, validation_split=split, subset=subset, seed=1)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_a_sound_of_other_samples_is_named(folder, width):
    write_sound(folder / "b" / "1.wav", 10, width)
    with pytest.raises(ValueError, match=r"The sound .*/b/1\.wav can't be read: .*16 are expected"):
        list(load("audio", folder))


def test_a_broken_sound_is_named(folder):
    (folder / "b" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"The sound .*/b/1\.wav can't be read"):
        list(load("audio", folder))


@pytest.mark.slow  # SciPy's filters take seconds to import
def test_sounds_of_one_rate(folder):
    pytest.importorskip("scipy")
    write_sound(folder / "a" / "0.wav", 40, rate=4000)
    (x, _), *_ = load("audio", folder, sampling_rate=4000, shuffle=False)
    assert x.shape == (10, 40, 1) and x.dtype == "float32"
    assert not np.asarray(x)[1:, 20:].any()
    for rate in (0, 4000.0):
        with pytest.raises(ValueError, match="sampling_rate"):
            load("audio", folder, sampling_rate=rate)
    with pytest.raises(ValueError, match="ragged"):
        load("audio", folder, ragged=True, output_sequence_length=3)


def test_labels_are_not_shuffled_in_place(folder):
    labels = list(range(10))
    load("text", folder, labels=labels, seed=1)
    assert labels == list(range(10))
    by_tuple = load("text", folder, labels=tuple(labels), seed=1, batch_size=None)
    assert all(
        int(y) == int(text.numpy()[1:]) + 5 * (text.numpy()[:1] == b"b") for text, y in by_tuple
    )


@pytest.mark.parametrize("kind", KINDS)
def test_links(kind, folder):
    (folder / "a" / "more").symlink_to(folder / "b")
    assert len(load(kind, folder, batch_size=None)) == 10
    assert len(load(kind, folder, batch_size=None, follow_links=True)) == 15


@pytest.mark.parametrize("threads", [1, 4])
def test_files_are_read_ahead_and_in_order(folder, monkeypatch, threads):
    monkeypatch.setattr("minikeras.core.settings.num_threads", lambda: threads)
    data = load("text", folder, shuffle=False, batch_size=None, label_mode=None)
    assert [text.numpy() for text in data] == [f"{n}{i}".encode() for n in "ab" for i in range(5)]
    before = threading.active_count()
    for _ in data:
        break
    time.sleep(0)
    assert threading.active_count() <= before


def test_texts_as_python_strings(folder):
    data = load("text", folder, shuffle=False, format="grain", max_length=1)
    assert next(iter(data))[0].numpy().tolist() == ["a"] * 5 + ["b"] * 5
    with pytest.raises(ValueError, match="format"):
        load("text", folder, format="torch")


def test_windows_of_lists_and_tensors():
    function = keras.utils.timeseries_dataset_from_array
    for series in ([1.0, 2, 3], keras.ops.array([1.0, 2, 3])):
        (x,) = function(series, None, 2)
        assert np.asarray(x).tolist() == [[1, 2], [2, 3]] and x.dtype == "float32"
    with pytest.raises(ValueError, match="sequence_length"):
        function([1.0, 2], None, 0)
    assert not list(function(np.arange(3), None, 9, sampling_rate=2))


def test_targets_that_end_before_the_windows():
    data = keras.utils.timeseries_dataset_from_array(
        np.arange(20), np.arange(8), 3, start_index=2, batch_size=None
    )
    assert [(int(x[0]), int(y)) for x, y in data] == [(i, i) for i in range(2, 8)]


def test_parts_of_other_data_sets():
    class Samples:
        """As a data set of PyTorch."""

        def __len__(self):
            return 6

        def __getitem__(self, i):
            return np.full(2, i), i

    left, right = keras.utils.split_dataset(Samples(), right_size=2)
    assert [int(y) for _, y in left] == [0, 1, 2, 3] and len(right) == 2
    batches = left.batch(3)
    left, right = keras.utils.split_dataset(batches, left_size=3)
    assert [x.shape for x, _ in left] == [(3, 2)] and [x.shape for x, _ in right] == [(1, 2)]


def test_splitting_leaves_the_global_seed_alone():
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    keras.utils.split_dataset(np.arange(4), left_size=2, shuffle=True, seed=5)
    assert random.random() == expected
