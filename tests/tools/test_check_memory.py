"""What `minikeras check` holds besides both engines: a few times the largest layer, no more."""

import subprocess
import sys
from pathlib import Path

import pytest

import minikeras as keras

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from pathlib import Path
from minikeras.tools.check.checking import Options, check

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

def checked(path):
    options = Options({"path": path}, against="minikeras", batches=1, steps=1)
    return check(options)

checked(sys.argv[1])  # what the first check imports is not counted
before = most()
assert checked(sys.argv[2]).same
print(most() - before)
"""


def saved(path, units):
    """A file of a network of five layers, the largest of `units * units` weights."""
    layers = [keras.layers.Dense(units, activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((units,)), *layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.save(path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_three_times_the_largest_layer(tmp_path):
    """Of the process that compares: in float64, since that is what an engine holds of a layer."""
    units = 1500
    saved(tmp_path / "small.keras", 8)
    saved(tmp_path / "large.keras", units)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "small.keras", tmp_path / "large.keras"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert int(done.stdout) < 3 * 8 * units * units
