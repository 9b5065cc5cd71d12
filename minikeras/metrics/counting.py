"""Counts of right and wrong yes-or-no predictions; precision and recall."""

from minikeras import ops
from minikeras.core.docstrings import described
from minikeras.metrics.base import Metric
from minikeras.metrics.confusion import (
    BITS,
    NEGATIVE,
    are_evenly_spaced,
    parse_thresholds,
    update_counts,
)
from minikeras.metrics.reductions import register


class ConditionCount(Metric):
    """The number of predictions of one kind; the kinds are subclasses.

    Args:
        thresholds: a number from 0 to 1, or a list of them, above which a prediction counts as 1;
            0.5 if None.
    """

    _kind = ""

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5)
        self._evenly_spaced = are_evenly_spaced(self.thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    @described(BITS)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the predictions of a batch.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        update_counts(
            {self._kind: self.accumulator},
            y_true,
            y_pred,
            self.thresholds,
            evenly_spaced=self._evenly_spaced,
            sample_weight=sample_weight,
        )

    def result(self):
        """Return the count: a scalar tensor for one threshold, else one number for each."""
        return _scalar_if_single(self.accumulator.value)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(ConditionCount):
    """The number of ones that were predicted.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
        2.0
    """

    _kind = "tp"


class TrueNegatives(ConditionCount):
    """The number of zeros that were predicted.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.TrueNegatives()([0, 1, 0, 0], [1.0, 0.0, 0.0, 0.0]))
        2.0
    """

    _kind = "tn"


class FalsePositives(ConditionCount):
    """The number of zeros that were predicted as ones.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.FalsePositives()([0, 1, 0, 0], [1.0, 0.0, 1.0, 0.0]))
        2.0
    """

    _kind = "fp"


class FalseNegatives(ConditionCount):
    """The number of ones that were predicted as zeros.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.FalseNegatives()([0, 1, 1, 1], [0.0, 0.0, 1.0, 0.0]))
        2.0
    """

    _kind = "fn"


class HitRatio(Metric):
    """True positives over themselves plus one kind of error.

    Args:
        thresholds: a number from 0 to 1, or a list of them, above which a prediction counts as 1;
            0.5 if None, or any number with `top_k`.
        top_k: int, how many of the largest predictions of a sample may count as 1, or None for all.
        class_id: int, the one class to look at, or None for all.
    """

    _direction = "up"
    _error = ("", "")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEGATIVE)
        self._evenly_spaced = are_evenly_spaced(self.thresholds)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        setattr(self, self._error[1], self.add_variable(shape, "zeros", name=self._error[1]))

    @described(BITS)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the predictions of a batch.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        kind, name = self._error
        update_counts(
            {"tp": self.true_positives, kind: getattr(self, name)},
            y_true,
            y_pred,
            self.thresholds,
            evenly_spaced=self._evenly_spaced,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def result(self):
        """Return the ratio: a scalar tensor for one threshold, else one number for each."""
        hits = self.true_positives.value
        return _scalar_if_single(ops.divide_no_nan(hits, hits + getattr(self, self._error[1])))

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(HitRatio):
    """The share of ones among what was predicted as one.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0]))
        0.5
    """

    _error = ("fp", "false_positives")


class Recall(HitRatio):
    """The share of the ones that were predicted.

    Raises:
        ValueError: if a threshold is not from 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.Recall()([0, 1, 1, 1, 1], [1.0, 0.0, 1.0, 0.0, 0.0]))
        0.25
    """

    _error = ("fn", "false_negatives")


def _scalar_if_single(values):
    return values[0] if values.shape[0] == 1 else values


register(TruePositives, TrueNegatives, FalsePositives, FalseNegatives, Precision, Recall)
