"""Regularizers: penalties on the size or the alignment of weights."""

import math

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor
from minikeras.core import dims, names, registry
from minikeras.core.checks import one_of
from minikeras.core.old_names import explains_old_arguments
from minikeras.ops.creation.filled import eye, zeros
from minikeras.ops.elementwise.arithmetic import absolute, square
from minikeras.ops.elementwise.extremes import maximum
from minikeras.ops.elementwise.roots import sqrt
from minikeras.ops.linalg.products import matmul
from minikeras.ops.reductions.sums import sum as sum_of
from minikeras.ops.shapes.shaping import transpose

# Keeps a row of zeros from dividing by zero.
_SMALLEST_SQUARE = 1e-12

table = registry.Table("regularizer", "keras.regularizers")


def regularizer(*aliases):
    """Register a class under its name, its name in snake_case, and further aliases."""
    return lambda cls: table.add(cls, names.to_snake_case(cls.__name__), *aliases)


class Regularizer:
    """The base of regularizers: callables that turn a weight into a penalty.

    A subclass defines `__call__(x)` and `get_config`.

    Example:
        >>> import minikeras as keras
        >>> class Sum(keras.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return keras.ops.sum(x)
        >>> float(Sum()(keras.ops.ones(3)))
        3.0
    """

    def __call__(self, x):
        """Return the penalty of a weight: none, unless a subclass says otherwise."""
        return 0.0

    def get_config(self):
        """Return the arguments that make an equal regularizer; every subclass says which."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a `get_config`, which returns the arguments that make an "
            "equal one, to be saved."
        )

    @classmethod
    def from_config(cls, config):
        """Make a regularizer of what `get_config` returned."""
        return cls(**config)


@regularizer("l1l2")
class L1L2(Regularizer):
    """Add `l1 * sum(|x|) + l2 * sum(x**2)`.

    Args:
        l1: factor of the absolute values, at least 0.
        l2: factor of the squares, at least 0.

    Raises:
        ValueError: if a factor is negative or not finite.

    Example:
        >>> import minikeras as keras
        >>> float(keras.regularizers.L1L2(l1=0.5, l2=0.25)(keras.ops.ones(4)))
        3.0
    """

    @explains_old_arguments
    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor("l1", l1, default=0.0)
        self.l2 = _factor("l2", l2, default=0.0)

    def __call__(self, x):
        """Return the penalty, a tensor of rank 0."""
        x = convert_to_tensor(x)
        penalty = zeros((), dtype=x.dtype)
        if self.l1:
            penalty = penalty + _times(self.l1, sum_of(absolute(x)))
        if self.l2:
            penalty = penalty + _times(self.l2, sum_of(square(x)))
        return penalty

    def get_config(self):
        """Return the factors."""
        return {"l1": self.l1, "l2": self.l2}


@regularizer()
class L1(Regularizer):
    """Add `l1 * sum(|x|)`, which drives weights to zero.

    Args:
        l1: factor, at least 0.

    Raises:
        ValueError: if the factor is negative or not finite.

    Example:
        >>> import minikeras as keras
        >>> float(keras.regularizers.L1(0.5)(keras.ops.ones(4)))
        2.0
    """

    @explains_old_arguments
    def __init__(self, l1=0.01):
        self.l1 = convert_to_tensor(_factor("l1", l1, default=0.01), dtype="float32")

    def __call__(self, x):
        """Return the penalty, a tensor of rank 0."""
        return _times(self.l1, sum_of(absolute(convert_to_tensor(x))))

    def get_config(self):
        """Return the factor, as float32 has it."""
        return {"l1": float(self.l1)}


@regularizer()
class L2(Regularizer):
    """Add `l2 * sum(x**2)`, which keeps weights small.

    Args:
        l2: factor, at least 0.

    Raises:
        ValueError: if the factor is negative or not finite.

    Example:
        >>> import minikeras as keras
        >>> float(keras.regularizers.L2(0.5)(keras.ops.ones(4)))
        2.0
    """

    @explains_old_arguments
    def __init__(self, l2=0.01):
        self.l2 = _factor("l2", l2, default=0.01)

    def __call__(self, x):
        """Return the penalty, a tensor of rank 0."""
        return _times(self.l2, sum_of(square(convert_to_tensor(x))))

    def get_config(self):
        """Return the factor."""
        return {"l2": self.l2}


@regularizer()
class OrthogonalRegularizer(Regularizer):
    """Add the mean absolute cosine between different rows, or columns, of a matrix.

    Args:
        factor: factor of the mean, at least 0.
        mode: `"rows"` or `"columns"`.

    Raises:
        ValueError: if an argument is none of these; when called, if `x` is not of rank 2.

    Example:
        >>> import minikeras as keras
        >>> float(keras.regularizers.OrthogonalRegularizer(0.5)(keras.ops.ones((3, 4))))
        0.5
    """

    @explains_old_arguments
    def __init__(self, factor=0.01, mode="rows"):
        factor = _factor("factor", factor, default=0.01)
        one_of("mode", mode, ("rows", "columns"))
        self.factor = convert_to_tensor(factor, dtype="float32")
        self.mode = mode

    def __call__(self, x):
        """Return the penalty, a tensor of rank 0."""
        x = convert_to_tensor(x)
        if x.ndim != 2:
            raise ValueError(
                "`OrthogonalRegularizer` takes matrices. Received: "
                f"x.shape={dims.to_public(x.shape)}"
            )
        rows = x if self.mode == "rows" else transpose(x)
        unit = rows / sqrt(maximum(sum_of(square(rows), axis=1, keepdims=True), _SMALLEST_SQUARE))
        size = rows.shape[0]
        cosines = matmul(unit, transpose(unit)) * (1.0 - eye(size, dtype=x.dtype))
        pairs = size * (size - 1) / 2
        return _times(self.factor, 0.5 * sum_of(absolute(cosines))) / pairs

    def get_config(self):
        """Return the arguments, the factor as float32 has it."""
        return {"factor": float(self.factor), "mode": self.mode}


def _factor(name, value, default):
    if value is None:
        return default
    valid = isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
    if not valid:
        raise ValueError(
            f"`{name}` must be a finite number, 0 or greater. Received: {name}={value}"
        )
    return float(value)


def _times(factor, measure):
    # Keras rounds the factors to float32, also where the weights are float64.
    return cast(convert_to_tensor(factor, dtype="float32"), dtype=measure.dtype) * measure
