"""Every example runs, says something, and is quick; the table of contents lists each, in order."""

import ast
import re
from pathlib import Path

import pytest

from tests import programs

EXAMPLES = Path(__file__).parents[1] / "examples"
PAGES = sorted(EXAMPLES.glob("[0-9]*.py"))

# What each page prints, in this order, besides other things.
SAYS = {
    "00_a_tape_in_forty_lines": ["dL/dw by the engine", "Primitive", "return g * x2", "heappop"],
    "01_tensor_and_gradient": ["from finite differences", "second derivative, tape"],
    "02_backprop_by_hand": ["dL/dW1  shape (5, 8)", "promised to lower the loss"],
    "03_a_layer": ["gated_dense/A", "accuracy with the gated layer"],
    "04_training_loop_by_hand": ["epoch 12", "have arrived at the same weights"],
    "05_convolution_opened_up": ["im2col", "with respect to the kernel"],
    "06_lstm_step_by_step": ["step 4: output", "by the engine", "dz_f = dc * c_prev", "cut short"],
    "07_inside_the_engine": ["is <op tanh> of", "right -> left", "matmul(x, kernel)", "def step("],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_runs(page):
    printed = programs.run(page, folder=EXAMPLES.parent)
    assert re.search(".*".join(map(re.escape, SAYS[page.stem])), printed, re.S), printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_says_what_one_learns(page):
    tree = ast.parse(page.read_text(encoding="utf-8"))
    docstring = " ".join((ast.get_docstring(tree) or "").split())
    assert "You learn" in docstring
    checks = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    checks += [n for n in ast.walk(tree) if getattr(n, "attr", "") == "assert_allclose"]
    assert checks, "an example checks itself"


def test_table_of_contents():
    listed = re.findall(r"^\| \[(\S+\.py)\]\(\1\)", (EXAMPLES / "README.md").read_text(), re.M)
    assert listed == [page.name for page in PAGES]
    assert [int(name[:2]) for name in listed] == list(range(len(listed)))


def test_forty_lines():
    text = next(EXAMPLES.glob("00_*.py")).read_text(encoding="utf-8")
    part = text.partition("# --- The forty lines")[2].partition("# --- ")[0].splitlines()[1:]
    code = [line for line in part if line.strip() and not line.strip().startswith('"""')]
    assert len(code) == 40


@pytest.mark.parametrize("name", ["lstm_step", "lstm_step_backward"])
def test_lstm_is_that_of_the_equations(name):
    example = (EXAMPLES / "06_lstm_step_by_step.py").read_text(encoding="utf-8")
    equations = (EXAMPLES.parent / "tests/equations/recurrent.py").read_text()
    assert body_of(name, example.replace("np.", "")) == body_of(name, equations)


def body_of(name, text):
    """The code of a function without its docstring and its comments."""
    function = next(n for n in ast.parse(text).body if getattr(n, "name", "") == name)
    return ast.unparse(function.body[1:])
