"""Constraints: what a weight is projected to after every update."""

from minikeras.constraints.constraints import Constraint as Constraint
from minikeras.constraints.constraints import (
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    table,
)
from minikeras.core.first_use import on_first_use

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

__getattr__, __dir__ = on_first_use(__name__, {})  # old names are told what to use


def get(identifier):
    """Return the constraint that an identifier stands for.

    Args:
        identifier: name, config dict, class, callable, or None.

    Returns:
        A callable that takes a weight, or None for None.

    Raises:
        ValueError: if the identifier stands for none.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.get("unit_norm").get_config()
        {'axis': 0}
    """
    return table.get(identifier)


def serialize(constraint):
    """Return the saved form of a constraint: a dict of JSON types.

    Args:
        constraint: an instance.

    Returns:
        A dict with `module`, `class_name`, `config` and `registered_name`.

    Example:
        >>> import minikeras as keras
        >>> keras.constraints.serialize(keras.constraints.UnitNorm())["class_name"]
        'UnitNorm'
    """
    return table.serialize(constraint)


def deserialize(config, custom_objects=None):
    """Return the constraint that a saved form describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict of name to class, searched first.

    Returns:
        A constraint.

    Raises:
        ValueError: if the class is unknown.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.constraints.serialize(keras.constraints.UnitNorm())
        >>> keras.constraints.deserialize(saved).get_config()
        {'axis': 0}
    """
    return table.deserialize(config, custom_objects)
