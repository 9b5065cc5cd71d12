"""Limits for trying out a script: how many epochs, and how many steps in each, a run may have.

The environment variables `KERAS_MAX_EPOCHS` and `KERAS_MAX_STEPS_PER_EPOCH`, which Keras reads as
well, set them without a change to the script.
"""

import os
import warnings


def _from_environment(variable: str) -> int | None:
    return int(os.environ[variable]) if variable in os.environ else None


_limits: dict[str, int | None] = {
    "epochs": _from_environment("KERAS_MAX_EPOCHS"),
    "steps_per_epoch": _from_environment("KERAS_MAX_STEPS_PER_EPOCH"),
}


def max_epochs() -> int | None:
    """Return the number of epochs after which every `fit` ends.

    Returns:
        An int, or None if there is no limit.

    Example:
        >>> import minikeras as keras
        >>> keras.config.max_epochs() is None
        True
    """
    return _limits["epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Let every `fit` end after a number of epochs, to try out a script.

    Args:
        max_epochs: an int, or None for no limit.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_max_epochs(1)
        >>> keras.config.set_max_epochs(None)
    """
    _limits["epochs"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """Return the most steps that an epoch of `fit`, `evaluate` or `predict` has.

    Returns:
        An int, or None if there is no limit.

    Example:
        >>> import minikeras as keras
        >>> keras.config.max_steps_per_epoch() is None
        True
    """
    return _limits["steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let every epoch of `fit`, `evaluate` and `predict` end after some steps, to try out a script.

    Args:
        max_steps_per_epoch: an int, or None for no limit.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_max_steps_per_epoch(2)
        >>> keras.config.set_max_steps_per_epoch(None)
    """
    _limits["steps_per_epoch"] = max_steps_per_epoch


def capped_epochs(epochs: int) -> int:
    """Return a number of epochs, or the limit and a warning if it is lower."""
    return _capped("epochs", epochs) or epochs


def capped_steps(steps_per_epoch: int | None) -> int | None:
    """Return a number of steps, or the limit and a warning if it is lower."""
    return _capped("steps_per_epoch", steps_per_epoch)


def _capped(name: str, number: int | None) -> int | None:
    limit = _limits[name]
    if not limit or (number and number <= limit):
        return number
    warnings.warn(f"Limiting {name} to {limit}", stacklevel=5)
    return limit
