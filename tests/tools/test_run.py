"""Scripts that `minikeras run` runs, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from minikeras.tools import cli

NAMES = """
import sys
import keras.layers, keras.ops.numpy
from keras.layers import Dense
from tensorflow import keras as of_tensorflow
from tensorflow.python.keras.layers import Dense as inner
import tensorflow as tf
import tensorflow.keras.layers
import minikeras

assert keras is of_tensorflow is tf.keras is minikeras and inner is Dense is minikeras.layers.Dense
assert sys.modules["keras.layers"] is sys.modules["tensorflow.keras.layers"] is minikeras.layers
assert minikeras.layers.__spec__.name == minikeras.layers.__name__ == "minikeras.layers"
assert tf.__version__ == "2.21.0" and not hasattr(tf, "constant")
"""

REFUSED = """
import importlib

def message(name):
    try:
        package, _, attribute = name.partition(":")
        found = importlib.import_module(package)
        getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        return f"{type(error).__name__} {error}"

for name in ("keras.src.layers", "keras.kernels", "keras.ops.core", "keras.nothing",
             "tensorflow.compat.v1", "tensorflow:constant"):
    print(message(name))
try:
    from tensorflow import constant
except ImportError as error:
    print(error)
"""

WORKERS = """
import multiprocessing
import subprocess
import sys

class Point:
    pass

def work(point):
    import keras
    return keras.__name__, type(point).__module__

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [Point()]), flush=True)
    subprocess.run([sys.executable, "-c", "from keras import Model; print(Model.__module__)"])
"""


def run(*arguments, folder):
    """Run `minikeras run` in a folder; return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "minikeras", "run", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def script(tmp_path):
    """A function that writes a script and returns its path."""

    def write(text, name="script.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def test_names_of_keras_lead_to_minikeras(script, tmp_path):
    done = run(script(NAMES), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_not_there_is_refused_with_a_reason(script, tmp_path):
    done = run(script(REFUSED), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    inside, kernels, ops, nothing, *tensorflow = done.stdout.splitlines()
    assert inside.startswith("ModuleNotFoundError No module named 'keras.src': that is the inside")
    assert kernels == "ModuleNotFoundError No module named 'keras.kernels'"
    assert ops == "ModuleNotFoundError No module named 'keras.ops.core'"
    assert nothing == "ModuleNotFoundError No module named 'keras.nothing'"
    assert len(tensorflow) == 3
    for line in tensorflow:
        assert line.endswith("`tensorflow.keras`, and no other part of TensorFlow is here.")


def test_a_script_runs_as_python_would_run_it(script, tmp_path):
    """Its arguments, the head of its path, its name, its exit status and its traceback."""
    path = script("import sys; print(sys.argv, sys.path[0], __name__, __file__); 1 / 0")
    arguments = ["--", "-h", "--keras", "2"]
    done = run("--keras", "3", path, *arguments, folder=tmp_path)
    python = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, python.stdout, python.stderr)


def test_no_script_is_an_error(capsys):
    with pytest.raises(SystemExit, match="^2$"):
        cli.main(["run", "--keras", "2"])
    assert "error: name the script to run" in capsys.readouterr().err


def test_modules_run_as_well(script, tmp_path):
    script("import keras, sys; print(keras.__name__, sys.argv[1:]); exit(7)", "package/train.py")
    done = run("-m", "package.train", "-m", "x", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, "minikeras ['-m', 'x']\n", "")


def test_workers_of_a_script_find_keras(script, tmp_path):
    done = run(script(WORKERS), folder=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[('minikeras', '__mp_main__')]", "minikeras.models.model"]
