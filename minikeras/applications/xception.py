"""Xception: Inception with depthwise separable convolutions in place of its branches."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import signed_channel_axis
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_HASHES = ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97")


def _xception(arguments, trained):
    """A residual network of separable convolutions: each channel alone, then across channels.

    Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2016,
    arXiv:1610.02357.
    """
    x = arguments.image(default_size=299, min_size=71)
    for i, (filters, strides) in enumerate([(32, 2), (64, 1)], start=1):
        name = f"block1_conv{i}"
        x = layers.Conv2D(filters, 3, strides=strides, use_bias=False, name=name)(x)
        x = layers.Activation("relu", name=f"{name}_act")(_batch_norm(x, f"{name}_bn"))
    x = _halving_block(x, 2, (128, 128), begins_active=False)
    x = _halving_block(x, 3, (256, 256))
    x = _halving_block(x, 4, (728, 728))
    for block in range(5, 13):
        x = layers.Add()([_separable(x, block, (728, 728, 728)), x])
    x = _halving_block(x, 13, (728, 1024))
    for i, filters in enumerate([1536, 2048], start=1):
        name = f"block14_sepconv{i}"
        x = layers.Activation("relu", name=f"{name}_act")(_separable_conv(x, filters, name))
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D(name="avg_pool")(x))
    else:
        x = arguments.pooled(x)
    return arguments.model(x, trained)


def _halving_block(x, block, filters, begins_active=True):
    """Separable convolutions and a max pooling, added to a projection of the input."""
    shortcut = layers.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = _batch_norm(shortcut)
    x = _separable(x, block, filters, begins_active)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x)
    return layers.Add()([x, shortcut])


def _separable(x, block, filters, begins_active=True):
    for i, count in enumerate(filters, start=1):
        name = f"block{block}_sepconv{i}"
        if i > 1 or begins_active:
            x = layers.Activation("relu", name=f"{name}_act")(x)
        x = _separable_conv(x, count, name)
    return x


def _separable_conv(x, filters, name):
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return _batch_norm(x, f"{name}_bn")


def _batch_norm(x, name=None):
    return layers.BatchNormalization(signed_channel_axis(), name=name)(x)


(Xception,) = variants(
    _xception,
    {
        "Xception": {
            "name": "xception",
            "count": 22_910_480,
            "trained": tf_kernels("xception", _HASHES),
        }
    },
)
preprocess_input = preprocessing(__name__, "tf")
