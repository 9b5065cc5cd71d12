"""Constraints of Keras 2, with the names and arguments of Keras 1."""

from minikeras import constraints as engine
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled_class
from minikeras.keras2.utils.generic_utils import deserialize_keras_object, serialize_keras_object
from minikeras.saving.legacy.tables import CONSTRAINT_ARGUMENTS

Constraint = engine.Constraint
MaxNorm = spelled_class(engine.MaxNorm, "max_value=2, axis=0", CONSTRAINT_ARGUMENTS)
MinMaxNorm = spelled_class(
    engine.MinMaxNorm, "min_value=0.0, max_value=1.0, rate=1.0, axis=0", CONSTRAINT_ARGUMENTS
)
NonNeg, UnitNorm = engine.NonNeg, engine.UnitNorm
max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
serialize, deserialize = engine.serialize, engine.deserialize

_OF_KERAS_1 = {"maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm}


def get(identifier):
    """Return the constraint that a name, config, function or instance stands for.

    Args:
        identifier: name, dict, callable, or None.

    Example:
        >>> from minikeras.keras2 import constraints
        >>> constraints.get("maxnorm").get_config()
        {'max_value': 2, 'axis': 0}
    """
    if isinstance(identifier, str) and identifier in _OF_KERAS_1:
        return _OF_KERAS_1[identifier]()
    return engine.get(identifier)


__getattr__ = elsewhere(__name__)

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "deserialize_keras_object",
    "get",
    "max_norm",
    "maxnorm",
    "min_max_norm",
    "non_neg",
    "nonneg",
    "serialize",
    "serialize_keras_object",
    "unit_norm",
    "unitnorm",
]
