"""Lambda layers of old files: functions by name, and functions as marshalled Python bytecode."""

from typing import Any

from minikeras.core.registry import code_is_allowed, function_of_parts, safe_mode_scope
from minikeras.saving.legacy.form import Source, object_form

_KEPT = ("name", "trainable", "dtype", "arguments")
_FUNCTIONS = ("function", "output_shape", "mask")


def lambda_config(config: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return the config of a Lambda layer in today's form.

    Args:
        config: as an older Keras wrote it.
        source: says whether code may be run.

    Returns:
        A dict; functions that were stored as code are function objects in it.

    Raises:
        ValueError: if a function is stored as code and `safe_mode` is on, or the code cannot be
            read.
    """
    kept = {key: config[key] for key in _KEPT if key in config}
    for key in _FUNCTIONS:
        if config.get(key) is not None:
            kept[key] = _function(config, key, source)
    return kept


def _function(config, key, source):
    value, kind = config[key], config.get(f"{key}_type")
    code = _code_of(value, kind)
    if code is not None:
        return _from_code(code, config.get("name"), source)
    if isinstance(value, dict):
        value = value.get("config")
    elif kind == "raw" or not isinstance(value, str):
        return value
    return object_form("builtins", "function", value, "function")


def _code_of(value, kind):
    """The stored code with its defaults and closure, or None if the value is no code."""
    if isinstance(value, dict):
        inner = value.get("config")
        if value.get("class_name") == "__tuple__":
            return value.get("items") or (inner or {}).get("value")
        if value.get("class_name") == "__lambda__":
            inner = inner if isinstance(inner, dict) else {}
            code = inner.get("code", inner.get("value"))
            return [code, inner.get("defaults"), inner.get("closure")]
        return None
    return value if kind == "lambda" else None


def _from_code(code, name, source):
    with safe_mode_scope(source.safe_mode):
        is_allowed = code_is_allowed()
    if not is_allowed:
        raise ValueError(
            f"Layer {name!r} is a Lambda that holds Python code, which could do anything when it "
            "runs. If you trust the file, pass `safe_mode=False`; or pass a class of your own "
            "named 'Lambda' in `custom_objects`."
        )
    text, defaults, closure = (*(code if isinstance(code, list) else [code]), None, None)[:3]
    return function_of_parts(text, defaults, closure, f"of Lambda layer {name!r}")
