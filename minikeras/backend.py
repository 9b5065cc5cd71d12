"""The public module `minikeras.backend`: the configuration functions."""

from minikeras.autograd.symbolic import is_keras_tensor
from minikeras.core.dtypes import is_float as is_float_dtype
from minikeras.core.dtypes import is_integer as is_int_dtype
from minikeras.core.dtypes import result_type
from minikeras.core.dtypes import standardize as standardize_dtype
from minikeras.core.first_use import on_first_use
from minikeras.core.names import get_uid
from minikeras.core.settings import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from minikeras.training.session import clear_session

__getattr__, __dir__ = on_first_use(__name__, {})  # old names are told what to use

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
