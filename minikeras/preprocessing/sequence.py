"""Sequences for training, as in `keras.preprocessing.sequence`.

Random draws are those of Keras 2, from Python's `random` and from NumPy's global generator.
"""

import json
import random

import numpy as np

from minikeras.training.data.py_dataset import PyDataset
from minikeras.utils.sequence import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

_EULER_GAMMA = 0.577  # to three digits: so Keras has it


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series, each with the target that follows it.

    The window of target `t` are the rows `t - length, t - length + sampling_rate, ...` before `t`.

    Args:
        data: array or list whose axis 0 is time.
        targets: array or list of the same length.
        length: int, the length of a window in time steps.
        sampling_rate: int, the distance between two rows of a window, in time steps.
        stride: int, the distance between two windows, in time steps.
        start_index: int, the first time step that is used.
        end_index: int, the last one; by default that of `data`.
        shuffle: bool, whether the windows of a batch are drawn at random, with repetition.
        reverse: bool, whether the rows of a window run from the latest to the earliest.
        batch_size: int, the number of windows in a batch; the last batch may have fewer.
        **kwargs: arguments of `keras.utils.PyDataset`, such as `workers`.

    Raises:
        ValueError: if `data` and `targets` differ in length, or no window fits.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> series = np.arange(6)
        >>> batches = keras.preprocessing.sequence.TimeseriesGenerator(
        ...     series, series, length=3, batch_size=2)
        >>> x, y = batches[0]
        >>> x.tolist(), y.tolist(), len(batches)
        ([[0, 1, 2], [1, 2, 3]], [3, 4], 2)
    """

    def __init__(
        self,
        data,
        targets,
        length,
        sampling_rate=1,
        stride=1,
        start_index=0,
        end_index=None,
        shuffle=False,
        reverse=False,
        batch_size=128,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ValueError(
                "`data` and `targets` must have the same length. "
                f"Received: {len(data)} rows of data and {len(targets)} targets"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                "No window fits: `start_index + length` must be at most `end_index`. "
                f"Received: {start_index} + {length} > {self.end_index}"
            )

    def __len__(self):
        """Return the number of batches."""
        windows = -(-(self.end_index + 1 - self.start_index) // self.stride)
        return -(-windows // self.batch_size)

    def __getitem__(self, index):
        """Return batch number `index`.

        Args:
            index: int.

        Returns:
            The windows `(batch, length / sampling_rate, ...)` and the targets `(batch, ...)`.
        """
        rows = self._drawn_rows() if self.shuffle else self._rows_of(index)
        windows = np.array([self.data[t - self.length : t : self.sampling_rate] for t in rows])
        targets = np.array([self.targets[t] for t in rows])
        return (windows[:, ::-1] if self.reverse else windows), targets

    def _drawn_rows(self):
        return np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)

    def _rows_of(self, index):
        span = self.batch_size * self.stride
        start = self.start_index + span * index
        return np.arange(start, min(start + span, self.end_index + 1), self.stride)

    def get_config(self):
        """Return the arguments as a dict; the data are JSON texts in it.

        `start_index` is in it as Keras writes it: with `length` added.

        Returns:
            A dict.

        Raises:
            TypeError: if JSON cannot hold the data or the targets.
        """
        return {
            "data": _json_of("data", self.data),
            "targets": _json_of("targets", self.targets),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs):
        """Return the config with the name of the class as JSON.

        Args:
            **kwargs: arguments of `json.dumps`.

        Returns:
            A str.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


def _json_of(name, values):
    values = values.tolist() if isinstance(values, np.ndarray) else values
    try:
        return json.dumps(values)
    except TypeError as error:
        message = f"JSON cannot hold `{name}`. Received: {values!r} of type {type(values).__name__}"
        raise TypeError(message) from error


def make_sampling_table(size, sampling_factor=1e-5):
    """Return the probability with which `skipgrams` uses each word, by its rank.

    Equations, for the word of rank `r` (Mikolov et al., "Distributed representations of words and
    phrases", 2013, with the frequencies of Zipf's law):
        1 / frequency = r * (log(r) + gamma) + 1/2 - 1 / (12 r)
        p = min(1, sqrt(sampling_factor / frequency))

    Args:
        size: int, the number of words.
        sampling_factor: float; the smaller, the more rarely frequent words are used.

    Returns:
        A float64 array `(size,)`; rank 0 has the probability of rank 1.

    Example:
        >>> import minikeras as keras
        >>> keras.preprocessing.sequence.make_sampling_table(3).round(4).tolist()
        [0.0032, 0.0032, 0.0055]
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _EULER_GAMMA) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * inverse_frequency
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence,
    vocabulary_size,
    window_size=4,
    negative_samples=1.0,
    shuffle=True,
    categorical=False,
    sampling_table=None,
    seed=None,
):
    """Return pairs of words, those that stand near each other and random ones, with labels.

    The pairs train word2vec (Mikolov et al., "Efficient estimation of word representations in
    vector space", 2013). The word 0 counts as no word.

    Args:
        sequence: list of ints, the words of a text.
        vocabulary_size: int, one more than the largest word.
        window_size: int, how far apart the words of a pair may stand.
        negative_samples: float, how many random pairs there are for each pair of neighbours.
        shuffle: bool, whether the pairs are shuffled.
        categorical: bool, whether labels are `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: array `(vocabulary_size,)`, the probability with which each word is used
            (see `make_sampling_table`); all are used by default.
        seed: int with which Python's `random` is seeded before shuffling; drawn by default.

    Returns:
        A list of pairs `[word, other]` and a list of labels, 1 for neighbours and 0 for random
        pairs.

    Example:
        >>> import minikeras as keras
        >>> pairs, labels = keras.preprocessing.sequence.skipgrams(
        ...     [1, 2, 3], vocabulary_size=4, window_size=1, negative_samples=0, shuffle=False)
        >>> pairs, labels
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    positive, negative = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs = list(_neighbours(sequence, window_size, sampling_table))
    labels = [positive] * len(pairs)
    if negative_samples > 0:
        drawn = _random_pairs(pairs, int(len(pairs) * negative_samples), vocabulary_size)
        pairs += drawn
        labels += [negative] * len(drawn)
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for values in (pairs, labels):  # from one seed, so both get the same order
            random.seed(seed)
            random.shuffle(values)
    return pairs, labels


def _neighbours(sequence, window_size, sampling_table):
    """Yield each word with each of those around it."""
    for i, word in enumerate(sequence):
        if not word:
            continue
        if sampling_table is not None and sampling_table[word] < random.random():
            continue
        window = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        for j in window:
            if j != i and sequence[j]:
                yield [word, sequence[j]]


def _random_pairs(pairs, count, vocabulary_size):
    """Pair the first words of other pairs with words of the whole vocabulary."""
    words = [word for word, _ in pairs]
    random.shuffle(words)
    largest = int(vocabulary_size - 1)
    return [[words[i % len(words)], random.randint(1, largest)] for i in range(count)]
