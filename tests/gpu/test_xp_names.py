"""What the engine asks of the array module is there in the real CuPy, which needs no GPU for that.

Every `xp.name` and every keyword of a call `xp.name(...)` in modules that serve both devices is
looked up: among the facts that the strict stand-in lives by, and in the installed package.
"""

import ast
import inspect
import warnings
from pathlib import Path

import pytest

import minikeras
from minikeras.core.distribution import how_to_install
from tests.gpu import read_cupy, strict_cupy

PACKAGE = Path(minikeras.__file__).parent
# The kernels of the CPU are NumPy's alone; everything else takes either module.
FILES = [
    path
    for package in ("arrays", "autograd", "kernels", "ops", "initializers", "metrics", "optimizers")
    for path in sorted((PACKAGE / package).rglob("*.py"))
    if "cpu" not in path.parts
]
# What only NumPy is asked for, after `xp is np`.
NUMPY_ONLY = set()


def _path(node):
    """`linalg.inv` for the expression `xp.linalg.inv`, None for anything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    is_module = isinstance(node, ast.Name) and node.id == "xp"
    is_module = is_module or (names and names[-1] == "xp")
    names = names[:-1] if names and names[-1] == "xp" else names
    return ".".join(reversed(names)) if is_module and names else None


def _uses():
    """Return `{name: set of keywords}` for everything that is asked of `xp`."""
    keywords_of = {}
    for file in FILES:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _path(node):
                keywords_of.setdefault(_path(node), set())
            if isinstance(node, ast.Call) and _path(node.func):
                keywords = {word.arg for word in node.keywords if word.arg}
                keywords_of.setdefault(_path(node.func), set()).update(keywords)
    return {name: words for name, words in keywords_of.items() if name not in NUMPY_ONLY}


USES = _uses()


@pytest.fixture(scope="module")
def real():
    """The real package; it warns where it finds no driver."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("cupy", reason=f"CuPy is not installed. {how_to_install('gpu')}")


def test_names_are_found_at_all():
    assert {"matmul", "linalg.inv", "lib.stride_tricks.as_strided"} <= set(USES)
    assert "axis" in USES["concatenate"]


@pytest.mark.parametrize("name", sorted(USES))
def test_the_stand_in_has_it(name):
    thing = strict_cupy
    for part in name.split("."):
        thing = getattr(thing, part)


@pytest.mark.parametrize("name", sorted(USES))
def test_cupy_has_it(name, real):
    thing = real
    for part in name.split("."):
        thing = getattr(thing, part)
    if callable(thing) and not inspect.isclass(thing) and not isinstance(thing, real.ufunc):
        known = read_cupy.parameters(thing)
        assert any(word.startswith("**") for word in known) or set(known) >= USES[name]
    if isinstance(thing, real.ufunc):
        assert {"out", "dtype", "casting"} >= USES[name]


# What the engine asks of CuPy beside `xp.name`: building kernels, clocks, cuBLAS's rounding.
BESIDE = {
    "RawModule": ["code", "options"],
    "RawModule.get_function": ["name"],
    "ndarray.device": [],
    "cuda.Device.__enter__": [],
    "cuda.Device.mem_info": [],
    "cuda.runtime.getDevice": [],
    "cuda.runtime.getDeviceCount": [],
    "cuda.runtime.CUDARuntimeError": [],
    "get_default_memory_pool": [],
    "get_default_pinned_memory_pool": [],
    "cuda.Event": ["disable_timing"],
    "cuda.Event.record": ["stream"],
    "cuda.Event.synchronize": [],
    "cuda.get_elapsed_time": ["start_event", "end_event"],
    "cuda.runtime.getDeviceProperties": [],
    "cuda.runtime.runtimeGetVersion": [],
    "_core._routines_linalg.set_compute_type": ["dtype", "compute_type"],
    "_core._routines_linalg.COMPUTE_TYPE_TF32": [],
    "_core._routines_linalg.COMPUTE_TYPE_DEFAULT": [],
}


@pytest.mark.parametrize("path", BESIDE)
def test_cupy_has_what_is_asked_beside(path, real):
    thing = real
    for part in path.split("."):
        thing = getattr(thing, part)
    told = " ".join(str(line) for line in (thing.__doc__, getattr(thing, "__init__", None)))
    assert all(word in told for word in BESIDE[path])


def test_facts_are_those_of_the_package(real):
    """The stand-in is no more generous than CuPy; `python -m tests.gpu.read_cupy` renews it."""
    stored = read_cupy.stored()
    if real.__version__ != stored["version"]:
        pytest.skip(f"the facts are those of CuPy {stored['version']}, not {real.__version__}")
    assert read_cupy.facts(real) == stored


def test_only_arrays_import_cupy():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [node.value] if isinstance(node, ast.Constant) else []  # for importlib
            if any(str(name).split(".")[0] == "cupy" for name in names):
                assert path.relative_to(PACKAGE).parts[0] == "arrays"


CUDA = {"RawKernel", "RawModule", "ElementwiseKernel", "ReductionKernel"}


def test_cuda_sources_live_in_one_room():
    for path in PACKAGE.rglob("*.py"):
        names = {n.attr for n in ast.walk(ast.parse(path.read_text())) if hasattr(n, "attr")}
        if names & CUDA:
            assert path.relative_to(PACKAGE).parts[:2] == ("kernels", "gpu")
