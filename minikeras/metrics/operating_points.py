"""The best of one rate where another one is good enough, over a row of thresholds."""

from minikeras import ops
from minikeras.core.docstrings import described
from minikeras.core.work import spend_numbers
from minikeras.metrics.base import Metric
from minikeras.metrics.confusion import BITS, update_counts
from minikeras.metrics.reductions import register


class FourCounts(Metric):
    """Holds true and false positives and negatives for a row of thresholds."""

    def _add_counts(self, shape):
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")

    def _counts(self):
        return {
            "tp": self.true_positives,
            "tn": self.true_negatives,
            "fp": self.false_positives,
            "fn": self.false_negatives,
        }

    def _recall(self):
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _precision(self):
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _specificity(self):
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)


class OperatingPoint(FourCounts):
    """The largest of one rate where another one reaches a value; what rates, subclasses say.

    Args:
        num_thresholds: int, how many thresholds to try.
        class_id: int, the one class to look at, or None for all.
    """

    _direction = "up"
    _given = ""

    def __init__(self, value, num_thresholds=200, class_id=None, name=None, dtype=None):
        if not 0 <= value <= 1:
            raise ValueError(
                f"Argument `{self._given}` must be in the range [0, 1]. "
                f"Received: {self._given}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                "`num_thresholds` must be greater than 0. Received: "
                f"num_thresholds={num_thresholds}"
            )
        super().__init__(name=name, dtype=dtype)
        setattr(self, self._given, value)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = thresholds_between(num_thresholds)
        self._add_counts((len(self.thresholds),))

    @described(BITS)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the predictions of a batch.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        update_counts(
            self._counts(),
            y_true,
            y_pred,
            self.thresholds,
            evenly_spaced=self.num_thresholds > 1,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._given: self.value,
        }

    def _best(self, constrained, dependent):
        feasible = ops.greater_equal(constrained, self.value)
        return ops.max(ops.where(feasible, dependent, 0.0), initial=0)


def thresholds_between(count):
    """Return that many thresholds from 0 to 1, in equal steps; 0.5 if it is one."""
    if count == 1:
        return [0.5]
    return [0.0, *inner_thresholds(count), 1.0]


def inner_thresholds(count):
    """Return the thresholds strictly between 0 and 1 of that many in equal steps."""
    spend_numbers(count)
    return [(i + 1) * 1.0 / (count - 1) for i in range(count - 2)]


class SensitivityAtSpecificity(OperatingPoint):
    """The best sensitivity where the specificity reaches a value.

    Sensitivity is the share of ones that were predicted, specificity that of zeros.

    Args:
        specificity: the value to reach, from 0 to 1.

    Raises:
        ValueError: if `specificity` is not from 0 to 1, or `num_thresholds` not positive.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.SensitivityAtSpecificity(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _given = "specificity"

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def result(self):
        """Return the best sensitivity as a scalar tensor."""
        return self._best(self._specificity(), self._recall())


class SpecificityAtSensitivity(OperatingPoint):
    """The best specificity where the sensitivity reaches a value.

    Sensitivity is the share of ones that were predicted, specificity that of zeros.

    Args:
        sensitivity: the value to reach, from 0 to 1.

    Raises:
        ValueError: if `sensitivity` is not from 0 to 1, or `num_thresholds` not positive.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.SpecificityAtSensitivity(0.5)
        >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    _given = "sensitivity"

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def result(self):
        """Return the best specificity as a scalar tensor."""
        return self._best(self._recall(), self._specificity())


class PrecisionAtRecall(OperatingPoint):
    """The best precision where the recall reaches a value.

    Args:
        recall: the value to reach, from 0 to 1.

    Raises:
        ValueError: if `recall` is not from 0 to 1, or `num_thresholds` not positive.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.PrecisionAtRecall(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _given = "recall"

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def result(self):
        """Return the best precision as a scalar tensor."""
        return self._best(self._recall(), self._precision())


class RecallAtPrecision(OperatingPoint):
    """The best recall where the precision reaches a value.

    Args:
        precision: the value to reach, from 0 to 1.

    Raises:
        ValueError: if `precision` is not from 0 to 1, or `num_thresholds` not positive.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.RecallAtPrecision(0.8)
        >>> float(metric([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.5
    """

    _given = "precision"

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def result(self):
        """Return the best recall as a scalar tensor."""
        return self._best(self._precision(), self._recall())


register(SensitivityAtSpecificity, SpecificityAtSensitivity, PrecisionAtRecall, RecallAtPrecision)
