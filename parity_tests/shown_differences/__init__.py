"""Small programs that show differences from Keras: one for a row of docs/numerics.md.

A program is a function of an engine, `minikeras` or real `keras`, whose results differ. It is named
after its row, in the files of `minikeras/tools/differences/`.
"""

import inspect
import warnings

import numpy as np
import tensorflow as tf

PROGRAMS = {}


def shows(*names):
    """Register a program for rows.

    Args:
        *names: of the rows.
    """

    def register(function):
        for name in names:
            PROGRAMS.setdefault(name, []).append(function)
        return function

    return register


def outcome(program, keras, folder):
    """What a program comes to: a nest of arrays, or the name of the exception that ends it."""
    wanted = inspect.signature(program).parameters
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = program(keras, folder) if "folder" in wanted else program(keras)
    except Exception as error:
        return type(error).__name__
    return _plain(result)


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(_plain, value))
    if isinstance(value, (str, bool, int, type(None))):
        return value
    array = np.asarray(value)
    return array.dtype.name, array.tolist()


def slopes(keras, function, x, dtype="float64"):
    """The gradient of the sum of a function's result."""
    tape_of = keras.GradientTape if hasattr(keras, "GradientTape") else tf.GradientTape
    x = keras.ops.convert_to_tensor(np.asarray(x, dtype))
    with tape_of() as tape:
        tape.watch(x)
        total = keras.ops.sum(function(x))
    return tape.gradient(total, x)


def second_slopes(keras, function, x):
    """The gradient of the sum of a function's gradient."""
    return slopes(keras, lambda x: slopes_of(keras, function, x), x)


def slopes_of(keras, function, x):
    """The gradient of a function of a tensor, itself a tensor that can be differentiated."""
    tape_of = keras.GradientTape if hasattr(keras, "GradientTape") else tf.GradientTape
    with tape_of() as tape:
        tape.watch(x)
        total = keras.ops.sum(function(x))
    return tape.gradient(total, x)
