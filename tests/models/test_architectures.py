"""Known architectures: what they refuse, when weights are drawn, files that hold their layers."""

import subprocess
import sys

import numpy as np
import pytest

import minikeras as keras
from minikeras.applications.convnext import LayerScale
from minikeras.autograd.postponed import has_values


def small(**options):
    return keras.applications.MobileNetV3Small(
        **{"weights": None, "input_shape": (32, 32, 3), "alpha": 0.5, "classes": 3} | options
    )


def test_weights_are_drawn_when_they_are_read():
    model = small()
    assert not any(map(has_values, model.weights))
    images = np.ones((2, 32, 32, 3), "float32")
    before = model.predict(images, verbose=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(images, np.array([0, 1]))
    assert np.abs(model.predict(images, verbose=0) - before).max() > 0


def test_weights_come_from_a_file(tmp_path):
    model = small()
    model.save_weights(tmp_path / "some.weights.h5")
    read = small(weights=str(tmp_path / "some.weights.h5"))
    for a, b in zip(read.weights, model.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_outside_the_public_api_are_read_from_files(tmp_path):
    """Another process reads the file; nothing has imported the architecture there."""
    x = keras.Input((3,))
    keras.Model(x, LayerScale(0.5, 3)(x)).save(tmp_path / "scale.keras")
    program = (
        "import minikeras as keras\n"
        f"model = keras.saving.load_model({str(tmp_path / 'scale.keras')!r})\n"
        "print(model(keras.ops.ones((1, 3))).tolist())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "[[0.5, 0.5, 0.5]]\n", result.stderr


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        ("VGG16", {"weights": "missing.h5"}, "weights=missing.h5"),
        ("VGG16", {"classes": 2}, "classes=2"),
        ("ResNet50", {"input_shape": (100, 100, 3)}, r"must be \(224, 224, 3\)"),
        ("ResNet50", {"weights": None, "input_shape": (31, 64, 3)}, "at least of size 32 x 32"),
        ("ResNet50", {"weights": None, "input_shape": (64, 64)}, "tuple of three sizes"),
        ("MobileNet", {"alpha": 0.3}, "alpha=0.3"),
        (
            "NASNetMobile",
            {"weights": None, "include_top": False, "input_shape": (None, None, 3)},
            "must be known",
        ),
    ],
)
def test_wrong_arguments(model, arguments, words):
    with pytest.raises(ValueError, match=words):
        getattr(keras.applications, model)(**arguments)


@pytest.mark.parametrize("model", ["DenseNet121", "NASNetMobile", "ConvNeXtTiny"])
def test_channels_last_only(model):
    keras.config.set_image_data_format("channels_first")
    with pytest.raises(ValueError, match="channels are last"):
        getattr(keras.applications, model)(weights=None)


def test_channels_first():
    keras.config.set_image_data_format("channels_first")
    model = small(include_top=False, pooling="avg", input_shape=(3, 32, 64))
    assert model.output_shape == (None, 288)


def test_unusual_channels():
    with pytest.warns(UserWarning, match="1 or 3 channels"):
        model = keras.applications.VGG16(
            include_top=False, weights=None, input_shape=(32, 32, 5), pooling="max"
        )
    assert model.output_shape == (None, 512)


def test_modules_are_offered_with_their_names():
    assert keras.applications.resnet50.ResNet50 is keras.applications.ResNet50
    assert {"ResNet50", "vgg16"} <= {*dir(keras.applications)}
