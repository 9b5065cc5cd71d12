"""EfficientNet V2: blocks that are faster to train, with plain convolutions at the beginning."""

import math

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import channel_axis, channels_of
from minikeras.applications.shared.mbconv import (
    added,
    conv,
    normalized,
    plain_depthwise,
    topped,
    weighted,
)
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.widths import multiple_of_8

_HASHES = {
    "b0": ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "b1": ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "b2": ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "b3": ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "s": ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "m": ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "l": ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
# Number of blocks, filters, expansion, strides of the first block, whether its convolution is
# depthwise and its channels are weighted.
_BASE = (
    (1, 16, 1, 1, False),
    (2, 32, 4, 2, False),
    (2, 48, 4, 2, False),
    (3, 96, 4, 2, True),
    (5, 112, 6, 1, True),
    (8, 192, 6, 2, True),
)
_S = (
    (2, 24, 1, 1, False),
    (4, 48, 4, 2, False),
    (4, 64, 4, 2, False),
    (6, 128, 4, 2, True),
    (9, 160, 6, 1, True),
    (15, 256, 6, 2, True),
)
_M = (
    (3, 24, 1, 1, False),
    (5, 48, 4, 2, False),
    (5, 80, 4, 2, False),
    (7, 160, 4, 2, True),
    (14, 176, 6, 1, True),
    (18, 304, 6, 2, True),
    (5, 512, 6, 1, True),
)
_L = (
    (4, 32, 1, 1, False),
    (7, 64, 4, 2, False),
    (7, 96, 4, 2, False),
    (10, 192, 4, 2, True),
    (19, 224, 6, 1, True),
    (25, 384, 6, 2, True),
    (7, 640, 6, 1, True),
)
# Stages, filters of the first convolution, factors of width and depth, size of the images,
# parameters.
_TABLE = {
    "b0": (_BASE, 32, 1.0, 1.0, 224, 7_200_312),
    "b1": (_BASE, 32, 1.0, 1.1, 240, 8_212_124),
    "b2": (_BASE, 32, 1.1, 1.2, 260, 10_178_374),
    "b3": (_BASE, 32, 1.2, 1.4, 300, 14_467_622),
    "s": (_S, 24, 1.0, 1.0, 384, 21_612_360),
    "m": (_M, 24, 1.0, 1.0, 480, 54_431_388),
    "l": (_L, 32, 1.0, 1.0, 480, 119_027_848),
}
_DROPPED_BLOCKS = 0.2  # how often the last block is left out in training; the first one never is
_DROPOUT = 0.2
_MOMENTUM = 0.9
_MEAN = (0.485, 0.456, 0.406)  # of the channels in ImageNet
_VARIANCE = (0.229**2, 0.224**2, 0.225**2)


def _efficientnet_v2(arguments, stages, stem, width, depth, size, trained, include_preprocessing):
    """A network of inverted residual blocks, of which the first ones have plain convolutions.

    Source: Tan and Le, "EfficientNetV2: Smaller Models and Faster Training", 2021,
    arXiv:2104.00298.
    """
    x = arguments.image(size, min_size=32)
    if include_preprocessing:
        x = _scaled(x, arguments)
    x = conv(x, _filters(stem, width), 3, "stem_", strides=2)
    x = normalized(x, "stem_", _MOMENTUM)
    total = float(sum(count for count, *_ in stages))
    number = 0
    for i, (count, filters, expansion, strides, is_depthwise) in enumerate(stages):
        block = _block if is_depthwise else _fused_block
        for j in range(math.ceil(depth * count)):
            x = block(
                x,
                _filters(filters, width),
                expansion,
                strides if j == 0 else 1,
                _DROPPED_BLOCKS * number / total,
                f"block{i + 1}{chr(ord('a') + j)}_",
            )
            number += 1
    top = _filters(1280, width)
    zeros = {"class_name": "Constant", "config": {"value": 0.0}}
    x = topped(arguments, x, top, _MOMENTUM, _DROPOUT, bias_initializer=zeros)
    return arguments.model(x, trained)


def _filters(filters, width):
    return multiple_of_8(filters * width, least_share=0)


def _scaled(x, arguments):
    """Scale pixels, as each variant had them when it was trained."""
    channels = arguments.input_shape[channel_axis() - 1]
    if arguments.name.split("-")[-1].startswith("b") and channels == 3:
        x = layers.Rescaling(1 / 255)(x)
        return layers.Normalization(channel_axis(), mean=_MEAN, variance=_VARIANCE)(x)
    return layers.Rescaling(1 / 128, offset=-1)(x)


def _block(inputs, filters, expansion, strides, drop, name):
    channels = channels_of(inputs)
    x = conv(inputs, channels * expansion, 1, f"{name}expand_")
    x = normalized(x, f"{name}expand_", _MOMENTUM)
    x = plain_depthwise(x, 3, strides, f"{name}dwconv2")
    x = weighted(normalized(x, name, _MOMENTUM), channels, name)
    x = conv(x, filters, 1, f"{name}project_")
    x = normalized(x, f"{name}project_", _MOMENTUM, active=False)
    return added(inputs, x, strides, drop, name)


def _fused_block(inputs, filters, expansion, strides, drop, name):
    """One convolution in place of expansion and depthwise convolution."""
    x, widens = inputs, expansion > 1
    if widens:
        channels = channels_of(inputs)
        x = conv(x, channels * expansion, 3, f"{name}expand_", strides=strides)
        x = normalized(x, f"{name}expand_", _MOMENTUM)
        x = conv(x, filters, 1, f"{name}project_")
    else:
        x = conv(x, filters, 3, f"{name}project_", strides=strides)
    x = normalized(x, f"{name}project_", _MOMENTUM, active=not widens)
    return added(inputs, x, strides, drop, name)


def _row(variant):
    stages, stem, width, depth, size, count = _TABLE[variant]
    name = f"efficientnetv2-{variant}"
    files = (f"{name}.h5", f"{name}_notop.h5")
    folder = "tensorflow/keras-applications/efficientnet_v2/"
    return {
        "name": name,
        "count": count,
        "stages": stages,
        "stem": stem,
        "width": width,
        "depth": depth,
        "size": size,
        "trained": TrainedWeights(folder, files, _HASHES[variant]),
    }


(
    EfficientNetV2B0,
    EfficientNetV2B1,
    EfficientNetV2B2,
    EfficientNetV2B3,
    EfficientNetV2S,
    EfficientNetV2M,
    EfficientNetV2L,
) = variants(
    _efficientnet_v2,
    {f"EfficientNetV2{variant.upper()}": _row(variant) for variant in _TABLE},
    parameters=(
        *("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"),
        *("classifier_activation", "include_preprocessing", "name"),
    ),
    include_preprocessing=True,
)
preprocess_input = preprocessing(__name__, None)

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]
