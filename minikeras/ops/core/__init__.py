"""Tensors themselves, choices and loops over them, and their Python operators."""

from minikeras.autograd.base_ops import broadcast_to, cast
from minikeras.autograd.composite import (
    convert_to_tensor,
)
from minikeras.autograd.custom import (
    custom_gradient,
)
from minikeras.ops.core.control import (
    associative_scan,
    cond,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)
from minikeras.ops.core.tensors import (
    array,
    convert_to_numpy,
    copy,
    dtype,
    is_tensor,
    ndim,
    saturate_cast,
    shape,
    size,
    stop_gradient,
)

__all__ = [
    "array",
    "associative_scan",
    "broadcast_to",
    "cast",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "copy",
    "custom_gradient",
    "dtype",
    "fori_loop",
    "is_tensor",
    "map",
    "ndim",
    "saturate_cast",
    "scan",
    "shape",
    "size",
    "stop_gradient",
    "switch",
    "vectorized_map",
    "while_loop",
]
