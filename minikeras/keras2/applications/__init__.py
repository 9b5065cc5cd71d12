"""Known architectures as models of Keras 2."""

from minikeras.keras2.applications.networks import (
    VGG16,
    VGG19,
    DenseNet121,
    DenseNet169,
    DenseNet201,
    InceptionResNetV2,
    InceptionV3,
    MobileNet,
    MobileNetV2,
    NASNetLarge,
    NASNetMobile,
    Xception,
)
from minikeras.keras2.applications.resnet50 import ResNet50
from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = [
    "VGG16",
    "VGG19",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet50",
    "Xception",
]
