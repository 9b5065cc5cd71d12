"""Functional: a model that is a graph of layers from inputs to outputs."""

import copy
from typing import Any

from minikeras.autograd.symbolic import KerasTensor, OpCall
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, registry, trees
from minikeras.layers.base import Layer
from minikeras.layers.core import Input, InputLayer
from minikeras.layers.input_spec import InputSpec
from minikeras.models.graph import Graph, detached
from minikeras.models.model import Model
from minikeras.training.trainer import Trainer


class Functional(Graph, Model):
    """A model given by its symbolic inputs and outputs; made by `Model(inputs, outputs)`.

    Args:
        inputs: nest of KerasTensors from `Input`, or tensors inside another model.
        outputs: nest of KerasTensors that depend on the inputs.
        name: a name, or None for an automatic one.
        **kwargs: `trainable` and `dtype`.

    Raises:
        ValueError: if an output is not connected to the inputs.

    Example:
        >>> import minikeras as keras
        >>> x = keras.Input((3,))
        >>> keras.models.Functional(x, keras.layers.Dense(2)(x)).output_shape
        (None, 2)
    """

    def __new__(cls, *args, **kwargs):
        """Make what every layer is made as: here a graph is given, so there is no choice."""
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs, outputs, name=None, **kwargs):
        trainable = kwargs.pop("trainable", None)
        Trainer.__init__(self)
        Layer.__init__(self, name=name, **kwargs)
        inputs, outputs = _plain(inputs), _plain(outputs)
        _check_unique_inputs(inputs)
        for tensor in trees.flatten(inputs):
            _make_input(tensor)
        if not all(isinstance(_origin(t), InputLayer) for t in trees.flatten(inputs)):
            inputs, outputs = _cut_out(inputs, outputs)
        object.__setattr__(self, "_graph_parts", None)
        self._init_graph(inputs, outputs)
        for operation in self._operations:
            if isinstance(operation, Layer):
                self._track(operation)
        self._check_unique_names()
        self.input_names = [_origin(t).name for t in self._inputs]
        self.output_names = [_origin(t).name for t in self._outputs]
        self._build_shapes = trees.map_structure(lambda t: t.shape, inputs)
        self._mark_built()
        if trainable is not None:
            self.trainable = trainable

    def __setattr__(self, name, value):
        if name in _GRAPH_ATTRIBUTES:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    __call__: Any = Layer.__call__

    def build(self, input_shape):
        """Do nothing: a graph's layers were built when it was declared."""
        self.built = True

    def get_build_config(self):
        """Return that nothing is known or needed: the graph is in `get_config`."""
        return {"input_shape": None}

    def _check_unique_names(self):
        seen = set()
        for operation in self._operations:
            if operation.name in seen:
                raise ValueError(
                    f"The name \"{operation.name}\" is used {2} times in the model. All operation "
                    "names should be unique."
                )
            seen.add(operation.name)

    @property
    def layers(self):
        """The layers in the order in which they run."""
        return [op for op in self._operations if isinstance(op, Layer)]

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
        )

    @property
    def input(self):
        """The nest of symbolic inputs that the model was made with."""
        return self._inputs_struct

    @property
    def output(self):
        """The nest of symbolic outputs that the model was made with."""
        return self._outputs_struct

    def call(self, inputs, training=None, mask=None):
        """Run the graph.

        Args:
            inputs: nest of tensors like the model's inputs.
            training: whether layers behave as in training.
            mask: nest of masks of the inputs, or None.

        Returns:
            A nest of tensors like the model's outputs.
        """
        values = self._standardize(inputs)
        if mask is not None:
            for value, m in zip(values, trees.flatten(mask), strict=True):
                if m is not None:
                    value._keras_mask = m
        return self._run_graph(values, training)

    def compute_output_spec(self, *args, **kwargs):
        """Return symbolic outputs for symbolic inputs, without adding to any graph."""
        return Layer.compute_output_spec(self, *args, **kwargs)

    def _declares_output(self):
        return False

    def _standardize(self, inputs) -> list[Any]:
        """Return the values in the order of the inputs, each of the rank that its input has."""
        values = self._flat_values(inputs)
        if len(values) != len(self._inputs):
            raise ValueError(
                f"Layer \"{self.name}\" expects {len(self._inputs)} input(s), but it received "
                f"{len(values)} input tensors."
            )
        return [_adjusted(x, place, name, self.name)
                for x, place, name in zip(values, self._inputs, self.input_names, strict=True)]

    def _flat_values(self, inputs):
        """Put the values into the order of the model's inputs; dicts go by name."""
        if isinstance(inputs, dict):
            names = self.input_names
            if isinstance(self._inputs_struct, dict):
                names = sorted(self._inputs_struct)
            _check_keys(inputs, names, self.name)
            if all(not trees.is_nested(value) for value in inputs.values()):
                return [inputs[key] for key in names]
        return trees.flatten(inputs)

    @property
    def input_spec(self):
        """What the inputs must look like."""
        return None

    @input_spec.setter
    def input_spec(self, value):
        """Ignore: a graph checks its inputs against its own placeholders."""

    def input_specs(self):
        """Return one `InputSpec` for each input."""
        return [InputSpec(shape=(None, *t.shape[1:]), name=n)
                for t, n in zip(self._inputs, self.input_names, strict=True)]

    def get_config(self):
        """Return the configs of all layers and how they are connected."""
        if type(self).get_config is not Functional.get_config and not self._nodes:
            return Layer.get_config(self)
        config = {"name": self.name, "trainable": self.trainable}
        owned = {id(node) for node in self._nodes}
        places = self._saved_places(owned)
        config["layers"] = [self._saved_operation(op, owned, places) for op in self._operations]
        config["input_layers"] = _saved_refs(self._inputs_struct, places)
        config["output_layers"] = _saved_refs(self._outputs_struct, places)
        return config

    def _saved_places(self, owned):
        """For `(operation, node index)` the index among the nodes of this model."""
        places = {}
        for op in self._operations:
            mine = [i for i, node in enumerate(op._inbound_nodes) if id(node) in owned]
            places.update({(id(op), original): kept for kept, original in enumerate(mine)})
        return places

    def _saved_operation(self, op, owned, places):
        saved = {"module": "keras", "class_name": "Op", "config": {"name": op.name},
                 "registered_name": None}
        if isinstance(op, Layer):
            saved = registry.serialize(op)
        elif isinstance(op, OpCall):
            saved["class_name"] = op.class_name
            saved["module"] = "keras.ops"
            saved["config"]["op"] = op.op.name
        saved["name"] = op.name
        saved["inbound_nodes"] = [
            _saved_node(node, places) for node in op._inbound_nodes
            if id(node) in owned and node.input_tensors
        ]
        return saved


_GRAPH_ATTRIBUTES = frozenset(
    [
        "_inputs_struct",
        "_outputs_struct",
        "_inputs",
        "_outputs",
        "_nodes",
        "_operations",
        "_node_depths",
        "_plan",
        "input_names",
        "output_names",
        "_build_shapes",
    ]
)
# Keras has no public name for the class of graph models and writes down this one.
registry.Table("graph model", "keras.src.models.functional").add(Functional)
registry.late_bound["functional"] = Functional


def _plain(tree):
    """A nest without the tracked containers of layers."""
    return trees.map_structure(lambda t: t, tree)


def _check_unique_inputs(inputs):
    flat = trees.flatten(inputs)
    if len({id(t) for t in flat}) != len(flat):
        raise ValueError(
            f"The list of inputs passed to the model contains the same tensor twice: {inputs}"
        )


def _origin(tensor):
    return tensor._keras_history.operation


def _make_input(tensor):
    """A symbolic tensor that no operation made becomes an input of its own."""
    if isinstance(tensor, KerasTensor) and not hasattr(tensor, "_keras_history"):
        InputLayer(input_tensor=tensor, name=tensor.name)


def _cut_out(inputs, outputs):
    """A graph that begins in the middle of another, on inputs of its own."""
    flat = trees.flatten(inputs)
    fresh = [
        t
        if isinstance(_origin(t), InputLayer)
        else Input(batch_shape=t.shape, dtype=t.dtype, name=f"{t.name}CLONE")
        for t in flat
    ]
    ends = detached(flat, trees.flatten(outputs), fresh)
    return trees.pack_sequence_as(inputs, fresh), trees.pack_sequence_as(outputs, ends)


def _check_keys(inputs, names, model_name):
    missing = [name for name in names if name not in inputs]
    surplus = [name for name in inputs if name not in names]
    if missing or surplus:
        raise ValueError(
            f"The dict of inputs of model \"{model_name}\" does not fit: expected the keys "
            f"{list(names)}, received {list(inputs)}; missing {missing}, surplus {surplus}."
        )


def _adjusted(x, place, name, model_name):
    """Add or drop a last axis of size 1 where the rank is off by it; else raise."""
    wanted = place.dims
    if x is None:
        return None
    shape = tuple(x.shape)
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        x = _keeping_mask(x, x[..., 0])
    elif len(shape) == len(wanted) - 1 and wanted and wanted[-1] == 1:
        x = _keeping_mask(x, x[..., None])
    shape = tuple(x.shape)
    fits = len(shape) == len(wanted) and all(
        isinstance(want, dims.Dim) or isinstance(size, dims.Dim) or want == size
        for want, size in zip(wanted[1:], shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f'Input "{name}" of model "{model_name}" is incompatible: expected shape='
            f"{dims.to_public(wanted)}, found shape={dims.to_public(shape)}"
        )
    return x


def _keeping_mask(x, changed):
    mask = getattr(x, "_keras_mask", None)
    if mask is not None and isinstance(changed, Tensor):
        changed._keras_mask = mask
    return changed


def _ref(tensor, places):
    operation, node_index, tensor_index = tensor._keras_history
    return [operation.name, places[id(operation), node_index], tensor_index]


def _saved_refs(struct, places):
    refs = [_ref(t, places) for t in trees.flatten(struct)]
    if not trees.is_nested(struct):
        return refs[0]
    return _like(struct, iter(refs))


def _like(struct, refs):
    if isinstance(struct, dict):
        return {key: _like(struct[key], refs) for key in sorted(struct)}
    if isinstance(struct, (list, tuple)):
        return [_like(item, refs) for item in struct]
    return next(refs)


def _saved_node(node, places):
    def saved(leaf):
        if isinstance(leaf, KerasTensor):
            return _SavedTensor(leaf, places)
        return leaf

    args = trees.map_structure(saved, node.args)
    kwargs = trees.map_structure(saved, node.kwargs)
    return {
        "args": [registry.serialize(a) for a in args],
        "kwargs": {key: registry.serialize(value) for key, value in kwargs.items()},
    }


class _SavedTensor:
    """A reference to a symbolic tensor inside a config."""

    def __init__(self, tensor, places):
        self.config = {
            "shape": list(tensor.shape),
            "dtype": tensor.dtype,
            "keras_history": _ref(tensor, places),
        }


registry.special_form(
    "__keras_tensor__",
    lambda t: isinstance(t, _SavedTensor),
    lambda t: t.config,
    lambda config, custom: _Reference(*config["keras_history"]),
)


class _Reference:
    """A symbolic tensor to be found again: an operation's name, a node and an output index."""

    def __init__(self, name, node_index, tensor_index):
        self.key = (name, node_index, tensor_index)


def functional_from_config(cls, config, revive_layer=None):
    """Rebuild a graph model: make every layer, then repeat the recorded calls in order.

    Args:
        cls: the model's class.
        config: what `get_config` returned.
        revive_layer: function of a layer's saved form that makes it; from its config by default.
    """
    config = copy.deepcopy(config)
    operations, waiting = {}, []
    for saved in config["layers"]:
        operation = _revived_operation(saved, revive_layer)
        operations[saved["name"]] = operation
        waiting.extend((operation, node) for node in saved["inbound_nodes"])
    while waiting:
        left = [call for call in waiting if not _replay(*call, operations)]
        if len(left) == len(waiting):
            raise ValueError("The model's config cannot be rebuilt: its calls form a circle.")
        waiting = left
    inputs = _found_refs(config["input_layers"], operations)
    outputs = _found_refs(config["output_layers"], operations)
    model = cls(inputs, outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


registry.late_bound["functional_from_config"] = functional_from_config


def _revived_operation(saved, revive_layer):
    if saved["module"] == "keras.ops":
        op = registry.late_bound["find_op"](saved["config"].get("op") or saved["class_name"])
        return OpCall(op, name=saved["name"])
    if revive_layer is not None:
        return revive_layer(saved)
    return registry.deserialize({k: saved[k] for k in saved if k not in ("name", "inbound_nodes")})


def _replay(operation, node, operations):
    """Repeat one call, if all tensors that it needs exist by now."""
    args = registry.deserialize(node["args"])
    kwargs = registry.deserialize(node["kwargs"])
    leaves = [leaf for leaf in trees.flatten((args, kwargs)) if isinstance(leaf, _Reference)]
    if not all(_exists(leaf.key, operations) for leaf in leaves):
        return False
    find = lambda leaf: _find(leaf.key, operations) if isinstance(leaf, _Reference) else leaf  # noqa: E731
    operation(*trees.map_structure(find, args), **trees.map_structure(find, kwargs))
    return True


def _exists(key, operations):
    name, node_index, _ = key
    return node_index < len(operations[name]._inbound_nodes)


def _find(key, operations):
    name, node_index, tensor_index = key
    return operations[name]._inbound_nodes[node_index].outputs[tensor_index]


def _found_refs(refs, operations):
    if isinstance(refs, dict):
        return {key: _found_refs(value, operations) for key, value in refs.items()}
    if refs and isinstance(refs[0], str):
        return _find(tuple(refs), operations)
    return [_found_refs(ref, operations) for ref in refs]
