"""Variables and constants, their values and their properties."""

import sys

import numpy as np

from minikeras import ops
from minikeras.autograd import symbolic
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import dtypes
from minikeras.core import settings as engine
from minikeras.keras2.backend import phases, running, settings
from minikeras.keras2.backend.spelling import keras_1
from minikeras.keras2.backend.tensors import Variable, producer_of, record, symbolic_function


def named_like(op, text, arguments, result):
    """Return a decorator: the function is called as an op, and documented by a text.

    Args:
        op: the op.
        text: what the function does.
        arguments: those of the docstring's example, as Python writes them.
        result: what the example gives.
    """

    def name(function):
        function.__name__ = function.__qualname__ = op.__name__
        function.__doc__ = f"""{text}

        Example:
            >>> from minikeras.keras2 import backend as K
            >>> K.eval(K.{op.__name__}({arguments})).tolist()
            {result}
        """
        return function

    return name


def variable(value, dtype=None, name=None, constraint=None):
    """Return a variable.

    Args:
        value: array-like with the first values.
        dtype: dtype name; the default float type if None.
        name: a name, or None for an automatic one.
        constraint: function that the optimizer applies to new values, or None.

    Returns:
        A variable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.get_value(K.variable([1.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    if isinstance(value, KerasTensor):
        value = running.evaluate(value)
    dtype = engine.floatx() if dtype is None else dtypes.standardize(dtype)
    name = (name or settings.automatic_name("variable")).replace("/", "_")
    created = Variable(as_array(value), dtype=dtype, name=name)
    created.constraint = constraint
    return created


@symbolic_function
def _constant(value, dtype, shape):
    tensor = ops.cast(ops.convert_to_tensor(value), dtype)
    return tensor if shape is None else ops.broadcast_to(tensor, tuple(shape))


def constant(value, dtype=None, shape=None, name=None):
    """Return a tensor of the graph with fixed values.

    Args:
        value: array-like.
        dtype: dtype name; the default float type if None.
        shape: sizes that a single value fills, or None.
        name: accepted.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.constant(1.0, shape=(2,))).tolist()
        [1.0, 1.0]
    """
    return _constant(np.asarray(value), dtype or engine.floatx(), shape)


def is_keras_tensor(x):
    """Say whether a tensor is the output of a layer or of `Input`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.is_keras_tensor(K.placeholder((2,)))
        False
    """
    if not isinstance(x, (KerasTensor, EngineVariable)):
        raise ValueError(f"Expected a tensor of a graph. Received: type {type(x).__name__}")
    history = getattr(x, "_keras_history", None)
    return history is not None and hasattr(history.operation, "get_config")


def is_placeholder(x):
    """Say whether a tensor's values must be fed.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.is_placeholder(K.placeholder((2,)))
        True
    """
    node = producer_of(x) if isinstance(x, KerasTensor) else None
    return node is not None and isinstance(node.operation, phases.Placeholder)


def is_tensor(x):
    """Say whether `x` is a tensor of the graph or a variable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.is_tensor(K.placeholder((2,)))
        True
    """
    return isinstance(x, (KerasTensor, EngineVariable)) or hasattr(x, "node")


def is_variable(x):
    """Say whether `x` is a variable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.is_variable(K.variable(1.0))
        True
    """
    return isinstance(x, EngineVariable)


def as_array(value):
    """Return an array of a value; of a matrix of SciPy's sparse ones, all its elements."""
    return np.asarray(value.toarray() if hasattr(value, "tocoo") else value)


def dtype(x):
    """Return the dtype's name.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.dtype(K.variable(1.0))
        'float32'
    """
    return str(x.dtype)


def ndim(x):
    """Return the number of axes.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.ndim(K.constant([[1.0, 2.0], [3.0, 4.0]]))
        2
    """
    return len(x.shape)


def int_shape(x):
    """Return the sizes as a tuple, `None` where unknown.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.placeholder((None, 3)))
        (None, 3)
    """
    if isinstance(x, (KerasTensor, EngineVariable)) or hasattr(x, "shape"):
        return tuple(s if isinstance(s, int) else None for s in x.shape)
    return getattr(x, "_keras_shape", None)


def count_params(x):
    """Return the number of elements of a variable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.count_params(K.zeros((2, 3)))
        6
    """
    return int(np.prod(x.shape))


def get_value(x):
    """Return the values of a variable (or tensor) as an array.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.get_value(K.ones((2,))).tolist()
        [1.0, 1.0]
    """
    return running.evaluate(x)


get_variable_shape = int_shape


@replayed
def _print(message, x):
    print(f"{message}{x.numpy()}", file=sys.stderr)


@symbolic_function
def print_tensor(x, message=""):
    """Print a tensor on the standard error stream whenever the result is computed.

    Args:
        x: tensor.
        message: a string that is printed before the values.

    Returns:
        The same tensor, to compute with instead of `x`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.print_tensor(K.constant([1.0, 2.0]), "values: ")).tolist()
        [1.0, 2.0]
    """
    x = ops.convert_to_tensor(x)
    if not in_shapes_only():
        _print(message, ops.stop_gradient(x))
    return x


@keras_1(xs="ops")
def batch_get_value(ops):
    """Return the values of a list of variables.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> [value.tolist() for value in K.batch_get_value([K.ones((2,))])]
        [[1.0, 1.0]]
    """
    return [get_value(x) for x in ops]


def set_value(x, value):
    """Assign values to a variable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.zeros((2,))
        >>> K.set_value(v, [1.0, 2.0])
        >>> K.get_value(v).tolist()
        [1.0, 2.0]
    """
    x.assign(as_array(value))


def batch_set_value(tuples):
    """Assign values to variables, given as pairs `(variable, value)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.zeros((2,))
        >>> K.batch_set_value([(v, [1.0, 2.0])])
        >>> K.get_value(v).tolist()
        [1.0, 2.0]
    """
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """Return the update of a variable to a new value, for `K.function` or `add_update`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.variable(1.0)
        >>> _ = K.function([], [], [K.update(v, v * 3)])([])
        >>> float(K.get_value(v))
        3.0
    """
    return running.Update(x, new_x)


def update_add(x, increment):
    """Return the update of a variable by an increment.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.variable(1.0)
        >>> _ = K.function([], [], [K.update_add(v, 2.0)])([])
        >>> float(K.get_value(v))
        3.0
    """
    return running.Update(x, x + increment)


def update_sub(x, decrement):
    """Return the update of a variable by a decrement.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.variable(1.0)
        >>> _ = K.function([], [], [K.update_sub(v, 2.0)])([])
        >>> float(K.get_value(v))
        -1.0
    """
    return running.Update(x, x - decrement)


@keras_1(variable="x")
def moving_average_update(x, value, momentum):
    """Return the update `x = momentum * x + (1 - momentum) * value`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> v = K.variable(1.0)
        >>> _ = K.function([], [], [K.moving_average_update(v, 3.0, 0.5)])([])
        >>> float(K.get_value(v))
        2.0
    """
    return running.Update(x, x * momentum + value * (1.0 - momentum))


def as_tensor(x):
    """Return a variable or number as a tensor of the graph."""
    return x if isinstance(x, KerasTensor) else record(ops.convert_to_tensor, (x,))


def cast_to_floatx(x):
    """Return an array in the default float type.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.cast_to_floatx([1, 2]).dtype.name
        'float32'
    """
    return np.asarray(x, dtype=engine.floatx())


def in_shapes_only():
    """Say whether only shapes are being found out."""
    return symbolic.in_abstract_scope()
