"""Whole models and weights in HDF5 files of every generation of Keras."""

import warnings
from typing import Any

from minikeras.autograd.postponed import draw_values, postponed_values
from minikeras.core import registry
from minikeras.saving.guard import open_hdf5
from minikeras.saving.legacy.arrays import Layout
from minikeras.saving.legacy.compiling import compile_arguments
from minikeras.saving.legacy.form import Source
from minikeras.saving.legacy.groups import generation_of, json_in, subgroup, text
from minikeras.saving.legacy.texts import model_of
from minikeras.saving.legacy.training import load_optimizer
from minikeras.saving.legacy.weights import load_weights
from minikeras.saving.naming import naming

Objects = dict[str, Any] | None


def load_model_h5(
    path: Any,
    custom_objects: Objects = None,
    compile: bool = True,
    safe_mode: bool = True,
    rotated_kernels: bool | None = None,
) -> Any:
    """Read a model from an HDF5 file of any release of Keras.

    Args:
        path: path of the file.
        custom_objects: dict of name to class or function of your own.
        compile: whether to compile the model as it was, and to restore the optimizer's state.
        safe_mode: whether Python code in the file is refused.
        rotated_kernels: whether convolution kernels are to be turned by 180 degrees, as those that
            Theano trained. None does so if the file says that its backend was Theano; files of
            Keras 1 do not say it, and are taken as TensorFlow's.

    Returns:
        The model.

    Raises:
        ValueError: if the file holds no model, or something in it can't be read.
    """
    with open_hdf5(path) as file, postponed_values():
        config = json_in(file, "model_config")
        if config is None:
            raise ValueError(
                f"No model config found in {path}: the file may hold weights alone. Make the model "
                "in code, and call `model.load_weights(path)`."
            )
        version = _version(file)
        generation = generation_of(version, config)
        source = Source(generation, safe_mode, frozenset(custom_objects or ()))
        model = model_of(config, source, custom_objects, f"in {path}")
        layout = Layout(generation, _rotated(file, rotated_kernels))
        slots = load_weights(model, subgroup(file, "model_weights"), layout)
        if compile:
            with naming(f"{path} (training_config)"):
                _compile(model, file, source, custom_objects)
            if model.compiled and "optimizer_weights" in file:
                group = subgroup(file, "optimizer_weights")
                load_optimizer(model.optimizer, group, slots, layout, _sorts(generation, version))
        draw_values(model.variables)
    return model


def _compile(model, file, source, custom_objects):
    """Compile a model as its file says; warn if it says nothing."""
    saved = json_in(file, "training_config")
    if saved is None:
        warnings.warn(
            f"No training configuration found in {file.filename}, so the model was not compiled. "
            "Compile it manually.",
            stacklevel=5,
        )
        return
    arguments = compile_arguments(saved, source)
    with registry.CustomObjectScope(custom_objects):
        model.compile(**registry.deserialize(arguments, custom_objects, source.safe_mode))
    model.optimizer.build(model.trainable_variables)
    draw_values(model.optimizer.variables)


def _version(file):
    return file.attrs.get("keras_version", file["model_weights"].attrs.get("keras_version"))


def _rotated(group, wanted):
    if wanted is not None:
        return wanted
    return text(group.attrs.get("backend", "")) == "theano"


def _sorts(generation, version):
    """Say whether the optimizer's states are sorted by the weights' names, as up to 2.0.5."""
    if generation == 1:
        return True
    numbers = [int(part) for part in text(version or "2.2").split(".")[:3] if part.isdigit()]
    return generation == 2 and numbers <= [2, 0, 5]


def load_weights_h5(
    model: Any,
    path: Any,
    by_name: bool = False,
    skip_mismatch: bool = False,
    rotated_kernels: bool | None = None,
) -> None:
    """Read a model's weights from an HDF5 file of Keras 1, Keras 2 or tf-keras: all, or none.

    Args:
        model: a built model.
        path: path of a file of weights or of a whole model.
        by_name: whether layers are found by their names rather than in order.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
        rotated_kernels: see `load_model_h5`.

    Raises:
        ValueError: if the weights do not fit; the model is as before.
    """
    with open_hdf5(path) as file:
        group = file
        if "layer_names" not in file.attrs and "model_weights" in file:
            group = subgroup(file, "model_weights")
        version = group.attrs.get("keras_version", file.attrs.get("keras_version"))
        generation = generation_of(version) if version is not None else 1
        layout = Layout(generation, _rotated(group, rotated_kernels))
        load_weights(model, group, layout, by_name, skip_mismatch)


registry.late_bound.update(load_model_h5=load_model_h5, load_weights_h5=load_weights_h5)
