"""Writing a model for the other engine, and reading what the other has written."""

import os

from . import models
from .recording import tensors_of


def written(model, folder, suffix):
    """Write a model as a file and as a config.

    Args:
        model: the model, built.
        folder: where to write.
        suffix: of the file, which says what it is.

    Returns:
        A dict of `"file"` and `"config"` to the path, or to None with a `"<form> failed"` that says
        why.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model" + suffix)
    text = os.path.join(folder, "model.json")
    answer = _tried("file", path, lambda: model.save(path))
    answer.update(_tried("config", text, lambda: _write(text, model.to_json())))
    return answer


def _tried(form, path, write):
    try:
        write()
    except Exception as error:
        return {form: None, form + " failed": models.first_line(error)}
    return {form: path}


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(engine, model, form, path, batch, trusted):
    """Read what either engine wrote, and run it.

    Args:
        engine: the `Engine`.
        model: the same model as this engine has it, whose own classes a file may name.
        form: `"file"` or `"config"`, which gets the weights of `model`.
        path: the file.
        batch: list of arrays.
        trusted: whether code in the file may run.

    Returns:
        `(outputs, slots)`: lists of arrays.
    """
    own = {type(layer).__name__: type(layer) for layer in engine.all_layers(model) + [model]}
    own = {name: cls for name, cls in own.items() if cls.__module__.split(".")[0] != engine.package}
    if form == "file":
        options = {"safe_mode": False} if trusted else {}
        other = engine.keras.models.load_model(path, custom_objects=own, **options)
    else:
        with open(path) as file:
            other = engine.keras.models.model_from_json(file.read(), custom_objects=own)
    models.build(engine, other, batch)
    if form == "config":
        other.set_weights(model.get_weights())
    outputs = other(models.as_inputs(engine, batch), training=False)
    arrays = [engine.array(y) for y in tensors_of(engine, outputs)]
    return arrays, [engine.array(v) for v in models.optimizer_variables(engine, other)]
