"""What a network tells of its graph: where it begins and ends, its nodes, and how deep they lie.

Keras 1 had these as attributes; in Keras 2 some of them have a leading underscore.
"""

from typing import Any

from minikeras.keras2.engine.base.masks import masks_of
from minikeras.layers.base.layer import Layer as EngineLayer


class Parts:
    """The part of Network that tells of its graph."""

    name: str
    inputs: Any
    outputs: Any
    fed_inputs: list[Any]
    _nodes: list[Any]
    _operations: list[Any]
    _node_depths: dict[int, int]
    _run_again: Any

    def run_internal_graph(self, inputs, masks=None):
        """Call the layers on other inputs.

        Args:
            inputs: list of tensors, one for each input of the network.
            masks: list of their masks, or None for those that they carry.

        Returns:
            Three lists: the outputs, their masks, and their shapes.
        """
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for tensor, mask in zip(inputs, masks or [], strict=False):
            tensor._keras_mask = mask
        outputs, _, _ = self._run_again(inputs)
        return outputs, masks_of(outputs), [tuple(t.shape) for t in outputs]

    @property
    def uses_learning_phase(self):
        """Whether an output depends on the learning phase."""
        return any(getattr(t, "_uses_learning_phase", False) for t in self.outputs)

    @property
    def input_layers(self):
        """The layer of each input."""
        return [t._keras_history.operation for t in self.inputs]

    @property
    def output_layers(self):
        """The layer that gives each output."""
        return [t._keras_history.operation for t in self.outputs]

    @property
    def internal_input_shapes(self):
        """The shape of each input."""
        return [t.shape for t in self.inputs]

    @property
    def internal_output_shapes(self):
        """The shape of each output."""
        return [t.shape for t in self.outputs]

    @property
    def nodes_by_depth(self):
        """The nodes by their distance from the outputs."""
        by_depth: dict[int, list[Any]] = {}
        for node in self._layer_nodes():
            by_depth.setdefault(self._node_depths[id(node)], []).append(node)
        return by_depth

    @property
    def layers_by_depth(self):
        """The layers by the greatest distance of their nodes from the outputs."""
        depths: dict[int, int] = {}
        for node in self._layer_nodes():
            layer, depth = id(node.operation), self._node_depths[id(node)]
            depths[layer] = max(depth, depths.get(layer, 0))
        by_depth: dict[int, list[Any]] = {}
        for layer in self._operations:
            if id(layer) in depths:
                by_depth.setdefault(depths[id(layer)], []).append(layer)
        return by_depth

    @property
    def container_nodes(self):
        """The names of the nodes, as `layer_ib-0`: the layer, and which of its calls."""
        return {
            f"{node.operation.name}_ib-{node.operation._inbound_nodes.index(node)}"
            for node in self._layer_nodes()
        }

    def _layer_nodes(self):
        return [node for node in self._nodes if isinstance(node.operation, EngineLayer)]

    # As Keras 2 spells them
    _input_layers, _output_layers = input_layers, output_layers
    _nodes_by_depth, _layers_by_depth = nodes_by_depth, layers_by_depth
    _network_nodes = container_nodes
    _feed_inputs = property(lambda self: self.fed_inputs)
    _feed_input_names = property(lambda self: [_source(t).name for t in self.fed_inputs])
    _feed_input_shapes = property(lambda self: [t.shape for t in self.fed_inputs])


def _source(tensor):
    return tensor._keras_history.operation
