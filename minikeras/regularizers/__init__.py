"""Regularizers: penalties that are added to the loss."""

from minikeras.core.first_use import on_first_use
from minikeras.regularizers.regularizers import (
    L1,
    L1L2,
    L2,
    OrthogonalRegularizer,
    table,
)
from minikeras.regularizers.regularizers import Regularizer as Regularizer

l1 = L1
l1_l2 = L1L2
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer

__getattr__, __dir__ = on_first_use(__name__, {})  # old names are told what to use


def get(identifier):
    """Return the regularizer that an identifier stands for.

    Args:
        identifier: name, config dict, class, callable, or None.

    Returns:
        A callable that takes a weight, or None for None.

    Raises:
        ValueError: if the identifier stands for none.

    Example:
        >>> import minikeras as keras
        >>> keras.regularizers.get("l2").get_config()
        {'l2': 0.01}
    """
    return table.get(identifier)


def serialize(regularizer):
    """Return the saved form of a regularizer: a dict of JSON types.

    Args:
        regularizer: an instance.

    Returns:
        A dict with `module`, `class_name`, `config` and `registered_name`.

    Example:
        >>> import minikeras as keras
        >>> keras.regularizers.serialize(keras.regularizers.L2())["class_name"]
        'L2'
    """
    return table.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """Return the regularizer that a saved form describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict of name to class, searched first.

    Returns:
        A regularizer.

    Raises:
        ValueError: if the class is unknown.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.regularizers.serialize(keras.regularizers.L2())
        >>> keras.regularizers.deserialize(saved).get_config()
        {'l2': 0.01}
    """
    return table.deserialize(config, custom_objects)
