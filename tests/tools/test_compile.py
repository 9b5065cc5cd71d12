"""Compiling the kernels beforehand, and being told when a run compiles them."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba")

# Kernels that no training calls: of gradients of gradients, of products that BLAS computes, and of
# gradients with respect to places in an image.
NOT_TRAINED = {
    "activations._sigmoid",
    "lookups._row_products",
    "pooling.loops.gather",
    "products.dense._finish",
}
THREADS = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}  # the tests set them to 1

WITHOUT_SIGNATURE = """
import importlib, pkgutil
import minikeras.kernels.compiled as package
from minikeras.tools.cli import main
from numba.core.registry import CPUDispatcher

assert main(["compile"]) == 0
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    module = importlib.import_module(found.name)
    for name, value in vars(module).items():
        own = isinstance(value, CPUDispatcher) and value.py_func.__module__ == found.name
        if own and not value.targetoptions.get("no_cpython_wrapper") and not value.signatures:
            print("MISSING", found.name.removeprefix(package.__name__ + ".") + "." + name)
"""

ONE_KERNEL = "from minikeras.kernels.providers import has_compiler; assert has_compiler()"


def run(program, cache):
    environment = {name: text for name, text in os.environ.items() if name not in THREADS}
    environment["NUMBA_CACHE_DIR"] = str(cache)
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )


def test_a_run_says_once_that_it_compiles(tmp_path):
    first, second = run(ONE_KERNEL, tmp_path).stderr, run(ONE_KERNEL, tmp_path).stderr
    assert first.count("compiling kernels") == 1
    assert "minikeras compile" in first
    assert second == ""


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="the kernels of the thread pool need threads")
def test_every_kernel_that_networks_call_is_compiled(tmp_path):
    lines = run(WITHOUT_SIGNATURE, tmp_path).stdout.splitlines()
    missing = {line.split()[1] for line in lines if line.startswith("MISSING")}
    assert missing == NOT_TRAINED
    network = "import runpy; runpy.run_path('examples/03_a_layer.py', run_name='__main__')"
    assert run(network, tmp_path).stderr == ""
