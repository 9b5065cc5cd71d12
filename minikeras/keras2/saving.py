"""Models of Keras 2 in files and texts: JSON, YAML, and HDF5 with weights and optimizer."""

import io
import json
import os
import warnings
from typing import Any

import h5py
import numpy as np

from minikeras.core import registry
from minikeras.keras2 import optimizers
from minikeras.keras2.engine import configs
from minikeras.keras2.hdf5_groups import VERSION, save_weights_to_hdf5_group, sign, write_arrays
from minikeras.saving.durable import replacing
from minikeras.saving.guard import open_hdf5, parse_json
from minikeras.saving.legacy.arrays import Layout
from minikeras.saving.legacy.groups import datasets_in, generation_of, json_in, subgroup
from minikeras.saving.legacy.weights import load_weights
from minikeras.saving.legacy.yaml_text import parse_yaml, to_yaml
from minikeras.saving.stores import new_hdf5


def model_config(model):
    """Return a model's class, config, and the release that it is written for, as JSON types."""
    config = {**configs.serialize(model), "keras_version": VERSION, "backend": "tensorflow"}
    return json.loads(json.dumps(config, default=_plain))


def _plain(value):
    """What JSON does not know, as NumPy's and the engine's values."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    raise TypeError(f"{value!r} (of type {type(value).__name__}) has no form in JSON.")


def model_from_config(config, custom_objects=None):
    """Make a model, with new weights, from its config.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A model.

    Example:
        >>> from minikeras.keras2 import models
        >>> from minikeras.keras2.layers import Dense
        >>> model = models.Sequential([Dense(2, input_dim=3)])
        >>> saved = {"class_name": "Sequential", "config": model.get_config()}
        >>> models.model_from_config(saved).output_shape
        (None, 2)
    """
    if isinstance(config, list):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list: use `Sequential.from_config`."
        )
    with registry.CustomObjectScope(custom_objects or {}):
        return configs.deserialize(config, custom_objects)


def model_from_json(json_string, custom_objects=None):
    """Make a model, with new weights, from what `to_json` returned.

    Example:
        >>> from minikeras.keras2 import models
        >>> from minikeras.keras2.layers import Dense
        >>> model = models.Sequential([Dense(2, input_dim=3)])
        >>> models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    return model_from_config(parse_json(json_string, "the model's JSON"), custom_objects)


def model_from_yaml(yaml_string, custom_objects=None):
    """Make a model, with new weights, from what `to_yaml` returned.

    Example:
        >>> from minikeras.keras2 import models
        >>> from minikeras.keras2.layers import Dense
        >>> model = models.Sequential([Dense(2, input_dim=3)])
        >>> models.model_from_yaml(model.to_yaml()).output_shape
        (None, 2)
    """
    return model_from_config(parse_yaml(yaml_string, "the model's YAML"), custom_objects)


def model_to_json(model, **kwargs):
    """Return a model's config as JSON."""
    return json.dumps(model_config(model), **kwargs)


def model_to_yaml(model, **kwargs):
    """Return a model's config as YAML."""
    return to_yaml(model_config(model), **kwargs)


def save_model(model, filepath, overwrite=True, include_optimizer=True):
    """Write a model to an HDF5 file, in the layout of Keras 2.

    Args:
        model: a built model.
        filepath: path of the file, or a group of an open one.
        overwrite: whether a file that exists is replaced without a question.
        include_optimizer: whether it is written how the model was compiled, and the state of its
            optimizer.

    Example:
        >>> from minikeras.keras2 import models
        >>> from minikeras.keras2.layers import Dense
        >>> model = models.Sequential([Dense(2, input_dim=3)])
        >>> models.save_model(model, "model.h5")
        >>> models.load_model("model.h5", compile=False).output_shape
        (None, 2)
    """
    if isinstance(filepath, h5py.Group):
        _write_model(filepath, model, include_optimizer)
    elif _may_write(filepath, overwrite):
        with replacing(os.fspath(filepath)) as temporary, new_hdf5(temporary) as file:
            _write_model(file, model, include_optimizer)


def _write_model(group, model, include_optimizer):
    sign(group)
    group.attrs["model_config"] = json.dumps(model_config(model)).encode("utf8")
    save_weights_to_hdf5_group(group.create_group("model_weights"), model.layers)
    if not include_optimizer or model.optimizer is None:
        return
    config = json.dumps(_training_config(model), default=_plain)
    group.attrs["training_config"] = config.encode("utf8")
    weights = getattr(model.optimizer, "weights", [])
    if weights:
        named = [(f"training/{i}", weight) for i, weight in enumerate(weights)]
        write_arrays(group.create_group("optimizer_weights"), named)


def _may_write(filepath, overwrite):
    if overwrite or not os.path.exists(filepath):
        return True
    return input(f"[WARNING] {filepath} already exists - overwrite? [y/n] ") == "y"


def _training_config(model):
    return {
        "optimizer_config": optimizers.serialize(model.optimizer),
        "loss": model.loss,
        "metrics": list(model.metrics) if not isinstance(model.metrics, dict) else model.metrics,
        "sample_weight_mode": model.sample_weight_mode,
        "loss_weights": model.loss_weights,
    }


def save_weights(model, filepath, overwrite=True):
    """Write a model's weights to an HDF5 file."""
    if _may_write(filepath, overwrite):
        with replacing(os.fspath(filepath)) as temporary, new_hdf5(temporary) as file:
            save_weights_to_hdf5_group(file, model.layers)


def load_weights_into(model, filepath, by_name=False, skip_mismatch=False):
    """Read a model's weights from an HDF5 file of any release of Keras: all, or none.

    Args:
        model: a built model.
        filepath: path of a file of weights or of a whole model.
        by_name: whether layers are found by their names rather than in order.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
    """
    registry.late_bound["load_weights_h5"](
        model, filepath, by_name=by_name, skip_mismatch=skip_mismatch
    )


def load_model(filepath, custom_objects=None, compile=True):
    """Read a model from an HDF5 file.

    Args:
        filepath: path of the file, or a group of an open one.
        custom_objects: dict of name to class or function of your own.
        compile: whether to compile the model as it was, and to restore the optimizer's state.

    Returns:
        The model.

    Raises:
        ValueError: if the file holds no model.

    Example:
        >>> from minikeras.keras2 import models
        >>> from minikeras.keras2.layers import Dense
        >>> model = models.Sequential([Dense(2, input_dim=3)])
        >>> models.save_model(model, "model.h5")
        >>> models.load_model("model.h5", compile=False).output_shape
        (None, 2)
    """
    if isinstance(filepath, h5py.Group):
        return _read_model(filepath, custom_objects, compile)
    with open_hdf5(filepath) as file:
        return _read_model(file, custom_objects, compile)


def _read_model(group: Any, custom_objects, compile):
    config = json_in(group, "model_config")
    if config is None:
        raise ValueError(
            f"{group.file.filename} holds no model (the attribute `model_config` is missing): if "
            "it holds weights, make the model and call `load_weights`."
        )
    model = model_from_config(config, custom_objects)
    version = group.attrs.get("keras_version", VERSION)
    layout = Layout(generation_of(version, config))
    load_weights(model, subgroup(group, "model_weights"), layout)
    if compile:
        _compile(model, group, custom_objects)
    return model


def _compile(model, file: h5py.Group, custom_objects):
    saved = json_in(file, "training_config")
    if saved is None:
        warnings.warn(
            "The file does not say how the model was compiled, so it is not: call `compile`.",
            stacklevel=3,
        )
        return
    with registry.CustomObjectScope(custom_objects or {}):
        optimizer = optimizers.deserialize(saved["optimizer_config"], custom_objects)
        model.compile(
            optimizer=optimizer,
            loss=saved["loss"],
            metrics=saved["metrics"],
            loss_weights=saved["loss_weights"],
            sample_weight_mode=saved["sample_weight_mode"],
        )
    if "optimizer_weights" in file and model._has_graph():
        model._step("train")  # the optimizer makes its variables when it is asked for updates
        arrays = [np.array(array) for _, array in datasets_in(subgroup(file, "optimizer_weights"))]
        try:
            optimizer.set_weights(arrays)
        except ValueError as error:
            warnings.warn(
                f"Error in loading the saved optimizer state ({error}): the model starts with a "
                "freshly initialized optimizer.",
                stacklevel=3,
            )


def pickle_model(model):
    """Return a model as a dict that can be pickled: an HDF5 file of it, in bytes.

    Example:
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> state = saving.pickle_model(Sequential([Dense(2, input_dim=3)]))
        >>> saving.unpickle_model(state).output_shape
        (None, 2)
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        save_model(model, file)
    return {"hdf5": buffer.getvalue()}


def unpickle_model(state):
    """Return the model of what `pickle_model` returned.

    Example:
        >>> from minikeras.keras2.engine import saving
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> state = saving.pickle_model(Sequential([Dense(2, input_dim=3)]))
        >>> saving.unpickle_model(state).output_shape
        (None, 2)
    """
    with h5py.File(io.BytesIO(state["hdf5"]), "r") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model that was not compiled
        return load_model(file)
