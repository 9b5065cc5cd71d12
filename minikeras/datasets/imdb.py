"""IMDB: film reviews and whether they praise the film.

A. L. Maas et al., Learning word vectors for sentiment analysis, ACL 2011.
"""

import warnings

import numpy as np

from minikeras.datasets import npz
from minikeras.datasets.catalog import fetch
from minikeras.datasets.sequences import as_objects, encode
from minikeras.datasets.split import shuffled
from minikeras.datasets.word_index import read_word_index


def load_data(
    path="imdb.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
    **kwargs,
):
    """Loads the IMDB reviews: 25,000 for training and 25,000 for testing, as lists of word indexes.

    Index k + `index_from` is the k-th most frequent word; 0 is for padding.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        num_words: indexes from here on are left out; by default those from the highest one on.
        skip_top: indexes below are left out.
        maxlen: reviews of this length and longer are dropped.
        seed: seed of the order of the reviews.
        start_char: index at the start of each review, or None.
        oov_char: index in the place of words that are left out, or None to drop them.
        index_from: what is added to the indexes of the file.
        **kwargs: ignored, with a warning.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of ints; int64 arrays of
        shape (n,), 1 for praise, 0 else.

    Raises:
        ValueError: if no review is shorter than `maxlen`.
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged, or holds anything but lists of numbers.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=1000)
        >>> x_train[0][0], max(x_train[0]) < 1000
        (1, True)
    """
    if kwargs:
        warnings.warn(f"imdb.load_data ignores the arguments {sorted(kwargs)}.", stacklevel=2)
    file = fetch("imdb.npz", path)
    x_train, y_train, x_test, y_test = npz.read(file, "x_train", "y_train", "x_test", "y_test")
    rng = np.random.RandomState(seed)
    x_train, y_train = shuffled(rng, x_train, y_train)
    x_test, y_test = shuffled(rng, x_test, y_test)
    parts = encode(
        [x_train, x_test],
        [y_train, y_test],
        num_words=num_words,
        skip_top=skip_top,
        maxlen=maxlen,
        start_char=start_char,
        oov_char=oov_char,
        index_from=index_from,
        where=file,
    )
    return tuple((as_objects(x), y) for x, y in parts)


def get_word_index(path="imdb_word_index.json"):
    """Loads the words of the IMDB reviews with their indexes.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Returns:
        A dict from words to ints from 1 on, to which `load_data` adds `index_from`.

    Raises:
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged.

    Example:
        >>> import minikeras as keras
        >>> words = {i + 3: word for word, i in keras.datasets.imdb.get_word_index().items()}
        >>> words[4]
        'the'
    """
    return read_word_index(fetch("imdb_word_index.json", path))
