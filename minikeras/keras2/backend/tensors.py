"""The symbolic tensors and variables of Keras 2, and the calls that join its one graph.

Every function of the backend `K` is an ordinary function of the engine's tensors. While a script
declares its model (`is_building()`), a call of one adds a node to the graph instead of computing:
also a call on variables, constants or nothing at all, so that `K.square(w)` and
`K.random_normal((3,))` give new values in each run. While the graph runs, and inside layers of the
engine, the same functions compute.
"""

import functools
import operator
from typing import Any

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import KerasTensor, Operation, SymbolicNode
from minikeras.autograd.tensor import Operators
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import dims, names, trees
from minikeras.core.per_thread import PerThread
from minikeras.layers.base.call_spec import context


class _Run(PerThread):
    """Whether the graph is running in this thread."""

    active = False


run_state = _Run()


def is_building():
    """Say whether a script is declaring its graph: nothing runs, no shapes are being found out."""
    return not run_state.active and context.entry is None and not symbolic.in_abstract_scope()


class Call(Operation):
    """A function as the operation of a node.

    Args:
        function: function of the engine's tensors.
    """

    def __init__(self, function):
        self.function = function
        super().__init__(names.unique(f"k_{getattr(function, '__name__', 'function')}"))

    def call(self, *args, **kwargs):
        """Call the function."""
        return self.function(*args, **kwargs)

    def symbolic_call(self, *args, **kwargs):
        """Add one more node that calls the function."""
        return record(self.function, args, kwargs, operation=self)


def record(function, args, kwargs=None, operation=None):
    """Add one node to the graph: a call of a function of the engine's tensors.

    Args:
        function: what runs; it is called once on shapes alone, to learn the outputs' shapes.
        args: positional arguments; symbolic tensors and variables among them are read in each run.
        kwargs: arguments by name.
        operation: what the node calls, if that is not simply the function.

    Returns:
        A nest of `SymbolicTensor`.
    """
    kwargs = kwargs or {}
    with symbolic.abstract_scope():
        result = function(*symbolic.to_abstract(args), **symbolic.to_abstract(kwargs))
    outputs = as_symbolic(result)
    pass_phase_on(SymbolicNode(operation or Call(function), args, kwargs, outputs))
    return outputs


def pass_phase_on(node, depends=False):
    """Mark the outputs of a node that depends on the learning phase, or whose inputs do.

    Args:
        node: a node of the graph.
        depends: whether what the node itself computes depends on it.
    """
    if depends or any(getattr(t, "_uses_learning_phase", False) for t in node.input_tensors):
        for tensor in node.outputs:
            tensor._uses_learning_phase = True


def as_symbolic(nest):
    """Replace every tensor in a nest, of whatever kind, by a new symbolic one of its shape."""
    return trees.map_structure(
        lambda t: None if t is None else SymbolicTensor(t.shape, t.dtype), nest
    )


def symbolic_function(function):
    """Make a function of the engine's tensors one of the backend: in a graph, it adds a node."""

    @functools.wraps(function)
    def recorded(*args, **kwargs):
        if is_building() or symbolic.any_symbolic(args, kwargs):
            return record(function, args, kwargs)
        return function(*args, **kwargs)

    return recorded


class _GraphOperators:
    """Python's operators: each adds a node. Equality is identity, as in TensorFlow 1."""

    __slots__ = ()

    def __eq__(self, other):
        return self is other

    def __ne__(self, other):
        return self is not other

    def __hash__(self):
        return id(self)

    def __getitem__(self, key):
        return _get_item(self, key)


class SymbolicTensor(_GraphOperators, KerasTensor):
    """A tensor of the graph, as a layer or a function of the backend returns it.

    Args:
        shape: sizes, `None` where unknown.
        dtype: dtype name.
        **kwargs: `name`.
    """

    _keras_mask = None
    _uses_learning_phase = False
    producer = None
    """The node that computes the tensor, where `_keras_history` names a layer instead."""

    @property
    def _keras_shape(self):
        return self.shape

    @_keras_shape.setter
    def _keras_shape(self, shape):
        self.dims = dims.from_public(shape)

    def get_shape(self):
        """Return the shape, with TensorFlow's `as_list`."""
        return Shape(self.shape)

    def set_shape(self, shape):
        """Say what is known of the shape."""
        self.dims = dims.from_public(shape)


class Shape(tuple):
    """A shape with the methods that TensorFlow 1 gave it."""

    def as_list(self):
        """Return the sizes as a list."""
        return list(self)

    @property
    def ndims(self):
        """The number of axes."""
        return len(self)


_engine_name: Any = EngineVariable.name


class Variable(_GraphOperators, EngineVariable):
    """A variable that is read in each run of an expression it is part of.

    Args:
        *args: see the engine's `Variable`.
        **kwargs: see the engine's `Variable`.
    """

    __slots__ = ()

    @staticmethod
    def _check_name(name):
        """Take every name, also with `/`."""

    @property
    def name(self):
        """The name with the layer's, as TensorFlow writes it: `dense_1/kernel:0`."""
        last = _engine_name.__get__(self)
        scopes = self.path.removesuffix(last).split("/")[:-1]
        return "/".join([*(s for s in scopes if not s.endswith("_cell")), last]) + ":0"

    @name.setter
    def name(self, name):
        _engine_name.__set__(self, name)

    @property
    def _keras_shape(self):
        return self.shape

    def get_shape(self):
        """Return the shape, with TensorFlow's `as_list`."""
        return Shape(self.shape)


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"]
_ORDERING = ["lt", "le", "gt", "ge"]
_UNARY = ["neg", "pos", "abs", "invert"]


def _method(function, engine_method, reflected=False):
    def method(self, *others):
        if isinstance(self, KerasTensor) or is_building() or symbolic.any_symbolic(others, None):
            return record(function, (*others, self) if reflected else (self, *others))
        return engine_method(self, *others)

    return method


def _define_operators():
    for name in _BINARY + _ORDERING + _UNARY:
        function, stem = getattr(operator, name), name.rstrip("_")
        for reflected in (False, True):
            special = f"__{'r' * reflected}{stem}__"
            if reflected and name not in _BINARY:
                continue
            engine_method = getattr(Operators, special)
            setattr(_GraphOperators, special, _method(function, engine_method, reflected))


def _taken(x, key):
    """Index with slices that were written as tuples, since a nest does not lead into slices."""
    return x[_decoded(key)]


def _encoded(key):
    if isinstance(key, tuple):
        return [_encoded(part) for part in key]
    if isinstance(key, slice):
        return {"start": key.start, "stop": key.stop, "step": key.step}
    return key


def _decoded(key):
    if isinstance(key, list):
        return tuple(_decoded(part) for part in key)
    if isinstance(key, dict):
        return slice(*(_bound(key[part]) for part in ("start", "stop", "step")))
    return key


def _bound(value):
    if isinstance(value, symbolic.Abstract):
        return dims.Dim()
    return value if value is None else int(value)


def _get_item(self, key):
    if isinstance(self, KerasTensor) or is_building():
        return record(_taken, (self, _encoded(key)))
    return Operators.__getitem__(self, key)


_define_operators()


def producer_of(tensor):
    """Return the node that computes a symbolic tensor, None for one that nothing computes."""
    producer = getattr(tensor, "producer", None)
    if producer is not None:
        return producer
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.node
