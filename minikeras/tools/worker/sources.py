"""Where the code of a layer is, and what its docstring says."""

import inspect
import os


def source_of(layer):
    """Return where what a layer computes is written, `"file:line"`, empty if that is unknown.

    Args:
        layer: a layer, the call of an op in a model's graph, or an optimizer.
    """
    code = _code(layer)
    if code is not None:
        return f"{_short(code.co_filename)}:{code.co_firstlineno}"
    try:
        lines = inspect.getsourcelines(type(layer))
        return "{}:{}".format(_short(inspect.getsourcefile(type(layer)) or ""), lines[1])
    except (OSError, TypeError):
        return ""


def _code(layer):
    function = getattr(layer, "op", None) or getattr(type(layer), "call", None)
    return getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None


def _short(path):
    """The path from the folder of its package on."""
    folder = os.path.dirname(path)
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return os.path.relpath(path, folder)


def meaning_of(layer):
    """Return what the docstring of a layer, or of an op, says before its arguments."""
    op = getattr(layer, "op", None)
    text = inspect.getdoc(op if op is not None else type(layer)) or ""
    return text.partition("\nArgs:")[0].strip()
