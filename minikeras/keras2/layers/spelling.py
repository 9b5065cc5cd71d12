"""The spelling of Keras 1: arguments by place in its order, and by its names and values.

What was given by place means the arguments of Keras 2, unless only the order of Keras 1 gives each
value a place where one of its kind belongs: in `Dense(10, "uniform", "relu")` the second is no
activation, but an initializer. The sizes of a window that are written one by one
(`Convolution2D(64, 3, 3)`) are of Keras 1 in any case.
"""

import re
from contextlib import contextmanager

from minikeras.keras2 import activations, initializers
from minikeras.keras2.layers.orders import ORDERS
from minikeras.saving.legacy import tables

# The sizes of a window, one argument each.
WINDOWS = {
    2: ("nb_row", "nb_col"),
    3: ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
}
_WINDOW_NAMES = {name: names for names in WINDOWS.values() for name in names}
LAYOUTS = {**tables.DATA_FORMATS, "default": None}
"""Layouts of images in the words of Keras 1."""

_NAMED = re.compile(r"[`']([a-z_]+)[`'=]")
_COMPUTING = ("consume_less", "implementation")
IMPLEMENTATIONS = {"cpu": 0, "mem": 1, "gpu": 2}
"""What `consume_less` of Keras 1 is as `implementation` of Keras 2."""

_FORGET_BIASES = {"one": True, "ones": True, "zero": False, "zeros": False}


def old_arguments(row):
    """Return the names of Keras 1 that a layer takes.

    Args:
        row: the layer's `Row`.

    Returns:
        A set of names.
    """
    named = ORDERS.get(row.class_name, "").split()
    return {*named, *row.old_names(), *row.attributes, "weights"}


def in_keras_2(row, args, kwargs, arguments, class_name):
    """Return arguments in the spelling of Keras 2.

    Args:
        row: the layer's `Row`.
        args: arguments by place, as they were given.
        kwargs: arguments by name, as they were given.
        arguments: the names of Keras 2 in their order.
        class_name: for messages.

    Returns:
        A pair: arguments by place, and by name.

    Raises:
        TypeError: if an argument is given by its old and by its new name, or a window lacks a size.
    """
    args, kwargs = _placed(row, args, dict(kwargs), arguments)
    kwargs = _window(kwargs, class_name)
    if row.adapt is not None:
        kwargs = row.adapt(kwargs)
    kwargs = _sequence_shape(kwargs) if row.is_sequence else kwargs
    old_names, renamed = row.old_names(), {}
    for key, value in kwargs.items():
        if _is_dropped(key, value, arguments, old_names):
            continue
        new = old_names.get(key, key)
        if new in renamed:
            raise TypeError(f"{class_name}() got {new!r} twice, once by its old name.")
        renamed[new] = _value(key, value)
    return args, renamed


def _value(key, value):
    if key != "consume_less":
        return value
    if value not in IMPLEMENTATIONS:
        raise ValueError(
            f"`consume_less` must be one of {sorted(IMPLEMENTATIONS)}. Received: {value!r}"
        )
    return IMPLEMENTATIONS[value]


@contextmanager
def in_old_words(row, kwargs):
    """Let an error that names an argument also say what it is called in Keras 1.

    Args:
        row: the layer's `Row`.
        kwargs: the arguments by name, as they were given.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        spelled = [*ORDERS.get(row.class_name, "").split(), *kwargs]
        told = [_in_keras_1(row, name, spelled) for name in _NAMED.findall(str(error))]
        told = [words for words in dict.fromkeys(told) if words]
        if not told:
            raise
        error.args = (f"{error} ({', '.join(told)} in Keras 1)", *error.args[1:])
        raise


def _in_keras_1(row, name, spelled):
    """What an argument is called in Keras 1, an empty text if that is not another name."""
    old_names = row.old_names()
    old = [other for other in spelled if old_names.get(other) == name]
    if name == "kernel_size":
        old = [other for other in spelled if other in _WINDOW_NAMES] or old
    names = " and ".join(f"`{other}`" for other in dict.fromkeys(old))
    return names and f"`{name}` is {names}"


def _is_dropped(key, value, arguments, old_names):
    """Whether an argument only chose how to compute, or has the one value that changes nothing."""
    if key in arguments or old_names.get(key, key) in arguments:
        return False
    neutral = tables.DROPPED.get(key)
    return key in _COMPUTING or (isinstance(neutral, tuple) and value in neutral)


def _sequence_shape(kwargs):
    """`input_dim` of layers that read sequences, of any length if none is given."""
    if kwargs.get("input_dim") is not None:
        kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
    return kwargs


# By place


def _placed(row, args, kwargs, arguments):
    """What was given by place: as it is, or by the names of Keras 1."""
    old_order = ORDERS.get(row.class_name, "").split()
    if old_order and args and _speaks_keras_1(row, args, kwargs, list(arguments), old_order):
        by_name = dict(zip(old_order, args, strict=False))
        twice = by_name.keys() & kwargs.keys()
        if twice:
            raise TypeError(f"got multiple values for argument {sorted(twice)[0]!r}")
        return (), {**by_name, **kwargs}
    return args, kwargs


def _speaks_keras_1(row, args, kwargs, order, old_order):
    window = next((_WINDOW_NAMES[name] for name in old_order if name in _WINDOW_NAMES), ())
    if any(name in kwargs for name in window):
        return True
    start = old_order.index(window[0]) if window else 0
    sizes = args[start : start + len(window)]
    if len(window) > 1 and len(sizes) == len(window) and all(map(_is_int, sizes)):
        return True
    old_names = row.old_names()
    return not _fits(args, order) and _fits(args, [old_names.get(n, n) for n in old_order])


def _fits(args, names):
    """Whether each value is of the kind of the argument at its place."""
    if len(args) > len(names):
        return False
    return all(_kind(name)(value) for value, name in zip(args, names, strict=False))


def _kind(name):
    """The test of the values of an argument."""
    if name in _KINDS:
        return _KINDS[name]
    return _KINDS.get(name.rpartition("_")[2], lambda value: True)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_sizes(value):
    return value is None or _is_int(value) or isinstance(value, (list, tuple))


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_initializer(value):
    if isinstance(value, str):
        return value not in activations.names() and value not in _WORDS
    return callable(value) or isinstance(value, dict)


def _is_activation(value):
    if isinstance(value, str):
        return value not in _WORDS and not initializers.is_name(value)
    return value is None or callable(value)


_WORDS = ("valid", "same", "causal", "full", "channels_first", "channels_last", "th", "tf")


def _is_object(value):
    return value is None or isinstance(value, (str, dict)) or callable(value)


_KINDS = {
    "activation": _is_activation,
    "initializer": _is_initializer,
    "init": _is_initializer,
    "regularizer": _is_object,
    "constraint": _is_object,
    "units": _is_int,
    "axis": _is_int,
    "mode": _is_int,
    "momentum": _is_number,
    "epsilon": lambda value: isinstance(value, float),
    **dict.fromkeys(_WINDOW_NAMES, _is_int),
    "filters": _is_int,
    "size": _is_sizes,
    "strides": _is_sizes,
    "dilation_rate": _is_sizes,
    "padding": lambda value: isinstance(value, (str, int, tuple, list)),
    "format": lambda value: value is None or value in ("default", *_WORDS[4:]),
    "input_length": lambda value: value is None or _is_sizes(value),
    "weights": lambda value: value is None or isinstance(value, list),
    "mask": lambda value: not isinstance(value, dict),
    "use_bias": lambda value: isinstance(value, bool),
    "mask_zero": lambda value: isinstance(value, bool),
    "unit_forget_bias": lambda value: isinstance(value, bool) or value in _FORGET_BIASES,
}


# Forms of Keras 1 that are more than other names


def _window(kwargs, class_name):
    """The sizes of a window that were written one by one, as one argument."""
    for names in WINDOWS.values():
        present = [name for name in names if name in kwargs]
        if present and len(present) < len(names):
            missing = sorted(set(names) - set(present))
            raise TypeError(
                f"{class_name}() got {present}, but not {missing}: give all, or `kernel_size`."
            )
        if present:
            kwargs["kernel_size"] = tuple(kwargs.pop(name) for name in names)
    return kwargs


def without_output_shape(kwargs):
    """Leave out `output_shape` of Deconvolution2D, which follows from the other arguments."""
    kwargs.pop("output_shape", None)
    return kwargs


def both_initializers(kwargs):
    """`init` of SeparableConvolution2D, which is of both kernels."""
    if "init" in kwargs:
        init = kwargs.pop("init")
        kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = init
    return without_kernel(kwargs)


def without_kernel(kwargs):
    """Arguments of separable layers without those of a `kernel`, which Keras 2 took and left."""
    of_kernel = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
    return {name: value for name, value in kwargs.items() if name not in of_kernel}


def of_lstm(kwargs):
    """`forget_bias_init` of LSTM: ones, or zeros."""
    if "forget_bias_init" in kwargs:
        init = kwargs.pop("forget_bias_init")
        if init not in _FORGET_BIASES:
            raise ValueError(
                f"forget_bias_init must be 'one' or 'zero'. Received: {init!r}. Other first values "
                "of the bias are to be given by `bias_initializer` with `unit_forget_bias=False`."
            )
        kwargs["unit_forget_bias"] = _FORGET_BIASES[init]
    return kwargs
