"""Dispatch by device: kernels that each device has of its own, in `cpu/` and in `gpu/`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.kernels.cpu import conv as cpu_conv
from minikeras.kernels.cpu import pooling as cpu_pooling
from minikeras.kernels.cpu import scatter as cpu_scatter
from minikeras.kernels.cpu import segments as cpu_segments
from minikeras.kernels.gpu import conv as gpu_conv
from minikeras.kernels.gpu import pooling as gpu_pooling
from minikeras.kernels.gpu import scatter as gpu_scatter
from minikeras.kernels.gpu import segments as gpu_segments

Kernel = Callable[..., Any]


def _by_device(name: str, cpu: Any, gpu: Any) -> Kernel:
    """A kernel that dispatches to one of two by the array module that it is called with."""
    on_cpu: Kernel = getattr(cpu, name)
    on_gpu: Kernel = getattr(gpu, name)

    def kernel(xp: Any, *arrays: Any, **statics: Any) -> Any:
        return (on_cpu if xp is np else on_gpu)(xp, *arrays, **statics)

    kernel.__name__, kernel.__doc__ = name, on_cpu.__doc__
    return kernel


conv = _by_device("conv", cpu_conv, gpu_conv)
conv_input_grad = _by_device("conv_input_grad", cpu_conv, gpu_conv)
conv_kernel_grad = _by_device("conv_kernel_grad", cpu_conv, gpu_conv)
conv_backward = _by_device("conv_backward", cpu_conv, gpu_conv)

max_pool = _by_device("max_pool", cpu_pooling, gpu_pooling)
max_pool_index = _by_device("max_pool_index", cpu_pooling, gpu_pooling)
pool_gather = _by_device("pool_gather", cpu_pooling, gpu_pooling)
pool_scatter = _by_device("pool_scatter", cpu_pooling, gpu_pooling)
avg_pool = _by_device("avg_pool", cpu_pooling, gpu_pooling)
avg_pool_grad = _by_device("avg_pool_grad", cpu_pooling, gpu_pooling)

reduce_rows = _by_device("reduce_rows", cpu_segments, gpu_segments)


def scatter_add_rows(xp: Any, table: Any, places: Any, rows: Any) -> Any:
    """Add every row to the row of the table that its place names, in place.

    The CPU's kernel, which checks the places, takes no array module.
    """
    if xp is np:
        return cpu_scatter.scatter_add_rows(table, places, rows)
    return gpu_scatter.scatter_add_rows(xp, table, places, rows)
