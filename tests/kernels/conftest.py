"""What the tests of kernels share."""

import pytest

from minikeras import config
from minikeras.kernels import providers


@pytest.fixture(autouse=True)
def compiled_kernels_of_every_size(monkeypatch):
    """Compiled kernels take small arrays too: those are what tests are made of."""
    monkeypatch.setattr(providers, "always_compiled", True)


@pytest.fixture
def in_numpy():
    """A function that calls a kernel of NumPy calls, whose compiled one steps back."""

    def call(kernel, *args, **kwargs):
        before = config.compiled_kernels()
        config.set_compiled_kernels(False)
        try:
            return kernel(*args, **kwargs)
        finally:
            config.set_compiled_kernels(before)

    return call


@pytest.fixture(params=[1, 3], ids=["one-thread", "three-threads"])
def threads(request, monkeypatch):
    """Threads that take part in however little work there is."""
    from_many = request.param
    before = config.num_threads()
    config.set_num_threads(from_many)
    monkeypatch.setattr("minikeras.arrays.threads._LEAST_WORK", 1)
    yield from_many
    config.set_num_threads(before)
