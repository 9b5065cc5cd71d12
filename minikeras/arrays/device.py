"""Where arrays lie: in main memory, as NumPy's, or on a GPU, as CuPy's.

Everything above asks here for the `xp` module instead of naming NumPy. A thread has one current
device, on which new arrays are made; ops compute where their inputs lie. Nothing moves
automatically: values of Python and NumPy go to the current device when they become tensors, results
come back when somebody asks for them (`to_numpy`), and an op on arrays of two devices is an error.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

import numpy as np

from minikeras.arrays import gpu, strings
from minikeras.core import types
from minikeras.core.per_thread import PerThread

Array: type[Any] = np.ndarray
"""The arrays of a CPU; those of a GPU are told by `on_gpu`, since their library may be missing."""

in_use = False
"""Whether arrays on a GPU have been met: as long as not, nobody needs to ask where arrays lie."""

several = False
"""Whether there are several GPUs, so that arrays may lie on another one than the current."""


class _Current(PerThread):
    """The device of new arrays, of each thread: the array module and the number of the GPU."""

    xp: types.ArrayModule = np
    index: int = 0

    def __init__(self):
        if self.index:  # CUDA itself begins every thread on the first GPU
            self.xp.cuda.Device(self.index).use()

    def put_back(self, former: dict[str, Any]) -> None:
        """Let the device of this thread be what it was, for CUDA too."""
        xp = self.xp
        super().put_back(former)
        xp = self.xp if xp is np else xp
        if xp is not np:
            xp.cuda.Device(self.index).use()


_current = _Current()


def namespace(array: types.Array | None) -> types.ArrayModule:
    """Return the array module that `array` belongs to, that of the current device for None."""
    if type(array) is np.ndarray:
        return np
    if array is None:
        return _current.xp
    return gpu.loaded() if on_gpu(array) else np


def on_gpu(value: object) -> bool:
    """Say whether a value is an array on a GPU."""
    cupy = gpu.loaded()
    return cupy is not None and isinstance(value, cupy.ndarray)


def asarray(value: Any, dtype: Any = None) -> types.Array:
    """Put a value into an array of the current device, without a copy where none is needed.

    Arrays on a GPU stay where they are. Values in another byte order become those of this machine.
    """
    if _current.xp is not np:
        return _on_current_gpu(value, dtype)
    try:
        return _on_host(value, dtype)
    except TypeError:
        if on_gpu(value):
            _expect_gpus()
            return value if dtype is None else value.astype(dtype, copy=False)
        raise


def _on_current_gpu(value: Any, dtype: Any) -> types.Array:
    xp = _current.xp
    if isinstance(value, xp.ndarray):
        return value if dtype is None else value.astype(dtype, copy=False)
    host = _on_host(value, dtype)
    return host if strings.is_strings(host) else _moved(xp, host)


def _on_host(value: Any, dtype: Any) -> types.Array:
    array = np.asarray(value, dtype=dtype)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _moved(xp: types.ArrayModule, host: types.Array) -> types.Array:
    """Copy to the current GPU; a number travels with the call that writes it, and needs no copy."""
    return xp.asarray(host) if host.ndim else xp.full((), host.item(), host.dtype)


def _expect_gpus() -> int:
    """Take note that there are arrays on GPUs from now on; return how many GPUs there are."""
    global in_use, several
    count = gpu.count()
    in_use, several = True, count > 1
    return count


def boxed(result: Any) -> types.Array:
    """Return what a kernel gave as an array where it was made: NumPy's sums are numbers."""
    return result if on_gpu(result) else np.asarray(result)


def beside(value: types.Array, array: types.Array) -> types.Array:
    """Put a NumPy array on the device of `array`; what lies on a GPU stays there."""
    if type(array) is np.ndarray or on_gpu(value):
        return value
    with array.device:
        return _moved(namespace(array), value)


def made_beside(array: types.Array, function: str, *arguments: Any) -> types.Array:
    """Make an array where another one lies, by a function of the array module: `"zeros"`."""
    make = getattr(namespace(array), function)
    if not several:
        return make(*arguments)
    with elsewhere(array) or nullcontext():
        return make(*arguments)


def copied(array: types.Array) -> types.Array:
    """Return a copy, where the array lies."""
    if not several:
        return array.copy()
    with elsewhere(array) or nullcontext():
        return array.copy()


def to_numpy(array: types.Array) -> types.Array:
    """Return the values as a NumPy array in main memory."""
    return array.get() if on_gpu(array) else np.asarray(array)


def name_of(array: types.Array) -> str:
    """Return the name of the device of an array: `"cpu:0"`, `"gpu:1"`."""
    return f"gpu:{array.device.id}" if on_gpu(array) else "cpu:0"


def current() -> str:
    """Return the name of this thread's current device."""
    return "cpu:0" if _current.xp is np else f"gpu:{_current.index}"


def place_of(array: types.Array | None) -> AbstractContextManager[Any]:
    """Return a context in which the device of an array is the current one (None: as it is)."""
    if array is None or _is_on_current(array):
        return nullcontext()
    return device(name_of(array))


def _is_on_current(array: types.Array) -> bool:
    if type(array) is np.ndarray:
        return _current.xp is np
    if not on_gpu(array):
        return _current.xp is np
    return _current.xp is not np and array.device.id == _current.index


def elsewhere(array: types.Array) -> AbstractContextManager[Any] | None:
    """Return `place_of` an array that lies on another GPU than the current one, else None."""
    if not several or type(array) is np.ndarray or not on_gpu(array) or _is_on_current(array):
        return None
    return place_of(array)


def place_of_first(nest: Iterable[Any]) -> AbstractContextManager[Any]:
    """Return `place_of` the first tensor among values; numbers and NumPy's arrays have no place."""
    return place_of(next(_arrays_in(nest), None))


def _arrays_in(values: Iterable[Any]) -> Iterator[types.Array]:
    """The arrays of tensors and variables among values, and bare ones that have a place: CuPy's.

    Strings have none: they lie in main memory, whatever the device.
    """
    for value in values:
        if isinstance(value, types.Dict):
            yield from _arrays_in(value.values())
        elif isinstance(value, (types.List, types.Tuple)):
            yield from _arrays_in(value)
        else:
            array = array_of(value)
            has_place = on_gpu(array) or (type(array) is np.ndarray and array is not value)
            if has_place and not strings.is_strings(array):
                yield array


def array_of(value: Any) -> Any:
    """Return the array of a tensor or a variable, and anything else as it is."""
    if type(value) is np.ndarray or on_gpu(value):
        return value
    return getattr(value, "array" if hasattr(value, "array") else "data", value)


def placed(kernel: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Let a kernel compute on the GPU on which its arrays lie, whatever the current one.

    Args:
        kernel: a function `(xp, *arrays, **statics)`; lists of arrays may be among the arrays.
        what: who computes with them, for messages.

    Returns:
        A function with the same arguments, which refuses arrays of several GPUs.
    """

    @wraps(kernel)
    def there(xp: types.ArrayModule, *arrays: Any, **statics: Any) -> Any:
        if xp is np:
            return kernel(xp, *arrays, **statics)
        on_gpus = [array for array in _arrays_in(arrays) if on_gpu(array)]
        if len({array.device.id for array in on_gpus}) > 1:
            refuse_mixed(on_gpus, what)
        with on_gpus[0].device if on_gpus else nullcontext():
            return kernel(xp, *arrays, **statics)

    return there


def device_memory() -> dict[str, int]:
    """Say how much memory is in use on the current device.

    CuPy keeps what arrays give back in a pool, for the next ones: `nvidia-smi` shows what is held
    there, not what is used.

    Returns:
        Bytes: `used` by arrays, `held` by the pool in all, `free` and `total` on the GPU. Nothing
        for a CPU, where there is no pool.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.device_memory()
        {}
    """
    return {} if _current.xp is np else gpu.memory()


def free_device_memory() -> None:
    """Give back to the system what the current device's pool holds and no array uses.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.free_device_memory()
    """
    if _current.xp is not np:
        gpu.free_memory()


def refuse_mixed(arrays: Iterable[types.Array | None], what: str) -> None:
    """Raise an error if arrays lie on different devices.

    Args:
        arrays: arrays, or None.
        what: who computes with them, for the message.

    Raises:
        ValueError: that names the devices.
    """
    present = [array for array in arrays if array is not None]
    names = [name_of(array) for array in present]
    if len(set(names)) > 1:
        inputs = ", ".join(
            f"{name} (shape {array.shape})" for name, array in zip(names, present, strict=True)
        )
        raise ValueError(
            f"The inputs of {what} lie on different devices: {inputs}. Make them on one device, "
            'inside one `with minikeras.device("gpu"):`, or bring values back with '
            "`convert_to_numpy`."
        )


class device:  # a context manager, named as Keras names it
    """Make new tensors and variables on a device inside the `with` block.

    Ops compute where their inputs lie, whatever the current device.

    Args:
        device_name: `"cpu"`, `"gpu"` or `"cuda"`, with a number or without: `"gpu:1"`.

    Raises:
        ValueError: if the name is none of these, or there is no GPU of that number.
        ImportError: if a GPU is asked for and CuPy is missing.
        RuntimeError: if a GPU is asked for, and there is no driver or no GPU.

    Example:
        >>> import minikeras as keras
        >>> with keras.device("cpu:0"):
        ...     x = keras.ops.ones((2,))
        >>> x.device
        'cpu:0'
    """

    def __init__(self, device_name: str):
        self.kind, self.index = parsed(device_name)
        self.xp: types.ArrayModule = np
        if self.kind == "gpu":
            self.xp = gpu.library()
            _check_index(self.index, _expect_gpus())
        self._outer: list[tuple[types.ArrayModule, int, Any]] = []

    def __enter__(self) -> "device":
        place: Any = None
        if self.xp is not np:
            place = self.xp.cuda.Device(self.index)
            place.__enter__()
        self._outer.append((_current.xp, _current.index, place))
        _current.xp, _current.index = self.xp, self.index
        return self

    def __exit__(self, *error: object) -> None:
        _current.xp, _current.index, place = self._outer.pop()
        if place is not None:
            place.__exit__(*error)


def parsed(name: Any) -> tuple[str, int]:
    """Return the kind and number that a device's name says.

    Example:
        >>> parsed("cuda:1"), parsed("CPU")
        (('gpu', 1), ('cpu', 0))
    """
    text = name.lower() if isinstance(name, str) else ""
    match = re.fullmatch(r"(cpu|gpu|cuda)(?::(\d+))?", text)
    if match is None:
        raise ValueError(
            "A device is named 'cpu', 'gpu' or 'cuda', with the number of a GPU after a colon, as "
            f"in 'gpu:0'. Received: device_name={name!r}"
        )
    kind, index = "cpu" if match[1] == "cpu" else "gpu", int(match[2] or 0)
    if kind == "cpu":
        _check_index(index, 1, kind)
    return kind, index


def _check_index(index: int, count: int, kind: str = "gpu") -> None:
    if index >= count:
        raise ValueError(
            f"There is no device '{kind}:{index}': the highest number is {count - 1}."
        )


def _begin_as_told() -> None:
    """Make the device that the environment names the first one of every thread."""
    name = os.environ.get("MINIKERAS_DEVICE")
    if name:
        chosen = device(name)
        _Current.xp, _Current.index = chosen.xp, chosen.index
        _current.__init__()


_begin_as_told()
