"""The house rules that a machine can check: who may import whom, and how long things may get."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "minikeras"
HOUSE = (PACKAGE.parent / "docs" / "house.md").read_text()

# The floors of the house; a room imports only rooms on lower floors, or its own.
FLOORS = {
    "core": 0,
    "arrays": 1,
    "kernels": 2,
    "autograd": 2,
    "ops": 3,
    "initializers": 4,
    "activations": 4,
    "regularizers": 4,
    "constraints": 4,
    "losses": 4,
    "metrics": 4,
    "layers": 5,
    "optimizers": 5,
    "training": 6,
    "models": 7,
    "saving": 8,
    "utils": 8,
    "datasets": 9,
    "preprocessing": 9,
    "applications": 9,
    "legacy": 9,
    "wrappers": 9,
    "visualization": 9,
    "keras2": 10,
    "tools": 11,
}
DESKS = {
    *("__init__", "backend", "callbacks", "config", "dtype_policies", "mixed_precision"),
    *("random", "testing", "tree", "__main__"),
}

# Pairs on one floor of which the first may import the second.
NEIGHBOURS = {("metrics", "losses"), ("metrics", "initializers"), ("utils", "saving")}

# Libraries that may be missing are imported in the one function that needs them.
OPTIONAL = {
    *("IPython", "PIL", "librosa", "matplotlib", "pydot", "scipy", "sklearn", "tensorboard"),
    "yaml",
}

# What only printing, a network or processes need is imported then: `import minikeras` is short.
LATE = {"minikeras.models.summary", "multiprocessing", "urllib"}

# Where files may still have up to 500 lines in place of 400.
LONGER = {"core", "kernels", "ops"}

# Files of a folder, `__init__.py` aside; what has more is named with how many it may have.
FILES = 20
CROWDED = {"layers/preprocessing": 21}

MODULES = sorted(PACKAGE.rglob("*.py"))


def _room(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


@cache
def _imports(path):
    """List `(module, inside a function)` for every import in a file."""
    return [*_imports_of(ast.parse(path.read_text()))]


def _imports_of(tree):
    for node in ast.walk(tree):
        inside = getattr(node, "_inside", False)
        for child in ast.iter_child_nodes(node):
            child._inside = inside or isinstance(node, (ast.FunctionDef, ast.Lambda))
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, inside
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield _imported(node.module or "", alias.name), inside


def _imported(package, name):
    """The module that `from package import name` needs: a file of that name, or the package."""
    path = PACKAGE.parent / Path(*package.split("."))
    is_module = (path / f"{name}.py").exists() or (path / name / "__init__.py").exists()
    return f"{package}.{name}" if is_module else package


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    room = _room(path)
    if room in DESKS:
        return
    for module, inside in _imports(path):
        parts = module.split(".")
        if inside:
            allowed = parts[0] in OPTIONAL or module in LATE
            assert allowed, f"{module} is imported inside a function"
        if parts[0] == "cupy":
            assert room == "arrays", "only arrays/ may import cupy"
        if parts[0] in ("numba", "llvmlite"):
            assert "compiled" in path.parts, "only kernels/compiled may import Numba"
        if parts[0] != "minikeras" or len(parts) == 1:
            continue
        other = parts[1]
        assert other not in DESKS, f"a front desk ({other}) is for users, not for rooms"
        allowed = other == room or FLOORS[other] < FLOORS[room] or (room, other) in NEIGHBOURS
        assert allowed, f"{room} (floor {FLOORS[room]}) imports {module} (floor {FLOORS[other]})"


def test_every_exception_is_needed():
    """What a table allows is there: an exception that no file uses any more is taken out."""
    rooms = {_room(path) for path in MODULES}
    assert {*FLOORS, *DESKS} == rooms
    sideways, inside_functions = set(), set()
    for path in MODULES:
        room = _room(path)
        if room in DESKS:
            continue
        for module, inside in _imports(path):
            parts = module.split(".")
            if inside:
                inside_functions.add(module if parts[0] == "minikeras" else parts[0])
            if parts[0] == "minikeras" and len(parts) > 1 and parts[1] != room:
                same_floor = FLOORS.get(parts[1]) == FLOORS[room]
                sideways |= {(room, parts[1])} if same_floor else set()
    assert sideways == NEIGHBOURS
    assert inside_functions == OPTIONAL | LATE


def test_the_page_of_the_house_names_what_is_there():
    """Every package with its floor, and the imports that stay on one floor."""
    for init in PACKAGE.rglob("__init__.py"):
        parts = init.parent.relative_to(PACKAGE).parts
        names = ("/".join(parts) + "/", *(f"{part}/" for part in parts[-1:]))
        assert not parts or any(f"`{name}`" in HOUSE for name in names), f"{parts} is not named"
    assert set(re.findall(r"^\| `(\w+)/` \| `(\w+)/` \|", HOUSE, re.M)) == NEIGHBOURS
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", HOUSE, re.M)
    floors = {name: int(n) for n, cell in rows for name in re.findall(r"`(\w+)/`", cell)}
    assert floors == FLOORS


def test_kernels_and_autograd_do_not_know_each_other():
    for path in MODULES:
        room = _room(path)
        if room not in ("kernels", "autograd"):
            continue
        other = "autograd" if room == "kernels" else "kernels"
        for module, _ in _imports(path):
            assert not module.startswith(f"minikeras.{other}"), f"{path} imports {module}"


def test_no_import_cycle():
    graph = {}
    for path in MODULES:
        name = _module_name(path)
        graph[name] = {
            target
            for module, inside in _imports(path)
            if not inside
            for target in _targets(module)
            if target != name
        }
    state = {}

    def visit(name, trail):
        if state.get(name) == "done" or name not in graph:
            return
        assert state.get(name) != "open", " -> ".join([*trail, name])
        state[name] = "open"
        for other in sorted(graph[name]):
            visit(other, [*trail, name])
        state[name] = "done"

    for name in graph:
        visit(name, [])


def _module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(module):
    """The files that an import runs: the module itself, or the name taken from a package."""
    if not module.startswith("minikeras."):
        return
    base = PACKAGE.parent / Path(*module.split("."))
    if base.with_suffix(".py").exists() or (base / "__init__.py").exists():
        yield module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short(path):
    if path.name == "__init__.py":
        return  # a list of names
    lines = len(path.read_text().splitlines())
    limit = 500 if _room(path) in LONGER else 400
    assert lines <= limit, f"{lines} lines: find the seam and split the file"


def test_folders_are_small():
    """No folder grows past its budget, and none is allowed more than it needs."""
    paths = [path for path in MODULES if path.name != "__init__.py"]
    counts = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in paths)
    assert {folder: n for folder, n in counts.items() if n > FILES} == CROWDED


def test_every_module_says_what_it_does():
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
