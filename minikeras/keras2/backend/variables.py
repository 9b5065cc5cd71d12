"""Variables and constants, their values and their properties."""

import numpy as np

from minikeras import ops
from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import dtypes, names
from minikeras.core import settings as engine
from minikeras.keras2.backend import phases, running, settings
from minikeras.keras2.backend.tensors import Variable, producer_of, record, symbolic_function


def named_like(op, text):
    """Return a decorator: the function is called as an op, and documented by a text."""

    def name(function):
        function.__name__ = function.__qualname__ = op.__name__
        function.__doc__ = text
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
    """
    if isinstance(value, KerasTensor):
        value = running.evaluate(value)
    dtype = engine.floatx() if dtype is None else dtypes.standardize(dtype)
    name = (name or settings.automatic_name("variable")).replace("/", "_")
    created = Variable(np.asarray(value), dtype=dtype, name=name)
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
    """
    return _constant(np.asarray(value), dtype or engine.floatx(), shape)


def is_keras_tensor(x):
    """Say whether a tensor is the output of a layer or of `Input`."""
    if not isinstance(x, (KerasTensor, EngineVariable)):
        raise ValueError(f"Expected a tensor of a graph. Received: type {type(x).__name__}")
    history = getattr(x, "_keras_history", None)
    return history is not None and hasattr(history.operation, "get_config")


def is_placeholder(x):
    """Say whether a tensor's values must be fed."""
    node = producer_of(x) if isinstance(x, KerasTensor) else None
    return node is not None and isinstance(node.operation, phases.Placeholder)


def is_tensor(x):
    """Say whether `x` is a tensor of the graph or a variable."""
    return isinstance(x, (KerasTensor, EngineVariable)) or hasattr(x, "node")


def is_variable(x):
    """Say whether `x` is a variable."""
    return isinstance(x, EngineVariable)


def is_sparse(tensor):
    """Return False: all tensors are dense."""
    return False


def to_dense(tensor):
    """Return the tensor, which is dense."""
    return tensor


def dtype(x):
    """Return the dtype's name."""
    return str(x.dtype)


def ndim(x):
    """Return the number of axes."""
    return len(x.shape)


def int_shape(x):
    """Return the sizes as a tuple, `None` where unknown."""
    if isinstance(x, (KerasTensor, EngineVariable)) or hasattr(x, "shape"):
        return tuple(s if isinstance(s, int) else None for s in x.shape)
    return getattr(x, "_keras_shape", None)


def count_params(x):
    """Return the number of elements of a variable."""
    return int(np.prod(x.shape))


def get_value(x):
    """Return the values of a variable (or tensor) as an array."""
    return running.evaluate(x)


def batch_get_value(ops):
    """Return the values of a list of variables."""
    return [get_value(x) for x in ops]


def set_value(x, value):
    """Assign values to a variable."""
    x.assign(np.asarray(value))


def batch_set_value(tuples):
    """Assign values to variables, given as pairs `(variable, value)`."""
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """Return the update of a variable to a new value, for `K.function` or `add_update`."""
    return running.Update(x, new_x)


def update_add(x, increment):
    """Return the update of a variable by an increment."""
    return running.Update(x, x + increment)


def update_sub(x, decrement):
    """Return the update of a variable by a decrement."""
    return running.Update(x, x - decrement)


def moving_average_update(x, value, momentum):
    """Return the update `x = momentum * x + (1 - momentum) * value`."""
    return running.Update(x, x * momentum + value * (1.0 - momentum))


def as_tensor(x):
    """Return a variable or number as a tensor of the graph."""
    return x if isinstance(x, KerasTensor) else record(ops.convert_to_tensor, (x,))


def cast_to_floatx(x):
    """Return an array in the default float type."""
    return np.asarray(x, dtype=engine.floatx())


def clear_session():
    """Forget all automatic names, and that a learning phase was set."""
    settings.reset_uids()
    names.clear()
    phases.clear_learning_phase()


class name_scope(names.name_scope):
    """Put a name in front of the paths of variables that are made inside the `with` block.

    Args:
        name: a string.
    """

    def __init__(self, name, **kwargs):
        super().__init__(str(name).replace("/", "_"))


def get_session():
    """Return None: there are no sessions."""


def set_session(session):
    """Accept a session, which nothing needs."""


def manual_variable_initialization(value):
    """Accept: variables have values from the beginning."""


def in_shapes_only():
    """Say whether only shapes are being found out."""
    return symbolic.in_abstract_scope()
