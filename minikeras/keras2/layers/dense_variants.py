"""MaxoutDense and Highway, layers of Keras 1 that are made of several dense ones."""

from minikeras import ops
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Initializer,
    PositiveInt,
    Regularizer,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


def _bias(layer, shape):
    """The biases `b` of a layer, from zero."""
    return layer.add_weight(
        name="b",
        shape=shape,
        initializer="zeros",
        regularizer=layer.b_regularizer,
        constraint=layer.b_constraint,
    )


@layer
class MaxoutDense(Layer):
    """The largest of several linear functions, for each output.

    Goodfellow et al., "Maxout Networks" (2013). With k pieces W_j, b_j:

        y = max_j (x @ W_j + b_j)

    Args:
        output_dim: size of the output.
        nb_feature: the number k of linear functions.
        init: initializer of the kernels `W` `(nb_feature, input_dim, output_dim)`.
        weights: list of arrays to start from.
        W_regularizer: regularizer of the kernels.
        b_regularizer: regularizer of the biases.
        activity_regularizer: regularizer of the output.
        W_constraint: constraint of the kernels.
        b_constraint: constraint of the biases.
        bias: whether there are biases `b` `(nb_feature, output_dim)`.
        input_dim: size of the input, for a first layer.
        **kwargs: see `Layer`.

    Input shape: `(batch, input_dim)`; output shape: `(batch, output_dim)`.

    Example:
        >>> from minikeras.keras2.layers import MaxoutDense
        >>> from minikeras.keras2.models import Sequential
        >>> Sequential([MaxoutDense(4, nb_feature=3, input_dim=5)]).count_params()
        72
    """

    output_dim: PositiveInt
    nb_feature: PositiveInt = 4
    init: Initializer = "glorot_uniform"
    W_regularizer: Regularizer = None
    b_regularizer: Regularizer = None
    W_constraint: Constraint = None
    b_constraint: Constraint = None
    bias: bool = True

    def setup(self):
        """Demand one feature axis."""
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        """Make `W` and `b`."""
        self.W = self.add_weight(
            name="W",
            shape=(self.nb_feature, input_shape[1], self.output_dim),
            initializer=self.init,
            regularizer=self.W_regularizer,
            constraint=self.W_constraint,
        )
        self.b = None
        if self.bias:
            self.b = _bias(self, (self.nb_feature, self.output_dim))

    def call(self, inputs):
        """Compute the linear functions, and take the largest of them."""
        y = ops.tensordot(inputs, self.W, axes=[[1], [1]])  # (batch, nb_feature, output_dim)
        return ops.max(y if self.b is None else y + self.b, axis=1)

    def compute_output_shape(self, input_shape):
        """Return `(batch, output_dim)`."""
        return (input_shape[0], self.output_dim)


@layer
class Highway(Layer):
    """A dense layer beside a way past it, with a gate between the two.

    Srivastava et al., "Highway Networks" (2015):

        t = sigmoid(x @ W_carry + b_carry)
        y = t * activation(x @ W + b) + (1 - t) * x

    Args:
        init: initializer of both kernels `(input_dim, input_dim)`.
        activation: activation function or its name; None for none.
        weights: list of arrays to start from.
        W_regularizer: regularizer of `W`.
        b_regularizer: regularizer of `b`.
        activity_regularizer: regularizer of the output.
        W_constraint: constraint of `W`.
        b_constraint: constraint of `b`.
        bias: whether there are biases: `b` from 0, `b_carry` from 1.
        input_dim: size of the input, for a first layer.
        **kwargs: see `Layer`.

    Input and output shape: `(batch, input_dim)`.

    Example:
        >>> from minikeras.keras2.layers import Highway
        >>> from minikeras.keras2.models import Sequential
        >>> Sequential([Highway(activation="relu", input_dim=5)]).output_shape
        (None, 5)
    """

    init: Initializer = "glorot_uniform"
    activation: Activation = None
    W_regularizer: Regularizer = None
    b_regularizer: Regularizer = None
    W_constraint: Constraint = None
    b_constraint: Constraint = None
    bias: bool = True

    def setup(self):
        """Demand one feature axis."""
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        """Make the kernels and the biases."""
        size = input_shape[1]
        self.W = self.add_weight(
            name="W",
            shape=(size, size),
            initializer=self.init,
            regularizer=self.W_regularizer,
            constraint=self.W_constraint,
        )
        self.W_carry = self.add_weight(name="W_carry", shape=(size, size), initializer=self.init)
        self.b = self.b_carry = None
        if self.bias:
            self.b = _bias(self, (size,))
            self.b_carry = self.add_weight(name="b_carry", shape=(size,), initializer="ones")

    def call(self, inputs):
        """Compute the gate, the dense layer, and the mixture."""
        t = ops.sigmoid(ops.dense(inputs, self.W_carry, self.b_carry))
        return t * self.activation(ops.dense(inputs, self.W, self.b)) + (1 - t) * inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape
