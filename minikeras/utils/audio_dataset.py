"""A data set of the sounds below a folder."""

import functools
import math
import wave

import numpy as np

from minikeras.core.distribution import how_to_install
from minikeras.utils.directory import Kind, Options, from_directory

_BYTES = 2  # of a sample
_LOUDEST = 1 << 15


def audio_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    sampling_rate=None,
    output_sequence_length=None,
    ragged=False,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    verbose=True,
):
    """Makes a data set of the `.wav` files below a folder, whose subfolders are the classes.

    Files have 16 bits a sample. With a seed, files, batches and the order of each epoch are those
    of Keras on TensorFlow.

    Args:
        directory: path of the folder.
        labels: `"inferred"` from the subfolders; None; or a list of one int for each file, in the
            sorted order of their paths.
        label_mode: `"int"`, `"categorical"`, `"binary"` (two classes), or None for sounds alone.
        class_names: list of the subfolders that are classes, in the order of their labels; by
            default all, sorted.
        batch_size: sounds in a batch; None for single sounds.
        sampling_rate: samples a second to which all sounds are brought by
            `scipy.signal.resample_poly`; by default each keeps its own.
        output_sequence_length: number of samples to which sounds are cut or filled up with zeros,
            before they are brought to another rate; by default the shorter sounds of a batch are
            filled up.
        ragged: whether a batch is an object array of sounds, which keep their lengths.
        shuffle: whether to shuffle the files, and what is drawn from a buffer of eight batches in
            each epoch again; else they are sorted.
        seed: seed of these orders; by default drawn from `numpy.random`.
        validation_split: fraction of the files that are for validation.
        subset: with `validation_split`: `"training"`, `"validation"` or `"both"`.
        follow_links: whether to look into folders that are links.
        verbose: whether to print how many files there are.

    Returns:
        A data set to loop over or to pass to `fit`, of float32 arrays (batch, samples, channels)
        with values from -1 to 1, or of tuples of sounds and labels: int32 (batch,), float32
        (batch, classes) or (batch, 1). It has `class_names` and `file_paths`. For the subset
        `"both"`, a tuple of two.

    Raises:
        FileNotFoundError: if there is no such folder.
        ImportError: if `sampling_rate` is used and SciPy is missing.
        ValueError: if an argument is wrong or there are no sounds; while the data set is gone
            through, if a file is damaged.

    Example:
        >>> import minikeras as keras, os, wave
        >>> os.makedirs("sounds/low")
        >>> with wave.open("sounds/low/1.wav", "wb") as file:
        ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     file.writeframes(bytes(20))
        >>> data = keras.utils.audio_dataset_from_directory("sounds", label_mode=None)
        Found 1 files.
        >>> [x.shape for x in data]
        [(1, 10, 1)]
    """
    if ragged and output_sequence_length is not None:
        raise ValueError(
            "`output_sequence_length` gives all samples one length, and `ragged` leaves them "
            f"theirs: choose one. Received: ragged={ragged}, "
            f"output_sequence_length={output_sequence_length}"
        )
    _check_rate(sampling_rate)
    load = functools.partial(_load, rate=sampling_rate, length=output_sequence_length)
    is_padded = output_sequence_length is None and not ragged
    options = Options(
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    kind = Kind("audio", (".wav",), load, is_padded=is_padded, is_ragged=ragged)
    data = from_directory(directory, kind, options)
    return tuple(data) if subset == "both" else data


def _check_rate(rate):
    if rate is None:
        return
    if not isinstance(rate, int) or rate <= 0:
        raise ValueError(
            f"`sampling_rate` should have a positive integer value. Received: sampling_rate={rate}"
        )
    _resample_poly()


def _resample_poly():
    try:
        from scipy.signal import resample_poly
    except ImportError:
        message = f"`sampling_rate` needs the package `scipy`. {how_to_install('data')}"
        raise ImportError(message) from None
    return resample_poly


def _load(path, rate, length):
    """Read a sound, cut or filled up to a number of samples."""
    x, its_rate = decoded(path)
    if length is not None:
        x = np.pad(x[:length], [(0, max(length - len(x), 0)), (0, 0)])
    if rate is not None and rate != its_rate:
        common = math.gcd(rate, its_rate)
        x = _resample_poly()(x, rate // common, its_rate // common, axis=0)
    return x


def decoded(path):
    """Read a sound.

    Args:
        path: a WAV file of 16 bits a sample.

    Returns:
        A float32 array (samples, channels) of values in [-1, 1), and the samples a second.

    Raises:
        ValueError: if the file is no such sound.
    """
    try:
        with wave.open(path) as file:
            channels, width, rate, count = file.getparams()[:4]
            if width != _BYTES:
                raise wave.Error(f"{8 * width} bits a sample, where 16 are expected")
            content = file.readframes(count)
            samples = np.frombuffer(content, "<i2").reshape(-1, channels)
    except (wave.Error, EOFError, ValueError) as error:
        raise ValueError(
            f"The sound {path} can't be read: {type(error).__name__}: {error}. Remove or replace "
            "the file."
        ) from error
    return samples.astype(np.float32) / _LOUDEST, rate
