"""Layer: a computation with weights, the base of everything a model is made of.

Calling a layer does, in this order: convert the inputs, build the weights on the first call, check
the inputs, settle `training` and the masks, run `call`, add the activity's penalty, pass the mask
on. On a model's symbolic tensors the same happens with shapes alone, and one node joins the graph.
"""

import inspect
from contextlib import nullcontext
from functools import wraps

from minikeras import constraints, initializers, regularizers
from minikeras.autograd import symbolic
from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.primitive import cast
from minikeras.autograd.symbolic import Abstract, KerasTensor, Operation, SymbolicNode
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import AutocastScope, Variable
from minikeras.core import dims, dtypes, names, policy, registry, trees
from minikeras.layers import tracking
from minikeras.layers.call_spec import context, shapes_of, signature_of, tensor_arguments
from minikeras.layers.input_spec import check_inputs
from minikeras.layers.state import State

layer_table = registry.Table("layer", "keras.layers")


class Layer(State, Operation):
    """The base class of layers: weights, a `build` that makes them, a `call` that uses them.

    Args:
        activity_regularizer: regularizer of the output, or None.
        trainable: whether training changes the weights.
        dtype: dtype name or policy; the global policy by default.
        autocast: whether float inputs and weights are cast to the compute dtype.
        name: a name without `/`, or None for an automatic one.
        **kwargs: `input_shape`, `batch_shape` or `input_dim`, for the first layer of a Sequential.

    Raises:
        ValueError: if an unknown keyword is given.

    Example:
        >>> import minikeras as keras
        >>> class Scale(keras.Layer):
        ...     def build(self, input_shape):
        ...         self.gain = self.add_weight(shape=(), initializer="ones")
        ...     def call(self, x):
        ...         return x * self.gain
        >>> Scale()(keras.ops.ones((2, 3))).shape
        (2, 3)
    """

    _fields = {}  # noqa: RUF012 - replaced by `@layer`, never changed in place
    _allows_options_by_position = False

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        object.__setattr__(self, "_arguments", (args, kwargs))
        return self

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _scoped_build(cls.__dict__["build"])
        if cls.__module__.startswith("minikeras.layers") and not cls.__name__.startswith("_"):
            layer_table.add(cls)

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable=True,
        dtype=None,
        autocast=True,
        name=None,
        **kwargs,
    ):
        Operation.__init__(self, name=name)
        self._init_state(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = policy.get(dtype)
        self.autocast = autocast
        self.input_spec = None
        self.supports_masking = False
        self.built = False
        self._build_shapes = None
        shape = _declared_shape(kwargs)
        if shape is not None:
            self._input_shape_arg = shape
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )

    def setup(self):
        """Do what is left to do after `@layer` has set the fields; nothing by default."""

    # What a layer computes with

    @property
    def dtype(self):
        """Alias of `variable_dtype`."""
        return self.variable_dtype

    @property
    def compute_dtype(self):
        """The dtype that float inputs are cast to."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self):
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def input_dtype(self):
        """The dtype in which inputs arrive in `call`."""
        return self.dtype_policy.compute_dtype

    @property
    def path(self):
        """The layer's name with the scopes it was built in, or None before."""
        return self.__dict__.get("_path")

    def add_weight(
        self,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
    ):
        """Make a variable that belongs to the layer.

        Args:
            shape: sizes; `()` by default.
            initializer: initializer or its name; Glorot uniform for floats, zeros otherwise.
            dtype: dtype name; the layer's `variable_dtype` by default.
            trainable: whether gradients are recorded.
            autocast: whether the layer reads it in its compute dtype.
            regularizer: regularizer or its name.
            constraint: constraint or its name.
            aggregation: how copies on several devices are joined.
            overwrite_with_gradient: whether the optimizer assigns the gradient instead.
            name: the variable's name.

        Returns:
            The `Variable`.

        Raises:
            ValueError: if the shape is not made of non-negative integers.
        """
        self._check_initialized()
        shape = _checked_shape(() if shape is None else shape, name or self.name)
        dtype = dtypes.standardize(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        with names.name_scope(self.name) if not names.scope_path() else nullcontext():
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track(variable)
        return variable

    def add_variable(self, *args, **kwargs):
        """Alias of `add_weight`."""
        return self.add_weight(*args, **kwargs)

    def field_weight(self, name, shape, **options):
        """Make the weight whose initializer, regularizer and constraint are fields of the layer.

        For `name="kernel"` these are `kernel_initializer`, `kernel_regularizer` and
        `kernel_constraint`.
        """
        stem = {"recurrent_kernel": "recurrent"}.get(name, name)
        return self.add_weight(
            shape=shape,
            initializer=getattr(self, f"{stem}_initializer"),
            regularizer=getattr(self, f"{stem}_regularizer", None),
            constraint=getattr(self, f"{stem}_constraint", None),
            name=name,
            **options,
        )

    # What subclasses override

    def build(self, input_shape):
        """Make the weights, now that the shape of the inputs is known.

        Args:
            input_shape: tuple of sizes, None where unknown; a nest of them for several inputs.
        """
        self.built = True

    def call(self, *args, **kwargs):
        """Compute the outputs; every layer says how."""
        raise TypeError(f"Layer {type(self).__name__} does not have a `call()` method implemented.")

    def compute_mask(self, inputs, previous_mask):
        """Return the mask of the outputs: by default that of the inputs."""
        return previous_mask

    def compute_output_shape(self, *args, **kwargs):
        """Return the shape of the outputs for inputs of a shape, found by running `call` on it.

        Args:
            *args: shapes, None for unknown sizes.
            **kwargs: shapes by the name `<argument>_shape`.

        Returns:
            A tuple, or a nest of them.
        """
        renamed = {key.removesuffix("_shape"): value for key, value in kwargs.items()}
        if not args and list(renamed) == ["input"]:
            args, renamed = (renamed.pop("input"),), {}
        tensors = [_abstract_of(shape, self.compute_dtype) for shape in args]
        named = {key: _abstract_of(value, self.compute_dtype) for key, value in renamed.items()}
        result = self._infer(tensors, named)
        return trees.map_structure(lambda t: dims.to_public(t.shape), result)

    def compute_output_spec(self, *args, **kwargs):
        """Return symbolic outputs for symbolic inputs, without adding to any graph."""
        result = self._infer(symbolic.to_abstract(args), symbolic.to_abstract(kwargs))
        return symbolic.to_symbolic(result)

    # Calls

    def __call__(self, *args, **kwargs):
        self._check_initialized()
        if symbolic.any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self._run(args, kwargs)

    def symbolic_call(self, *args, **kwargs):
        """Add one node to a model's graph and return the symbolic outputs."""
        self._check_positional(args)
        outputs = symbolic.to_symbolic(
            self._infer(symbolic.to_abstract(args), symbolic.to_abstract(kwargs))
        )
        SymbolicNode(self, args, kwargs, outputs)
        return outputs

    def _infer(self, args, kwargs):
        """Run the layer on shapes alone."""
        with symbolic.abstract_scope():
            return self._run(tuple(args), kwargs)

    def _run(self, args, kwargs):
        args, kwargs = self._converted(args, kwargs)
        self._check_positional(args)
        signature = signature_of(type(self).call)
        if not self.built:
            self._build_from(signature.named(args, kwargs))
        self._check_inputs(args, kwargs, signature)
        outermost = context.entry is None
        saved_training = context.training
        if outermost:
            context.entry = self
            self._clear_losses()
        try:
            training = self._settle_training(signature, kwargs)
            masks = self._settle_masks(signature, args, kwargs)
            context.training = training
            outputs = self._call_in_scope(args, kwargs)
            if self.activity_regularizer is not None:
                for out in trees.flatten(outputs):
                    if hasattr(out, "shape") and not isinstance(out, Abstract):
                        self.add_loss(self.activity_regularizer(out))
            self._pass_mask_on(args, kwargs, signature, masks, outputs)
        finally:
            context.training = saved_training
            if outermost:
                context.entry = None
        return outputs

    def _call_in_scope(self, args, kwargs):
        policy_ = self.dtype_policy
        target = None
        if self.autocast and policy_.compute_dtype != policy_.variable_dtype:
            target = policy_.compute_dtype
        if self._overrides_spec() and _any_abstract(args, kwargs):
            return self._declared_output(args, kwargs)
        with names.name_scope(self.name), AutocastScope(target):
            return self.call(*args, **kwargs)

    def _overrides_spec(self):
        cls = type(self)
        return (
            cls.compute_output_shape is not Layer.compute_output_shape
            or cls.compute_output_spec is not Layer.compute_output_spec
        )

    def _declared_output(self, args, kwargs):
        """The outputs' shapes as an overridden `compute_output_shape` or `_spec` tells them."""
        if type(self).compute_output_spec is not Layer.compute_output_spec:
            made = self.compute_output_spec(*symbolic.to_symbolic(args), **kwargs)
            return symbolic.to_abstract(made)
        named = tensor_arguments(signature_of(type(self).call).named(args, kwargs))
        taken = signature_of(type(self).compute_output_shape)
        shapes = {f"{name}_shape": shapes_of(value) for name, value in named.items()}
        if len(taken.names) == 1 and not taken.has(next(iter(shapes))):
            shape = self.compute_output_shape(next(iter(shapes.values())))
        else:
            shape = self.compute_output_shape(
                **{k: v for k, v in shapes.items() if taken.has(k) or taken.takes_any}
            )
        batch = trees.flatten(next(iter(named.values())))[0].shape[:1]
        return _abstract_of(shape, self.compute_dtype, batch)

    def _converted(self, args, kwargs):
        """Arrays become tensors, float tensors take the compute dtype."""
        convert = self._convert_leaf
        args = tuple([convert(a) if not trees.is_nested(a) else _mapped(convert, a) for a in args])
        if kwargs:
            kwargs = {
                k: convert(v) if not trees.is_nested(v) else _mapped(convert, v)
                for k, v in kwargs.items()
            }
        return args, kwargs

    def _convert_leaf(self, x):
        if not isinstance(x, (Tensor, Abstract)):
            if hasattr(x, "as_operand"):
                x = x.as_operand()
            elif hasattr(x, "__array__") and hasattr(x, "dtype"):
                x = convert_to_tensor(x)
            else:
                return x
        if not self.autocast:
            return x
        target = self.compute_dtype
        if x.dtype == target or not dtypes.is_float(x.dtype):
            return x
        made = cast.run(x, dtype=target)
        if hasattr(x, "_keras_mask"):
            made._keras_mask = x._keras_mask
        return made

    def _check_positional(self, args):
        if self._allows_options_by_position:
            return
        for value in trees.flatten(list(args)):
            if value is not None and not isinstance(value, (Tensor, Abstract, KerasTensor)):
                raise ValueError(
                    "Only input tensors may be passed as positional arguments. The following "
                    f"argument value should be passed as a keyword argument: {value} (of type "
                    f"{type(value)})"
                )

    def _check_inputs(self, args, kwargs, signature):
        if self.input_spec is not None:
            first = args[0] if args else kwargs.get(signature.names[0])
            check_inputs(self.input_spec, first, self.name)

    def _settle_training(self, signature, kwargs):
        """`training` as given, else the outer call's, else `call`'s own default."""
        training = kwargs.get("training")
        if training is None:
            training = context.training
            if training is None:
                training = signature.defaults.get("training")
            if signature.has("training"):
                kwargs["training"] = training
        elif not (signature.has("training") or signature.takes_any):
            kwargs.pop("training")
        return training

    def _settle_masks(self, signature, args, kwargs):
        """Fill in `mask` from the masks that the inputs carry; return those of the first input."""
        named = signature.named(args, kwargs)
        first_name = next(iter(named), None)
        first = _masks_of(named[first_name]) if first_name is not None else None
        if signature.has("mask") and kwargs.get("mask") is None and len(args) < 2:
            kwargs["mask"] = first
        for name in list(named):
            own = f"{name}_mask"
            if own in signature.names and kwargs.get(own) is None:
                kwargs[own] = _masks_of(named[name])
        return first

    def _pass_mask_on(self, args, kwargs, signature, masks, outputs):
        if not self.supports_masking or masks is None and not self._makes_masks():
            return
        first = args[0] if args else kwargs[signature.names[0]]
        mask = self.compute_mask(first, masks)
        if mask is None:
            return
        flat_outputs = trees.flatten(outputs)
        flat_masks = [mask] if len(flat_outputs) == 1 else trees.flatten(mask)
        for out, m in zip(flat_outputs, flat_masks, strict=False):
            if m is not None and getattr(out, "_keras_mask", None) is not m:
                out._keras_mask = m

    def _makes_masks(self):
        return type(self).compute_mask is not Layer.compute_mask

    # Building

    def _build_from(self, named):
        shapes = {name: shapes_of(value) for name, value in tensor_arguments(named).items()}
        if not shapes and type(self).build is not Layer.build:
            raise ValueError(f"Layer '{self.name}' cannot be built: no tensor was passed to it.")
        wanted = signature_of(inspect.unwrap(type(self).build)).names
        if not wanted or type(self).build is Layer.build:
            self._build_shapes = next(iter(shapes.values()), None)
            self._mark_built()
        elif len(wanted) == 1:
            self.build(next(iter(shapes.values())))
        else:
            self.build(**{w: shapes[w.removesuffix("_shape")] for w in wanted
                          if w.removesuffix("_shape") in shapes})

    def _mark_built(self):
        self.built = True
        if self.path is None:
            scope = names.scope_path()
            object.__setattr__(self, "_path", f"{scope}/{self.name}" if scope else self.name)

    def get_build_config(self):
        """Return the input shapes that the layer was built with, or None."""
        shapes = self._build_shapes
        if shapes is None:
            return None
        if isinstance(shapes, dict) and "shapes_dict" in shapes:
            return shapes
        return {"input_shape": shapes}

    def build_from_config(self, config):
        """Build with the shapes that `get_build_config` returned."""
        if "input_shape" in config:
            self.build(_tuples(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: _tuples(value) for key, value in config["shapes_dict"].items()})

    def _check_initialized(self):
        if "_cache" not in self.__dict__:
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    # Configs

    def get_config(self):
        """Return a dict from which `from_config` makes the same layer, without its weights."""
        self._check_initialized()
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": registry.serialize(self.dtype_policy),
        }
        if self._fields:
            if self.activity_regularizer is not None and "activity_regularizer" not in self._fields:
                config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
            for name, (field, _) in self._fields.items():
                config[name] = field.serialize(getattr(self, name))
            return config
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            config.update(self._automatic_config())
        return config

    def _automatic_config(self):
        """The arguments that the constructor was called with, if all of them can be saved."""
        args, kwargs = self._arguments
        given = signature_of(type(self).__init__).named(args, kwargs)
        try:
            return {key: registry.serialize(value) for key, value in given.items()}
        except ValueError as error:
            raise ValueError(
                f"Object {type(self).__name__} was created by passing non-serializable argument "
                f"values in `__init__()`, and therefore the object must override `get_config()`: "
                f"{error}"
            ) from None

    @classmethod
    def from_config(cls, config):
        """Make a layer from what `get_config` returned."""
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = policy.get(config["dtype"])
        taken = signature_of(cls.__init__)
        if not cls._fields and not taken.takes_any:
            config = {key: value for key, value in config.items() if taken.has(key)}
        try:
            return cls(**{key: _revived(value) for key, value in config.items()})
        except TypeError as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\n"
                f"Exception encountered: {error}"
            ) from error

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _scoped_build(build):
    """Run `build` inside the layer's name scope, and note that it was built and with what."""

    @wraps(build)
    def scoped(self, *args, **kwargs):
        self._check_initialized()
        self._mark_built()
        self.built = False
        with names.name_scope(self.name):
            result = build(self, *args, **kwargs)
        self.built = True
        named = signature_of(build).named(args, kwargs)
        self._build_shapes = (
            next(iter(named.values()), None) if len(named) <= 1 else {"shapes_dict": named}
        )
        tracking.changed()
        return result

    return scoped


def _checked_shape(shape, name):
    if isinstance(shape, int):
        shape = (shape,)
    try:
        shape = tuple(shape)
    except TypeError:
        raise ValueError(
            f"The shape of weight '{name}' must be a tuple of integers. Received: {shape!r}"
        ) from None
    for size in shape:
        if size is None or int(size) != size or size < 0:
            raise ValueError(
                f"Cannot convert '{shape}' to a shape of weight '{name}': all sizes must be known "
                "non-negative integers. Call the layer on, or build it with, an input whose sizes "
                "are known there."
            )
    return tuple(int(size) for size in shape)


def _declared_shape(kwargs):
    """Take the keywords that declare the shape of the first layer's input out of `kwargs`."""
    if "input_shape" in kwargs:
        return (kwargs.pop("batch_size", None), *kwargs.pop("input_shape"))
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    if "input_dim" in kwargs:
        length = kwargs.pop("input_length", None)
        dim = kwargs.pop("input_dim")
        return (None, dim) if length is None else (None, length, dim)
    return None


def _mapped(function, tree):
    return trees.map_structure(function, tree)


def _any_abstract(args, kwargs):
    return any(isinstance(leaf, Abstract) for leaf in trees.flatten((args, kwargs)))


def _masks_of(value):
    """The masks that a tensor, or a nest of them, carries; None if there is none."""
    if not trees.is_nested(value):
        return getattr(value, "_keras_mask", None)
    masks = trees.map_structure(lambda x: getattr(x, "_keras_mask", None), value)
    return masks if any(m is not None for m in trees.flatten(masks)) else None


def _is_shape(value):
    return isinstance(value, (tuple, list)) and all(
        size is None or isinstance(size, (int, dims.Dim)) for size in value
    )


def _abstract_of(shape, dtype, batch=()):
    """Abstracts for a shape or a nest of shapes; an unknown batch size is that of the input."""
    if shape is None:
        return None
    if _is_shape(shape):
        if batch and len(shape) and shape[0] is None:
            shape = (*batch, *shape[1:])
        return Abstract(shape, dtype)
    if isinstance(shape, dict):
        return {key: _abstract_of(value, dtype, batch) for key, value in shape.items()}
    return type(shape)(_abstract_of(value, dtype, batch) for value in shape)


def _tuples(shape):
    """Shapes read from JSON, lists in place of tuples, made tuples again."""
    if isinstance(shape, dict):
        return {key: _tuples(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        if all(size is None or isinstance(size, int) for size in shape):
            return tuple(shape)
        return [_tuples(part) for part in shape]
    return shape


def _revived(value):
    """An argument in its saved form, made an object where it is a full saved object."""
    if isinstance(value, dict) and {"module", "class_name", "config"} <= set(value):
        return registry.deserialize(value)
    return value
