"""Layers, graphs, and their training as Keras 2 has them."""

from minikeras.keras2.engine.input_layer import Input, InputLayer
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.engine.model import Model
from minikeras.layers import InputSpec

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "Model"]
