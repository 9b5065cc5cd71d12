"""Graph models written down as configs, and rebuilt from them.

A config holds every operation once, with its calls in this graph; a call names the tensors it takes
by the operation that made them, the number of that operation's call, and the output's number.
"""

from minikeras import ops
from minikeras.autograd.symbolic import KerasTensor, OpCall
from minikeras.core import names, registry, trees
from minikeras.layers.base.layer import Layer

# Where Keras's files say that ops come from.
_OP_MODULES = ("keras.ops", "keras.src.ops")


def graph_config(graph):
    """Return the operations of a graph, their calls, and where inputs and outputs are.

    Args:
        graph: a `Graph`.

    Returns:
        A dict with the keys `layers`, `input_layers` and `output_layers`.
    """
    owned = {id(node) for node in graph._nodes}
    places = _places(graph, owned)
    return {
        "layers": [_saved_operation(op, owned, places) for op in graph.operations],
        "input_layers": _saved_refs(graph._inputs_struct, places),
        "output_layers": _saved_refs(graph._outputs_struct, places),
    }


def functional_from_config(cls, config):
    """Rebuild a graph model: make every layer, then repeat the recorded calls in order.

    Args:
        cls: the model's class.
        config: what `get_config` returned.

    Returns:
        A model of that class.

    Raises:
        ValueError: if a call needs a tensor that no other call makes.
    """
    operations, waiting = {}, []
    for saved in config["layers"]:
        operation, options = _revived_operation(saved)
        operations[saved["name"]] = operation
        waiting.extend((operation, options, node) for node in saved["inbound_nodes"])
    while waiting:
        remaining = [call for call in waiting if not _replay(*call, operations)]
        if len(remaining) == len(waiting):
            raise ValueError(
                "The model's config cannot be rebuilt: no call makes the tensors that the calls of "
                f"{[operation.name for operation, _, _ in remaining]} need."
            )
        waiting = remaining
    inputs = _tensors_at(config["input_layers"], operations)
    outputs = _tensors_at(config["output_layers"], operations)
    model = cls(inputs, outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


# Writing


def _places(graph, owned):
    """For `(operation, node index)` the index among the nodes of this graph."""
    places = {}
    for op in graph.operations:
        mine = [i for i, node in enumerate(op._inbound_nodes) if id(node) in owned]
        places.update({(id(op), original): kept for kept, original in enumerate(mine)})
    return places


def _saved_operation(operation, owned, places):
    if isinstance(operation, Layer):
        saved = registry.serialize(operation)
    else:
        saved = {
            "module": "keras.ops",
            "class_name": operation.class_name,
            "config": {"name": operation.name, "op": operation.op.name},
            "registered_name": None,
        }
    saved["name"] = operation.name
    saved["inbound_nodes"] = [
        _saved_node(node, places)
        for node in operation._inbound_nodes
        if id(node) in owned and node.input_tensors
    ]
    return saved


def _saved_node(node, places):
    def saved(leaf):
        return _SavedTensor(leaf, places) if isinstance(leaf, KerasTensor) else leaf

    args = trees.map_structure(saved, node.args)
    kwargs = trees.map_structure(saved, node.kwargs)
    return {
        "args": [registry.serialize(a) for a in args],
        "kwargs": {key: registry.serialize(value) for key, value in kwargs.items()},
    }


def _ref(tensor, places):
    operation, node_index, tensor_index = tensor._keras_history
    return [operation.name, places[id(operation), node_index], tensor_index]


def _saved_refs(struct, places):
    if isinstance(struct, dict):
        return {key: _saved_refs(struct[key], places) for key in sorted(struct)}
    if isinstance(struct, (list, tuple)):
        return [_saved_refs(item, places) for item in struct]
    return _ref(struct, places)


class _SavedTensor:
    """A reference to a symbolic tensor inside a config."""

    def __init__(self, tensor, places):
        self.config = {
            "shape": list(tensor.shape),
            "dtype": tensor.dtype,
            "keras_history": _ref(tensor, places),
        }


class _Reference:
    """A symbolic tensor to be found again: an operation's name, a node and an output index."""

    def __init__(self, name, node_index, tensor_index):
        self.key = (name, node_index, tensor_index)


registry.special_form(
    "__keras_tensor__",
    lambda t: isinstance(t, _SavedTensor),
    lambda t: t.config,
    lambda config, custom: _Reference(*config["keras_history"]),
)


# Reading


def _revived_operation(saved):
    """The operation, and the options that its config adds to each call, as Keras keeps an op's."""
    if saved["module"].startswith(_OP_MODULES):
        config = dict(saved["config"])
        name = config.pop("op", None) or names.to_snake_case(saved["class_name"])
        config.pop("name", None)
        config.pop("dtype", None)
        return OpCall(_op(name), name=saved["name"]), registry.deserialize(config)
    form = {key: saved[key] for key in saved if key not in ("name", "inbound_nodes")}
    return registry.deserialize(form), {}


def _op(name):
    op = getattr(ops, name, None)
    if op is None:
        raise ValueError(f"The model's config names the op '{name}', which does not exist here.")
    return op


def _replay(operation, options, node, operations):
    """Repeat one call, if all tensors that it needs exist by now."""
    args = [_as_index(value) for value in registry.deserialize(node["args"])]
    kwargs = registry.deserialize(node["kwargs"])
    leaves = [leaf for leaf in trees.flatten((args, kwargs)) if isinstance(leaf, _Reference)]
    if not all(_exists(leaf.key, operations) for leaf in leaves):
        return False

    def resolved(leaf):
        return _find(leaf.key, operations) if isinstance(leaf, _Reference) else leaf

    args, kwargs = trees.map_structure(resolved, args), trees.map_structure(resolved, kwargs)
    operation(*args, **kwargs, **options)
    return True


def _as_index(value):
    """What `x[...]` takes, where a file holds a list of slices; other values stay."""
    if isinstance(value, list) and any(isinstance(part, slice) for part in value):
        return tuple(value)
    return value


def _exists(key, operations):
    name, node_index, _ = key
    return name in operations and node_index < len(operations[name]._inbound_nodes)


def _find(key, operations):
    name, node_index, tensor_index = key
    return operations[name]._inbound_nodes[node_index].outputs[tensor_index]


def _tensors_at(refs, operations):
    if isinstance(refs, dict):
        return {key: _tensors_at(value, operations) for key, value in refs.items()}
    if refs and isinstance(refs[0], str):
        return _find(tuple(refs), operations)
    return [_tensors_at(ref, operations) for ref in refs]
