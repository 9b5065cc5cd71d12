"""Constraints: projections that a weight goes through after every update."""

from minikeras.autograd.composite import convert_to_tensor
from minikeras.core import names, registry, settings
from minikeras.core.old_names import explains_old_arguments
from minikeras.ops.elementwise.arithmetic import square
from minikeras.ops.elementwise.extremes import clip, maximum
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.reductions.sums import sum as sum_of

table = registry.Table("constraint", "keras.constraints")


def constraint(cls):
    """Register a class under its name and its name in snake_case."""
    return table.add(cls, names.to_snake_case(cls.__name__))


class Constraint:
    """The base of constraints: callables that turn a weight into one that is allowed.

    A subclass defines `__call__(w)` and, if its constructor takes arguments, `get_config`.

    Example:
        >>> import minikeras as keras
        >>> class Halved(keras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return w / 2
        >>> Halved()(keras.ops.ones(2)).tolist()
        [0.5, 0.5]
    """

    def __call__(self, w):
        """Return the weight as it is, unless a subclass says otherwise."""
        return w

    def get_config(self):
        """Return the arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Make a constraint of what `get_config` returned."""
        return cls(**config)


@constraint
class MaxNorm(Constraint):
    """Scale vectors down that are longer than a limit.

    Args:
        max_value: the limit.
        axis: int or tuple: the axes along which a vector of weights lies.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.MaxNorm(2.0)(keras.ops.array([3.0, 4.0])).tolist()
        [1.2, 1.6]
    """

    @explains_old_arguments
    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        """Return the weight with shorter vectors."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (clip(norms, 0, self.max_value) / (settings.epsilon() + norms))

    def get_config(self):
        """Return the arguments."""
        return {"max_value": self.max_value, "axis": self.axis}


@constraint
class NonNeg(Constraint):
    """Set negative weights to zero.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.NonNeg()(keras.ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w):
        """Return the weight without its negative entries."""
        return maximum(w, 0)


@constraint
class UnitNorm(Constraint):
    """Scale vectors to length 1.

    Args:
        axis: int or tuple: the axes along which a vector of weights lies.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.UnitNorm()(keras.ops.array([3.0, 4.0])).tolist()
        [0.6, 0.8]
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        """Return the weight with vectors of length 1."""
        w = convert_to_tensor(w)
        return w / (settings.epsilon() + _norms(w, self.axis))

    def get_config(self):
        """Return the axes."""
        return {"axis": self.axis}


@constraint
class MinMaxNorm(Constraint):
    """Scale vectors whose length is outside a range towards it.

    Args:
        min_value: smallest length.
        max_value: largest length.
        rate: how much of the way to go, from 0 to 1.
        axis: int or tuple: the axes along which a vector of weights lies.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.MinMaxNorm(0.0, 1.0, rate=0.5)(keras.ops.array([3.0, 4.0])).tolist()
        [1.8, 2.4]
    """

    @explains_old_arguments
    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        """Return the weight with vectors of other lengths."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        clipped = clip(norms, self.min_value, self.max_value)
        desired = self.rate * clipped + (1 - self.rate) * norms
        return w * (desired / (settings.epsilon() + norms))

    def get_config(self):
        """Return the arguments."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def _norms(w, axis):
    """The Euclidean lengths along axes, which stay with size 1."""
    return sqrt(sum_of(square(w), axis=axis, keepdims=True))
