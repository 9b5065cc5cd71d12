"""The numbers that `fit`, `evaluate` and `predict` take, checked before anything changes."""

import operator
from typing import Any


def checked(least=0, needed=False, **values) -> list[Any]:
    """Return whole numbers that a user has passed, None where there is none.

    Args:
        least: the smallest number allowed. 0 for a size or a number of steps counts as None, which
            old scripts rely on that divide a number of samples by a larger batch size.
        needed: whether None is refused.
        **values: names and values.

    Returns:
        A list of ints and None.

    Raises:
        ValueError: if a value is no whole number, or less than `least`.
    """
    return [
        None if value is None and not needed else _whole(name, value, least)
        for name, value in values.items()
    ]


def _whole(name, value, least):
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(
            f"Expected `{name}` to be a whole number, at least {max(least, 1)}, but received "
            f"{value!r} of type {type(value).__name__}.{_advice(value)}"
        )
    return number


def _advice(value):
    if isinstance(value, float) and value > 0:
        return f" Pass an int, such as {max(round(value), 1)}."
    return ""


def checked_fraction(validation_split):
    """Return a fraction of the samples that is split off.

    Raises:
        ValueError: if it is no number from 0 to 1.
    """
    number = isinstance(validation_split, (int, float)) or hasattr(validation_split, "dtype")
    if validation_split is not None and not (number and 0 <= validation_split <= 1):
        raise ValueError(
            "Expected `validation_split` to be a fraction between 0 and 1, the part of the samples "
            f"to validate on, but received {validation_split!r}."
        )
    return validation_split


def checked_frequency(validation_freq):
    """Return after how many epochs to validate, or the set of epochs (from 1) to validate after.

    Raises:
        ValueError: if it is neither a whole number from 1 on nor a list of such numbers.
    """
    if isinstance(validation_freq, (list, tuple, set)):
        return set(checked(1, **{f"validation_freq[{e!r}]": e for e in validation_freq}))
    if not hasattr(validation_freq, "__index__"):
        raise ValueError(
            "`validation_freq` must be an int, or a list of the epochs to validate after. "
            f"Received: validation_freq={validation_freq!r} (of type "
            f"{type(validation_freq).__name__})"
        )
    return checked(1, validation_freq=validation_freq)[0]
