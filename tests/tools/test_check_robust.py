"""`minikeras check` on what cannot be compared: one clear line, an exit status, nothing left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras

ROOT = Path(__file__).parents[2]

MODELS = '''
"""Models that a check meets when something is wrong with them, or with the machine."""
import ctypes, os, signal, sys, time
import keras
import numpy as np
L = keras.layers

class Custom(L.Layer):
    def __init__(self, do):
        super().__init__(name="custom")
        self.do = do

    def call(self, x):
        if isinstance(x, keras.Operation) or not keras.ops.is_tensor(x) or None in x.shape:
            return x
        try:
            keras.ops.convert_to_numpy(x)
        except (TypeError, ValueError):
            return x  # there are no numbers while the model is made
        self.do()
        return x

def model(do=None, value=None):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,)), L.Dense(3, name="first")]
    layers += [Custom(do)] if do else []
    m = keras.Sequential([*layers, L.Dense(2, "softmax", name="last")])
    m.compile("adam", "sparse_categorical_crossentropy")
    if value is not None:
        weights = m.get_weights()
        weights[0].flat[0] = value
        m.set_weights(weights)
    return m

def raising(error):
    def do():
        raise error
    return do

def said():
    print("x" * 100_000)
    os.write(1, b'{"versions": 3}')
    sys.stderr.write("y" * 100_000)

def same(): return model()
def nan(): return model(value=np.nan)
def infinite(): return model(value=np.inf)
def overflowing(): return model(value=3e38)
def hangs():
    def do():
        open("started", "w").close()
        time.sleep(1000)
    return model(do)
def dies(): return model(lambda: os._exit(7))
def killed(): return model(lambda: os.kill(os.getpid(), signal.SIGKILL))
def crashes(): return model(lambda: ctypes.string_at(0))
def exits(): return model(raising(SystemExit("enough")))
def fails(): return model(raising(RuntimeError("two\\nlines")))
def huge_message(): return model(raising(RuntimeError("long " * 10_000)))
def prints(): return model(said)
def nothing(): return None
def needs(x): return model()
number = 5
def text(): return keras.Model(x := keras.Input((1,), dtype="string"), L.StringLookup()(x))
def open_ended(): return keras.Sequential([L.Dense(2)])
def other_weights():
    return keras.Sequential([keras.Input((4,)), L.Dense(3 + os.path.exists("second"))])
def only_here():
    try:
        os.mkdir("second")
    except FileExistsError:
        return L.NoSuchLayer()
    return model()
'''


@pytest.fixture
def check(tmp_path, monkeypatch):
    """A function that runs the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.py").write_text(MODELS)
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-m", "minikeras", "check"]

    def start(*arguments, **more):
        return subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, **more},
            start_new_session=True,
        )

    def run(*arguments, **more):
        """Return the exit status and what was printed; check that nothing is left."""
        process = start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        assert not os.listdir(tmp_path / "temporary")
        return process.returncode, out, err

    run.start = start
    return run


QUICK = ("--against", "minikeras", "--batches", 1, "--steps", 1)


# In the everyday run, one of each kind.
@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dies", "minikeras ended (exit status 7)"),
        ("killed", "minikeras ended (killed by signal 9)"),
        ("crashes", "minikeras ended (killed by signal 11)"),
        ("exits", "SystemExit: enough"),
        ("fails", "RuntimeError: two lines"),
        ("huge_message", "long lon..."),
        ("nothing", "odd:nothing returned 'NoneType'; expected a model of minikeras"),
        ("needs", "missing 1 required positional argument"),
        ("number", "'int' object is not callable"),
        ("missing", "has no attribute 'missing'"),
        ("text", "The model takes text: only models of numbers can be compared"),
        ("open_ended", "does not say which inputs it takes: give some by --data"),
        ("only_here", "has no attribute 'NoSuchLayer'"),
    ],
)
def test_models_that_do_not_run(check, name, message):
    code, out, err = check(f"odd:{name}", *QUICK)
    assert code == 3 and not out
    assert err.startswith("Could not compare: ") and err.count("\n") == 1
    assert message in err and len(err) < 2000


@pytest.mark.slow
def test_a_worker_that_hangs(check):
    code, _, err = check("odd:hangs", *QUICK, "--wait", 4)
    assert code == 3 and "minikeras did not answer for 4 seconds" in err and "--wait" in err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nan", "infinite", "overflowing"])
def test_weights_that_are_not_finite(check, name):
    code, out, _ = check(f"odd:{name}", *QUICK)
    assert code == 0 and "The same to rounding." in out
    assert "arrays hold NaN or infinity, the first is first#0 out0 (forward, " in out


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_data_that_are_not_finite(check, value):
    np.savez("d.npz", x=[[1.0, value, 2.0, 3.0]] * 4, y=[0, 1, 0, 1])
    code, out, _ = check("odd:same", *QUICK, "--data", "d.npz")
    assert code == 0 and "arrays hold NaN or infinity" in out


@pytest.mark.slow
def test_a_model_that_prints(check):
    code, out, _ = check("odd:prints", *QUICK)
    assert code == 0 and "The same to rounding." in out


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(check, tmp_path, number):
    process = check.start("odd:hangs", *QUICK)
    end = time.monotonic() + 60
    while not Path("started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert not os.listdir(tmp_path / "temporary")
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.killpg(process.pid, 0)


@pytest.mark.slow
def test_no_process_outlives_one_that_was_killed(check):
    """A worker ends when nobody reads its answers any more, even inside a layer that hangs."""
    process = check.start("odd:hangs", *QUICK)
    end = time.monotonic() + 60
    while not Path("started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=30)
    for _ in range(200):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError("a worker is left")


# Files


def model_of(*layers):
    return keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2)])


def lambda_in_a_file():
    model_of(keras.layers.Lambda(lambda x: x * 2)).save("m.keras")


def weights_alone():
    model = model_of()
    model.save_weights("m.weights.h5")
    os.rename("m.weights.h5", "m.h5")


@keras.saving.register_keras_serializable("nowhere")
class OwnLayer(keras.layers.Dense):
    """A class that neither process knows."""


FILES = {
    "missing": ("m.keras", lambda: None, "There is no file m.keras"),
    "empty": ("m.keras", lambda: Path("m.keras").touch(), "cannot load the model"),
    "text": ("m.keras", lambda: Path("m.keras").write_text("no"), "cannot load the model"),
    "text in h5": ("m.h5", lambda: Path("m.h5").write_text("no"), "cannot load the model"),
    "weights alone": ("m.h5", weights_alone, "No model config found"),
    "no JSON": ("m.json", lambda: Path("m.json").write_text("{"), "damaged"),
    "a list": ("m.json", lambda: Path("m.json").write_text("[1]"), "a JSON object is expected"),
    "another kind": ("m.npz", lambda: Path("m.npz").write_text(""), "File format not supported"),
    "a folder": (".", lambda: None, "cannot load the model"),
    "code": ("m.keras", lambda_in_a_file, "The config holds code"),
    "unknown class": ("m.keras", lambda: model_of(OwnLayer(2)).save("m.keras"), "OwnLayer"),
}


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("kind", FILES)
def test_files_that_hold_no_model(check, kind):
    path, make, message = FILES[kind]
    make()
    code, out, err = check(path, *QUICK)
    assert code == 3 and not out and message in err and err.count("\n") == 1


@pytest.mark.slow
def test_code_in_a_file_that_is_trusted(check):
    lambda_in_a_file()
    code, out, _ = check("m.keras", *QUICK, "--trust")
    assert code == 0 and "The same to rounding." in out


# Data


DATA = {
    "empty": ({"x": np.zeros((0, 4))}, "at least one"),
    "no inputs": ({"y": np.zeros(4)}, "should hold `x`"),
    "several lengths": ({"x": np.zeros((4, 4)), "y": np.zeros(3)}, "as many samples each"),
    "one number": ({"x": np.float64(3)}, "as many samples each"),
    "text": ({"x": np.array(["a"])}, "expected numbers in 'x'"),
    "complex": ({"x": np.zeros((4, 4), complex)}, "expected numbers in 'x'"),
    "objects": ({"x": np.array([{}], object)}, "is no file of NumPy arrays"),
    "wide": ({"x": np.zeros((4, 7)), "y": np.zeros(4)}, "expected shape=(None, 4)"),
    "two inputs": ({"x0": np.zeros((4, 4)), "x1": np.zeros((4, 4))}, "inputs"),
    "two targets": ({"x": np.zeros((4, 4)), "y0": np.zeros(4), "y1": np.zeros(4)}, "2 entries"),
    "no classes": ({"x": np.zeros((4, 4)), "y": np.full(4, 9)}, "minikeras: "),
}


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("kind", DATA)
def test_data_that_do_not_fit(check, kind):
    arrays, message = DATA[kind]
    np.savez("d.npz", **arrays)
    code, out, err = check("odd:same", *QUICK, "--data", "d.npz")
    assert code == 3 and not out and message in err and err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"", b"PK\3\4", b"hello", b"\x93NUMPY"])
def test_data_that_are_no_file(check, content):
    if content is not None:
        Path("d.npz").write_bytes(content)
    code, _, err = check("odd:same", *QUICK, "--data", "d.npz")
    assert code == 3 and "d.npz" in err and err.count("\n") == 1


# The other engine


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("/no/such/python", "/no/such/python cannot be run as a Python"),
        (".", ". cannot be run as a Python"),
        ("/bin/true", "is /bin/true a Python with NumPy and keras?"),
    ],
)
def test_a_python_that_is_none(check, python, message):
    code, _, err = check("odd:same", "--python", python)
    assert code == 3 and message in err and err.count("\n") == 1


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize("name", ["keras", "tensorflow", "numpy"])
def test_what_is_not_installed_is_named(check, tmp_path, name):
    """The process of the other engine finds no such package."""
    (tmp_path / "lacking").mkdir()
    text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')"
    (tmp_path / "lacking" / ("numpy.py" if name == "numpy" else "keras.py")).write_text(text)
    starter = tmp_path / "python"
    paths = f"{tmp_path}/lacking"
    starter.write_text(f'#!/bin/sh\nexport PYTHONPATH={paths}\nexec {sys.executable} "$@"\n')
    starter.chmod(0o755)
    code, _, err = check("odd:same", "--python", starter)
    assert code == 3 and f"No module named '{name}'" in err and err.count("\n") == 1
    assert "Install the extra `parity`" in err and "--python PATH" in err


# Arguments


@pytest.mark.sampled(rows=1)
@pytest.mark.parametrize(
    "options",
    [
        ("--batches", 0),
        ("--batches", "many"),
        ("--batch-size", -1),
        ("--steps", -1),
        ("--seconds", "nan"),
        ("--wait", -3),
        ("--seed", 2**32),
        ("--against", "pencil"),
        ("--json", "--markdown"),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_wrong_arguments(check, options):
    code, out, err = check("odd:same", *options)
    assert code == 2 and not out and "error: " in err.splitlines()[-1]
