"""Known architectures: the same layers, names, connections, configs, weights and outputs.

The structure is compared without numbers: Keras's weights are zeros then, and ours are not drawn
before they are read.
"""

import inspect
import warnings

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

import minikeras
from minikeras.applications.shared import pretrained
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, policy
from parity_tests.test_configs import written

pytestmark = pytest.mark.parity

NAMES = [
    name
    for name in dir(keras.applications)
    if inspect.isfunction(getattr(keras.applications, name))
]
FAMILIES = [
    name for name in dir(keras.applications) if inspect.ismodule(getattr(keras.applications, name))
]
NO_TOP = {"include_top": False}
SMALL = {"input_shape": (96, 96, 3), "classes": 7}

# Further arguments of single models: one of each family, and what is special about it.
VARIATIONS = [
    ("VGG16", NO_TOP | {"pooling": "avg", "input_shape": (40, 33, 3)}),
    ("VGG19", {"classes": 3, "classifier_activation": None, "input_shape": (32, 32, 3)}),
    ("ResNet50", NO_TOP | {"pooling": "max", "name": "mine"}),
    ("ResNet50V2", {"input_shape": (47, 64, 3), "classes": 5}),
    ("DenseNet121", NO_TOP | {"pooling": "avg", "input_shape": (None, 64, 3)}),
    ("Xception", NO_TOP | {"pooling": "max"}),
    ("InceptionV3", NO_TOP | {"pooling": "avg"}),
    ("InceptionResNetV2", NO_TOP | {"pooling": "max", "input_shape": (75, 80, 3)}),
    ("MobileNet", {"alpha": 0.5, "depth_multiplier": 2, "dropout": 0.3, "classes": 4}),
    ("MobileNet", NO_TOP | {"alpha": 0.25, "input_shape": (128, 128, 3), "pooling": "avg"}),
    ("MobileNet", {"input_shape": (33, 64, 1), "name": "mine"}),
    ("MobileNetV2", {"alpha": 0.35, "classes": 4}),
    ("MobileNetV2", NO_TOP | {"alpha": 1.4, "input_shape": (96, 96, 3), "pooling": "max"}),
    ("MobileNetV3Small", {"alpha": 0.75, "include_preprocessing": False}),
    ("MobileNetV3Small", {"minimalistic": True, "classes": 3, "dropout_rate": 0}),
    ("MobileNetV3Large", NO_TOP | {"alpha": 1.5, "input_shape": (33, 47, 3), "pooling": "avg"}),
    ("MobileNetV3Large", {"alpha": 1.25, "minimalistic": True}),
    ("NASNetMobile", {"input_shape": (64, 47, 3), "classes": 3, "classifier_activation": None}),
    ("NASNetMobile", NO_TOP | {"pooling": "avg"}),
    ("EfficientNetB0", NO_TOP | {"pooling": "avg", "input_shape": (33, 64, 3)}),
    ("EfficientNetV2B0", {"include_preprocessing": False, "classes": 3}),
    ("EfficientNetV2B3", NO_TOP | {"input_shape": (32, 32, 1), "pooling": "max"}),
    ("EfficientNetV2S", NO_TOP | {"pooling": "avg"}),
    ("ConvNeXtTiny", NO_TOP | {"pooling": "max", "include_preprocessing": False}),
    ("ConvNeXtTiny", {"input_shape": (32, 64, 1), "classes": 3, "name": "mine"}),
]
TRAINED = {"weights": "imagenet"}
STRUCTURES = [
    *((name, TRAINED) for name in NAMES),
    *((name, TRAINED | NO_TOP) for name in NAMES if name != "NASNetLarge"),
    ("NASNetLarge", TRAINED | NO_TOP | {"input_shape": (331, 331, 3)}),
    *((name, {"weights": None} | further) for name, further in VARIATIONS),
]
each_structure = pytest.mark.parametrize(("model", "arguments"), STRUCTURES)


def make(engine, model, **arguments):
    return getattr(engine.applications, model)(**arguments)


@pytest.fixture
def zeros(monkeypatch):
    """Let Keras's initializers draw nothing."""

    def call(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    for initializer in ("VarianceScaling", "TruncatedNormal", "RandomUniform", "RandomNormal"):
        monkeypatch.setattr(getattr(keras.initializers, initializer), "__call__", call)


@pytest.fixture
def files(monkeypatch):
    """Which files each engine asks for; none is downloaded or read."""
    asked = {minikeras: [], keras: []}
    for engine, module in ((minikeras, pretrained), (keras, file_utils)):

        def get_file(fname, origin, cache_subdir=None, file_hash=None, engine=engine):
            asked[engine].append((fname, origin, cache_subdir, file_hash))
            return fname

        monkeypatch.setattr(module, "get_file", get_file)
        monkeypatch.setattr(engine.Model, "load_weights", lambda self, path: None)
    return asked


def config_of(engine, model):
    """The saved form, without what Keras alone writes (docs/numerics.md names both).

    These are a registered name of what is outside its public API, and arguments of calls that are
    the defaults.
    """
    saved = written(engine, model)
    for layer in [saved, *saved["config"]["layers"]]:
        if layer["module"].startswith("keras.src"):
            layer["registered_name"] = None
        for node in layer.get("inbound_nodes", []):
            for name, default in (("mask", None), ("training", False)):
                if node["kwargs"].get(name, ...) is default:
                    del node["kwargs"][name]
    return saved


def weights_of(model):
    return [(w.path, tuple(w.shape), w.dtype, w.trainable) for w in model.weights]


def summary_of(model):
    lines = []
    model.summary(line_length=120, print_fn=lines.append, expand_nested=True, show_trainable=True)
    return "\n".join(lines)


@pytest.mark.sampled()
@each_structure
def test_structure(model, arguments, zeros, files):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ours, theirs = both(lambda engine: make(engine, model, **arguments))
    categories = [warning.category for warning in said]
    assert categories[::2] == categories[1::2]
    assert files[minikeras] == files[keras]
    our_config, their_config = config_of(minikeras, ours), config_of(keras, theirs)
    our_layers, their_layers = our_config["config"]["layers"], their_config["config"]["layers"]
    assert [saved["name"] for saved in our_layers] == [saved["name"] for saved in their_layers]
    for our_layer, their_layer in zip(our_layers, their_layers, strict=True):
        assert our_layer == their_layer
    assert our_config == their_config
    assert weights_of(ours) == weights_of(theirs)
    assert ours.count_params() == theirs.count_params()
    assert summary_of(ours) == summary_of(theirs)


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    ours, theirs = (getattr(engine.applications, name) for engine in (minikeras, keras))
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))


def test_public_names():
    for engine_module in ("", *FAMILIES):
        ours, theirs = minikeras.applications, keras.applications
        if engine_module:
            ours, theirs = getattr(ours, engine_module), getattr(theirs, engine_module)
        assert set(ours.__all__) == {name for name in dir(theirs) if not name.startswith("_")}


# Small images, and features before the classifier, which would make them nearly uniform.
OUTPUTS = [
    *((name, 32) for name in ("VGG16", "ResNet50", "ResNet50V2", "DenseNet121", "MobileNet")),
    *((name, 32) for name in ("MobileNetV2", "MobileNetV3Small", "MobileNetV3Large")),
    *((name, 32) for name in ("NASNetMobile", "EfficientNetB0", "EfficientNetV2B0")),
    *((name, 32) for name in ("EfficientNetV2S", "ConvNeXtTiny")),
    *(("Xception", 71), ("InceptionV3", 75), ("InceptionResNetV2", 75)),
]
WEIGHTS = 1e-6  # what the project promises of start weights
DEPTH = 1000  # additions one after another, in the deepest of these


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("model", "size"), OUTPUTS)
def test_weights_and_outputs(model, size, dtype):
    """The same seed gives the same weights; the same weights give the same outputs."""
    arguments = NO_TOP | {"weights": None, "input_shape": (size, size, 3)}
    if dtype == "float64":
        arguments |= exact(model)
    with policy(dtype):
        ours, theirs = both(lambda engine: make(engine, model, **arguments))
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=WEIGHTS, err_msg=a.path)
        ours.set_weights(theirs.get_weights())
        if dtype == "float64":
            without_gelu(minikeras, ours)
            without_gelu(keras, theirs)
        images = np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype(dtype)
        assert_close(ours(images), theirs(images), length=DEPTH**2)


def exact(model):
    """Arguments of a model without what Keras computes with constants of float32 in float64."""
    has_constants = model in ("EfficientNetV2B0", "ConvNeXtTiny")
    return {"include_preprocessing": False} if has_constants else {}


def without_gelu(engine, model):
    """Replace the activation whose constants Keras rounds to float32."""
    for layer in model.layers:
        if getattr(getattr(layer, "activation", None), "__name__", "") == "gelu":
            layer.activation = engine.activations.tanh


@pytest.mark.slow
def test_training():
    """Dropout, batch normalization and optimizer together: the losses of the first steps."""
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    labels = np.array([0, 1, 2, 1])

    def losses(engine):
        model = make(
            engine, "MobileNetV3Small", weights=None, input_shape=(32, 32, 3), classes=3, alpha=0.75
        )
        model.compile(engine.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
        return [model.train_on_batch(images, labels) for _ in range(2)]

    ours, theirs = both(losses)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
