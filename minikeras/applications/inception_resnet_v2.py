"""Inception-ResNet V2: blocks of parallel convolutions that add to their input."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inception import chain, conv, mixed, stem
from minikeras.applications.shared.inputs import channel_axis, channels_of
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants
from minikeras.core import registry
from minikeras.layers.base.declare import layer

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

_HASHES = ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4")

# The branches of each part, as `shared.inception` writes them.
_FIRST = [((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))]
_FROM_35_TO_17 = [((384, 3, 2),), ((256, 1), (256, 3), (384, 3, 2))]
_FROM_17_TO_8 = [
    ((256, 1), (384, 3, 2)),
    ((256, 1), (288, 3, 2)),
    ((256, 1), (288, 3), (320, 3, 2)),
]
_BLOCKS = {
    "block35": [((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))],
    "block17": [((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))],
    "block8": [((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))],
}


@layer
class CustomScaleLayer(layers.Layer):
    """`x + scale * y` of a pair of tensors.

    Args:
        scale: float.

    Example:
        >>> import minikeras as keras
        >>> from minikeras.applications.inception_resnet_v2 import CustomScaleLayer
        >>> CustomScaleLayer(0.5)([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).tolist()
        [[1.5, 1.5]]
    """

    scale: float

    def call(self, inputs):
        """Add what is scaled."""
        x, y = inputs
        return x + y * self.scale


registry.Table("layer", "keras.src.applications.inception_resnet_v2").add(CustomScaleLayer)


def _inception_resnet_v2(arguments, trained):
    """A residual network whose blocks are parts of an Inception network.

    A block is y = relu(x + s f(x)), with f for the branches and a convolution over their channels.
    A scale s below 1 keeps the training of so many blocks stable.

    Source: Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections
    on Learning", 2016, arXiv:1602.07261.
    """
    x = stem(arguments.image(default_size=299, min_size=75))
    x = mixed(x, _FIRST, "mixed_5b", average=64)
    for i in range(1, 11):
        x = _block(x, "block35", i, scale=0.17)
    x = mixed(x, _FROM_35_TO_17, "mixed_6a")
    for i in range(1, 21):
        x = _block(x, "block17", i, scale=0.1)
    x = mixed(x, _FROM_17_TO_8, "mixed_7a")
    for i in range(1, 10):
        x = _block(x, "block8", i, scale=0.2)
    x = _sum(x, "block8", 10, scale=1.0)
    x = conv(x, 1536, 1, name="conv_7b")
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D(name="avg_pool")(x))
    else:
        x = arguments.pooled(x)
    return arguments.model(x, trained)


def _block(x, kind, i, scale):
    return layers.Activation("relu", name=f"{kind}_{i}_ac")(_sum(x, kind, i, scale))


def _sum(x, kind, i, scale):
    name = f"{kind}_{i}"
    y = [chain(x, branch) for branch in _BLOCKS[kind]]
    y = layers.Concatenate(channel_axis(), name=f"{name}_mixed")(y)
    y = layers.Conv2D(channels_of(x), 1, padding="same", name=f"{name}_conv")(y)
    return CustomScaleLayer(scale)([x, y])


(InceptionResNetV2,) = variants(
    _inception_resnet_v2,
    {
        "InceptionResNetV2": {
            "name": "inception_resnet_v2",
            "count": 55_873_736,
            "trained": tf_kernels("inception_resnet_v2", _HASHES),
        }
    },
)
preprocess_input = preprocessing(__name__, "tf")
