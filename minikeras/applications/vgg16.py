"""VGG16: thirteen convolutions and three dense layers."""

from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.vgg import vgg

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

_HASHES = ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")

(VGG16,) = variants(
    vgg,
    {
        "VGG16": {
            "name": "vgg16",
            "count": 138_357_544,
            "convolutions": (2, 2, 3, 3, 3),
            "trained": tf_kernels("vgg16", _HASHES),
        }
    },
)
preprocess_input = preprocessing(__name__, "caffe")
