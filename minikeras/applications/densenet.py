"""DenseNet: networks in which each layer takes the outputs of all layers before it."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import channel_axis, channels_of, require_channels_last
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32  # the channels that each block adds
_EPSILON = 1.001e-5
_HASHES = {
    "densenet121": ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    "densenet169": ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    "densenet201": ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}


def _densenet(arguments, blocks, trained):
    """A network in which each block takes the outputs of all blocks before it of the same size.

    A block adds its 32 channels to those that it got, y = [x, f(x)], with f for two convolutions.

    Source: Huang et al., "Densely Connected Convolutional Networks", 2016, arXiv:1608.06993.
    """
    require_channels_last("DenseNet")
    x = layers.ZeroPadding2D(3)(arguments.image(default_size=224, min_size=32))
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = layers.ZeroPadding2D(1)(_normalized(x, "conv1_"))
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for i, count in enumerate(blocks, start=2):
        for j in range(1, count + 1):
            x = _block(x, f"conv{i}_block{j}")
        if i <= len(blocks):
            x = _transition(x, f"pool{i}")
    x = _normalized(x, "")
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D(name="avg_pool")(x))
    else:
        x = arguments.pooled(x, avg="avg_pool", max="max_pool")
    return arguments.model(x, trained)


def _block(x, name):
    y = _normalized(x, f"{name}_0_")
    y = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = _normalized(y, f"{name}_1_")
    y = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(channel_axis(), name=f"{name}_concat")([x, y])


def _transition(x, name):
    """Half the channels, half the height and width."""
    x = _normalized(x, f"{name}_")
    x = layers.Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _normalized(x, name):
    x = layers.BatchNormalization(channel_axis(), epsilon=_EPSILON, name=f"{name}bn")(x)
    return layers.Activation("relu", name=f"{name}relu")(x)


def _row(name, blocks, count):
    trained = tf_kernels(name, _HASHES[name], folder="densenet")
    return {"name": name, "blocks": blocks, "count": count, "trained": trained}


DenseNet121, DenseNet169, DenseNet201 = variants(
    _densenet,
    {
        "DenseNet121": _row("densenet121", (6, 12, 24, 16), 8_062_504),
        "DenseNet169": _row("densenet169", (6, 12, 32, 32), 14_307_880),
        "DenseNet201": _row("densenet201", (6, 12, 48, 32), 20_242_984),
    },
)
preprocess_input = preprocessing(__name__, "torch")
