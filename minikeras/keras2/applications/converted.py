"""Graphs of the engine's layers as graphs of Keras 2's.

The architectures are written once, with the engine's layers (`minikeras.applications`). Here each
layer of such a graph is made again from its row, and called as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from minikeras import layers as engine
from minikeras.applications.inception_resnet_v2 import CustomScaleLayer
from minikeras.autograd.symbolic.history import get_source_inputs
from minikeras.keras2 import backend as K
from minikeras.keras2 import layers
from minikeras.keras2.models import Model
from minikeras.models import Functional


@dataclass(frozen=True)
class Edits:
    """What differs from the engine's model.

    Args:
        name: the model's name, or None for the same.
        names: dict from names of layers to those of Keras 2.2.4.
        padded: dict from names of convolutions that pad to those of layers that pad for them, by a
            row and a column at the end.
        pads_odd: whether odd sizes get a row and a column at the beginning, too.
        exchanged: two layers, neighbours, each of which stands in the place of the other, unless
            channels come first.
    """

    name: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    padded: Mapping[str, str] = field(default_factory=dict)
    pads_odd: bool = False
    exchanged: tuple[str, ...] = ()


def in_keras_2(
    model: Functional, input_tensor: Any, automatic: set[str], edits: Edits, with_weights: bool
) -> Any:
    """Return a model of Keras 2 with the layers of an engine's model.

    Args:
        model: the graph, of one input; its layers have rows.
        input_tensor: the tensor at which the new one shall begin.
        automatic: names of layers that were not given: Keras 2 counts them in its own way.
        edits: what is to differ.
        with_weights: whether the new model gets the values of the weights.
    """
    copies = {}

    def copy(operation):
        if id(operation) not in copies:
            copies[id(operation)] = _copied(operation, automatic, edits)
        return copies[id(operation)]

    known = {id(model._inputs[0]): input_tensor}
    others = _exchanged(model, edits)
    # In the order in which they were called: Keras 2 numbers and lists layers by it.
    for step in sorted(model._plan, key=lambda step: step.node.serial):
        operation = others.get(step.operation.name, step.operation)
        step.run(known, copy(operation), None)
    if with_weights:
        for layer in model.layers:
            if layer.weights:
                copies[id(layer)].layer.set_weights(layer.get_weights())
    output = known[id(model._outputs[0])]
    return Model(get_source_inputs(input_tensor), output, name=edits.name or model.name)


def _exchanged(model, edits):
    """Dict from the names of layers to those that stand in their places."""
    if K.image_data_format() == "channels_first":
        return {}
    pair = [layer for layer in model.layers if layer.name in edits.exchanged]
    return {one.name: other for one, other in zip(pair, reversed(pair), strict=True)}


class _Copy:
    """What does the same in Keras 2 as a layer of the engine, a padding before it included."""

    def __init__(self, layer, before=None):
        self.layer, self._before = layer, before

    def __call__(self, x, *args, **kwargs):
        return self.layer(x if self._before is None else self._before(x), *args, **kwargs)


def _copied(layer, automatic, edits):
    """What does the same in Keras 2 as a layer of the engine."""
    if isinstance(layer, engine.GlobalAveragePooling2D) and layer.keepdims:
        return _pooled_with_axes
    if isinstance(layer, CustomScaleLayer):
        return _scaled(layer)
    name = edits.names.get(layer.name, layer.name)
    named = {} if name in automatic else {"name": name}
    keras2: Any = layers
    cls = getattr(keras2, type(layer).__name__)
    row, saved = cls._row, layer.get_config()
    arguments = {}
    for argument, default in row.arguments().items():
        value = saved.get(row.renamed.get(argument, argument))
        if isinstance(value, dict):  # an object: itself
            value = getattr(layer, row.renamed.get(argument, argument))
        if argument not in row.ignored.split() and value != default:
            arguments[argument] = value
    if layer.name not in edits.padded:
        return _Copy(cls(**arguments, **named))
    return _Copy(
        cls(**{**arguments, "padding": "valid"}, **named),
        partial(_padded, name=edits.padded[layer.name], pads_odd=edits.pads_odd),
    )


def _padded(x, name, pads_odd):
    keras2: Any = layers
    shape: Any = K.int_shape(x)
    sizes = shape[2:] if K.image_data_format() == "channels_first" else shape[1:3]
    pads = [(size % 2 if size and pads_odd else 0, 1) for size in sizes]
    return keras2.ZeroPadding2D(tuple(pads), name=name)(x)


def _pooled_with_axes(x):
    """Means over height and width, which keep an axis each."""
    keras2: Any = layers
    pooled = keras2.GlobalAveragePooling2D()(x)
    channels = pooled.shape[-1]
    first = K.image_data_format() == "channels_first"
    return keras2.Reshape((channels, 1, 1) if first else (1, 1, channels), name="reshape_1")(pooled)


def _scaled(layer):
    """A residual that is scaled, named as the block that it is the end of."""
    after = layer._outbound_nodes[0].operation.name
    name = after.removesuffix("_ac") if after.endswith("_ac") else "block8_10"
    return layers.Lambda(
        lambda inputs, scale: inputs[0] + inputs[1] * scale,
        output_shape=lambda shapes: shapes[0][1:],
        arguments={"scale": layer.scale},
        name=name,
    )
