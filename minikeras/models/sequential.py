"""Sequential: a stack of layers, each with one input and one output."""

from minikeras.autograd.symbolic import KerasTensor, is_keras_tensor
from minikeras.core import registry, trees
from minikeras.core.old_names import explains_old_arguments
from minikeras.layers.base.layer import Layer
from minikeras.layers.core.input_layer import Input, InputLayer
from minikeras.models.functional import Functional
from minikeras.models.model import Model, model_table
from minikeras.training.trainer import Trainer


class Sequential(Model):
    """A stack of layers, run one after the other.

    Args:
        layers: list of layers, the first of which may be an `Input`.
        trainable: whether training changes the weights.
        name: a name, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    def __new__(cls, *args, **kwargs):
        """Make what every layer is made as: a list of layers is no call of a graph."""
        return Trainer.__new__(cls, *args, **kwargs)

    @explains_old_arguments
    def __init__(self, layers=None, trainable=True, name=None):
        Layer.__init__(self, trainable=trainable, name=name)
        self._functional = None
        self._stack = []
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._maybe_rebuild()

    def __setattr__(self, name, value):
        if name in ("_functional", "_stack"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def add(self, layer, rebuild=True):
        """Put a layer on top of the stack.

        Args:
            layer: a layer, or the result of `Input`.
            rebuild: whether to build at once where the input's shape is known.

        Raises:
            ValueError: if the value is no layer, its name is taken, or an Input comes second.
        """
        if is_keras_tensor(layer) and hasattr(layer, "_keras_history"):
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"A Sequential model is made of layers. Received: {layer!r} (of type "
                f"{type(layer).__name__})"
            )
        if not self._stack and not isinstance(layer, InputLayer):
            declared = getattr(layer, "_input_shape_arg", None)
            if declared is not None:
                self.add(InputLayer(batch_shape=declared), rebuild=False)
        if any(layer.name == present.name for present in self._stack):
            raise ValueError(
                "Each layer of a Sequential model needs its own name, and there is already one "
                f"named '{layer.name}': give this one another `name`."
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(
                f"Sequential model '{self.name}' already has an input, of shape "
                f"{getattr(self._stack[0], 'batch_shape', None)}, and takes no second one."
            )
        self._stack.append(layer)
        self._track(layer)
        self._drop_graph()
        if rebuild:
            self._maybe_rebuild()

    def pop(self, rebuild=True):
        """Take the top layer off the stack and return it.

        Args:
            rebuild: whether to build at once where the input's shape is known.

        Returns:
            The layer.
        """
        layer = self._stack.pop()
        self._untrack(layer)
        self._drop_graph()
        if rebuild:
            self._maybe_rebuild()
        return layer

    def _drop_graph(self):
        self.built = False
        self._functional = None

    def _maybe_rebuild(self):
        if len(self._stack) < 2:
            return
        first = self._stack[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif isinstance(first, Functional) or getattr(first, "_functional", None) is not None:
            self.build(first.input_shape)

    def build(self, input_shape=None):
        """Build all layers for inputs of a shape.

        Args:
            input_shape: tuple of sizes, None where unknown.

        Raises:
            ValueError: if there are no layers, or no shape is known.
        """
        if not self._stack:
            raise ValueError(
                f"Sequential model '{self.name}' is empty: give it layers by `model.add(layer)` "
                "before it is built."
            )
        if isinstance(self._stack[0], InputLayer):
            inputs = self._stack[0].output
        elif input_shape is None:
            raise ValueError(
                "A Sequential model without an `Input` is built for a shape: "
                "`model.build(input_shape)`. Received: input_shape=None"
            )
        elif _is_tuple_of_sizes(input_shape):
            first = self._stack[0]
            inputs = Input(batch_shape=tuple(input_shape), dtype=_input_dtype(first))
            self._stack.insert(0, inputs._keras_history.operation)
        else:
            return
        x = inputs
        for layer in self._stack[1:]:
            x = layer(x)
        self._functional = Functional(inputs, x)

    def call(self, inputs, training=None, mask=None, **kwargs):
        """Run all layers on the inputs.

        Args:
            inputs: tensor.
            training: whether layers behave as in training.
            mask: mask of the inputs, or None.
            **kwargs: further arguments of the layers' calls.

        Returns:
            The output tensor.
        """
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        for layer in self._stack:
            if not isinstance(layer, InputLayer):
                inputs = layer(inputs)
        return inputs

    def _infer(self, args, kwargs):
        """Run the layers on shapes alone; symbolic outputs keep the nest of the last layer's."""
        outputs = super()._infer(args, kwargs)
        if self._functional is None or type(self).call is not Sequential.call:
            return outputs
        return trees.pack_sequence_as(self._functional.output, trees.flatten(outputs))

    def _declares_output(self):
        return False

    def compute_output_shape(self, input_shape):
        """Return the output's shape for inputs of a shape."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    @property
    def layers(self):
        """The layers of the stack, without the input's placeholder."""
        layers = self._stack
        return layers[1:] if layers and isinstance(layers[0], InputLayer) else list(layers)

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "The layers of a Sequential model change by `add()` and `pop()`: its `layers` cannot "
            "be set."
        )

    def _graph_part(self, name):
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {name} yet: give it an Input, or "
                "call it on data first."
            )
        return getattr(self._functional, name)

    @property
    def inputs(self):
        """The symbolic inputs as a flat list."""
        return self._graph_part("inputs")

    @property
    def outputs(self):
        """The symbolic outputs as a flat list."""
        return self._graph_part("outputs")

    @property
    def input(self):
        """The symbolic input of the first call in another graph; without one, the stack's own."""
        return super().input if self._inbound_nodes else self._graph_part("input")

    @property
    def output(self):
        """The symbolic output of the first call in another graph; without one, the stack's own."""
        return super().output if self._inbound_nodes else self._graph_part("output")

    @property
    def input_names(self):
        """The names of the inputs."""
        return self._graph_part("input_names")

    @property
    def output_names(self):
        """The names of the outputs."""
        return self._graph_part("output_names")

    def get_config(self):
        """Return the configs of all layers."""
        config = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = registry.serialize(self.dtype_policy)
        config["layers"] = [registry.serialize(layer) for layer in self._stack]
        if self._functional is not None:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model from what `get_config` returned."""
        with registry.CustomObjectScope(custom_objects), registry.reading(config):
            model = cls(name=config.get("name"))
            for saved in config["layers"]:
                model.add(registry.deserialize(saved), rebuild=False)
            shape = config.get("build_input_shape")
            if shape is not None and not model._functional:
                model._maybe_rebuild()
                if not model.built and _is_tuple_of_sizes(shape):
                    model.build(tuple(shape))
        if config.get("trainable") is False:
            model.trainable = False
        return model


model_table.add(Sequential)


def _is_tuple_of_sizes(shape):
    return isinstance(shape, (tuple, list)) and all(
        size is None or hasattr(size, "__index__") for size in shape
    )


def _input_dtype(layer):
    return layer.compute_dtype


def leaves_are_symbolic(tree):
    """Say whether all leaves of a nest are symbolic tensors."""
    return all(isinstance(leaf, KerasTensor) for leaf in trees.flatten(tree))
