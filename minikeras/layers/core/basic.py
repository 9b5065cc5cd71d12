"""The layers that most models are made of: Dense, Embedding, Lambda, Masking, Identity."""

from typing import Any

from minikeras import ops, regularizers
from minikeras.core import dims, dtypes, registry, trees
from minikeras.layers.base.arguments import is_relu
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    PositiveInt,
    Regularizer,
    UseBias,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


@layer
class Dense(Layer):
    """`activation(x @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis.

    Input shape: `(batch, ..., features)`; output shape: `(batch, ..., units)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Dense(5, activation="relu")(keras.ops.ones((2, 3))).shape
        (2, 5)
    """

    units: PositiveInt
    activation: Activation = None
    use_bias: UseBias = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    activity_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None

    def setup(self):
        """Demand at least a batch and a feature axis."""
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        """Make the kernel `(features, units)` and the bias `(units,)`."""
        features = input_shape[-1]
        self.kernel = self.field_weight("kernel", (features, self.units))
        self.bias = self.field_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs, training=None):
        """Multiply, add, activate."""
        fused = is_relu(self.activation)
        y = ops.dense(inputs, self.kernel, self.bias, relu=fused)
        return y if fused else self.activation(y)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the last size replaced by `units`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Return the constructor's arguments, in the form that Keras's own Dense writes."""
        config = super().get_config()
        if config["activity_regularizer"] is None:
            del config["activity_regularizer"]
        return {**config, "quantization_config": None}


@layer
class Embedding(Layer):
    """A vector for each of a fixed number of integers.

    Equations (dense.embedding):
        y = table[ids]  # (count, width)

    Equations (dense.embedding_backward):
        dtable = zeros_like(table)  # (size, width)
        for n, row in enumerate(ids):
            dtable[row] += g[n]

    Args:
        input_dim: how many integers there are: valid inputs are 0 to `input_dim - 1`.
        output_dim: the size of each vector.
        embeddings_initializer: initializer of the vectors.
        embeddings_regularizer: regularizer of the vectors.
        embeddings_constraint: constraint of the vectors.
        mask_zero: whether 0 stands for no data, so that the output carries a mask.
        weights: list with one array, the first values of the vectors; or None.
        **kwargs: `name`, `dtype`, `trainable`; `input_length`, of old scripts, has no effect.

    Input shape: `(batch, ...)` of integers; output shape: `(batch, ..., output_dim)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Embedding(10, 4)(keras.ops.convert_to_tensor([[1, 9]])).shape
        (1, 2, 4)
    """

    input_dim: PositiveInt
    output_dim: PositiveInt
    embeddings_initializer: Initializer = "uniform"
    embeddings_regularizer: Regularizer = None
    embeddings_constraint: Constraint = None
    mask_zero: bool = False

    def __init__(self, *args, weights=None, **kwargs):
        kwargs.pop("input_length", None)
        Embedding.from_fields(self, *args, **kwargs)
        if weights is not None:
            self.build()
            self.set_weights(weights)

    def setup(self):
        """Note that masks are made here, and that indices stay as they are."""
        self.supports_masking = self.mask_zero
        self.autocast = False

    def build(self, input_shape=None):
        """Make the table of vectors `(input_dim, output_dim)`."""
        self.embeddings = self.field_weight("embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs):
        """Look the vectors up."""
        inputs = ops.convert_to_tensor(inputs)
        if not dtypes.is_integer(inputs.dtype):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        """Return where the input is not 0, if `mask_zero` is set."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        """Return the input's shape with `output_dim` after it."""
        return (*input_shape, self.output_dim)

    def get_config(self):
        """Return the constructor's arguments, in the form that Keras's own Embedding writes."""
        penalty = regularizers.serialize(self.activity_regularizer)
        written = {"activity_regularizer": penalty, "quantization_config": None}
        return {**super().get_config(), **written}


@layer
class Identity(Layer):
    """Return the inputs as they are.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Identity()(keras.ops.ones(2)).tolist()
        [1.0, 1.0]
    """

    def setup(self):
        """Masks pass."""
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        """Return the inputs."""
        return inputs


@layer
class Masking(Layer):
    """Mark the steps of a sequence at which every feature equals `mask_value`.

    Args:
        mask_value: the value that stands for no data.

    Input shape: `(batch, steps, features)`; the output has zeros at marked steps and a mask.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor([[[1.0], [0.0]]])
        >>> keras.layers.Masking()(x)._keras_mask.tolist()
        [[True, False]]
    """

    mask_value: Any = 0.0

    def setup(self):
        """Masks are made here."""
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs, mask=None):
        """Return where any feature differs from `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        """Put zeros where there is no data."""
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(kept, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


class Lambda(Layer):
    """Any function as a layer.

    Args:
        function: function of the inputs; it may take `mask` and `training`.
        output_shape: shape of one sample's output, or a function of the input's shape; None to
            find it by running the function on shapes alone.
        mask: mask of the output, or a function `(inputs, mask)`; None passes no mask on.
        arguments: dict of further keyword arguments of the function.
        **kwargs: `name`, `dtype`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Lambda(lambda x: x * 2)(keras.ops.ones(2)).tolist()
        [2.0, 2.0]
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        if not callable(function):
            raise TypeError(
                "`function` should be callable. "
                f"Received: function={function!r:.200} (of type {type(function).__name__})"
            )
        super().__init__(**kwargs)
        self.arguments = arguments or {}
        self.function = function
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._takes = {n: _takes(function, n) for n in ("mask", "training")}

    def call(self, inputs, mask=None, training=None):
        """Run the function."""
        options = dict(self.arguments)
        if self._takes["mask"]:
            options["mask"] = mask
        if self._takes["training"]:
            options["training"] = training
        return self.function(inputs, **options)

    def compute_output_shape(self, input_shape):
        """Return the output's shape, as declared or found by running the function on shapes."""
        if self._output_shape is None:
            return Layer.compute_output_shape(self, input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape if _is_sizes(input_shape) else trees.flatten(list(input_shape))
        return (first[0], *self._output_shape)

    def _declares_output(self):
        return self._output_shape is not None

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the output."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        """Return the constructor's arguments; lambda expressions as bytecode."""
        config = super().get_config()
        config["function"] = _saved_function(self.function)
        for key, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[key] = _saved_function(value)
        config["arguments"] = registry.serialize(dict(self.arguments))
        return config

    def _automatic_config(self):
        return {}

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=True):
        """Make the layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: dict of name to function of your own.
            safe_mode: whether the bytecode of lambda expressions is refused.

        Raises:
            ValueError: if there is bytecode in the config, and it is not trusted.
        """
        config = dict(config)
        for key in ("function", "output_shape", "mask"):
            if isinstance(config.get(key), (dict, list)):
                config[key] = registry.deserialize(config[key], custom_objects, safe_mode)
        if isinstance(config.get("output_shape"), list):  # JSON has no tuples
            config["output_shape"] = tuple(config["output_shape"])
        return super().from_config(config)


def _saved_function(function):
    """The saved form of a function; here Keras expects the parts of a lambda by name."""
    if registry.is_lambda(function):
        config = registry.serialize(registry.code_config(function))
        return {"class_name": "__lambda__", "config": config}
    return registry.serialize(function)


def _takes(function, name):
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    return name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _is_sizes(shape):
    return all(size is None or isinstance(size, (int, dims.Dim)) for size in shape)
