"""Functions with no way in from Python are called by compiled code only: else the process dies."""

import ast
from pathlib import Path

import pytest

import minikeras

PACKAGE = Path(minikeras.__file__).parent / "kernels" / "compiled"
NAME = "minikeras.kernels.compiled"


def module_name(path):
    """Name of a module as `kernels.compiled` knows it: `attention`, `convolution.loops`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


TREES = {module_name(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def decorators(node):
    """Names of what a function is decorated with."""
    decorators = [getattr(d, "func", d) for d in getattr(node, "decorator_list", ())]
    return {getattr(d, "id", None) or getattr(d, "attr", None) for d in decorators}


INNER = {
    (module, node.name)
    for module, tree in TREES.items()
    for node in tree.body
    if "inner" in decorators(node)
}


def called_by_python(tree, module):
    """Names of functions of the package in what is not compiled, as `(module, name)`."""
    imported = {
        alias.asname or alias.name: (node.module.removeprefix(NAME).lstrip("."), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for top in tree.body:
        if decorators(top) & {"compiled", "inner", "overload"}:
            continue
        for node in ast.walk(top):
            if isinstance(node, ast.Name):
                yield imported.get(node.id, (module, node.id))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield ".".join(filter(None, imported.get(node.value.id, ("", "")))), node.attr


def test_there_are_such_functions():
    assert len(INNER) > 100


@pytest.mark.parametrize("module", TREES)
def test_python_calls_none_of_them(module):
    assert not INNER & set(called_by_python(TREES[module], module))


def test_a_call_would_be_found():
    source = f"""
from {NAME} import attention
from {NAME}.convolution import loops as c
from {NAME}.rnn.steps import step_of as step
attention._tiles(1), c._row_at(2), step(3), _head(4)
"""
    called = set(called_by_python(ast.parse(source), "attention"))
    inner = {
        ("convolution.loops", "_row_at"),
        ("rnn.steps", "step_of"),
        ("attention", "_head"),
    }
    assert called >= {*inner, ("attention", "_tiles")}
    assert inner <= INNER
