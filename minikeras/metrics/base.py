"""What every metric is: state in variables that batch after batch adds to."""

from contextlib import contextmanager
from functools import wraps

from minikeras import initializers
from minikeras.arrays import device
from minikeras.autograd.node import paused, recording
from minikeras.autograd.postponed import make_variable
from minikeras.autograd.symbolic import in_abstract_scope
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.autograd.variable import Variable
from minikeras.core import names, policy, settings, trees
from minikeras.core.copying import CopiedWhole
from minikeras.core.docstrings import described


class Metric(CopiedWhole):
    """A quantity gathered over the batches of an epoch.

    A subclass makes its variables in `__init__`, adds to them in `update_state` and computes its
    value from them in `result`. Nothing that `update_state` does is recorded for gradients.

    Args:
        dtype: float dtype of the state and the result: a name, a `DTypePolicy` (whose compute dtype
            counts), or None for the default float type.
        name: a name, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> class Largest(keras.Metric):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.seen = self.add_variable((), "zeros", name="seen")
        ...     def update_state(self, values):
        ...         self.seen.assign(keras.ops.maximum(self.seen, keras.ops.max(values)))
        ...     def result(self):
        ...         return self.seen.value
        >>> largest = Largest()
        >>> float(largest([1.0, 4.0])), float(largest([3.0]))
        (4.0, 4.0)
    """

    _direction = None
    _variables: list[Variable]
    _metrics: list["Metric"]

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__:
            cls.update_state = _unrecorded(cls.update_state)

    def __init__(self, dtype=None, name=None):
        set_quietly = super().__setattr__
        set_quietly("_variables", [])
        set_quietly("_metrics", [])
        self.name = name or names.of_class(type(self))
        self._dtype_policy = policy.get(dtype or settings.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    @property
    def dtype(self):
        """The name of the float dtype in which the metric counts."""
        return self._dtype

    @property
    def variables(self):
        """The variables with the state, those of metrics inside this one last."""
        self._check_initialized()
        for value in list(vars(self).values()):
            if trees.is_nested(value):
                self._note(value)
        return self._variables + [v for metric in self._metrics for v in metric.variables]

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        """Make a variable for the state.

        Args:
            shape: tuple of ints, that of the variable.
            initializer: name of an initializer, an instance, or a callable `(shape, dtype)`.
            dtype: dtype name of the variable; the default float type if None.
            aggregation: how copies on several devices are joined.
            name: the variable's name, or None for an automatic one.

        Returns:
            A variable that gradients leave alone.
        """
        self._check_initialized()
        with names.name_scope(self.name.replace("/", ">")):
            variable = make_variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._note(variable)
        return variable

    @described(add_variable)
    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """Make a variable for the state; `add_variable` under its other name.

        Returns:
            A variable that gradients leave alone.
        """
        return self.add_variable(shape, initializer, dtype=dtype, name=name)

    def update_state(self, *args, **kwargs):
        """Add a batch to the state; every subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state()`.")

    def result(self):
        """Return the value so far: a scalar tensor, or a dict of them."""
        raise NotImplementedError(f"{type(self).__name__} must define `result()`.")

    def reset_state(self):
        """Set all variables to zero."""
        for v in self.variables:
            v.assign(device.namespace(v.array).zeros_like(v.array))

    def __call__(self, *args, **kwargs):
        """Add a batch, as `update_state` does, and return the result so far."""
        self._check_initialized()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """Return what the state would be after a batch, leaving the metric as it is.

        Args:
            metric_variables: list of the values that `variables` are to begin with.
            *args: what `update_state` takes.
            **kwargs: what `update_state` takes.

        Returns:
            A list of tensors, one for each of `variables`.

        Raises:
            ValueError: if `metric_variables` is of another length.
        """
        with self._lent(metric_variables):
            self.update_state(*args, **kwargs)
            return self._values()

    def stateless_result(self, metric_variables):
        """Return the result that belongs to other values of the variables.

        Args:
            metric_variables: list of values, one for each of `variables`.

        Returns:
            A scalar tensor, or a dict of them.

        Raises:
            ValueError: if `metric_variables` is of another length.
        """
        with self._lent(metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """Return the state after a reset, leaving the metric as it is.

        Returns:
            A list of tensors, one for each of `variables`.
        """
        with self._lent(self.variables):
            self.reset_state()
            return self._values()

    def get_config(self):
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Make a metric from what `get_config` returned."""
        return cls(**config)

    def __setattr__(self, name, value):
        if "_metrics" in self.__dict__:
            self._note(value)
        super().__setattr__(name, value)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"

    def _note(self, value):
        """Remember the variables and metrics in a nest."""
        for leaf in trees.flatten(value):
            if isinstance(leaf, Variable):
                _add_new(self._variables, leaf)
            elif isinstance(leaf, Metric) and leaf is not self:
                _add_new(self._metrics, leaf)

    def _values(self):
        return [Tensor(v.array.copy()) for v in self.variables]

    @contextmanager
    def _lent(self, values):
        """Let the variables hold other values inside the `with` block."""
        own = self.variables
        if len(values) != len(own):
            raise ValueError(
                f"`metric_variables` must hold a tensor for each of the {len(own)} variables of "
                f"{type(self).__name__}, in their order. Received: {len(values)} tensors"
            )
        lent = [array_from(value, v.dtype).copy() for v, value in zip(own, values, strict=True)]
        kept = [v.array for v in own]
        try:
            for v, array in zip(own, lent, strict=True):
                v.array = array
            yield
        finally:
            for v, array in zip(own, kept, strict=True):
                v.array = array

    def _check_initialized(self):
        if "_metrics" not in self.__dict__:
            raise RuntimeError(
                f"In the metric class {type(self).__name__}, you forgot to call "
                "`super().__init__()` as the first statement of `__init__()`."
            )


def _unrecorded(update_state):
    """The same method, which puts nothing on a tape, and counts no shapes without values."""

    @wraps(update_state)
    def unrecorded(self, *args, **kwargs):
        if in_abstract_scope():
            return None
        if not recording.tapes:
            return update_state(self, *args, **kwargs)
        with paused():
            return update_state(self, *args, **kwargs)

    return unrecorded


def _add_new(store, item):
    if not any(item is known for known in store):
        store.append(item)
