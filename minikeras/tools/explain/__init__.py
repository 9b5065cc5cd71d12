"""One page that walks forward and backward through a model, with the numbers of one example."""

from minikeras.tools.explain.explaining import Page, explain

__all__ = ["Page", "explain"]
