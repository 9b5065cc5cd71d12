"""Counting true and false positives and negatives, for many thresholds at once.

A prediction is positive if it lies above the threshold. Where thresholds are evenly spaced, every
prediction is put into the bucket between two thresholds, and running sums over the buckets give the
counts, so that the work does not grow with the number of thresholds.
"""

import numpy as np

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, squeeze_or_expand_to_same_rank, to_dtype

NEGATIVE = -1e10
"""Stands for a prediction that is not among the `top_k`: below any threshold."""


def parse_thresholds(thresholds, default):
    """Return thresholds as a list, the default one if there is none.

    Raises:
        ValueError: if one is not from 0 to 1.
    """
    if thresholds is None:
        return [default]
    thresholds = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
    invalid = [t for t in thresholds if t is None or t < 0 or t > 1]
    if invalid:
        raise ValueError(f"Thresholds lie between 0 and 1. Received: {invalid}")
    return thresholds


def are_evenly_spaced(thresholds):
    """Say whether thresholds run from 0 to 1 in equal steps."""
    if len(thresholds) < 3:
        return False
    even = np.arange(len(thresholds), dtype="float32") / (len(thresholds) - 1)
    return np.allclose(thresholds, even, atol=settings.epsilon())


BITS = {**PAIR, "y_true": "zeros and ones, of shape `(batch, ...)`."}
"""What docstrings say of the targets and predictions that are counted."""


@described(BITS)
def update_counts(
    variables,
    y_true,
    y_pred,
    thresholds,
    *,
    evenly_spaced=False,
    top_k=None,
    class_id=None,
    sample_weight=None,
    multi_label=False,
    label_weights=None,
):
    """Add the counts of a batch to variables.

    Args:
        variables: dict of variables by the names `"tp"`, `"fp"`, `"tn"` and `"fn"`, or some of
            these; of shape `(thresholds,)`, or `(thresholds, labels)` with `multi_label`.
        thresholds: list of numbers.
        evenly_spaced: whether these run from 0 to 1 in equal steps.
        top_k: how many of the largest predictions of a sample may be positive, or None.
        class_id: the one class to count, or None.
        multi_label: whether every label has its own counts.
        label_weights: array-like of weights for the labels, or None.

    Raises:
        ValueError: if the shapes do not fit; then nothing has changed.
    """
    dtype = next(iter(variables.values())).dtype
    y_true, y_pred = to_dtype(y_true, dtype), to_dtype(y_pred, dtype)
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    if top_k is not None:
        y_pred = _keep_top_k(y_pred, top_k)
    if sample_weight is not None:
        sample_weight = ops.expand_dims(to_dtype(sample_weight, dtype), axis=-1)
        _, sample_weight = squeeze_or_expand_to_same_rank(y_true, sample_weight, False)
    if class_id is not None:
        y_true, y_pred = _one_class(y_true, class_id), _one_class(y_pred, class_id)
    _check_shapes(y_true, y_pred)
    weights = _weights(sample_weight, label_weights, y_pred)
    if not multi_label:
        y_true, y_pred = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
        weights = None if weights is None else ops.reshape(weights, (-1,))
    count = _count_in_buckets if evenly_spaced else _count_by_comparing
    counts = count(tuple(variables), y_true, y_pred, weights, thresholds)
    for name, variable in variables.items():
        variable.assign_add(counts[name])


def _check_shapes(y_true, y_pred):
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"The shapes of targets and predictions differ: y_true.shape={y_true.shape}, "
            f"y_pred.shape={y_pred.shape}. This metric wants one 0 or 1 for every prediction: "
            "make integer labels one-hot, with `keras.utils.to_categorical`."
        )


def _one_class(x, class_id):
    if len(x.shape) == 1:
        raise ValueError(
            "When class_id is provided, y_true and y_pred must be 2D arrays with shape "
            f"(num_samples, num_classes). Found shape: {x.shape}"
        )
    return ops.expand_dims(x[..., class_id], axis=-1)


def _keep_top_k(x, k):
    """Put a very negative number in place of all but the `k` largest along the last axis."""
    _, places = ops.top_k(x, k)
    kept = ops.sum(ops.one_hot(places, x.shape[-1], dtype=x.dtype), axis=-2)
    return x * kept + NEGATIVE * (1 - kept)


def _weights(sample_weight, label_weights, y_pred):
    """The weight of every prediction, or None if all have the same."""
    if sample_weight is not None:
        sample_weight = ops.broadcast_to(sample_weight, y_pred.shape)
    if label_weights is None:
        return sample_weight
    label_weights = to_dtype(label_weights, y_pred.dtype)
    label_weights = ops.broadcast_to(ops.expand_dims(label_weights, 0), y_pred.shape)
    return label_weights if sample_weight is None else sample_weight * label_weights


def _count_by_comparing(names, y_true, y_pred, weights, thresholds):
    thresholds = ops.convert_to_tensor(thresholds, dtype=y_pred.dtype)
    thresholds = ops.reshape(thresholds, (-1,) + (1,) * len(y_pred.shape))
    said = {"p": y_pred > thresholds}
    true = {"p": ops.cast(y_true, "bool")}
    if "tn" in names or "fn" in names:
        said["n"] = ops.logical_not(said["p"])
    if "tn" in names or "fp" in names:
        true["n"] = ops.logical_not(true["p"])
    counts = {}
    for name in names:
        right, sign = name
        other = "n" if sign == "p" else "p"
        selected = ops.logical_and(said[sign], true[sign if right == "t" else other])
        if weights is None:
            counted = ops.cast(selected, y_pred.dtype)
        else:
            counted = ops.where(selected, weights, 0.0)
        counts[name] = ops.sum(counted, axis=1)
    return counts


def _count_in_buckets(_, y_true, y_pred, weights, thresholds):
    positive = ops.cast(ops.cast(y_true, "bool"), y_true.dtype)
    negative = 1.0 - positive
    if weights is not None:
        positive, negative = positive * weights, negative * weights
    buckets = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * (len(thresholds) - 1)) - 1
    if thresholds[0] < 0.0 or thresholds[-1] > 1.0:
        buckets = ops.maximum(buckets, 0.0)
    # A prediction that is not a number lies above no threshold.
    buckets = ops.cast(ops.where(ops.isnan(y_pred), -1.0, buckets), "int32")
    tp = _sums_above(positive, buckets, len(thresholds))
    fp = _sums_above(negative, buckets, len(thresholds))
    return {
        "tp": tp,
        "fp": fp,
        "tn": ops.sum(negative, axis=0) - fp,
        "fn": ops.sum(positive, axis=0) - tp,
    }


def _sums_above(values, buckets, count):
    """For every bucket, the sum of the values in it and in the later ones, label by label."""
    if len(values.shape) == 1:
        sums = ops.segment_sum(values, buckets, count)
    else:
        labels = values.shape[1]
        places = ops.reshape(buckets * labels + ops.arange(labels, dtype="int32"), (-1,))
        sums = ops.segment_sum(ops.reshape(values, (-1,)), places, count * labels)
        sums = ops.reshape(sums, (count, labels))
    return ops.flip(ops.cumsum(ops.flip(sums, axis=0), axis=0), axis=0)
