"""`minikeras.testing`: models compared with another engine, from tests and notebooks."""

import subprocess
import sys

import numpy as np
import pytest

import minikeras as keras
from minikeras import testing

FIRST = """
import os
import keras

try:
    os.mkdir(os.environ["FIRST"])
    units = 3
except FileExistsError:
    units = 4

def model():
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "relu", name="d")])
    m.set_weights([[[units, 1, 2], [3, 4, 5]], [0, 0, 0]])
    return m
"""


def small():
    """A compiled model of two inputs."""
    a, b = keras.Input((3,)), keras.Input((4,), dtype="int32")
    y = keras.layers.Embedding(5, 2)(b)
    y = keras.layers.Concatenate()([a, keras.layers.Flatten()(y)])
    model = keras.Model([a, b], keras.layers.Dense(2)(y))
    model.compile("sgd", "mse")
    return model


def test_a_model_and_its_data():
    x = [np.ones((6, 3), "float32"), np.arange(24).reshape(6, 4) % 5]
    model = small()
    before = model.get_weights()
    report = testing.check(model, x, np.ones((6, 2)), against="minikeras", steps=1)
    assert report.same and report.findings == [] and report.batches == 2
    assert [row.phase for row in report.rows] == ["forward", "training", "gradients", "update"]
    assert "The same to rounding." in str(report)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_assert_same_shows_the_report(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRST", str(tmp_path / "first"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "made.py").write_text(FIRST)
    target = f"{tmp_path / 'made.py'}:model"
    with pytest.raises(AssertionError, match="Part first: sequential/d/kernel, loading"):
        testing.assert_same(target, against="minikeras", batches=1)
    testing.assert_same(target, against="minikeras", batches=1)  # both are the second now


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: testing.check("no.keras"), testing.NotComparable, "There is no file no.keras"),
        (lambda: testing.check(small(), y=np.ones(3)), ValueError, "need the inputs `x`"),
        (
            lambda: testing.check(keras.Sequential([keras.layers.Dense(1)])),
            ValueError,
            "has no weights yet",
        ),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_it_is_imported_when_it_is_used():
    code = (
        "import sys, minikeras; before = 'minikeras.tools' in sys.modules;"
        "minikeras.testing.check; print(before, 'minikeras.tools.check' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
