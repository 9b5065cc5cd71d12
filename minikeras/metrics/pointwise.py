"""The losses as metrics: their means over all samples seen, and the root of the squared error."""

from minikeras import ops
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_matching_pair, to_dtype
from minikeras.losses.margin import categorical_hinge, hinge, squared_hinge
from minikeras.losses.probabilistic import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from minikeras.losses.regression import (
    cosine,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from minikeras.metrics.reductions import FunctionMetric, Mean, register


class MeanSquaredError(FunctionMetric, fn=mean_squared_error, direction="down"):
    """The mean of squared errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[2.0], [2.0]]))
        2.0
    """

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype=dtype)

    @described(PAIR)
    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add the squared errors of a batch.

        Raises:
            ValueError: if the shapes do not broadcast; then nothing has changed.
        """
        y_true, y_pred = as_matching_pair(y_true, to_dtype(y_pred, self.dtype))
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self):
        """Return the root of the mean as a scalar tensor."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(FunctionMetric, fn=mean_absolute_error, direction="down"):
    """The mean of absolute errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class MeanAbsolutePercentageError(
    FunctionMetric, fn=mean_absolute_percentage_error, direction="down"
):
    """The mean of absolute errors in percent of the targets.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.MeanAbsolutePercentageError()([[1.0, 2.0]], [[1.0, 1.0]]))
        25.0
    """


class MeanSquaredLogarithmicError(
    FunctionMetric, fn=mean_squared_logarithmic_error, direction="down"
):
    """The mean of squared errors of the logarithms.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.MeanSquaredLogarithmicError()([[3.0, 1.0]], [[3.0, 1.0]]))
        0.0
    """


def cosine_similarity(y_true, y_pred, axis=-1):
    """Return the cosine of the angle between targets and predictions along an axis."""
    return cosine(y_true, y_pred, axis)


class CosineSimilarity(
    FunctionMetric,
    fn=cosine_similarity,
    direction="up",
    unsaved=("axis",),
    name="cosine_similarity",
    dtype=None,
    axis=-1,
):
    """The mean cosine of the angle between targets and predictions.

    Args:
        axis: the axis along which they are vectors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]))
        1.0
    """


class LogCoshError(FunctionMetric, fn=log_cosh, direction="down", name="logcosh"):
    """The mean of the logarithms of the hyperbolic cosines of the errors.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.LogCoshError()([[2.0]], [[2.0]]))
        0.0
    """


class Hinge(FunctionMetric, fn=hinge, direction="down"):
    """The mean of what is missing to the margin 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """


class SquaredHinge(FunctionMetric, fn=squared_hinge, direction="down"):
    """The mean of the square of what is missing to the margin 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """


class CategoricalHinge(FunctionMetric, fn=categorical_hinge, direction="down"):
    """How much the true class's score falls short of the best other one plus 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]]))
        0.75
    """


class KLDivergence(FunctionMetric, fn=kl_divergence, direction="down"):
    """The Kullback-Leibler divergence of predicted from true probabilities.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """


class Poisson(FunctionMetric, fn=poisson, direction="down"):
    """The negative log-likelihood of counts, up to a constant.

    Example:
        >>> import minikeras as keras
        >>> float(keras.metrics.Poisson()([[0.0, 0.0]], [[1.0, 2.0]]))
        1.5
    """


class BinaryCrossentropy(
    FunctionMetric,
    fn=binary_crossentropy,
    direction="down",
    name="binary_crossentropy",
    dtype=None,
    from_logits=False,
    label_smoothing=0,
):
    """The cross-entropy of yes-or-no targets.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.metrics.BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]])), 4)
        0.6931
    """


class CategoricalCrossentropy(
    FunctionMetric,
    fn=categorical_crossentropy,
    direction="down",
    name="categorical_crossentropy",
    dtype=None,
    from_logits=False,
    label_smoothing=0,
    axis=-1,
):
    """The cross-entropy of one-hot targets.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.metrics.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """


class SparseCategoricalCrossentropy(
    FunctionMetric,
    fn=sparse_categorical_crossentropy,
    direction="down",
    name="sparse_categorical_crossentropy",
    dtype=None,
    from_logits=False,
    ignore_class=None,
    axis=-1,
):
    """The cross-entropy of class indices.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """


register(
    RootMeanSquaredError,
    CosineSimilarity,
    LogCoshError,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    KLDivergence,
    Poisson,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
register(BinaryCrossentropy, aliases=("bce", "BCE"))
register(MeanSquaredError, aliases=("mse", "MSE"))
register(MeanAbsoluteError, aliases=("mae", "MAE"))
register(MeanAbsolutePercentageError, aliases=("mape", "MAPE"))
register(MeanSquaredLogarithmicError, aliases=("msle", "MSLE"))
