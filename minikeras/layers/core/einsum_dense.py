"""EinsumDense: a weighted sum over any axes, described by letters.

The equation `"abc,cd->abd"` names the axes of the input, the kernel and the output. Most equations
in use are products of matrices in disguise and are run as such.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from minikeras import initializers, ops, regularizers
from minikeras.layers.base.declare import (
    Activation,
    Constraint,
    Field,
    Initializer,
    Regularizer,
    layer,
)
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


def _sizes(value, name):
    return (value,) if isinstance(value, int) else tuple(value)


@layer
class EinsumDense(Layer):
    """`activation(einsum(equation, x, kernel) + bias)`.

    Args:
        equation: such as `"ab,bc->ac"`, `"...ab,bc->...ac"` or `"ab...,bc->ac..."`; the first axis
            is the batch, and `...` stands for any number of axes.
        output_shape: sizes of the output without the batch and what `...` stands for; an int for a
            single one, None where it is that of the input.
        bias_axes: letters of the output's axes along which there is a bias; None for no bias.

    Raises:
        ValueError: when built, if the equation does not fit the shapes.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.EinsumDense("...x,xy->...y", output_shape=5, bias_axes="y")
        >>> layer(keras.ops.ones((2, 4, 3))).shape
        (2, 4, 5)
    """

    equation: str
    output_shape: Annotated[Any, Field(_sizes, attribute="partial_output_shape")]
    activation: Activation = None
    bias_axes: str | None = None
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer = None
    bias_regularizer: Regularizer = None
    kernel_constraint: Constraint = None
    bias_constraint: Constraint = None

    partial_output_shape: ClassVar[Any]  # what the field `output_shape` becomes

    def build(self, input_shape):
        """Make the kernel and the bias, whose shapes follow from the equation."""
        equation = _parsed(self.equation)
        output_shape = equation.output_shape(input_shape, self.partial_output_shape)
        kernel_shape = equation.kernel_shape(input_shape, output_shape)
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=_with_axes(self.kernel_initializer, *equation.kernel_axes()),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.bias_axes is not None:
            shape = equation.bias_shape(self.bias_axes, output_shape)
            self.bias = self.field_weight("bias", shape)
        self._summed = equation.summed_by_product()
        self.input_spec = InputSpec(ndim=len(input_shape))

    def call(self, inputs, training=None):
        """Multiply, add, activate."""
        if not self._summed:
            y = ops.einsum(self.equation, inputs, self.kernel)
            return self.activation(y if self.bias is None else y + self.bias)
        new_sizes = self.kernel.shape[self._summed :]
        fits = self.bias is not None and self.bias.shape == new_sizes
        y = self._product(inputs, new_sizes, self.bias if fits else None)
        return self.activation(y if fits or self.bias is None else y + self.bias)

    def _product(self, inputs, new_sizes, bias):
        """Run the equation as one matrix product; `new_sizes` are those of the new axes."""
        front = inputs.shape[: inputs.ndim - self._summed]
        summed, width = math.prod(self.kernel.shape[: self._summed]), math.prod(new_sizes)
        x = inputs if self._summed == 1 else ops.reshape(inputs, (*front, summed))
        if len(new_sizes) == 1:
            kernel = self.kernel if self._summed == 1 else ops.reshape(self.kernel, (summed, width))
            return ops.dense(x, kernel, bias)
        bias = None if bias is None else ops.reshape(bias, (width,))
        y = ops.dense(x, ops.reshape(self.kernel, (summed, width)), bias)
        return ops.reshape(y, (*front, *new_sizes))

    def compute_output_shape(self, input_shape):
        """Return the output's shape, None where it is unknown."""
        return _parsed(self.equation).output_shape(input_shape, self.partial_output_shape)

    def get_config(self):
        """Return the constructor's arguments, in the form that Keras's own EinsumDense writes."""
        penalty = regularizers.serialize(self.activity_regularizer)
        written = {"activity_regularizer": penalty, "quantization_config": None}
        return {**super().get_config(), **written}


_FORM = re.compile(r"(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->(\.{3})?([a-zA-Z]+)(\.{3})?")


def _parsed(equation):
    match = _FORM.fullmatch(equation.replace(" ", ""))
    if match:
        before, inputs, after, kernel, *output = match.groups()
        if [before, after] == output[::2] and not (before and after):
            return _Equation(bool(before), bool(after), inputs, kernel, output[1])
    raise ValueError(
        f"The equation '{equation}' cannot be read. Write `inputs,kernel->outputs`, a letter for "
        "each axis, such as 'ab,bc->ac'. `...` may stand for further axes on one side of the "
        "inputs' letters and on the same side of the outputs', as in '...b,bc->...c'."
    )


@dataclass(frozen=True)
class _Equation:
    """The letters of an equation, and whether dots stand before or after those of the input."""

    dots: bool
    dots_after: bool
    inputs: str
    kernel: str
    output: str

    def output_shape(self, input_shape, partial):
        """The full shape of the output, checked against that of the input."""
        free = len(input_shape) - len(self.inputs)
        if free < 0:
            raise ValueError(
                f"The equation names {len(self.inputs)} axes of the input, '{self.inputs}', but "
                f"the input has the shape {tuple(input_shape)}."
            )
        front = max(free, 1) if self.dots else 1
        after = input_shape[len(self.inputs) :] if not self.dots else ()
        shape = (*input_shape[:front], *partial, *after)
        if len(shape) != free + len(self.output):
            raise ValueError(
                f"The output '{self.output}' has {len(self.output)} axes beside the "
                f"{free} that no letter stands for, but `output_shape={tuple(partial)}` makes "
                f"it {shape} for an input of shape {tuple(input_shape)}."
            )
        self._check(input_shape, shape)
        return shape

    def _check(self, input_shape, output_shape):
        input_sizes = self._sized(self.inputs, input_shape)
        output_sizes = self._sized(self.output, output_shape)
        for letter, size in input_sizes.items():
            if output_sizes.get(letter) is not None and output_sizes[letter] != size:
                raise ValueError(
                    f"The axis '{letter}' has size {size} in the inputs and {output_sizes[letter]} "
                    "in `output_shape`; they must be equal. Equation: "
                    f"'{self.inputs},{self.kernel}->{self.output}'"
                )
        for letter in self.output:
            if letter not in self.inputs + self.kernel:
                raise ValueError(
                    f"The outputs '{self.output}' have an axis '{letter}' that neither the inputs "
                    f"'{self.inputs}' nor the kernel '{self.kernel}' have."
                )

    def _sized(self, letters, shape):
        """The size of every letter; dots take the remaining axes, before or after."""
        first = len(shape) - len(letters) if self.dots else 0
        return dict(zip(letters, shape[first:], strict=False))

    def kernel_shape(self, input_shape, output_shape):
        """The kernel's shape: the output's sizes, and the input's for what is summed over."""
        sizes = {
            **self._sized(self.inputs, input_shape),
            **self._sized(self.output, output_shape),
        }
        for letter in self.kernel:
            if letter not in sizes:
                raise ValueError(
                    f"The kernel's axis '{letter}' is neither in the inputs '{self.inputs}' nor in "
                    f"the outputs '{self.output}', so its size is unknown."
                )
        return tuple(sizes[letter] for letter in self.kernel)

    def kernel_axes(self):
        """The kernel's axes that are summed over, and those that stay."""
        summed = [i for i, letter in enumerate(self.kernel) if letter not in self.output]
        return summed, [i for i in range(len(self.kernel)) if i not in summed]

    def bias_shape(self, axes, output_shape):
        """A shape that broadcasts to the output's, with sizes above 1 along `axes` alone."""
        for letter in axes:
            if letter not in self.output:
                raise ValueError(
                    f"`bias_axes` names the axis '{letter}', which the outputs '{self.output}' do "
                    "not have."
                )
        if not axes:
            raise ValueError("`bias_axes` must name an axis, or be None for no bias. It is empty.")
        sizes = self._sized(self.output, output_shape)
        first = min(self.output.index(letter) for letter in axes)
        after = 0 if self.dots else len(output_shape) - len(self.output)
        shape = [sizes[letter] if letter in axes else 1 for letter in self.output[first:]]
        return (*shape, *(1,) * after)

    def summed_by_product(self):
        """How many axes are summed over, if the equation is a product of matrices; else 0.

        That is, if the last axes of the input are the first ones of the kernel, in order, and the
        rest of the kernel's come to stand in their place.
        """
        for count in range(1, 1 if self.dots_after else len(self.kernel)):
            summed, kept = self.kernel[:count], self.kernel[count:]
            front = self.inputs[: len(self.inputs) - count]
            if self.inputs == front + summed and self.output == front + kept:
                return count if not set(kept) & set(self.inputs) else 0
        return 0


def _with_axes(initializer, input_axes, output_axes):
    """Tell an initializer that scales with the fans which axes of the kernel these are."""
    is_scaling = isinstance(initializer, initializers.VarianceScaling)
    if not is_scaling or None not in (initializer.input_axes, initializer.output_axes):
        return initializer
    config = {**initializer.get_config(), "seed": initializer.seed}
    axes = {"input_axes": input_axes, "output_axes": output_axes}
    return type(initializer).from_config({**config, **axes})
