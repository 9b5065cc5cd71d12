"""Accuracies: how often predictions are right."""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_matching_pair, squeeze_or_expand_to_same_rank, to_dtype
from minikeras.metrics.reductions import FunctionMetric, functions, register


@described(PAIR)
def accuracy(y_true, y_pred):
    """Say where predictions equal targets.

    Returns:
        A tensor of ones and zeros of that shape, in the default float type.

    Raises:
        ValueError: if the shapes do not broadcast.
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), settings.floatx())


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Say where predictions lie on the target's side of a threshold.

    Args:
        y_true: 0 or 1.
        y_pred: probabilities, of the same shape.
        threshold: predictions above it count as 1.

    Returns:
        A tensor of ones and zeros of that shape, in the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.metrics.binary_accuracy([[1], [0]], [[0.75], [0.75]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    y_pred = ops.cast(ops.greater(y_pred, ops.convert_to_tensor(threshold)), y_true.dtype)
    return ops.cast(ops.equal(y_true, y_pred), settings.floatx())


def categorical_accuracy(y_true, y_pred):
    """Say where the most probable class is the true one.

    Args:
        y_true: one-hot targets, of shape `(batch, ..., classes)`.
        y_pred: probabilities or logits, of the same shape.

    Returns:
        A tensor of ones and zeros of shape `(batch, ...)`, in the default float type.

    Example:
        >>> import minikeras as keras
        >>> y_pred = [[0.25, 0.75], [0.75, 0.25]]
        >>> keras.metrics.categorical_accuracy([[0, 1], [0, 1]], y_pred).tolist()
        [1.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = to_dtype(ops.argmax(y_true, axis=-1), y_pred.dtype)
    return _right_class(y_true, y_pred, len(y_true.shape) == len(y_pred.shape))


def sparse_categorical_accuracy(y_true, y_pred):
    """Say where the most probable class is the true one, given by its index.

    Args:
        y_true: class indices, of shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: probabilities or logits, of shape `(batch, ..., classes)`.

    Returns:
        A tensor of ones and zeros of shape `(batch, ...)`, in the default float type.

    Example:
        >>> import minikeras as keras
        >>> keras.metrics.sparse_categorical_accuracy([1, 1], [[0.25, 0.75], [0.75, 0.25]]).tolist()
        [1.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = to_dtype(y_true, y_pred.dtype)
    extra = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    right = _right_class(y_true, y_pred, extra)
    if len(right.shape) > 1 and right.shape[-1] == 1:
        right = ops.squeeze(right, axis=-1)
    return right


def _right_class(y_true, y_pred, extra):
    """Compare class indices with the largest predictions; `extra` says that a 1 ends the shape."""
    shape = y_true.shape
    if extra:
        y_true = ops.squeeze(y_true, axis=-1)
    y_pred = ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype)
    right = ops.cast(ops.equal(y_true, y_pred), settings.floatx())
    return ops.reshape(right, shape) if extra else right


@described(categorical_accuracy)
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Say where the true class is among the `k` most probable ones.

    Args:
        k: how many guesses there are.

    Returns:
        A tensor of ones and zeros of shape `(batch, ...)`, in the default float type.

    Example:
        >>> import minikeras as keras
        >>> y_pred = [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]
        >>> keras.metrics.top_k_categorical_accuracy([[0, 1, 0], [1, 0, 0]], y_pred, k=2).tolist()
        [1.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.argmax(to_dtype(y_true, y_pred.dtype), axis=-1)
    return _among(ops.cast(y_true, "int32"), y_pred, k, ops.in_top_k)


@described(top_k_categorical_accuracy)
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """Say where the true class, given by its index, is among the `k` most probable ones.

    Args:
        y_true: class indices, of shape `(batch, ...)`.
        y_pred: probabilities or logits, of shape `(batch, ..., classes)`; with `from_sorted_ids`
            class indices, the most probable first.
        from_sorted_ids: whether `y_pred` holds class indices.

    Returns:
        A tensor of ones and zeros of shape `(batch, ...)`, in the default float type.

    Example:
        >>> import minikeras as keras
        >>> y_pred = [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]
        >>> keras.metrics.sparse_top_k_categorical_accuracy([1, 0], y_pred, k=2).tolist()
        [1.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    if from_sorted_ids:
        return _among(to_dtype(y_true, y_pred.dtype), y_pred, k, _in_first_k)
    return _among(to_dtype(y_true, "int32"), y_pred, k, ops.in_top_k)


def _in_first_k(y_true, y_pred, k):
    return ops.any(ops.equal(ops.expand_dims(y_true, axis=1), y_pred[:, :k]), axis=1)


def _among(y_true, y_pred, k, test):
    """Apply a test of class indices of shape `(n,)` and predictions of shape `(n, classes)`."""
    shape = y_true.shape
    if len(y_pred.shape) > 2:
        y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    if len(shape) > 1:
        y_true = ops.reshape(y_true, (-1,))
    right = ops.cast(test(y_true, y_pred, k=k), settings.floatx())
    return ops.reshape(right, shape) if len(shape) > 1 else right


class Accuracy(FunctionMetric, fn=accuracy, direction="up"):
    """The share of predictions that equal the targets.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
        0.75
    """


class BinaryAccuracy(
    FunctionMetric,
    fn=binary_accuracy,
    direction="up",
    name="binary_accuracy",
    dtype=None,
    threshold=0.5,
):
    """The share of predictions on the target's side of a threshold.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.BinaryAccuracy()([[1], [0]], [[0.75], [0.75]]))
        0.5
    """


class CategoricalAccuracy(FunctionMetric, fn=categorical_accuracy, direction="up"):
    """The share of samples whose most probable class is the true one.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.CategoricalAccuracy()([[0, 1], [0, 1]], [[0.1, 0.9], [0.8, 0.2]]))
        0.5
    """


class SparseCategoricalAccuracy(FunctionMetric, fn=sparse_categorical_accuracy, direction="up"):
    """The share of samples whose most probable class is the true one, given by its index.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.SparseCategoricalAccuracy()([1, 1], [[0.1, 0.9], [0.8, 0.2]]))
        0.5
    """


class TopKCategoricalAccuracy(FunctionMetric, fn=top_k_categorical_accuracy, direction="up", k=5):
    """The share of samples whose true class is among the `k` most probable ones.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.TopKCategoricalAccuracy(k=2)([[0, 1, 0]], [[0.1, 0.2, 0.7]]))
        1.0
    """


class SparseTopKCategoricalAccuracy(
    FunctionMetric,
    fn=sparse_top_k_categorical_accuracy,
    direction="up",
    unsaved=("from_sorted_ids",),
    k=5,
    name="sparse_top_k_categorical_accuracy",
    dtype=None,
    from_sorted_ids=False,
):
    """The share of samples whose true class, given by its index, is among the `k` best.

    Args:
        from_sorted_ids: whether predictions are class indices, the most probable first.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.SparseTopKCategoricalAccuracy(k=2)([1], [[0.1, 0.2, 0.7]]))
        1.0
    """


for _function in (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
):
    functions.add(_function)
register(
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    TopKCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
)
