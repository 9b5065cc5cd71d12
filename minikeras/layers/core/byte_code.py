"""Lambda expressions in configs: their byte code, in the form in which Keras writes it.

Byte code does whatever its author wanted. It is written so that whoever trusts a file can read it,
in Keras as well; it is read only on the caller's word, `safe_mode=False`.
"""

import base64
import builtins
import marshal
import types

from minikeras.core import registry


def saved_function(function):
    """Return the saved form of a function: its name, or byte code if it has none.

    Args:
        function: a function, or whatever else has a saved form.

    Returns:
        What `registry.serialize` returns; for a lambda expression a dict with its code, the
        defaults of its arguments, and the values that it closes over.
    """
    if getattr(function, "__name__", "") != "<lambda>":
        return registry.serialize(function)
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")
    cells = function.__closure__
    closure = [cell.cell_contents for cell in cells] if cells else None
    defaults = function.__defaults__
    saved = {"code": code, "defaults": defaults and list(defaults), "closure": closure}
    return {"class_name": "__lambda__", "config": registry.serialize(saved)}


def revived_function(saved, safe_mode=True):
    """Return the function of a saved form.

    Args:
        saved: what `saved_function` returned.
        safe_mode: whether byte code is refused; only False accepts it.

    Raises:
        ValueError: if it is byte code, and `safe_mode` is not False.
    """
    if not isinstance(saved, dict) or saved.get("class_name") != "__lambda__":
        return registry.deserialize(saved)
    if safe_mode is not False:
        raise ValueError(
            "A Lambda layer's function is saved as the byte code of a lambda expression, which "
            "could run anything. If you trust where the config comes from, pass "
            "`safe_mode=False`; better, name the function with `def` and register it with "
            "`@register_keras_serializable`."
        )
    config = registry.deserialize(saved["config"])
    code = marshal.loads(base64.b64decode(config["code"]))
    defaults, closure = config["defaults"], config["closure"]
    return types.FunctionType(
        code,
        {"__builtins__": builtins},
        argdefs=defaults and tuple(defaults),
        closure=closure and tuple(types.CellType(value) for value in closure),
    )
