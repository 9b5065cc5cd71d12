"""Arrays of other libraries as NumPy arrays, recognised by what they offer, not by their types.

No library is imported for this. Most offer `__array__`; what stands in the way of it is undone
first, by the names that PyTorch, TensorFlow, JAX, SciPy and pandas agree on or have alone:

| what is offered | which arrays | what is done |
|---|---|---|
| `to_numpy` | data frames and series | columns of objects become numbers, or all are text |
| `detach`, `cpu` | tensors of PyTorch | taken off their graph and their GPU |
| `todense`, `to_dense` | sparse matrices of SciPy, JAX and PyTorch | made dense |
| `dense_shape`, `indices`, `values` | sparse tensors of TensorFlow | made dense |
| `row_splits`, `to_tensor` | ragged tensors of TensorFlow | padded with zeros, as Keras does |
| `__dlpack__`, the buffer protocol | what has no `__array__` | memory is shared |

Dtypes that NumPy lacks (bfloat16, float8, int4) become the nearest that it has.
"""

from typing import Any

import numpy as np

from minikeras.core import settings
from minikeras.core.types import Array

# Of the dtypes that other libraries add to NumPy's: the first letters, and what stands for them.
_STAND_INS = {"bfloat": "float32", "float": "float32", "uint": "uint8", "int": "int8"}

_REGISTERED = 2
"""What `dtype.isbuiltin` says of a dtype that another library has added."""


def is_array(value: object) -> bool:
    """Say whether a value is an array: NumPy's own, or one that `to_numpy` can convert.

    Example:
        >>> is_array(np.ones(2)), is_array(memoryview(b"12")), is_array([1.0, 2.0])
        (True, True, False)
    """
    if value is None or isinstance(value, _PLAIN):
        return False
    if any(hasattr(value, name) for name in ("__array__", "__dlpack__", "todense", "to_dense")):
        return True
    return _is_sparse_tensor(value) or _is_ragged(value) or _has_buffer(value)


_PLAIN = (bool, int, float, str, bytes, bytearray, list, tuple, dict)
"""What layers and models are often called with, and what is no array; text has a buffer as well."""


def to_numpy(value: Any) -> Array:
    """Return an array of another library as a NumPy array, sharing memory where that is possible.

    Args:
        value: anything that `is_array`; the array is a view, since its memory is another's.

    Returns:
        A plain NumPy array; it may have a dtype that tensors lack, as text has.

    Raises:
        ValueError: if a data frame has text beside numbers, or numbers of which some are missing.

    Example:
        >>> to_numpy(memoryview(b"12")).tolist()
        [49, 50]
    """
    if hasattr(value, "to_numpy"):
        value = _of_columns(value.to_numpy())
    elif hasattr(value, "detach") and hasattr(value, "cpu"):
        value = _of_pytorch(value)
    elif hasattr(value, "todense"):
        value = value.todense()
    elif _is_sparse_tensor(value):
        value = _scattered(value)
    elif _is_ragged(value):
        value = value.to_tensor()
    if not hasattr(value, "__array__"):
        value = np.from_dlpack(value) if hasattr(value, "__dlpack__") else memoryview(value)
    return with_stand_in(np.asarray(value)).view()


def with_stand_in(array: Array) -> Array:
    """Return an array whose dtype is another library's in the nearest dtype of NumPy.

    Args:
        array: NumPy array, of bfloat16 for example.

    Returns:
        The array itself if its dtype is NumPy's.
    """
    if array.dtype.isbuiltin == _REGISTERED:
        for letters, dtype in _STAND_INS.items():
            if array.dtype.name.startswith(letters):
                return array.astype(dtype)
    return array


def _of_columns(array: Array) -> Array:
    """Columns of several types come as objects: numbers and bools among them take one type."""
    if array.dtype.kind != "O" or isinstance(next(array.flat, None), (str, bytes)):
        return array
    text = next((x for x in array.flat if isinstance(x, (str, bytes))), None)
    problem = f"could not convert the text {text!r}"
    if text is None:
        try:
            return array.astype(settings.floatx())
        except (TypeError, ValueError) as error:
            problem = str(error)
    raise ValueError(
        f"Expected columns of numbers in a data frame, but {problem}. Encode text, and fill in or "
        "drop what is missing."
    )


def _of_pytorch(tensor: Any) -> Any:
    """A tensor that needs a gradient, is sparse, or lies on a GPU, as one that NumPy can take."""
    tensor = tensor.detach()
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        tensor = tensor.to_dense()
    is_known_to_numpy = not str(tensor.dtype).startswith(("torch.bfloat", "torch.float8"))
    return (tensor if is_known_to_numpy else tensor.float()).cpu()


def _is_sparse_tensor(value: object) -> bool:
    return all(hasattr(value, name) for name in ("dense_shape", "indices", "values"))


def _scattered(tensor: Any) -> Array:
    values, places = to_numpy(tensor.values), to_numpy(tensor.indices)
    dense: Array = np.zeros(to_numpy(tensor.dense_shape), values.dtype)
    dense[tuple(places.T)] = values
    return dense


def _is_ragged(value: object) -> bool:
    return hasattr(value, "row_splits") and hasattr(value, "to_tensor")


def _has_buffer(value: Any) -> bool:
    try:
        memoryview(value)
    except TypeError:
        return False
    return True
