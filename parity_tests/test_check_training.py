"""`minikeras check SCRIPT.py` against real Keras: the same training, and one that differs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

SCRIPT = """
import sys
import keras
import numpy as np

IS_OURS = "minikeras" in keras.layers.Dense.__module__
FAULT = sys.argv[1] if IS_OURS else ""
words = keras.Input((12,), dtype="int32")
y = keras.layers.Embedding(30, 8, mask_zero=True)(words)
y = keras.layers.LSTM(10, dropout=0.2, go_backwards=FAULT == "backwards")(y)
y = keras.layers.BatchNormalization(epsilon=1.01e-3 if FAULT == "epsilon" else 1e-3)(y)
model = keras.Model(words, keras.layers.Dense(4, activation="softmax")(y))
rule = keras.optimizers.AdamW(0.01, clipnorm=1.0, beta_2=0.99 if FAULT == "beta" else 0.999)
model.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])
draw = np.random.default_rng(0).integers
model.fit(draw(0, 30, (64, 12)), draw(0, 4, 64), epochs=9, batch_size=16, verbose=0)
"""


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("none", None), ("backwards", "loss"), ("epsilon", "loss"), ("beta", "slot")],
)
def test_a_training(fault, kind, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    options = "--steps", "20", "--from-step", "7", "--json", "--", fault
    done = subprocess.run(
        [sys.executable, "-m", "minikeras", "check", "train.py", *options],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if kind is None else 1), report["finding"]
    if kind is None:
        assert report["steps"] == 20 and len(report["alone"]) > 20
    else:
        assert report["finding"]["step"] == 1 and report["finding"]["kind"] == kind
