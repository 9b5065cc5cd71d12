"""Who computes on NumPy arrays: our kernels of NumPy calls, or compiled ones of the same name.

The compiled kernels (`compiled/`) are optional. They are there if Numba is installed, and each may
hand a call back that it was not made for, so that the kernel of NumPy calls is always the one to
read, and the reference of the test. Small arrays are left to NumPy: there is little to gain, and
small networks shall not wait for Numba to be imported. What comes out depends on the call alone,
never on what ran before it.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from minikeras.core import settings

Kernel = Callable[..., Any]

SMALL = 1 << 13
"""Elements below which an array is small for a kernel that walks through it."""

asked_always = os.environ.get("MINIKERAS_COMPILED") == "always"
"""Whether compiled kernels are asked about small arrays too, for tests."""


def has_array_of(least: int, args: tuple[Any, ...]) -> bool:
    """Whether one of a kernel's first arrays, or of its lists of arrays, has so many elements."""
    for value in args[1:3]:
        if type(value) in (list, tuple) and value:
            value = value[0]
        if type(value) is np.ndarray and value.size >= least:
            return True
    return False


def large_or_at_hand(least: int, args: tuple[Any, ...]) -> bool:
    """The rule for kernels with NumPy's very bits: small arrays too, once Numba is imported."""
    return "numba" in sys.modules or has_array_of(least, args)


def provided(
    module: str, least: int = SMALL, is_large: Callable[[int, tuple[Any, ...]], bool] = has_array_of
) -> Callable[[Kernel], Kernel]:
    """Let the compiled kernel of the same name take a call first, where it is there and wanted.

    Args:
        module: name of the file in `kernels/compiled` that has it.
        least: elements of an array for which it is asked.
        is_large: function of `least` and the arguments that says whether it is asked.

    Returns:
        A decorator. The compiled kernel gets the same arguments and returns the same, or
        `NotImplemented`, if nothing has been computed and the decorated kernel shall.
    """

    def decorate(kernel: Kernel) -> Kernel:
        name = kernel.__name__

        @wraps(kernel)
        def chosen(*args: Any, **kwargs: Any) -> Any:
            asked = settings.compiled_kernels() and (is_large(least, args) or asked_always)
            if asked and has_compiler():
                result = _compiled(module, name)(*args, **kwargs)
                if result is not NotImplemented:
                    return result
            return kernel(*args, **kwargs)

        return chosen

    return decorate


@cache
def has_compiler() -> bool:
    """Whether Numba, which compiles the kernels of `compiled/`, is installed."""
    return importlib.util.find_spec("numba") is not None


@cache
def _compiled(module: str, name: str) -> Kernel:
    """A compiled kernel; its file, and Numba with the first of them, is imported when needed."""
    return getattr(importlib.import_module(f"minikeras.kernels.compiled.{module}"), name)
