"""What README.md and docs/*.md mention is there: paths, links, names, make targets.

Paths are written from the root of the repository or from the package: `tests/test_docs.py`,
`minikeras/config.py` or `config.py`. `<name>` in a path stands for any name, and must match one.
"""

import ast
import builtins
import importlib
import inspect
import keyword
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import minikeras

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "minikeras"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

# What the report and the measurement of differences write is theirs to know.
WRITTEN = re.compile(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", re.S)
FENCED = re.compile(r"^```.*?^```", re.S | re.M)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(
    r"[\w.<>*-]+(?:/[\w.<>*-]+)+/?|[\w.-]+/|[\w<>*-]+\.(?:py|md|cuh?|h|json|toml|txt)"
)
NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
TARGET = re.compile(r"(?:^|(?<=`))make +([a-z][\w-]*)", re.M)
VARIABLE = re.compile(r"\b([A-Z][A-Z_]+)=")

# What is mentioned though nothing of that name is here, and why.
EXCEPTIONS = {
    "demo-output/": "what `make demo` writes",
    "script.py": "a script of the user's",
    "train.py": "a script of the user's",
    "FILE.py": "a script that is written",
    "check/requests": "an array in a file of NumPy",
    "in/...": "arrays in a file of NumPy",
    "out/NUMBER/...": "arrays in a file of NumPy",
    "tensorflow.keras": "what scripts import",
    "numpy.int": "what NumPy no longer has",
    "pythonify_logs": "a function of real Keras",
    "loss_scale_optimizer/sgd/w_momentum": "the path of a variable",
    "sgd/w_momentum": "the path of a variable",
    "mse_loss": "a name in the logs",
    "~/.cupy/kernel_cache": "a folder of CuPy",
    "CUPY_GPU_MEMORY_LIMIT": "a variable that CuPy reads",
    "hf": "the beginning of a path that Keras reads",
    "keras.src.ops.numpy": "a module of real Keras, which its files name",
    "optimizer/vars": "a path in a weights file",
    **dict.fromkeys(
        [
            *("layer_names", "model_config", "model_weights", "optimizer_weights"),
            *("seed_0", "state_0", "training_config", "weight_names"),
        ],
        "a name in a model file",
    ),
}

# Modules that are not ours.
OTHERS = {"np": np, "numpy": np, "inspect": inspect}

# Ops that are another op under a second name, and have its source.
SECOND_NAMES = {"abs", "conj", "hard_swish", "swish"}

# What examples call an object whose attributes they use.
OBJECTS = {"model", "tape", "optimizer", "layer", "variable", "op"}


def text_of(page):
    """The text of a page but for what programs write."""
    return WRITTEN.sub("", page.read_text())


def spans(page):
    """The code spans of a page, each without its backticks."""
    return [span for span in SPAN.findall(FENCED.sub("", text_of(page))) if span not in EXCEPTIONS]


def is_path(span):
    """Whether a code span, or a word of one, is a path."""
    return bool(PATH.fullmatch(span)) and not span.startswith(("~", "."))


def exists(path):
    """Whether something lies at a path from the root or from the package."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
    return any(any(start.glob(pattern)) for start in (ROOT, PACKAGE))


@BY_PAGE
def test_paths(page):
    words = [word for span in spans(page) for word in span.split() if is_path(word)]
    assert not [word for word in words if word not in EXCEPTIONS and not exists(word)]


@BY_PAGE
def test_links(page):
    missing = []
    for target in LINK.findall(SPAN.sub("", text_of(page))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, heading = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (heading and heading not in headings(other)):
            missing.append(target)
    assert not missing


def headings(page):
    """The anchors of a page's headings, as Markdown on the web makes them."""
    lines = re.findall(r"^#+ +(.*)", FENCED.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@BY_PAGE
def test_make_targets(page):
    makefile = (ROOT / "Makefile").read_text()
    text = text_of(page)
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.M))
    commands = [line for line in text.splitlines() if "make " in line]
    variables = {name for line in commands for name in VARIABLE.findall(line)}
    unknown = [name for name in TARGET.findall(text) if name not in targets]
    unknown += [name for name in variables if not re.search(rf"^{name} \??=", makefile, re.M)]
    assert not unknown


@BY_PAGE
def test_names(page):
    unknown = []
    for span in spans(page):
        if span.startswith(("make ", "pip ", "git ", "python ")):
            continue
        code = " ".join(word for word in STRING.sub("", span).split() if not is_path(word))
        unknown += [name for name in NAME.findall(code) if not known(name, f"{name}(" in code)]
    assert not sorted(set(unknown))


def known(name, called=False):
    """Whether a name, dotted or not, is one of the package, of Python or of the tools beside it.

    Args:
        name: the name.
        called: whether it is called: then a word that only occurs somewhere is not enough.
    """
    head, *rest = name.split(".")
    if name in EXCEPTIONS or head in EXCEPTIONS:
        return True
    if head in ("keras", "minikeras"):
        return reached(minikeras, rest)
    if head in OTHERS:
        return reached(OTHERS[head], rest)
    if rest and head in modules() and head not in OBJECTS:
        return any(reached(module, rest) for module in map(load, modules()[head]))
    last = rest[-1] if rest else head
    if hasattr(builtins, last) or keyword.iskeyword(last) or hasattr(np, last):
        return True
    return last in defined() if called else last in words()


def reached(value, names):
    """Whether attributes, or modules, lead from a value to the last of the names."""
    for name in names:
        if not hasattr(value, name):
            path = f"{getattr(value, '__name__', '')}.{name}"
            if path not in module_names():
                return False
            load(path)
        value = getattr(value, name)
    return True


load = cache(importlib.import_module)


@cache
def module_names():
    """The dotted names of all modules of the package, and where each lies."""
    paths = [path.relative_to(ROOT) for path in PACKAGE.rglob("*.py")]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths}


@cache
def modules():
    """The dotted names of modules by their last part."""
    by_last_part = {}
    for name in sorted(module_names()):
        by_last_part.setdefault(name.rpartition(".")[2], []).append(name)
    return by_last_part


@cache
def sources():
    """The text of every program here."""
    patterns = ("minikeras/**/*.py", "benchmarks/*.py", "tests/**/*.py", "parity_tests/**/*.py")
    own = Path(__file__)
    return [p.read_text() for pattern in patterns for p in ROOT.glob(pattern) if p != own]


@cache
def defined():
    """Functions, classes and variables that the package defines anywhere, and what CUDA calls."""
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names.update(t.id for t in node.targets if isinstance(t, ast.Name))
    for path in PACKAGE.rglob("*.cu*"):
        names.update(re.findall(r"(\w+)\(", path.read_text()))
    return names


@cache
def words():
    """All words of the programs, of the CUDA sources, of the Makefile and of the project's file."""
    others = [*PACKAGE.rglob("*.cu*"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    texts = [*sources(), *(path.read_text() for path in others)]
    return {word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text)}


def test_exceptions_are_mentioned():
    text = "\n".join(text_of(page) for page in PAGES)
    assert not [name for name in EXCEPTIONS if name not in text]


@pytest.mark.parametrize(
    ("name", "called", "there"),
    [
        ("keras.ops.tanh", True, True),
        ("keras.ops.tang", True, False),
        ("threads.each", False, True),
        ("threads.eech", False, False),
        ("parallel_fir", True, False),
        ("np.asarray", True, True),
    ],
)
def test_what_is_known(name, called, there):
    assert known(name, called) == there


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("config.py", True),
        ("minikeras/config.py", True),
        ("kernels/gpu/cuda/<family>.cu", True),
        ("kernels/gpu/cuda/<family>.ptx", False),
        ("confug.py", False),
        ("kernels/", True),
    ],
)
def test_what_exists(path, there):
    assert is_path(path)
    assert exists(path) == there


# The table of questions: each names a file, and in it what answers.
QUESTION = re.compile(r"^\| (.+) \| \[(\S+)\]\(\.\./minikeras/(\S+)\) \| `([\w.]+)` \|$", re.M)
READING = QUESTION.findall((ROOT / "docs/reading.md").read_text())


def functions_of(value):
    """What has source: a function or class, or the vjps of an op."""
    return [vjp.function for vjp in value.values()] if isinstance(value, dict) else [value]


@pytest.mark.parametrize(
    ("question", "shown", "path", "name"), READING, ids=lambda part: part.replace(" ", "_")
)
def test_questions_have_answers(question, shown, path, name):
    assert shown == path
    value = load(".".join(("minikeras", *Path(path).with_suffix("").parts)))
    for part in name.split("."):
        value = getattr(value, part)
    answers = functions_of(value)
    assert answers
    for answer in map(inspect.unwrap, answers):
        assert inspect.getsourcefile(answer) == str(PACKAGE / path)
        assert inspect.getsource(answer).strip()


def test_every_row_is_a_question():
    lines = (ROOT / "docs/reading.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    headings = [line for line in lines if line.startswith("## ")]
    assert len(READING) == len(rows) - 2 * len(headings) >= 25


def test_the_op_in_the_readme_is_the_real_one():
    tanh = minikeras.ops.tanh
    head, _, rest = inspect.getsource(tanh).partition("    Returns:")
    shown = head + '    ...\n    """' + rest.rpartition('"""')[2]
    vjp = inspect.getsource(tanh.vjps[0].function)
    assert f"```python\n{shown}\n\n{vjp}```" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", minikeras.ops.__all__)
def test_source_of_an_op_is_its_own(name):
    op = getattr(minikeras.ops, name)
    own = {name, op.__name__} if name in SECOND_NAMES else {name}
    source = inspect.getsource(op)
    assert any(re.search(rf"^def _?{word}(_reference)?\(", source, re.M) for word in own)
