"""Layers."""
from minikeras.layers.base import Layer, layer_table
from minikeras.layers.core import Dense, Embedding, Identity, Input, InputLayer, Lambda, Masking
from minikeras.layers.input_spec import InputSpec
serialize=layer_table.serialize
deserialize=layer_table.deserialize
