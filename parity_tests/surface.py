"""What two public surfaces are compared by: names, parameters, and tables of what differs."""

import inspect
from fnmatch import fnmatchcase

NOWHERE = object()
"""What a path leads to that does not exist."""

REQUIRED = inspect.Parameter.empty
"""The default of a parameter that has none."""


def attribute(root, path):
    """Return what a dotted path below an object leads to, or `NOWHERE`."""
    for name in filter(None, path.split(".")):
        root = getattr(root, name, NOWHERE)
    return root


def reason(table, path):
    """The reason that a table gives for a path, or None; a row may name several with `*`."""
    return next((why for row, why in table.items() if fnmatchcase(path, row)), None)


def idle_rows(table, paths):
    """Return the rows of a table that no path needs."""
    return [row for row in table if not any(fnmatchcase(path, row) for path in paths)]


def parameters(function):
    """The parameters of a function or class as `(name, default)`, with `*args` and `**kwargs`."""
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    signature = inspect.signature(function)
    return [(marks.get(p.kind, "") + p.name, p.default) for p in signature.parameters.values()]


def accepts(own, theirs):
    """Whether a method can be called in every way in which Keras's can, with the same defaults."""
    names = [name for name, _ in own]
    takes_any = any(name.startswith("*") and not name.startswith("**") for name in names)
    takes_any_name = any(name.startswith("**") for name in names)
    for place, (name, default) in enumerate(theirs):
        if name.startswith("*"):
            if not any(n.startswith("*" * name.count("*")) for n in names):
                return False
        elif name in names:
            is_default = default in (REQUIRED, own[place][1])
            if names.index(name) != place or not is_default:
                return False
        elif not (takes_any_name and (takes_any or default is not REQUIRED)):
            return False
    return True
