"""Models of Keras 2 in files and texts: JSON, YAML, and HDF5 with weights and optimizer."""

import json
import os
import warnings

import h5py
import numpy as np

from minikeras.core import registry
from minikeras.keras2 import optimizers
from minikeras.keras2.engine import configs
from minikeras.saving.durable import replacing
from minikeras.saving.guard import open_hdf5, parse_json
from minikeras.saving.legacy.arrays import Layout
from minikeras.saving.legacy.groups import datasets_in, generation_of, json_in, subgroup
from minikeras.saving.legacy.weights import load_weights
from minikeras.saving.legacy.yaml_text import parse_yaml, to_yaml
from minikeras.saving.stores import new_hdf5

VERSION = "2.2.4"
"""The release of Keras whose layout is written."""


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
        filepath: path of the file.
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
    if not _may_write(filepath, overwrite):
        return
    with replacing(os.fspath(filepath)) as temporary, new_hdf5(temporary) as file:
        _sign(file)
        file.attrs["model_config"] = json.dumps(model_config(model)).encode("utf8")
        _write_layers(file.create_group("model_weights"), model)
        if include_optimizer and model.optimizer is not None:
            file.attrs["training_config"] = json.dumps(
                _training_config(model), default=_plain
            ).encode("utf8")
            weights = getattr(model.optimizer, "weights", [])
            if weights:
                names = [f"training/{i}" for i in range(len(weights))]
                group = file.create_group("optimizer_weights")
                _write_arrays(group, list(zip(names, weights, strict=True)))


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


def _sign(group):
    group.attrs["keras_version"], group.attrs["backend"] = VERSION.encode(), b"tensorflow"


def _write_layers(group, model):
    _sign(group)
    layers = model.layers
    group.attrs["layer_names"] = np.array([layer.name.encode("utf8") for layer in layers])
    for layer in layers:
        pairs = [(w.name.removesuffix(":0"), w) for w in layer.weights]
        _write_arrays(group.create_group(layer.name), pairs)


def _write_arrays(group, pairs):
    names = []
    for name, variable in pairs:
        again = sum(other.startswith(name) for other in names)
        names.append(f"{name}_{again}:0" if f"{name}:0" in names else f"{name}:0")
        group.create_dataset(names[-1], data=np.asarray(variable))
    group.attrs["weight_names"] = np.array([name.encode("utf8") for name in names])


def save_weights(model, filepath, overwrite=True):
    """Write a model's weights to an HDF5 file."""
    if _may_write(filepath, overwrite):
        with replacing(os.fspath(filepath)) as temporary, new_hdf5(temporary) as file:
            _write_layers(file, model)


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
        filepath: path of the file.
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
    with open_hdf5(filepath) as file:
        config = json_in(file, "model_config")
        if config is None:
            raise ValueError(
                f"{filepath} holds no model (the attribute `model_config` is missing): if it holds "
                "weights, make the model and call `load_weights`."
            )
        model = model_from_config(config, custom_objects)
        version = file.attrs.get("keras_version", VERSION)
        layout = Layout(generation_of(version, config))
        load_weights(model, subgroup(file, "model_weights"), layout)
        if compile:
            _compile(model, file, custom_objects)
    return model


def _compile(model, file: h5py.File, custom_objects):
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
