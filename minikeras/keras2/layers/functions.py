"""Functions in the configs of layers: by name, or as code.

Keras 2 writes the code of a function, which is run again where the config is read. Code that this
process wrote itself stands for the very function; other code runs only where it is allowed.
"""

from minikeras.core.registry import code_config, function_of_parts, require_trust
from minikeras.core.registry.custom import find_custom

_written = {}


def saved_function(value):
    """Return what a config holds for a function (or for another value), and which kind that is.

    Args:
        value: function, or a value that is written as it is.

    Returns:
        A pair of the form and of `"lambda"`, `"function"` or `"raw"`.
    """
    if not callable(value):
        return value, "raw"
    if not hasattr(value, "__code__"):
        return value.__name__, "function"
    parts = tuple(code_config(value).values())
    _written[parts[0]] = value
    return parts, "lambda"


def function_of(value, kind, custom_objects=None):
    """Return the function (or the value) that a config holds.

    Args:
        value: the form.
        kind: `"lambda"`, `"function"`, `"raw"`, or None for a config that says neither.
        custom_objects: dict of name to function.

    Returns:
        The function or the value.

    Raises:
        ValueError: if a name is unknown, or if it is code of another process and that is not
            allowed.
    """
    if kind == "function":
        function = find_custom(value, custom_objects)
        if function is None:
            raise ValueError(f"Unknown function: {value!r}. Pass it in `custom_objects`.")
        return function
    if kind != "lambda":
        return value
    parts = value if isinstance(value, (list, tuple)) else [value]
    code, defaults, closure = (*parts, None, None)[:3]
    if code in _written:
        return _written[code]
    require_trust("a function of a layer, as bytecode")
    return function_of_parts(code, defaults, closure, "of a layer")
