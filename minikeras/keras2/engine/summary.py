"""`summary()` in the layout of Keras 2: 65 columns for a chain of layers, 98 with connections."""

import math

_CHAIN = (65, (0.45, 0.85, 1.0), ("Layer (type)", "Output Shape", "Param #"))
_GRAPH = (
    98,
    (0.33, 0.55, 0.67, 1.0),
    ("Layer (type)", "Output Shape", "Param #", "Connected to"),
)


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """Print a table of a model's layers.

    Args:
        model: a built model.
        line_length: width in characters, or None.
        positions: where columns end, as parts of the width or in characters, or None.
        print_fn: function that takes each line; `print` by default.
    """
    show = print if print_fn is None else print_fn
    nodes = None if is_chain(model) else {id(node) for node in model._nodes}
    width, columns, header = _CHAIN if nodes is None else _GRAPH
    width = line_length or width
    columns = list(positions or columns)
    if columns[-1] <= 1:
        columns = [int(width * part) for part in columns]
    show("_" * width)
    show(_row(header, columns))
    show("=" * width)
    for layer in model.layers:
        for cells in _rows(layer, nodes):
            show(_row(cells, columns))
        show(("=" if layer is model.layers[-1] else "_") * width)
    for line in _totals(model):
        show(line)
    show("_" * width)


def _row(cells, columns):
    line = ""
    for cell, end in zip(cells, columns, strict=False):
        line = (line[:-1] + " " if line else "") + str(cell)
        line = line[:end].ljust(end)
    return line


def is_chain(model):
    """Say whether each layer of a model has one input, and is the only one to take it."""
    if hasattr(model, "_stack") or not model._is_graph:
        return True
    nodes = [node for node in model._nodes if not node.is_input]
    depths = [model._node_depths[id(node)] for node in model._nodes]
    if len(set(depths)) != len(depths) or any(len(node.input_tensors) > 1 for node in nodes):
        return False
    return len({id(node.operation) for node in nodes}) == len(nodes)


def _rows(layer, nodes):
    try:
        shape = layer.output_shape
    except AttributeError:
        shape = "multiple"
    cells = [f"{layer.name} ({type(layer).__name__})", shape, layer.count_params()]
    if nodes is None:
        return [cells]
    sources = [
        f"{t._keras_history.operation.name}[{t._keras_history.node_index}]"
        f"[{t._keras_history.tensor_index}]"
        for node in layer._inbound_nodes
        if id(node) in nodes
        for t in node.input_tensors
    ]
    first, *more = sources or [""]
    return [[*cells, first], *(["", "", "", source] for source in more)]


def _totals(model):
    weights = model.trainable_weights
    graph = getattr(model, "_graph", None)
    if graph is not None:
        weights = graph.trainable
    trainable = _size(weights)
    fixed = _size(model.non_trainable_weights)
    yield f"Total params: {trainable + fixed:,}"
    yield f"Trainable params: {trainable:,}"
    yield f"Non-trainable params: {fixed:,}"


def _size(weights):
    return sum(math.prod(w.shape) for w in {id(w): w for w in weights}.values())
