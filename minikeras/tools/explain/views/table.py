"""Which view a layer has."""

from minikeras.tools.explain.proof import NoView

VIEWS = {}
"""By the name of a class: a function of a `Sheet` and the layer that writes the formulas."""

ABOUT = {}
"""By the name of a class: one sentence on what the layer does."""


def view(*classes, about):
    """Enter a function as the view of layers of some classes.

    Args:
        *classes: names of classes.
        about: one sentence on what they do.
    """

    def enter(function):
        for name in classes:
            VIEWS[name] = function
            ABOUT[name] = about
        return function

    return enter


def view_of(layer):
    """Return the view of a layer, None without one; a user's class has none."""
    if not type(layer).__module__.startswith("minikeras."):
        return None
    return VIEWS.get(type(layer).__name__)


__all__ = ["ABOUT", "VIEWS", "NoView", "view", "view_of"]
