"""The words of the project: those of the field, in names as in prose.

A reader who knows another library, or a textbook, knows the words here. `INSTEAD` lists private
words that were in use once, each with the field's own; a name such as `found` says that something
was found, not what. docs/house.md alone speaks of a house.
"""

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("minikeras", "tests", "parity_tests", "benchmarks", "examples", "scripts")
PROGRAMS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]

# Names of variables, arguments and functions that do not say what they hold or do.
UNTOLD = {"found", "made", "given", "came", "walk", "behind", "anew", "settle", "room", "carrier"}
ANY_UNTOLD = re.compile(rf"\b(?:{'|'.join(UNTOLD)})\b")

# Patterns of words in prose, and what to write instead.
INSTEAD = {
    r"came": "received, got; was",
    r"walk(?:s|ed|ing)? (?:backward|through)": "backward pass; visit",
    r"behind": "after; of; slower than",
    r"anew": "again",
    r"(?:un)?settle[sd]?": "configure, decide, converge",
    r"by itself": "alone, automatically, separately",
    r"rooms?": "package, module",
    r"(?:the|a|an|one|each|lower|higher|same|which) floors?": "layer of the architecture",
    r"front desks?": "public module",
    r"carriers?": "kind of tensor",
    r"at the door": "in the public API",
    r"hand(?:s|ed)? (?:a call|it) back": "fall back to",
    r"gradients? by (?:inputs?|weights?|sources?)": "gradient with respect to",
    r"figures? of merit": "metric",
}
PRIVATE = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.I)

# Files and folders in which these words may stand, and why.
ALLOWED = {
    "docs/house.md": "the page that describes the package as a house",
    "tests/test_house.py": "its test",
    "tests/test_words.py": "this table",
    "minikeras/kernels/": "room there is memory to work in, and a floor a bound from below",
}


def of(path):
    """A path as it is written here."""
    return path.relative_to(ROOT).as_posix()


def is_allowed(path):
    """Whether private words may stand in a file."""
    return of(path).startswith(tuple(ALLOWED))


@cache
def source(path):
    """The text of a file."""
    return path.read_text()


def prose(text):
    """Yield the comments and the strings of a program, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.start[0], token.string


def names(text):
    """Yield the names that a program gives to anything, each with its line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


@pytest.mark.parametrize("path", [p for p in PROGRAMS if not is_allowed(p)], ids=of)
def test_names_say_what_they_hold(path):
    if not ANY_UNTOLD.search(source(path)):
        return  # most programs: they need not be parsed
    untold = [f"{line}: {name}" for line, name in names(source(path)) if name in UNTOLD]
    assert not untold, f"{of(path)}: name what is in them: {untold}"


@pytest.mark.parametrize("path", [p for p in PROGRAMS + PAGES if not is_allowed(p)], ids=of)
def test_words_are_those_of_the_field(path):
    if not PRIVATE.search(source(path)):
        return  # nor in a comment or a string, which begins and ends where a word does
    parts = prose(source(path)) if path.suffix == ".py" else [(1, source(path))]
    private = [
        f"line {line + part.count(chr(10), 0, match.start())}: '{match[0]}'"
        for line, part in parts
        for match in PRIVATE.finditer(part)
    ]
    assert not private, f"{of(path)}: {private}; see INSTEAD"


@pytest.mark.parametrize("word", ["came", "Behind", "a room", "the floors", "settled", "carrier"])
def test_private_words_are_seen(word):
    assert PRIVATE.search(f"what {word} does")


@pytest.mark.parametrize("word", ["ops.floor(x)", "floor", "mushroom", "became", "given"])
def test_others_are_not(word):
    assert not PRIVATE.search(word)


def test_names_of_every_kind_are_seen():
    text = "def f(given, *made):\n    found = self.room = [came for came in given]\n"
    assert {name for _, name in names(text)} == {"f", "given", "made", "found", "room", "came"}
