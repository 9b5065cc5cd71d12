"""Correlations of predictions with targets.

Sources: K. Pearson, 1895; L. I. Lin, A Concordance Correlation Coefficient to Evaluate
Reproducibility, 1989.
"""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import PAIR, as_matching_pair
from minikeras.metrics.reductions import FunctionMetric, functions, register


@described(PAIR)
def pearson_correlation(y_true, y_pred, axis=-1):
    """The covariance of targets and predictions over the product of their deviations.

    Args:
        axis: the axis along which they are correlated.

    Returns:
        A tensor that lacks that axis, from -1 to 1; not a number where one does not vary.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> value = keras.metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])
        >>> round(float(value[0]), 4)
        1.0
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    return ops.mean(_standardized(y_true, axis) * _standardized(y_pred, axis), axis=axis)


def _standardized(x, axis):
    x = x - ops.mean(x, axis=axis, keepdims=True)
    return x / ops.std(x, axis=axis, keepdims=True)


@described(pearson_correlation)
def concordance_correlation(y_true, y_pred, axis=-1):
    """How near predictions lie to targets, against the variances and the distance of the means.

    Returns:
        A tensor that lacks that axis.

    Raises:
        ValueError: if the shapes do not broadcast.

    Example:
        >>> import minikeras as keras
        >>> same = [[0.0, 1.0, 2.0]]
        >>> round(float(keras.metrics.concordance_correlation(same, same)[0]), 4)
        1.0
    """
    y_true, y_pred = as_matching_pair(y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    var_true = ops.var(y_true - mean_true, axis=axis, keepdims=True)
    var_pred = ops.var(y_pred - mean_pred, axis=axis, keepdims=True)
    # Against the predictions' mean in both factors: over the axis the sum is the same.
    covariance = (y_true - mean_pred) * (y_pred - mean_pred)
    spread = var_true + var_pred + ops.square(mean_true - mean_pred)
    return ops.mean(2 * covariance / (spread + settings.epsilon()), axis=axis)


class PearsonCorrelation(
    FunctionMetric,
    fn=pearson_correlation,
    direction="up",
    name="pearson_correlation",
    dtype=None,
    axis=-1,
):
    """The mean correlation of predictions with targets.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.PearsonCorrelation()
        >>> round(float(metric([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])), 4)
        1.0
    """


class ConcordanceCorrelation(
    FunctionMetric,
    fn=concordance_correlation,
    direction="up",
    name="concordance_correlation",
    dtype=None,
    axis=-1,
):
    """The mean concordance of predictions with targets.

    Example:
        >>> import minikeras as keras
        >>> metric = keras.metrics.ConcordanceCorrelation()
        >>> round(float(metric([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])), 4)
        1.0
    """


functions.add(pearson_correlation)
functions.add(concordance_correlation)
register(PearsonCorrelation, ConcordanceCorrelation)
