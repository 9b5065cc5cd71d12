"""The nodes of a layer: one for each call, with the layers that its inputs come from."""

from typing import Any

from minikeras import utils
from minikeras.autograd.symbolic import SymbolicNode
from minikeras.core import trees
from minikeras.keras2.backend.tensors import pass_phase_on, producer_of
from minikeras.layers.base.layer import Layer as EngineLayer


class Node(SymbolicNode):
    """One call of a layer on tensors of the graph.

    Args:
        outbound_layer: the layer that was called.
        inbound_layers: list of the layers that the inputs come from; empty for an input's layer.
        node_indices: list of the calls of those layers that gave the inputs.
        tensor_indices: list of the places of the inputs among the outputs of those calls.
        input_tensors: list of the inputs.
        output_tensors: list of the outputs.
        input_masks: list of the masks of the inputs.
        output_masks: list of masks of the outputs, which they carry from now on.
        input_shapes: list of the shapes of the inputs.
        output_shapes: list of shapes, which are those of the outputs from now on.
        arguments: dict of further arguments of the call.

    Example:
        >>> from minikeras.keras2.layers import Dense, Input
        >>> dense = Dense(2, name="scores")
        >>> y = dense(Input((3,), name="features"))
        >>> dense.inbound_nodes[0].get_config()["inbound_layers"]
        ['features']
    """

    def __init__(
        self,
        outbound_layer,
        inbound_layers,
        node_indices,
        tensor_indices,
        input_tensors,
        output_tensors,
        input_masks,
        output_masks,
        input_shapes,
        output_shapes,
        arguments=None,
    ):
        for tensor, mask, shape in zip(output_tensors, output_masks, output_shapes, strict=True):
            tensor.producer = producer_of(tensor)  # what computes it, if it is not the layer
            tensor._keras_mask, tensor._keras_shape = mask, shape
        inputs = list(input_tensors) if len(input_tensors) > 1 else input_tensors[0]
        args = (inputs,) if inbound_layers else ()
        SymbolicNode.__init__(self, outbound_layer, args, arguments, list(output_tensors))

    @classmethod
    def of_call(cls, layer, args=(), kwargs=None, outputs=None):
        """Return a node for a call with any arguments.

        Args:
            layer: the layer that was called.
            args: its arguments by place, tensors of the graph among them.
            kwargs: its arguments by name.
            outputs: nest of the tensors that it gave.

        Returns:
            A `Node`.
        """
        node = cls.__new__(cls)
        SymbolicNode.__init__(node, layer, args, kwargs, outputs)
        pass_phase_on(node)
        return node

    @classmethod
    def create_node(cls, outbound_layer, inbound_layers, node_indices=None, tensor_indices=None):
        """Call a layer on what others gave; see `Layer.add_inbound_node` of Keras 1.

        Args:
            outbound_layer: the layer that is called.
            inbound_layers: list of layers.
            node_indices: list of the calls of those layers, the first ones by default.
            tensor_indices: list of the outputs of those calls, the first ones by default.

        Returns:
            The `Node` of the call.
        """
        calls = node_indices or [0] * len(inbound_layers)
        places = tensor_indices or [0] * len(inbound_layers)
        taken = [
            layer.inbound_nodes[call].output_tensors[place]
            for layer, call, place in zip(inbound_layers, calls, places, strict=True)
        ]
        outbound_layer(taken if len(taken) > 1 else taken[0])
        return outbound_layer.inbound_nodes[-1]

    @property
    def outbound_layer(self):
        """The layer that was called."""
        return self.operation

    @property
    def output_tensors(self):
        """The outputs."""
        return self.outputs

    @property
    def inbound_layers(self):
        """The layer that each input comes from, None for the result of a function."""
        layers = [history.operation for history in self._histories()]
        return [layer if isinstance(layer, EngineLayer) else None for layer in layers]

    @property
    def node_indices(self):
        """Which call of that layer gave each input."""
        return [history.node_index for history in self._histories()]

    @property
    def tensor_indices(self):
        """The place of each input among the outputs of that call."""
        return [history.tensor_index for history in self._histories()]

    def _histories(self):
        return [tensor._keras_history for tensor in self.input_tensors]

    @property
    def input_masks(self):
        """The mask of each input, None where it has none."""
        return [tensor._keras_mask for tensor in self.input_tensors]

    @property
    def output_masks(self):
        """The mask of each output, None where it has none."""
        return [tensor._keras_mask for tensor in self.outputs]

    @property
    def input_shapes(self):
        """The shape of each input."""
        return [tensor.shape for tensor in self.input_tensors]

    @property
    def output_shapes(self):
        """The shape of each output."""
        return [tensor.shape for tensor in self.outputs]

    @property
    def arguments(self):
        """The further arguments of the call."""
        return self.kwargs

    def get_config(self):
        """Return the names of the layers, and where the inputs come from."""
        layers = self.inbound_layers
        return {
            "outbound_layer": self.operation.name,
            "inbound_layers": [None if layer is None else layer.name for layer in layers],
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }


def get_source_inputs(tensor, layer=None, node_index=None):
    """Return the inputs of the graph that a tensor is computed from.

    Args:
        tensor: tensor of the graph.
        layer: the layer that gave it, if another call of it is meant than that of the tensor.
        node_index: which call of that layer; the first by default.

    Returns:
        A list of tensors.

    Example:
        >>> from minikeras.keras2.engine.topology import get_source_inputs
        >>> from minikeras.keras2.layers import Dense, Input
        >>> x = Input((3,))
        >>> get_source_inputs(Dense(2)(x)) == [x]
        True
    """
    if layer is not None and layer._inbound_nodes:
        tensor = layer._inbound_nodes[node_index or 0].outputs[0]
    return list(utils.get_source_inputs(tensor))


class Nodes:
    """The part of Layer that tells of its calls."""

    name: str
    _inbound_nodes: list[Any]
    _outbound_nodes: list[Any]

    @property
    def inbound_nodes(self):
        """The nodes, in the order of the calls."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self):
        """The nodes of other layers that take this one's outputs."""
        return self._outbound_nodes

    def _at(self, node_index, which, what):
        if not self._inbound_nodes:
            raise RuntimeError(
                f"Layer '{self.name}' gets its {what} when it is called: call it first."
            )
        if not 0 <= node_index < len(self._inbound_nodes):
            raise ValueError(
                f"Asked to get {what} at node {node_index}, but the layer {self.name} has only "
                f"{len(self._inbound_nodes)} inbound nodes."
            )
        node = self._inbound_nodes[node_index]
        return node.outputs if which == "output" else trees.flatten(node.args[:1]) or node.outputs

    def get_input_at(self, node_index):
        """Return the input tensor (or a list of them) of a call."""
        return _one(self._at(node_index, "input", "input"))

    def get_output_at(self, node_index):
        """Return the output tensor (or a list of them) of a call."""
        return _one(self._at(node_index, "output", "output"))

    def get_input_shape_at(self, node_index):
        """Return the input shape (or a list of them) of a call."""
        return _one([t.shape for t in self._at(node_index, "input", "input shape")])

    def get_output_shape_at(self, node_index):
        """Return the output shape (or a list of them) of a call."""
        return _one([t.shape for t in self._at(node_index, "output", "output shape")])

    def get_input_mask_at(self, node_index):
        """Return the mask of the input of a call, None if there is none."""
        return _one([t._keras_mask for t in self._at(node_index, "input", "input mask")])

    def get_output_mask_at(self, node_index):
        """Return the mask of the output of a call, None if there is none."""
        return _one([t._keras_mask for t in self._at(node_index, "output", "output mask")])

    def _only(self, which):
        count = len(self._inbound_nodes)
        if count != 1:
            known = (
                f"has {count} inbound nodes, so it is ambiguous" if count else "is not connected"
            )
            raise AttributeError(
                f'Layer {self.name} {known}: no "layer {which}". Use `get_{which}_at(node_index)`.'
            )
        return self._at(0, which, which)

    @property
    def input(self):
        """The input tensor (or list of them) of the only call."""
        return _one(self._only("input"))

    @property
    def output(self):
        """The output tensor (or list of them) of the only call."""
        return _one(self._only("output"))

    @property
    def input_mask(self):
        """The mask of the input of the only call."""
        return _one([t._keras_mask for t in self._only("input")])

    @property
    def output_mask(self):
        """The mask of the output of the only call."""
        return _one([t._keras_mask for t in self._only("output")])

    @property
    def input_shape(self):
        """The input's shape, where all calls have the same one."""
        return self._common("input")

    @property
    def output_shape(self):
        """The output's shape, where all calls have the same one."""
        return self._common("output")

    def _common(self, which):
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer '{self.name}' gets its {which} shape when it is called: call it first."
            )
        calls = range(len(self._inbound_nodes))
        shapes = [_one([t.shape for t in self._at(i, which, which)]) for i in calls]
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(
                f'The layer "{self.name}" has multiple inbound nodes with different {which} '
                f"shapes: use `get_{which}_shape_at(node_index)`."
            )
        return shapes[0]


def _one(values):
    values = list(values)
    return values[0] if len(values) == 1 else values
