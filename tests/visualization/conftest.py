"""Figures are looked at before they are closed, and never shown."""

import matplotlib
import pytest

matplotlib.use("agg")

from matplotlib import pyplot


@pytest.fixture
def figure(monkeypatch):
    """What was plotted, looked at when the figure is closed."""
    figures = []
    monkeypatch.setattr(pyplot, "close", figures.append)
    monkeypatch.setattr(pyplot, "show", lambda: figures.append("shown"))
    yield lambda: figures
    monkeypatch.undo()
    pyplot.close("all")
