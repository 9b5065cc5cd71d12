"""Models as text, without weights: the JSON of every release of Keras, and YAML."""

import json
from typing import Any

from minikeras.core import registry
from minikeras.models import Model
from minikeras.saving.guard import parse_json
from minikeras.saving.legacy.form import Source
from minikeras.saving.legacy.graphs import model_form
from minikeras.saving.legacy.groups import generation_of
from minikeras.saving.legacy.yaml_text import parse_yaml, to_yaml
from minikeras.saving.naming import naming

Objects = dict[str, Any] | None


def model_from_json(
    json_string: str, custom_objects: Objects = None, safe_mode: bool = True
) -> Any:
    """Make a model, with new weights, from the JSON of any release.

    Args:
        json_string: what `to_json` returned.
        custom_objects: dict of name to class or function of your own.
        safe_mode: whether Python code in the text is refused.

    Returns:
        The model.

    Raises:
        ValueError: if the text is no JSON, or no model.
        TypeError: if a layer does not take an argument that the text has for it.
    """
    config = parse_json(json_string, "the model's JSON")
    return _model_from(config, "the model's JSON", custom_objects, safe_mode)


def model_from_yaml(
    yaml_string: str, custom_objects: Objects = None, safe_mode: bool = True
) -> Any:
    """Make a model, with new weights, from the YAML of Keras 1, Keras 2 or tf-keras.

    Args:
        yaml_string: what `to_yaml` returned, here or in an older release. Tags that name classes of
            Python are refused.
        custom_objects: dict of name to class or function of your own.
        safe_mode: whether Python code in the text is refused.

    Returns:
        The model.

    Raises:
        ImportError: if PyYAML is not installed.
        ValueError: if the text is no YAML, or no model.
        TypeError: if a layer does not take an argument that the text has for it.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.models.model_from_yaml(model.to_yaml()).output_shape
        (None, 2)
    """
    config = parse_yaml(yaml_string, "the model's YAML")
    return _model_from(config, "the model's YAML", custom_objects, safe_mode)


def model_to_yaml(model: Any, **options: Any) -> str:
    """Return the config of a model, without weights, as YAML; see `Model.to_yaml`."""
    return to_yaml(json.loads(model.to_json()), **options)


def _model_from(config: Any, where: str, custom_objects: Objects, safe_mode: bool) -> Any:
    if is_of_today(config):
        with naming(where):
            return _checked(registry.deserialize(config, custom_objects, safe_mode))
    return model_from_old(config, custom_objects, safe_mode)


def is_of_today(config: Any) -> bool:
    """Say whether a model's config has the form of Keras 3: older releases add their version."""
    return isinstance(config, dict) and "module" in config and "keras_version" not in config


def model_from_old(config: Any, custom_objects: Objects = None, safe_mode: bool = True) -> Any:
    """Make a model, with new weights, from the dict that an older release wrote as text.

    Args:
        config: dict with `class_name`, `config` and perhaps `keras_version`.
        custom_objects: dict of name to class or function of your own.
        safe_mode: whether Python code in the dict is refused.

    Returns:
        The model.

    Raises:
        ValueError: if it is no model.
    """
    version = config.get("keras_version") if isinstance(config, dict) else None
    source = Source(generation_of(version, config), safe_mode, frozenset(custom_objects or ()))
    return model_of(config, source, custom_objects, "of this text")


def model_of(config: Any, source: Source, custom_objects: Objects, where: str) -> Any:
    """Make a model from an old config; whatever is wrong with it, the error says where it is from.

    Args:
        config: the dict of the file or text.
        source: what is known about it.
        custom_objects: dict of name to class or function of the user's.
        where: such as `"in model.h5"`.

    Returns:
        The model.

    Raises:
        ValueError: if it can't be made.
    """
    try:
        form = model_form(config, source)
        return _checked(registry.deserialize(form, custom_objects, source.safe_mode))
    except (ValueError, TypeError, *registry.MALFORMED) as error:
        raise ValueError(f"The model {where} can't be made: {error}") from error


def _checked(model):
    if not isinstance(model, Model):
        raise ValueError(f"A model is expected, the config describes {model!r:.100}")
    return model


registry.late_bound.update(
    model_from_json=model_from_json,
    model_from_yaml=model_from_yaml,
    model_to_yaml=model_to_yaml,
)
