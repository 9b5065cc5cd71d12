"""ResNet: networks of 50, 101 and 152 layers that learn what to add to their input."""

from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.resnet import resnet
from minikeras.applications.shared.variants import variants

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

_HASHES = {
    "resnet50": ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}


def _row(name, depths, count):
    trained = tf_kernels(name, _HASHES[name], folder="resnet")
    return {"name": name, "depths": depths, "count": count, "trained": trained}


ResNet50, ResNet101, ResNet152 = variants(
    resnet,
    {
        "ResNet50": _row("resnet50", (3, 4, 6, 3), 25_636_712),
        "ResNet101": _row("resnet101", (3, 4, 23, 3), 44_707_176),
        "ResNet152": _row("resnet152", (3, 8, 36, 3), 60_419_944),
    },
)
preprocess_input = preprocessing(__name__, "caffe")
