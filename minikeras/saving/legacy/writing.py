"""Whole models in HDF5 files, in the layout of tf-keras 2.21."""

import json
from typing import Any

import numpy as np

from minikeras.core import registry
from minikeras.models import Functional
from minikeras.models.written import graph_config
from minikeras.saving.durable import replacing
from minikeras.saving.legacy.form import is_object
from minikeras.saving.legacy.old_forms import old_model, old_object
from minikeras.saving.legacy.training import state_names
from minikeras.saving.stores import new_hdf5

VERSION = "2.21.0"
"""The release of tf-keras whose layout this is."""

# An attribute of HDF5 takes 64 KiB with its header: longer lists of names are split.
_LONGEST_LIST = 64_512
_OF_TRAINING = ("loss", "metrics", "weighted_metrics", "loss_weights")


def save_model_h5(model: Any, path: Any, include_optimizer: bool = True) -> None:
    """Write a model to an HDF5 file, which is replaced when the new one is complete.

    Args:
        model: a graph or stack of layers that is built.
        path: path of the file.
        include_optimizer: whether it is written how the model was compiled, and the state of its
            optimizer.

    Raises:
        ValueError: if the model has no graph, or is not built.
    """
    config = registry.serialize(model)
    if isinstance(model, Functional):  # a class that makes its graph itself does not describe it
        config["config"] = {**config["config"], **graph_config(model)}
    if "layers" not in config["config"] or not model.built:
        raise ValueError(
            f"Model '{model.name}' can't be written to an HDF5 file: that holds built graphs and "
            f"stacks of layers alone. Save it as a `.keras` file. Received: filepath={path}"
        )
    layers = {layer.name: layer for layer in model._flatten_layers(include_self=False)}
    texts = {"model_config": old_model(config, layers)}
    if include_optimizer and model.compiled:
        texts["training_config"] = _training_config(config["compile_config"])
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        for name, value in texts.items():
            file.attrs[name] = json.dumps(value)
        _sign(file)
        _write_layers(file.create_group("model_weights"), model)
        if "training_config" in texts and model.optimizer.built:
            group = file.create_group("optimizer_weights")
            _write_arrays(group, state_names(model.optimizer))


def save_weights_h5(model: Any, path: Any) -> None:
    """Write the weights of a model to an HDF5 file as Keras 2 and tf-keras do.

    Args:
        model: a built model.
        path: path of the file.

    Raises:
        ValueError: if the model is not built.
    """
    if not model.built:
        raise ValueError(f"Model '{model.name}' is not built, so it has no weights to write yet.")
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        _write_layers(file, model)


def _training_config(compiled):
    optimizer = old_object(compiled["optimizer"])
    if is_object(optimizer) and optimizer.get("module") == "keras.optimizers":
        # By its plain name, tf-keras takes the former optimizer.
        optimizer["class_name"] = f"Custom>{optimizer['class_name']}"
    config = {key: old_object(compiled.get(key)) for key in _OF_TRAINING}
    return {**config, "optimizer_config": optimizer}


def _sign(group):
    group.attrs["keras_version"], group.attrs["backend"] = VERSION, "tensorflow"


def _write_layers(group, model):
    _sign(group)
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        _write_arrays(group.create_group(layer.name), [(w.path, w) for w in weights])
    own = [*model._trainable_variables, *model._non_trainable_variables]
    _write_arrays(group.create_group("top_level_model_weights"), [(w.path, w) for w in own])


def _write_arrays(group, pairs):
    """Write variables by name; a name that occurs again gets a number."""
    counts: dict[str, int] = {}
    names = []
    for name, variable in pairs:
        counts[name] = counts.get(name, 0) + 1
        number = f"_{counts[name] - 1}" if counts[name] > 1 else ""
        names.append(f"{name}{number}:0")
        group.create_dataset(names[-1], data=np.asarray(variable))
    _write_names(group, "weight_names", names)


def _write_names(group, attribute, names):
    encoded = [name.encode() for name in names]
    longest = max((len(name) for name in encoded), default=1)
    size = max(_LONGEST_LIST // longest, 1)
    if len(encoded) <= size:
        group.attrs[attribute] = np.array(encoded, dtype=f"S{longest}")
        return
    for number, start in enumerate(range(0, len(encoded), size)):
        group.attrs[f"{attribute}{number}"] = np.array(encoded[start : start + size])


registry.late_bound["save_model_h5"] = save_model_h5
