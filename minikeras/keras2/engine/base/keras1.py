"""What layers of Keras 1 had, and Keras 2 no longer: other methods and attributes."""

import warnings
from typing import Any

from minikeras.keras2.backend.settings import get_uid
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.base.nodes import Node


class _Constraints(dict):
    """The constraints by weight: what is put in is the weight's from then on."""

    def __setitem__(self, weight, constraint):
        weight.constraint = constraint
        super().__setitem__(weight, constraint)


class OfKeras1:
    """The part of Layer that scripts of Keras 1 call."""

    name: str
    weights: list[Any]
    compute_output_shape: Any
    inbound_nodes: list[Any]
    __call__: Any
    _flatten_layers: Any

    @property
    def uses_learning_phase(self):
        """Whether the layer behaves otherwise in training; a layer of one's own can set it."""
        return any(map(_uses_phase, self._flatten_layers()))

    @uses_learning_phase.setter
    def uses_learning_phase(self, value):
        vars(self)["_uses_phase"] = bool(value)

    _uses_phase = False

    def get_output_shape_for(self, input_shape):
        """Return the shape of the outputs for inputs of a shape; `compute_output_shape` since."""
        return self.compute_output_shape(input_shape)

    def add_inbound_node(self, inbound_layers, node_indices=None, tensor_indices=None):
        """Call the layer on what others gave.

        Args:
            inbound_layers: layer, or a list of them.
            node_indices: which call of each, the first by default.
            tensor_indices: which output of that call, the first by default.
        """
        layers, calls, places = map(_listed, (inbound_layers, node_indices, tensor_indices))
        Node.create_node(self, layers, calls, places)

    def create_input_layer(self, batch_input_shape, input_dtype=None, name=None):
        """Call the layer on an input that is made for it.

        Args:
            batch_input_shape: sizes with the batch.
            input_dtype: dtype name; the default float type if None.
            name: the input's name, or None for an automatic one.
        """
        if not name:
            prefix = f"{type(self).__name__.lower()}_input_"
            name = f"{prefix}{get_uid(prefix)}"
        self.batch_input_shape = tuple(batch_input_shape)
        make = configs.classes["InputLayer"]
        self(make(None, None, self.batch_input_shape, input_dtype, name=name).output)

    @property
    def constraints(self):
        """The constraints by weight. A constraint that is put in applies from then on."""
        own = self.weights
        return _Constraints({w: w.constraint for w in own if w.constraint is not None})

    @constraints.setter
    def constraints(self, constraints):
        for weight, constraint in constraints.items():
            weight.constraint = constraint

    @property
    def regularizers(self):
        """An empty list: what regularizers add is among the `losses`."""
        warnings.warn(_REGULARIZERS, stacklevel=2)
        return []

    @regularizers.setter
    def regularizers(self, regularizers):
        warnings.warn(_REGULARIZERS, stacklevel=2)


_REGULARIZERS = (
    "`regularizers` of a layer has had no effect since Keras 1.2: pass `regularizer=` to "
    "`add_weight`, or a term to `add_loss`."
)


_AMOUNTS = ("rate", "stddev", "dropout", "recurrent_dropout")


def draws(layer):
    """Whether a layer draws random numbers in training: where the amount of it is not 0."""
    return any(getattr(layer, name, 0) for name in _AMOUNTS)


def _uses_phase(layer):
    """Whether what a layer computes depends on the phase, apart from the layers inside it."""
    return not layer._layers and draws(layer) or getattr(layer, "_uses_phase", False)


def _listed(value):
    if value is None or isinstance(value, (list, tuple)):
        return value
    return [value]
