"""Who computes on CuPy arrays: the body that serves both devices, or a CUDA kernel of its name.

A CUDA kernel is an override. It may hand a call back that it was not made for (integers, another
axis), so that the body in calls of the array module is always the one to read, and the reference of
the test.
"""

import importlib
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from minikeras.core import types

Kernel = Callable[..., Any]


def on_cuda(family: str) -> Callable[[Kernel], Kernel]:
    """Let the CUDA kernel of the same name take a call on arrays of a GPU first.

    Args:
        family: Name of the file in `kernels/gpu/cuda` that has it.

    Returns:
        A decorator of kernels `(xp, *arrays, **options)`. The CUDA kernel gets the same arguments
        and returns the same, or `NotImplemented`, if nothing has been computed and the decorated
        kernel shall.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.override import on_cuda
        >>> on_cuda("activations")(lambda xp, x: xp.tanh(x))(np, 0.0)
        np.float64(0.0)
    """

    def decorate(kernel: Kernel) -> Kernel:
        name = kernel.__name__.lstrip("_")

        @wraps(kernel)
        def chosen(xp: types.ArrayModule, *args: Any, **kwargs: Any) -> Any:
            if xp is np or not runs_on(xp):
                return kernel(xp, *args, **kwargs)
            result = override(family, name)(xp, *args, **kwargs)
            return kernel(xp, *args, **kwargs) if result is NotImplemented else result

        return chosen

    return decorate


def for_device(xp: types.ArrayModule, family: str, kernel: Kernel) -> Kernel:
    """Choose between a kernel and its CUDA kernel once, for a loop that calls it.

    Args:
        xp: The array module.
        family: Name of the file in `kernels/gpu/cuda`.
        kernel: The body in calls of the array module.

    Returns:
        The kernel, or the CUDA kernel of its name, which takes every call.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.override import for_device
        >>> for_device(np, "rnn", np.tanh) is np.tanh
        True
    """
    if xp is np or not runs_on(xp):
        return kernel
    return override(family, kernel.__name__)


def runs_on(xp: types.ArrayModule) -> bool:
    """Say whether an array module can build and launch CUDA kernels.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.override import runs_on
        >>> runs_on(np)
        False
    """
    return hasattr(xp, "RawModule")


@cache
def override(family: str, name: str) -> Kernel:
    """Return the function that launches a CUDA kernel; its file is imported when it is needed.

    Args:
        family: Name of the file in `kernels/gpu/cuda`.
        name: Name of the function in it.

    Returns:
        The function.

    Example:
        >>> from minikeras.kernels.gpu.override import override
        >>> override("activations", "gelu").__name__
        'gelu'
    """
    return getattr(importlib.import_module(f"minikeras.kernels.gpu.cuda.{family}"), name)
