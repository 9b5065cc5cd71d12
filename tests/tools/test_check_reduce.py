"""`minikeras check --reduce`: a finding as a small script, which differs as well."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The process that runs second has other settings.
MODELS = """
import os
import keras

def is_other():
    try:
        os.mkdir("first")
    except FileExistsError:
        return True
    return False

OTHER = is_other()

def model(epsilon=1e-3, beta=0.999, penalty=0.0, slope=0.3):
    keras.utils.set_random_seed(1)
    m = keras.Sequential([
        keras.Input((8, 6)),
        keras.layers.Conv1D(8, 3, name="conv"),
        keras.layers.BatchNormalization(epsilon=epsilon, name="norm"),
        keras.layers.LeakyReLU(negative_slope=slope, name="leaky"),
        keras.layers.Flatten(),
        keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(penalty), name="last"),
    ])
    m.compile(keras.optimizers.Adam(beta_2=beta), "mse")
    return m

def same(): return model()
def epsilon(): return model(epsilon=1.01e-3 if OTHER else 1e-3)
def slope(): return model(slope=0.31 if OTHER else 0.3)
def beta(): return model(beta=0.998 if OTHER else 0.999)
def penalty(): return model(penalty=1e-3 if OTHER else 2e-3)
"""


def run(*command, folder):
    """Run Python; return its exit status, and what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def check(name, folder):
    """Check a model of the module above, and let its difference be reduced."""
    (folder / "models.py").write_text(MODELS)
    options = "--against", "minikeras", "--batches", 1, "--steps", 1, "--reduce", "repro.py"
    return run("-m", "minikeras", "check", f"models:{name}", *options, folder=folder)


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("name", "title", "most"),
    [
        ("epsilon", "norm#0 (BatchNormalization), forward", 12),
        ("slope", "leaky#0 (LeakyReLU), forward", 2),
        ("beta", "conv/kernel (Adam), update", 6),
    ],
)
def test_a_difference_is_reduced(name, title, most, tmp_path):
    code, out, err = check(name, tmp_path)
    assert code == 1, err
    note = next(line for line in out.splitlines() if "repro.py differs as well, with" in line)
    assert int(note.split("with ")[1].split()[0]) <= most, note
    script = (tmp_path / "repro.py").read_text()
    assert title in script.splitlines()[0], script[:200]
    code, out, _ = run("repro.py", folder=tmp_path)
    assert code == 1 and " apart\n" in out


@pytest.mark.slow
def test_what_cannot_be_reduced(tmp_path):
    code, out, _ = check("penalty", tmp_path)
    assert code == 1 and "Note: no script was written: no layer and no update" in out
    assert not (tmp_path / "repro.py").exists()


@pytest.mark.slow
def test_without_a_difference(tmp_path):
    code, out, _ = check("same", tmp_path)
    assert code == 0 and "repro.py" not in out
    assert not (tmp_path / "repro.py").exists()
