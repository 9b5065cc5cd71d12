"""Constructors that are made from declared arguments, in every family of classes."""

import inspect

import pytest

import minikeras as keras
from minikeras.core.constructors import REQUIRED, constructor

DECLARED = [
    cls
    for package in (
        keras.initializers,
        keras.layers,
        keras.losses,
        keras.metrics,
        keras.optimizers,
    )
    for cls in vars(package).values()
    if inspect.isfunction(getattr(cls, "__init__", None))
    and cls.__init__.__module__ == constructor.__module__
]


def test_every_family_is_declared():
    families = {cls.__module__.split(".")[1] for cls in DECLARED}
    assert families == {"initializers", "layers", "losses", "metrics", "optimizers"}


@pytest.mark.parametrize("cls", DECLARED, ids=lambda cls: cls.__name__)
def test_calls_that_do_not_fit(cls):
    names = list(inspect.signature(cls).parameters.values())
    by_place = [p for p in names if p.kind == inspect.Parameter.POSITIONAL_OR_KEYWORD]
    with pytest.raises(TypeError, match=rf"{cls.__name__}\(\) too many positional arguments"):
        cls(*[None] * (len(by_place) + 1))
    for first in by_place[:1]:
        with pytest.raises(TypeError, match=rf"{cls.__name__}\(\) multiple .* '{first.name}'"):
            cls(1, **{first.name: 1})
        if first.default is REQUIRED:
            with pytest.raises(TypeError, match=rf"{cls.__name__}\(\) missing .* '{first.name}'"):
                cls()


def test_nothing_is_done_before_arguments_fit():
    done = []
    init = constructor({"x": REQUIRED, "y": 2}, lambda self, values, **more: done.append(values))
    cls = type("Point", (), {"__init__": init})
    for arguments in ((), (1, 2, 3)):
        with pytest.raises(TypeError, match=r"Point\(\)"):
            cls(*arguments)
    assert done == []
    cls(1)
    assert done == [{"x": 1, "y": 2}]


def test_what_is_not_declared_is_passed_on_where_that_is_allowed():
    seen = {}
    init = constructor({"x": 0}, lambda self, values, **more: seen.update(more), is_open=True)
    type("Point", (), {"__init__": init})(color="red")
    assert seen == {"color": "red"}
