"""Reuters: news agency reports of 1987 in 46 topics.

D. D. Lewis, Reuters-21578 text categorization collection, 1997.
"""

from minikeras.datasets import npz
from minikeras.datasets.catalog import fetch
from minikeras.datasets.sequences import as_objects, encode
from minikeras.datasets.split import shuffled
from minikeras.datasets.word_index import read_word_index

_TOPICS = """
cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship
cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin
strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem
dlr gas silver wpi hog lead
"""


def load_data(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Loads the Reuters reports: 11,228 lists of word indexes, with their topics.

    Index k + `index_from` is the k-th most frequent word; 0 is for padding.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        num_words: indexes from here on are left out; by default those from the highest one on.
        skip_top: indexes below are left out.
        maxlen: reports of this length and longer are dropped.
        test_split: fraction of the reports for testing.
        seed: seed of the order of the reports, before they are split.
        start_char: index at the start of each report, or None.
        oov_char: index in the place of words that are left out, or None to drop them.
        index_from: what is added to the indexes of the file.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of ints; int64 arrays of
        shape (n,), the topics from 0 to 45.

    Raises:
        ValueError: if no report is shorter than `maxlen`.
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged, or holds anything but lists of numbers.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.reuters.load_data(num_words=1000)
        >>> x_train[0][0], max(x_train[0]) < 1000
        (1, True)
    """
    file = fetch("reuters.npz", path)
    x, y = npz.read(file, "x", "y")
    x, y = shuffled(seed, x, y)
    ((x, y),) = encode(
        [x],
        [y],
        num_words=num_words,
        skip_top=skip_top,
        maxlen=maxlen,
        start_char=start_char,
        oov_char=oov_char,
        index_from=index_from,
        where=file,
    )
    count = int(len(x) * (1 - test_split))
    return (as_objects(x[:count]), y[:count]), (as_objects(x[count:]), y[count:])


def get_word_index(path="reuters_word_index.json"):
    """Loads the words of the Reuters reports with their indexes.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Returns:
        A dict from words to ints from 1 on, to which `load_data` adds `index_from`.

    Raises:
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged.

    Example:
        >>> import minikeras as keras
        >>> words = {i + 3: word for word, i in keras.datasets.reuters.get_word_index().items()}
        >>> words[4]
        'the'
    """
    return read_word_index(fetch("reuters_word_index.json", path))


def get_label_names():
    """Returns the names of the topics.

    Returns:
        A tuple of 46 strings; label k is the topic at index k.

    Example:
        >>> import minikeras as keras
        >>> keras.datasets.reuters.get_label_names()[:3]
        ('cocoa', 'grain', 'veg-oil')
    """
    return tuple(_TOPICS.split())
