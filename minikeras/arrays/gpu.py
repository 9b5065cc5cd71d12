"""CuPy: loaded when a GPU is asked for, with errors that say what is missing; its memory pool.

No other module of the package imports CuPy. Kernels get the module as their argument `xp`.
"""

import importlib
import sys
from typing import Any

from minikeras.core import types

INSTALL = (
    "Install it with `pip install 'minikeras[gpu]'` for CUDA 12 or `pip install 'minikeras[gpu13]'`"
    " for CUDA 13."
)


def library() -> types.ArrayModule:
    """Import CuPy.

    Returns:
        The module `cupy`.

    Raises:
        ImportError: if CuPy is not installed, or one of its own libraries is missing.
    """
    try:
        return importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        raise ImportError(f"A GPU needs the package CuPy, which is missing. {INSTALL}") from None
    except ImportError as error:
        raise ImportError(
            f"CuPy is installed but cannot be imported: {error}. It may be made for another "
            f"version of CUDA. {INSTALL}"
        ) from error


def loaded() -> types.ArrayModule | None:
    """Return CuPy if anybody has imported it, else None."""
    return sys.modules.get("cupy")


def count() -> int:
    """Return the number of GPUs.

    Raises:
        ImportError: if CuPy is missing.
        RuntimeError: if there is no driver, or it is too old, or there is no GPU.
    """
    cupy = library()
    try:
        found: int = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(_explained(error)) from error
    if not found:
        raise RuntimeError(_explained("cudaErrorNoDevice"))
    return found


def _explained(error: object) -> str:
    """Say in words what an error of the CUDA runtime means, and what to do."""
    if "NoDevice" in str(error):
        return (
            "CuPy and the NVIDIA driver are there, but no GPU is (cudaErrorNoDevice). Check that "
            "`nvidia-smi` lists one and that CUDA_VISIBLE_DEVICES does not hide it."
        )
    if "InsufficientDriver" in str(error):
        return (
            "CuPy is installed, but the NVIDIA driver is missing or older than CuPy's CUDA "
            "(cudaErrorInsufficientDriver). Install the driver from "
            "https://www.nvidia.com/drivers and check it with `nvidia-smi`."
        )
    return f"CuPy is installed, but CUDA does not start: {error}. Check it with `nvidia-smi`."


def memory() -> dict[str, int]:
    """Say how much memory CuPy's pool holds on the current GPU; see `device.device_memory`."""
    cupy = library()
    pool = cupy.get_default_memory_pool()
    free, total = cupy.cuda.Device().mem_info
    return {
        "used": pool.used_bytes(),
        "held": pool.total_bytes(),
        "free": free,
        "total": total,
    }


def free_memory() -> None:
    """Give back to the system what CuPy's pools hold and no array uses."""
    cupy: Any = library()
    cupy.get_default_memory_pool().free_all_blocks()
    cupy.get_default_pinned_memory_pool().free_all_blocks()
