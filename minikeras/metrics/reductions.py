"""Sums and means over batches, and means of a function of targets and predictions."""

from typing import Any, cast

from minikeras import ops
from minikeras.core import names, registry, settings
from minikeras.core.docstrings import describe_class, described, texts_of
from minikeras.core.registry import Table
from minikeras.losses.base import (
    PAIR,
    apply_mask,
    losses,
    mask_of,
    saved_form,
    squeeze_or_expand_to_same_rank,
    to_dtype,
)
from minikeras.losses.declare import declared_constructor, in_order, saved_options
from minikeras.metrics.base import Metric

# Before the table of metrics, in which most functions' names stand for classes.
functions = Table("metric function", "keras.metrics.functions")
metrics = Table("metric", "keras.metrics")


class Sum(Metric):
    """The sum of all values.

    Example:
        >>> import minikeras as keras
        >>> total = keras.metrics.Sum()
        >>> total.update_state([1.0, 2.0])
        >>> total.update_state([3.0, 4.0], sample_weight=[0.0, 1.0])
        >>> float(total.result())
        7.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    @described(PAIR)
    def update_state(self, values, sample_weight=None):
        """Add the values of a batch.

        Args:
            values: array-like of shape `(batch, ...)`.
        """
        values, _ = samplewise(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self):
        """Return the sum as a scalar tensor."""
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """The mean of all values, batches counting by their numbers of samples.

    Example:
        >>> import minikeras as keras
        >>> mean = keras.metrics.Mean()
        >>> mean.update_state([1.0, 2.0, 6.0])
        >>> mean.update_state([7.0])
        >>> float(mean.result())
        4.0
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    @described(PAIR)
    def update_state(self, values, sample_weight=None):
        """Add the values of a batch.

        Args:
            values: array-like of shape `(batch, ...)`; the axes after the first are averaged.
        """
        values, sample_weight = samplewise(values, sample_weight, ops.mean, self.dtype)
        if sample_weight is not None:
            count = ops.sum(sample_weight)
        else:
            count = ops.cast(values.shape[0] if values.shape else 1, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(count)

    def result(self):
        """Return the mean as a scalar tensor; 0 if there was no value."""
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: function `(y_true, y_pred, **kwargs)` that returns one value per sample, the mean of
            which is taken.
        **kwargs: passed on to `fn`.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error)
        >>> float(metric([[0.0], [0.0]], [[1.0], [3.0]]))
        5.0
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=cast(Any, name), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if fn in losses or type(fn) in losses:
            self._direction = "down"

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add the values of a batch.

        Args:
            y_pred: predictions; a mask that travels with them is heeded.

        Raises:
            ValueError: if there are no targets; then nothing has changed.
        """
        if y_true is None:
            raise ValueError(
                f"The metric '{self.name}' compares predictions with targets, but `y_true` is "
                "None. Pass targets to `fit` or `evaluate`."
            )
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        sample_weight = apply_mask(sample_weight, mask_of(y_pred), self.dtype, "sum")
        super().update_state(values, sample_weight=sample_weight)

    def get_config(self):
        """Return the constructor's arguments."""
        options = {key: registry.serialize(value) for key, value in self._fn_kwargs.items()}
        return {**super().get_config(), "fn": saved_form(self._fn), **options}

    @classmethod
    def from_config(cls, config):
        """Make a metric from what `get_config` returned."""
        return cls(**registry.deserialize(config)) if "fn" in config else cls(**config)


class FunctionMetric(MeanMetricWrapper):
    """A mean of a function that is declared in one line; see `losses.declare.FunctionLoss`.

    Class keywords:
        fn: function `(y_true, y_pred, **options)` that returns one value per sample.
        direction: whether larger values are better (`"up"`) or worse (`"down"`).
        unsaved: names of options that a config holds only if they differ from their defaults.
        **defaults: the constructor's arguments in their order, with their defaults.
    """

    _unsaved = ()

    def __init_subclass__(cls, fn=None, direction=None, unsaved=(), **defaults):
        super().__init_subclass__()
        if fn is None:
            return
        cls._function, cls._unsaved, cls._direction = staticmethod(fn), unsaved, direction
        cls._defaults = in_order(defaults, fn, {})
        cls.__init__ = declared_constructor(cls._defaults, _init_metric)
        describe_class(cls, texts_of(fn.__doc__))

    def __init__(self, *args, **kwargs):
        raise TypeError(f"{type(self).__name__} has no function: pass `fn=` where it is declared.")

    def _check_options(self, **options):
        """Raise a ValueError if an option cannot be."""

    def get_config(self):
        """Return the constructor's arguments."""
        return {**Metric.get_config(self), **saved_options(self, self._unsaved)}


def _init_metric(self, options, name, dtype):
    MeanMetricWrapper.__init__(self, self._function, name=name, dtype=dtype, **options)
    self._direction = type(self)._direction


@described(PAIR)
def samplewise(values, sample_weight, reduce, dtype):
    """Weigh values and reduce them to one per sample.

    Args:
        values: array-like of shape `(batch, ...)`.
        reduce: the op that reduces the axes after the first, `ops.sum` or `ops.mean`.
        dtype: dtype name of the computation.

    Returns:
        The weighted values, and the weights, each of shape `(batch,)`; None for no weights.
    """
    mask = mask_of(values)
    values = to_dtype(values, dtype or settings.floatx())
    if sample_weight is not None:
        sample_weight = apply_mask(to_dtype(sample_weight, dtype), mask, dtype, "sum")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        rank = len(sample_weight.shape)
        if len(values.shape) > rank:
            values = reduce(values, axis=tuple(range(rank, len(values.shape))))
        sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        if rank > 1:
            sample_weight = reduce(sample_weight, axis=tuple(range(1, rank)))
    if len(values.shape) > 1:
        values = reduce(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight


def register(*classes, aliases=()):
    """Make metrics known by the names of their classes, as they are and in snake case.

    Their docstrings say of arguments that they leave out what those of their bases say.
    """
    for cls in classes:
        describe_class(cls, {})
        metrics.add(cls, names.to_snake_case(cls.__name__), *aliases)


register(Metric, Sum, Mean, MeanMetricWrapper)
