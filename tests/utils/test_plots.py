"""Drawings of models and learning curves: files, formats, and what is said where a part is missing.

Graphviz need not be installed: a program in its place writes down how it was called.
"""

import sys

import numpy as np
import pytest

import minikeras as keras

DOT = """#!/bin/sh
printf '%s ' "$@" "$(head -c 7 "$2")"
"""


def model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")], name="m")


@pytest.fixture
def graphviz(tmp_path, monkeypatch):
    """A program `dot` that writes its arguments and how the drawing begins."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dot").write_text(DOT)
    (folder / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("extension", ["png", "svg", "pdf", "jpg"])
def test_formats(tmp_path, monkeypatch, graphviz, extension):
    pytest.importorskip("pydot")
    monkeypatch.setitem(sys.modules, "IPython", None)
    path = tmp_path / f"drawing.{extension}"
    assert keras.utils.plot_model(model(), path, show_shapes=True) is None
    assert f"-T{extension}" in path.read_text()
    assert "digraph" in path.read_text()


def test_without_an_extension_it_is_png(tmp_path, monkeypatch, graphviz):
    pytest.importorskip("pydot")
    monkeypatch.setitem(sys.modules, "IPython", None)
    keras.utils.plot_model(model(), str(tmp_path / "drawing"))
    assert "-Tpng" in (tmp_path / "drawing").read_text()


def test_graphviz_is_missing(tmp_path, monkeypatch):
    pytest.importorskip("pydot")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match="the program `dot` of Graphviz"):
        keras.utils.plot_model(model(), tmp_path / "drawing.png")
    assert not (tmp_path / "drawing.png").exists()


@pytest.mark.parametrize(
    ("module", "draw"),
    [
        ("pydot", lambda: keras.utils.model_to_dot(model())),
        ("pydot", lambda: keras.utils.plot_model(model())),
        ("matplotlib.figure", lambda: keras.utils.plot_history({"loss": [1.0]})),
    ],
)
def test_library_is_missing(monkeypatch, module, draw):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"Install the extra `plot`"):
        draw()


def test_names_are_text():
    """What stands in a layer's name is no markup of Graphviz."""
    pytest.importorskip("pydot")
    x = keras.Input((2,), name="a<b&c")
    assert "<b>a&lt;b&amp;c</b>" in keras.utils.model_to_dot(keras.Model(x, x * 2)).to_string()


def test_curves(tmp_path):
    pytest.importorskip("matplotlib")
    small = model()
    small.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((4, 3)), np.ones((4, 2))
    history = small.fit(
        x, y, epochs=7, initial_epoch=1, validation_data=(x, y), validation_freq=2, verbose=0
    )
    figure = keras.utils.plot_history(history, tmp_path / "curves.png", dpi=50)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "mae"]
    training, validation = figure.axes[0].lines
    assert list(training.get_xdata()) == [2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(training.get_ydata(), history.history["loss"])
    assert list(validation.get_xdata()) == [2, 4, 6]


def test_no_curves():
    with pytest.raises(ValueError, match="of one epoch at least"):
        keras.utils.plot_history({})
