"""The equations in docstrings of the package are those of this folder, line for line.

A block in a docstring that begins with `Equations (recurrent.lstm_step):` holds the body of
`lstm_step` in `tests/equations/recurrent.py`, without its docstring and its `return`. What computes
anything there is quoted somewhere; a function that only returns is a helper.
"""

import ast
import re
import textwrap
from pathlib import Path

import pytest

from tests.test_house import PACKAGE

HERE = Path(__file__).parent
HEAD = re.compile(r"^( *)Equations \((\w+)\.(\w+)\):$")


def _bodies():
    """The lines of every function of this folder that computes something, by `file.function`."""
    bodies = {}
    for path in HERE.glob("*.py"):
        if path.stem == "ways" or path.stem.startswith("test_"):
            continue
        text = path.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and len(node.body) > 2:
                assert isinstance(node.body[-1], ast.Return), f"{path.stem}.{node.name}"
                lines = text.splitlines()[node.body[1].lineno - 1 : node.body[-1].lineno - 1]
                body = textwrap.dedent("\n".join(lines)).splitlines()
                bodies[f"{path.stem}.{node.name}"] = [line for line in body if line]
    return bodies


BODIES = _bodies()


def _quotes(path):
    """The blocks of equations in a file, as pairs of `file.function` and lines."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if not (head := HEAD.match(line)):
            continue
        inner, block = head[1] + "    ", []
        for following in lines[number + 1 :]:
            if not following.startswith(inner):
                break
            block.append(following.removeprefix(inner).removesuffix('"""'))
        yield f"{head[2]}.{head[3]}", block


QUOTING = [path for path in sorted(PACKAGE.rglob("*.py")) if "Equations (" in path.read_text()]


@pytest.mark.parametrize("path", QUOTING, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_quotes_are_the_equations(path):
    quotes = list(_quotes(path))
    assert len(quotes) == path.read_text().count("Equations ("), "a block has no proper head"
    for name, block in quotes:
        assert block == BODIES[name], f"{path.name} quotes {name} otherwise than it is"


def test_every_equation_is_quoted():
    quoted = {name for path in QUOTING for name, _ in _quotes(path)}
    assert not [name for name in BODIES if name not in quoted]
