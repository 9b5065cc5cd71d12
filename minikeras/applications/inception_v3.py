"""Inception V3: convolutions of several sizes beside each other, large ones in two steps."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inception import averaged, chain, conv, mixed, stem
from minikeras.applications.shared.inputs import channel_axis
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

_HASHES = ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63")
_ROW, _COLUMN = (1, 7), (7, 1)  # a kernel of size 7 x 7 in two steps

# The branches of each part, as `shared.inception` writes them.
_AT_35 = [((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))]
_FROM_35_TO_17 = [((384, 3, 2),), ((64, 1), (96, 3), (96, 3, 2))]
_FROM_17_TO_8 = [
    ((192, 1), (320, 3, 2)),
    ((192, 1), (192, _ROW), (192, _COLUMN), (192, 3, 2)),
]


def _at_17(c):
    return [
        ((192, 1),),
        ((c, 1), (c, _ROW), (192, _COLUMN)),
        ((c, 1), (c, _COLUMN), (c, _ROW), (c, _COLUMN), (192, _ROW)),
    ]


def _inception_v3(arguments, trained):
    """A network of parts in which convolutions of several sizes stand beside each other.

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015,
    arXiv:1512.00567.
    """
    x = stem(arguments.image(default_size=299, min_size=75))
    for i, filters in enumerate([32, 64, 64]):
        x = mixed(x, _AT_35, f"mixed{i}", average=filters)
    x = mixed(x, _FROM_35_TO_17, "mixed3")
    for i, channels in enumerate([128, 160, 160, 192], start=4):
        x = mixed(x, _at_17(channels), f"mixed{i}", average=192)
    x = mixed(x, _FROM_17_TO_8, "mixed8")
    for i in range(2):
        x = _at_8(x, i)
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D(name="avg_pool")(x))
    else:
        x = arguments.pooled(x)
    return arguments.model(x, trained)


def _at_8(x, i):
    """A part whose branches divide once more."""
    branches = [
        conv(x, 320, 1),
        _divided(conv(x, 384, 1), f"mixed9_{i}"),
        _divided(chain(x, [(448, 1), (384, 3)]), None),
        averaged(x, 192),
    ]
    return layers.Concatenate(channel_axis(), name=f"mixed{9 + i}")(branches)


def _divided(x, name):
    halves = [conv(x, 384, (1, 3)), conv(x, 384, (3, 1))]
    return layers.Concatenate(channel_axis(), name=name)(halves)


(InceptionV3,) = variants(
    _inception_v3,
    {
        "InceptionV3": {
            "name": "inception_v3",
            "count": 23_851_784,
            "trained": tf_kernels("inception_v3", _HASHES),
        }
    },
)
preprocess_input = preprocessing(__name__, "tf")
