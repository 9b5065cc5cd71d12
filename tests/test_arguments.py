"""Each argument of the public API is described, and what many arguments share is written once.

Docstrings are completed when functions and classes are made (`core.docstrings`), so what users see
is read from `__doc__`, and what is written from the source.
"""

import ast
import importlib
import inspect
import re
from collections import defaultdict

import pytest

from minikeras.core.docstrings import completed, described, texts_of
from tests.test_house import PACKAGE

PUBLIC = ("ops", "layers", "losses", "metrics", "optimizers", "initializers")
SOURCES = [path for part in PUBLIC for path in sorted((PACKAGE / part).rglob("*.py"))]
BLOCK = re.compile(r"^Args:\n((?: {4}.*\n?)+)", re.M)
ENTRY = re.compile(r"^\S.*(?:\n +.*)*", re.M)
TYPE = re.compile(
    r"\b(int|float|bool|str|dtype|number|tensor|array|list|tuple|dict|pair|nest|function|callable|"
    r"name|config|anything|None|slice|Abstract|KerasTensor|NumPy|shape|letters|word)(s|es)?\b|`\""
)
SHAPE = re.compile(r"shape|rank|`\(|scalar|broadcast")
DTYPE = re.compile(r"dtype|float|integer|bool|number")
# More docstrings than this that say the same of an argument should have it from one place.
REPEATS = 3


def offered():
    """The public functions and classes, by the names under which users find them."""
    for part in (*PUBLIC, "random", "activations", "optimizers.schedules"):
        module = importlib.import_module(f"minikeras.{part}")
        for name in getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]:
            thing = getattr(module, name)
            own = getattr(thing, "__module__", None) or ""
            if callable(thing) and own.startswith("minikeras."):
                yield f"{part}.{name}", thing


OFFERED = dict(offered())


def parameters(thing):
    """The names of the parameters, with their stars; none if the class takes none."""
    if inspect.isclass(thing):
        thing = thing.__init__
    if thing is object.__init__:
        return []
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    declared = inspect.signature(thing).parameters.values()
    names = [stars.get(parameter.kind, "") + parameter.name for parameter in declared]
    return names[1:] if names[:1] == ["self"] else names


@pytest.mark.parametrize("name", OFFERED)
def test_every_argument_is_described(name):
    thing = OFFERED[name]
    told = texts_of(inspect.getdoc(thing))
    assert [p for p in parameters(thing) if p not in told] == []
    assert [p for p in told if p not in parameters(thing)] == []


@pytest.mark.parametrize("name", OFFERED)
def test_no_argument_is_described_by_a_reference_alone(name):
    told = texts_of(inspect.getdoc(OFFERED[name]))
    vague = {parameter: text for parameter, text in told.items() if _refers(parameter, text)}
    assert not vague


@pytest.mark.parametrize(
    "name", [name for name in OFFERED if name.partition(".")[0] in ("ops", "random", "activations")]
)
def test_arguments_of_ops_state_type_shape_and_dtype(name):
    told = texts_of(inspect.getdoc(OFFERED[name]))
    assert {parameter: text for parameter, text in told.items() if _is_open(text)} == {}


def _is_open(text):
    """Whether a text names no type, or a tensor without its shape or dtype."""
    if re.match(r"(\w+ )?tensors?\b", text):
        return not (SHAPE.search(text) and DTYPE.search(text))
    return not TYPE.search(text)


def _refers(parameter, text):
    """Whether a text only says where to look; `**kwargs` may, for what it takes is listed there."""
    return not parameter.startswith("*") and re.match(r"(tensor )?as for `|see `", text)


def written():
    """The entries of each `Args:` block in the source, by the place of its docstring."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                block = BLOCK.search(ast.get_docstring(node) or "")
                if block:
                    lines = block[1].replace("\n    ", "\n")[4:]
                    entries = [" ".join(entry.split()) for entry in ENTRY.findall(lines)]
                    yield f"{path.relative_to(PACKAGE)}:{node.name}", entries


def test_no_block_of_arguments_is_written_twice():
    places = defaultdict(list)
    for place, entries in written():
        if len(entries) > 1:
            places[tuple(entries)].append(place)
    assert [uses for uses in places.values() if len(uses) > 1] == []


def test_no_argument_is_described_alike_in_many_docstrings():
    places = defaultdict(list)
    for place, entries in written():
        for entry in entries:
            places[entry].append(place)
    assert {entry: uses for entry, uses in places.items() if len(uses) > REPEATS} == {}


DOC = """Shift a tensor.

    Equations:
        y = x + by

    Args:
        by: float tensor
            that broadcasts.
        **options: ignored.

    Returns:
        A tensor.
    """


def test_entries_are_completed_in_the_order_of_the_signature():
    doc = completed(DOC, ["x", "by", "axis", "**options"], {"x": "tensor.", "axis": "int."})
    assert doc == DOC.replace(
        """    Args:
        by: float tensor
            that broadcasts.
""",
        """    Args:
        x: tensor.
        by: float tensor
            that broadcasts.
        axis: int.
""",
    )


def test_what_a_docstring_says_itself_stays():
    assert completed(DOC, ["by", "**options"], {"by": "?", "**options": "?", "z": "?"}) == DOC


def test_a_missing_block_is_made_after_the_description():
    bare = re.sub(r"    Args:\n(?: {8}.*\n)+\n", "", DOC)
    assert completed(bare, ["x"], {"x": "tensor."}) == bare.replace(
        "    Returns:", "    Args:\n        x: tensor.\n\n    Returns:"
    )


@pytest.mark.parametrize("doc", ["Shift.", "Shift.\n\n    By one.\n    "])
def test_a_missing_block_is_made_at_the_end(doc):
    text = inspect.cleandoc(completed(doc, ["x"], {"x": "tensor."}))
    assert text == inspect.cleandoc(doc) + "\n\nArgs:\n    x: tensor."


def test_docstrings_may_be_left_out():  # `python -OO` does
    assert completed(None, ["x"], {"x": "tensor."}) is None


def test_long_texts_are_wrapped():
    doc = completed("Shift.", ["x"], {"x": "tensor " * 30 + "."})
    assert max(map(len, doc.splitlines())) <= 100
    assert texts_of(doc)["x"].split() == ["tensor"] * 30 + ["."]


def test_a_function_shares_the_arguments_of_others():
    @described({"x": "tensor."}, {"x": "float tensor.", "y": "int."}, y="float.")
    def shift(x, y, *more, **options):
        """Shift."""

    @described(shift, options="not a parameter")
    def turn(x, y, z):
        """Turn."""

    assert texts_of(shift.__doc__) == {"x": "float tensor.", "y": "float."}
    assert texts_of(turn.__doc__) == {"x": "float tensor.", "y": "float."}
