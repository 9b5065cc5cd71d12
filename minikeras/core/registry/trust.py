"""Whether configs may hold code, and the code of lambda expressions that they hold.

Nothing is run unless somebody said so: by `safe_mode=False`, or for the whole process.
"""

import base64
import binascii
import marshal
import sys
import types
from typing import Any

import numpy as np

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Config

_process: dict[str, bool] = {"unsafe": False}


class _Trust(PerThread):
    safe_mode: bool | None = None  # of the outermost call that said so


_trust = _Trust()


class safe_mode_scope:
    """Let `safe_mode` hold for everything that is made inside a `with` block.

    Args:
        safe_mode: False if configs may hold code. An outer block wins over an inner one.
    """

    def __init__(self, safe_mode: bool):
        self.safe_mode = safe_mode

    def __enter__(self) -> None:
        self._outer = _trust.safe_mode
        if self._outer is None:
            _trust.safe_mode = self.safe_mode

    def __exit__(self, *_: object) -> None:
        _trust.safe_mode = self._outer


def enable_unsafe_deserialization() -> None:
    """Let saved objects hold code in this process, as `safe_mode=False` does for one call.

    Example:
        >>> import minikeras as keras
        >>> keras.config.enable_unsafe_deserialization  # doctest: +ELLIPSIS
        <function enable_unsafe_deserialization at ...>
    """
    _process["unsafe"] = True


def code_is_allowed() -> bool:
    """Say whether code in a config may be run now."""
    return _process["unsafe"] or _trust.safe_mode is False


def require_trust(what: str) -> None:
    """Raise unless code may be run.

    Args:
        what: what would be run, for the message.

    Raises:
        ValueError: as long as nobody passed `safe_mode=False`.
    """
    if not code_is_allowed():
        raise ValueError(
            f"The config holds code: {what}. Whoever wrote it could do anything on this machine, "
            "so it is refused. If you trust its source, pass `safe_mode=False` to the function "
            "that loads it, or call `keras.config.enable_unsafe_deserialization()`."
        )


def require_trusted_file(path: Any, in_config: bool = False) -> None:
    """Raise if a saved object wants a file of this machine to be read, and nobody trusts it.

    A user's own call may read any file. While something is loaded nothing may, unless
    `safe_mode=False` was said; and no config may name one on its own, even outside of a load.

    Args:
        path: path of the file, for the message.
        in_config: whether the path comes from a config.

    Raises:
        ValueError: if it must not be read.
    """
    if code_is_allowed() or (_trust.safe_mode is None and not in_config):
        return
    raise ValueError(
        f"Requested the loading of a vocabulary file outside of the model archive: '{path}'. "
        "Whoever wrote the config could have any file of this machine read, so it is refused. If "
        "you trust its source, pass `safe_mode=False` to the function that loads it, or call "
        "`keras.config.enable_unsafe_deserialization()`."
    )


_PARTS = ("code", "defaults", "closure")


def is_lambda(thing: Any) -> bool:
    """Say whether this is a lambda expression: a function without a name to be found by."""
    return isinstance(thing, types.FunctionType) and thing.__name__ == "<lambda>"


def code_config(function: types.FunctionType) -> Config:
    """Return the parts of a lambda expression: its bytecode, defaults and closure."""
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")
    cells = function.__closure__
    closure = [cell.cell_contents for cell in cells] if cells else None
    return dict(zip(_PARTS, (code, function.__defaults__, closure), strict=True))


def function_from_code(config: Config) -> Any:
    """Return the function of a config that `code_config` made.

    Raises:
        ValueError: if code is not allowed, or this Python cannot read it.
    """
    require_trust("the bytecode of a Python lambda")
    try:
        parts = config.get("value") or [config[part] for part in _PARTS]
        code, defaults, closure = parts
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"The parts of a lambda cannot be read: {error}") from error
    return function_of_parts(code, defaults, closure, "of a lambda")


def function_of_parts(code: Any, defaults: Any, closure: Any, whose: str) -> Any:
    """Return the function that marshalled bytecode is of; whoever calls this has asked for trust.

    Args:
        code: text in base64; the oldest files hold the bytes as they are.
        defaults: values of the last arguments, or None.
        closure: values that the function closes over, or None.
        whose: what has the code, for messages.

    Raises:
        ValueError: if this Python cannot read it.
    """
    try:
        loaded = marshal.loads(_bytes_of(code))
    except (TypeError, ValueError, EOFError) as error:
        raise ValueError(
            f"The bytecode {whose} cannot be read; another version of Python may have written it "
            f"(this is {sys.version.split()[0]}): {error}"
        ) from error
    if not isinstance(loaded, types.CodeType):
        raise ValueError(f"The bytecode {whose} is no code, but a {type(loaded).__name__}.")
    cells = tuple(types.CellType(value) for value in closure or ())
    if len(cells) != len(loaded.co_freevars):
        raise ValueError(f"The bytecode {whose} lacks the values that it closes over.")
    package = sys.modules[__name__.split(".")[0]]
    names = {"keras": package, "ops": getattr(package, "ops", None), "np": np, "numpy": np}
    return types.FunctionType(
        loaded, names, loaded.co_name, tuple(defaults or ()) or None, cells or None
    )


def _bytes_of(code: Any) -> bytes:
    if not isinstance(code, str):
        raise TypeError(f"expected a string, received {type(code).__name__}")
    try:
        return base64.b64decode("".join(code.split()), validate=True)
    except (binascii.Error, ValueError):
        return code.encode("raw_unicode_escape")
