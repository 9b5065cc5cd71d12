"""Configs of single layers, and of what they hold: activations, initializers, regularizers, ...

Pure functions from dict to dict. Unknown arguments stay, so that the
layer's constructor names them.
"""

from collections.abc import Callable
from typing import Any

from minikeras.layers import layer_table
from minikeras.saving.legacy import activations as activations  # it registers what it defines
from minikeras.saving.legacy import lambdas, tables
from minikeras.saving.legacy.form import HARD_SIGMOID, Source, expect, is_object, object_form
from minikeras.saving.legacy.old_forms import KERAS_3_HARD_SIGMOID

Convert = Callable[[Any, Source], Any]
_KINDS = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
}


def layer_form(saved: Any, source: Source, models: dict[str, Convert]) -> dict[str, Any]:
    """Return the saved form of a layer that was written by an older Keras.

    Args:
        saved: dict with `class_name` and `config`.
        source: where it comes from.
        models: what converts the config of a model inside, by class name.

    Returns:
        A dict for `registry.deserialize`.

    Raises:
        ValueError: if the layer, or an option of it, exists no more, or holds code that safe mode
            refuses.
    """
    expect(saved, dict, "a layer's config, a dict with `class_name` and `config`")
    old_name: str = expect(saved.get("class_name"), str, "the name of a layer's class")
    registered = saved.get("registered_name")
    if old_name in models and old_name not in source.custom:
        config = models[old_name](saved.get("config"), source)
        return object_form("keras", "Model" if old_name == "Functional" else old_name, config)
    config = dict(expect(saved.get("config"), dict, f"the config of a layer of class {old_name}"))
    if old_name in source.custom or registered in source.custom or ">" in str(registered):
        return object_form("", old_name, _of_custom_layer(config), registered)
    name = tables.CLASSES.get(old_name, old_name)
    if old_name in tables.GONE:
        raise ValueError(
            f"Layer {config.get('name')!r} is of class {old_name}, for which there is no layer "
            "today. Pass a layer class of that name in `custom_objects`."
        )
    if old_name == "Merge":
        return _merge(config)
    if name == "Lambda":
        return object_form("keras.layers", name, lambdas.lambda_config(config, source))
    return object_form("keras.layers", name, _config(name, old_name, config, source, models))


def _of_custom_layer(config):
    """A custom layer gets its own arguments; the shape that the base class took has a new name."""
    if "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    return config


def _config(name, old_name, config, source, models):
    if source.generation < 3:
        config = _renamed(name, config)
        config = _reshaped(name, old_name, config)
    config = _without_dropped(name, config)
    if name == "GRU" and source.generation < 3:
        config.setdefault("reset_after", old_name == "CuDNNGRU")
    return {key: _value(name, key, value, source, models) for key, value in config.items()}


def _renamed(name, config):
    names = _without_todays(tables.ARGUMENTS, name) | tables.ARGUMENTS_OF.get(name, {})
    if name == "BatchNormalization":
        config.pop("init", None)
    return {names.get(key, key): value for key, value in config.items()}


def _without_todays(table, name):
    """The entries of a table of old arguments that are not today's of a class of layers."""
    cls = layer_table.entry(name)
    today = () if cls is None else cls._fields
    return {key: value for key, value in table.items() if key not in today}


def _reshaped(name, old_name, config):
    """Arguments that have another form today, not only another name."""
    for keys in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        if all(key in config for key in keys):
            config["kernel_size"] = [config.pop(key) for key in keys]
    if "data_format" in config:
        config["data_format"] = _data_format(config["data_format"])
    if "forget_bias_init" in config:
        config["unit_forget_bias"] = config.pop("forget_bias_init") in ("one", "ones")
    if old_name.startswith("CuDNN"):
        config.setdefault("recurrent_activation", "sigmoid")
    axis = config.get("axis")
    if name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if name == "InputLayer":
        config["batch_shape"] = config.pop("batch_input_shape", config.get("batch_shape"))
        config.setdefault("dtype", config.pop("input_dtype", None) or "float32")
    if name == "Embedding" and config.get("dropout", 0) == 0:
        config.pop("dropout", None)
    elif name != "Embedding":
        config.pop("input_dim", None)
    return config


def _data_format(value):
    return tables.DATA_FORMATS.get(value, value)


def _without_dropped(name, config):
    dropped = _without_todays(tables.DROPPED, name) | tables.DROPPED_OF.get(name, {})
    kept = {}
    for key, value in config.items():
        neutral = dropped.get(key)
        if neutral is None:
            kept[key] = value
        elif neutral is not tables.ANY and value not in neutral:
            raise ValueError(
                f"Layer {config.get('name')!r} ({name}) has {key}={value!r}; only {neutral[0]!r} "
                "can be read."
            )
    return kept


def _value(name, key, value, source, models):
    """One argument in its saved form."""
    for suffix, module in _KINDS.items():
        if key.endswith(suffix):
            return object_of_kind(module, value, source)
    if key == "activation" or key.endswith("_activation"):
        return _activation(value, source, models)
    if key in ("layer", "backward_layer", "cell") and value is not None:
        return layer_form(value, source, models)
    if key == "cells":
        return [layer_form(cell, source, models) for cell in expect(value, list, "a list of cells")]
    if key == "dtype":
        return dtype_form(value)
    return value


def dtype_form(value: Any) -> Any:
    """Return a dtype, or a policy in its saved form.

    A policy of tf-keras is of the class `Policy`, and has a dtype's name where it is one.
    """
    if is_object(value):
        config = value.get("config") or {}
        return object_form("keras", "DTypePolicy", {"name": config.get("name") or "float32"})
    return value


def _activation(value, source, models):
    if value is None:
        return None
    if is_object(value):
        if value["class_name"] == "function":
            return _activation(value.get("config"), source, models) or value
        return layer_form(value, source, models)
    name = expect(value, str, "the name of an activation")
    if name == KERAS_3_HARD_SIGMOID:
        return "hard_sigmoid"
    if name in source.custom or ">" in name:
        return object_form("builtins", "function", name, "function")
    if name == "hard_sigmoid" and source.generation < 3:
        return dict(HARD_SIGMOID)
    return tables.ACTIVATIONS.get(name, name)


def object_of_kind(module: str, value: Any, source: Source) -> Any:
    """Return the saved form of an initializer, a regularizer or a constraint.

    Args:
        module: such as `"keras.regularizers"`.
        value: a name, a dict with `class_name` and `config`, a dict of Keras 1 with the class's
            name and its arguments side by side, or None.
        source: where it comes from.

    Returns:
        The saved form.
    """
    if isinstance(value, dict) and "class_name" not in value and "name" in value:
        value = _flat_object(module, dict(value))
    if not is_object(value):
        return value
    name, config = value["class_name"], value.get("config")
    if name in source.custom or not isinstance(config, dict):
        return object_form("", name, config, value.get("registered_name"))
    if module == "keras.initializers":
        config = {key: item for key, item in config.items() if key != "dtype"}
        name = name.removesuffix("V2")
    return object_form(module, name, config, value.get("registered_name"))


def _flat_object(module, value):
    """What Keras 1 wrote: `{"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}`."""
    old = value.pop("name")
    names = tables.REGULARIZERS if module == "keras.regularizers" else tables.CONSTRAINTS
    if old not in names:
        known = ", ".join(sorted(names))
        raise ValueError(f"{old!r} of {module} can't be read; known are {known}.")
    arguments = {tables.CONSTRAINT_ARGUMENTS.get(key, key): item for key, item in value.items()}
    return {"class_name": names[old], "config": arguments}


def _merge(config):
    """Keras 1's Merge as the layer of today that its mode stands for."""
    mode, name = config.get("mode"), config.get("name")
    if mode not in tables.MERGES:
        raise ValueError(
            f"Layer {name!r} is a Merge of mode {mode!r}, for which there is no layer today; "
            f"known modes are {sorted(tables.MERGES)}. Pass a class named 'Merge' "
            "in `custom_objects`."
        )
    if config.get("layers"):
        raise ValueError(
            f"Layer {name!r}, a Merge, holds its branches itself, which can't be read: only a "
            "Merge of tensors in a graph model can."
        )
    kept = {"name": name, "trainable": config.get("trainable", True)}
    if mode == "concat":
        kept["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        kept["axes"] = config.get("dot_axes", -1)
    return object_form("keras.layers", tables.MERGES[mode], kept)
