"""`minikeras check --record` and `--golden`: another engine's numbers where it is not installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras

ROOT = Path(__file__).parents[2]


def check(*arguments, folder):
    """Run the command; return its exit status, and what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "minikeras", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def save(path, epsilon=1e-3):
    """Write a small compiled model."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(4, activation="tanh", name="first"),
            layers.LayerNormalization(epsilon=epsilon, name="norm"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(2, name="last"),
        ]
    )
    model.compile("adam", "mse")
    model.save(path)


RECORD = "--against", "minikeras", "--batches", 2, "--steps", 2, "--record", "g.npz"


def test_a_golden_file(tmp_path):
    save(tmp_path / "a.keras")
    save(tmp_path / "b.keras", epsilon=1.1e-3)
    draw = np.random.default_rng(0).normal
    np.savez(tmp_path / "d.npz", x=draw(size=(8, 5)), y=draw(size=(8, 2)))
    code, first, err = check("a.keras", *RECORD, "--data", "d.npz", folder=tmp_path)
    assert code == 0, err
    (tmp_path / "d.npz").unlink()
    code, again, err = check("a.keras", "--golden", "g.npz", folder=tmp_path)
    assert code == 0, err
    assert again.partition("Also compared")[0] == first.partition("Also compared")[0]
    assert "Note: what minikeras computes is read from g.npz." in again
    code, out, _ = check("b.keras", "--golden", "g.npz", folder=tmp_path)
    assert code == 1 and "Part first: norm#0 (LayerNormalization), forward, out0." in out
    with np.load(tmp_path / "g.npz") as arrays:  # which refuses pickles
        read = {name: arrays[name] for name in arrays.files}
    requests = [json.loads(str(text)) for text in read["check/requests"]]
    asked = [json.loads(entry["request"]) for entry in requests]
    for do, dtype in (("forward", "float32"), ("alone", "float64"), ("update", "float32")):
        number = next(i for i, a in enumerate(asked) if (a["do"], a.get("dtype")) == (do, dtype))
        arrays = [a for name, a in read.items() if name.startswith(f"out/{number}/")]
        assert arrays and {a.dtype.name for a in arrays if a.dtype.kind == "f"} == {dtype}
    assert read["x"].shape == (8, 5)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_a_golden_file_of_another_model(tmp_path):
    save(tmp_path / "a.keras")
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]).save(tmp_path / "b.keras")
    assert check("a.keras", *RECORD, folder=tmp_path)[0] == 0
    code, out, _ = check("b.keras", "--golden", "g.npz", folder=tmp_path)
    assert code == 1 and "class: weights or state." in out


def test_files_that_are_none(tmp_path):
    save(tmp_path / "a.keras")
    np.savez(tmp_path / "x.npz", x=np.ones(3))
    for name, message in (("x.npz", "is no file that"), ("no.npz", "There is no file no.npz")):
        code, _, err = check("a.keras", "--golden", name, folder=tmp_path)
        assert code == 3 and message in err
    code, _, err = check("a.keras", *RECORD[:-1], "no/g.npz", folder=tmp_path)
    assert code == 3 and "no/g.npz cannot be written" in err
