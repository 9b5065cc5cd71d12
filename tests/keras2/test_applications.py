"""Known architectures as scripts of Keras 1 and 2 have them: names, files of weights, blocks."""

import sys
import types

import numpy as np
import pytest

import minikeras
from minikeras.keras2 import applications
from minikeras.keras2 import backend as K
from minikeras.keras2.applications import audio_conv_utils, inception_v3, resnet50
from minikeras.keras2.applications.music_tagger_crnn import MusicTaggerCRNN
from minikeras.keras2.layers import BatchNormalization, Conv2D, Dense, Input
from minikeras.keras2.models import Model, Sequential, load_model

RANDOM = np.random.RandomState(0)
X = RANDOM.rand(2, 64, 64, 3).astype("float32")


def mobilenet(**arguments):
    return applications.MobileNet((64, 64, 3), 0.25, classes=5, **arguments)


def test_weights_of_an_architecture_in_a_file(tmp_path):
    """Two of one name in a program have the names of one, and a file fits either."""
    one = mobilenet(weights=None)
    one.save_weights(tmp_path / "weights.h5")
    other = mobilenet(weights=str(tmp_path / "weights.h5"))
    np.testing.assert_array_equal(other.predict(X), one.predict(X))
    assert other.get_layer("conv1_pad").output_shape == (None, 65, 65, 3)
    assert [layer.name for layer in other.layers[-2:]] == ["act_softmax", "reshape_2"]
    with pytest.raises(ValueError, match="`weights` must be None"):
        mobilenet(weights="nowhere.h5")


@pytest.fixture
def channels_first():
    K.set_image_data_format("channels_first")
    yield
    K.set_image_data_format("channels_last")


def test_classes_sum_to_one_where_channels_come_first(channels_first):
    model = applications.MobileNet((3, 64, 64), 0.25, classes=5, weights=None)
    assert model.get_layer("reshape_1").output_shape == (None, 256, 1, 1)
    np.testing.assert_allclose(model.predict(RANDOM.rand(2, 3, 64, 64)).sum(axis=1), 1, rtol=1e-5)


def test_odd_sizes_are_padded_as_they_were():
    model = applications.MobileNetV2((63, 63, 3), 0.35, weights=None, include_top=False)
    assert model.get_layer("Conv1_pad").output_shape == (None, 65, 65, 3)
    model = applications.MobileNet((63, 63, 3), 0.25, weights=None, include_top=False)
    assert model.get_layer("conv1").output_shape == (None, 31, 31, 8)


def test_blocks_of_resnet():
    x = Input((8, 8, 6))
    y = resnet50.conv_block(x, 3, [4, 4, 8], stage=7, block="a")
    model = Model(x, resnet50.identity_block(y, 3, [4, 4, 8], stage=7, block="b"))
    names = [layer.name for layer in model.layers if isinstance(layer, Conv2D)]
    first = [f"res7a_branch{which}" for which in ("2a", "2b", "2c", "1")]
    assert names == [*first, "res7b_branch2a", "res7b_branch2b", "res7b_branch2c"]
    assert model.output_shape == (None, 4, 4, 8)
    assert sum(isinstance(layer, BatchNormalization) for layer in model.layers) == 7
    assert model.predict(RANDOM.rand(1, 8, 8, 6)).min() >= 0


def test_blocks_of_inception():
    x = Input((8, 8, 3))
    model = Model(x, inception_v3.conv2d_bn(x, 4, 1, 7, name="mixed"))
    assert [layer.name for layer in model.layers[1:]] == ["mixed_conv", "mixed_bn"]
    assert model.layers[1].kernel_size == (1, 7) and model.output_shape == (None, 8, 8, 4)


@pytest.mark.slow
def test_resnet_is_the_engines_with_other_names(tmp_path):
    model = resnet50.ResNet50(weights=None, input_shape=(64, 64, 3), include_top=False)
    engine = minikeras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), include_top=False
    )
    convolutions = [layer for layer in engine.layers if "conv" in type(layer).__name__.lower()]
    assert model.count_params() == engine.count_params()
    assert len(convolutions) == sum(isinstance(layer, Conv2D) for layer in model.layers)
    model.save(tmp_path / "model.h5")
    again = load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for pooling in ("avg", "max"):
        pooled = resnet50.ResNet50(False, None, Input((64, 64, 3)), pooling=pooling)
        assert pooled.output_shape == (None, 2048)


@pytest.mark.parametrize("family", ["vgg16", "resnet50", "imagenet_utils", "inception_v3"])
def test_images_in_the_spelling_of_keras_1(family):
    preprocess = getattr(applications, family).preprocess_input
    expected = preprocess(np.array(X))
    np.testing.assert_array_equal(preprocess(np.array(X), dim_ordering="tf"), expected)
    turned = preprocess(np.moveaxis(np.array(X), -1, 1), dim_ordering="th")
    np.testing.assert_allclose(turned, np.moveaxis(expected, -1, 1), rtol=1e-6)


# --- Names with slashes ---------------------------------------------------------------------------


def test_layers_may_have_names_of_several_parts(tmp_path):
    model = Sequential([Dense(3, input_dim=4, name="block/first"), Dense(2, name="block/last")])
    assert [w.name for w in model.layers[0].weights] == [
        "block/first/kernel:0",
        "block/first/bias:0",
    ]
    model.compile("adam", "mse")
    x = RANDOM.rand(4, 4)
    model.fit(x, x[:, :2], verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    model.save_weights(tmp_path / "weights.h5")
    loaded.load_weights(tmp_path / "weights.h5", by_name=True)
    with pytest.raises(ValueError, match="without '/'"):
        minikeras.layers.Dense(2, name="block/last")
    with pytest.raises(TypeError, match="name is a str"):
        Dense(2, name=3)


def test_weights_may_have_names_of_several_parts():
    class Gain(minikeras.keras2.layers.Layer):
        def build(self, input_shape):
            self.gain = self.add_weight("inner/gain", (input_shape[-1],), initializer="ones")
            super().build(input_shape)

        def call(self, x):
            return x * self.gain

    layer = Gain(name="scaled")
    Sequential([Dense(2, input_dim=3), layer])
    assert layer.gain.name == "scaled/inner/gain:0"


# --- Music ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_the_music_tagger(layout):
    K.set_image_data_format(layout)
    try:
        model = MusicTaggerCRNN(weights=None, classes=7)
        features = MusicTaggerCRNN(None, Input(model.input_shape[1:]), include_top=False)
    finally:
        K.set_image_data_format("channels_last")
    assert model.output_shape == (None, 7) and features.output_shape == (None, 32)
    assert model.get_layer("pool4").output_shape[1:] in [(1, 15, 128), (128, 1, 15)]
    with pytest.raises(ValueError, match="are for 50 tags"):
        MusicTaggerCRNN(classes=7)
    with pytest.raises(ValueError, match="'msd' or None"):
        MusicTaggerCRNN(weights="imagenet")


def test_spectrograms_of_audio_files(monkeypatch):
    """With a stand-in for the package: the middle of the samples, decibels, and the layout."""
    count = int(29.12 * 12000)
    samples = {"long": np.arange(count + 3.0), "short": np.ones(100)}
    seen = []

    def melspectrogram(y, sr, hop_length, n_fft, n_mels):
        seen.append(y)
        return np.array([[1.0, 10.0], [0.0, 100.0]])

    feature = types.SimpleNamespace(melspectrogram=melspectrogram)
    librosa = types.SimpleNamespace(load=lambda path, sr: (samples[path], sr), feature=feature)
    monkeypatch.setitem(sys.modules, "librosa", librosa)
    x = audio_conv_utils.preprocess_input("long")
    assert x.shape == (2, 2, 1) and x[..., 0].tolist() == [[0.0, 20.0], [-40.0, 40.0]]
    assert audio_conv_utils.preprocess_input("short", dim_ordering="th").shape == (1, 2, 2)
    assert seen[0][0] == 1 and len(seen[0]) == len(seen[1]) == count and seen[1].sum() == 100
    with pytest.raises(ValueError, match="'tf' or 'th'"):
        audio_conv_utils.preprocess_input("long", "last")
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ImportError, match="the package `librosa`, which is not installed"):
        audio_conv_utils.preprocess_input("long")


def test_tags_of_outputs():
    outputs = np.zeros((1, 50))
    outputs[0, [3, 7]] = 0.5, 0.75
    assert audio_conv_utils.decode_predictions(outputs, 2) == [[("00s", 0.75), ("indie", 0.5)]]
    with pytest.raises(ValueError, match=r"\(samples, 50\)"):
        audio_conv_utils.decode_predictions(np.zeros((1, 3)))
