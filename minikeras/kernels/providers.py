"""Who computes on NumPy arrays: our kernels of NumPy calls, or compiled ones of the same name.

The compiled kernels (`compiled/`) are optional. They are there if Numba is installed, and each may
hand a call back that it was not made for, so that the kernel of NumPy calls is always the one to
read, and the reference of the test.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from minikeras.core import settings

Kernel = Callable[..., Any]


def provided(module: str) -> Callable[[Kernel], Kernel]:
    """Let the compiled kernel of the same name take a call first, where it is there and wanted.

    Args:
        module: name of the file in `kernels/compiled` that has it.

    Returns:
        A decorator. The compiled kernel gets the same arguments and returns the same, or
        `NotImplemented`, if nothing has been computed and the decorated kernel shall.
    """

    def decorate(kernel: Kernel) -> Kernel:
        name = kernel.__name__

        @wraps(kernel)
        def chosen(*args: Any, **kwargs: Any) -> Any:
            if settings.compiled_kernels() and has_compiler():
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
