"""Network: a graph of layers from inputs to outputs, which is itself a layer.

Called on other tensors it calls its layers again, one after the other: their operations, losses and
updates become part of the graph there as well.
"""

from typing import Any

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import trees
from minikeras.keras2.backend.phases import Placeholder, is_fed
from minikeras.keras2.backend.tensors import producer_of
from minikeras.keras2.backend.variables import as_tensor
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.base.masks import output_of
from minikeras.keras2.engine.files import Files
from minikeras.keras2.engine.input_layer import InputLayer
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.engine.parts import Parts
from minikeras.keras2.engine.summary import print_summary
from minikeras.keras2.finder import elsewhere
from minikeras.layers.base.layer import Layer as EngineLayer
from minikeras.models.functional import Functional


class Network(Parts, Files, Layer, Functional):
    """A graph of layers.

    Args:
        inputs: tensor from `Input`, or a list of them (`input` in Keras 1).
        outputs: tensor that depends on the inputs, or a list of them (`output` in Keras 1).
        name: a name, or None for an automatic one.
    """

    _old_arguments = ("input", "output", "name")
    _is_traced = True
    _is_graph = False

    def __init__(self, inputs=None, outputs=None, name=None, **kwargs):
        inputs, outputs = kwargs.pop("input", inputs), kwargs.pop("output", outputs)
        Layer.__init__(self, name=name, **kwargs)
        if inputs is not None:
            self._declare(inputs, outputs)

    def _declare(self, inputs, outputs):
        """Take over a graph."""
        inputs, outputs = _flat(inputs), _flat(outputs)
        for tensor in inputs:
            if not isinstance(tensor, KerasTensor):
                raise TypeError(
                    f"Input tensors to a {type(self).__name__} must be symbolic tensors. "
                    f"Received: {tensor!r}"
                )
        self._init_graph(_one(inputs), _one(outputs))
        for operation in self._operations:
            if isinstance(operation, EngineLayer):
                self._track(operation)
        self.input_names = [t._keras_history.operation.name for t in self._inputs]
        self.output_names = [t._keras_history.operation.name for t in self._outputs]
        self._is_graph = True
        self._mark_built()

    def _init_graph(self, inputs, outputs):
        for tensor in trees.flatten(inputs):
            if getattr(tensor, "_keras_history", None) is None or isinstance(
                tensor._keras_history.operation, Placeholder
            ):
                InputLayer(input_tensor=tensor, name=tensor.name)
        Functional._init_graph(self, inputs, outputs)

    @property
    def layers(self):
        """The layers in the order in which they run."""
        if not self._is_graph:
            return list(self._layers)
        return [op for op in self._operations if isinstance(op, EngineLayer)]

    @property
    def input(self):
        """The symbolic input, or a list of them."""
        return _one(self.inputs)

    @property
    def output(self):
        """The symbolic output, or a list of them."""
        return _one(self.outputs)

    @property
    def input_shape(self):
        """The shape of the input, or a list of shapes."""
        return _one([t.shape for t in self.inputs])

    @property
    def output_shape(self):
        """The shape of the output, or a list of shapes."""
        return _one([t.shape for t in self.outputs])

    @property
    def fed_inputs(self):
        """The inputs whose data are given: those that no tensor of the graph stands for."""
        layers = [t._keras_history.operation for t in self.inputs]
        fed = [getattr(layer, "is_placeholder", True) for layer in layers]
        return [t for t, is_given in zip(self.inputs, fed, strict=True) if is_given]

    @property
    def stateful(self):
        """Whether a layer keeps a state from one batch to the next."""
        return any(getattr(layer, "stateful", False) for layer in self.layers)

    def reset_states(self):
        """Set the states that layers keep to zero."""
        for layer in self.layers:
            reset = getattr(layer, "reset_states", None)
            if reset is not None and getattr(layer, "stateful", False):
                reset()

    # Weights: each layer's own, in the order of the layers

    @property
    def trainable_weights(self):
        """The weights that training changes; none if the model is frozen."""
        return self._of_layers("trainable_weights") if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The other weights; all of them, trainable ones first, if the model is frozen."""
        fixed = self._of_layers("non_trainable_weights")
        return fixed if self.trainable else self._of_layers("trainable_weights") + fixed

    def _of_layers(self, what):
        by_id = {id(w): w for layer in self.layers for w in getattr(layer, what)}
        return list(by_id.values())

    def get_weights(self):
        """Return copies of the weights, layer by layer, as NumPy arrays."""
        return [w.numpy() for w in self._weights_by_layer()]

    def set_weights(self, weights):
        """Replace all weights.

        Args:
            weights: list of arrays, in the order of `get_weights()`.

        Raises:
            ValueError: if their number or a shape differs; then nothing has changed.
        """
        own = self._weights_by_layer()
        if len(own) != len(weights) or any(
            tuple(w.shape) != tuple(getattr(value, "shape", ()))
            for w, value in zip(own, weights, strict=False)
        ):
            raise ValueError(
                f"You called `set_weights(weights)` on model '{self.name}' with weights of shapes "
                f"{[getattr(v, 'shape', None) for v in weights]}; expected "
                f"{[tuple(w.shape) for w in own]}."
            )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def _weights_by_layer(self):
        return [w for layer in self.layers for w in layer.weights]

    def get_layer(self, name=None, index=None):
        """Return a layer by its place, or else by its name.

        Args:
            name: the layer's name.
            index: its place in `layers`.

        Returns:
            The layer.

        Raises:
            ValueError: if there is no such layer.
        """
        layers = self.layers
        if index is not None:
            if len(layers) <= index:
                raise ValueError(
                    f"There is no layer at index {index}: the model has {len(layers)} layers."
                )
            return layers[index]
        if not name:
            raise ValueError("`get_layer` needs the `name` or the `index` of a layer.")
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}")

    def summary(self, line_length=None, positions=None, print_fn=None):
        """Print a table of the layers.

        Args:
            line_length: width in characters, or None.
            positions: where columns end, as parts of the width or in characters, or None.
            print_fn: function that takes each line; `print` by default.
        """
        if not self.built:
            raise ValueError(
                "This model has never been called, thus its weights have not been created yet, so "
                "no summary can be displayed. Build the model first, by calling it on some test "
                "data."
            )
        print_summary(self, line_length, positions, print_fn)

    # Descriptions and files

    def get_config(self):
        """Return the configs of the layers, and how they are connected."""
        if not self._is_graph:
            raise NotImplementedError(
                f"Model {self.name!r} is described by code: define `get_config` in its class."
            )
        return configs.graph_config(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model, with new weights, from what `get_config` returned."""
        inputs, outputs, name = configs.graph_from_config(config, custom_objects)
        return cls(inputs=inputs, outputs=outputs, name=name)

    # Calls

    def call(self, inputs, mask=None):
        """Return what the layers make of other inputs.

        Args:
            inputs: tensor, or a list of them.
            mask: mask of the inputs, or a list of them; None for those that they carry.

        Returns:
            A tensor, or a list of them.
        """
        if not (self._is_graph and symbolic.any_symbolic((inputs,), None)):
            return Functional.call(self, inputs, mask=mask)
        masks = None if mask is None else _flat(mask)
        return _one(self.run_internal_graph(_flat(inputs), masks)[0])

    def _traced(self, args, kwargs):
        if not self._is_graph:
            return super()._traced(args, kwargs)
        results, losses, updates = self._run_again(_flat(args[0]))
        self.add_loss(losses, args[0])
        self.add_update(updates, args[0])
        return _one([output_of(r, getattr(r, "_keras_mask", None), None) for r in results])

    def _run_again(self, inputs):
        """Call the layers on other tensors; return the outputs and what the layers added."""
        known = {id(place): value for place, value in zip(self._inputs, inputs, strict=True)}
        losses, updates = [], []
        for node in self._nodes:
            if not node.input_tensors or all(id(t) in known for t in node.outputs):
                continue
            args, kwargs = node.fill(known)
            count = len(node.operation._inbound_nodes)
            outputs = node.operation(*args, **kwargs)
            _take_back_calls(node.operation, count)
            known.update(
                (id(t), value) for t, value in zip(node.outputs, _flat(outputs), strict=True)
            )
            if isinstance(node.operation, Layer):
                losses += node.operation.get_losses_for(args[0])
                updates += node.operation.get_updates_for(args[0])
        return [known.get(id(t), t) for t in self._outputs], losses, updates

    def compute_mask(self, inputs, mask=None):
        """Return the masks of the outputs."""
        return _one([getattr(t, "_keras_mask", None) for t in self.outputs])

    def compute_output_shape(self, input_shape):
        """Return the shape of the outputs for inputs of a shape."""
        return Functional.compute_output_shape(self, input_shape)

    @property
    def losses(self):
        """The terms that the layers add to the loss of this graph."""
        terms = self._penalties() + self._noted_anywhere(0)
        return terms + self._of_nodes("get_losses_for")

    @property
    def updates(self):
        """The updates of variables that go with each training step of this graph."""
        if not self.trainable and not self.stateful:
            return []
        return self._noted_anywhere(1) + self._of_nodes("get_updates_for")

    @property
    def state_updates(self):
        """The updates of the states of layers of one's own; the engine's keep theirs themselves."""
        by_id = {}
        for node in self._nodes:
            layer = node.operation
            if isinstance(layer, Network):
                by_id.update((id(u), u) for u in layer.state_updates)
            elif node.input_tensors and getattr(layer, "stateful", False):
                by_id.update((id(u), u) for u in layer.get_updates_for(node.args[0]))
        return list(by_id.values())

    def _noted_anywhere(self, which):
        """What this model and the layers inside it added without naming inputs, if it fits here."""
        layers = [sub for sub in self._flatten_layers() if isinstance(sub, Layer)]
        noted = [term for sub in layers for term in sub._noted.get((), ([], []))[which]]
        own = {id(t) for t in self.inputs}
        return [term for term in noted if _needed(getattr(term, "value", term)) <= own]

    def _of_nodes(self, method):
        by_id = {}
        for node in self._nodes:
            if node.input_tensors and isinstance(node.operation, Layer):
                terms = getattr(node.operation, method)(node.args[0])
                by_id.update((id(term), term) for term in terms)
        return list(by_id.values())

    def _penalties(self):
        weights = {id(w): w for sub in self._flatten_layers() for w in sub.weights}
        penalized = [w for w in weights.values() if w.regularizer is not None]
        return [w.regularizer(as_tensor(w)) for w in penalized]


def _take_back_calls(layer, count):
    """Leave a layer its first nodes alone.

    A call of a model is a node of the model, not of its layers: `layer.output` remains that of the
    call that made the model. What the layer computed here is known by its `producer`.
    """
    for node in layer._inbound_nodes[count:] if isinstance(layer, Layer) else ():
        for parent in node.parent_nodes:
            parent.operation._outbound_nodes.remove(node)
        for tensor in node.outputs:
            del tensor._keras_history
        layer._inbound_nodes.remove(node)


def _needed(tensor):
    """The ids of the placeholders that a tensor depends on."""
    by_id, seen, stack = set(), set(), [tensor]
    while stack:
        tensor = stack.pop()
        if not isinstance(tensor, KerasTensor) or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if is_fed(tensor):
            by_id.add(id(tensor))
        else:
            node: Any = producer_of(tensor)
            stack += trees.flatten((node.args, node.kwargs))
    return by_id


def _flat(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _one(values):
    return values[0] if len(values) == 1 else list(values)


__getattr__ = elsewhere(__name__)
