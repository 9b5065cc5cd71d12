"""VGG19: sixteen convolutions and three dense layers."""

from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.pretrained import tf_kernels
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.vgg import vgg

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

_HASHES = ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6")

(VGG19,) = variants(
    vgg,
    {
        "VGG19": {
            "name": "vgg19",
            "count": 143_667_240,
            "convolutions": (2, 2, 4, 4, 4),
            "trained": tf_kernels("vgg19", _HASHES),
        }
    },
)
preprocess_input = preprocessing(__name__, "caffe")
