"""What the real CuPy package offers, read from the package itself: it imports without a GPU.

`facts()` is what the strict stand-in lives by, kept in `cupy_facts.json` so that the stand-in
runs where CuPy is not installed. `python -m tests.gpu.read_cupy` writes that file again.
"""

import inspect
import json
import re
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("cupy_facts.json")

MODULES = ("", "fft", "linalg", "lib.stride_tricks")
UFUNC_METHODS = {"reduce": 1, "accumulate": 1, "reduceat": 2, "at": 3}


def stored():
    """Return the facts of the file."""
    return json.loads(FILE.read_text())


def facts(cupy):
    """Return the names and parameters of functions, of ufuncs' types and of an array's methods."""
    facts_of_cupy = {"version": cupy.__version__, "functions": {}, "ufuncs": {}, "methods": {}}
    for module in MODULES:
        namespace, model = _attribute(cupy, module), _attribute(np, module)
        for name in sorted(set(dir(namespace)) & set(dir(model))):
            thing, path = getattr(namespace, name), f"{module}.{name}".lstrip(".")
            if isinstance(thing, cupy.ufunc):
                facts_of_cupy["ufuncs"][path] = _ufunc(thing)
            elif _is_function(thing):
                facts_of_cupy["functions"][path] = parameters(thing)
    for name in sorted(set(dir(cupy.ndarray)) - set(dir(object))):
        thing = getattr(cupy.ndarray, name)
        facts_of_cupy["methods"][name] = parameters(thing) if _is_function(thing) else None
    return facts_of_cupy


def _attribute(thing, path):
    for name in filter(None, path.split(".")):
        thing = getattr(thing, name)
    return thing


def _is_function(thing):
    return callable(thing) and not isinstance(thing, type) and not inspect.ismodule(thing)


def _ufunc(ufunc):
    """The loops of a ufunc over NumPy's own types, and which of its methods are there."""
    loops = [loop for loop in ufunc.types if not set(loop) & set("EVFDGg")]
    return {"types": loops, "methods": [m for m in UFUNC_METHODS if _has(ufunc, m)]}


def _has(ufunc, method):
    """Whether a method gets as far as looking at its operand, which is nothing here."""
    try:
        getattr(ufunc, method)(*[None] * UFUNC_METHODS[method])
    except NotImplementedError:
        return False
    except AttributeError:
        return True
    raise AssertionError(f"{ufunc}.{method} took None for an array")


def parameters(function):
    """Return the names of parameters, `*` before one for any number and `**` for any keyword."""
    try:
        listed = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _documented(function)
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [stars.get(p.kind, "") + p.name for p in listed if p.name not in ("self", "cls")]


def _documented(function):
    """The parameters that compiled code names in the first line of its documentation."""
    lines = (function.__doc__ or "").strip().split("\n")
    match = re.match(r"[\w.]+\((.*?)\)(?: ->.*)?$", lines[0])
    if not match:
        return ["*args", "**kwargs"]
    words = [word.strip() for word in match[1].split(",") if word.strip() not in ("", "/", "*")]
    names = [word.split("=")[0].split(" ")[-1] for word in words]
    return [name for name in names if name != "self"]


if __name__ == "__main__":
    import cupy

    lines = json.dumps(facts(cupy), indent=None)
    FILE.write_text(re.sub(r'(, |{)(?="[\w.]+": [\[{n])', r"\1\n", lines) + "\n")
