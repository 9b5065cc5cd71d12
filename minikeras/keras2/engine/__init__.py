"""Layers, graphs, and their training as Keras 2 has them."""

from minikeras.keras2.engine.base.input_spec import InputSpec
from minikeras.keras2.engine.base.nodes import Node, get_source_inputs
from minikeras.keras2.engine.input_layer import Input, InputLayer
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.engine.model import Model
from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "Model", "Node", "get_source_inputs"]
