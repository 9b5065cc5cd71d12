"""Audio files as the music tagger takes them, and what its outputs mean (the package `librosa`)."""

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = ["TAGS", "decode_predictions", "preprocess_input"]

TAGS = [
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
    *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists"),
    *("classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill"),
    *("instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
    *("experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country"),
    *("easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock"),
    *("60s", "rnb", "indie pop", "sad", "House", "happy"),
]
"""The tags of the outputs, in their order."""

_RATE, _SECONDS = 12000, 29.12
_WINDOW, _HOP, _MELS = 512, 256, 96
_LEAST_POWER, _RANGE = 1e-10, 80.0  # what counts as silence, and decibels below the loudest


def preprocess_input(audio_path, dim_ordering="default"):
    """Return the Mel spectrogram of the middle 29 seconds of an audio file, in decibels.

    Args:
        audio_path: path of the file.
        dim_ordering: `"tf"`, `"th"`, or `"default"` for that of the backend.

    Returns:
        An array of shape (96, 1366, 1), or (1, 96, 1366) for `"th"`.

    Raises:
        ImportError: if the package `librosa` is missing.
        ValueError: if `dim_ordering` is something else.

    Example:
        >>> from minikeras.keras2.applications.audio_conv_utils import preprocess_input
        >>> preprocess_input("song.mp3", dim_ordering="channels_last")
        Traceback (most recent call last):
        ValueError: `dim_ordering` is 'tf' or 'th'. Received: 'channels_last'
    """
    if dim_ordering == "default":
        dim_ordering = K.image_dim_ordering()
    if dim_ordering not in ("tf", "th"):
        raise ValueError(f"`dim_ordering` is 'tf' or 'th'. Received: {dim_ordering!r}")
    librosa = _librosa()
    samples, _ = librosa.load(audio_path, sr=_RATE)
    mel = librosa.feature.melspectrogram(
        y=_middle(samples, int(_SECONDS * _RATE)),
        sr=_RATE,
        hop_length=_HOP,
        n_fft=_WINDOW,
        n_mels=_MELS,
    )
    decibels = 10 * np.log10(np.maximum(_LEAST_POWER, mel**2))
    decibels = np.maximum(decibels, decibels.max() - _RANGE)
    return decibels[None] if dim_ordering == "th" else decibels[..., None]


def _middle(samples, count):
    """The middle of what is too long; what is too short, with silence at its end."""
    missing = count - len(samples)
    if missing >= 0:
        return np.concatenate([samples, np.zeros(missing, samples.dtype)])
    start = -missing // 2
    return samples[start : start + count]


def _librosa():
    """The module `librosa`."""
    try:
        import librosa  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ImportError(
            "Audio files are read by the package `librosa`, which is not installed."
        ) from None
    return librosa


def decode_predictions(preds, top_n=5):
    """Return the tags with the largest outputs.

    Args:
        preds: array of shape (samples, 50).
        top_n: int from 0 to 50, how many.

    Returns:
        For each sample a list of pairs of a tag and its output.

    Raises:
        ValueError: if the outputs are not those of all tags.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.applications.audio_conv_utils import decode_predictions
        >>> decode_predictions(np.eye(50)[[9]], top_n=1)[0][0][0]
        'jazz'
    """
    if preds.ndim != 2 or preds.shape[1] != len(TAGS):
        raise ValueError(
            f"Outputs must have the shape (samples, {len(TAGS)}). Received: shape {preds.shape}"
        )
    order = np.argsort(-preds, axis=1, kind="stable")[:, :top_n]
    return [
        [(TAGS[i], row[i]) for i in places] for row, places in zip(preds, order, strict=True)
    ]
