"""A data set of the windows of a time series."""

import itertools

import numpy as np

from minikeras.core.checks import one_of
from minikeras.utils.dataset import Dataset
from minikeras.utils.elements import as_array
from minikeras.utils.shuffling import Shuffle

# As TensorFlow is asked for by Keras: a buffer of eight batches, or of this size without batches.
_BATCHES_IN_BUFFER = 8
_BUFFER = 1024


def timeseries_dataset_from_array(
    data,
    targets,
    sequence_length,
    sequence_stride=1,
    sampling_rate=1,
    batch_size=128,
    shuffle=False,
    seed=None,
    start_index=None,
    end_index=None,
    format="tf",
):
    """Makes a data set of windows that slide over a time series.

    Window `i` has the steps `start_index + i * sequence_stride + k * sampling_rate` for `k` from 0
    to `sequence_length - 1`. With a seed, the order of each epoch is that of Keras on TensorFlow.

    Args:
        data: array (steps, ...) of points at equal distances in time.
        targets: array whose element `t` is the target of the window that begins at step `t`; None
            for windows alone.
        sequence_length: number of points in a window.
        sequence_stride: steps from the start of one window to that of the next.
        sampling_rate: steps from one point of a window to the next.
        batch_size: windows in a batch; None for single windows.
        shuffle: whether to draw the windows in a random order, in each epoch another.
        seed: seed of these orders; by default drawn from `numpy.random`.
        start_index: first step that is used.
        end_index: step before which all points that are used lie.
        format: `"tf"` or `"grain"`: the data set is the same here.

    Returns:
        A data set to loop over or to pass to `fit`, of arrays (batch, sequence_length, ...), or of
        tuples of these and the targets (batch, ...).

    Raises:
        ValueError: if a number is out of range.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> series = np.arange(6)
        >>> data = keras.utils.timeseries_dataset_from_array(series[:-2], series[2:], 2)
        >>> for x, y in data:
        ...     print(x.tolist(), y.tolist())
        [[0, 1], [1, 2], [2, 3]] [2, 3, 4]
    """
    _check(len(data), sequence_stride, sampling_rate, start_index, end_index, format)
    _check_positive("sequence_length", sequence_length)
    used = slice(start_index or 0, end_index or len(data))
    data = as_array(data)[used]
    targets = None if targets is None else as_array(targets)[used]
    count = len(data) - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        seed = np.random.randint(10**6) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    steps = np.arange(sequence_length) * sampling_rate

    def windows(at):
        x = data[at[..., np.newaxis] + steps]
        return x if targets is None else (x, targets[at, ...])

    if batch_size is not None:
        shuffled = Shuffle(_BATCHES_IN_BUFFER * batch_size, seed) if shuffle else None
        return _in_batches(starts, shuffled, batch_size, windows)
    one_by_one = Dataset(lambda: (windows(starts[i, ...]) for i in range(len(starts))), len(starts))
    return one_by_one.shuffle(_BUFFER, seed) if shuffle else one_by_one


def _in_batches(starts, shuffled, batch_size, windows):
    """The data set of the windows at some steps, in batches that are taken out of the series."""

    def start():
        places = range(len(starts))
        places = iter(places if shuffled is None else shuffled(places))
        batches = iter(lambda: list(itertools.islice(places, batch_size)), [])
        return (windows(starts[batch]) for batch in batches)

    return Dataset(start, -(-len(starts) // batch_size), () if shuffled is None else (shuffled,))


def _check(length, stride, rate, start, end, format):
    one_of("format", format, ("tf", "grain"))
    if start and not 0 <= start < length:
        raise ValueError(
            "`start_index` must be 0 or greater and lower than the length of the data. Received: "
            f"start_index={start} for {length} rows"
        )
    if end and not (start or 0) < end < length:
        raise ValueError(
            "`end_index` must be higher than 0 and than `start_index`, and lower than the length "
            f"of the data. Received: start_index={start}, and end_index={end}, for data of length "
            f"{length}"
        )
    for name, value in (("sampling_rate", rate), ("sequence_stride", stride)):
        _check_positive(name, value)
        if value >= length:
            raise ValueError(
                f"`{name}` must be lower than the length of the data. Received: {name}={value}, "
                f"for data of length {length}"
            )


def _check_positive(name, value):
    if value <= 0:
        raise ValueError(f"`{name}` must be higher than 0. Received: {name}={value}")
