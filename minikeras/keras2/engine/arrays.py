"""Inputs and targets: arrays in the order of a graph's places, with a last axis each, checked."""

import numpy as np

from minikeras.keras2 import losses


def standardize_input_data(data, names, shapes=None, check_batch_axis=True, exception_prefix=""):
    """Return data as a list of arrays, one for each name, after checking their shapes.

    Args:
        data: array, list of arrays, dict by name, or None.
        names: the names of the inputs or outputs.
        shapes: a shape for each, `None` where any size (or, for a whole shape, any shape) will do.
        check_batch_axis: whether the first sizes are compared, too.
        exception_prefix: what the data are (`"input"` or `"target"`), for messages.

    Returns:
        A list of arrays, in which those of rank 1 have got a last axis of size 1; of Nones for no
        data.

    Raises:
        ValueError: if the number of arrays, a name or a shape is wrong.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine.training_utils import standardize_input_data
        >>> data = {"b": np.zeros((4, 2)), "a": np.zeros(4)}
        >>> [x.shape for x in standardize_input_data(data, ["a", "b"])]
        [(4, 1), (4, 2)]
    """
    if not names:
        if data is not None and hasattr(data, "__len__") and len(data):
            raise ValueError(
                f"This model takes no {exception_prefix} data, but received {type(data)}."
            )
        return []
    if data is None:
        return [None] * len(names)
    arrays = [standardize_single_array(x) for x in _listed(data, names, exception_prefix)]
    for name, shape, array in zip(names, shapes or [None] * len(names), arrays, strict=True):
        if shape is not None and array is not None:
            _check_shape(array.shape, shape, name, exception_prefix, 0 if check_batch_axis else 1)
    return arrays


def standardize_single_array(x):
    """Return an array of rank 1 with a last axis of size 1, and others as they are.

    What has a rank is kept, so that data in a file stay there; a table gives its values, anything
    else becomes an array.

    Example:
        >>> from minikeras.keras2.engine.training_utils import standardize_single_array
        >>> standardize_single_array([1.0, 2.0]).shape
        (2, 1)
    """
    if x is None:
        return None
    if hasattr(x, "iloc"):
        x = x.values
    elif not hasattr(x, "ndim"):
        x = np.asarray(x)
    return np.asarray(x)[:, None] if x.ndim == 1 else x


def _listed(data, names, what):
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                f'No data provided for "{missing[0]}". Need data for each key: {names}'
            )
        return [data[name] for name in names]
    if isinstance(data, (list, tuple)):
        if len(data) == len(names) and all(hasattr(a, "shape") or _is_nest(a) for a in data):
            return list(data)
        if len(names) == 1 and data and not hasattr(data[0], "shape"):
            return [np.asarray(data)]
        raise ValueError(
            f"Error when checking model {what}: the list of arrays does not have the size that the "
            f"model expected. Expected {len(names)} array(s), but got {len(data)}."
        )
    if len(names) > 1:
        raise ValueError(
            f"The model expects {len(names)} {what} arrays, but only received one array of shape "
            f"{np.shape(data)}."
        )
    return [data]


def _is_nest(value):
    return isinstance(value, (list, tuple))


def _check_shape(actual, expected, name, what, first):
    if len(actual) != len(expected):
        raise ValueError(
            f"Error when checking {what}: {name} must have {len(expected)} axes. "
            f"Received: an array of shape {tuple(actual)}"
        )
    actual, expected = tuple(actual[first:]), tuple(expected[first:])
    if any(e and a != e for a, e in zip(actual, expected, strict=True)):
        raise ValueError(
            f"Error when checking {what}: expected {name} to have shape {expected} but got array "
            f"with shape {actual}."
        )


def check_array_length_consistency(inputs, targets, weights=None):
    """Demand that all arrays have the same number of samples.

    Args:
        inputs: list of arrays, or None.
        targets: the same.
        weights: the same.

    Raises:
        ValueError: if they have not.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine.training_utils import check_array_length_consistency
        >>> check_array_length_consistency([np.ones((4, 2))], [np.ones((3, 1))])
        Traceback (most recent call last):
        ValueError: There must be a target for each sample. Received: 4 samples of the inputs...
    """
    listed = {"inputs": inputs, "targets": targets, "sample weights": weights}
    counts = {}
    for kind, arrays in listed.items():
        sizes = [int(a.shape[0]) for a in arrays or [] if a is not None]
        if len(set(sizes)) > 1:
            raise ValueError(
                f"All arrays of {kind} should have the same number of samples. Got array shapes: "
                f"{[a.shape for a in arrays if a is not None]}"
            )
        if sizes:
            counts[kind] = sizes[0]
    if len({*counts.values()}) > 1:
        raise ValueError(
            "There must be a target for each sample. Received: "
            + " and ".join(f"{count} samples of the {kind}" for kind, count in counts.items())
        )


_SAME_SHAPE = (
    losses.mean_squared_error,
    losses.binary_crossentropy,
    losses.categorical_crossentropy,
)


def check_loss_and_target_compatibility(targets, loss_fns, output_shapes):
    """Demand that targets fit the losses of their outputs.

    Args:
        targets: list of arrays.
        loss_fns: list of loss functions.
        output_shapes: list of shapes.

    Raises:
        ValueError: if classes are given as numbers to `categorical_crossentropy`, or targets have
            another shape than the output where a loss would stretch them.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2 import losses
        >>> from minikeras.keras2.engine.training_utils import check_loss_and_target_compatibility
        >>> check_loss_and_target_compatibility([np.ones((4, 2))], [losses.mse], [(None, 3)])
        Traceback (most recent call last):
        ValueError: Targets for an output of shape (None, 3) must have its shape for the loss...
    """
    for y, loss, shape in zip(targets, loss_fns, output_shapes, strict=True):
        if y is None or loss not in _SAME_SHAPE:
            continue
        if loss is losses.categorical_crossentropy and y.shape[-1] == 1:
            raise ValueError(
                "Targets for the loss `categorical_crossentropy` must be rows of ones and zeros "
                f"of shape (samples, classes). Received: an array of shape {y.shape}. Make such "
                "rows by `keras.utils.to_categorical`, or use `sparse_categorical_crossentropy`."
            )
        sizes = zip(y.shape[1:], shape[1:], strict=False)
        if any(expected is not None and size != expected for size, expected in sizes):
            raise ValueError(
                f"Targets for an output of shape {tuple(shape)} must have its shape for the loss "
                f"`{loss.__name__}`. Received: an array of shape {y.shape}"
            )
