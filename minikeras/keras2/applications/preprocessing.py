"""How each family of networks takes its images, with the arguments of both releases."""

from minikeras.applications import (
    densenet,
    imagenet_utils,
    inception_resnet_v2,
    inception_v3,
    mobilenet,
    mobilenet_v2,
    nasnet,
    xception,
)
from minikeras.keras2.spelling import DATA_FORMATS, spelled

__all__ = [
    "decode_predictions",
    "for_caffe",
    "for_densenet",
    "for_inception_resnet_v2",
    "for_inception_v3",
    "for_mobilenet",
    "for_mobilenet_v2",
    "for_nasnet",
    "for_xception",
]


def _spelled(function, mode=""):
    old = {"dim_ordering": "data_format"}
    return spelled(function, f"x, data_format=None{mode}", keras1=old, values=DATA_FORMATS)


decode_predictions = imagenet_utils.decode_predictions
for_caffe = _spelled(imagenet_utils.preprocess_input, ", mode='caffe'")
for_densenet = _spelled(densenet.preprocess_input)
for_inception_resnet_v2 = _spelled(inception_resnet_v2.preprocess_input)
for_inception_v3 = _spelled(inception_v3.preprocess_input)
for_mobilenet = _spelled(mobilenet.preprocess_input)
for_mobilenet_v2 = _spelled(mobilenet_v2.preprocess_input)
for_nasnet = _spelled(nasnet.preprocess_input)
for_xception = _spelled(xception.preprocess_input)
