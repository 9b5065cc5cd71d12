"""Front desk of `minikeras.config`: the global settings."""

from minikeras.core.policy import dtype_policy, set_dtype_policy
from minikeras.core.settings import (
    backend,
    compiled_kernels,
    disable_interactive_logging,
    enable_interactive_logging,
    epsilon,
    floatx,
    fused_kernels,
    image_data_format,
    is_interactive_logging_enabled,
    num_threads,
    set_compiled_kernels,
    set_epsilon,
    set_floatx,
    set_fused_kernels,
    set_image_data_format,
    set_num_threads,
)

__all__ = [
    "backend",
    "compiled_kernels",
    "disable_interactive_logging",
    "dtype_policy",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "fused_kernels",
    "image_data_format",
    "is_interactive_logging_enabled",
    "num_threads",
    "set_compiled_kernels",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_fused_kernels",
    "set_image_data_format",
    "set_num_threads",
]
