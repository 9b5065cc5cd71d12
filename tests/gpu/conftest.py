"""The strict stand-in takes the place of CuPy for the length of a test."""

import sys

import pytest

from minikeras.arrays import device as device_module
from minikeras.arrays.device import device
from tests.gpu import machine, strict_cupy

# Files and tests that speak of the stand-in, of traffic that it counts, or of no device at all.
OF_THE_STAND_IN = (
    "test_device.py",
    "test_second_gpu.py",
    "test_sanitized.py",
    "test_cuda_compiles.py",
    "test_gpu_bench.py",
    "test_xp_names.py",
    "test_nothing_moves",
    "test_a_step_moves",
    "test_a_barrier",
)


def pytest_collection_modifyitems(items):
    """On a device leave out what is about the stand-in; elsewhere, what only a device is worth."""
    here = [i for i in items if "tests/gpu" in i.path.as_posix()]
    for item in here:
        if machine.ON_DEVICE and any(word in item.nodeid for word in OF_THE_STAND_IN):
            item.add_marker(pytest.mark.skip(reason="it is about the stand-in for CuPy"))


@pytest.fixture
def gpu(monkeypatch):
    """Make the GPU, or the stand-in's device, the current one; yields the array module."""
    monkeypatch.setitem(sys.modules, "cupy", machine.xp)
    with device("gpu:0"):
        machine.transfers.reset()
        yield machine.Module()


@pytest.fixture
def two_gpus(cupy, monkeypatch):
    """Let the stand-in have two GPUs, of which the first is the current one; yields the module."""
    monkeypatch.setattr(cupy, "_device_count", 2)
    monkeypatch.setattr(device_module, "several", False)
    with device("gpu:0"):
        machine.transfers.reset()
        yield cupy


@pytest.fixture
def cupy(monkeypatch):
    """Let the stand-in be found under CuPy's name; the CPU stays the current device."""
    monkeypatch.setitem(sys.modules, "cupy", machine.xp)
    machine.transfers.reset()
    return machine.xp if machine.ON_DEVICE else strict_cupy
