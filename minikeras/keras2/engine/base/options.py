"""The arguments that every layer of Keras 2 takes by name."""

from minikeras.keras2.backend.settings import automatic_name

_SHAPE_OPTIONS = ("input_shape", "batch_input_shape", "batch_size", "input_dim", "input_length")


def layer_options(cls, kwargs):
    """Turn what every layer of Keras 2 takes by name into what the engine's layers take.

    Args:
        cls: the layer's class.
        kwargs: arguments by name.

    Returns:
        A pair: the first values of the weights, or None, and a dict of arguments.

    Raises:
        TypeError: if an argument is unknown.
    """
    kwargs = dict(kwargs)
    options = {"name": kwargs.pop("name", None) or automatic_name(cls.__name__)}
    for key in ("trainable", "dtype", "activity_regularizer"):
        if kwargs.get(key) is not None:
            options[key] = kwargs[key]
        kwargs.pop(key, None)
    weights, input_dtype = kwargs.pop("weights", None), kwargs.pop("input_dtype", None)
    if input_dtype is not None:
        options.setdefault("dtype", input_dtype)
    shape = _first_shape({key: kwargs.pop(key, None) for key in _SHAPE_OPTIONS})
    if shape is not None:
        options["batch_input_shape"] = shape
    if kwargs:
        raise TypeError(f"Keyword argument not understood by {cls.__name__}: {sorted(kwargs)}")
    return weights, options


def _first_shape(declared):
    if declared["batch_input_shape"] is not None:
        return tuple(declared["batch_input_shape"])
    shape = declared["input_shape"]
    if shape is None and declared["input_dim"] is not None:
        length = declared["input_length"]
        shape = (declared["input_dim"],) if length is None else (length, declared["input_dim"])
    if shape is None:
        return None
    return (declared["batch_size"], *((shape,) if isinstance(shape, int) else shape))
