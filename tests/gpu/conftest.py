"""The strict stand-in takes the place of CuPy for the length of a test."""

import sys

import pytest

from minikeras.arrays.device import device
from tests.gpu import strict_cupy


@pytest.fixture
def gpu(monkeypatch):
    """Make the stand-in's device the current one; yields its module."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy)
    with device("gpu:0"):
        strict_cupy.transfers.reset()
        yield strict_cupy


@pytest.fixture
def cupy(monkeypatch):
    """Let the stand-in be found under CuPy's name; the CPU stays the current device."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy)
    strict_cupy.transfers.reset()
    return strict_cupy
