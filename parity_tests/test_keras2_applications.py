"""Architectures built by the code of Keras 2.2.4 with our layers, beside ours: layers, weights.

The package `keras_applications` takes its layers from whoever calls it. It is read from the cache
of old packages.
"""

import sys
from importlib import import_module

import pytest

import minikeras.keras2 as keras
from parity_tests.old_keras import archives

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(
        not archives.is_fetched(),
        reason="old Keras is not in the cache: `python -m parity_tests.old_keras --fetch`",
    ),
]

NETWORKS = {
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "DenseNet121": "densenet",
    "InceptionV3": "inception_v3",
    "Xception": "xception",
    "NASNetMobile": "nasnet",
    "ResNet50": "resnet50",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "InceptionResNetV2": "inception_resnet_v2",
}


@pytest.fixture
def theirs(monkeypatch):
    """A function of a network's name and arguments that builds it by their code."""
    monkeypatch.syspath_prepend(str(archives.file_of("keras-applications==1.0.6")))
    modules = {name: getattr(keras, name) for name in ("backend", "layers", "models", "utils")}

    def build(name, **arguments):
        module = import_module(f"keras_applications.{NETWORKS[name]}")
        return getattr(module, name)(**arguments, **modules)

    yield build
    for name in [n for n in sys.modules if n.partition(".")[0] == "keras_applications"]:
        del sys.modules[name]


def described(model):
    """The name of a model, its layers, and the shapes of their weights."""
    layers = [(type(layer).__name__, layer.name, layer.output_shape) for layer in model.layers]
    shapes = [[tuple(w.shape) for w in layer.weights] for layer in model.layers]
    return model.name, layers, shapes


OF_ANY_SIZE = ("InceptionV3", "Xception", "InceptionResNetV2", "NASNetMobile")

# The weights of these are drawn in less than two seconds.
SMALL = ("MobileNet", "MobileNetV2")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in SMALL else pytest.mark.slow) for n in NETWORKS]
)
@pytest.mark.filterwarnings("ignore:The output shape of `ResNet50")
@pytest.mark.parametrize("include_top", [True, False])
def test_layers_and_weights_in_their_order(theirs, name, include_top):
    arguments = {"weights": None, "include_top": include_top}
    # Without a shape Keras 2.2.4 let these begin with images of any size, Keras 1 with 299 x 299.
    if name in OF_ANY_SIZE:
        arguments["input_shape"] = (299, 299, 3)
    keras.backend.clear_session()
    expected = described(theirs(name, **arguments))
    keras.backend.clear_session()
    received = described(getattr(keras.applications, name)(**arguments))
    assert received == expected
