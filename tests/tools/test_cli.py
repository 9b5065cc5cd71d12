"""The command line: its commands, and the demonstration at a fraction of its length."""

import argparse
import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import minikeras
from minikeras.core.distribution import how_to_install
from minikeras.tools import cli, demo


@pytest.fixture
def short(monkeypatch):
    """Two plans of one epoch on 128 images that expect nothing."""
    full = demo.load()
    few = dataclasses.replace(full, x_train=full.x_train[:128], y_train=full.y_train[:128])
    monkeypatch.setattr(demo, "load", lambda: few)
    plans = tuple(dataclasses.replace(plan, epochs=1, bar=0.0) for plan in demo.PLANS)
    monkeypatch.setattr(demo, "PLANS", plans)
    return plans


def png_size(path):
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


# --- Commands ------------------------------------------------------------------------------------


def test_version_names_what_it_runs_on(capsys):
    assert cli.main(["version"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"minikeras {minikeras.__version__} (Python ")
    assert np.__version__ in out


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_help_lists_every_command(argv, capsys):
    try:
        status = cli.main(argv)
    except SystemExit as end:
        status = end.code
    assert status == 0
    out = capsys.readouterr().out
    for name, program in cli.COMMANDS.items():
        assert f"\n    {name}" in out
        assert program.__doc__.split()[0] in out


def test_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit, match="^2$"):
        cli.main(["fly"])
    assert "invalid choice: 'fly'" in capsys.readouterr().err


def test_help_of_demo_names_defaults(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["demo", "--help"])
    out = capsys.readouterr().out
    assert "demo-output" in out and "--seed SEED" in out


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "minikeras.tools.cli", "version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("minikeras ")


def test_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


# --- The demonstration ---------------------------------------------------------------------------


def test_demo_draws_and_reports(short, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "new" / "folder"
    assert cli.main(["demo", "--out", str(out), "--seed", "3"]) == 0
    text = capsys.readouterr().out
    for piece in ("Total params", "4/4", "val_accuracy", "of 382 test images", "Next:"):
        assert piece in text
    for name in ("learning-curves.png", "predictions.png"):
        assert str(out / name) in text
        width, height = png_size(out / name)
        assert width >= 1000 and height >= 600
    page = out / "explained.html"
    assert text.splitlines()[-1].endswith(str(page))
    assert 100_000 < page.stat().st_size < 5_000_000


def test_demo_says_which_bar_was_missed(short, monkeypatch, tmp_path, capsys):
    first, second = short
    monkeypatch.setattr(demo, "PLANS", (first, dataclasses.replace(second, bar=1.0)))
    monkeypatch.setattr(demo, "draw", lambda *_: [])
    assert cli.main(["demo", "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.err == "Below what was expected: the LSTM.\n"
    assert "at least 100% was expected" in captured.out and "Next:" not in captured.out


def test_demo_without_matplotlib_names_the_extra(short, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["demo", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert how_to_install("plot") in out and "of 382 test images" in out
    assert not list(tmp_path.glob("*.png"))


def test_demo_refuses_a_folder_that_cannot_be(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(demo, "train", lambda *_: pytest.fail("training before the check"))
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--out", str(tmp_path / "file")]) == 1
    assert "Cannot write to --out" in capsys.readouterr().err


def test_same_seed_same_run(short):
    data = demo.load()
    first, again, other = (demo.train(short[1], data, seed) for seed in (1, 1, 2))
    assert first.history == again.history != other.history
    np.testing.assert_array_equal(first.read, again.read)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_demo_reaches_its_bars(seed, tmp_path):
    assert demo.run(argparse.Namespace(out=tmp_path, seed=seed)) == 0


# --- Distorted images ----------------------------------------------------------------------------


def test_no_distortion_is_no_change(monkeypatch):
    monkeypatch.setattr(demo, "BEND", 0)
    monkeypatch.setattr(demo, "SHIFT", 0)
    images = demo.load().x_test
    np.testing.assert_array_equal(demo.distort(images, np.random.default_rng(1)), images)


def test_distortion_interpolates_the_moved_image():
    class Draws:
        """A generator that moves by half a pixel down and a whole one to the left."""

        def uniform(self, low, high, shape):
            return np.broadcast_to([[-0.5], [1.0]] if shape[1:] == (2, 1) else 0.0, shape)

    images = demo.load().x_test[:5]
    expected = np.zeros_like(images)
    expected[:, :, :-1] = images[:, :, 1:]
    expected[:, 1:] = (expected[:, 1:] + expected[:, :-1]) / 2
    expected[:, 0] /= 2
    np.testing.assert_allclose(demo.distort(images, Draws()), expected, rtol=1e-6)


def test_distorted_epochs_hold_every_label_and_differ():
    data = demo.load()
    batches = demo.DistortedDigits(data.x_train, data.y_train, 32, seed=1)
    first = batches[0][0]
    labels = np.concatenate([batches[i][1] for i in range(len(batches))])
    np.testing.assert_array_equal(np.sort(labels), np.sort(data.y_train))
    assert first.dtype == np.float32 and 0 <= first.min() < first.max() <= 1
    batches.on_epoch_end()
    assert not np.array_equal(batches[0][0], first)


def test_what_the_demonstration_names_exists(tmp_path, monkeypatch):
    assert all((demo.PACKAGE / file).is_file() for file in demo.READ)
    clone = demo.PACKAGE.parent
    assert (clone / "docs" / "house.md").is_file()
    assert (clone / next(iter(demo.IN_A_CLONE)).split()[1]).is_file()
    assert "examples" in demo.next_steps()
    monkeypatch.setattr(demo, "PACKAGE", tmp_path / "site-packages" / "minikeras")
    assert "make test" not in demo.next_steps()
