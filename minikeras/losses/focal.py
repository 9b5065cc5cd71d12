"""Cross-entropies that weigh samples by how hard they are.

Sources: T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017 (the focal ones);
Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy
Labels, 2018.
"""

from minikeras import ops
from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.losses.base import as_pair, losses
from minikeras.losses.declare import FunctionLoss
from minikeras.losses.probabilistic import (
    binary_crossentropy,
    categorical_crossentropy,
    class_pair,
    smoothed_bits,
)


@described(binary_crossentropy)
def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """Binary cross-entropy times `(1 - p)^gamma`, `p` being the probability of the truth.

    Args:
        apply_class_balancing: whether to weigh ones by `alpha` and zeros by `1 - alpha`.
        alpha: the weight of ones, from 0 to 1.
        gamma: how much easy samples are played down; 0 gives plain cross-entropy.

    Returns:
        A tensor that lacks that axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(loss[0]), 4)
        0.1733
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    y_true = smoothed_bits(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    truth = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    values = ops.power(1.0 - truth, gamma) * values
    if apply_class_balancing:
        values = (y_true * alpha + (1 - y_true) * (1 - alpha)) * values
    return ops.mean(values, axis=axis)


@described(categorical_crossentropy)
def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Sum over the classes of `-alpha · (1 - y_pred)^gamma · y_true · log(y_pred)`.

    Args:
        alpha: a weight of all classes, or an array of one weight per class.
        gamma: how much easy samples are played down; 0 gives weighted cross-entropy.

    Returns:
        A tensor that lacks that axis.

    Raises:
        ValueError: if the shapes do not broadcast, or `axis` is a bool.

    Example:
        >>> import minikeras as keras
        >>> loss = keras.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(loss[0]), 4)
        0.0433
    """
    y_true, y_pred = class_pair(
        y_true, y_pred, label_smoothing, axis, "categorical_focal_crossentropy"
    )
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    output = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    output = ops.clip(output, settings.epsilon(), 1.0 - settings.epsilon())
    values = -y_true * ops.log(output)
    weights = ops.multiply(ops.power(1.0 - output, gamma), alpha)
    return ops.sum(weights * values, axis=axis)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """`(1 - p^q) / q`, `p` being the predicted probability of the true class.

    Args:
        y_true: class indices, of shape `(batch, ...)`.
        y_pred: probabilities, of shape `(batch, ..., classes)`.
        q: between 0 (cross-entropy) and 1 (mean absolute error, least moved by wrong labels).

    Returns:
        A tensor of shape `(batch, ...)`.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
        [1.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.cast(y_true, "int64")
    truth = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
    return (1 - ops.power(ops.sum(y_pred * truth, axis=-1), q)) / q


class BinaryFocalCrossentropy(
    FunctionLoss,
    fn=binary_focal_crossentropy,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """The cross-entropy of yes-or-no targets, hard samples counting more.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
        0.1733
    """


class CategoricalFocalCrossentropy(
    FunctionLoss,
    fn=categorical_focal_crossentropy,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """The cross-entropy of one-hot targets, hard samples counting more.

    Args:
        alpha: a weight of all classes, or a list of one weight per class.

    Example:
        >>> import minikeras as keras
        >>> round(float(keras.losses.CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433
    """


class CategoricalGeneralizedCrossEntropy(
    FunctionLoss, fn=categorical_generalized_cross_entropy, q=0.5
):
    """A cross-entropy of class indices that wrong labels move less.

    Args:
        q: between 0 (cross-entropy) and 1 (mean absolute error), both excluded.

    Raises:
        ValueError: if `q` is not between 0 and 1.

    Example:
        >>> import minikeras as keras
        >>> float(keras.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
        1.0
    """

    def _check_options(self, q):
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1). Received: q={q}")


for _loss in (
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
):
    losses.add(_loss)
