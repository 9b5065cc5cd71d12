"""Scores that weigh two things against each other: F-scores, and R² against the mean."""

import warnings

from minikeras import ops
from minikeras.core import settings
from minikeras.core.checks import one_of
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_matching_pair, to_dtype
from minikeras.metrics.base import Metric
from minikeras.metrics.reductions import register


class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall.

    `(1 + beta²) · precision · recall / (beta² · precision + recall)`.

    Args:
        average: None for one score per class, `"micro"` for one score over all predictions,
            `"macro"` for the mean of the classes' scores, `"weighted"` for their mean weighted by
            how often each class occurs.
        beta: how much more recall counts than precision, a positive float.
        threshold: predictions above it count as 1; None to count the largest of a sample.

    Raises:
        ValueError: if an argument has no such value.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.FBetaScore(average="micro", beta=2.0, threshold=0.5)
        >>> round(float(metric([[1, 1, 1], [1, 0, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6]])), 4)
        0.5
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        one_of("average", average, (None, "micro", "macro", "weighted"))
        _check_float("beta", beta, valid=lambda b: b > 0, said="be > 0")
        if threshold is not None:
            _check_float(
                "threshold",
                threshold,
                valid=lambda t: 0 < t <= 1,
                said="verify 0 < threshold <= 1",
            )
        super().__init__(name=name, dtype=dtype)
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._axis = None if average == "micro" else 0
        self._built = False

    def _build(self, y_true, y_pred):
        _check_two_axes("FBetaScore", y_true, y_pred)
        shape = () if self.average == "micro" else (y_pred.shape[-1],)

        def zeros(name):
            return self.add_variable(shape, "zeros", dtype=self.dtype, name=name)

        self.true_positives = zeros("true_positives")
        self.false_positives = zeros("false_positives")
        self.false_negatives = zeros("false_negatives")
        self.intermediate_weights = zeros("intermediate_weights")
        self._built = True

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the predictions of a batch.

        Args:
            y_true: zeros and ones, of shape `(batch, classes)`.
            sample_weight: array-like of weights, of shape `(batch,)`; or None.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        y_true, y_pred = to_dtype(y_true, self.dtype), to_dtype(y_pred, self.dtype)
        if not self._built:
            self._build(y_true, y_pred)
        y_pred = ops.cast(self._decided(y_pred), self.dtype)
        weights = None
        if sample_weight is not None:
            weights = ops.expand_dims(to_dtype(sample_weight, self.dtype), 1)

        def total(values):
            values = values if weights is None else values * weights
            return ops.sum(values, axis=self._axis)

        sums = [
            (self.true_positives, total(y_pred * y_true)),
            (self.false_positives, total(y_pred * (1 - y_true))),
            (self.false_negatives, total((1 - y_pred) * y_true)),
            (self.intermediate_weights, total(y_true)),
        ]
        for variable, value in sums:
            variable.assign_add(value)

    def _decided(self, y_pred):
        """Which predictions count as 1; a sample of zeros has none."""
        if self.threshold is not None:
            return y_pred > self.threshold
        largest = ops.max(y_pred, axis=-1, keepdims=True)
        return ops.logical_and(y_pred >= largest, ops.abs(y_pred) > 1e-9)

    def result(self):
        """Return the score: a scalar tensor, or one number for each class."""
        hits = self.true_positives.value
        precision = hits / (hits + self.false_positives + settings.epsilon())
        recall = hits / (hits + self.false_negatives + settings.epsilon())
        blend = (self.beta**2) * precision + recall
        score = precision * recall / (blend + settings.epsilon()) * (1 + self.beta**2)
        if self.average == "weighted":
            often = self.intermediate_weights.value
            return ops.sum(score * (often / (ops.sum(often) + settings.epsilon())))
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Raises:
        ValueError: if an argument has no such value.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.F1Score(threshold=0.5)
        >>> metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.1, 0.9]]).shape
        (2,)
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average=average, threshold=threshold, name=name, dtype=dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["beta"]
        return config


class R2Score(Metric):
    """How much of the targets' variance the predictions explain: `1 - errors² / deviations²`.

    Args:
        class_aggregation: `"uniform_average"` or `"variance_weighted_average"` over the outputs,
            or None for one score per output.
        num_regressors: how many inputs the model has, for the adjusted score; 0 for the plain one.

    Raises:
        ValueError: if an argument has no such value.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.R2Score()
        >>> float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]))
        0.5714285373687744
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation="uniform_average",
        num_regressors=0,
        name="r2_score",
        dtype=None,
    ):
        known = (None, "uniform_average", "variance_weighted_average")
        one_of("class_aggregation", class_aggregation, known)
        if num_regressors < 0:
            raise ValueError(
                f"`num_regressors` must be 0 or greater. Received: num_regressors={num_regressors}"
            )
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, y_true, y_pred):
        _check_two_axes("R2Score", y_true, y_pred)
        shape = (y_pred.shape[-1],)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self._built = True

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add the squares of a batch.

        Args:
            y_true: targets, of shape `(batch, outputs)`.
            sample_weight: array-like of weights that broadcasts to them, or of shape `(batch,)`;
                or None.

        Raises:
            ValueError: if the shapes do not fit; then nothing has changed.
        """
        y_true, y_pred = as_matching_pair(y_true, to_dtype(y_pred, self.dtype))
        if not self._built:
            self._build(y_true, y_pred)
        weights = to_dtype(1 if sample_weight is None else sample_weight, self.dtype)
        if len(weights.shape) == 1:
            weights = ops.expand_dims(weights, axis=1)
        weights = ops.broadcast_to(weights, y_true.shape)
        weighted = y_true * weights
        sums = [
            (self.sum, ops.sum(weighted, axis=0)),
            (self.squared_sum, ops.sum(y_true * weighted, axis=0)),
            (self.total_mse, ops.sum(ops.square(y_true - y_pred) * weights, axis=0)),
            (self.count, ops.sum(weights, axis=0)),
            (self.num_samples, ops.cast(y_true.size, self.num_samples.dtype)),
        ]
        for variable, value in sums:
            variable.assign_add(value)

    def result(self):
        """Return the score: a scalar tensor, or one number for each output."""
        mean = self.sum / self.count
        deviations = self.squared_sum - self.sum * mean
        scores = 1 - self.total_mse / deviations
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(deviations * scores) / ops.sum(deviations)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, score):
        """Take off what that many inputs explain by chance."""
        samples, regressors = float(self.num_samples), self.num_regressors
        if regressors >= samples - 1:
            warnings.warn(
                f"The adjusted R2 score needs more than {regressors + 1} values, but "
                f"got {samples:g}. The plain R2 score is returned.",
                stacklevel=3,
            )
            return score
        ratio = ops.cast(samples - 1.0, "float32") * (1.0 - score)
        return 1.0 - ratio / (samples - regressors - 1.0)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }


def _check_two_axes(kind, y_true, y_pred):
    if len(y_pred.shape) != 2 or len(y_true.shape) != 2:
        raise ValueError(
            f"{kind} expects 2D inputs with shape (batch_size, output_dim). Received input shapes: "
            f"y_pred.shape={y_pred.shape} and y_true.shape={y_true.shape}."
        )


def _check_float(name, value, *, valid, said):
    if not isinstance(value, float):
        raise ValueError(
            f"Invalid `{name}` argument value. It should be a Python float. "
            f"Received: {name}={value} of type '{type(value)}'"
        )
    if not valid(value):
        raise ValueError(
            f"Invalid `{name}` argument value. It should {said}. Received: {name}={value}"
        )


register(FBetaScore, F1Score, R2Score)
