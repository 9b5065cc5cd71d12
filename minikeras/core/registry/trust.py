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
        code, defaults, closure = config.get("value") or [config[part] for part in _PARTS]
        code = marshal.loads(base64.decodebytes(code.encode("ascii")))
    except (KeyError, TypeError, ValueError, EOFError, AttributeError, binascii.Error) as error:
        raise ValueError(
            "The bytecode of a lambda cannot be read; another version of Python may have written "
            f"it (this is {sys.version.split()[0]}): {error}"
        ) from error
    cells = None if closure is None else tuple(types.CellType(value) for value in closure)
    package = sys.modules[__name__.split(".")[0]]
    names = {"keras": package, "ops": getattr(package, "ops", None), "np": np}
    defaults = None if defaults is None else tuple(defaults)
    return types.FunctionType(code, names, code.co_name, defaults, cells)
