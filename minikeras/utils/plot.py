"""Drawings of models: a box for each layer, an edge for each tensor, laid out by Graphviz.

Boxes are tables in Graphviz's HTML-like labels: https://graphviz.org/doc/info/shapes.html#html
"""

import html
import os
from dataclasses import dataclass
from typing import Any

from minikeras.core import trees
from minikeras.core.distribution import how_to_install
from minikeras.models import Functional, Sequential

_ROW = '<tr><td {cell}><font point-size="{size}"{colour}>{text}</font></td></tr>'


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draw a model and write the picture to a file.

    Args:
        model: a model whose layers have been built.
        to_file: path of the picture. Its extension says the format: `png`, `svg`, `pdf`, `dot` and
            what else Graphviz writes; `png` without an extension.
        show_shapes: bool, whether the boxes show the shapes of inputs and outputs.
        show_dtype: bool, whether they show the dtypes of outputs.
        show_layer_names: bool, whether they show the layers' names.
        rankdir: `"TB"` for inputs above outputs, `"LR"` for inputs to the left of outputs.
        expand_nested: bool, whether the layers of models inside the model are drawn.
        dpi: int, dots per inch.
        show_layer_activations: bool, whether the boxes show activation functions.
        show_trainable: bool, whether they show which layers with weights are trainable.
        splines: how edges run: `"ortho"`, `"curved"`, `"polyline"`, `"spline"` or `"line"`.
        **kwargs: nothing; what Keras 2 took besides is refused.

    Returns:
        An `IPython.display.Image` where IPython is installed and shows the format, else None.

    Raises:
        ValueError: if the model is not built, or an argument is unknown.
        ImportError: if pydot or the program `dot` of Graphviz is missing.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.layers.Dense(2)])
        >>> keras.utils.plot_model(model, "model.svg")
        Traceback (most recent call last):
        ValueError: The model 'sequential' has not been built...
    """
    dot: Any = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    path = os.fspath(to_file)
    extension = os.path.splitext(path)[1].removeprefix(".") or "png"
    try:
        dot.write(path, format=extension)
    except FileNotFoundError as error:
        raise ImportError(
            "Drawings of models need the program `dot` of Graphviz: see "
            "https://graphviz.org/download/ for how to install it. "
            "`keras.utils.model_to_dot(model).to_string()` is the drawing as a text."
        ) from error
    return _shown_in_notebooks(path, extension)


def _shown_in_notebooks(path, extension):
    if extension not in ("png", "jpg", "jpeg", "gif", "svg"):
        return None
    try:
        from IPython import display  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return display.SVG(filename=path) if extension == "svg" else display.Image(filename=path)


def model_to_dot(
    model,
    show_shapes=False,
    show_dtype=False,
    show_layer_names=True,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    subgraph=False,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Return a model as a graph of Graphviz.

    Args:
        model: a model whose layers have been built.
        show_shapes: bool, whether the boxes show the shapes of inputs and outputs.
        show_dtype: bool, whether they show the dtypes of outputs.
        show_layer_names: bool, whether they show the layers' names.
        rankdir: `"TB"` for inputs above outputs, `"LR"` for inputs to the left of outputs.
        expand_nested: bool, whether the layers of models inside the model are drawn.
        dpi: int, dots per inch.
        subgraph: bool, whether to return a part of another graph.
        show_layer_activations: bool, whether the boxes show activation functions.
        show_trainable: bool, whether they show which layers with weights are trainable.
        splines: how edges run: `"ortho"`, `"curved"`, `"polyline"`, `"spline"` or `"line"`.
        **kwargs: nothing; what Keras 2 took besides is refused.

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster` if `subgraph`.

    Raises:
        ValueError: if the model is not built, or an argument is unknown.
        ImportError: if pydot is missing.

    Example:
        >>> import minikeras as keras
        >>> layers = [keras.Input((3,)), keras.layers.Dense(2), keras.layers.ReLU()]
        >>> dot = keras.utils.model_to_dot(keras.Sequential(layers))
        >>> len(dot.get_nodes()), len(dot.get_edges())
        (3, 1)
    """
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has not been built: its layers are not known. Call it on "
            "data or call `build()` first."
        )
    if kwargs:
        raise ValueError(f"Unknown arguments: {list(kwargs)}")
    shown = _Shown(
        show_layer_names, show_layer_activations, show_shapes, show_dtype, show_trainable
    )
    if subgraph:
        return _cluster(model, shown, expand_nested)
    pydot = _pydot()
    dot = pydot.Dot(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
    dot.set_node_defaults(shape="record")
    _add_layers(dot, model, shown, expand_nested)
    return dot


def _pydot():
    try:
        import pydot
    except ImportError:
        message = f"Drawings of models need the package `pydot`. {how_to_install('plot')}"
        raise ImportError(message) from None
    return pydot


# The graph


def _cluster(model, shown, expand_nested):
    cluster = _pydot().Cluster(
        graph_name=model.name, style="dashed", label=model.name, labeljust="l"
    )
    _add_layers(cluster, model, shown, expand_nested)
    return cluster


def _add_layers(dot, model, shown, expand_nested):
    """Add a box for each layer, then the edges between them."""
    if not isinstance(model, (Sequential, Functional)):
        dot.add_node(_node(model, shown))
        return
    layers = model.layers if isinstance(model, Sequential) else model.operations
    for layer in layers:
        if expand_nested and isinstance(layer, (Sequential, Functional)):
            dot.add_subgraph(_cluster(layer, shown, expand_nested))
        else:
            dot.add_node(_node(layer, shown))
    for source, target in _edges(model, layers, expand_nested):
        _add_edge(dot, source, target)


def _edges(model, layers, expand_nested):
    """Yield the two ends of each edge."""
    if isinstance(model, Sequential) and not expand_nested:
        yield from zip(layers, layers[1:], strict=False)
        return
    in_model = {id(node) for node in model._nodes} if isinstance(model, Functional) else None
    for layer in layers[1:] if in_model is None else layers:
        for node in layer._inbound_nodes:
            if in_model is None or id(node) in in_model:
                yield from _edges_into(layer, node, expand_nested)


def _edges_into(layer, node, expand_nested):
    for i, tensor in enumerate(node.input_tensors):
        history = tensor._keras_history
        if expand_nested:
            yield _source(history.operation, history.tensor_index), _target(layer, i)
        else:
            yield history.operation, layer


def _source(operation, index):
    """The box where an output is made: inside a model, the layer that makes it."""
    while isinstance(operation, (Sequential, Functional)):
        operation, _, index = operation.outputs[index]._keras_history
    return operation


def _target(operation, index):
    """The box where an input goes: inside a model, its input or first layer."""
    while isinstance(operation, (Sequential, Functional)):
        if isinstance(operation, Functional):
            operation = operation.inputs[index]._keras_history.operation
        else:
            operation = operation.layers[0]
    return operation


def _add_edge(dot, source, target):
    ends = str(id(source)), str(id(target))
    if not dot.get_edge(*ends):
        dot.add_edge(_pydot().Edge(*ends, penwidth="2"))


# The boxes


@dataclass(frozen=True)
class _Shown:
    """What the boxes show besides the layers' classes."""

    names: bool
    activations: bool
    shapes: bool
    dtypes: bool
    trainable: bool

    @property
    def columns(self):
        return max(1, 2 * self.shapes + self.dtypes + self.trainable)


def _node(layer, shown):
    return _pydot().Node(
        str(id(layer)), label=_label(layer, shown), fontname="Helvetica", border="0", margin="0"
    )


def _label(layer, shown):
    """The table of a box: the class, the activation, and a row of cells."""
    kind = _class_name(layer)
    title = f"<b>{html.escape(layer.name)}</b> ({kind})" if shown.names else f"<b>{kind}</b>"
    rows = [
        _ROW.format(
            cell=f'colspan="{shown.columns}" bgcolor="black"',
            size=16,
            colour=' color="white"',
            text=title,
        )
    ]
    activation = getattr(layer, "activation", None) if shown.activations else None
    if activation is not None:
        rows.append(
            _ROW.format(
                cell=f'bgcolor="white" colspan="{shown.columns}"',
                size=14,
                colour="",
                text=f"Activation: <b>{html.escape(_name_of(activation))}</b>",
            )
        )
    cells = "".join(_cells(layer, shown))
    if cells:
        rows.append(f"<tr>{cells}</tr>")
    table = 'table border="0" cellborder="1" bgcolor="black" cellpadding="10"'
    return f"<<{table}>{''.join(rows)}</table>>"


def _cells(layer, shown):
    """Yield the cells of the last row."""
    if shown.shapes:
        shapes = _of_tensors(layer, lambda tensor: tensor.shape, ("input", "output"))
        if _class_name(layer) != "InputLayer":
            yield _cell(f"Input shape: <b>{_format_shape(shapes[0])}</b>")
        yield _cell(f"Output shape: <b>{_format_shape(shapes[1])}</b>")
    if shown.dtypes:
        (dtype,) = _of_tensors(layer, lambda tensor: tensor.dtype, ("output",))
        yield _cell(f"Output dtype: <b>{dtype or '?'}</b>")
    if shown.trainable and getattr(layer, "weights", None):
        colour, word = (
            ("forestgreen", "Trainable") if layer.trainable else ("firebrick", "Non-trainable")
        )
        yield _cell(f"<b>{word}</b>", background=colour, colour=' color="white"')


def _cell(text, background="white", colour=""):
    return f'<td bgcolor="{background}"><font point-size="14"{colour}>{text}</font></td>'


def _of_tensors(layer, attribute, sides):
    """What a layer's inputs or outputs have; None for each if it was called several times."""
    try:
        return [trees.map_structure(attribute, getattr(layer, side)) for side in sides]
    except (ValueError, AttributeError):  # the call of which they are is not certain
        return [None for _ in sides]


def _format_shape(shape):
    if shape is None:
        return "?"
    if isinstance(shape, dict):
        shape = ", ".join(f"{key}: {value}" for key, value in shape.items())
    return str(shape).replace("{", "").replace("}", "")


def _class_name(layer):
    return getattr(layer, "class_name", None) or type(layer).__name__


def _name_of(activation):
    for attribute in ("name", "__name__"):
        if hasattr(activation, attribute):
            return getattr(activation, attribute)
    return str(activation)
