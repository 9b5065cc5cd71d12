"""Intersection over union of predicted and true regions, class by class.

`IoU = true positives / (true positives + false positives + false negatives)`, from a confusion
matrix whose rows are true classes and whose columns are predicted ones.
"""

import warnings

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.core.work import spend_numbers
from minikeras.losses.base import PAIR, to_dtype
from minikeras.metrics.base import Metric
from minikeras.metrics.reductions import register


class IoU(Metric):
    """The mean intersection over union of some classes.

    Args:
        num_classes: how many classes there are.
        target_class_ids: list of the class indices that count.
        dtype: dtype of the confusion matrix; int64 if None.
        ignore_class: a class number whose positions do not count, or None.
        sparse_y_true: whether targets are class indices rather than one-hot.
        sparse_y_pred: whether predictions are class indices rather than probabilities.
        axis: the axis of the classes where they are not class indices.

    Raises:
        ValueError: if a class to count does not exist.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class id {max(target_class_ids)} is out of range, which is "
                f"[0, {num_classes})."
            )
        # Counts are whole numbers, and in float32 they would cease to grow at 2**24.
        super().__init__(name=name, dtype=dtype or "int64")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=self.dtype, name="total_confusion_matrix"
        )

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch to the confusion matrix; classes that do not exist are left out.

        Args:
            y_true: class indices of any shape, or one-hot targets.
            y_pred: class indices of the same shape, or probabilities.
            sample_weight: array-like of weights that broadcasts to all positions, or None.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        y_true = self._class_numbers(y_true, self.sparse_y_true)
        y_pred = self._class_numbers(y_pred, self.sparse_y_pred)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"The metric '{self.name}' got {y_true.size} targets and {y_pred.size} predictions."
            )
        weights = self._weights(sample_weight, y_true)
        counts = ops.logical_and(self._exists(y_true), self._exists(y_pred))
        if self.ignore_class is not None:
            counts = ops.logical_and(counts, ops.not_equal(y_true, self.ignore_class))
        # Whole numbers: half precision cannot tell the cells of a large matrix apart.
        places = ops.cast(y_true, "int64") * self.num_classes + ops.cast(y_pred, "int64")
        sums = ops.segment_sum(weights, ops.where(counts, places, -1), self.num_classes**2)
        self.total_cm.assign_add(ops.reshape(sums, self.total_cm.shape))

    def _class_numbers(self, x, sparse):
        if not sparse:
            x = ops.argmax(ops.convert_to_tensor(x), axis=self.axis)
        return ops.reshape(to_dtype(x, self.dtype), (-1,))

    def _exists(self, classes):
        return ops.logical_and(ops.greater_equal(classes, 0), ops.less(classes, self.num_classes))

    def _weights(self, sample_weight, y_true):
        if sample_weight is None:
            return ops.ones_like(y_true)
        if "float" in str(getattr(sample_weight, "dtype", "")) and "int" in self.dtype:
            warnings.warn(
                f"The metric '{self.name}' counts in {self.dtype}, so the fractions of float "
                "weights are dropped. Use integer weights, or pass a float `dtype` to the metric.",
                stacklevel=4,
            )
        weights = to_dtype(sample_weight, self.dtype)
        if len(weights.shape) > 1:
            weights = ops.reshape(weights, (-1,))
        return ops.broadcast_to(weights, y_true.shape)

    def result(self):
        """Return the mean over the classes that occurred, as a float32 scalar tensor."""
        matrix = self.total_cm.value
        hits = ops.diagonal(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        hits = ops.cast(ops.take(hits, self.target_class_ids), "float32")
        union = ops.cast(ops.take(union, self.target_class_ids), "float32")
        occurred = ops.greater(union, 1e-9)
        ratios = ops.where(occurred, hits / (union + settings.epsilon()), 0.0)
        count = ops.sum(ops.cast(occurred, "float32"))
        return ops.sum(ratios) / (count + settings.epsilon())

    def get_config(self):
        """Return the constructor's arguments."""
        own = (
            "num_classes",
            "target_class_ids",
            "ignore_class",
            "sparse_y_true",
            "sparse_y_pred",
            "axis",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _without(config, *names):
    return {key: value for key, value in config.items() if key not in names}


class BinaryIoU(IoU):
    """The mean intersection over union of yes and no, for predictions above and below a threshold.

    Args:
        target_class_ids: which of 0 and 1 count.
        threshold: predictions from it upwards count as 1.

    Raises:
        ValueError: if a class to count is neither 0 nor 1.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.BinaryIoU(target_class_ids=[0, 1], threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch to the confusion matrix.

        Args:
            y_true: zeros and ones of any shape.
            y_pred: predictions of the same shape.
            sample_weight: array-like of weights that broadcasts to all positions, or None.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        y_pred = ops.greater_equal(to_dtype(y_pred, "float32"), self.threshold)
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"target_class_ids": self.target_class_ids, "threshold": self.threshold}
        return {**Metric.get_config(self), **own}


class MeanIoU(IoU):
    """The mean intersection over union of all classes.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        spend_numbers(num_classes)
        super().__init__(
            num_classes,
            range(num_classes),
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """The mean intersection over union of some classes, for one-hot targets.

    Raises:
        ValueError: if a class to count does not exist.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.OneHotIoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([[1, 0], [0, 1]], [[0.8, 0.2], [0.7, 0.3]])), 4)
        0.5
    """

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(
            num_classes,
            target_class_ids,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes, for one-hot targets.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.OneHotMeanIoU(num_classes=2)
        >>> round(float(metric([[1, 0], [0, 1]], [[0.8, 0.2], [0.7, 0.3]])), 4)
        0.25
    """

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(
            num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return _without(super().get_config(), "sparse_y_true")


register(IoU, BinaryIoU, MeanIoU, OneHotIoU, OneHotMeanIoU)
