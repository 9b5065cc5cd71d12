"""The public functions of a family of architectures, made from one builder and a table.

The builder is `builder(arguments, ...)`: it takes what all architectures take as an `Arguments`,
and what is the family's own by name. A row of the table gives what one variant fixes of it.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from minikeras.applications.shared.arguments import Arguments
from minikeras.autograd.postponed import postponed_values
from minikeras.core.docstrings import completed

COMMON = (
    *("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"),
    *("classifier_activation", "name"),
)
"""The arguments of most architectures, in their order."""

_TEXTS = {
    "include_top": "bool, whether the layers that classify are part of the model.",
    "include_preprocessing": "bool, whether the model's first layers scale the pixels. Images are "
    "given as they are then, from 0 to 255.",
    "weights": '`"imagenet"` for weights trained on ImageNet, which are downloaded; the path of a '
    "file with weights; None for random ones.",
    "input_tensor": "KerasTensor to take the images from, or None for a new input.",
    "input_shape": "tuple, the shape of an image without the batch, in the order of the data "
    "format that the settings name. None for the usual size if `include_top`, else for any size.",
    "pooling": 'what becomes of the features without `include_top`: `"avg"` or `"max"` over '
    "height and width, or None to keep their shape (batch, height, width, channels).",
    "classes": "int, the number of classes that are told apart if `include_top`.",
    "classifier_activation": "activation function of the classifier or its name, None for logits. "
    '`None` or `"softmax"` with weights that were trained.',
    "name": "str, the model's name.",
    "alpha": "float, the numbers of filters are multiplied with it.",
    "depth_multiplier": "int, how many filters a depthwise convolution has for each channel.",
    "dropout": "float, which share of the features is dropped before the classifier.",
    "dropout_rate": "float, which share of the features is dropped before the classifier.",
    "minimalistic": "bool, whether to do without squeeze-and-excitation, kernels of size 5 and "
    "`hard_silu`, for devices on which they are slow.",
}


def variants(
    builder: Callable[..., Any],
    table: dict[str, dict[str, Any]],
    parameters: Iterable[str] = COMMON,
    **defaults: Any,
) -> list[Callable[..., Any]]:
    """Make the public functions of a family.

    Args:
        builder: function `(arguments, **own)` that returns a model. Its docstring tells what the
            family is.
        table: dict from the name of each function to what it fixes: `name`, the model's name;
            `count`, the number of parameters that its example shows; and own arguments of the
            builder.
        parameters: names of the public arguments in their order.
        **defaults: defaults of the family's own arguments.

    Returns:
        A list of functions in the order of the table.
    """
    common = {field.name: field.default for field in dataclasses.fields(Arguments)}
    return [
        _public(builder, public_name, parameters, {**common, **defaults}, dict(row))
        for public_name, row in table.items()
    ]


def _public(builder, public_name, parameters, defaults, fixed):
    count = fixed.pop("count")
    defaults = {**defaults, "name": fixed.pop("name")}
    signature = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=defaults[name])
            for name in parameters
        ]
    )

    def build(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = bound.arguments
        arguments = Arguments(**{name: values.pop(name) for name in COMMON})
        with postponed_values():  # a file may bring them
            return builder(arguments, **values, **fixed)

    build.__name__ = build.__qualname__ = public_name
    build.__module__ = builder.__module__
    build.__signature__ = signature
    build.__doc__ = completed(_document(builder, public_name, count), parameters, _TEXTS)
    return build


def _document(builder, public_name, count):
    about = inspect.cleandoc(builder.__doc__)
    return f"""Make a model of the architecture {public_name}.

{about}

Returns:
    A functional model.

Raises:
    ValueError: if an argument cannot be, or does not fit the others.

Example:
    >>> import minikeras as keras
    >>> model = keras.applications.{public_name}(weights=None)
    >>> print(f"{{model.count_params():,}}")
    {count:,}
"""
