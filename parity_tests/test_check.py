"""`minikeras check` against real Keras: faults are named by layer, phase and class."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.parity

HERE = Path(__file__).parent

# Which call or weight a fault is to be named at, in which phases, and of which class.
DEFINITION, STATE = "definition", "weights or state"
FIRST = ("forward", "training", "gradients")
EXPECTED = {
    "cnn__activation": ("conv#0", FIRST, DEFINITION),
    "cnn__epsilon": ("bn#0", FIRST, DEFINITION),
    "cnn__momentum": ("bn/moving_mean", ("first step",), DEFINITION),
    "cnn__padding_side": ("pad#0", FIRST, DEFINITION),
    "cnn__penalty": ("the loss", ("loss",), DEFINITION),
    "cnn__pooling": ("pool#0", FIRST, DEFINITION),
    "cnn__dropout_rate": ("drop#0", ("training",), DEFINITION),
    "cnn__integer_truncation": ("steps#0", FIRST, DEFINITION),
    "cnn__low_precision": ("narrow#0", FIRST, "rounding"),
    "cnn__adam_epsilon": ("conv/kernel", ("update",), DEFINITION),
    "cnn__adam_beta": ("conv/kernel", ("update",), DEFINITION),
    "cnn__weight_decay": ("conv/kernel", ("update",), DEFINITION),
    "cnn__metric": ("the names", ("logs",), DEFINITION),
    "cnn__bit_of_a_weight": ("conv/kernel", ("loading",), STATE),
    "cnn__turned_kernel": ("conv/kernel", ("loading",), STATE),
    "lstm__gates": ("lstm#0", FIRST, DEFINITION),
    "lstm__backwards": ("lstm#0", FIRST, DEFINITION),
    "lstm__clipping": ("kernel", ("update",), DEFINITION),
    "lstm__order_of_gates": ("kernel", ("loading",), STATE),
    "gru__mask": ("gru#0", FIRST, DEFINITION),
    "gru__reset_after": ("sequential", ("loading",), STATE),
    "gru__backwards": ("last#0", FIRST, DEFINITION),
    "transformer__epsilon": ("norm#0", FIRST, DEFINITION),
    "transformer__causal": ("attention#0", FIRST, DEFINITION),
    "transformer__gelu": ("gelu#0", FIRST, DEFINITION),
    "transformer__scale": ("scale#0", FIRST, DEFINITION),
    "transformer__adamw_beta": ("kernel", ("update",), DEFINITION),
    "residual__join": ("join#0", FIRST, DEFINITION),
    "residual__slope": ("leaky#0", FIRST, DEFINITION),
    "residual__activity": ("the loss", ("loss",), DEFINITION),
    "residual__loss": ("the loss", ("loss",), DEFINITION),
    "own__between_layers": ("last#0", ("forward, between",), DEFINITION),
    "own__accumulator": ("accumulator", ("loading",), STATE),
}


def check(name, *options, module="faulty_models"):
    """Run the command on a model of a module; return its exit status and its report."""
    command = [sys.executable, "-m", "minikeras", "check", f"{module}:{name}", "--json"]
    done = subprocess.run(
        [*command, "--batches", "1", "--steps", "2", *options],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("name", ["cnn", "lstm", "gru", "transformer", "residual"])
def test_without_a_fault(name):
    code, report = check(name)
    assert code == 0, report["findings"][:3]
    assert report["agreement in float64"] < 2.0**-24  # some constants are rounded to float32


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_is_named(name, tmp_path):
    place, phases, kind = EXPECTED[name]
    draw = np.random.default_rng(0).normal
    np.savez(tmp_path / "rows.npz", x=draw(size=(4, 4)).astype("f"), y=draw(size=(4, 2)))
    options = ["--data", str(tmp_path / "rows.npz")] if name.startswith("own") else []
    code, report = check(name, *options)
    assert code == 1
    first = report["findings"][0]
    assert place in first["key"], report["findings"][:3]
    assert first["phase"] in phases
    assert first["class"] == kind


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("name", "op", "count", "flips"),
    [
        ("dense", "relu", 64, False),
        ("inside", "relu", 64, True),
        ("rounds", "round", 64, True),
        ("largest", "max", 48, True),
    ],
)
def test_numbers_on_a_kink_are_left_out(name, op, count, flips):
    code, report = check(name, module="kinked_models")
    assert code == 0, report["findings"][:3]
    (note,) = [note for note in report["notes"] if f"of {op} (left out)" in note]
    assert int(note.split()[0]) >= count
    assert {finding["class"] for finding in report["findings"]} == ({"kink"} if flips else set())
