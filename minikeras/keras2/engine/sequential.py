"""Sequential of Keras 2: a stack of layers, whose first one tells the shape of the input."""

from typing import Any

import numpy as np

from minikeras.autograd.symbolic import KerasTensor
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.input_layer import Input, InputLayer
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.engine.model import Model
from minikeras.keras2.engine.network import Network
from minikeras.keras2.finder import elsewhere
from minikeras.utils import get_source_inputs


class Sequential(Model):
    """A stack of layers.

    Args:
        layers: list of layers.
        name: a name, or None for an automatic one.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> Sequential([Dense(2, input_dim=3)]).output_shape
        (None, 2)
    """

    _stack: list[Any]

    def __init__(self, layers=None, name=None):
        Network.__init__(self, name=name)
        object.__setattr__(self, "_stack", [])
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self):
        """The layers, without the input's own."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def add(self, layer):
        """Put a layer on top.

        Args:
            layer: the layer; the first one may tell the shape of the input.

        Raises:
            TypeError: if it is no layer.
        """
        if isinstance(layer, KerasTensor):
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            raise TypeError(f"A Sequential model is made of layers. Received: {layer!r}")
        if not self._stack and not isinstance(layer, InputLayer):
            first = _first_input(layer)
            if first is not None:
                self._stack.append(first._keras_history.operation)
        self._stack.append(layer)
        if self._is_graph:
            self._declare(self.inputs, layer(self.output))
        elif len(self._stack) == 1 and layer._inbound_nodes:  # it has its inputs already
            outputs = layer._inbound_nodes[-1].outputs
            self._declare(get_source_inputs(outputs[0]), outputs)
        elif isinstance(self._stack[0], InputLayer):
            self._declare_stack()

    def _declare_stack(self, inputs=None):
        x = inputs = self._stack[0].output if inputs is None else inputs
        for layer in self.layers:
            x = layer(x)
        if self.layers:
            self._declare(inputs, x)

    def pop(self):
        """Take the top layer off.

        Raises:
            TypeError: if there is none.
        """
        if not self.layers:
            raise TypeError("The model is empty: no layer is left to take away.")
        layer = self._stack.pop()
        self._untrack(layer)
        if self._is_graph:
            top = self._stack[-1]
            layer._inbound_nodes.clear()
            self._declare(self.inputs, top._inbound_nodes[-1].outputs[0])

    def build(self, input_shape=None):
        """Build all layers for inputs of a shape, which includes the batch."""
        if input_shape is not None and not self._is_graph:
            self._declare_stack(Input(batch_shape=tuple(input_shape)))

    def _set_inputs(self, x):
        if not self._is_graph:
            self.build((None, *np.shape(x)[1:]))

    def get_config(self):
        """Return the configs of the layers."""
        layers = [configs.serialize(layer) for layer in self.layers]
        is_fed_at_once = self._is_graph and isinstance(self._stack[0], InputLayer)
        if layers and is_fed_at_once and not isinstance(self.layers[0], Network):
            shape = tuple(self.inputs[0].shape)  # the input's own layer is not listed
            layers[0]["config"].setdefault("batch_input_shape", shape)
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model, with new weights, from what `get_config` returned."""
        name, layers = None, config
        if isinstance(config, dict):
            name, layers = config.get("name"), config["layers"]
        return cls([configs.deserialize(saved, custom_objects) for saved in layers], name=name)

    @property
    def model(self):
        """The model itself: in Keras 1 a stack held a model of its own."""
        return self

    @property
    def flattened_layers(self):
        """The layers, with those of the joined models in place of a first `Merge`."""
        first, rest = self.layers[:1], self.layers[1:]
        if first and type(first[0]).__name__ == "Merge" and first[0].layers:
            first = [part for b in first[0].layers for part in getattr(b, "layers", None) or [b]]
        return first + rest

    def predict_proba(self, x, batch_size=32, verbose=0, steps=None):
        """Return the outputs for some inputs; see `predict`."""
        return self.predict(x, batch_size, verbose, steps)

    def predict_classes(self, x, batch_size=32, verbose=0, steps=None):
        """Return the class of each sample: the largest output, or whether the only one is over 0.5.

        Args:
            x: array, list of arrays, or dict by input.
            batch_size: samples in a step; 32 if None.
            verbose: 0 for silence, 1 for a progress bar.
            steps: number of steps on all of the data, or None.

        Returns:
            An array of integers.
        """
        values: Any = self.predict(x, batch_size, verbose, steps)
        if values.shape[-1] > 1:
            return values.argmax(axis=-1)
        return (values > 0.5).astype("int32")


def _first_input(layer):
    """The input that a first layer tells the shape of, or None."""
    shape = getattr(layer, "batch_input_shape", None)
    if isinstance(layer, Network) and layer._is_graph:
        shape = layer.inputs[0].shape
    if shape is None:
        return None
    return Input(batch_shape=shape, name=f"{layer.name}_input", dtype=layer.dtype)


__getattr__ = elsewhere(__name__)
