"""Losses: functions of targets and predictions, and their classes, which weigh and reduce."""

from minikeras.core.registry import Table
from minikeras.losses.base import Loss, LossFunctionWrapper, losses, saved_form
from minikeras.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from minikeras.losses.margin import (
    CategoricalHinge,
    Circle,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    circle,
    hinge,
    squared_hinge,
)
from minikeras.losses.overlap import Dice, Tversky, dice, tversky
from minikeras.losses.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from minikeras.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from minikeras.losses.temporal import CTC, ctc

losses.add(Loss)
# Keras offers this class under no public name, so its files name the module where it lives.
Table("loss", "keras.src.losses.losses").add(LossFunctionWrapper)

bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
mse = MSE = mean_squared_error
msle = MSLE = mean_squared_logarithmic_error


def get(identifier):
    """Return the loss that a name, config, class, instance or None stands for.

    Args:
        identifier: `None`, a name such as `"mse"`, a config dict, a class, or a callable.

    Returns:
        A callable, or None.

    Raises:
        ValueError: if the name is unknown or the identifier is of no usable type.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.get("mse") is keras.losses.mean_squared_error
        True
    """
    return losses.get(identifier)


def serialize(loss):
    """Return the saved form of a loss.

    Args:
        loss: a `Loss` or a function.

    Returns:
        A dict of JSON types.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.serialize(keras.losses.MeanSquaredError())["class_name"]
        'MeanSquaredError'
    """
    return saved_form(loss)


def deserialize(name, custom_objects=None):
    """Return the loss that a saved form describes.

    Args:
        name: what `serialize` returned, or a name.
        custom_objects: dict of name to class or function, searched first.

    Returns:
        A `Loss` or a function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import minikeras as keras
        >>> keras.losses.deserialize("mean_squared_error") is keras.losses.mean_squared_error
        True
    """
    return losses.deserialize(name, custom_objects)


__all__ = [
    "BCE",
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLD",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "kullback_leibler_divergence",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
