"""The architectures of Keras 2.2.4, with their arguments in its order.

`minikeras.applications` builds each of them; `converted` makes it a model of Keras 2.
"""

import os
from typing import Any

from minikeras import applications as engine
from minikeras.core import names
from minikeras.keras2 import backend as K
from minikeras.keras2.applications.converted import Edits, in_keras_2
from minikeras.keras2.layers import Input
from minikeras.keras2.spelling import spelled

_COMMON = (
    "include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, "
    "classes=1000"
)
_TAIL = "include_top=True, weights='imagenet', input_tensor=None, pooling=None, classes=1000"
_SAME = Edits()
_MOBILE = "input_shape=None, alpha=1.0, depth_multiplier=1, "


def _network(name, parameters=_COMMON, ignored=(), edits=_SAME):
    make = getattr(engine, name)

    def build(input_tensor, input_shape, weights, **values):
        is_symbolic = input_tensor is not None and K.is_keras_tensor(input_tensor)
        if input_tensor is not None and input_shape is None:
            shape: Any = K.int_shape(input_tensor)
            input_shape = shape[1:]
        # A file of Keras 2 has its layers in the order of the model that is returned.
        path = weights if weights != "imagenet" and os.path.exists(weights or "") else None
        before = names.counts()
        model = make(input_shape=input_shape, weights=None if path else weights, **values)
        if not is_symbolic:
            input_tensor = Input(model.input_shape[1:], tensor=input_tensor)
        automatic = names.made_since(before)
        converted = in_keras_2(model, input_tensor, automatic, edits, weights == "imagenet")
        if path is not None:
            converted.load_weights(path)
        return converted

    build.__name__, build.__doc__ = name, make.__doc__
    return spelled(build, parameters, ignored=ignored)


_DENSENET = Edits(
    names={
        "conv1_conv": "conv1/conv",
        "conv1_bn": "conv1/bn",
        "conv1_relu": "conv1/relu",
        "predictions": "fc1000",
    }
)
_MOBILENET = Edits(
    names={"predictions": "act_softmax"},
    padded={"conv1": "conv1_pad"},
    # Softmax goes over the last axis: the classes, only if channels are there.
    exchanged=("reshape_2", "predictions"),
)
_MOBILENET_V2 = Edits(
    names={"predictions": "Logits"}, padded={"Conv1": "Conv1_pad"}, pads_odd=True
)
_NASNET = Edits(name="NASNet")

VGG16, VGG19 = _network("VGG16"), _network("VGG19")
InceptionV3, Xception = _network("InceptionV3"), _network("Xception")
InceptionResNetV2 = _network("InceptionResNetV2")
DenseNet121, DenseNet169, DenseNet201 = (
    _network(f"DenseNet{depth}", edits=_DENSENET) for depth in (121, 169, 201)
)
MobileNet = _network("MobileNet", f"{_MOBILE}dropout=0.001, {_TAIL}", edits=_MOBILENET)
MobileNetV2 = _network("MobileNetV2", f"{_MOBILE}{_TAIL}", ["depth_multiplier"], _MOBILENET_V2)
NASNetLarge = _network("NASNetLarge", f"input_shape=None, {_TAIL}", edits=_NASNET)
NASNetMobile = _network("NASNetMobile", f"input_shape=None, {_TAIL}", edits=_NASNET)
