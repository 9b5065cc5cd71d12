"""Getting a model, and its twin of another dtype with the same weights."""

import importlib
import json
import os
import sys

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")


def load(engine, source, trusted=False):
    """Return a model, and notes on what could not be read of it.

    Args:
        engine: the `Engine`.
        source: dict with a `path` of a whole model's file, a `config`, the path of a JSON file, or
            a `function`, `"module:name"`, that returns a model; and perhaps `weights`, the path of
            a file of weights for it.
        trusted: whether code in a file may run.

    Returns:
        `(model, notes)`.
    """
    if trusted:
        engine.trust()
    model, notes = _without_weights(engine, source)
    if "weights" in source:
        model.load_weights(source["weights"])
    return model, notes


def _without_weights(engine, source):
    if "function" in source:
        model = called(engine, source["function"], source.get("folder", ""))
        if not isinstance(model, engine.keras.Model):
            raise TypeError(
                "{} returned {!r}; expected a model of {}".format(
                    source["function"], type(model).__name__, engine.package
                )
            )
        return model, []
    if "config" in source:
        with open(source["config"]) as file:
            return engine.keras.models.model_from_json(file.read()), []
    return _from_file(engine, source["path"])


def _from_file(engine, path):
    read = engine.keras.models.load_model
    try:
        return read(path), []
    except Exception as error:
        try:
            model = read(path, compile=False)
        except Exception:
            raise error from None
        note = "its optimizer, loss and metrics were not read: " + first_line(error)
        return model, [note]


def first_line(error):
    """What an exception says first."""
    return " ".join(str(error).strip().splitlines()[:1]) or type(error).__name__


def called(engine, target, folder):
    """Call `"module:function"`, or `"path.py:function"`, and return the model that it returns.

    Automatic names begin again, so that a model that is made twice has the same names.
    """
    engine.keras.backend.clear_session()
    module, _, name = target.rpartition(":")
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
    if module.endswith(".py"):
        sys.path.insert(0, os.path.dirname(os.path.abspath(module)))
        module = os.path.basename(module)[:-3]
    return getattr(importlib.import_module(module), name)()


def twin(engine, model, source, dtype, batch):
    """Return a model that computes in another dtype, with the same weights and optimizer.

    It is to be called where `dtype` is Keras's `floatx`.

    Args:
        engine: the `Engine`.
        model: the model, built.
        source: where it is from; see `load`.
        dtype: name of the float dtype.
        batch: inputs to build it with, arrays of `dtype`.

    Returns:
        The twin, compiled if the model was.
    """
    if "function" in source:
        other = called(engine, source["function"], source.get("folder", ""))
    else:
        config = with_dtype(json.loads(model.to_json()), dtype)
        other = engine.keras.models.model_from_json(json.dumps(config))
        _compile_like(other, model)
    build(engine, other, batch)
    other.set_weights(model.get_weights())
    copy_optimizer(engine, model, other)
    return other


def with_dtype(config, dtype):
    """Return a config in which every float dtype and policy is another one."""
    if isinstance(config, dict):
        if config.get("class_name") in ("DTypePolicy", "Policy"):
            inner = dict(config["config"])
            if inner.get("name") in FLOATS:
                inner["name"] = dtype
            return dict(config, config=inner)
        return {
            key: dtype if key == "dtype" and value in FLOATS else with_dtype(value, dtype)
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [with_dtype(item, dtype) for item in config]
    return config


def _compile_like(other, model):
    if getattr(model, "optimizer", None) is None:
        return
    config = model.get_compile_config()
    if config:
        other.compile_from_config(config)


def build(engine, model, batch):
    """Make the variables of a model, and of its optimizer, as a first step would."""
    model(as_inputs(engine, batch), training=False)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not getattr(optimizer, "built", False):
        optimizer.build(model.trainable_variables)


def as_inputs(engine, batch):
    """Return arrays as what a model is called with: a tensor, or a list of them."""
    tensors = [engine.tensor(array) for array in batch]
    return tensors[0] if len(tensors) == 1 else tensors


def optimizer_variables(engine, model):
    """Return the variables of a model's optimizer, none without one."""
    optimizer = getattr(model, "optimizer", None)
    return [] if optimizer is None else engine.slots(optimizer)


def copy_optimizer(engine, model, other):
    """Give an optimizer the state of another of the same kind."""
    for variable, value in zip(
        optimizer_variables(engine, other), optimizer_variables(engine, model)
    ):
        assign(engine, variable, engine.array(value))


def assign(engine, variable, array):
    """Set a variable to an array's numbers, in its own dtype."""
    dtype = getattr(variable.dtype, "name", variable.dtype)
    variable.assign(np.asarray(array).astype(dtype))


def names_of(variables):
    """Return a name for each variable, without the model's own, each once."""
    seen, names = {}, []
    for variable in variables:
        name = str(getattr(variable, "path", variable.name)).partition(":")[0]
        count = seen.get(name, 0)
        seen[name] = count + 1
        names.append(f"{name}~{count}" if count else name)
    return names
