"""The architectures of Keras 2.2.4, with their arguments in its order.

`minikeras.applications` builds each of them; `converted` makes it a model of Keras 2.
"""

from typing import Any

from minikeras import applications as engine
from minikeras.core import names
from minikeras.keras2 import backend as K
from minikeras.keras2.applications.converted import in_keras_2
from minikeras.keras2.layers import Input
from minikeras.keras2.spelling import spelled

_COMMON = (
    "include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, "
    "classes=1000"
)
_TAIL = "include_top=True, weights='imagenet', input_tensor=None, pooling=None, classes=1000"
_MOBILE = "input_shape=None, alpha=1.0, depth_multiplier=1, "


def _network(name, parameters=_COMMON, ignored=()):
    make = getattr(engine, name)

    def build(input_tensor, input_shape, **values):
        is_symbolic = input_tensor is not None and K.is_keras_tensor(input_tensor)
        if input_tensor is not None and input_shape is None:
            shape: Any = K.int_shape(input_tensor)
            input_shape = shape[1:]
        before = names.counts()
        model = make(input_shape=input_shape, **values)
        if not is_symbolic:
            input_tensor = Input(model.input_shape[1:], tensor=input_tensor)
        converted = in_keras_2(model, input_tensor, names.made_since(before))
        if values["weights"] is not None:
            converted.set_weights(model.get_weights())
        return converted

    build.__name__, build.__doc__ = name, make.__doc__
    return spelled(build, parameters, ignored=ignored)


VGG16, VGG19, ResNet50 = (_network(name) for name in ("VGG16", "VGG19", "ResNet50"))
InceptionV3, Xception = _network("InceptionV3"), _network("Xception")
InceptionResNetV2 = _network("InceptionResNetV2")
DenseNet121, DenseNet169, DenseNet201 = (_network(f"DenseNet{n}") for n in (121, 169, 201))
MobileNet = _network("MobileNet", f"{_MOBILE}dropout=0.001, {_TAIL}")
MobileNetV2 = _network("MobileNetV2", f"{_MOBILE}{_TAIL}", ["depth_multiplier"])
NASNetLarge = _network("NASNetLarge", f"input_shape=None, {_TAIL}")
NASNetMobile = _network("NASNetMobile", f"input_shape=None, {_TAIL}")
