"""Custom objects, saved forms, functions in configs, and nests of arrays."""

import inspect
import types

from minikeras.core.registry import legacy
from minikeras.core.registry.custom import get_custom_objects
from minikeras.core.registry.trust import code_config, function_of_parts
from minikeras.keras2.callbacks.progbar import Progbar
from minikeras.keras2.spelling import spelled

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "custom_object_scope",
    "deserialize_keras_object",
    "func_dump",
    "func_load",
    "get_custom_objects",
    "get_from_module",
    "has_arg",
    "is_all_none",
    "make_tuple",
    "object_list_uid",
    "serialize_keras_object",
    "slice_arrays",
    "to_list",
    "transpose_shape",
    "unpack_singleton",
]

serialize_keras_object = legacy.serialize_keras_object
deserialize_keras_object = spelled(
    legacy.deserialize_keras_object,
    "identifier, module_objects=None, custom_objects=None, printable_module_name='object'",
)


class CustomObjectScope:
    """Makes objects of a user's own known by name inside a `with` block.

    Args:
        *args: dicts from names to classes or functions.

    Example:
        >>> from minikeras.keras2.utils import CustomObjectScope, get_custom_objects
        >>> with CustomObjectScope({"longest": max}):
        ...     "longest" in get_custom_objects()
        True
    """

    def __init__(self, *args):
        self.custom_objects = {name: thing for objects in args for name, thing in objects.items()}

    def __enter__(self):
        self._before = dict(get_custom_objects())
        get_custom_objects().update(self.custom_objects)
        return self

    def __exit__(self, *_):
        get_custom_objects().clear()
        get_custom_objects().update(self._before)


def custom_object_scope(*args):
    """Return a `CustomObjectScope` of the same arguments.

    Example:
        >>> from minikeras.keras2.utils import custom_object_scope, get_custom_objects
        >>> with custom_object_scope({"longest": max}, {"shortest": min}):
        ...     "shortest" in get_custom_objects()
        True
    """
    return CustomObjectScope(*args)


def get_from_module(identifier, module_params, module_name, instantiate=False, kwargs=None):
    """Return a function or class of a module by its name, as Keras 1 looked it up.

    Args:
        identifier: name; dict with a `name` and arguments; or anything else, which is returned.
        module_params: dict of names, such as `globals()`; custom objects come first.
        module_name: what it is, for the message.
        instantiate: whether it is called.
        kwargs: dict of arguments for that, or None.

    Raises:
        ValueError: if there is nothing of that name.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import get_from_module
        >>> get_from_module("longest", {"longest": max}, "function") is max
        True
    """
    arguments = dict(kwargs or {})
    if isinstance(identifier, dict):
        arguments, instantiate = dict(identifier), True
        identifier = arguments.pop("name")
    if not isinstance(identifier, str):
        return identifier
    member = get_custom_objects().get(identifier) or module_params.get(identifier)
    if not member:
        raise ValueError(f"Unknown {module_name}: {identifier!r}")
    return member(**arguments) if instantiate else member


def make_tuple(*args):
    """Return the arguments as a tuple.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import make_tuple
        >>> make_tuple(1, 2)
        (1, 2)
    """
    return args


def func_dump(func):
    """Return the parts of a function, of which `func_load` makes it again.

    Args:
        func: function written in Python.

    Returns:
        Its bytecode as text, the defaults of its arguments, and the values that it closes over
        (each None if there are none).

    Example:
        >>> from minikeras.keras2.utils.generic_utils import func_dump, func_load
        >>> func_load(func_dump(lambda x, y=2: x * y))(3)
        6
    """
    parts = code_config(func)
    closure = parts["closure"]
    return parts["code"], parts["defaults"], None if closure is None else tuple(closure)


def func_load(code, defaults=None, closure=None, globs=None):
    """Return the function of what `func_dump` returned; never call it on what others wrote.

    Args:
        code: text, or a tuple or list of all parts.
        defaults: values of the last arguments, or None.
        closure: values that the function closes over, or None.
        globs: dict of the names that the function finds; this module's by default.

    Raises:
        ValueError: if this Python cannot read the bytecode.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import func_dump, func_load
        >>> func_load(*func_dump(lambda x: scale * x), globs={"scale": 3})(2)
        6
    """
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
    function = function_of_parts(code, defaults, closure, "of a function")
    names = globals() if globs is None else globs
    return types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )


def has_arg(fn, name, accept_all=False):
    """Return whether a function takes an argument by name.

    Args:
        fn: the function.
        name: the argument's name.
        accept_all: whether `**kwargs` counts.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import has_arg
        >>> has_arg(lambda x, **more: x, "y"), has_arg(lambda x: x, "x")
        (False, True)
    """
    parameters = inspect.signature(fn).parameters
    if name not in parameters:
        return accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return parameters[name].kind in by_name


def to_list(x, allow_tuple=False):
    """Return a list as it is, another value in a list of its own.

    Args:
        x: anything.
        allow_tuple: whether a tuple becomes a list of its items.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import to_list
        >>> to_list(1), to_list([1])
        ([1], [1])
    """
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x):
    """Return the item of a list or tuple of one, and anything else as it is.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import unpack_singleton
        >>> unpack_singleton([1]), unpack_singleton([1, 2])
        (1, [1, 2])
    """
    return x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x


def is_all_none(iterable_or_element):
    """Return whether a value, or each item of a list or tuple, is None.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import is_all_none
        >>> is_all_none([None, None])
        True
    """
    items = iterable_or_element
    if not isinstance(items, (list, tuple)):
        items = [items]
    return all(item is None for item in items)


def object_list_uid(object_list):
    """Return a text that tells lists of different objects apart.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import object_list_uid
        >>> object_list_uid([len]) == object_list_uid(len)
        True
    """
    return ", ".join(str(abs(id(item))) for item in to_list(object_list))


def slice_arrays(arrays, start=None, stop=None):
    """Return the same samples of one array or several.

    Args:
        arrays: array, list of arrays and None, or None.
        start: int, the first sample; or a list of the samples.
        stop: int, the sample before which to end.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.utils.generic_utils import slice_arrays
        >>> slice_arrays([np.arange(4)], 1, 3)
        [array([1, 2])]
    """
    if arrays is None:
        return [None]
    if isinstance(start, list) and stop is not None:
        raise ValueError("`stop` must be None where `start` is a list of samples.")
    if not isinstance(arrays, list):
        return _slice(arrays, start, stop) if start is not None else [None]
    return [None if x is None else _slice(x, start, stop) for x in arrays]


def _slice(x, start, stop):
    if hasattr(start, "__len__"):
        # Files in HDF5 take lists of samples, and no arrays.
        return x[start.tolist() if hasattr(start, "tolist") else start]
    return x[start:stop]


def transpose_shape(shape, target_format, spatial_axes):
    """Return a shape with its channels in another place.

    Args:
        shape: tuple or list in the order `channels_last`.
        target_format: `"channels_first"` or `"channels_last"`.
        spatial_axes: tuple of the places of the spatial axes in `shape`.

    Returns:
        A shape of the same type.

    Raises:
        ValueError: if the format is neither.

    Example:
        >>> from minikeras.keras2.utils.generic_utils import transpose_shape
        >>> transpose_shape((None, 8, 9, 3), "channels_first", (1, 2))
        (None, 3, 8, 9)
    """
    if target_format == "channels_last":
        return shape
    if target_format != "channels_first":
        raise ValueError(
            "`data_format` must be 'channels_first' or 'channels_last'. Received: "
            f"{target_format!r}"
        )
    before = shape[: spatial_axes[0]]
    sizes = [shape[axis] for axis in spatial_axes]
    return type(shape)([*before, shape[-1], *sizes])
