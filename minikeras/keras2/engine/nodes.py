"""The nodes of a layer, by their numbers: a layer has one for each call on symbolic tensors."""

from typing import Any

from minikeras.core import trees


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
