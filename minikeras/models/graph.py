"""The order in which a model's graph runs, and running it.

Operations are ordered by depth, the longest way to an output, deepest first; among equals the one
comes first that a depth-first search from the outputs visits first. The order fixes that of a
model's layers and so of its weights. Nodes are ordered by depth as well, but among equals the last
visited comes first: in this order a model runs, and draws the seeds of layers that are copied.
"""

from collections import Counter

from minikeras.autograd.symbolic import KerasTensor, Operation, SymbolicNode
from minikeras.autograd.symbolic.history import as_references, as_tensors, nodes_before
from minikeras.core import trees
from minikeras.core.work import STEPS_PER_CALL, spend


class Graph(Operation):
    """A function given by symbolic inputs and the outputs computed from them.

    Args:
        inputs: nest of KerasTensors.
        outputs: nest of KerasTensors that depend on the inputs.
        name: a name, or None for an automatic one.

    Raises:
        ValueError: if an output needs a tensor that no input leads to, or two operations have the
            same name.

    Example:
        >>> import minikeras as keras
        >>> x = keras.KerasTensor((2,))
        >>> double = keras.Function(x, x + x)
        >>> double(keras.ops.ones(2)).tolist()
        [2.0, 2.0]
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        self._init_graph(inputs, outputs)

    def _init_graph(self, inputs, outputs):
        _check_tensors(trees.flatten(inputs), "inputs")
        _check_tensors(trees.flatten(outputs), "outputs")
        self._plan_graph(inputs, outputs)
        _check_connected(self._nodes, self._inputs, self._outputs)
        _check_unique_names(self._operations)

    def _plan_graph(self, inputs, outputs):
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        self._inputs = trees.flatten(inputs)
        self._outputs = trees.flatten(outputs)
        self._nodes, self._operations, self._node_depths = _ordered(self._inputs, self._outputs)
        self._plan = [_Step(node) for node in self._nodes if node.input_tensors]

    def __getstate__(self):
        """What else there is, and the graph as a list of nodes, from which the plan follows."""
        state = super().__getstate__()
        if "_plan" in state:
            rest = {key: value for key, value in state.items() if key not in GRAPH_ATTRIBUTES}
            ends = self._inputs_struct, self._outputs_struct
            graph = nodes_before(trees.flatten(ends)), *as_references(ends)
            return {"_graph": graph, **rest}  # the nodes first, in their order
        return state

    def __setstate__(self, state):
        state = dict(state)
        graph = state.pop("_graph", None)
        super().__setstate__(state)
        if graph is not None:
            _, inputs, outputs = graph
            self._plan_graph(as_tensors(inputs), as_tensors(outputs))

    @property
    def operations(self):
        """The operations in the order in which they run."""
        return list(self._operations)

    @property
    def inputs(self):
        """The symbolic inputs as a flat list."""
        return list(self._inputs)

    @property
    def outputs(self):
        """The symbolic outputs as a flat list."""
        return list(self._outputs)

    def call(self, inputs):
        """Compute the outputs for values of the inputs."""
        return self._run_graph(trees.flatten(inputs))

    def compute_output_shape(self, input_shape):
        """Return the shapes of the outputs.

        Args:
            input_shape: nest of shapes of the inputs.

        Returns:
            A nest of shapes like the outputs.
        """
        inputs = trees.map_up_to(
            lambda _, shape: KerasTensor(shape), self._inputs_struct, input_shape
        )
        outputs = self.compute_output_spec(inputs)
        return trees.map_structure(lambda output: output.shape, outputs)

    def _run_graph(self, values, training=None, replace=None):
        """Run every node on a flat list of input values; return the outputs' nest.

        Args:
            values: a value for each input.
            training: where a call says `training=`, this comes in its place unless it is None.
            replace: function of an operation that returns the one to call instead, or None.
        """
        spend(STEPS_PER_CALL * len(self._plan))  # models may call models twice, and so on
        known = {id(place): value for place, value in zip(self._inputs, values, strict=True)}
        for step in self._plan:
            if not all(key in known for key in step.outputs):
                operation = step.operation if replace is None else replace(step.operation)
                step.run(known, operation, training)
        return trees.pack_sequence_as(self._outputs_struct, [known[id(t)] for t in self._outputs])


# What `_plan_graph` sets.
GRAPH_ATTRIBUTES = frozenset(
    [
        "_inputs_struct",
        "_outputs_struct",
        "_inputs",
        "_outputs",
        "_nodes",
        "_operations",
        "_node_depths",
        "_plan",
    ]
)


class _Step:
    """One node's call, with the common case of a single tensor argument made fast."""

    def __init__(self, node):
        self.node = node
        self.operation = node.operation
        self.outputs = [id(t) for t in node.outputs]
        simple = len(node.args) == 1 and isinstance(node.args[0], KerasTensor) and not node.kwargs
        self.only_input = id(node.args[0]) if simple else None

    def run(self, known, operation, training):
        """Call the operation on known values, and add its outputs to them."""
        if self.only_input is not None:
            result = operation(known[self.only_input])
        else:
            args, kwargs = self.node.fill(known)
            if training is not None and "training" in kwargs:
                kwargs["training"] = training
            result = operation(*args, **kwargs)
        if len(self.outputs) == 1 and not isinstance(result, (list, tuple, dict)):
            known[self.outputs[0]] = result
            return
        leaves = [leaf for leaf in trees.flatten(result) if leaf is not None]
        known.update(zip(self.outputs, leaves, strict=True))


def detached(inputs, outputs, new_inputs):
    """Repeat the part of a graph between two lists of tensors on other inputs.

    The same operations get new nodes; nothing is computed.

    Args:
        inputs: flat list of KerasTensors, some of them made by operations.
        outputs: flat list of KerasTensors.
        new_inputs: flat list of KerasTensors to stand for `inputs`.

    Returns:
        The flat list of new outputs.
    """
    known = {id(old): new for old, new in zip(inputs, new_inputs, strict=True)}
    nodes, _, _ = _ordered(inputs, outputs)
    _check_connected(nodes, inputs, outputs)
    for node in nodes:
        if node.input_tensors and not all(id(t) in known for t in node.outputs):
            copies = [_like(t) for t in node.outputs]
            SymbolicNode(node.operation, *node.fill(known), outputs=copies)
            known.update({id(old): new for old, new in zip(node.outputs, copies, strict=True)})
    return [known[id(t)] for t in outputs]


def _like(tensor):
    copy = KerasTensor(tensor.shape, tensor.dtype)
    if hasattr(tensor, "_keras_mask"):
        copy._keras_mask = tensor._keras_mask
    return copy


def _check_tensors(tensors, what):
    for tensor in tensors:
        if not isinstance(tensor, KerasTensor):
            raise ValueError(
                f"All `{what}` values must be KerasTensors. Received: {what}={tensors} including "
                f"invalid value {tensor} of type {type(tensor)}"
            )


def _ordered(inputs, outputs):
    """Return the nodes and operations, deepest first, and the depth of each node."""
    nodes, operations, stops = _depth_first(inputs, outputs)
    node_depth, op_depth = {}, {}
    for node in reversed(nodes):
        depth = max(node_depth.get(id(node), 0), op_depth.get(id(node.operation), 0))
        node_depth[id(node)] = op_depth[id(node.operation)] = depth
        if id(node) in stops:
            continue
        for parent in node.parent_nodes:
            node_depth[id(parent)] = max(depth + 1, node_depth.get(id(parent), 0))
    for tensor in inputs:
        _add_unused_input(tensor, nodes, node_depth, op_depth, operations)
    operations = sorted(operations.values(), key=lambda entry: (-op_depth[id(entry[1])], entry[0]))
    place = {key: i for i, key in enumerate(node_depth)}
    nodes = sorted(nodes, key=lambda node: (-node_depth[id(node)], place[id(node)]))
    return nodes, [operation for _, operation in operations], node_depth


def _add_unused_input(tensor, nodes, node_depth, op_depth, operations):
    """An input that nothing uses still belongs to the model."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or id(history.operation) in operations:
        return
    operation = history.operation
    operations[id(operation)] = (-1, operation)
    op_depth[id(operation)] = 0
    node = operation._inbound_nodes[history.node_index]
    node_depth[id(node)] = 0
    nodes.append(node)


def _depth_first(inputs, outputs):
    """From the outputs: the nodes, parents before children; the operations; where it stopped.

    An explicit stack, so that a graph may be deeper than Python's recursion goes.
    """
    input_ids = {id(t) for t in inputs}
    nodes, seen, operations, stops = [], {}, {}, set()
    stack = [(tensor, False) for tensor in reversed(outputs)]
    while stack:
        tensor, leaving = stack.pop()
        history = getattr(tensor, "_keras_history", None)
        if history is None:
            continue
        node = history.operation._inbound_nodes[history.node_index]
        if leaving:
            if seen[id(node)] != "done":
                seen[id(node)] = "done"
                nodes.append(node)
            continue
        if id(node) in seen:
            continue
        seen[id(node)] = "open"
        operations.setdefault(id(node.operation), (len(operations), node.operation))
        stack.append((tensor, True))
        if id(tensor) in input_ids:
            stops.add(id(node))
        else:
            stack.extend((t, False) for t in reversed(node.input_tensors))
    return nodes, operations, stops


def _check_unique_names(operations):
    counts = Counter(operation.name for operation in operations)
    for name, count in counts.items():
        if count > 1:
            raise ValueError(
                f"The model has {count} operations of the name '{name}': give each a `name` of its "
                "own."
            )


def _check_connected(nodes, inputs, outputs):
    known = {id(t) for t in inputs}
    layers = []
    for node in nodes:
        if any(id(t) in known for t in node.outputs):
            known.update(id(t) for t in node.outputs)
            continue
        for tensor in node.input_tensors:
            if id(tensor) not in known:
                raise ValueError(
                    f"The tensor {tensor}, which '{node.operation.name}' takes, is not computed "
                    "from the inputs of the model: is every input of the graph among `inputs`? "
                    f"Computed up to there: {layers}"
                )
        if not node.input_tensors:
            continue
        layers.append(node.operation.name)
        known.update(id(t) for t in node.outputs)
    for tensor in outputs:
        if id(tensor) not in known:
            raise ValueError(
                f"Output tensor {tensor} is not connected to the inputs: {inputs}. It must be "
                "computed from `inputs` by layers and ops."
            )
