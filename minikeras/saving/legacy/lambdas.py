"""Lambda layers of old files: functions by name, and functions as marshalled Python bytecode."""

import base64
import binascii
import builtins
import marshal
import types
from typing import Any

import numpy as np

from minikeras import ops
from minikeras.core.registry import code_is_allowed, safe_mode_scope
from minikeras.saving.legacy.form import Source, object_form

# What code from a file sees beside its own variables.
_NAMES = {"__builtins__": builtins, "np": np, "numpy": np, "ops": ops}
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
    try:
        loaded = marshal.loads(_decoded(text))
    except (EOFError, ValueError, TypeError) as error:
        raise ValueError(
            f"The code of Lambda layer {name!r} cannot be read: it was made by another version of "
            f"Python ({error})."
        ) from None
    if not isinstance(loaded, types.CodeType):
        raise ValueError(f"Lambda layer {name!r} holds no code, but a {type(loaded).__name__}.")
    cells = tuple(types.CellType(value) for value in closure or ())
    if len(cells) != len(loaded.co_freevars):
        raise ValueError(f"The code of Lambda layer {name!r} lacks the values it closes over.")
    function = types.FunctionType(loaded, dict(_NAMES), name=name, closure=cells or None)
    function.__defaults__ = tuple(defaults or ()) or None
    return function


def _decoded(text: Any) -> bytes:
    """The bytes of marshalled code; the oldest files hold them as they are, not in base64."""
    if not isinstance(text, str):
        raise TypeError(f"expected a string, received {type(text).__name__}")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("raw_unicode_escape")
