"""Merge: Keras 1's layer that joins tensors, or whole models, in one of several ways."""

from typing import Any

from minikeras import layers, ops
from minikeras.core import settings as engine
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import record
from minikeras.keras2.engine import configs
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.layers.functions import function_of, saved_function
from minikeras.saving.legacy.tables import MERGES

_OF_EQUAL_SHAPES = ("sum", "mul", "ave", "max", "cos")
_OF_TWO = ("dot", "cos")
MODES = (*MERGES, "cos")


class Merge(Layer):
    """Joins a list of tensors into one.

    With inputs x_1, ..., x_n, and the dot product x . y along `dot_axes`:

        sum: x_1 + ... + x_n            mul: x_1 * ... * x_n
        ave: (x_1 + ... + x_n) / n      max: the elementwise largest
        dot: x_1 . x_2                  cos: x_1 . x_2 / max(sqrt((x_1 . x_1) (x_2 . x_2)), epsilon)
        concat: the inputs one after the other along `concat_axis`

    Args:
        layers: list of layers or models, whose outputs are joined at once; None for a layer that is
            called on a list of tensors. A Merge of models can be the first layer of a Sequential,
            which then takes the inputs of all of them.
        mode: one of the names above, or a function of the list of tensors.
        concat_axis: axis of `"concat"`.
        dot_axes: int or two ints, the axes of `"dot"` and `"cos"`.
        output_shape: for a function: sizes without the batch, or a function of the list of input
            shapes; None to find out.
        output_mask: for a function: the mask of the output, or a function of the list of masks.
        arguments: dict of further arguments of the function.
        node_indices: which call's output to take of each layer; the first by default.
        tensor_indices: which output of that call to take, where it has several.
        name: a name, or None for an automatic one.

    Raises:
        ValueError: if the mode is unknown, or the shapes do not fit.
        TypeError: if there are fewer than two inputs.

    Example:
        >>> from minikeras.keras2.layers import Dense, Merge
        >>> from minikeras.keras2.models import Sequential
        >>> left, right = (Sequential([Dense(3, input_dim=size)]) for size in (4, 5))
        >>> Sequential([Merge([left, right], mode="concat"), Dense(1)]).input_shape
        [(None, 4), (None, 5)]
    """

    _is_traced = True

    def __init__(
        self,
        layers=None,
        mode="sum",
        concat_axis=-1,
        dot_axes=-1,
        output_shape=None,
        output_mask=None,
        arguments=None,
        node_indices=None,
        tensor_indices=None,
        name=None,
        **kwargs,
    ):
        if not callable(mode) and mode not in MODES:
            raise ValueError(
                f"Unknown mode {mode!r} of Merge: expected a function or one of {sorted(MODES)}."
            )
        super().__init__(name=name, **kwargs)
        self.mode, self.concat_axis, self.dot_axes = mode, concat_axis, dot_axes
        self._shape: Any = output_shape
        self._mask = output_mask
        self.arguments = dict(arguments or {})
        self.supports_masking = True
        self.layers: Any = list(layers) if layers else None
        if layers:
            self(_outputs_of(list(layers), node_indices, tensor_indices))

    def build(self, input_shape):
        """Check the shapes.

        Args:
            input_shape: list of shapes.

        Raises:
            ValueError: if they do not fit the mode.
            TypeError: if there are fewer than two.
        """
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise TypeError(
                f"Merge {self.name!r} joins two or more inputs. Received inputs of shapes "
                f"{input_shape}: pass a list."
            )
        if self.mode in _OF_EQUAL_SHAPES and len(set(input_shape)) > 1:
            raise ValueError(
                f"Merge {self.name!r} in mode {self.mode!r} takes inputs of one shape. Received "
                f"{input_shape}."
            )
        if self.mode in _OF_TWO and len(input_shape) > 2:
            raise ValueError(
                f"Merge {self.name!r} in mode {self.mode!r} takes two inputs. Received "
                f"{len(input_shape)}."
            )
        if not callable(self.mode):
            self._joining().build(input_shape)

    def _joining(self):
        """The engine's layer that joins as the mode says; of `"cos"` the dot products."""
        name = MERGES.get(self.mode, "Dot")
        options = {"Concatenate": {"axis": self.concat_axis}, "Dot": {"axes": self.dot_axes}}
        return getattr(layers, name)(**options.get(name, {}))

    def call(self, inputs, mask=None):
        """Join the tensors."""
        if callable(self.mode):
            return self.mode(inputs, **self._with_mask(mask))
        join = self._joining()
        if self.mode == "cos":
            return record(lambda xs: _cosine(join.call, *xs), (inputs,))
        return record(join.call if self.mode in _OF_TWO else join, (inputs,))

    def _with_mask(self, mask):
        code = getattr(self.mode, "__code__", None)
        takes_mask = code is not None and "mask" in code.co_varnames[: code.co_argcount]
        return {**self.arguments, "mask": mask} if takes_mask else self.arguments

    def compute_output_shape(self, input_shape):
        """Return the output's shape, or None where only the function itself tells it."""
        if not callable(self.mode):
            return self._joining().compute_output_shape(input_shape)
        if self._shape is None:
            return None
        if callable(self._shape):
            shape: Any = self._shape(input_shape)
            return tuple(shape)
        return (input_shape[0][0], *self._shape)

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the output: where all inputs have data, or joined as they are."""
        if callable(self.mode):
            return self._mask(mask) if callable(self._mask) else self._mask
        masks = [m for m in mask or [] if m is not None]
        if self.mode in _OF_TWO or not masks:
            return None
        if self.mode == "concat":
            return record(self._joining().compute_mask, (inputs, list(mask or [])))
        return K.all(K.stack(masks), axis=0)

    def get_config(self):
        """Return the constructor's arguments, the branches' own configs among them."""
        config = {**super().get_config(), "concat_axis": self.concat_axis}
        config |= {"dot_axes": self.dot_axes, "arguments": self.arguments}
        functions = {"mode": self.mode, "output_shape": self._shape, "output_mask": self._mask}
        for key, value in functions.items():
            config[key], config[f"{key}_type"] = saved_function(value)
        if self.layers:
            config["layers"] = [configs.serialize(layer) for layer in list(self.layers)]
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        for key in ("mode", "output_shape", "output_mask"):
            kind = config.pop(f"{key}_type", None)
            config[key] = function_of(config.get(key), kind, custom_objects)
        if config.get("layers"):
            config["layers"] = [configs.deserialize(c, custom_objects) for c in config["layers"]]
        return cls(**config)


def _cosine(dot, x, y):
    """The cosine of the angle between vectors: 0 where one of them is next to nothing."""
    norms = ops.sqrt(dot([x, x]) * dot([y, y]))
    return dot([x, y]) / ops.maximum(norms, engine.epsilon())


def _outputs_of(branches, node_indices, tensor_indices):
    """The tensor that each layer or model gives."""
    nodes = node_indices or [0] * len(branches)
    places = tensor_indices or [0] * len(branches)
    return [_output(*parts) for parts in zip(branches, nodes, places, strict=True)]


def _output(branch, node_index, place):
    is_model = not branch._inbound_nodes and hasattr(branch, "outputs")
    output = branch.output if is_model else branch.get_output_at(node_index)
    return output[place or 0] if isinstance(output, list) else output


def merge(
    inputs,
    mode="sum",
    concat_axis=-1,
    dot_axes=-1,
    output_shape=None,
    output_mask=None,
    arguments=None,
    name=None,
):
    """Join tensors by a new `Merge`.

    Args:
        inputs: list of tensors.
        mode: see `Merge`.
        concat_axis: see `Merge`.
        dot_axes: see `Merge`.
        output_shape: see `Merge`.
        output_mask: see `Merge`.
        arguments: see `Merge`.
        name: a name, or None for an automatic one.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2.layers import Input, merge
        >>> merge([Input((3,)), Input((4,))], mode="concat", concat_axis=1).shape
        (None, 7)
    """
    layer = Merge(
        None, mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name=name
    )
    return layer(list(inputs))
