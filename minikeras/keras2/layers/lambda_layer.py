"""Lambda: a function as a layer, called once on the symbolic tensors of the graph."""

from typing import Any

import numpy as np

from minikeras.core.registry.custom import find_custom
from minikeras.keras2.engine.layer import Layer
from minikeras.saving.legacy import lambdas


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
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        if self._shape is None:
            return None
        if callable(self._shape):
            shape: Any = self._shape(input_shape)
            return tuple(shape)
        return (first[0] if first else None, *self._shape)

    def _declares_output(self):
        return self._shape is not None

    def compute_mask(self, inputs, mask=None):
        """Return the mask that was given, or what its function returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        """Return the constructor's arguments; a lambda as its code."""
        config = super().get_config()
        named = getattr(self.function, "__name__", "<lambda>") != "<lambda>"
        config["function"] = self.function.__name__ if named else lambdas.__name__
        config["arguments"] = {
            k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in self.arguments.items()
        }
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        if isinstance(config["function"], str):
            config["function"] = find_custom(config["function"], custom_objects)
        return cls(**config)
