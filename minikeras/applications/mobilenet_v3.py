"""MobileNet V3: blocks that a search found, with squeeze-and-excitation and `hard_silu`."""

import warnings
from typing import Any

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import (
    channels_of,
    check_input_tensor,
    check_size,
    image_shape,
    padding_before_stride,
    rows_and_columns,
    signed_channel_axis,
)
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.widths import multiple_of_8
from minikeras.autograd.symbolic import is_keras_tensor

__all__ = ["decode_predictions", "preprocess_input"]  # the models are at home one package up

_HASHES = {
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": (
        *("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    ),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": (
        *("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
    ),
}

# Tables 1 and 2 of the paper: expansion, filters, kernel, strides, squeezed, activation.
_LARGE = (
    (1, 16, 3, 1, False, "relu"),
    (4, 24, 3, 2, False, "relu"),
    (3, 24, 3, 1, False, "relu"),
    (3, 40, 5, 2, True, "relu"),
    (3, 40, 5, 1, True, "relu"),
    (3, 40, 5, 1, True, "relu"),
    (6, 80, 3, 2, False, "hard_silu"),
    (2.5, 80, 3, 1, False, "hard_silu"),
    (2.3, 80, 3, 1, False, "hard_silu"),
    (2.3, 80, 3, 1, False, "hard_silu"),
    (6, 112, 3, 1, True, "hard_silu"),
    (6, 112, 3, 1, True, "hard_silu"),
    (6, 160, 5, 2, True, "hard_silu"),
    (6, 160, 5, 1, True, "hard_silu"),
    (6, 160, 5, 1, True, "hard_silu"),
)
_SMALL = (
    (1, 16, 3, 2, True, "relu"),
    (72 / 16, 24, 3, 2, False, "relu"),
    (88 / 24, 24, 3, 1, False, "relu"),
    (4, 40, 5, 2, True, "hard_silu"),
    (6, 40, 5, 1, True, "hard_silu"),
    (6, 40, 5, 1, True, "hard_silu"),
    (3, 48, 5, 1, True, "hard_silu"),
    (3, 48, 5, 1, True, "hard_silu"),
    (6, 96, 5, 2, True, "hard_silu"),
    (6, 96, 5, 1, True, "hard_silu"),
    (6, 96, 5, 1, True, "hard_silu"),
)
_SQUEEZED = 0.25  # the share of channels between squeezing and excitation


def _mobilenet_v3(
    arguments, blocks, last, kind, alpha, minimalistic, dropout_rate, include_preprocessing
):
    """A network of inverted residual blocks, most of which weight their channels.

    Source: Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244.
    """
    x = _image(arguments, alpha, minimalistic)
    active = _relu if minimalistic else _hard_silu
    if include_preprocessing:
        x = layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = active(_batch_norm(x, "conv_bn"))
    for i, block in enumerate(blocks):
        x = _block(x, _minimal(*block) if minimalistic else block, alpha, i)
    x = layers.Conv2D(
        multiple_of_8(6 * channels_of(x)), 1, padding="same", use_bias=False, name="conv_1"
    )(x)
    x = active(_batch_norm(x, "conv_1_bn"))
    if arguments.include_top:
        # The last convolution widens with the others, but does not narrow with them.
        width = multiple_of_8(last * max(alpha, 1.0))
        x = _classified(arguments, x, width, active, dropout_rate)
    else:
        x = arguments.pooled(x, avg="avg_pool", max="max_pool")
    return arguments.model(x, _trained(kind, minimalistic, alpha))


def _image(arguments, alpha, minimalistic):
    check_input_tensor(arguments.input_shape, arguments.input_tensor)
    if arguments.input_shape is None:
        image = arguments.input_tensor
        rows, columns = (
            rows_and_columns(image.shape[1:]) if is_keras_tensor(image) else (None, None)
        )
        arguments.input_shape = image_shape(rows, columns, 3)
    check_size(arguments.input_shape, 32)
    if arguments.for_imagenet:
        _check_trained(alpha, minimalistic, arguments.input_shape)
    return arguments.input()


def _check_trained(alpha, minimalistic, input_shape):
    if alpha not in ((1.0,) if minimalistic else (0.75, 1.0)):
        raise ValueError(
            "With `weights='imagenet'`, `alpha` must be 0.75 or 1.0, and 1.0 if `minimalistic`. "
            f"Received: alpha={alpha}, minimalistic={minimalistic}"
        )
    if rows_and_columns(input_shape) != (224, 224):
        warnings.warn(
            "There are weights for images of size 224 x 224, which are taken. "
            f"Received: input_shape={input_shape}",
            stacklevel=2,
        )


def _trained(kind, minimalistic, alpha):
    kind = f"{kind}_minimalistic" if minimalistic else kind
    variant = f"{kind}_224_{float(alpha)}"
    name = f"weights_mobilenet_v3_{variant}_float"
    return TrainedWeights(
        "tensorflow/keras-applications/mobilenet_v3/",
        (f"{name}.h5", f"{name}_no_top_v2.h5"),
        _HASHES.get(variant, (None, None)),
    )


def _minimal(expansion, filters, kernel, strides, is_squeezed, activation):
    return expansion, filters, 3, strides, False, "relu"


def _block(x, row, alpha, i):
    expansion, filters, kernel, strides, is_squeezed, activation = row
    inputs, channels, filters = x, channels_of(x), multiple_of_8(filters * alpha)
    name = f"expanded_conv_{i}" if i else "expanded_conv"
    active = _ACTIVE[activation]
    width = multiple_of_8(channels * expansion)
    if i:
        x = layers.Conv2D(width, 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = active(_batch_norm(x, f"{name}_expand_bn"))
    if strides > 1:
        x = layers.ZeroPadding2D(padding_before_stride(x, kernel), name=f"{name}_depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        name=f"{name}_depthwise",
    )(x)
    x = active(_batch_norm(x, f"{name}_depthwise_bn"))
    if is_squeezed:
        x = _squeezed(x, multiple_of_8(channels * expansion * _SQUEEZED), f"{name}_squeeze_excite")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _batch_norm(x, f"{name}_project_bn")
    if strides == 1 and channels == filters:
        return layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _squeezed(x, width, name):
    """Weight each channel of an image by what all of them have on average."""
    channels = channels_of(x)
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(x)
    y = layers.Conv2D(width, 1, padding="same", name=f"{name}_conv")(y)
    y = layers.ReLU(name=f"{name}_relu")(y)
    y = layers.Conv2D(channels, 1, padding="same", name=f"{name}_conv_1")(y)
    return layers.Multiply(name=f"{name}_mul")([x, _hard_sigmoid(y)])


def _hard_sigmoid(x):
    clipped: Any = layers.ReLU(6.0)(x + 3.0)
    return clipped * (1 / 6)


def _classified(arguments, x, width, active, dropout_rate):
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = active(layers.Conv2D(width, 1, padding="same", name="conv_2")(x))
    if dropout_rate > 0:
        x = layers.Dropout(dropout_rate)(x)
    x = layers.Conv2D(arguments.classes, 1, padding="same", name="logits")(x)
    x = layers.Flatten()(x)
    return layers.Activation(arguments.top_activation(), name="predictions")(x)


def _batch_norm(x, name):
    return layers.BatchNormalization(signed_channel_axis(), momentum=0.999, name=name)(x)


def _relu(x):
    return layers.ReLU()(x)


def _hard_silu(x):
    return layers.Activation("hard_silu")(x)


_ACTIVE = {"relu": _relu, "hard_silu": _hard_silu}

MobileNetV3Small, MobileNetV3Large = variants(
    _mobilenet_v3,
    {
        "MobileNetV3Small": {
            "name": "MobileNetV3Small",
            "count": 2_554_968,
            "kind": "small",
            "blocks": _SMALL,
            "last": 1024,
        },
        "MobileNetV3Large": {
            "name": "MobileNetV3Large",
            "count": 5_507_432,
            "kind": "large",
            "blocks": _LARGE,
            "last": 1280,
        },
    },
    parameters=(
        *("input_shape", "alpha", "minimalistic", "include_top", "weights", "input_tensor"),
        *("classes", "pooling", "dropout_rate", "classifier_activation"),
        *("include_preprocessing", "name"),
    ),
    alpha=1.0,
    minimalistic=False,
    dropout_rate=0.2,
    include_preprocessing=True,
)
preprocess_input = preprocessing(__name__, None)
