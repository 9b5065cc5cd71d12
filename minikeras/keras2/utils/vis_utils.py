"""Drawings of models (the extra `plot`, and the program `dot` of Graphviz)."""

from minikeras.keras2.spelling import spelled
from minikeras.utils import plot

__all__ = ["model_to_dot", "plot_model"]

_OF_KERAS_2 = "show_shapes=False, show_layer_names=True, rankdir='TB'"

model_to_dot = spelled(plot.model_to_dot, f"model, {_OF_KERAS_2}")
plot_model = spelled(plot.plot_model, f"model, to_file='model.png', {_OF_KERAS_2}")
