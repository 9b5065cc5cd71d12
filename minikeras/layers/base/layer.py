"""Layer: a computation with weights, the base of everything a model is made of.

Its parts: `state` (what it holds), `calls` (what happens when it is called), `saved` (how it is
written down). Here are its construction and what subclasses override.
"""

import operator
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any

import numpy as np

from minikeras import constraints, initializers, regularizers
from minikeras.autograd import symbolic
from minikeras.autograd.postponed import make_variable
from minikeras.autograd.symbolic import Operation
from minikeras.core import dims, dtypes, names, policy, registry, trees
from minikeras.core.old_names import argument_hint, explains_old_methods
from minikeras.core.old_names.tables import OF_LAYERS
from minikeras.layers.base import tracking
from minikeras.layers.base.building import building
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.calls import Calls, abstract_of
from minikeras.layers.base.marks import default
from minikeras.layers.base.saved import Saved
from minikeras.layers.base.state import State

layer_table = registry.Table("layer", "keras.layers")


@explains_old_methods(OF_LAYERS)
class Layer(State, Calls, Saved, Operation):
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

    from_fields: Callable[..., None]
    _fields: dict[str, Any] = {}  # replaced by `@layer`, never changed in place
    # Fields that `@layer` takes by name and leaves out of the signature, as Keras's `**kwargs` do.
    _taken_by_name: dict[str, Any] = {}
    _allows_options_by_position = False
    _is_building = False

    def __new__(cls, *args, **kwargs):
        """Note the arguments, from which a class without fields gets its config."""
        self = super().__new__(cls)
        object.__setattr__(self, "_arguments", (args, kwargs))
        return self

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _scoped_build(cls.__dict__["build"])
        if cls.__module__.startswith("minikeras.layers") and not cls.__name__.startswith("_"):
            layer_table.add(cls, public_name=cls.__dict__.get("_public_name"))

    @default
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
        if not isinstance(trainable, (bool, np.bool_)):
            raise ValueError(
                f"Expected `trainable` to be True or False. Received: trainable={trainable!r} (of "
                f"type {type(trainable).__name__})"
            )
        self._init_state(bool(trainable))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = policy.get(dtype)
        self.autocast = autocast
        self.input_spec = None
        self.supports_masking = False
        self.built = False
        self._build_shapes = None
        for option in _OFF_ALONE:
            if kwargs.get(option, ...) is None:
                del kwargs[option]
        shape = _declared_shape(kwargs)
        if shape is not None:
            self._input_shape_arg = shape
        if kwargs:
            name = type(self).__name__
            hint = argument_hint(kwargs, name)
            raise ValueError(f"{name} has no arguments of these names: {kwargs}{hint}")

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
        with names.scope(self.name) if not names.scope_path() else nullcontext():
            variable = make_variable(
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

    @default
    def build(self, input_shape):
        """Make the weights, now that the shape of the inputs is known.

        Args:
            input_shape: tuple of sizes, None where unknown; a nest of them for several inputs.
        """
        self._build_shapes = input_shape
        self.built = True

    @default
    def call(self, *args, **kwargs):
        """Compute the outputs; every layer says how."""
        raise TypeError(
            f"Layer {type(self).__name__} defines no `call(self, inputs)`, which computes its "
            "outputs."
        )

    @default
    def compute_mask(self, inputs, previous_mask):
        """Return the mask of the outputs: by default that of the inputs."""
        return previous_mask

    @default
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
        tensors = [abstract_of(shape, self.compute_dtype) for shape in args]
        named = {key: abstract_of(value, self.compute_dtype) for key, value in renamed.items()}
        result = self._infer(tensors, named)
        return trees.map_structure(lambda t: dims.to_public(t.shape), result)

    @default
    def compute_output_spec(self, *args, **kwargs):
        """Return symbolic outputs for symbolic inputs, without adding to any graph."""
        result = self._infer(symbolic.to_abstract(args), symbolic.to_abstract(kwargs))
        return symbolic.to_symbolic(result)

    def _mark_built(self):
        self.built = True
        self._settle_path()

    def _settle_path(self):
        if self.path is None:
            scope = names.scope_path()
            object.__setattr__(self, "_path", f"{scope}/{self.name}" if scope else self.name)

    def _check_initialized(self):
        if "_cache" not in self.__dict__:
            raise RuntimeError(
                f"{type(self).__name__} needs `super().__init__()` as the first line of its "
                "`__init__`: nothing can be kept in a layer before it."
            )

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _scoped_build(build):
    """Run `build` inside the layer's name scope, and note that it was built and with what."""

    @wraps(build)
    def scoped(self, *args, **kwargs):
        self._check_initialized()
        with building:
            if self._is_building:  # a subclass goes on to this one by `super().build`
                return build(self, *args, **kwargs)
            self._settle_path()
            self.built = False
            with _begun(self), names.scope(self.name), symbolic.building_scope():
                result = build(self, *args, **kwargs)
            if not self.trainable:
                self.trainable = False  # the new variables learn of it
            named = signature_of(build).named(args, kwargs)
            self._build_shapes = (
                next(iter(named.values()), None) if len(named) <= 1 else {"shapes_dict": named}
            )
            self.built = True
            tracking.changed()
        return result

    return scoped


@contextmanager
def _begun(layer):
    """Note that a layer is being built."""
    object.__setattr__(layer, "_is_building", True)
    try:
        yield
    finally:
        object.__setattr__(layer, "_is_building", False)


def _checked_shape(shape, name):
    if isinstance(shape, int):
        shape = (shape,)
    try:
        shape = tuple(None if size is None else operator.index(size) for size in shape)
    except TypeError:
        raise ValueError(
            f"The shape of weight '{name}' must be a tuple of integers. Received: {shape!r}"
        ) from None
    for size in shape:
        if size is None or size < 0:
            raise ValueError(
                f"Cannot convert '{shape}' to a shape of weight '{name}': all sizes must be known "
                "non-negative integers. Call the layer on, or build it with, an input whose sizes "
                "are known there."
            )
    return shape


_OFF_ALONE = ("lora_rank", "lora_alpha", "quantization_config")
"""Options of Keras's layers that exist here switched off, as None, since its configs hold them."""


def _declared_shape(kwargs):
    """Take the keywords that declare the shape of the first layer's input out of `kwargs`."""
    if "input_shape" in kwargs:
        return (kwargs.pop("batch_size", None), *_sizes(kwargs.pop("input_shape")))
    if "batch_input_shape" in kwargs:
        return _sizes(kwargs.pop("batch_input_shape"))
    if "input_dim" in kwargs:
        length = kwargs.pop("input_length", None)
        dim = kwargs.pop("input_dim")
        return (None, dim) if length is None else (None, length, dim)
    return None


def _sizes(shape):
    try:
        return tuple(shape)
    except TypeError:
        raise ValueError(
            f"Expected a tuple of sizes for the shape of the input, such as `(3,)`. Received: "
            f"{shape!r} (of type {type(shape).__name__})"
        ) from None
