"""The table of a model's layers, with shapes, numbers of parameters and, for graphs, connections.

Widths are those of the console less a margin, up to what such a table needs; `rich` lays it out.
"""

import math
import re
import shutil
from typing import Any

from minikeras.core import console, rich, settings, trees
from minikeras.layers.base.layer import Layer

_WIDEST_LIST = 88
_WIDEST_GRAPH = 108
_WIDTH_OF_TRAINABLE = 12
_MARGIN = 4
_LIST_POSITIONS = (0.45, 0.80, 1.0)
_GRAPH_POSITIONS = (0.3, 0.56, 0.74, 1.0)
_SHARE_BESIDE_TRAINABLE = 0.9  # of the width, for the columns before "Trainable"
_JUSTIFY: dict[str, Any] = {"Param #": "right", "Trainable": "center"}
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def print_summary(
    model,
    line_length=None,
    positions=None,
    print_fn=None,
    expand_nested=False,
    show_trainable=False,
    layer_range=None,
):
    """Print a table of a model's layers and its numbers of parameters.

    Args:
        model: the model.
        line_length: width of the table in characters; by default what the console allows.
        positions: right edges of the columns as shares of the width, rising to 1, without the
            column for `show_trainable`.
        print_fn: function that takes the whole text in place of standard output.
        expand_nested: whether the layers of models inside the model are listed as well.
        show_trainable: whether a column says which layers are trainable.
        layer_range: pair of patterns (regular expressions) for the names of the first and the last
            layer to be listed.

    Raises:
        ValueError: if `positions` is too short, or no layer is named as `layer_range` says.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")], name="m")
        >>> model.summary(line_length=40, print_fn=lambda text: print(text.splitlines()[-3]))
         Total params: 9 (36.00 B)
    """
    chosen = _chosen_layers(model, layer_range)
    nodes = _graph_nodes(model)
    connections = None if _is_chain(nodes) else {id(node) for node in nodes}
    headers = ["Layer (type)", "Output Shape", "Param #"]
    if connections is not None:
        headers.append("Connected to")
    if show_trainable:
        headers.append("Trainable")
    table = _empty_table(headers, line_length, positions)
    _add_rows(table, chosen, connections, expand_nested, show_trainable)

    to_screen = print_fn is None and settings.is_interactive_logging_enabled()
    colours = {} if to_screen else {"force_terminal": False, "color_system": None}
    out = rich.console.Console(highlight=False, **colours)
    with out.capture() as capture:
        out.print(f'[bold]Model: "{rich.markup.escape(model.name)}"[/bold]')
        out.print(table)
        for line in _totals(model):
            out.print(line)
    if print_fn is not None:
        print_fn(capture.get())
    else:
        console.print_message(capture.get(), line_break=False)


# Which layers, and how they are connected


def _chosen_layers(model, layer_range):
    """The rows' layers: a graph's ops are listed as well."""
    layers = list(getattr(model, "operations", None) or model.layers)
    if not layer_range:
        return layers
    if len(layer_range) != 2:
        raise ValueError(
            "`layer_range` must be the names of two layers, the first and the last to be shown. "
            f"Received: layer_range={layer_range} of length {len(layer_range)}"
        )
    matches = [
        [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    ]
    if not all(matches):
        raise ValueError(
            "The names in layer_range do not match the names of layers in the model. Received: "
            f"{layer_range}. The layers are: {[layer.name for layer in layers]}"
        )
    first, last = matches
    if min(first) > max(last):
        first, last = last, first
    return layers[min(first) : max(last) + 1]


def _graph_nodes(model):
    """The nodes of a graph model; none for other kinds."""
    return list(model._nodes) if hasattr(model, "operations") else []


def _is_chain(nodes):
    """Whether every node has one input, its own operation, and its own node to take input from."""
    if not nodes:
        return True
    sources = [_source(node) for node in nodes if not node.is_input]
    return (
        all(len(node.input_tensors) <= 1 for node in nodes)
        and len(nodes) - len(sources) == 1
        and len({id(node.operation) for node in nodes}) == len(nodes)
        and len(set(sources)) == len(sources)
    )


def _source(node):
    operation, node_index, _ = node.input_tensors[0]._keras_history
    return id(operation), node_index


# Layout


def _empty_table(headers, line_length, positions):
    is_graph, has_trainable = "Connected to" in headers, "Trainable" in headers
    if line_length is None:
        widest = _WIDEST_GRAPH if is_graph else _WIDEST_LIST
        widest += _WIDTH_OF_TRAINABLE if has_trainable else 0
        line_length = min(shutil.get_terminal_size().columns - _MARGIN, widest)
    if positions is None:
        positions = _GRAPH_POSITIONS if is_graph else _LIST_POSITIONS
    if has_trainable:
        positions = [*(p * _SHARE_BESIDE_TRAINABLE for p in positions), 1.0]
    if len(positions) < len(headers):
        raise ValueError(
            f"`positions` must have a number for each of the columns {headers}. "
            f"Received: positions={positions}"
        )
    edges = [0, *(int(line_length * p) for p in positions)]
    columns = [
        rich.table.Column(header, justify=_JUSTIFY.get(header, "left"), width=right - left)
        for header, left, right in zip(headers, edges, edges[1:], strict=False)
    ]
    return rich.table.Table(*columns, width=line_length, show_lines=True)


def _add_rows(table, layers, connections, expand_nested, show_trainable, depth=0):
    for layer in layers:
        cells = [_name(layer, depth), _output_shape(layer), _params(layer)]
        if connections is not None:
            cells.append(_connected_to(layer, connections))
        if show_trainable:
            cells.append(_trainable(layer))
        table.add_row(*cells)
        nested = getattr(layer, "layers", None)
        if expand_nested and nested:
            _add_rows(table, nested, connections, True, show_trainable, depth + 1)


# Cells


def _number(value):
    return f"[color(34)]{value:,}[/]" if isinstance(value, int) else f"[color(45)]{value}[/]"


def _name(layer, depth):
    indent = "   " * depth + "└ " if depth else ""
    kind = getattr(layer, "class_name", None) or type(layer).__name__
    return f"{indent}{rich.markup.escape(layer.name)} ([color(33)]{rich.markup.escape(kind)}[/])"


def _output_shape(layer):
    nodes = layer._inbound_nodes
    if nodes:
        shapes = [tensor.shape for tensor in trees.flatten(nodes[-1].outputs)]
        return _format_shape(shapes[0] if len(shapes) == 1 else shapes)
    return _format_shape(_shape_from_build(layer))


def _shape_from_build(layer):
    """The output's shape for the input's shape that a layer was built with, or None."""
    if not layer.built:
        return None
    if hasattr(layer, "output_shape"):
        return layer.output_shape
    if type(layer).build is Layer.build:  # such layers keep no shape
        return None
    shapes = layer.get_build_config()
    if not shapes:
        return None
    try:
        if "shapes_dict" in shapes:
            return layer.compute_output_shape(**shapes["shapes_dict"])
        return layer.compute_output_shape(shapes["input_shape"])
    except (NotImplementedError, TypeError, ValueError):  # the shape is not known without a call
        return None


def _format_shape(shape):
    if shape is None:
        return "?"
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{k}: {_format_shape(v)}" for k, v in shape.items()) + "}"
    if trees.is_nested(shape) and all(size is None or isinstance(size, int) for size in shape):
        return f"({', '.join(_format_size(size) for size in shape)})"
    inner = ", ".join(_format_shape(part) for part in shape)
    return f"[{inner}]" if isinstance(shape, list) else f"({inner})"


def _format_size(size):
    return f"[color(45)]{size}[/]" if size is None else f"[color(34)]{size}[/]"


def _params(layer):
    if not hasattr(layer, "count_params"):
        return _number(0)
    if not layer.built:
        return f"{_number(0)} (unbuilt)"
    return _number(layer.count_params())


def _connected_to(layer, relevant):
    """`name[call][output]` of every tensor that flows into the layer in this graph."""
    sources = []
    for node in layer._inbound_nodes:
        if id(node) not in relevant:
            continue
        for tensor in node.input_tensors:
            operation, node_index, tensor_index = tensor._keras_history
            name = rich.markup.escape(operation.name)
            sources.append(f"{name}[{_number(node_index)}][{_number(tensor_index)}]")
    return ", ".join(sources) or "-"


def _trainable(layer):
    if not getattr(layer, "weights", None):
        return "[bold]-[/]"
    return "[bold color(34)]Y[/]" if layer.trainable else "[bold color(9)]N[/]"


# Totals


def _totals(model):
    groups = {
        "Trainable params": _size(model.trainable_weights),
        "Non-trainable params": _size(model.non_trainable_weights),
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        groups["Optimizer params"] = _size(optimizer.variables)
    counts, bits = zip(*groups.values(), strict=True)
    groups = {"Total params": (sum(counts), sum(bits)), **groups}
    for label, (count, size) in groups.items():
        yield f"[bold] {label}: [/bold]{_number(count)} ({_format_memory(size / 8)})"


def _size(variables):
    """The number of elements and of bits in variables."""
    count = bits = 0
    for variable in variables:
        elements = math.prod(variable.shape)
        count += elements
        bits += elements * _bits_of(str(variable.dtype))
    return count, bits


def _bits_of(dtype):
    digits = re.search(r"\d+", dtype)
    return int(digits.group()) if digits else 1  # bool


def _format_memory(size):
    """Bytes in the largest unit of which there is at least one."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size /= 1024
        power += 1
    return f"{size:.2f} {_UNITS[power]}"
