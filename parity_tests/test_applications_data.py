"""What is around the known architectures: wrong arguments, pixels, class names, model files."""

import json

import keras
import numpy as np
import pytest
from keras.src.applications import convnext as keras_convnext
from keras.src.applications import imagenet_utils as keras_imagenet_utils
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer as KerasScale

import minikeras
from minikeras.applications import imagenet_utils
from minikeras.applications.convnext import LayerScale
from minikeras.applications.inception_resnet_v2 import CustomScaleLayer
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, fresh_names
from parity_tests.test_applications import FAMILIES

pytestmark = pytest.mark.parity

NO_WEIGHTS = {"weights": None}
WRONG = [
    ("VGG16", {"weights": "/no/such/file.h5"}),
    ("VGG16", {"classes": 10}),
    ("VGG16", {"input_shape": (100, 224, 3)}),
    ("VGG16", NO_WEIGHTS | {"input_shape": (31, 64, 3)}),
    ("VGG16", NO_WEIGHTS | {"input_shape": (64, 64)}),
    ("VGG16", NO_WEIGHTS | {"input_shape": (None, 64, 3)}),
    ("VGG16", NO_WEIGHTS | {"input_tensor": np.ones((1, 64, 64, 3))}),
    ("VGG16", {"include_top": False, "input_shape": (64, 64, 1)}),
    ("Xception", NO_WEIGHTS | {"input_shape": (70, 80, 3)}),
    ("InceptionV3", NO_WEIGHTS | {"input_shape": (74, 80, 3)}),
    ("MobileNet", {"alpha": 0.3}),
    ("MobileNet", {"depth_multiplier": 2}),
    ("MobileNetV2", {"alpha": 0.3}),
    ("MobileNetV2", NO_WEIGHTS | {"input_tensor": 3}),
    ("MobileNetV2", NO_WEIGHTS | {"input_tensor": 3, "input_shape": (32, 32, 3)}),
    ("MobileNetV3Small", {"alpha": 0.5}),
    ("MobileNetV3Large", {"alpha": 0.75, "minimalistic": True}),
    ("MobileNetV3Large", NO_WEIGHTS | {"input_shape": (31, 32, 3)}),
    ("NASNetMobile", {"input_shape": (None, 224, 3)}),
    ("ConvNeXtTiny", {"classes": 3}),
]


@pytest.mark.parametrize(("model", "arguments"), WRONG)
def test_wrong_arguments(model, arguments):
    for engine in (keras, minikeras):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are each engine's own
            getattr(engine.applications, model)(**arguments)


def test_activation_of_trained_weights(tmp_path):
    path = tmp_path / "some.weights.h5"
    path.touch()
    for engine in (keras, minikeras):
        with pytest.raises(ValueError, match="classifier_activation"):
            engine.applications.VGG16(weights=str(path), classifier_activation="relu")


@pytest.mark.parametrize("model", ["MobileNetV2", "MobileNetV3Small"])
def test_input_tensor_of_another_width(model):
    for engine in (keras, minikeras):
        x = engine.Input((32, 32, 3))
        with pytest.raises(ValueError, match=r"input_shape\[1\]"):
            getattr(engine.applications, model)(
                weights=None, input_tensor=x, input_shape=(32, 64, 3)
            )


@pytest.mark.sampled()
@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("MobileNet", {"alpha": 0.25}),
        ("MobileNetV2", {"alpha": 0.35}),
        ("MobileNetV3Small", {}),
        ("VGG16", {"include_top": False}),
    ],
)
def test_input_tensor(model, arguments):
    """A tensor inside a graph: the model begins at the inputs of this graph."""

    def make(engine):
        x = engine.Input((64, 32, 3), name="images")
        built = getattr(engine.applications, model)(weights=None, input_tensor=x * 2, **arguments)
        return [layer.name for layer in built.layers], built.name, built.output_shape

    ours, theirs = both(make)
    assert ours == theirs


# Pixels


def _images(dtype, data_format, batch):
    shape = (4, 5, 3) if data_format == "channels_last" else (3, 4, 5)
    shape = (2, *shape) if batch else shape
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "float16"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("batch", [True, False])
def test_preprocess_input(mode, dtype, data_format, batch):
    arrays = {}
    for engine in (minikeras, keras):
        function = engine.applications.imagenet_utils.preprocess_input
        arrays[engine] = [_images(dtype, data_format, batch)]
        arrays[engine].append(function(arrays[engine][0], data_format, mode))
        if dtype != "uint8":  # of which Keras's backend makes an error, or rounds the means
            x = engine.ops.convert_to_tensor(_images(dtype, data_format, batch))
            arrays[engine].append(np.asarray(function(x, data_format=data_format, mode=mode)))
    for a, b in zip(arrays[minikeras], arrays[keras], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocess_input_in_a_graph(mode):
    def make(engine):
        x = engine.Input((4, 5, 3))
        y = engine.applications.imagenet_utils.preprocess_input(x, mode=mode)
        model = engine.Model(x, y)
        images = _images("float32", "channels_last", batch=True)
        return [operation.name for operation in model.operations], np.asarray(model(images))

    (our_names, ours), (their_names, theirs) = both(make)
    assert our_names == their_names
    assert_close(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
def test_preprocess_input_of_each_family(family):
    results = []
    for engine in (minikeras, keras):
        module = getattr(engine.applications, family)
        results.append(module.preprocess_input(_images("float32", "channels_last", batch=True)))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("wrong", [{"mode": "other"}, {"data_format": "channels_middle"}])
def test_preprocess_input_of_no_kind(wrong):
    for engine in (keras, minikeras):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            engine.applications.imagenet_utils.preprocess_input(np.ones((2, 2, 3)), **wrong)


# Class names


def test_decode_predictions(tmp_path, monkeypatch):
    index = {str(i): [f"n{i:08}", f"name_{i}"] for i in range(1000)}
    path = tmp_path / "index.json"
    path.write_text(json.dumps(index))
    monkeypatch.setattr(keras_imagenet_utils, "CLASS_INDEX", index)
    monkeypatch.setattr(imagenet_utils, "get_file", lambda *args, **kwargs: path)
    imagenet_utils._downloaded_index.cache_clear()
    predictions = np.random.default_rng(0).uniform(size=(3, 1000)).astype("float32")
    predictions[1, 5:20] = 2.0
    for top in (1, 5, 20):
        for family in ("vgg16", "imagenet_utils"):
            ours, theirs = (
                getattr(engine.applications, family).decode_predictions(predictions, top=top)
                for engine in (minikeras, keras)
            )
            assert ours == theirs
    tensor = minikeras.ops.convert_to_tensor(predictions)
    assert imagenet_utils.decode_predictions(tensor) == imagenet_utils.decode_predictions(
        predictions
    )
    imagenet_utils._downloaded_index.cache_clear()
    for engine in (keras, minikeras):
        with pytest.raises(ValueError, match="shape"):
            engine.applications.imagenet_utils.decode_predictions(np.ones((2, 10)))


# Files


def tiny_convnext(engine):
    if engine is keras:
        return keras_convnext.ConvNeXt(
            depths=[1, 1, 1, 1], projection_dims=[4, 6, 8, 10], default_size=32, weights=None,
            classes=3, name="tiny",
        )  # fmt: skip
    return tiny(weights=None, classes=3, input_shape=(32, 32, 3))


def scaled_sum(engine):
    x = engine.Input((32, 32, 3))
    y = engine.layers.Conv2D(3, 1, bias_initializer="ones")(x)
    layer = KerasScale if engine is keras else CustomScaleLayer
    return engine.Model(x, layer(0.3)([x, y]))


def small_mobilenet(engine):
    return engine.applications.MobileNetV3Small(
        weights=None, input_shape=(32, 32, 3), alpha=0.5, classes=3
    )


def tiny(**options):
    arguments = minikeras.applications.shared.arguments.Arguments(name="tiny", **options)
    return minikeras.applications.convnext._convnext(
        arguments, (1, 1, 1, 1), (4, 6, 8, 10), None, include_preprocessing=True
    )


@pytest.mark.parametrize("make", [tiny_convnext, scaled_sum, small_mobilenet])
def test_files_cross(make, tmp_path):
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    ours, theirs = both(make)
    for source, engine, other in ((theirs, minikeras, ours), (ours, keras, theirs)):
        source.save(tmp_path / "whole.keras")
        fresh_names()
        read = engine.saving.load_model(tmp_path / "whole.keras")
        assert [layer.name for layer in read.layers] == [layer.name for layer in source.layers]
        assert_close(read(images), np.asarray(source(images)), length=1000)
        for name in ("some.weights.h5",):
            source.save_weights(tmp_path / name)
            other.load_weights(tmp_path / name)
            assert_close(other(images), np.asarray(source(images)), length=1000)


def test_weights_argument(tmp_path):
    ours, theirs = both(small_mobilenet)
    theirs.save_weights(tmp_path / "of_keras.weights.h5")
    read = minikeras.applications.MobileNetV3Small(
        weights=str(tmp_path / "of_keras.weights.h5"),
        **{"input_shape": (32, 32, 3), "alpha": 0.5, "classes": 3},
    )
    for a, b in zip(read.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_own_layers():
    layers = (LayerScale(0.5, 3), keras_convnext.LayerScale(0.5, 3))
    x = np.ones((2, 3), "float32")
    assert_close(*(layer(x) for layer in layers))
    assert layers[0].get_config() | {"name": ""} == layers[1].get_config() | {"name": ""}
