"""`minikeras check` against Keras on JAX and PyTorch, and against Keras 2.

Keras 2 comes with the other tests; the others live in the environments of `make check-setup`, and
their tests are skipped where these are missing.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

HERE = Path(__file__).parent
ENVIRONMENTS = Path(os.environ.get("CHECK_VENV", HERE.parent / ".venv-check"))
ENGINES = ["keras-jax", "keras-torch", "tf-keras"]
MODELS = ["cnn", "lstm", "gru", "transformer", "residual", "own"]
# On JAX, where each op is compiled when it is first called, only a small one is tried.
ROWS = [(e, m) for e in ENGINES for m in MODELS if e != "keras-jax" or m == "lstm"]
# Where each fault is to be named, and in which phases.
FAULTS = {
    "cnn__epsilon": ("bn#0", ("forward", "training", "gradients")),
    "lstm__gates": ("lstm#0", ("forward", "training", "gradients")),
    "residual__adam_epsilon": ("", ("update",)),
}


def python_of(engine):
    """The Python that has an engine; skips the test where none has."""
    if engine == "tf-keras":
        return sys.executable
    path = ENVIRONMENTS / engine / "bin" / "python"
    if not path.exists():
        pytest.skip(f"there is no {path}: `make check-setup` makes it")
    return str(path)


def check(engine, name, folder):
    """Run the command; return its exit status and its report."""
    command = [sys.executable, "-m", "minikeras", "check", f"engine_models:{name}", "--json"]
    command += [
        "--against",
        engine,
        "--python",
        python_of(engine),
        "--batches",
        "1",
        "--steps",
        "2",
    ]
    if name == "own":  # it does not say which inputs it takes
        draw = np.random.default_rng(0).normal
        x, y = draw(size=(4, 4)).astype("float32"), draw(size=(4, 2)).astype("float32")
        np.savez(folder / "rows.npz", x=x, y=y)
        command += ["--data", str(folder / "rows.npz")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=900,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(("engine", "name"), ROWS)
def test_without_a_fault(engine, name, tmp_path):
    """Though random numbers are others, and settings may be exact in float64, nothing differs."""
    code, report = check(engine, name, tmp_path)
    assert code == 0, report["findings"][:3]
    phases = {item["phase"] for item in report["items"]}
    assert phases >= {"forward", "training", "gradients", "update", "first step", "logs"}
    # Keras 3 reads no file of a model whose class takes no `name`.
    assert "saving" in phases or name == "own"
    notes = [note for note in report["notes"] if "as in inference" in note]
    assert notes == ([n for n in notes if n.startswith("drop:")] if name == "cnn" else [])


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_is_named(engine, name, tmp_path):
    place, phases = FAULTS[name]
    code, report = check(engine, name, tmp_path)
    assert code == 1
    first = report["findings"][0]
    assert place in first["key"] and first["phase"] in phases, report["findings"][:3]
    assert first["class"] == "definition"


@pytest.mark.parametrize("engine", ["keras-torch"])
def test_a_known_difference_is_named(engine, tmp_path):
    code, report = check(engine, "gru_rmsprop", tmp_path)
    assert code == 1
    assert report["findings"][0]["known"] == "docs/numerics.md#embedding-rows"
