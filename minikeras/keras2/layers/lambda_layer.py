"""Lambda: a function as a layer, called once on the symbolic tensors of the graph."""

from typing import Any

import numpy as np

from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.layers.functions import function_of, saved_function


class Lambda(Layer):
    """A function as a layer.

    Args:
        function: function of a tensor or of a list of tensors.
        output_shape: sizes without the batch, or a function of the input's shape; None to find out.
        mask: function of `(inputs, mask)` that returns the mask of the outputs, a mask, or None.
        arguments: dict of further arguments of the function.
        **kwargs: see `Layer`.

    Example:
        >>> from minikeras.keras2.layers import Input, Lambda
        >>> Lambda(lambda x: x ** 2)(Input((3,))).shape
        (None, 3)
    """

    _is_traced = True

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        if isinstance(mask, dict) and arguments is None:  # the third argument of Keras 1
            mask, arguments = None, mask
        if not (output_shape is None or isinstance(output_shape, (list, tuple))):
            _check_callable(output_shape)
        super().__init__(**kwargs)
        self.function = function
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self.mask = mask
        self._shape = output_shape

    def call(self, inputs, mask=None):
        """Call the function."""
        arguments = dict(self.arguments)
        code = getattr(self.function, "__code__", None)
        if code is not None and "mask" in code.co_varnames[: code.co_argcount]:
            arguments.setdefault("mask", mask)
        return self.function(inputs, **arguments)

    def compute_output_shape(self, input_shape):
        """Return the shape as it was given, with unknown sizes where nothing was."""
        if self._shape is None:
            return None
        if not callable(self._shape):
            first = input_shape[0] if isinstance(input_shape, list) else input_shape
            return (first[0] if first else None, *self._shape)
        shape: Any = self._shape(input_shape)
        if not isinstance(shape, (list, tuple)):
            raise ValueError(
                f"The function `output_shape` of Lambda {self.name!r} returned {shape!r}: expected "
                "a shape, or a list of shapes."
            )
        is_one = not shape or isinstance(shape[0], int) or shape[0] is None
        return tuple(shape) if is_one else list(shape)

    def _declares_output(self):
        return self._shape is not None

    def compute_mask(self, inputs, mask=None):
        """Return the mask that was given, or what its function returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        """Return the constructor's arguments; functions as their code."""
        config = super().get_config()
        for key, value in (("function", self.function), ("output_shape", self._shape)):
            config[key], config[f"{key}_type"] = saved_function(value)
        config["arguments"] = {
            k: {"type": "ndarray", "value": v.tolist()} if isinstance(v, np.ndarray) else v
            for k, v in self.arguments.items()
        }
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        for key in ("function", "output_shape"):
            kind = config.pop(f"{key}_type", "function" if key == "function" else "raw")
            config[key] = function_of(config.get(key), kind, custom_objects)
        config["arguments"] = {
            k: np.array(v["value"]) if isinstance(v, dict) and v.get("type") == "ndarray" else v
            for k, v in (config.get("arguments") or {}).items()
        }
        return cls(**config)


def _check_callable(output_shape):
    if not callable(output_shape):
        raise TypeError(
            "Lambda takes as `output_shape` sizes without the batch, or a function of the input's "
            f"shape. Received: {output_shape!r}"
        )
