"""The CUDA sources under the address and undefined-behaviour sanitizers.

A process of its own runs `test_cuda.py` once more with sources built that way: red zones around
every array of NumPy show each access out of bounds, as `compute-sanitizer` does on a GPU.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.gpu import cuda_on_cpu

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not cuda_on_cpu.COMPILER, reason="there is no g++")


@cache
def library(name):
    """Return where the compiler keeps a library, or None."""
    command = [cuda_on_cpu.COMPILER, f"-print-file-name={name}"]
    library = Path(subprocess.run(command, capture_output=True, text=True).stdout.strip())
    return str(library.resolve()) if library.is_absolute() and library.exists() else None


def run(*arguments):
    """Run Python with the sanitizers loaded before everything else."""
    if not library("libasan.so"):
        pytest.skip("the compiler has no address sanitizer")
    # The C++ library too: the sanitizer looks for its exceptions when it starts.
    preload = f"{library('libasan.so')}:{library('libstdc++.so.6') or ''}"
    variables = {
        "LD_PRELOAD": preload,
        "ASAN_OPTIONS": "detect_leaks=0,halt_on_error=1,abort_on_error=0,exitcode=77",
        "UBSAN_OPTIONS": "halt_on_error=1,print_stacktrace=1,exitcode=78",
        "MINIKERAS_SANITIZE": "1",
        "PYTHONMALLOC": "malloc",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_kernels_stay_within_their_arrays():
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest"]
    done = run("-m", "pytest", *options, "tests/gpu/test_cuda.py")
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-6000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


OUTSIDE = """
import numpy as np
from tests.gpu import cuda_on_cpu, strict_cupy
code = '''#define REAL_BYTES 4
extern "C" __global__ void reach(float* x, int i) {{ {body} }}
'''
kernel = cuda_on_cpu.RawModule(code=code).get_function("reach")
kernel((1,), (1,), (strict_cupy.zeros(100, "float32"), np.int32({at})))
print("survived")
"""


@pytest.mark.parametrize(
    ("body", "at", "message"),
    [
        ("x[i] = 1;", 99, None),
        ("x[i] = 1;", 100, "heap-buffer-overflow"),
        ("x[0] = x[i];", -1, "heap-buffer-overflow"),
        ("x[0] = 2147483647 - 1 + i;", 2, "signed integer overflow"),
        ("__shared__ float s[8]; s[i] = 1; x[0] = s[i];", 8, "out of bounds"),
    ],
)
def test_the_sanitizers_do_see_errors(body, at, message):
    done = run("-c", OUTSIDE.format(body=body, at=at))
    if message is None:
        assert "survived" in done.stdout, done.stderr
    else:
        assert message in done.stderr
        assert "survived" not in done.stdout
