"""The state of a training in one HDF5 file, so that it can go on where it was.

The file holds the values of all variables, in the order in which a model of the same code has them:

    variables/000000, 000001, ...   the values, with the attribute `path`
    extra/NAME                      numbers, strings and arrays that the caller adds
"""

from typing import Any

import h5py

from minikeras.arrays import device
from minikeras.core import dtypes, registry
from minikeras.saving import guard
from minikeras.saving.durable import replacing
from minikeras.saving.guard.errors import damaged
from minikeras.saving.guard.hdf5_types import DAMAGED
from minikeras.saving.stores import new_hdf5

_FORMAT = "minikeras training 1"


def training_variables(model):
    """Return all variables that training a model changes.

    Args:
        model: a compiled model.

    Returns:
        A list: weights and states of seed generators, metrics, then the optimizer's.
    """
    metrics = [v for metric in model.metrics for v in metric.variables]
    optimizer = [] if model.optimizer is None else model.optimizer.variables
    return list({id(v): v for v in [*model.variables, *metrics, *optimizer]}.values())


def save_training(path, model, extra):
    """Write the state of a model's training; a file at `path` is replaced whole or not at all.

    Args:
        path: path of the file, in a folder that exists.
        model: a compiled model.
        extra: dict of names without `/` to numbers, strings and arrays.

    Raises:
        OSError: if the file can't be written.
    """
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        file.attrs["format"] = _FORMAT
        group = file.create_group("variables")
        for i, variable in enumerate(training_variables(model)):
            dataset = group.create_dataset(f"{i:06d}", data=device.to_numpy(variable.array))
            dataset.attrs["path"] = variable.path
        group = file.create_group("extra")
        for name, value in extra.items():
            group[name] = value


def load_training(path, model):
    """Read the state of training that a file holds, and check that it is one of this model.

    Args:
        path: path of a file that `save_training` wrote.
        model: a model like the one that was saved, compiled, and built with its optimizer.

    Returns:
        The `extra` of the file, and a function without arguments that gives the model the state.

    Raises:
        OSError: if there is no such file, or it is damaged.
        ValueError: if it does not fit the model.
    """
    try:
        saved, extra = _read(path)
    except guard.FileError as error:
        raise OSError(str(error)) from error
    except (LookupError, TypeError, UnicodeError) as error:  # a part is missing, or another kind
        raise OSError(f"{path}: damaged: {type(error).__name__}: {error}") from error
    variables = training_variables(model)
    _check(path, saved, variables)

    def restore():
        for variable, (_, values) in zip(variables, saved, strict=True):
            variable.assign(values)

    return extra, restore


def _read(path):
    """The values of the variables with their paths, and what the caller added."""
    with guard.open_hdf5(path) as file:
        received = file.attrs.get("format")
        if not isinstance(received, str) or received != _FORMAT:
            raise ValueError(
                f"Expected a file of the format {_FORMAT!r} at {str(path)!r}, but received "
                f"{received!r:.200}."
            )
        saved = [(data.attrs["path"], _values(data)) for _, data in _items(file["variables"])]
        extra = {name: _plain(_values(data)) for name, data in _items(file["extra"])}
    return saved, extra


def _items(group: Any):
    """The names and data sets of a group, in the order of the names."""
    if not isinstance(group, h5py.Group):
        raise TypeError(f"{group.name} is no group")
    return group.items()


def _values(dataset: Any):
    """All values of a data set."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"{dataset.name} is no data set")
    with damaged(f"{dataset.file.filename}: {dataset.name}", *DAMAGED):
        return dataset[()]


def _plain(value):
    """A string, a number or an array."""
    return value.decode() if isinstance(value, bytes) else value


def _check(path, saved, variables):
    """Raise if the values of a file are not those of these variables."""
    if len(saved) != len(variables):
        raise ValueError(
            f"The training saved at {str(path)!r} does not fit this model: it has {len(saved)} "
            f"variables (weights, seeds, metrics and the optimizer's), the model {len(variables)}. "
            "Make and compile the model as it was, or delete the file to begin again."
        )
    for (name, values), variable in zip(saved, variables, strict=True):
        expected = tuple(variable.shape), dtypes.name_of(variable.array.dtype)
        received = values.shape, dtypes.name_of(values.dtype)
        if expected != received:
            raise ValueError(
                f"The training saved at {str(path)!r} does not fit this model: variable "
                f"{variable.path!r} is of shape {expected[0]} and dtype {expected[1]}, the saved "
                f"{name!r} of shape {received[0]} and dtype {received[1]}. Make and compile the "
                "model as it was, or delete the file to begin again."
            )


registry.late_bound.update(save_training=save_training, load_training=load_training)
