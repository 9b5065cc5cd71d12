"""ResNet V2: residual networks with batch normalization and ReLU before each convolution."""

from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.resnet import resnet_v2
from minikeras.applications.shared.variants import variants

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

_HASHES = {
    "resnet50v2": ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    "resnet101v2": ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "resnet152v2": ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
}


def _row(name, depths, count):
    trained = tf_kernels(name, _HASHES[name], folder="resnet")
    return {"name": name, "depths": depths, "count": count, "trained": trained}


ResNet50V2, ResNet101V2, ResNet152V2 = variants(
    resnet_v2,
    {
        "ResNet50V2": _row("resnet50v2", (3, 4, 6, 3), 25_613_800),
        "ResNet101V2": _row("resnet101v2", (3, 4, 23, 3), 44_675_560),
        "ResNet152V2": _row("resnet152v2", (3, 8, 36, 3), 60_380_648),
    },
)
preprocess_input = preprocessing(__name__, "tf")
