"""Graph models written down as configs, and rebuilt from them.

A config holds every operation once, with its calls in this graph; a call names the tensors it takes
by the operation that made them, the number of that operation's call, and the output's number.
"""

import heapq
from collections import deque

import numpy as np

from minikeras.autograd.symbolic import KerasTensor, OpCall
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.autograd.variable import Variable
from minikeras.core import registry, trees
from minikeras.core.work import work_of
from minikeras.models import op_configs
from minikeras.models.graph import Graph


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
    config = dict(config)
    operations, waiting = {}, {}
    for saved in config.pop("layers"):
        name = saved["name"]
        operations[name], settings = _revived_operation(saved)
        waiting[name] = deque((node, settings) for node in saved["inbound_nodes"])
    _repeat_calls(waiting, operations)
    inputs = _tensors_at(config.pop("input_layers"), operations)
    outputs = _tensors_at(config.pop("output_layers"), operations)
    is_frozen = config.pop("trainable", None) is False
    model = cls(inputs, outputs, **config)
    if is_frozen:
        model.trainable = False
    return model


def _repeat_calls(waiting, operations):
    """Repeat the calls of each operation in their order, as soon as their tensors exist.

    Operations are gone through again and again, but only those whose tensors all exist by then.
    """
    names = list(waiting)
    this_time, next_time = list(range(len(names))), []  # heaps of places in `names`
    missing = _Missing()
    while this_time:
        place = heapq.heappop(this_time)
        operation, calls = operations[names[place]], waiting[names[place]]
        while calls and not missing.note(place, _replay(operation, calls[0], operations)):
            calls.popleft()
            for ready in missing.resolve(names[place], len(operation._inbound_nodes) - 1):
                heapq.heappush(this_time if ready > place else next_time, ready)
        if not this_time:
            this_time, next_time = next_time, []
    left = [name for name, calls in waiting.items() if calls]
    if left:
        raise ValueError(
            "The model's config cannot be rebuilt: no call makes the tensors that the calls of "
            f"{left} need."
        )


class _Missing:
    """Which calls, `(name of the operation, index)`, are missing for what waits."""

    def __init__(self):
        self._counts = {}
        self._waiting = {}

    def note(self, place, calls):
        """Note the calls that one place waits for; return whether there are any."""
        self._counts[place] = len(calls)
        for call in calls:
            self._waiting.setdefault(call, []).append(place)
        return bool(calls)

    def resolve(self, name, index):
        """Note that a call has been made; return the places for which it was the last one."""
        places = self._waiting.pop((name, index), [])
        for place in places:
            self._counts[place] -= 1
        return [place for place in places if not self._counts[place]]


# Writing


def _places(graph, owned):
    """For `(operation, node index)` the index among the nodes of this graph."""
    places = {}
    for op in graph.operations:
        mine = [i for i, node in enumerate(op._inbound_nodes) if id(node) in owned]
        places.update({(id(op), original): kept for kept, original in enumerate(mine)})
    return places


def _saved_operation(operation, owned, places):
    nodes = [n for n in operation._inbound_nodes if id(n) in owned and n.input_tensors]
    if isinstance(operation, OpCall):
        saved = op_configs.saved_op(operation, nodes[0])
    else:
        saved = registry.serialize(operation)
    saved["name"] = operation.name
    saved["inbound_nodes"] = [_saved_node(node, places) for node in nodes]
    return saved


def _saved_node(node, places):
    def saved(leaf):
        return _SavedTensor(leaf, places) if isinstance(leaf, KerasTensor) else _constant(leaf)

    args, kwargs = node.args, node.kwargs
    if isinstance(node.operation, OpCall):
        args, kwargs = op_configs.operands_of(node.operation.op, args, kwargs)
    args, kwargs = trees.map_structure(saved, args), trees.map_structure(saved, kwargs)
    return {
        "args": [registry.serialize(a) for a in args],
        "kwargs": {key: registry.serialize(value) for key, value in kwargs.items()},
    }


def _constant(value):
    """A NumPy number as a tensor, which keeps its dtype where a Python number would not."""
    return Tensor(array_from(value)) if isinstance(value, np.generic) else value


def _ref(tensor, places):
    operation, node_index, tensor_index = tensor._keras_history
    return [operation.name, places[id(operation), node_index], tensor_index]


def _saved_refs(struct, places):
    """Where the inputs or outputs are; calls of graph models are counted from 1, as Keras does."""
    if isinstance(struct, dict):
        return {key: _saved_refs(struct[key], places) for key in sorted(struct)}
    if isinstance(struct, (list, tuple)):
        return [_saved_refs(item, places) for item in struct]
    name, node_index, tensor_index = _ref(struct, places)
    first = isinstance(struct._keras_history.operation, Graph)
    return [name, node_index + first, tensor_index]


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


def _checked_history(history):
    """Where a tensor is, as a config says it; refused if that is no name and two numbers."""
    kinds = [type(part) for part in history] if isinstance(history, (list, tuple)) else None
    if kinds != [str, int, int]:
        raise ValueError(
            "A tensor in the model's config should be the name of an operation, the number of its "
            f"call, and the number of the output. Received: {history!r:.200}"
        )
    return history


registry.special_form(
    "__keras_tensor__",
    lambda t: isinstance(t, _SavedTensor),
    lambda t: t.config,
    lambda config, custom: _Reference(*_checked_history(config["keras_history"])),
)


registry.special_form(
    "__tensor__",
    lambda t: isinstance(t, (Tensor, Variable)),
    lambda t: {"value": np.asarray(t).tolist(), "dtype": t.dtype},
    lambda config, custom: Tensor(array_from(config["value"], config["dtype"])),
)


# Reading


def _revived_operation(saved):
    """The operation, and the settings that its config adds to each call, if it is an op."""
    if op_configs.is_op(saved):
        return op_configs.revived_op(saved)
    form = {key: saved[key] for key in saved if key not in ("name", "inbound_nodes")}
    return registry.deserialize(form), {}


def _replay(operation, call, operations):
    """Repeat one call, if all tensors that it needs exist by now; return the calls it waits for."""
    node, settings = call
    args, kwargs = registry.deserialize(node["args"]), registry.deserialize(node["kwargs"])
    leaves = [leaf for leaf in trees.flatten((args, kwargs)) if isinstance(leaf, _Reference)]
    if not leaves:  # it would compute now, and a loop of a foreign file need not end
        raise ValueError(
            f"A call of '{operation.name}' in the model's config takes no tensor of the graph. "
            f"Received: args={node['args']!r:.200}, kwargs={node['kwargs']!r:.200}"
        )
    missing = {leaf.key[:2] for leaf in leaves if not _exists(leaf.key, operations)}
    if missing:
        return missing

    def resolved(leaf):
        return _find(leaf.key, operations) if isinstance(leaf, _Reference) else leaf

    args, kwargs = trees.map_structure(resolved, args), trees.map_structure(resolved, kwargs)
    with work_of(lambda: _described(operation, node, settings)):
        if isinstance(operation, OpCall):
            op_configs.call_op(operation, args, kwargs, settings)
        else:
            operation(*args, **kwargs)
    return set()


def _described(operation, node, settings):
    """A call of a config in words, for errors."""
    if isinstance(operation, OpCall):
        return f"the op '{operation.op.name}' ({settings}, args={node['args']!r:.200})"
    return f"a call of the {type(operation).__name__} '{operation.name}'"


def _exists(key, operations):
    name, node_index, _ = key
    if name not in operations or node_index < 0:
        raise ValueError(
            f"The model's config names call {node_index} of '{name}'. Its operations are "
            f"{list(operations)}, and calls are counted from 0."
        )
    return node_index < len(operations[name]._inbound_nodes)


def _find(key, operations):
    name, node_index, tensor_index = key
    outputs = operations[name]._inbound_nodes[node_index].outputs
    if not 0 <= tensor_index < len(outputs):
        raise ValueError(
            f"The model's config names output {tensor_index} of call {node_index} of '{name}', "
            f"which has {len(outputs)}."
        )
    return outputs[tensor_index]


def _tensors_at(refs, operations):
    if isinstance(refs, dict):
        return {key: _tensors_at(value, operations) for key, value in refs.items()}
    if refs and isinstance(refs[0], str):
        name, node_index, tensor_index = refs
        key = (name, node_index - isinstance(operations.get(name), Graph), tensor_index)
        if not _exists(key, operations):
            raise ValueError(f"The model's config has no call {node_index} of '{name}': {refs}.")
        return _find(key, operations)
    return [_tensors_at(ref, operations) for ref in refs]
