"""Ops in the graphs of tf-keras (`tf.add(x, y)`, `x[:, 0]`), and of Keras 3's `.h5` files.

Tables say what each TensorFlow function is called today and in which order its arguments stand.
"""

import inspect
import json
from typing import Any

from minikeras import ops
from minikeras.autograd.symbolic import class_name_of
from minikeras.core import names
from minikeras.saving.legacy.form import Source, expect, object_form
from minikeras.saving.legacy.op_tables import DEFAULTS, FUNCTIONS, NEUTRAL, NODES
from minikeras.saving.legacy.references import resolved, tensors_in

_CLASSES = frozenset({"SlicingOpLambda", "TFOpLambda", "TensorFlowOpLayer"})
_LAYERS_WITHOUT_DTYPE = frozenset({"InputLayer", "Functional", "Sequential", "Model"})


def is_op(saved: dict[str, Any], source: Source) -> bool:
    """Say whether an entry of a graph is an op rather than a layer."""
    name, config = saved.get("class_name"), saved.get("config")
    if name in source.custom:
        return False
    if name in _CLASSES or str(saved.get("module")).startswith("keras.src.ops"):
        return True
    if source.generation < 3 or name in _LAYERS_WITHOUT_DTYPE or not isinstance(config, dict):
        return False
    return "trainable" not in config and "dtype" not in config


def op_entry(saved: dict[str, Any], nodes: list[Any], shifts: dict[str, int]) -> dict[str, Any]:
    """Return the entry of an op in today's form.

    Args:
        saved: the entry, with `class_name`, `config` and `name`.
        nodes: its calls.
        shifts: by how much the node indices of models inside are too large.

    Returns:
        A dict with `inbound_nodes`, without the entry's name.

    Raises:
        ValueError: if there is no such op.
    """
    config = expect(saved.get("config"), dict, "the config of an op")
    if saved["class_name"] == "TensorFlowOpLayer":
        return _from_node_def(config, nodes, shifts)
    if saved["class_name"] not in _CLASSES:
        return _of_keras_3(saved["class_name"], config, nodes)
    name = expect(config.get("function"), str, "the name of a TensorFlow function")
    if name not in FUNCTIONS:
        raise ValueError(
            f"The graph calls the TensorFlow function 'tf.{name}' ({config.get('name')!r}), which "
            "can't be read. Pass a layer class named "
            f"'{saved['class_name']}' in `custom_objects` that computes it."
        )
    op, parameters = FUNCTIONS[name]
    calls = [_call(name, parameters, node, shifts) for node in nodes]
    return _entry(op, config.get("name"), calls)


def _entry(op, name, calls):
    """The entry of an op whose calls have the arguments of its signature."""
    function = getattr(ops, op)
    named = [inspect.signature(function).bind(*args, **kwargs).arguments for args, kwargs in calls]
    nodes = [{"args": [], "kwargs": dict(arguments)} for arguments in named]
    return _class_form(class_name_of(function), {"name": name}, nodes)


def _class_form(class_name, config, nodes):
    """The entry of an op by the name of Keras's class; which module has it is not looked at."""
    return object_form("keras.src.ops.numpy", class_name, config) | {"inbound_nodes": nodes}


def _call(name, parameters, node, shifts):
    """Arguments in the order of the op's parameters; one after a gap is given by its name."""
    first, keywords = tensors_in(node, shifts)
    named = {key: value for key, value in keywords.items() if key != "name" and value is not None}
    keywords = DEFAULTS.get(name, {}) | named
    args, kwargs = [first], {}
    for position, parameter in enumerate(parameters[1:], start=1):
        old, _, new = parameter.partition(">")
        if old not in keywords:
            continue
        value = _argument(old, keywords.pop(old))
        if new or position != len(args):
            kwargs[new or old] = value
        else:
            args.append(value)
    for key, value in keywords.items():
        if value not in NEUTRAL.get(key, (None,)):
            raise ValueError(
                f"The graph calls 'tf.{name}' with {key}={value!r}, which can't be read."
            )
    return args, kwargs


def _argument(name, value):
    if name == "slice_spec":
        parts = value if isinstance(value, list) else [value]
        return {"class_name": "__tuple__", "config": {"value": [_slice(part) for part in parts]}}
    return value


def _slice(part):
    """One index of `x[...]`: a number, a slice as a dict, `...`, or None for a new axis."""
    if isinstance(part, dict) and {"start", "stop", "step"} <= set(part):
        return {"class_name": "__slice__", "config": part}
    if part == "...":
        return {"class_name": "__ellipsis__", "config": {}}
    return part


def _of_keras_3(class_name, config, nodes):
    """An op as Keras 3 names it: by its class, `ExpandDims` for `expand_dims`."""
    if names.to_snake_case(class_name) not in ops.__all__:
        raise ValueError(
            f"The graph names {class_name!r} ({config.get('name')!r}), which is no op here. Pass "
            "a layer class of that name in `custom_objects`."
        )
    calls = [
        node | {"kwargs": {k: v for k, v in (node.get("kwargs") or {}).items() if v is not None}}
        for node in nodes
    ]
    return _class_form(class_name, config, calls)


def _from_node_def(config, nodes, shifts):
    """A node of a TensorFlow 1 graph; its constants are given by the input's number."""
    node_def = config.get("node_def")
    if isinstance(node_def, str):
        try:
            node_def = json.loads(node_def)
        except ValueError as error:
            raise ValueError(f"The node of op {config.get('name')!r} is no JSON: {error}") from None
    kind = expect(node_def, dict, "the node of a TensorFlow graph").get("op")
    if kind not in NODES:
        raise ValueError(
            f"The graph has a TensorFlow node of kind {kind!r} ({config.get('name')!r}), which "
            "can't be read. Pass a layer class named 'TensorFlowOpLayer' in `custom_objects`."
        )
    op, joins = NODES[kind]
    constants = config.get("constants") or {}
    calls = []
    for node in nodes:
        tensors, _ = tensors_in(node, shifts)
        inputs = list(tensors) if isinstance(tensors, list) else [tensors]
        for place in sorted(constants, key=int):
            inputs.insert(int(place), resolved(constants[place], shifts))
        args = [inputs[:-1], inputs[-1]] if joins else inputs
        calls.append((args, _attributes(node_def)))
    return _entry(op, config.get("name"), calls)


def _attributes(node_def):
    keeps = (node_def.get("attr") or {}).get("keep_dims") or {}
    return {"keepdims": True} if keeps.get("b") else {}
