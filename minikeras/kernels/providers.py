"""Kernel dispatch: each kernel in calls of the array module may have faster providers.

There are two kinds. For NumPy arrays the compiled kernels (`compiled/`), if Numba is installed;
small arrays are left to NumPy: there is little to gain, and small networks shall not wait for Numba
to be imported. For CuPy arrays the CUDA kernels (`gpu/cuda/`). A provider returns `NotImplemented`
for a call that it does not support (integers, another axis), and dispatch falls back to the kernel
in calls of the array module: so this is always the one to read, and the reference of the test.
Which provider computes depends on the call alone, never on what ran before it.
"""

import importlib
import importlib.util
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, wraps
from typing import Any

import numpy as np

from minikeras.arrays.device import namespace
from minikeras.core import settings

Kernel = Callable[..., Any]

SMALL = 1 << 13
"""Elements below which an array is small for a kernel that goes through it once."""

always_compiled = os.environ.get("MINIKERAS_COMPILED") == "always"
"""Whether compiled kernels are dispatched to for small arrays too, for tests."""


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


def dispatched(
    compiled: str | None = None,
    *,
    cuda: str | None = None,
    least: int = SMALL,
    is_large: Callable[[int, tuple[Any, ...]], bool] = has_array_of,
) -> Callable[[Kernel], Kernel]:
    """Dispatch a kernel's calls to a provider of the same name, where one is there and takes them.

    Args:
        compiled: name of the module in `kernels/compiled` that has one for NumPy arrays, as
            `"attention"` or `"convolution.conv"`.
        cuda: name of the file in `kernels/gpu/cuda` that has one for CuPy arrays.
        least: elements of an array for which the compiled kernel is tried.
        is_large: function of `least` and the arguments that says whether it is tried.

    Returns:
        A decorator of kernels `(xp, *arrays, **options)`, or without `xp`, which a CUDA kernel gets
        in any case. A provider has the same arguments and results, or returns `NotImplemented`
        before it has computed anything, to fall back to the decorated kernel.

    Example:
        >>> from minikeras.kernels.providers import dispatched
        >>> dispatched(cuda="activations")(lambda xp, x: xp.tanh(x))(np, 0.0)
        np.float64(0.0)
    """

    def decorate(kernel: Kernel) -> Kernel:
        name = kernel.__name__.lstrip("_")
        takes_module = next(iter(inspect.signature(kernel).parameters)) == "xp"

        @wraps(kernel)
        def dispatch(*args: Any, **kwargs: Any) -> Any:
            first, result = args[0], NotImplemented
            if first is np or type(first) is np.ndarray:
                enabled = compiled and settings.compiled_kernels()
                if enabled and (is_large(least, args) or always_compiled) and has_compiler():
                    result = _imported(f"compiled.{compiled}", name)(*args, **kwargs)
            elif cuda is not None:
                xp = first if takes_module else namespace(first)
                if hasattr(xp, "RawModule"):
                    arrays = args[1:] if takes_module else args
                    result = cuda_kernel(cuda, name)(xp, *arrays, **kwargs)
            return kernel(*args, **kwargs) if result is NotImplemented else result

        return dispatch

    return decorate


@cache
def has_compiler() -> bool:
    """Whether Numba, which compiles the kernels of `compiled/`, is installed and works.

    A Numba that does not go with the installed NumPy, for example, is told of once.
    """
    if importlib.util.find_spec("numba") is None:
        return False
    try:
        # No signal handler runs in another thread: an interrupted import would not be repeatable.
        with ThreadPoolExecutor(1) as other_thread:
            return other_thread.submit(_compiler_works).result()
    except Exception as error:
        warnings.warn(
            f"Numba is installed but does not work here ({type(error).__name__}: {error}). Kernels "
            "are computed by NumPy, with the same results in more time. With "
            "`MINIKERAS_COMPILED=0` in the environment Numba is not tried.",
            RuntimeWarning,
            stacklevel=3,
        )
        return False


def _compiler_works() -> bool:
    """Compile a small kernel and run it, unless the user has told Numba not to compile."""
    if importlib.import_module("numba").config.DISABLE_JIT:
        return False
    importlib.import_module("minikeras.kernels.compiled.trial").run()
    return True


def cuda_kernel(family: str, name: str) -> Kernel:
    """Return the function that launches a CUDA kernel.

    Args:
        family: name of the file in `kernels/gpu/cuda`.
        name: name of the function in it.

    Returns:
        The function.

    Example:
        >>> from minikeras.kernels.providers import cuda_kernel
        >>> cuda_kernel("activations", "gelu").__name__
        'gelu'
    """
    return _imported(f"gpu.cuda.{family}", name)


@cache
def _imported(path: str, name: str) -> Kernel:
    """A kernel of a file that is imported when it is needed, and Numba with the first of them."""
    return getattr(importlib.import_module(f"minikeras.kernels.{path}"), name)
