"""Arguments that many layers share: windows, paddings, layouts, axes, and their checks."""

from typing import Annotated, Any

from minikeras import activations, ops
from minikeras.core import registry
from minikeras.core.settings import standardize_data_format
from minikeras.layers.base.declare import Field
from minikeras.layers.base.layer import Layer


def _count(value, name):
    """A number of things of which there must be at least one."""
    if value is None or value <= 0:
        raise ValueError(f"`{name}` must be greater than 0. Received: {name}={value}")
    return value


def _listed(value, name):
    """An axis or a list of axes."""
    if isinstance(value, (list, tuple)) and all(isinstance(axis, int) for axis in value):
        return list(value)
    if not isinstance(value, int):
        raise TypeError(
            f"`{name}` must be an int, or a list or tuple of ints. Received: {name}={value!r}"
        )
    return value


def checked_layer(value, name):
    """Return an argument, or raise a ValueError if it is no layer."""
    if not isinstance(value, Layer):
        raise ValueError(
            f"`{name}` must be a layer, such as `keras.layers.Dense(3)`. Received: "
            f"{name}={value!r} (of type {type(value).__name__})"
        )
    return value


def is_relu(activation):
    """Say whether an activation is the plain `relu`, which some kernels do on their way."""
    return activation is activations.relu or activation is ops.relu


def plain(value):
    """Return a list that a layer keeps as an ordinary one, other values as they are."""
    return list(value) if isinstance(value, list) else value


def revived(value, name):
    """Return an argument that may be an array: from a config comes its saved form."""
    return registry.deserialize(value) if isinstance(value, dict) else value


Count = Annotated[int, Field(_count)]
DataFormat = Annotated[
    Any,
    Field(
        lambda value, name: standardize_data_format(value),
        text='`"channels_last"`, `"channels_first"`, or None for the default.',
    ),
]
Padding = Annotated[str, Field(text='`"valid"` or `"same"`.')]
Axes = Annotated[Any, Field(_listed, plain)]


def int_tuple(value, count, name, least=1):
    """Return `count` integers, made of one or given as a sequence.

    Args:
        value: int, or sequence of `count` ints.
        count: how many.
        name: the argument's name, for messages.
        least: the smallest allowed int, 0 or 1.

    Returns:
        A tuple of ints.

    Raises:
        ValueError: if the value is of another kind or too small.

    Example:
        >>> from minikeras.layers.base.arguments import int_tuple
        >>> int_tuple(3, 2, "kernel_size")
        (3, 3)
    """
    if isinstance(value, int):
        values = (value,) * count
    elif isinstance(value, (list, tuple)):
        values = tuple(value)
    else:
        values = ()
    if len(values) != count or not all(_is_whole(v) and v >= least for v in values):
        raise ValueError(
            f"`{name}` must be an int or a tuple of {count} ints, each {least} or greater. "
            f"Received: {name}={value}"
        )
    return tuple(int(v) for v in values)


def _is_whole(value):
    """Whether a value is an integer, be it written as a float: Keras takes `(2.0, 1.0)`."""
    return hasattr(value, "__index__") or (isinstance(value, float) and value.is_integer())


def int_pairs(value, count, name):
    """Return `(before, after)` for each of `count` axes.

    Args:
        value: int for all axes, sequence with an int for each axis, or with a pair for each axis.
        count: how many axes.
        name: the argument's name, for messages.

    Returns:
        A tuple of pairs of ints.

    Raises:
        ValueError: if the value is of another kind or an int is negative.

    Example:
        >>> from minikeras.layers.base.arguments import int_pairs
        >>> int_pairs((1, (2, 3)), 2, "padding")
        ((1, 1), (2, 3))
    """
    values = (value,) * count if isinstance(value, int) else value
    if not isinstance(values, (list, tuple)):
        raise ValueError(
            f"`{name}` should be either an int, a tuple of {count} ints, or a tuple of {count} "
            f"pairs of ints, (before, after) for each axis. Received: {name}={value}."
        )
    if len(values) != count:
        raise ValueError(
            f"`{name}` should have {_WORDS[count]} elements. Received: {name}={value}."
        )
    return tuple(
        int_tuple(pair, 2, f"{ordinal} entry of {name}", least=0)
        for pair, ordinal in zip(values, ("1st", "2nd", "3rd"), strict=False)
    )


_WORDS = {2: "two", 3: "3"}


def padding_word(value, allow_causal=False):
    """Return the name of a padding in lower case.

    Args:
        value: `"valid"`, `"same"`, or, if allowed, `"causal"`; upper case counts as well.
        allow_causal: whether `"causal"` may come.

    Returns:
        The name.

    Raises:
        ValueError: if it is another one.

    Example:
        >>> from minikeras.layers.base.arguments import padding_word
        >>> padding_word("SAME")
        'same'
    """
    known = ("valid", "same", "causal") if allow_causal else ("valid", "same")
    word = value.lower() if isinstance(value, str) else value
    if word not in known:
        raise ValueError(f"The `padding` argument must be one of {known}. Received: {value}")
    return word
