"""Functional: a model that is a graph of layers from inputs to outputs."""

from typing import Any

from minikeras.autograd.base_ops import cast
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, registry, trees
from minikeras.core.old_names import HOW
from minikeras.layers.base.call_spec import context
from minikeras.layers.base.input_spec import InputSpec, check_count
from minikeras.layers.base.layer import Layer
from minikeras.layers.core.input_layer import Input, InputLayer
from minikeras.models.graph import GRAPH_ATTRIBUTES, Graph, detached
from minikeras.models.model import Model, graph_base, takes_graph
from minikeras.models.written import functional_from_config, graph_config
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
        return Trainer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs, outputs, name=None, **kwargs):
        trainable = kwargs.pop("trainable", None)
        Layer.__init__(self, name=name, **kwargs)
        inputs, outputs = _plain(inputs), _plain(outputs)
        _check_unique_inputs(inputs)
        for tensor in trees.flatten(inputs):
            _make_input(tensor)
        if not all(isinstance(_origin(t), InputLayer) for t in trees.flatten(inputs)):
            inputs, outputs = _cut_out(inputs, outputs)
        if type(self) is Functional:  # or it would hold, and copy, what it was cut out of
            object.__setattr__(self, "_arguments", ((), {}))
        self._init_graph(inputs, outputs)
        for operation in self._operations:
            if isinstance(operation, Layer):
                self._track(operation)
        self.input_names = [_origin(t).name for t in self._inputs]
        self.output_names = [_origin(t).name for t in self._outputs]
        self._build_shapes = trees.map_structure(lambda t: t.shape, inputs)
        self._mark_built()
        if trainable is not None:
            self.trainable = trainable

    def __setattr__(self, name, value):
        if name in _QUIET_ATTRIBUTES:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __reduce__(self):
        return _blank, (type(self),), self.__getstate__()

    __call__: Any = Layer.__call__
    compute_output_shape: Any = Layer.compute_output_shape

    def build(self, input_shape):
        """Do nothing: a graph's layers were built when it was declared."""
        self.built = True

    def get_build_config(self):
        """Return that nothing is known or needed: the graph is in `get_config`."""
        return {"input_shape": None}

    @property
    def layers(self):
        """The layers in the order in which they run."""
        return [op for op in self._operations if isinstance(op, Layer)]

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "A model lists its own layers in `layers`: give the attribute another name."
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
            A nest of tensors like the model's outputs; a list or tuple of one comes without it.
        """
        values = self._standardize(inputs)
        if mask is not None:
            for value, m in zip(values, trees.flatten(mask), strict=True):
                if m is not None:
                    value._keras_mask = m
        outputs = self._run_graph(values, training)
        alone = isinstance(outputs, (list, tuple)) and len(outputs) == 1
        return outputs[0] if alone else outputs

    def _infer(self, args, kwargs):
        """Run the graph on shapes alone; symbolic outputs keep the nest that was declared."""
        outputs = super()._infer(args, kwargs)
        if type(self).call is not Functional.call:
            return outputs
        return trees.pack_sequence_as(self._outputs_struct, trees.flatten(outputs))

    def compute_output_spec(self, *args, **kwargs):
        """Return symbolic outputs for symbolic inputs, without adding to any graph."""
        return Layer.compute_output_spec(self, *args, **kwargs)

    def add_loss(self, loss):
        """Add a term to the loss, from the `call` of a subclass; a graph has no other place for it.

        Args:
            loss: scalar tensor, or a nest of them.

        Raises:
            NotImplementedError: if the model is not being called.
            ValueError: if a term is no tensor with values.
        """
        if context.entry is None:
            raise NotImplementedError(
                f"`add_loss()` has no effect on graph model '{self.name}' outside of a call. Let a "
                "layer of the graph do it: one whose `call()` passes a tensor to `self.add_loss()` "
                f"and returns its input. Received: {loss}. In Keras 2 it took tensors of the "
                f"graph.{HOW}"
            )
        super().add_loss(loss)

    def _declares_output(self):
        return False

    def _standardize(self, inputs) -> list[Any]:
        """Return the values in the order of the inputs, with the rank and dtype of each of them."""
        values = self._flat_values(inputs)
        check_count(self.name, len(self._inputs), values)
        return [
            _adjusted(x, place, name, self.name)
            for x, place, name in zip(values, self._inputs, self.input_names, strict=True)
        ]

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
        return [
            InputSpec(shape=(None, *t.shape[1:]), name=n)
            for t, n in zip(self._inputs, self.input_names, strict=True)
        ]

    def get_config(self):
        """Return the configs of all layers and how they are connected.

        A subclass whose constructor makes the graph itself is described by that one's arguments: by
        what every layer has, and, if the class has no `get_config`, by those that were given.
        """
        has_its_own = type(self).get_config is not Functional.get_config
        if has_its_own and not self._nodes:
            return Layer.get_config(self)
        if not takes_graph(type(self)):
            config = Layer.get_config(self)
            return config if has_its_own else {**config, **self._automatic_config()}
        return {"name": self.name, "trainable": self.trainable, **graph_config(self)}


_QUIET_ATTRIBUTES = GRAPH_ATTRIBUTES | {"input_names", "output_names", "_build_shapes"}


# Keras has no public name for the class of graph models and writes down this one.
registry.Table("graph model", "keras.src.models.functional").add(Functional)
registry.late_bound["functional"] = Functional
registry.late_bound["functional_from_config"] = functional_from_config


def _blank(cls):
    """A model without state, of a class that only constructing a graph makes one of graphs."""
    return Layer.__new__(graph_base(cls, Functional))


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
            f'The dict of inputs of model "{model_name}" does not fit: expected the keys '
            f"{list(names)}, received {list(inputs)}; missing {missing}, surplus {surplus}."
        )


def _adjusted(x, placeholder, name, model_name):
    """Give a value the rank, by a last axis of size 1, and the dtype of an input; else raise."""
    expected = placeholder.dims
    if x is None:
        return None
    shape = tuple(x.shape)
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        x = _keeping_mask(x, x[..., 0])
    elif len(shape) == len(expected) - 1 and expected and expected[-1] == 1:
        x = _keeping_mask(x, x[..., None])
    shape = tuple(x.shape)
    fits = len(shape) == len(expected) and all(
        isinstance(axis, dims.Dim) or isinstance(size, dims.Dim) or axis == size
        for axis, size in zip(expected[1:], shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f'Input "{name}" of model "{model_name}" is incompatible: expected shape='
            f"{dims.to_public(expected)}, found shape={dims.to_public(shape)}"
        )
    return x if x.dtype == placeholder.dtype else _keeping_mask(x, cast(x, placeholder.dtype))


def _keeping_mask(x, changed):
    mask = getattr(x, "_keras_mask", None)
    if mask is not None and isinstance(changed, Tensor):
        changed._keras_mask = mask
    return changed
