"""The area under a curve of rates over all thresholds.

Sources: J. Davis, M. Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006 (how
to interpolate precision); P. Flach, M. Kull, Precision-Recall-Gain Curves, 2015.
"""

import numpy as np

from minikeras import ops
from minikeras.core import registry, settings
from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.metrics.confusion import BITS, are_evenly_spaced, update_counts
from minikeras.metrics.operating_points import FourCounts, inner_thresholds
from minikeras.metrics.reductions import register

_CURVES = {"ROC": "ROC", "roc": "ROC", "PR": "PR", "pr": "PR", "PRGAIN": "PRGAIN"}
_CURVES["prgain"] = "PRGAIN"
_METHODS = ("interpolation", "majoring", "minoring")


class AUC(FourCounts):
    """The area under the ROC or precision-recall curve, by sums over thresholds.

    Args:
        num_thresholds: how many thresholds there are, in equal steps from 0 to 1.
        curve: `"ROC"` (sensitivity over false positive rate), `"PR"` (precision over recall) or
            `"PRGAIN"` (their gains).
        summation_method: `"interpolation"` (trapezoids; for precision the interpolation of Davis
            and Goadrich), or `"minoring"` and `"majoring"`, the lower and upper rectangles.
        thresholds: list of thresholds between 0 and 1 in place of `num_thresholds`.
        multi_label: whether the area is that of every label, averaged over the labels.
        num_labels: how many labels there are, if it is to be known before the first batch.
        label_weights: list of weights for the labels, or None.
        from_logits: whether predictions are logits.

    Raises:
        ValueError: if an argument has no such value.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        self.curve = _curve(curve)
        self.summation_method = _method(summation_method)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self._from_logits = from_logits
        self._init_from_thresholds = thresholds is not None
        self._set_thresholds(num_thresholds, thresholds)
        if num_labels and not multi_label:
            raise ValueError(
                "`num_labels` counts the labels of a metric with `multi_label=True`; leave it out "
                f"otherwise. Received: num_labels={num_labels}, multi_label={multi_label}"
            )
        self._built = False
        if not multi_label or num_labels:
            self._build((None, num_labels))

    def _set_thresholds(self, count, thresholds):
        if thresholds is None and count <= 1:
            raise ValueError(
                f"`num_thresholds` must be 2 or greater. Received: num_thresholds={count}"
            )
        are_listed = thresholds is not None
        inner = sorted(float(t) for t in thresholds) if are_listed else inner_thresholds(count)
        self._evenly_spaced = not are_listed or bool(are_evenly_spaced([0.0, *inner, 1.0]))
        self.num_thresholds = len(inner) + 2
        # The outer ones lie beyond 0 and 1, so that rounding puts no prediction outside.
        self._thresholds = [0.0 - settings.epsilon(), *inner, 1.0 + settings.epsilon()]

    @property
    def thresholds(self):
        """The thresholds, as a list of numbers."""
        return list(self._thresholds)

    def _build(self, shape):
        if len(shape) != 2:
            raise ValueError(
                "With `multi_label=True`, `y_pred` is (batch, labels). Received: "
                f"y_pred.shape={shape}"
            )
        labels = (shape[1],) if self.multi_label else ()
        if labels and self.label_weights is not None and len(self.label_weights) != labels[0]:
            raise ValueError(
                f"There are {len(self.label_weights)} label weights, but {labels[0]} labels."
            )
        self._add_counts((self.num_thresholds, *labels))
        self._built = True

    @described(BITS)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the predictions of a batch.

        Args:
            y_pred: predictions, of the same shape; `(batch, labels)` with `multi_label`.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._built:
            self._build(y_pred.shape)
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        update_counts(
            self._counts(),
            y_true,
            y_pred,
            self._thresholds,
            evenly_spaced=self._evenly_spaced,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )

    def result(self):
        """Return the area as a scalar tensor."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._average(self._interpolated_precision())
        x, y = self._curve_points()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        elif self.summation_method == "minoring":
            heights = ops.minimum(y[:-1], y[1:])
        else:
            heights = ops.maximum(y[:-1], y[1:])
        return self._average((x[:-1] - x[1:]) * heights)

    def _curve_points(self):
        if self.curve == "PR":
            return self._recall(), self._precision()
        if self.curve == "PRGAIN":
            return self._gains()
        negatives = self.false_positives + self.true_negatives
        return ops.divide_no_nan(self.false_positives, negatives), self._recall()

    def _gains(self):
        """Recall gain and precision gain; without a hit 0 and 1, and the former never negative."""
        positives = self.true_positives + self.false_negatives
        ratio = ops.divide_no_nan(positives, self.true_negatives + self.false_positives)
        missed = ops.divide_no_nan(self.false_negatives, self.true_positives)
        wrong = ops.divide_no_nan(self.false_positives, self.true_positives)
        none = ops.equal(self.true_positives, 0.0)
        recall_gain = ops.maximum(ops.where(none, 0.0, 1.0 - ratio * missed), 0.0)
        return recall_gain, ops.where(none, 1.0, 1.0 - ratio * wrong)

    def _interpolated_precision(self):
        """The area between neighbouring thresholds, hits growing linearly with positives."""
        tp = self.true_positives.value
        p = tp + self.false_positives
        hits = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(hits, ops.maximum(p[:-1] - p[1:], 0.0))
        intercept = tp[1:] - slope * p[1:]
        ratio = ops.divide_no_nan(p[:-1], ops.maximum(p[1:], 0.0))
        both = ops.logical_and(p[:-1] > 0, p[1:] > 0)
        ratio = ops.where(both, ratio, ops.ones_like(ratio))
        ones = ops.maximum(tp[1:] + self.false_negatives.value[1:], 0.0)
        return ops.divide_no_nan(slope * (hits + intercept * ops.log(ratio)), ones)

    def _average(self, areas):
        """Sum over the thresholds, then average over the labels, if these count separately."""
        if not self.multi_label:
            return ops.sum(areas)
        areas = ops.sum(areas, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(np.array(self.label_weights), dtype=self.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self):
        """Return the constructor's arguments."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self._from_logits,
        }
        if self._init_from_thresholds:
            config["thresholds"] = self.thresholds[1:-1]
        return config

    @classmethod
    def from_config(cls, config):
        """Make a metric from what `get_config` returned; Keras writes label weights as a tensor."""
        return cls(**registry.deserialize(config))


def _curve(name):
    one_of("curve", name, _CURVES)
    return _CURVES[name]


def _method(name):
    one_of("summation_method", name, (*_METHODS, *(method.capitalize() for method in _METHODS)))
    return name.lower()


register(AUC)
