"""`minikeras check`: as a user runs it, with minikeras itself as the other engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras

ROOT = Path(__file__).parents[2]

FAULTS = '''
"""A model that differs between two processes: the second makes it with another setting."""
import os
import keras

class Scale(keras.layers.Layer):
    """A layer that its config describes right in one process alone."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "factor": 3.0} if OTHER and config["name"] == "scale" else config)

def other():
    try:
        os.mkdir(os.environ["FIRST"])
    except FileExistsError:
        return True
    return False

OTHER = other()

def model(epsilon=1e-3, momentum=0.99, penalty=0.0, adam=1e-7, bit=False):
    keras.utils.set_random_seed(1)
    m = keras.Sequential([
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.BatchNormalization(epsilon=epsilon, momentum=momentum),
        keras.layers.Flatten(),
        keras.layers.Dense(10, "softmax", kernel_regularizer=keras.regularizers.L2(penalty)),
    ])
    m.name = "model <&>"
    rule = keras.optimizers.Adam(epsilon=adam)
    m.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])
    if bit:
        weights = m.get_weights()
        weights[0].view("uint32").flat[3] ^= 1 << 14
        m.set_weights(weights)
    return m

def same(): return model()
def epsilon(): return model(epsilon=1.001e-3 if OTHER else 1e-3)
def momentum(): return model(momentum=0.98 if OTHER else 0.99)
def penalty(): return model(penalty=1e-3 if OTHER else 1.01e-3)
def adam(): return model(adam=1.1e-7 if OTHER else 1e-7)
def bit(): return model(bit=OTHER)
def saving(): return keras.Sequential([keras.Input((3,)), Scale(2.0, name="scale")])
def broken(): raise ValueError("no model today")
def dies(): os._exit(3)
'''


def check(*arguments, folder, **environment):
    """Run the command; return its exit status, and what it printed on both streams."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "minikeras",
            "check",
            *map(str, arguments),
            "--against",
            "minikeras",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def faults(tmp_path):
    """A folder with the module of models that differ, and what tells the processes apart."""
    (tmp_path / "faults.py").write_text(FAULTS)

    def run(name, *options):
        first = {"FIRST": str(tmp_path / "first"), "PYTHONDONTWRITEBYTECODE": "1"}
        return check(f"faults:{name}", *options, folder=tmp_path, **first)

    return run


def saved(path):
    """A small compiled model in a file."""
    keras.utils.set_random_seed(0)
    words = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(20, 8, mask_zero=True)(words)
    x = keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True))(x)
    x = keras.layers.add([x, keras.layers.Dense(10)(x)])
    x = keras.layers.GRU(4, dropout=0.2)(x)
    model = keras.Model(words, keras.layers.Dense(3, activation="softmax")(x))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.save(path)
    return model


def test_the_engine_against_itself(tmp_path):
    saved(tmp_path / "m.keras")
    code, out, _ = check("m.keras", "--batches", 2, "--steps", 2, folder=tmp_path)
    assert code == 0, out
    assert "The same to rounding." in out
    assert "functional: 7 layers" in out and "agree to 0e+00" in out
    assert [line.split()[0] for line in out.splitlines() if " / " in line] == [
        "forward", "training", "gradients", "step",
    ]  # fmt: skip


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("name", "place", "kind"),
    [
        ("epsilon", "batch_normalization#0 (BatchNormalization), forward, out0", "definition"),
        ("momentum", "batch_normalization/moving_mean, first step", "definition"),
        ("penalty", "the loss, loss, value", "definition"),
        ("adam", "conv2d/kernel (Adam), update, weight", "definition"),
        ("bit", "conv2d/kernel, loading, value", "weights or state"),
    ],
)
def test_what_differs_is_named(name, place, kind, faults):
    code, out, _ = faults(name, "--batches", 1, "--steps", 1)
    assert code == 1
    first = out[out.index("Part first: ") :].splitlines()
    assert place in first[0], out
    assert f"class: {kind}." in first[1], out


def test_files_that_are_read_otherwise(faults):
    code, out, _ = faults("saving", "--batches", 1)
    assert code == 1
    first = out[out.index("Part first: ") :].splitlines()
    assert first[0] == "Part first: file of minikeras, saving, read by minikeras."
    assert "class: saving. the outputs are 5.0e-01 apart" in first[1]


def test_the_page_and_the_tree(faults, tmp_path):
    code, out, _ = faults("epsilon", "--batches", 1, "--steps", 1, "--html", "report.html")
    tree = out[out.index("\nmodel <&>\n") :].splitlines()[2:]
    assert code == 1
    assert tree[0].split() == ["conv2d", "Conv2D"]
    assert tree[1].startswith("> batch_normalization  BatchNormalization   parts first (forward)")
    assert "minikeras/layers/normalization/batch_norm.py:" in tree[1]
    page = (tmp_path / "report.html").read_text()
    assert "<h1>model &lt;&amp;&gt;</h1>" in page and "model <&>" not in page
    assert '<li class="mark"><code>batch_normalization</code>' in page
    assert "(x - mean) / sqrt(variance + epsilon) * gamma + beta" in page
    assert not re.findall(r"https?:|<script|<link|<img|@import|url\(", page)
    code, _, err = faults("same", "--batches", 1, "--steps", 0, "--html", tmp_path / "no" / "r")
    assert code == 3 and "Could not write" in err


@pytest.mark.slow
def test_forms_of_the_report(faults):
    code, out, _ = faults("epsilon", "--batches", 1, "--steps", 0, "--json")
    report = json.loads(out)
    assert code == 1 and not report["same"]
    assert report["findings"][0]["key"] == "batch_normalization#0"
    assert report["model"]["optimizer"] == "Adam" and report["batches"] == 1


@pytest.mark.slow
def test_data_of_the_users_own(tmp_path):
    saved(tmp_path / "m.keras")
    x = np.random.default_rng(0).integers(1, 20, (7, 6))
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(7) % 3)
    options = "--data", "d.npz", "--steps", 1, "--seconds", 100
    code, out, _ = check("m.keras", *options, folder=tmp_path)
    assert code == 0 and "2 batches of 4" in out


@pytest.mark.parametrize(
    ("name", "message"),
    [("broken", "ValueError: no model today"), ("dies", "minikeras ended")],
)
def test_models_that_are_none(name, message, faults):
    code, _, err = faults(name)
    assert code == 3
    assert "Could not compare" in err and message in err


def test_files_that_are_none(tmp_path):
    code, _, err = check("nothing.keras", folder=tmp_path)
    assert code == 3 and "There is no file nothing.keras" in err
    (tmp_path / "broken.keras").write_bytes(b"PK\3\4 no archive")
    code, _, err = check("broken.keras", folder=tmp_path)
    assert code == 3 and "cannot load the model" in err


def test_a_model_without_a_loss(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "m.keras")
    code, out, _ = check("m.keras", "--batches", 1, "--markdown", folder=tmp_path)
    assert code == 0 and "| --- | --- |" in out and "The same to rounding." in out
    assert "Also compared: 3 gradients of the whole model; 8 readings of saved models" in out
    assert "the model is not compiled" in out and "| gradients" in out and "| step" not in out


@pytest.mark.slow
def test_config_and_weights(tmp_path):
    model = saved(tmp_path / "m.keras")
    (tmp_path / "m.json").write_text(model.to_json())
    model.save_weights(tmp_path / "m.weights.h5")
    options = "--weights", "m.weights.h5", "--batches", 1
    code, out, _ = check("m.json", *options, folder=tmp_path)
    assert code == 0 and "The same to rounding." in out
