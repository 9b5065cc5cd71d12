"""A network that tells the tags of a piece of music from its Mel spectrogram.

K. Choi et al., Convolutional recurrent neural networks for music classification, 2017.
"""

from typing import Any

from minikeras.keras2 import backend as K
from minikeras.keras2 import layers as _layers
from minikeras.keras2.applications.audio_conv_utils import (
    TAGS,
    decode_predictions,
    preprocess_input,
)
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.models import Model
from minikeras.keras2.utils.data_utils import get_file
from minikeras.keras2.utils.layer_utils import get_source_inputs

__getattr__ = elsewhere(__name__)

__all__ = ["MusicTaggerCRNN", "decode_predictions", "preprocess_input"]

layers: Any = _layers

_PLACE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.3/"
_FILE = "music_tagger_crnn_weights_tf_kernels_{}_dim_ordering.h5"
_MELS, _STEPS = 96, 1366
_BLOCKS = ((64, 2), (128, 3), (128, 4), (128, 4))  # filters, and the size of the pools


def MusicTaggerCRNN(weights="msd", input_tensor=None, include_top=True, classes=50):
    """Return the network.

    Args:
        weights: None for random ones, or `"msd"` for those trained on the Million Song Dataset.
        input_tensor: tensor at which the network begins, or None for a new input.
        include_top: whether the layer that tells the tags is part of the model; 32 features
            otherwise.
        classes: int, the number of tags; 50 with trained weights.

    Raises:
        ValueError: if `weights` is something else, or the number of tags does not fit.

    Example:
        >>> from minikeras.keras2.applications.music_tagger_crnn import MusicTaggerCRNN
        >>> MusicTaggerCRNN(weights=None).output_shape
        (None, 50)
    """
    if weights not in ("msd", None):
        raise ValueError(f"`weights` is 'msd' or None, for random ones. Received: {weights!r}")
    if weights == "msd" and include_top and classes != len(TAGS):
        raise ValueError(
            f"Trained weights are for {len(TAGS)} tags. Received: classes={classes}. Pass "
            "`weights=None`, or `include_top=False` for features."
        )
    first = K.image_data_format() == "channels_first"
    if input_tensor is None or not K.is_keras_tensor(input_tensor):
        shape = (1, _MELS, _STEPS) if first else (_MELS, _STEPS, 1)
        input_tensor = layers.Input(shape, tensor=input_tensor)
    x = _features(input_tensor, first)
    if include_top:
        x = layers.Dense(classes, activation="sigmoid", name="output")(x)
    model = Model(get_source_inputs(input_tensor), x, name="music_tagger_crnn")
    if weights is not None:
        name = _FILE.format("th" if first else "tf")
        model.load_weights(get_file(name, _PLACE + name, cache_subdir="models"), by_name=True)
    return model


def _features(x, first):
    x = layers.ZeroPadding2D((0, 37))(x)
    x = layers.BatchNormalization(axis=3 if first else 2, name="bn_0_freq")(x)
    for i, (filters, pool) in enumerate(_BLOCKS, start=1):
        x = layers.Conv2D(filters, (3, 3), padding="same", name=f"conv{i}")(x)
        x = layers.BatchNormalization(axis=1 if first else 3, name=f"bn{i}")(x)
        x = layers.ELU()(x)
        x = layers.MaxPooling2D((pool, pool), strides=(pool, pool), name=f"pool{i}")(x)
    if first:
        x = layers.Permute((3, 1, 2))(x)
    x = layers.Reshape((15, 128))(x)
    x = layers.GRU(32, return_sequences=True, name="gru1")(x)
    return layers.GRU(32, name="gru2")(x)
