"""CuPy: loaded when a GPU is asked for, with errors that say what is missing; its memory pool.

No other module of the package imports CuPy. Kernels get the module as their argument `xp`.
"""

import importlib
import sys
from typing import Any

from minikeras.core import settings, types
from minikeras.core.distribution import how_to_install

INSTALL = f"{how_to_install('gpu')} For CUDA 13 the extra is `gpu13`."


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
        number: int = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(_explained(error)) from error
    if not number:
        raise RuntimeError(_explained("cudaErrorNoDevice"))
    if _checked.get("library") is not cupy:
        _checked["library"] = cupy
        _choose_products()
    return number


_checked: dict[str, Any] = {}
"""The library that has been seen to work: CuPy, once a GPU has been counted."""


def _choose_products() -> None:
    """Tell CuPy what `settings.tf32` says; the only public way is a variable read at its start."""
    cupy = loaded()
    if cupy is None or _checked.get("library") is not cupy:
        return
    kinds = cupy._core._routines_linalg
    kind = kinds.COMPUTE_TYPE_TF32 if settings.tf32() else kinds.COMPUTE_TYPE_DEFAULT
    kinds.set_compute_type("f", kind)


settings.tf32_listeners.append(_choose_products)


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


def describe() -> str:
    """Name the first GPU, its generation, and the versions of CUDA and CuPy that meet it."""
    cupy = library()
    properties: dict[str, Any] = cupy.cuda.runtime.getDeviceProperties(0)
    version: int = cupy.cuda.runtime.runtimeGetVersion()
    name = properties["name"]
    name = name.decode() if isinstance(name, bytes) else name
    return (
        f"{name} (sm_{properties['major']}{properties['minor']}), "
        f"{properties['totalGlobalMem'] / 2**30:.0f} GB, "
        f"CUDA {version // 1000}.{version % 1000 // 10}, CuPy {cupy.__version__}"
    )


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
