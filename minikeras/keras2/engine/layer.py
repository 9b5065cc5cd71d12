"""Layer of Keras 2: what every layer of the package derives from, with its nodes and its graph.

A layer that a user writes is called once, on symbolic tensors, when the model is declared: what its
`call` computes with the backend becomes nodes of the one graph, with whatever updates and losses it
adds on the way. A layer of the engine is one node, which runs the engine's own layer.
"""


from minikeras.autograd import symbolic
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core import trees
from minikeras.keras2 import backend as K
from minikeras.keras2 import initializers
from minikeras.keras2.backend.phases import learning_phase
from minikeras.keras2.backend.randomness import seed_of
from minikeras.keras2.backend.tensors import (
    Variable,
    as_symbolic,
    is_building,
    pass_phase_on,
    record,
)
from minikeras.keras2.backend.variables import as_tensor
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.base.keras1 import OfKeras1, draws
from minikeras.keras2.engine.base.masks import mask_of, masks_of, output_of
from minikeras.keras2.engine.base.nodes import Node, Nodes
from minikeras.keras2.engine.base.options import layer_options
from minikeras.keras2.engine.base.weights import OwnWeights, weight_arguments
from minikeras.keras2.spelling import shown_as
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.input_spec import check_inputs
from minikeras.layers.base.layer import Layer as EngineLayer
from minikeras.layers.base.marks import default


class Layer(Nodes, OwnWeights, OfKeras1, EngineLayer):
    """A computation with weights.

    Args:
        **kwargs: `name`, `trainable`, `dtype`, `weights` (list of arrays, the first values), and
            the shape of the input of a first layer: `input_shape` (without the batch),
            `batch_input_shape`, or `input_dim` with `input_length`; `batch_size`.

    Raises:
        TypeError: for an unknown argument.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.layers import Input, Layer
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.gain = self.add_weight("gain", (input_shape[-1],), initializer="ones")
        ...         super().build(input_shape)
        ...     def call(self, x):
        ...         return x * self.gain
        >>> K.int_shape(Scale()(Input((3,))))
        (None, 3)
    """

    _is_traced = None
    """Whether `call` runs on symbolic tensors; by default in classes that are not the package's."""

    def __init_subclass__(cls, **kwargs):
        if "get_output_shape_for" in cls.__dict__ and "compute_output_shape" not in cls.__dict__:
            cls.compute_output_shape = cls.__dict__["get_output_shape_for"]
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("minikeras.keras2."):
            configs.classes[cls.__name__] = cls
        if "_is_traced" not in cls.__dict__ and not cls.__module__.startswith("minikeras."):
            cls._is_traced = True

    @staticmethod
    def _check_name(name):
        """Take names with `/`, which scripts of that time gave their layers."""
        if not isinstance(name, str):
            raise TypeError(f"A layer's name is a str. Received: name={name!r}")

    @default
    def __init__(self, **kwargs):
        weights, options = layer_options(type(self), kwargs)
        shape = options.pop("batch_input_shape", None)
        EngineLayer.__init__(self, **options)
        self._initial_weights = weights
        if shape is not None:
            self.batch_input_shape = self._input_shape_arg = shape

    # Weights

    @shown_as(
        "self, name=None, shape=None, dtype=None, initializer=None, regularizer=None, "
        "trainable=True, constraint=None, **options"
    )
    def add_weight(self, *args, **kwargs):
        """Make a variable that belongs to the layer.

        Args:
            *args: the first ones by place: `name`, `shape`, `dtype`, `initializer`, `regularizer`,
                `trainable`, `constraint`; or as in Keras 1 `shape`, `initializer`, `name`.
            **kwargs: these by name: the variable's name, its sizes and dtype (the default float
                type if None), initializer (Glorot's uniform one by default), regularizer and
                constraint or their names, and whether training changes it.

        Returns:
            The variable.

        Raises:
            TypeError: if an argument is unknown or given twice.
        """
        values = weight_arguments(args, kwargs)
        values["initializer"] = initializers.for_engine(
            values.get("initializer") or "glorot_uniform"
        )
        name = values.get("name") or f"weight_{K.get_uid('weight')}"
        values["name"] = name.replace("/", "_")
        created = EngineLayer.add_weight(self, **values)
        created.__class__ = Variable
        created.path = created.path[: -len(name)] + name
        created.name = name
        return created

    # Losses and updates, which belong to the graph

    def add_loss(self, losses, inputs=None):
        """Add terms to the loss of every model with this layer.

        Args:
            losses: tensor of the graph, or a list of them.
            inputs: the inputs that a term depends on, or None for one that depends on weights only.
        """
        if losses is not None and not symbolic.in_abstract_scope():
            self._noted.setdefault(_key(inputs), ([], []))[0].extend(_listed(losses))

    def add_update(self, updates, inputs=None):
        """Add updates of variables that go with each training step.

        Args:
            updates: update, or a list of them.
            inputs: the inputs that an update depends on, or None.
        """
        if updates is not None and not symbolic.in_abstract_scope():
            self._noted.setdefault(_key(inputs), ([], []))[1].extend(_listed(updates))

    @property
    def _noted(self):
        """Losses and updates by the ids of the inputs that they depend on."""
        return self.__dict__.setdefault("_losses_and_updates", {})

    def get_losses_for(self, inputs=None):
        """Return the losses that depend on some inputs; with None those of the weights."""
        noted = list(self._noted.get(_key(inputs), ([], []))[0])
        return noted + (self._penalties() if inputs is None else [])

    def get_updates_for(self, inputs=None):
        """Return the updates that depend on some inputs; with None the others."""
        if not self.trainable and not getattr(self, "stateful", False):
            return []
        return list(self._noted.get(_key(inputs), ([], []))[1])

    @property
    def losses(self):
        """All losses of the layer: the penalties of its regularizers, and what it added."""
        return self._penalties() + [t for added, _ in self._noted.values() for t in added]

    @property
    def updates(self):
        """All updates of the layer."""
        if not self.trainable and not getattr(self, "stateful", False):
            return []
        return [u for _, added in self._noted.values() for u in added]

    def _penalties(self):
        own = self._own("weights", self._trainable_variables + self._non_trainable_variables)
        return [w.regularizer(as_tensor(w)) for w in own if w.regularizer is not None]

    def _add_activity_losses(self, outputs):
        """Do nothing as the graph runs: the penalty is part of the graph."""

    # Calls

    def assert_input_compatibility(self, inputs):
        """Compare inputs with the layer's `input_spec`.

        Args:
            inputs: tensor, or a list of them.

        Raises:
            ValueError: if their number, a rank, a size or a dtype is not what the layer expects.
        """
        for x in trees.flatten(inputs):
            if not hasattr(x, "shape"):
                raise ValueError(
                    f"Layer {self.name} was called with an input that is no tensor of the graph. "
                    f"Received: {x!r} (of type {type(x).__name__})"
                )
        check_inputs(self.input_spec, inputs, self.name)

    @default
    def call(self, inputs, **kwargs):
        """Return the inputs as they are; subclasses compute something of them.

        Args:
            inputs: tensor, or a list of them.
            **kwargs: what else a subclass takes.

        Returns:
            A tensor, or a list of them.
        """
        return inputs

    def __call__(self, *args, **kwargs):
        """Add the layer to the graph; a variable is read in each run."""
        if is_building():
            args, kwargs = trees.map_structure(_read, (args, kwargs))
        return EngineLayer.__call__(self, *args, **kwargs)

    def symbolic_call(self, *args, **kwargs):
        """Add the layer to the graph and return the outputs."""
        if args and isinstance(args[0], (list, tuple)):
            args = (list(args[0]), *args[1:])
        inputs = args[0] if args else next(iter(kwargs.values()))
        traced = self._is_traced
        outputs = self._traced(args, kwargs) if traced else self._as_one_node(args, kwargs)
        _draw_seeds(self)
        if self.activity_regularizer is not None:
            terms = [self.activity_regularizer(t) for t in trees.flatten(outputs)]
            self.add_loss(terms, inputs)
        if traced:
            node = Node.of_call(self, args, kwargs, outputs)
            pass_phase_on(node, self._uses_phase)
        return outputs

    def _as_one_node(self, args, kwargs):
        """The outputs of a node that runs the engine's layer."""
        fixed = learning_phase()
        if isinstance(fixed, int) and signature_of(type(self).call).has("training"):
            kwargs = {"training": bool(fixed), **kwargs}
        result = self._infer(symbolic.to_abstract(args), symbolic.to_abstract(kwargs))
        self._set_first_weights()
        outputs = as_symbolic(_plain(result))
        node = Node.of_call(self, args, kwargs, outputs)
        pass_phase_on(node, kwargs.get("training") is None and self.uses_learning_phase)
        for tensor, value in zip(trees.flatten(outputs), trees.flatten(result), strict=True):
            if tensor is not None:
                tensor.producer = node
                mask = getattr(value, "_keras_mask", None)
                if mask is not None:
                    tensor._keras_mask = as_symbolic(mask)
                    tensor._keras_mask = record(mask_of, (tensor,))
        return outputs

    def _traced(self, args, kwargs):
        """What `call` makes of the symbolic inputs themselves, with the mask of the outputs."""
        inputs = args[0]
        self.assert_input_compatibility(inputs)
        self._build_for(inputs)
        self._set_first_weights()
        kwargs = dict(kwargs)
        signature = signature_of(type(self).call)
        mask = kwargs.get("mask", masks_of(inputs))
        if signature.has("mask") and "mask" not in kwargs and len(args) == 1:
            kwargs["mask"] = mask
        results = self.call(*args, **kwargs)
        masks = self.compute_mask(inputs, mask)
        several = isinstance(results, (list, tuple))
        results = list(results) if several else [results]
        masks = list(masks) if isinstance(masks, (list, tuple)) else [masks] * len(results)
        shapes = self._declared_shapes(inputs, len(results))
        outputs = [
            output_of(result, m, shape)
            for result, m, shape in zip(results, masks, shapes, strict=True)
        ]
        return outputs if several else outputs[0]

    def _build_for(self, inputs):
        if self.built:
            return
        shapes = [tuple(t.shape) for t in trees.flatten(inputs)]
        self.build(shapes if isinstance(inputs, (list, tuple)) else shapes[0])
        self.built = True

    def _set_first_weights(self):
        for weight in self.weights:
            weight.__class__ = Variable
        first = self.__dict__.pop("_initial_weights", None)
        if first is not None:
            self.set_weights(first)

    def _declared_shapes(self, inputs, count):
        """The shapes that the layer itself tells, None where it does not."""
        if not self._declares_output():
            return [None] * count
        shapes = [tuple(t.shape) for t in trees.flatten(inputs)]
        shape = self.compute_output_shape(
            shapes if isinstance(inputs, (list, tuple)) else shapes[0]
        )
        return list(shape) if isinstance(shape, list) and count > 1 else [shape] * count

    @default
    def compute_mask(self, inputs, mask=None):
        """Return the mask of the outputs: that of the inputs, if the layer supports masks."""
        return mask if self.supports_masking else None

    @default
    def get_config(self):
        """Return what every layer is made with: its name, trainability, and a first input shape."""
        config = {"name": self.name, "trainable": self.trainable}
        shape = getattr(self, "batch_input_shape", None)
        if shape is not None:
            config["batch_input_shape"] = shape
            config["dtype"] = self.dtype
        return config

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned."""
        return cls(**config)


def _draw_seeds(layer):
    """Let what draws without a seed begin where NumPy's generator says, as in Keras 2."""
    for part in layer._flatten_layers():
        if not draws(part) or "_has_drawn_seeds" in vars(part):
            continue
        object.__setattr__(part, "_has_drawn_seeds", True)
        if getattr(part, "seed", None) is None:
            for generator in part._seed_generators:
                generator.state.assign([seed_of(None), 0])


def _read(value):
    return as_tensor(value) if isinstance(value, EngineVariable) else value


def _plain(result):
    return trees.map_structure(
        lambda t: None if t is None else symbolic.Abstract(t.shape, t.dtype), result
    )


def _listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _key(inputs):
    return tuple(id(t) for t in trees.flatten(inputs)) if inputs is not None else ()
