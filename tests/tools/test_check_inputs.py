"""`minikeras check` on two files, on configs as text, and with weights in files of their own."""

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


def model(units=3, epsilon=1e-3, rate=0.1, extra=False):
    """A small compiled model; each has the same weights as far as their shapes agree."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, name="extra")] if extra else []
    m = keras.Sequential(
        [
            keras.Input((4,)),
            *layers,
            keras.layers.Dense(units, name="first"),
            keras.layers.BatchNormalization(epsilon=epsilon, name="norm"),
        ],
        name="net",
    )
    m.compile(keras.optimizers.SGD(rate, momentum=0.9), "mse")
    return m


@pytest.fixture
def folder(tmp_path):
    """A folder with a model's file, which others are compared with."""
    model().save(tmp_path / "a.keras")
    return tmp_path


def test_two_equal_files(folder):
    model().save(folder / "b.keras")
    code, out, _ = check("a.keras", "b.keras", folder=folder)
    assert code == 0 and out.endswith("Equal.\n")
    assert "outputs: equal" in out and "optimizer state: equal" in out


def test_a_file_after_a_step_of_training(folder):
    trained = model()
    trained.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    trained.save(folder / "b.keras")
    code, out, _ = check("a.keras", "b.keras", "--batches", 2, folder=folder)
    assert code == 1 and "config: equal" in out
    assert "of 6 differ, by at most" in out
    assert "norm/beta[" in out and "(3 of 3 numbers)" in out
    assert "iteration (1 of 1 numbers): 0 | 1" in out
    assert "outputs: 1 of 1 differ, by at most" in out


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("other", "part", "where", "values"),
    [
        ({"epsilon": 1e-2}, "config", "config/layers/norm/config/epsilon", ["0.001", "0.01"]),
        ({"rate": 0.2}, "compile config", "optimizer/config/learning_rate", ["0.1", "0.2"]),
        ({"units": 5}, "weights", "first/kernel", ["shape (4, 3)", "shape (4, 5)"]),
        ({"extra": True}, "weights", "extra/kernel", ["-", "shape (4, 4)"]),
    ],
)
def test_what_differs_is_named(folder, other, part, where, values):
    model(**other).save(folder / "b.keras")
    code, out, _ = check("a.keras", "b.keras", "--json", folder=folder)
    report = json.loads(out)
    assert code == 1 and not report["same"]
    changes = [c for c in report["changes"] if c["part"] == part and c["where"].endswith(where)]
    assert changes and np.allclose(*_numbers(changes[0]["values"], values)), report["changes"]


def _numbers(mine, expected):
    """Texts of numbers as numbers, others as whether they are equal: rates are of float32."""
    try:
        return [float(v) for v in mine], [float(v) for v in expected]
    except ValueError:
        return [float(mine == expected)], [1.0]


def test_files_that_cannot_be_compared(folder):
    (folder / "broken.keras").write_bytes(b"PK\3\4 no archive")
    code, _, err = check("a.keras", "broken.keras", folder=folder)
    assert code == 3 and "cannot load broken.keras" in err
    code, _, err = check("a.keras", "b.keras", "c.keras", folder=folder)
    assert code == 2 and "two files are compared" in err
    code, _, err = check("a.keras", "a.keras", "--golden", "g.npz", folder=folder)
    assert code == 2 and "--golden is for a model, not for two files" in err


def test_inputs_that_are_no_model(folder):
    code, _, err = check("a.keras", "--", "x", folder=folder)
    assert code == 2 and "-- ARGS is for a script, not for a model" in err
    model().save_weights(folder / "a.weights.h5")
    code, _, err = check("a.weights.h5", folder=folder)
    assert code == 3 and "by --weights" in err
    (folder / "a.yaml").write_text("- no\n- model\n")
    code, _, err = check("a.yaml", "--against", "minikeras", folder=folder)
    assert code == 3 and "is no config of a model" in err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "json", "yaml", "function", "old"])
def test_weights_in_a_file_of_their_own(folder, form):
    source, trained = f"a.{form}", model()
    trained.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    trained.save_weights(folder / "b.weights.h5")
    if form == "function":
        source = "made:model"
        (folder / "made.py").write_text(MADE)
    elif form == "old":
        source = "old.yaml"
        (folder / source).write_text(OLD)
    elif form != "keras":
        text = trained.to_json() if form == "json" else trained.to_yaml()
        (folder / source).write_text(text)
    options = "--weights", "b.weights.h5", "--against", "minikeras", "--batches", 1, "--steps", 0
    code, out, err = check(source, *options, folder=folder)
    assert code == 0 and "The same to rounding." in out, err
    assert ("is of an older Keras" in out) == (form == "old")


MADE = """
import keras

def model():
    layers = [keras.layers.Dense(3), keras.layers.BatchNormalization()]
    return keras.Sequential([keras.Input((4,)), *layers])
"""

# As Keras 2.2 wrote it, with a tuple in the form of that time.
OLD = """
backend: tensorflow
class_name: Sequential
config:
  name: sequential_1
  layers:
  - class_name: Dense
    config: {batch_input_shape: !!python/tuple [null, 4], name: dense_1, units: 3}
  - class_name: BatchNormalization
    config: {name: batch_normalization_1}
keras_version: 2.2.4
"""
