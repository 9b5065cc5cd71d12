"""Configs of whole models: Sequential as a list or a dict, and graphs with their old nodes.

An old node is a list of the tensors that a layer is called on, each `[layer, node, tensor]` or
`[layer, node, tensor, keywords]`; the keywords hold further tensors in the same form.
"""

from collections.abc import Iterator
from typing import Any

from minikeras.saving.legacy import op_nodes, tables
from minikeras.saving.legacy.form import Source, expect, object_form
from minikeras.saving.legacy.layer_configs import layer_form
from minikeras.saving.legacy.references import CONSTANT, is_reference, tensors_in


def model_form(saved: Any, source: Source) -> dict[str, Any]:
    """Return the saved form of a model that an older Keras wrote.

    Args:
        saved: dict with `class_name` and `config`.
        source: where it comes from.

    Returns:
        A dict for `registry.deserialize`.

    Raises:
        ValueError: if the dict is no model, or something in it exists no more.
    """
    expect(saved, dict, "a model's config, a dict with `class_name` and `config`")
    name, config = saved.get("class_name"), saved.get("config")
    if isinstance(config, dict) and isinstance(config.get("layers"), list) and name != "Sequential":
        converted = functional_config(config, source)
        if name in tables.MODELS:
            return object_form("keras", "Model", converted)
        return object_form("", expect(name, str, "a class name"), converted)
    return _layer(saved, source)


def _layer(saved, source):
    return layer_form(saved, source, _MODELS)


# Sequential


def sequential_config(config: Any, source: Source) -> dict[str, Any]:
    """Return the config of a Sequential model, with its input as a layer.

    Args:
        config: list of layers (Keras 1 and early 2), or a dict with `layers`.
        source: where it comes from.

    Returns:
        The dict that `Sequential.from_config` reads.

    Raises:
        ValueError: if the config is neither.
    """
    expect(config, (list, dict), "the config of a Sequential model, a list or a dict")
    described = {"layers": config} if isinstance(config, list) else config
    saved = expect(described.get("layers"), list, "the list of layers of a Sequential model")
    layers = [_layer(layer, source) for layer in saved]
    first = saved[0] if saved else {}
    shape = _input_shape(first)
    if shape is not None and layers[0]["class_name"] != "InputLayer":
        inner = first["config"]
        name = f"{inner['name']}_input" if isinstance(inner.get("name"), str) else None
        dtype = inner.get("input_dtype") or "float32"
        arguments = {"batch_shape": shape, "dtype": dtype, "name": name}
        layers.insert(0, object_form("keras.layers", "InputLayer", arguments))
    converted = {"name": described.get("name"), "layers": layers}
    converted["trainable"] = described.get("trainable", True)
    shape = described.get("build_input_shape") or (_built_for(layers[0]) if layers else None)
    if shape is not None:
        converted["build_input_shape"] = shape
    return converted


def _built_for(first):
    """The shape that a Sequential model whose first layer is this one is built for, or None."""
    config = first["config"]
    if first["class_name"] == "Model":  # that of its own first input
        return next(
            (_built_for(one) for one in config["layers"] if one["class_name"] == "InputLayer"), None
        )
    return config.get("build_input_shape") or config.get("batch_shape")


def _input_shape(saved):
    """The shape that a first layer declares, batch size included, or None."""
    config = saved.get("config")
    if not isinstance(config, dict) or saved.get("class_name") in tables.MODELS:
        return None
    if config.get("batch_input_shape") is not None:
        return config["batch_input_shape"]
    return None


# Graphs


def functional_config(config: Any, source: Source) -> dict[str, Any]:
    """Return the config of a graph of layers.

    Args:
        config: dict with `layers`, `input_layers` and `output_layers`.
        source: where it comes from.

    Returns:
        The dict that `functional_from_config` reads.

    Raises:
        ValueError: if a part is missing or has another form.
    """
    expect(config, dict, "the config of a graph model, a dict")
    saved = expect(config.get("layers"), list, "the list of layers of a graph model")
    shifts = _shifts(saved, config) if source.generation < 3 else {}
    firsts = _first_calls(saved, shifts) if source.generation < 3 else {}
    return {
        "name": config.get("name"),
        "trainable": config.get("trainable", True),
        "layers": [_entry(layer, shifts, source) for layer in saved],
        "input_layers": _ends(config.get("input_layers"), firsts, source),
        "output_layers": _ends(config.get("output_layers"), firsts, source),
    }


def _entry(saved, shifts, source):
    """One layer or op with its calls in this graph."""
    expect(saved, dict, "a layer of a graph, a dict")
    nodes = expect(saved.get("inbound_nodes", []), list, "the list of a layer's calls")
    config = saved.get("config")
    name = saved.get("name") or (config.get("name") if isinstance(config, dict) else None)
    expect(name, str, "the name of a layer")
    if op_nodes.is_op(saved, source):
        entry = op_nodes.op_entry(saved, nodes, shifts)
    else:
        entry = _layer(saved, source)
        calls = [_call(entry["class_name"], node, shifts) for node in nodes if node]
        entry["inbound_nodes"] = calls
        if isinstance(entry["config"], dict):
            entry["config"].setdefault("name", name)
    return {**entry, "name": name}


def _call(class_name, node, shifts):
    """One call of a layer: its tensors, and the keywords that are not None."""
    if isinstance(node, dict):  # Keras 3's form
        kwargs = node.get("kwargs") or {}
        return {**node, "kwargs": {key: v for key, v in kwargs.items() if v is not None}}
    tensors, keywords = tensors_in(node, shifts)
    keywords = {key: value for key, value in keywords.items() if value is not None}
    if class_name in tables.RECURRENT and isinstance(tensors, list) and len(tensors) > 1:
        keywords["initial_state"] = tensors[1:]
        tensors = tensors[0]
    if isinstance(tensors, list) and len(tensors) == 1 and class_name not in _TAKES_LISTS:
        tensors = tensors[0]
    return {"args": [tensors], "kwargs": keywords}


_TAKES_LISTS = frozenset({"Concatenate", *tables.MERGES.values(), "Minimum", "Subtract"})


def _ends(refs, firsts, source):
    """Where the inputs or outputs of a graph are; a list of one stands for that one tensor."""
    if isinstance(refs, dict):
        return {key: _ends(ref, firsts, source) for key, ref in refs.items()}
    expect(refs, list, "the list of a graph's inputs or outputs")
    if is_reference(refs):
        return [refs[0], refs[1] + firsts.get(refs[0], 0), refs[2]]
    if len(refs) == 1 and source.generation < 3:
        return _ends(refs[0], firsts, source)
    return [_ends(ref, firsts, source) for ref in refs]


# Nodes of models inside


def _shifts(saved, config):
    """By how much the node indices of each model inside are too large.

    A model has a first node of its own, from its inputs to its outputs, which older releases
    counted and newer ones do not. It was counted where a node is named that would not exist else.
    """
    described: list[dict[str, Any]] = [layer for layer in saved if isinstance(layer, dict)]
    models = {
        str(layer.get("name")): len(layer.get("inbound_nodes") or [])
        for layer in described
        if layer.get("class_name") in tables.MODELS
    }
    nodes = [layer.get("inbound_nodes") for layer in described]
    named: dict[str, int] = {}
    for name, index in _references((nodes, config.get("output_layers"))):
        named[name] = max(index, named.get(name, 0))
    return {name: 1 for name, calls in models.items() if calls and named.get(name, 0) == calls}


def _first_calls(saved, shifts):
    """What to add to an old node index where the inputs and outputs of a graph are.

    There Keras 3 still counts the calls of graphs inside from 1, but those of other layers from 0.
    """
    graphs = [one for one in saved if isinstance(one, dict) and one.get("class_name") in _GRAPHS]
    inside = {str(one.get("name")) for one in graphs}
    return {name: (name in inside) - shifts.get(name, 0) for name in {*inside, *shifts}}


def _references(value) -> Iterator[tuple[str, int]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if is_reference(item) and item[0] != CONSTANT:
            yield item[0], item[1]
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)


_GRAPHS = frozenset({"Functional", "Model"})
_MODELS = {
    "Functional": functional_config,
    "Model": functional_config,
    "Sequential": sequential_config,
}
