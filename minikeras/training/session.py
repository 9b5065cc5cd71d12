"""Resetting what is global: automatic names and the source of seeds."""

from minikeras.core import names
from minikeras.ops.random import seeds


def clear_session(free_memory=True):
    """Reset automatic names and the global seed generator.

    Args:
        free_memory: accepted; arrays are freed as soon as nothing refers to them.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.clear_session()
        >>> keras.layers.Dense(1).name
        'dense'
    """
    names.clear()
    seeds.clear_seeds()
