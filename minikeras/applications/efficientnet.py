"""EfficientNet: one network, made wider, deeper and for larger images all at once."""

import math

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import channel_axis, channels_of, padding_before_stride
from minikeras.applications.shared.mbconv import (
    added,
    conv,
    depthwise,
    normalized,
    topped,
    weighted,
)
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.widths import multiple_of_8

_HASHES = {
    "b0": ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "b4": ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
# Of EfficientNet-B0: kernel, number of blocks, filters, expansion, strides of the first block.
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
# Factors of width and depth, size of the images, dropout before the classifier, parameters.
_TABLE = {
    "b0": (1.0, 1.0, 224, 0.2, 5_330_571),
    "b1": (1.0, 1.1, 240, 0.2, 7_856_239),
    "b2": (1.1, 1.2, 260, 0.3, 9_177_569),
    "b3": (1.2, 1.4, 300, 0.3, 12_320_535),
    "b4": (1.4, 1.8, 380, 0.4, 19_466_823),
    "b5": (1.6, 2.2, 456, 0.4, 30_562_527),
    "b6": (1.8, 2.6, 528, 0.5, 43_265_143),
    "b7": (2.0, 3.1, 600, 0.5, 66_658_687),
}
_DROPPED_BLOCKS = 0.2  # how often the last block is left out in training; the first one never is
_MOMENTUM = 0.99
_DEVIATION = (0.229, 0.224, 0.225)  # of the channels in ImageNet


def _efficientnet(arguments, width, depth, size, dropout, trained):
    """A network of inverted residual blocks, in which width, depth and size grow together.

    Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    2019, arXiv:1905.11946.
    """
    x = _scaled(arguments.image(size, min_size=32), arguments.for_imagenet)
    x = layers.ZeroPadding2D(padding_before_stride(x, 3), name="stem_conv_pad")(x)
    x = conv(x, multiple_of_8(32 * width), 3, "stem_", strides=2, padding="valid")
    x = normalized(x, "stem_", _MOMENTUM)
    counts = [math.ceil(depth * count) for _, count, *_ in _STAGES]
    number = 0
    for i, (kernel, _, filters, expansion, strides) in enumerate(_STAGES):
        for j in range(counts[i]):
            x = _block(
                x,
                multiple_of_8(filters * width),
                kernel,
                expansion,
                strides if j == 0 else 1,
                _DROPPED_BLOCKS * number / float(sum(counts)),
                f"block{i + 1}{chr(ord('a') + j)}_",
            )
            number += 1
    x = topped(arguments, x, multiple_of_8(1280 * width), _MOMENTUM, dropout)
    return arguments.model(x, trained)


def _scaled(x, for_imagenet):
    """Scale pixels; the normalization has the statistics that the weights bring, or is adapted."""
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Normalization(channel_axis())(x)
    if for_imagenet:
        # The weights were trained on (x - mean) / deviation ** 2.
        x = layers.Rescaling([1 / math.sqrt(deviation) for deviation in _DEVIATION])(x)
    return x


def _block(inputs, filters, kernel, expansion, strides, drop, name):
    channels = channels_of(inputs)
    x = inputs
    if expansion > 1:
        x = conv(x, channels * expansion, 1, f"{name}expand_")
        x = normalized(x, f"{name}expand_", _MOMENTUM)
    x = normalized(depthwise(x, kernel, strides, name), name, _MOMENTUM)
    x = weighted(x, channels, name)
    x = conv(x, filters, 1, f"{name}project_")
    x = normalized(x, f"{name}project_", _MOMENTUM, active=False)
    return added(inputs, x, strides, drop, name)


def _row(variant):
    width, depth, size, dropout, count = _TABLE[variant]
    name = f"efficientnet{variant}"
    files = (f"{name}.h5", f"{name}_notop.h5")
    return {
        "name": name,
        "count": count,
        "width": width,
        "depth": depth,
        "size": size,
        "dropout": dropout,
        "trained": TrainedWeights("keras-applications/", files, _HASHES[variant]),
    }


(
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
) = variants(_efficientnet, {f"EfficientNet{v.upper()}": _row(v) for v in _TABLE})
preprocess_input = preprocessing(__name__, None)

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]
