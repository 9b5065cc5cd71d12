"""Placeholders, and the learning phase: whether a run of the graph is one of training."""

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import Operation
from minikeras.core import names
from minikeras.keras2.backend.tensors import SymbolicTensor, producer_of, record, run_state
from minikeras.layers.base.call_spec import context


class Placeholder(Operation):
    """What must be fed: the origin of a tensor that nothing computes."""


class PhaseChoice(Operation):
    """One of two values, by the learning phase."""

    def call(self, chosen, *_):
        """Return the value; the plan has put the chosen one first."""
        return chosen

    def symbolic_call(self, x, alt):
        """Add one more choice."""
        chosen = record(lambda x, alt: x, (x, alt), operation=self)
        chosen._uses_learning_phase = True
        return chosen


def is_fed(tensor):
    """Say whether a tensor's values must be given: of a placeholder, or an input without tensor."""
    node = producer_of(tensor)
    if node is None or isinstance(node.operation, Placeholder):
        return True
    return getattr(node.operation, "is_placeholder", False)


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """Return a symbolic tensor whose values are given when a function runs.

    Args:
        shape: sizes, `None` where unknown.
        ndim: number of axes, instead of a shape.
        dtype: dtype name; the default float type if None.
        sparse: accepted; tensors are dense, and sparse matrices that are fed become so.
        name: a name, or None for an automatic one.

    Returns:
        A symbolic tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.placeholder(ndim=2))
        (None, None)
    """
    shape = (None,) * (ndim or 0) if shape is None else tuple(shape)
    tensor = SymbolicTensor(shape, dtype=dtype, name=name)
    symbolic.SymbolicNode(Placeholder(names.unique("k_placeholder")), outputs=tensor)
    return tensor


class _Phase:
    """The learning phase that a script has set, None if functions are told it."""

    value: int | None = None


_phase = _Phase()
learning_phase_tensor = placeholder((), dtype="bool", name="keras_learning_phase")


def learning_phase():
    """Return the learning phase: a tensor of the graph, or 0 or 1 after `set_learning_phase`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.learning_phase().name
        'keras_learning_phase'
    """
    return learning_phase_tensor if _phase.value is None else _phase.value


def set_learning_phase(value):
    """Fix the learning phase: 0 for test, 1 for training.

    Args:
        value: 0 or 1.

    Raises:
        ValueError: if it is neither.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_learning_phase(1)
        >>> K.learning_phase()
        1
        >>> K.clear_session()
    """
    if value not in (0, 1):
        raise ValueError(f"The learning phase is 0 (test) or 1 (train). Received: {value!r}")
    _phase.value = int(value)


def clear_learning_phase():
    """Let functions be told the learning phase again.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_learning_phase(1)
        >>> K.clear_learning_phase()
        >>> K.learning_phase().name
        'keras_learning_phase'
    """
    _phase.value = None


def settled_phase():
    """Return the phase of a function that is not told one: that which was set, or 0."""
    return _phase.value or 0


def in_train_phase(x, alt, training=None):
    """Return `x` while training, else `alt`.

    Args:
        x: tensor, or function without arguments that returns one.
        alt: the same.
        training: 0 or 1 (or a bool) to decide now; the learning phase if None.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.in_train_phase(K.constant(1.0), K.constant(2.0))).tolist()
        2.0
    """
    x = x() if callable(x) else x
    alt = alt() if callable(alt) else alt
    if training is None or training is learning_phase_tensor:
        if not _in_graph(x, alt):
            return x if context.training else alt
        if _phase.value is None:
            return PhaseChoice(names.unique("k_in_phase")).symbolic_call(x, alt)
        training = _phase.value
    return x if training else alt


def in_test_phase(x, alt, training=None):
    """Return `x` while testing, else `alt`; see `in_train_phase`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.in_test_phase(K.constant(1.0), K.constant(2.0))).tolist()
        1.0
    """
    return in_train_phase(alt, x, training)


def _in_graph(*values):
    from_graph = symbolic.any_symbolic(values, None)
    return from_graph or not (run_state.active or context.entry or symbolic.in_abstract_scope())
