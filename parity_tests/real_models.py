"""Models that are no examples, for `minikeras check real_models:NAME`: functions that return them.

`application__<name>` is one of `keras.applications` with random weights, `network__<name>` one of
the benchmarks' networks, `hed` and `mtcnn__<name>` are those of packages of other people, whose
files lie unpacked in the folder that the environment variable MINIKERAS_PACKAGES names. The
process of either engine imports this file: nothing here knows of tests.
"""

import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import keras

from benchmarks.workloads import WORKLOADS

L = keras.layers

# Inputs as small as the models take them.
SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
APPLICATIONS = [
    "ConvNeXtTiny",
    "ConvNeXtSmall",
    "DenseNet121",
    "DenseNet169",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetV2B0",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "VGG19",
    "Xception",
]
NETWORKS = list(WORKLOADS)
MTCNN = {"PNet": 60, "RNet": 24, "ONet": 48}


def application(name):
    """An architecture of `keras.applications` with weights that are drawn."""
    keras.utils.set_random_seed(1)
    size = SIZES.get(name, 32)
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(size, size, 3), classes=10)


def network(name):
    """A network of the benchmarks."""
    keras.utils.set_random_seed(1)
    return WORKLOADS[name].model(keras)


def packaged(member):
    """The path of a file of a package of other people."""
    return Path(os.environ["MINIKERAS_PACKAGES"]) / member


def mtcnn(name):
    """One of the three networks that find faces, with the trained weights."""
    import joblib

    source = packaged(f"mtcnn/network/{name.lower()}.py")
    names = {"__name__": name}
    others = {key: value for key, value in sys.modules.items() if key == "tensorflow"}
    sys.modules["tensorflow"] = SimpleNamespace(keras=keras)
    try:
        exec(compile(source.read_text(), str(source), "exec"), names)
    finally:
        del sys.modules["tensorflow"]
        sys.modules.update(others)
    own = names[name]()
    own.build()
    own.set_weights(joblib.load(packaged(f"mtcnn/assets/weights/{name.lower()}.lz4")))
    x = keras.Input((MTCNN[name], MTCNN[name], 3))
    return keras.Model(x, own(x))


@keras.saving.register_keras_serializable("proof")
class Edges(keras.Model):
    """The network of HED: five stages of VGG16, each with an output."""


KINDS = {"application": application, "network": network, "mtcnn": mtcnn}


def __getattr__(name):
    """The function that makes a model."""
    kind, _, which = name.partition("__")
    if kind not in KINDS or not which:
        raise AttributeError(name)
    return partial(KINDS[kind], which)
