"""What every loss shares: how values per sample become one number.

A loss function compares targets with predictions and leaves one value per sample (and per position,
for images and sequences). `Loss` weighs these values and reduces them. A mask that says which
positions count travels with the predictions, or with the values, as `_keras_mask`.
"""

from typing import Any

from minikeras import ops
from minikeras.autograd.tensor import Operators
from minikeras.core import dims, names, policy, registry, settings, trees
from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.core.registry import Table
from minikeras.core.types import DTypeLike

losses = Table("loss", "keras.losses")

PAIR = {
    "y_true": "targets, of shape `(batch, ..., n)`.",
    "y_pred": "predictions, of the same shape.",
    "sample_weight": "array-like of weights for the samples, or for all values; or None.",
}
"""What docstrings say of targets, predictions and weights where nothing else is known of them."""

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """A loss, called as `loss(y_true, y_pred, sample_weight=None)`.

    A subclass defines `call(y_true, y_pred)`, which returns one value per sample.

    Args:
        name: a name, or None for an automatic one.
        reduction: `"sum_over_batch_size"` or `"mean"` (the mean over all values),
            `"mean_with_sample_weight"` (the weighted sum over the sum of the weights), `"sum"`, or
            `"none"` or None for the values themselves.
        dtype: float dtype of the computation: a name, a `DTypePolicy` (whose compute dtype counts),
            or None for the default float type.

    Raises:
        ValueError: if the reduction is unknown.

    Example:
        >>> import minikeras as keras
        >>> class Worst(keras.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=-1)
        >>> float(Worst()([[0.0, 1.0]], [[0.5, 4.0]]))
        3.0
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or names.of_class(type(self))
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = policy.get(dtype or settings.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    @property
    def dtype(self):
        """The name of the float dtype in which the loss is computed."""
        return self._dtype

    def call(self, y_true, y_pred):
        """Return one value per sample; every subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(y_true, y_pred)`.")

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the loss of a batch.

        Args:
            y_true: targets, or a nest of them.
            y_pred: predictions, or a nest of them; a mask that travels with them is heeded.
            sample_weight: array-like of weights for the samples, or for all values; or None.

        Returns:
            A scalar tensor, or one value per sample if they are not reduced.

        Raises:
            ValueError: if there are no targets or predictions, or their shapes do not fit.
        """
        if y_true is None or y_pred is None:
            raise ValueError(
                f"The loss '{self.name}' needs targets and predictions, but "
                f"{'`y_true`' if y_true is None else '`y_pred`'} is None. Pass the targets as the "
                "second argument of `fit` or `evaluate`, or as the second item of each batch."
            )
        mask = mask_of(y_pred)
        y_pred = _to_tensors(y_pred, self.dtype)
        values = self.call(_to_tensors(y_true, self.dtype), y_pred)
        mask = _both(mask, mask_of(values))
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """Make a loss from what `get_config` returned."""
        return cls(**config)


@described()
class LossFunctionWrapper(Loss):
    """A loss made of a function of targets and predictions.

    Args:
        fn: function `(y_true, y_pred, **kwargs)` that returns one value per sample.
        **kwargs: passed on to `fn`.
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        """Return what the function makes of targets and predictions of the same rank."""
        if trees.is_nested(y_true):
            pairs = trees.map_structure(squeeze_or_expand_to_same_rank, y_true, y_pred)
            y_pred = trees.map_up_to(lambda _, pair: pair[1], y_true, pairs)
            y_true = trees.map_up_to(lambda _, pair: pair[0], y_true, pairs)
        else:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        """Return the constructor's arguments."""
        options = {key: registry.serialize(value) for key, value in self._fn_kwargs.items()}
        return {**super().get_config(), "fn": saved_form(self.fn), **options}

    @classmethod
    def from_config(cls, config):
        """Make a loss from what `get_config` returned."""
        return cls(**registry.deserialize(config)) if "fn" in config else cls(**config)

    def __repr__(self):
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


def saved_form(thing):
    """Return the saved form of an object, or of a function by its registered name."""
    if hasattr(thing, "get_config") or not callable(thing):
        return registry.serialize(thing)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": registry.get_registered_name(thing),
        "registered_name": "function",
    }


def standardize_reduction(reduction):
    """Return the reduction, or raise a ValueError if it is not one of `REDUCTIONS`."""
    one_of("reduction", reduction, REDUCTIONS)
    return reduction


def mask_of(value):
    """Return the mask that travels with a tensor, or None."""
    return getattr(value, "_keras_mask", None)


def to_dtype(x: Any, dtype: DTypeLike) -> Any:
    """Return `x` as a tensor of a dtype; a tensor that has it already stays the same object.

    Raises:
        ValueError: if `x` is None.
    """
    if x is None:
        raise ValueError(
            "Expected an array or tensor, but got None. If these are targets, pass them to `fit` "
            "or `evaluate`, or as the second item of each batch."
        )
    if hasattr(x, "as_operand"):
        x = x.as_operand()
    has_it = isinstance(x, Operators) and getattr(x, "dtype", None) == dtype
    return x if has_it else ops.convert_to_tensor(x, dtype=dtype)


def _to_tensors(tree, dtype):
    """Make tensors of the leaves of a nest; but lists of plain numbers are one tensor."""
    if not trees.is_nested(tree) or all(isinstance(x, (int, float)) for x in trees.flatten(tree)):
        return to_dtype(tree, dtype)
    return trees.map_structure(lambda x: to_dtype(x, dtype), tree)


def as_pair(y_true, y_pred):
    """Return targets and predictions as tensors in the dtype of the predictions."""
    y_pred = ops.convert_to_tensor(y_pred)
    return to_dtype(y_true, y_pred.dtype), y_pred


def as_matching_pair(y_true, y_pred):
    """Return targets and predictions of one dtype and rank, their shapes checked to fit.

    Raises:
        ValueError: if the shapes do not broadcast.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*as_pair(y_true, y_pred))
    if y_true.shape != y_pred.shape:
        _check_fit(
            y_true,
            y_pred,
            "The shapes of targets and predictions do not fit: y_true.shape={}, y_pred.shape={}. "
            "They should be equal; check the last layer's number of units, or whether this loss "
            "wants one-hot or integer targets.",
        )
    return y_true, y_pred


def _check_fit(x1, x2, message):
    """Raise a ValueError with both shapes put into the message if they do not broadcast."""
    try:
        dims.broadcast(dims.from_public(x1.shape), dims.from_public(x2.shape))
    except ValueError:
        shapes = dims.to_public(x1.shape), dims.to_public(x2.shape)
        raise ValueError(message.format(*shapes)) from None


def squeeze_or_expand_to_same_rank(x1, x2, expand_rank_1=True):
    """Drop or add a last axis of size 1 where the ranks of two tensors differ by one.

    Args:
        x1: tensor.
        x2: tensor.
        expand_rank_1: whether a tensor of rank 1 gains an axis instead of the other losing one.

    Returns:
        Both tensors.
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_weighted_values(
    values,
    sample_weight=None,
    mask=None,
    reduction: str | None = "sum_over_batch_size",
    dtype=None,
):
    """Weigh the values of a loss and reduce them.

    Args:
        values: tensor of one value per sample, or per sample and position.
        sample_weight: array-like of as many weights, or of a shape that broadcasts; or None.
        mask: bool tensor that says which values count, or None.
        reduction: one of `REDUCTIONS`.
        dtype: dtype name of the computation, or None for the default float type.

    Returns:
        A scalar tensor, or the weighted values if they are not reduced.

    Raises:
        ValueError: if the reduction is unknown, or the weights do not fit the values.
    """
    reduction = standardize_reduction(reduction)
    values = to_dtype(values, dtype or settings.floatx())
    if sample_weight is not None:
        sample_weight = to_dtype(sample_weight, values.dtype)
    sample_weight = apply_mask(sample_weight, mask, values.dtype, reduction)
    if sample_weight is not None:
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        _check_fit(
            values,
            sample_weight,
            "The loss has values of shape {}, but the sample weights (or the mask) have shape {}. "
            "Pass one weight for each sample, of shape (batch_size,) or (batch_size, 1), or one "
            "for each value.",
        )
        values = values * sample_weight
    return _reduce(values, sample_weight, reduction)


def _reduce(values, sample_weight, reduction):
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(sample_weight))
    return ops.divide_no_nan(ops.sum(values), _count(values, values.dtype))


def apply_mask(sample_weight, mask, dtype, reduction):
    """Merge a mask into the weights, so that masked values do not count.

    For the means, whose divisor is the number of all values, the weights of the values that count
    grow by the ratio of all values to those that count.

    Args:
        sample_weight: tensor or None.
        mask: bool tensor or None.
        dtype: dtype name of the result.
        reduction: one of `REDUCTIONS`.

    Returns:
        A tensor of weights, or None if there is neither weight nor mask.
    """
    if mask is None:
        return sample_weight
    weight = to_dtype(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        scale = ops.divide_no_nan(_count(weight, dtype), ops.sum(weight))
        weight = ops.where(ops.cast(mask, "bool"), scale, ops.cast(0, dtype))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, to_dtype(sample_weight, dtype))
    return sample_weight * weight


def _count(values, dtype):
    """The number of elements as a float, also where some sizes are not known yet."""
    if isinstance(values.size, int):
        return ops.cast(values.size, dtype)
    return ops.sum(ops.ones_like(values))


def _both(mask, other):
    """The positions that both masks let through; a missing mask lets all through."""
    if mask is None or other is None:
        return other if mask is None else mask
    return ops.logical_and(mask, other)
