"""Numba that is switched off, broken or without a cache: the numbers are right all the same."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("numba")

import minikeras as keras
from minikeras.kernels import providers
from minikeras.kernels.compiled.compiler import compiled

X = np.linspace(-3, 3, 100_000, dtype="float32")

PROGRAM = """
import warnings
import numpy as np
import minikeras as keras
from minikeras.kernels import providers

x = np.linspace(-3, 3, 100_000, dtype="float32")
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for _ in range(3):
        y = keras.activations.silu(keras.ops.convert_to_tensor(x)).numpy()
print(float(y.sum()))
print(providers.has_compiler())
print(len(told))
print(*[note.message for note in told])
"""
CAREFUL = {
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_DISABLE_CUDA": "1",
    "NUMBA_CACHE_DIR": os.path.join(os.devnull, "nowhere"),
}
BROKEN = {
    "needs another NumPy": "raise ImportError('Numba needs NumPy 2.4 or less. Got NumPy 9.9.')",
    "too old": "__version__ = '0.1'",
}


def _silu():
    return keras.activations.silu(keras.ops.convert_to_tensor(X)).numpy()


def _in_a_process_of_its_own(environment, folder=""):
    path = os.pathsep.join([str(folder), os.getcwd(), os.environ.get("PYTHONPATH", "")])
    inherited = {name: value for name, value in os.environ.items() if name != "MINIKERAS_COMPILED"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**inherited, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    total, compiles, count, *message = done.stdout.splitlines()
    assert float(total) == pytest.approx(float(_silu().sum()), rel=1e-5)
    return compiles == "True", int(count), " ".join(message)


@pytest.mark.parametrize(
    ("settings", "compiles"), [(CAREFUL, True), ({"NUMBA_DISABLE_JIT": "1"}, False)]
)
def test_settings_of_numba(settings, compiles):
    assert _in_a_process_of_its_own(settings)[:2] == (compiles, 0)


@pytest.mark.parametrize("name", BROKEN)
def test_numba_that_cannot_be_imported_is_told_of_once_and_not_used(name, tmp_path):
    (tmp_path / "numba.py").write_text(textwrap.dedent(BROKEN[name]))
    compiles, notes, message = _in_a_process_of_its_own({}, tmp_path)
    assert not compiles and notes == 1
    assert "Numba is installed but does not work here" in message


@pytest.fixture
def asked_anew():
    """Whether there is a compiler is asked again, in the test and after it."""
    providers.has_compiler.cache_clear()
    yield
    providers.has_compiler.cache_clear()


@pytest.mark.parametrize("error", [SystemError, AttributeError, OSError, TypeError])
def test_numba_that_cannot_compile_is_told_of_once_and_not_used(error, asked_anew, monkeypatch):
    expected = _silu()
    providers.has_compiler.cache_clear()

    def run():
        raise error("no memory may be executed")

    monkeypatch.setattr("minikeras.kernels.compiled.trial.run", run)
    with pytest.warns(RuntimeWarning, match=f"does not work here .{error.__name__}: no memory"):
        actual = _silu()
    np.testing.assert_allclose(_silu(), expected, rtol=1e-5)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_a_kernel_that_computes_something_else_is_noticed(asked_anew, monkeypatch):
    monkeypatch.setattr("minikeras.kernels.compiled.trial.parallel_chunks", lambda *args: None)
    with pytest.warns(RuntimeWarning, match="RuntimeError: the compiled kernel computed"):
        assert not providers.has_compiler()


def _full_disk(*_):
    raise OSError(28, "No space left on device")


def _garbled(*_):
    raise EOFError("Ran out of input")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("CacheImpl._locator_classes", []),
        ("IndexDataCacheFile.save", _full_disk),
        ("IndexDataCacheFile.load", _garbled),
    ],
)
def test_a_cache_that_cannot_be_written_or_read(part, value, monkeypatch):
    monkeypatch.setattr(f"numba.core.caching.{part}", value)

    @compiled()
    def twice(x):
        return 2 * x

    assert twice(21) == 42
