"""Layers and graphs as dicts, in the form of Keras 2, and back.

A layer is `{"class_name", "config"}`. A graph lists its layers with the tensors that each call
took, as `[layer name, index of the call, index of the output, arguments]`.
"""

import copy

from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import trees
from minikeras.core.registry.custom import find_custom

classes = {}
"""The package's layers and models by name; `Layer` puts each subclass here."""


def serialize(layer):
    """Return a layer's class name and config.

    Args:
        layer: a layer or model.

    Returns:
        A dict.

    Example:
        >>> from minikeras.keras2 import layers
        >>> layers.serialize(layers.Dense(3))["config"]["units"]
        3
    """
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def deserialize(config, custom_objects=None):
    """Return the layer or model that a config describes.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A layer.

    Raises:
        ValueError: if the class is unknown.

    Example:
        >>> from minikeras.keras2 import layers
        >>> layers.deserialize(layers.serialize(layers.Dense(3))).units
        3
    """
    if not isinstance(config, dict):
        return config
    name = config["class_name"]
    cls = find_custom(name, custom_objects) or classes.get(name)
    if cls is None:
        raise ValueError(f"Unknown layer: {name!r}. Pass a class of your own in `custom_objects`.")
    own = copy.deepcopy(config["config"])
    if "custom_objects" in cls.from_config.__code__.co_varnames:
        return cls.from_config(own, custom_objects=custom_objects)
    return cls.from_config(own)


def graph_config(network):
    """Return the config of a graph of layers.

    Args:
        network: a graph network.

    Returns:
        A dict of JSON types.
    """
    places = _places(network)
    layers = []
    for layer in network.layers:
        calls = [node for node in layer._inbound_nodes if (id(layer), id(node)) in places]
        layers.append(
            {
                "name": layer.name,
                **serialize(layer),
                "inbound_nodes": [_call(node, places) for node in calls if not node.is_input],
            }
        )
    return {
        "name": network.name,
        "layers": layers,
        "input_layers": [_reference(t, places) for t in network.inputs],
        "output_layers": [_reference(t, places) for t in network.outputs],
    }


def _places(network):
    """The index of each call of a layer among those of the graph."""
    own = {id(node) for node in network._nodes}
    places = {}
    for layer in network.layers:
        calls = [node for node in layer._inbound_nodes if id(node) in own]
        places.update({(id(layer), id(node)): i for i, node in enumerate(calls)})
    return places


def _reference(tensor, places):
    history = tensor._keras_history
    place = places[id(history.operation), id(history.node)]
    return [history.operation.name, place, history.tensor_index]


def _call(node, places):
    arguments = {
        key: value
        for key, value in node.kwargs.items()
        if isinstance(value, (bool, int, float, str, type(None))) and value is not None
    }
    tensors = [
        leaf
        for part in (node.args, *node.kwargs.values())  # as the layer takes them in one list
        for leaf in trees.flatten(part)
        if isinstance(leaf, KerasTensor)
    ]
    return [[*_reference(t, places), arguments] for t in tensors]


def graph_from_config(config, custom_objects=None):
    """Make the layers of a graph, and connect them.

    Args:
        config: what `graph_config` returned.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A triple: the inputs, the outputs (lists of tensors), and the name.

    Raises:
        ValueError: if a call takes a tensor that no call gives.
    """
    layers, waiting, numbers = {}, [], {}
    for saved in config["layers"]:
        layer = deserialize(saved, custom_objects)
        layers[saved["name"]] = layer
        numbers[saved["name"]] = len(layer._inbound_nodes)
        waiting += [(layer, call) for call in saved["inbound_nodes"]]
    done = {}
    while waiting:
        left = []
        for layer, call in waiting:
            tensors = [_tensor(reference, layers, numbers, done) for reference in call]
            name = layer.name
            if any(t is None for t in tensors) or any(other is layer for other, _ in left):
                left.append((layer, call))
                continue
            arguments = call[0][3] if len(call[0]) > 3 else {}
            layer(tensors[0] if len(tensors) == 1 else tensors, **arguments)
            done[name] = done.get(name, 0) + 1
        if len(left) == len(waiting):
            raise ValueError(f"Layer {left[0][0].name!r} takes a tensor that no layer gives.")
        waiting = left
    inputs = [_tensor(r, layers, numbers, done) for r in config["input_layers"]]
    outputs = [_tensor(r, layers, numbers, done) for r in config["output_layers"]]
    return inputs, outputs, config.get("name")


def _tensor(reference, layers, numbers, done):
    """The tensor of a reference, None while its call has not been made."""
    name, place, index = reference[:3]
    layer = layers[name]
    is_input = type(layer).__name__ == "InputLayer"
    if not is_input and place >= done.get(name, 0):
        return None
    first = 0 if is_input else numbers[name]
    outputs = layer._inbound_nodes[first + place].outputs
    return outputs[index]
