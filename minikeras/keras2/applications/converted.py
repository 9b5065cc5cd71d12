"""Graphs of the engine's layers as graphs of Keras 2's.

The architectures are written once, with the engine's layers (`minikeras.applications`). Here each
layer of such a graph is made again from its row, and called as it was.
"""

from typing import Any

from minikeras import layers as engine
from minikeras.applications.inception_resnet_v2 import CustomScaleLayer
from minikeras.autograd.symbolic.history import get_source_inputs
from minikeras.keras2 import layers
from minikeras.keras2.models import Model
from minikeras.models import Functional


def in_keras_2(model: Functional, input_tensor: Any, automatic: set[str]) -> Any:
    """Return a model of Keras 2 with the layers of an engine's model, and weights of its own.

    Args:
        model: the graph, of one input; its layers have rows.
        input_tensor: the tensor at which the new one shall begin.
        automatic: names of layers that were not given: Keras 2 counts them in its own way.
    """
    copies = {}

    def copy(operation):
        if id(operation) not in copies:
            named = {} if operation.name in automatic else {"name": operation.name}
            copies[id(operation)] = _copied(operation, named)
        return copies[id(operation)]

    output = model._run_graph([input_tensor], replace=copy)
    return Model(get_source_inputs(input_tensor), output, name=model.name)


def _copied(layer, named):
    """What does the same in Keras 2 as a layer of the engine."""
    if isinstance(layer, engine.GlobalAveragePooling2D) and layer.keepdims:
        return _pooled_with_axes
    if isinstance(layer, CustomScaleLayer):
        return _scaled(layer, named)
    cls: Any = getattr(layers, type(layer).__name__)
    row, saved = cls._row, layer.get_config()
    arguments = {}
    for name, default in row.arguments().items():
        value = saved.get(row.renamed.get(name, name))
        if isinstance(value, dict):  # an object: itself
            value = getattr(layer, row.renamed.get(name, name))
        if name not in row.ignored.split() and value != default:
            arguments[name] = value
    return cls(**arguments, **named)


def _pooled_with_axes(x):
    """Means over height and width, which keep an axis each."""
    keras2: Any = layers
    pooled = keras2.GlobalAveragePooling2D()(x)
    return keras2.Reshape((1, 1, pooled.shape[-1]))(pooled)


def _scaled(layer, named):
    return layers.Lambda(
        lambda inputs, scale: inputs[0] + inputs[1] * scale,
        output_shape=lambda shapes: shapes[0][1:],
        arguments={"scale": layer.scale},
        **named,
    )
