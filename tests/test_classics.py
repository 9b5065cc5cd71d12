"""Each of the classic programs runs, says something, draws, and is quick; the page shows them all.

What a program learned it asserts itself. The page is compared with the programs, not with what they
print: numbers of other machines differ in their last digits.
"""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tests import programs

CLASSICS = Path(__file__).parents[1] / "examples" / "classics"
PROGRAMS = sorted(CLASSICS.glob("*/[a-z]*.py"))
LARGEST = 65_536  # bytes of a picture
LINES = 180
FILES = 20  # of a folder

# Those of a few seconds run every day.
QUICK = {"numpy_network", "news_classification", "question_answering"}

spec = importlib.util.spec_from_file_location("make_index", CLASSICS / "make_index.py")
assert spec and spec.loader
make_index = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_index)


def by_speed(program):
    """A program as a parameter: slow, unless it is quick."""
    marks = [] if program.stem in QUICK else [pytest.mark.slow]
    return pytest.param(program, marks=marks, id=program.stem)


@pytest.mark.parametrize("program", [by_speed(program) for program in PROGRAMS])
def test_program_runs(program, tmp_path):
    picture = tmp_path / "picture.png"
    assert len(programs.run(program, picture, folder=tmp_path).split()) > 5
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size < LARGEST
    assert [path.name for path in tmp_path.iterdir()] == [picture.name]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_says_what_it_is(program):
    text = program.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = " ".join((ast.get_docstring(tree) or "").split())
    sentence = make_index.first_sentence(program)
    assert len(sentence.split()) > 4 and re.fullmatch(r"[^.?!]+[.?!]", sentence), "one sentence"
    assert "You learn" in docstring, "what one learns"
    assert re.search(r", (19|20)\d\d: .+\.$", docstring), "the reference: authors, year: title."
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree)), "it checks itself"
    packages = {*re.findall(r"^(?:import|from) (minikeras[.\w]*)", text, re.M)}
    assert packages and all(name.startswith("minikeras.keras2") for name in packages)
    assert len(text.splitlines()) <= LINES


def test_folders_are_topics():
    folders = {path.parent.name for path in PROGRAMS}
    assert folders <= {*make_index.TOPICS}
    assert all(len([*(CLASSICS / folder).glob("*.py")]) < FILES for folder in folders)
    assert len({path.stem for path in PROGRAMS}) == len(PROGRAMS), "pictures have these names"


def test_page_shows_each_program():
    """The page is what `make_index.py` writes of these programs and what the page shows of them."""
    page = make_index.PAGE.read_text(encoding="utf-8")
    assert page.count("\n### ") == len(PROGRAMS)
    for program in PROGRAMS:
        printed = make_index.printed_before(program)
        assert printed, f"python examples/classics/make_index.py {program.stem}"
        assert make_index.part(program, printed) in page
        assert make_index.picture_of(program).exists()
    pictures = {path.name for path in make_index.PICTURES.iterdir()}
    assert pictures == {make_index.picture_of(program).name for program in PROGRAMS}
