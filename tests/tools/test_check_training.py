"""`minikeras check SCRIPT.py`: a script that trains, step by step, as a user runs the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The command runs a script twice in minikeras, and then in the other engine, which is minikeras
# here as well: from the third run on it has the fault that its first argument names.
SCRIPT = '''
"""Trains a small network."""
import os, sys
import keras
import numpy as np

def is_other():
    for name in ("first", "second"):
        try:
            os.mkdir(name)
            return False
        except FileExistsError:
            pass
    return True

FAULT = sys.argv[1] if len(sys.argv) > 1 and is_other() else ""
print("training", sys.argv[1:])

def mse(y, p):
    return keras.ops.mean(keras.ops.square(y - p)) * (1.0001 if FAULT == "loss" else 1.0)

model = keras.Sequential([
    keras.Input((6,)),
    keras.layers.Dense(9, "tanh", name="first"),
    keras.layers.BatchNormalization(momentum=0.98 if FAULT == "momentum" else 0.99, name="norm"),
    keras.layers.Dropout(0.3),
    keras.layers.Dense(2, name="last"),
])
if FAULT == "start":
    model.layers[0].kernel.assign(model.layers[0].kernel * 1.001)
model.compile(keras.optimizers.Adam(0.0101 if FAULT == "rate" else 0.01), mse)
draw = np.random.default_rng(0).normal
x, y = draw(size=(32, 6)), draw(size=(32, 2))

class Late(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if FAULT == "late" and self.model.optimizer.iterations == 5:
            self.model.optimizer.learning_rate = 0.02

if FAULT == "data":
    y[9] += 0.01
model.fit(x, y, batch_size=8, epochs=20, shuffle=False, verbose=2, callbacks=[Late()])
sys.exit(3)
'''


def check(*arguments, folder, **more):
    """Run the command; return its exit status, and what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "minikeras", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **more,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def script(tmp_path):
    """Runs the command on a script, by default the one above."""

    def run(*arguments, text=SCRIPT, **more):
        (tmp_path / "train.py").write_text(text)
        options = "train.py", "--against", "minikeras", *arguments
        return check(*options, folder=tmp_path, **more)

    return run


def test_the_engine_against_itself(script):
    code, out, err = script("--steps", 12, "--from-step", 3)
    assert code == 0, out + err
    assert "train.py: 12 steps of Adam, 101 trainable weights" in out
    assert "both run eagerly" in out and "The same to rounding, for 12 steps." in out
    assert "Step 3 alone, from the same weights and slots:" in out
    assert out.count("the same to rounding, at most 0.0e+00 apart") == 3
    assert "training" not in out


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("fault", "step", "place", "kind"),
    [
        ("start", 1, "weights at the start, first/kernel", "weights or state"),
        ("loss", 1, "loss", "definition"),
        ("momentum", 1, "state, norm/moving_mean", "definition"),
        ("rate", 1, "slot, adam/learning_rate", "definition"),
        ("late", 6, "slot, adam/learning_rate", "definition"),
        ("data", 2, "loss", "definition"),
    ],
)
def test_the_first_step_that_differs_is_named(script, fault, step, place, kind):
    code, out, _ = script("--steps", 8, "--json", "--", fault)
    assert code == 1
    first = json.loads(out)["finding"]
    assert first["step"] == step, first
    name = {"before": "weights at the start"}.get(first["kind"], first["kind"])
    variable = (first["name"] or "").removeprefix("sequential/")
    named = f"{name}, {variable}" if variable else name
    assert named == place
    assert first["apart"] > first["allowed"]
    assert kind == ("weights or state" if first["kind"] == "before" else "definition")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "first", "text"),
    [
        ("loss", "gradients: differ, at most ", "the backward pass, or the data of this step"),
        ("rate", "slots: differ, at most ", "the optimizer's update"),
    ],
)
def test_a_step_alone(script, fault, first, text):
    code, out, _ = script("--steps", 5, "--from-step", 4, "--", fault)
    assert code == 1
    alone = out[out.index("Step 4 alone") :]
    assert first in alone and f"class: definition. {text}." in alone, out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import keras\nraise ValueError('no data')", "train.py, line 2: ValueError: no data"),
        ("import keras\nexit('no luck')", "the script ended with exit('no luck')"),
        ("import keras\nprint('done')", "without a step of an optimizer"),
        ("import keras\ninput('name: ')", "line 2: EOFError"),
        ("import os\nos._exit(7)", "minikeras ended (exit status 7)"),
        ("import keras\nkeras.nothing", "line 2: AttributeError"),
        ("import keras\ndef", "SyntaxError"),
    ],
)
def test_scripts_that_train_nothing(script, text, message):
    code, out, err = script(text=text)
    assert code == 3 and not out
    assert message in err and len(err.splitlines()) == 1, err


@pytest.mark.slow
def test_two_optimizers_and_train_on_batch(script):
    text = """
import keras
import numpy as np
a = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="a")])
b = keras.Sequential([keras.Input((3,)), keras.layers.Dense(80, name="b")])
a.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
b.compile(keras.optimizers.RMSprop(0.1), "mae")
for i in range(10):
    x = np.full((2, 3), i % 3)
    a.train_on_batch(x, np.ones((2, 4)))
    b.train_on_batch(x, np.ones((2, 80)))
"""
    code, out, err = script("--steps", 30, "--from-step", 6, text=text)
    assert code == 0, err
    assert "20 steps of SGD, RMSprop, 336 trainable weights" in out
    assert "Step 6 alone" in out
