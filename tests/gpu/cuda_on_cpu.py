"""CUDA sources on the CPU: g++ builds them with `cuda_shim.h`, and this module launches them.

`RawModule` takes the place of CuPy's. CuPy checks no argument of a launch; here the types of
numbers and arrays are compared with the parameters that the compiler saw, arrays must lie in one
piece, and a barrier that some thread does not reach is an error. With `MINIKERAS_SANITIZE=1`
everything is built with the address and undefined-behaviour sanitizers (`test_sanitized.py` starts
such a run).
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("MINIKERAS_SHIM_CACHE", HERE.parents[1] / "build" / "cuda_on_cpu"))
COMPILER = shutil.which("g++")
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SANITIZED = os.environ.get("MINIKERAS_SANITIZE") == "1"

_KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
_MACRO = re.compile(r"#define (\w+) ((?:.*\\\n)*.*)")


def flags():
    """Return what the sources are built with; no product and sum become one rounding."""
    common = ["-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Werror", "-Wno-unused-function"]
    return common + (SANITIZE if SANITIZED else [])


class RawModule:
    """CuPy's class of that name, with the arguments that the engine may give."""

    def __init__(self, code=None, *, options=()):
        if not isinstance(options, tuple):
            raise TypeError("options must be a tuple")
        self.code = code

    def get_function(self, name):
        return _Kernel(library(self.code), name)


class _Kernel:
    def __init__(self, built, name):
        self.name = name
        self._run = getattr(built, f"run_{name}")
        self._run.restype = ctypes.c_char_p
        type_of = getattr(built, f"type_{name}")
        type_of.restype = ctypes.c_char_p
        self._types = [word.decode() for word in iter(map(type_of, count()).__next__, None)]

    def __call__(self, grid, block, args, *, shared_mem=0):
        assert not shared_mem, "the shim has no dynamic shared memory"
        sizes = [*grid, *(1,) * (3 - len(grid)), *block, *(1,) * (3 - len(block))]
        assert all(0 < size < 2**31 for size in sizes), sizes
        assert max(sizes[1:3]) < 2**16 and np.prod(sizes[3:]) <= 1024, sizes
        assert len(args) == len(self._types), (self.name, self._types)
        values = [self._value(v, declared) for v, declared in zip(args, self._types, strict=True)]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        error = self._run((ctypes.c_uint * 6)(*sizes), pointers)
        assert not error, f"{self.name}: {error.decode()}"

    def _value(self, value, declared):
        """The bytes that CUDA copies for one argument: a number, or the address of an array."""
        if declared.endswith("*"):
            assert not isinstance(value, (np.ndarray, np.generic)), (self.name, declared)
            assert value.dtype == np.dtype(declared[:-1]), (self.name, declared, value.dtype)
            assert value.flags.c_contiguous, (self.name, declared)
            assert value.on_current_device(), "a launch on one GPU with an array of another"
            return ctypes.c_void_p(value._host.ctypes.data)
        assert isinstance(value, np.generic), (self.name, declared, type(value))
        assert value.dtype == np.dtype(declared), (self.name, declared, value.dtype)
        return ctypes.create_string_buffer(value.tobytes(), value.nbytes)


@cache
def library(code):
    """Build a source, or find it built before."""
    text = f'#include "{HERE / "cuda_shim.h"}"\n{code}\n{_callers(code)}'
    shim = (HERE / "cuda_shim.h").read_text()
    key = hashlib.sha256("\0".join([text, shim, *flags()]).encode()).hexdigest()[:24]
    path = CACHE / f"{key}.so"
    if not path.exists():
        _build(text, path)
    return ctypes.CDLL(str(path))


def _build(text, path):
    """Compile beside the place and move: another process may look for it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(text)
        command = [COMPILER, *flags(), "-shared", "-fPIC", "-o", str(library), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        os.replace(library, path)


def _callers(code):
    """For every kernel, what launches it from addresses, and what tells its parameters' types."""
    macros = dict(_MACRO.findall(code))
    lines = ["#if REAL_BYTES == 2", 'namespace shim { SHIM_CODE(half_t, "f2") }', "#endif"]
    for name, listed in _KERNEL.findall(code):
        for macro in re.findall(r"PARAMETERS_OF_\w+", listed):
            listed = listed.replace(macro, macros[macro].replace("\\\n", " "))
        types = [" ".join(word.split()).rpartition(" ")[0] for word in listed.split(",")]
        values = ", ".join(f"*({t}*)a[{i}]" for i, t in enumerate(types))
        codes = ", ".join(f"shim::Code<{t}>::of()" for t in types)
        lines.append(f"static void call_{name}(void** a) {{ {name}({values}); }}")
        lines.append(
            f'extern "C" const char* run_{name}(const unsigned* sizes, void** a) '
            f"{{ return shim::launch(sizes, call_{name}, a); }}"
        )
        lines.append(
            f'extern "C" const char* type_{name}(int i) '
            f"{{ const char* types[] = {{{codes}, nullptr}}; return types[i]; }}"
        )
    return "\n".join(lines) + "\n"
