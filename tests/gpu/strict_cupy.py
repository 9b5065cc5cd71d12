"""A stand-in for the module `cupy` that computes on the CPU and allows nothing that CuPy does not.

Its arrays hold NumPy's, but are none: they never turn into NumPy's by themselves, refuse to meet
them in an operation, and have the methods, keywords and dtypes of the real package alone (those of
`cupy_facts.json`, read from it). Reductions give arrays of rank 0, as there. What crosses between
the two memories is counted in `transfers`. Where CuPy is silent about an error (an index out of
bounds wraps around) the stand-in speaks.

In one place it is stricter than CuPy: NumPy arrays and lists are no indices, since each use of one
would be a hidden transfer.
"""

import threading
import time
import types

import numpy as np

from tests.gpu import cuda_on_cpu, read_cupy

FACTS = read_cupy.stored()
__version__ = FACTS["version"]

# Dtypes, constants and what is asked about dtypes are NumPy's own objects in CuPy, too.
_SHARED = (
    "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 "
    "complex128 dtype finfo iinfo inf nan pi e newaxis can_cast promote_types issubdtype "
    "floating integer number broadcast_shapes"
)
# Functions that make arrays of something else than arrays.
_MAKERS = (
    "array asarray ascontiguousarray full empty zeros ones arange linspace eye identity tri "
    "indices result_type min_scalar_type"
)


class Transfers:
    """How many arrays crossed, one tuple of the shape for each crossing."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.to_device, self.to_host = [], []


transfers = Transfers()


class _Place(threading.local):
    device = 0


_place = _Place()
_device_count = 1


# The parts of `cupy.cuda` that `arrays.device` needs.


class Device:
    def __init__(self, device=None):
        self.id = _place.device if device is None else int(device)
        self._outer = []
        if not 0 <= self.id < max(_device_count, 1):
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def use(self):
        _place.device = self.id

    def __enter__(self):
        self._outer.append(_place.device)
        self.use()
        return self

    def __exit__(self, *_):
        _place.device = self._outer.pop()

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return hash(self.id)

    def __int__(self):
        return self.id

    def synchronize(self):
        pass

    @property
    def mem_info(self):
        return 1 << 30, 1 << 31


class CUDARuntimeError(RuntimeError):
    pass


def _get_device_count():
    if _device_count < 1:
        raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    return _device_count


class MemoryPool:
    def used_bytes(self):
        return 0

    def free_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def n_free_blocks(self):
        return 0

    def free_all_blocks(self, stream=None):
        pass

    def get_limit(self):
        return 0

    def set_limit(self, size=None, fraction=None):
        pass


_pool, _pinned_pool = MemoryPool(), MemoryPool()


class Event:
    """A moment of this machine's clock: the stand-in has computed when a call returns."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.at = None

    def record(self, stream=None):
        self.at = time.perf_counter()

    def synchronize(self):
        assert self.at is not None, "an event that was not recorded"


def _elapsed(start_event, end_event):
    return (end_event.at - start_event.at) * 1e3


_PROPERTIES = {"name": b"stand-in", "major": 0, "minor": 0, "totalGlobalMem": 1 << 31}
runtime = types.SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=_get_device_count,
    getDevice=lambda: _place.device,
    getDeviceProperties=lambda device: _PROPERTIES,
    runtimeGetVersion=lambda: 12000,
)
cuda = types.SimpleNamespace(
    Device=Device, MemoryPool=MemoryPool, runtime=runtime, Event=Event, get_elapsed_time=_elapsed
)


class _Products:
    """How products of matrices are computed, by the character of a dtype."""

    COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_TF32 = 1, 7

    def __init__(self):
        self.chosen = {}

    def set_compute_type(self, dtype, compute_type):
        self.chosen[dtype] = compute_type

    def get_compute_type(self, dtype):
        return self.chosen.get(dtype, self.COMPUTE_TYPE_DEFAULT)


_core = types.SimpleNamespace(_routines_linalg=_Products())


def get_default_memory_pool():
    return _pool


def get_default_pinned_memory_pool():
    return _pinned_pool


# Arrays.


class Flags:
    def __init__(self, flags):
        self.c_contiguous = flags.c_contiguous
        self.f_contiguous = flags.f_contiguous
        self.owndata = flags.owndata
        self.forc, self.fnc = flags.forc, flags.fnc


class ndarray:
    """An array of the stand-in; `_host` is the NumPy array that holds its values."""

    __array_priority__ = 100
    __hash__ = None
    __slots__ = ("_host", "device", "_base", "__weakref__")

    def __init__(self, shape, dtype=float):
        self._host, self.device, self._base = np.empty(shape, dtype), Device(), None

    # What CuPy offers without arguments.

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: Flags(self._host.flags))
    base = property(lambda self: self._base)
    T = property(lambda self: _wrap(self._host.T, self))
    mT = property(lambda self: _wrap(self._host.mT, self))
    real = property(lambda self: _wrap(self._host.real, self))
    imag = property(lambda self: _wrap(self._host.imag, self))

    def on_current_device(self):
        """The stand-in's own: what a launch is checked for."""
        return self.device.id == _place.device

    # To the host, on purpose.

    def get(self, stream=None, order="C", out=None, blocking=True):
        transfers.to_host.append(self.shape)
        return self._host.copy(order)

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return array, (self.get(),)

    # To the host, unasked.

    def __array__(self, dtype=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or ufunc.signature is not None:
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return __getattr__(ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        path = [*function.__module__.split(".")[1:], function.__name__]
        ours = _find(".".join(path))
        if ours is None or not all(kind is ndarray for kind in types):
            return NotImplemented
        return ours(*args, **kwargs)

    # Indexing, iteration.

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self._host)))

    def __getitem__(self, key):
        try:
            selected = self._host[_index(key)]
        except IndexError as error:
            raise _out_of_bounds(error) from error
        return _wrap(selected, self)

    def __setitem__(self, key, value):
        if isinstance(value, (list, tuple)):
            value = array(value)
        _same_device(self, value)
        _bare(self, "[...] = ")
        try:
            self._host[_index(key)] = _bare(value, "[...] = ")
        except IndexError as error:
            raise _out_of_bounds(error) from error

    # Methods that CuPy has with fewer or other parameters.

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if copy not in (True, False):
            raise TypeError("copy must be a bool")
        dtype = _checked_dtype(dtype)
        if not copy and dtype == self.dtype and order in ("K", "A"):
            return self
        return _wrap(self._host.astype(dtype, order, copy=copy), self)

    def copy(self, order="C"):
        """CuPy would silently copy to the current GPU what lies on another one."""
        return _fresh(_bare(self, "copy").copy(order))

    def view(self, dtype=None, type=None):
        dtype = self.dtype if dtype is None else _checked_dtype(dtype)
        return _wrap(self._host.view(dtype), self)

    def fill(self, value):
        _bare(self, "fill").fill(_bare(value, "fill"))

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        transfers.to_device.append(self.shape)
        self._host[...] = arr

    def sort(self, axis=-1, kind=None):
        self._host.sort(axis, kind=_sort_kind(kind))

    def scatter_add(self, slices, value):
        add.at(self, slices, value)

    def __deepcopy__(self, memo):
        return self.copy()

    __copy__ = copy


def _method(name):
    allowed = FACTS["methods"][name]

    def call(self, *args, **kwargs):
        _check_call(f"ndarray.{name}", allowed, args, kwargs)
        args, kwargs = _all_bare(args, kwargs, name)
        try:
            return _result(getattr(self._host, name)(*args, **kwargs), self)
        except IndexError as error:
            raise _out_of_bounds(error) from error

    call.__name__ = name
    return call


_METHODS = (
    "all any argmax argmin argpartition argsort choose clip compress conj conjugate cumprod cumsum "
    "diagonal dot flatten max mean min nonzero partition prod put ravel repeat reshape round "
    "searchsorted squeeze std sum swapaxes take trace transpose var"
)
for _name in _METHODS.split():
    setattr(ndarray, _name, _method(_name))


def _result(value, source=None, out=None):
    """Arrays of the stand-in for what NumPy gave; numbers become arrays of rank 0."""
    if isinstance(value, tuple):
        return tuple(_result(part, source) for part in value)
    if out is not None and value is out._host:
        return out
    return _wrap(value, source)


def _wrap(value, source=None):
    """An array for a result; a view lies where its source does, and is no work of a GPU."""
    wrapped = _fresh(np.asarray(value))
    if source is None:
        return wrapped
    if _is_view(wrapped._host, source._host):
        wrapped._base = source if source._base is None else source._base
        wrapped.device = source.device
    else:
        _bare(source, "a method")
    return wrapped


def _is_view(host, source):
    if host.size:
        return np.may_share_memory(host, source)
    return host.base is not None and (host.base is source or host.base is source.base)


def _fresh(host):
    _checked_dtype(host.dtype)
    fresh = ndarray.__new__(ndarray)
    fresh._host, fresh.device, fresh._base = host, Device(), None
    return fresh


def _checked_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind not in "biufc" or dtype.char in "gG":
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


def _bare(value, where):
    """The NumPy value of an argument of the stand-in."""
    if isinstance(value, ndarray):
        if value.device.id != _place.device:
            raise ValueError(
                f"The device where the array resides ({value.device.id}) is different from the "
                f"current device ({_place.device})."
            )
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)} in {where}")
    if isinstance(value, (list, tuple)):
        return type(value)(_bare(part, where) for part in value)
    if isinstance(value, range):
        raise TypeError(f"Unsupported type {type(value)} in {where}")
    if hasattr(value, "__array__") and not isinstance(value, (np.generic, type)):
        raise TypeError(f"Unsupported type {type(value)} in {where}")
    return value


def _all_bare(args, kwargs, where):
    return (
        tuple(_bare(value, where) for value in args),
        {name: _bare(value, where) for name, value in kwargs.items()},
    )


def _index(key):
    if isinstance(key, tuple):
        return tuple(_index(part) for part in key)
    if isinstance(key, (list, np.ndarray)):
        raise TypeError(f"A {type(key).__name__} as an index is a hidden transfer: {key!r}")
    return _bare(key, "an index")


def _out_of_bounds(error):
    return AssertionError(f"CuPy would wrap around or read elsewhere: {error}")


def _sort_kind(kind):
    if kind not in (None, "stable"):
        raise ValueError(f"CuPy sorts with kind='stable' only, not {kind!r}")
    return "stable"


def _same_device(*values):
    ids = {value.device.id for value in values if isinstance(value, ndarray)}
    if len(ids) > 1:
        raise ValueError(f"Array device must be the same: {sorted(ids)}")


def _check_call(name, allowed, args, kwargs):
    """Raise a TypeError for arguments that the real function does not take."""
    names = [word for word in allowed if not word.startswith("*")]
    free_position = any(word.startswith("*") and not word.startswith("**") for word in allowed)
    free_keyword = any(word.startswith("**") for word in allowed)
    wrong = [word for word in kwargs if word not in names]
    if wrong and not free_keyword:
        raise TypeError(f"cupy.{name} got an unexpected keyword argument {wrong}: it has {allowed}")
    if len(args) > len(names) and not free_position:
        raise TypeError(f"cupy.{name} takes {allowed}, but received {len(args)} arguments")


# Ufuncs.


class ufunc:
    """One of CuPy's ufuncs: the loops of the facts choose the dtypes, NumPy computes."""

    def __init__(self, name):
        self.name = self.__name__ = name
        self._loops = [loop.split("->") for loop in FACTS["ufuncs"][name]["types"]]
        self._methods = FACTS["ufuncs"][name]["methods"]
        self._host = getattr(np, name)
        self.nin = len(self._loops[0][0])

    def __repr__(self):
        return f"<ufunc 'cupy_{self.name}'>"

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **wrong):
        if wrong:
            raise TypeError(f"Wrong arguments {wrong} for cupy.{self.name}")
        if len(args) > self.nin:
            *args, out = args
        if isinstance(out, tuple):
            (out,) = out
        if out is not None and not isinstance(out, ndarray):
            raise TypeError("Output arguments type must be cupy.ndarray")
        inputs = [self._checked(value) for value in args]
        _same_device(*args, out)
        takes, gives = self._loop(inputs, dtype)
        ready = [np.asarray(value).astype(t) for value, t in zip(inputs, takes, strict=True)]
        value = self._host(*ready)
        if isinstance(value, tuple):
            return tuple(_wrap(np.asarray(v).astype(t)) for v, t in zip(value, gives, strict=True))
        value = np.asarray(value).astype(gives[0])
        if out is None:
            return _wrap(value)
        np.copyto(out._host, value, casting=casting)
        return out

    def _checked(self, value):
        if isinstance(value, (bool, int, float, complex, np.generic)):
            return value
        if not isinstance(value, ndarray):
            raise TypeError(f"Unsupported type {type(value)} in cupy.{self.name}")
        return _bare(value, self.name)

    def _loop(self, inputs, dtype):
        """The first loop to which all inputs can be cast without loss."""
        types = _strong_types(inputs)
        for takes, gives in self._loops:
            if dtype is not None and np.dtype(gives[0]) != np.dtype(dtype):
                continue
            if dtype is not None or all(
                _fits(source, np.dtype(t)) for source, t in zip(types, takes, strict=True)
            ):
                return takes, gives
        raise TypeError(f"Wrong type ({types}) of arguments for cupy_{self.name} (dtype={dtype})")

    def _offered(self, method):
        if method not in self._methods:
            raise NotImplementedError(f"`cupy_{self.name}.{method}` is not supported yet")

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        self._offered("reduce")
        function = {"add": array.sum, "multiply": array.prod}[self.name]
        return function(axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        self._offered("accumulate")
        return _wrap(self._host.accumulate(_bare(array, self.name), axis, dtype))

    def at(self, a, indices, b=None):
        self._offered("at")
        if a.dtype.char not in _ATOMIC:
            raise TypeError(f"`cupy_{self.name}.at` knows no {a.dtype}")
        try:
            self._host.at(a._host, _index(indices), _bare(b, self.name))
        except IndexError as error:
            raise _out_of_bounds(error) from error

    def outer(self, a, b):
        return self(a.reshape(*a.shape, *(1,) * b.ndim), b)


# The dtypes of the atomic additions that CUDA has.
_ATOMIC = "iIlLqQefd"


def _strong_types(inputs):
    """Dtypes; for Python's numbers the type itself, if it can give way to one of the others."""
    kinds = ["biufc".index(v.dtype.kind) for v in inputs if not _is_weak(v)]
    highest = max(("0112 3"[k] for k in kinds), default="")
    types = []
    for value in inputs:
        if not _is_weak(value):
            types.append(value.dtype)
            continue
        own = {bool: "0", int: "1", float: "2", complex: "3"}[type(value)]
        types.append(type(value) if own <= highest else np.dtype(type(value)))
    return types


def _is_weak(value):
    return type(value) in (bool, int, float, complex)


def _fits(source, target):
    if isinstance(source, type):
        return target.kind in {bool: "biufc", int: "iufc", float: "fc", complex: "c"}[source]
    return np.can_cast(source, target, "safe")


def _operator(name, ufunc_name, swapped=False):
    def call(self, other=None):
        function = __getattr__(ufunc_name)
        args = (self,) if other is None else (other, self) if swapped else (self, other)
        return function(*args)

    setattr(ndarray, name, call)


def _inplace(name, ufunc_name):
    def call(self, other):
        __getattr__(ufunc_name)(self, other, out=self)
        return self

    setattr(ndarray, name, call)


for _stem, _ufunc_name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "lshift": "left_shift",
    "rshift": "right_shift", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}.items():  # fmt: skip
    _operator(f"__{_stem}__", _ufunc_name)
    _operator(f"__r{_stem}__", _ufunc_name, swapped=True)
    _inplace(f"__i{_stem}__", _ufunc_name)
_operator("__matmul__", "matmul")
_operator("__rmatmul__", "matmul", swapped=True)
for _stem, _ufunc_name in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal", "neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert",
}.items():  # fmt: skip
    _operator(f"__{_stem}__", _ufunc_name)


# Functions.


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    converted = asarray(obj, dtype, order)
    return converted.copy() if converted is obj and copy else converted


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    dtype = None if dtype is None else _checked_dtype(dtype)
    if isinstance(a, ndarray):
        a = a.astype(dtype, copy=False) if dtype is not None else a
        return a.copy() if order == "C" and not a.flags.c_contiguous else a
    if isinstance(a, (list, tuple)) and _holds_ours(a):
        return __getattr__("stack")([asarray(part, dtype) for part in a])
    host = np.array(a, dtype, order=order)
    fresh = _fresh(host)
    transfers.to_device.append(host.shape)
    return fresh


def ascontiguousarray(a, dtype=None):
    """As NumPy's, of rank 1 at least."""
    converted = asarray(a, dtype)
    converted = converted if converted.ndim else converted.reshape(1)
    return converted if converted.flags.c_contiguous else converted.copy()


def _holds_ours(nest):
    return any(
        isinstance(x, ndarray) or isinstance(x, (list, tuple)) and _holds_ours(x) for x in nest
    )


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(stream, order, out) if isinstance(a, ndarray) else np.asarray(a)


def get_array_module(*args):
    import sys

    return sys.modules[__name__] if any(isinstance(a, ndarray) for a in args) else np


def where(condition, x=None, y=None):
    """The condition must be an array; for the values numbers will do."""
    if x is None and y is None:
        return condition.nonzero()
    kept = condition.astype("?", copy=False)
    return _wrap(np.where(kept._host, _bare(x, "where"), _bare(y, "where")))


def copyto(dst, src, casting="same_kind", where=None):
    kwargs = {} if where is None else {"where": _bare(where, "copyto")}
    np.copyto(_bare(dst, "copyto"), _bare(src, "copyto"), casting=casting, **kwargs)


def take_along_axis(a, indices, axis):
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    try:
        return _wrap(np.take_along_axis(_bare(a, "take"), _bare(indices, "take"), axis))
    except IndexError as error:
        raise _out_of_bounds(error) from error


def sort(a, axis=-1, kind=None):
    return _wrap(np.sort(_bare(a, "sort"), axis, kind=_sort_kind(kind)))


def argsort(a, axis=-1, kind=None):
    return _wrap(np.argsort(_bare(a, "argsort"), axis, kind=_sort_kind(kind)))


def as_strided(x, shape=None, strides=None):
    return _wrap(np.lib.stride_tricks.as_strided(_bare(x, "as_strided"), shape, strides), x)


def _function(path):
    """A function of CuPy, with the arguments that it takes there, computed by NumPy."""
    allowed, host = FACTS["functions"][path], np
    for name in path.split("."):
        host = getattr(host, name)

    def call(*args, **kwargs):
        _check_call(path, allowed, args, kwargs)
        if path not in _MAKERS.split() and args and not _is_operand(args[0]):
            raise TypeError(f"cupy.{path} takes cupy.ndarray, not {type(args[0])}")
        source = args[0] if args and isinstance(args[0], ndarray) else None
        out = kwargs.get("out")
        _same_device(*args, *kwargs.values())
        args, kwargs = _all_bare(args, kwargs, path)
        try:
            value = host(*args, **kwargs)
        except IndexError as error:
            raise _out_of_bounds(error) from error
        if isinstance(value, np.dtype):
            return value
        return _listed(value, source, out)

    call.__name__ = path.split(".")[-1]
    return call


def _listed(value, source, out):
    if isinstance(value, list):
        return [_result(part, source) for part in value]
    if hasattr(value, "_fields"):  # the named results of `linalg`
        value = tuple(value)
    return _result(value, source, out)


def _is_operand(value):
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_is_operand(part) for part in value)
    return isinstance(value, (ndarray, str))


def _find(path):
    if path in globals():
        return globals()[path]
    if path in FACTS["ufuncs"]:
        return globals().setdefault(path, ufunc(path))
    if path in FACTS["functions"]:
        return _function(path)
    return getattr(np, path) if path in _SHARED.split() else None


def __getattr__(name):
    value = _find(name)
    if value is None:
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    return value


class _Namespace:
    """A module inside CuPy, such as `linalg`."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        value = _find(f"{self._name}.{name}")
        if value is None:
            raise AttributeError(f"module 'cupy.{self._name}' has no attribute {name!r}")
        return value


if cuda_on_cpu.COMPILER:  # without a compiler there are no CUDA kernels
    RawModule = cuda_on_cpu.RawModule
fft, linalg = _Namespace("fft"), _Namespace("linalg")
lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(as_strided=as_strided))
add = __getattr__("add")
