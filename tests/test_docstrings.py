"""Every public name says what it does, and shows it in an example that runs.

The examples of all modules run as doctests. Public names owe a docstring; those that a package
offers in its `__all__` owe an example too, unless they are of a kind named below.
"""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import minikeras
from tests.datasets import small_files
from tests.test_house import PACKAGE

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NUMBER = re.compile(r"-?\d+\.(\d+)(?:e[-+]?\d+)?")
# Packages that users do not import from, so no examples are owed.
INTERNAL = ("core", "arrays", "kernels", "autograd", "training", "tools")
MODULES = ["minikeras"] + [
    name
    for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], "minikeras.")
    # Running a program's entry point runs the program.
    if not name.endswith("__main__")
]
# Their examples make networks of hundreds of layers.
ARCHITECTURES = [name for name in MODULES if name.startswith("minikeras.applications.")]


class Checker(doctest.OutputChecker):
    """Compares numbers to as many digits after the point as the example writes."""

    def check_output(self, want, got, optionflags):
        expected, actual = list(NUMBER.finditer(want)), list(NUMBER.finditer(got))
        if len(expected) == len(actual):
            for a, b in zip(reversed(expected), reversed(actual), strict=True):
                digits = len(a[1])
                if abs(float(a[0]) - float(b[0])) <= 0.51 * 10.0**-digits:
                    got = got[: b.start()] + a[0] + got[b.end() :]
        return super().check_output(want, got, optionflags)


def load(name):
    return importlib.import_module(name)


def examples_of(module):
    """Doctests of a module, those of objects that are no functions (ops) among them."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = {test.name: test for test in finder.find(module)}
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__ or inspect.isclass(thing):
            continue
        full = f"{module.__name__}.{name}"
        text = getattr(thing, "__doc__", None)
        if full not in tests and isinstance(text, str) and ">>>" in text:
            parser = doctest.DocTestParser()
            tests[full] = parser.get_doctest(text, dict(vars(module)), full, None, None)
    return [test for test in tests.values() if test.examples]


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ARCHITECTURES])
def test_examples_run(name, tmp_path, monkeypatch):
    run_examples(name, tmp_path, monkeypatch)


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_examples_of_architectures_run(name, tmp_path, monkeypatch):
    run_examples(name, tmp_path, monkeypatch)


def run_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name.startswith("minikeras.datasets."):
        small_files.make(tmp_path)
        small_files.fill_cache(tmp_path, tmp_path / "home", monkeypatch)
    reports = []
    for test in examples_of(load(name)):
        minikeras.utils.clear_session()
        runner = doctest.DocTestRunner(Checker(), optionflags=OPTIONS)
        runner.run(test, out=reports.append)
    assert not reports, "\n".join(reports)


def owed(module):
    """Public functions and classes that are at home in a module."""
    for name, thing in vars(module).items():
        at_home = getattr(thing, "__module__", None) == module.__name__
        if not name.startswith("_") and at_home and (inspect.isclass(thing) or callable(thing)):
            yield name, thing


def is_from_elsewhere(thing):
    """Made by a factory or a type system, whose words it carries: no text of its own to write."""
    return not (inspect.isclass(thing) or inspect.isroutine(thing) or hasattr(thing, "kernel"))


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    silent = [
        full
        for full, thing in owed(load(name))
        if not is_from_elsewhere(thing) and not (thing.__doc__ or "").strip()
    ]
    assert not silent


def is_abstract_base(thing):
    """A class that users derive from: its example is that of the derived classes' docstrings."""
    return inspect.isclass(thing) and bool(getattr(thing, "__abstractmethods__", ()))


def is_exception(thing):
    """Raised by the library, not called by users."""
    return inspect.isclass(thing) and issubclass(thing, BaseException)


def is_module(thing):
    """Its members owe examples, each one its own."""
    return inspect.ismodule(thing)


def is_constant(thing):
    """A value, such as a version: there is nothing to call."""
    return not callable(thing)


def is_from_a_row(thing):
    """A class of Keras 2 made from a row: its docstring leads to the engine's class."""
    return inspect.isclass(thing) and "_row" in vars(thing)


EXEMPT_KINDS = (is_abstract_base, is_exception, is_module, is_constant, is_from_a_row)


def has_example(thing):
    text = thing.__doc__ or ""
    if inspect.isclass(thing):
        text += thing.__init__.__doc__ or ""
        text += "".join(getattr(m, "__doc__", None) or "" for m in vars(thing).values())
    return ">>>" in text


OFFERING = [
    name
    for name in MODULES
    if hasattr(load(name), "__all__") and name.split(".")[1:2] not in [[part] for part in INTERNAL]
]


@pytest.mark.parametrize("name", OFFERING)
def test_offered_names_have_examples(name):
    module = load(name)
    offered = {full: getattr(module, full) for full in module.__all__}
    bare = [
        full
        for full, thing in offered.items()
        if not any(exempt(thing) for exempt in EXEMPT_KINDS) and not has_example(thing)
    ]
    assert not bare
