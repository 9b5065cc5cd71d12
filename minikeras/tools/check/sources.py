"""Where a model is, as a worker is told, in a form that every engine reads."""

import json
from pathlib import Path

from minikeras.saving.guard import parse_json
from minikeras.saving.legacy.texts import is_of_today, model_from_old
from minikeras.saving.legacy.yaml_text import parse_yaml

_YAML = (".yaml", ".yml")
CONFIGS = (".json", *_YAML)


class NotComparable(Exception):
    """There is nothing to compare: the message says why, and what to do."""


def source_of(model, weights=None):
    """Return where a model is, as a worker is told; see `worker.models.load`.

    Args:
        model: path of a file, or `"module:function"`.
        weights: path of a file of weights for it, or None.

    Raises:
        NotComparable: if there is no such file, or it is no model.
    """
    name = str(model)
    more = {} if weights is None else {"weights": _existing(weights)}
    if not Path(name).exists() and ":" in name:
        return {"function": name, "folder": str(Path.cwd()), **more}
    if not Path(name).exists():
        raise NotComparable(f"There is no file {name}, and it is no MODULE:FUNCTION.")
    if name.endswith(".weights.h5"):
        raise NotComparable(
            f"{name} holds weights alone: give the model as MODEL, and this file by --weights."
        )
    return {"config" if name.endswith(CONFIGS) else "path": _existing(name), **more}


def _existing(path):
    if not Path(path).exists():
        raise NotComparable(f"There is no file {path}.")
    return str(Path(path).resolve())


def prepared(source, folder):
    """Return a source that Keras 3 reads, and a note on what was done for that, or None.

    Keras 3 reads neither YAML nor the configs of older releases: minikeras writes both as today's
    JSON, and both engines read that.

    Args:
        source: what `source_of` returned.
        folder: a `Path`, where a config is put that had to be written again.

    Raises:
        NotComparable: if the config is none.
    """
    if "config" not in source:
        return source, None
    path = source["config"]
    try:
        config = _config(path)
        if is_of_today(config):
            text, note = json.dumps(config), None
        else:
            text = model_from_old(config).to_json()
            note = f"{Path(path).name} is of an older Keras: both read it as minikeras writes it"
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise NotComparable(f"{path} is no config of a model: {error}") from error
    new = folder / "config.json"
    new.write_text(text)
    return {**source, "config": str(new)}, note


def _config(path):
    text = Path(path).read_text()
    parse = parse_yaml if path.endswith(_YAML) else parse_json
    return parse(text, Path(path).name)
