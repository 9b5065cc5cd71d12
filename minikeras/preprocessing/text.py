"""Texts as sequences of numbers, as in Keras 2's `keras.preprocessing.text`."""

import hashlib
import json
import warnings
from collections import OrderedDict, defaultdict

import numpy as np

from minikeras.core.docstrings import described

__all__ = [
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

_WORDS = {
    "filters": "str or list of characters that separate words besides `split`; punctuation, tabs "
    "and line breaks by default.",
    "lower": "bool, whether the text is turned into lower case.",
    "split": "str that separates words.",
    "analyzer": "function from a text to its list of words, in place of all this.",
}


@described(_WORDS)
def text_to_word_sequence(input_text, filters=PUNCTUATION, lower=True, split=" "):
    """Split a text into words.

    Args:
        input_text: str.

    Returns:
        A list of str.

    Example:
        >>> import minikeras as keras
        >>> keras.preprocessing.text.text_to_word_sequence("Well, it's one sentence.")
        ['well', "it's", 'one', 'sentence']
    """
    if lower:
        input_text = input_text.lower()
    separated = input_text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in separated.split(split) if word]


@described(_WORDS)
def one_hot(input_text, n, filters=PUNCTUATION, lower=True, split=" ", analyzer=None):
    """Turn the words of a text into ints by Python's `hash`, which differs from run to run.

    Args:
        input_text: str.
        n: int, the number of different ints, 0 among them, which no word gets.

    Returns:
        A list of ints from 1 to `n - 1`; different words may share one.

    Example:
        >>> import minikeras as keras
        >>> first, second = keras.preprocessing.text.one_hot("yes Yes", n=10)
        >>> first == second
        True
    """
    return hashing_trick(
        input_text, n, hash, filters=filters, lower=lower, split=split, analyzer=analyzer
    )


@described(_WORDS)
def hashing_trick(
    text, n, hash_function=None, filters=PUNCTUATION, lower=True, split=" ", analyzer=None
):
    """Turn the words of a text into ints by a hash function.

    Args:
        text: str.
        n: int, the number of different ints, 0 among them, which no word gets.
        hash_function: function from a str to an int, or `"md5"`, which is the same in every run;
            Python's `hash` by default, which is not.

    Returns:
        A list of ints from 1 to `n - 1`; different words may share one.

    Example:
        >>> import minikeras as keras
        >>> keras.preprocessing.text.hashing_trick("one word, one more", 100, "md5")
        [39, 55, 39, 23]
    """
    if hash_function == "md5":
        hash_function = _md5
    elif hash_function is None:
        hash_function = hash
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def _md5(word):
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


# How words weigh in a row of `Tokenizer.sequences_to_matrix`: from how often each is in the text,
# the length of the text, and their inverse document frequencies.
_WEIGHTS = {
    "binary": lambda count, length, idf: 1,
    "count": lambda count, length, idf: count,
    "freq": lambda count, length, idf: count / length,
    "tfidf": lambda count, length, idf: (1 + np.log(count)) * idf,
}


@described(_WORDS)
class Tokenizer:
    """Numbers the words of texts by how frequent they are, and turns texts into numbers.

    The most frequent word has number 1, or 2 where there is an `oov_token`, which then has number
    1. No word has number 0.

    Args:
        num_words: int, one more than the number of words that are used: the most frequent ones;
            all by default.
        char_level: bool, whether each character counts as a word.
        oov_token: str that stands for words that are not known or not used; without it they are
            left out.
        **kwargs: `document_count`, the number of texts seen before; `nb_words`, an old name of
            `num_words`.

    Raises:
        TypeError: for any other argument.

    Example:
        >>> import minikeras as keras
        >>> tokenizer = keras.preprocessing.text.Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["One fish, two fish.", "Red fish."])
        >>> tokenizer.texts_to_sequences(["Two blue fish"])
        [[4, 1, 2]]
        >>> tokenizer.texts_to_matrix(["fish fish"], mode="count").tolist()
        [[0.0, 0.0, 2.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_words=None,
        filters=PUNCTUATION,
        lower=True,
        split=" ",
        char_level=False,
        oov_token=None,
        analyzer=None,
        **kwargs,
    ):
        if "nb_words" in kwargs:
            warnings.warn("`nb_words` is an old name: write `num_words`.", stacklevel=2)
            num_words = kwargs.pop("nb_words")
        document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"`Tokenizer` has no arguments {sorted(kwargs)}.")
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.document_count = document_count
        self.word_counts = OrderedDict()
        self.word_docs = defaultdict(int)
        self.word_index = {}
        self.index_word = {}
        self.index_docs = defaultdict(int)

    def fit_on_texts(self, texts):
        """Count the words of texts, and number all words seen so far.

        Args:
            texts: iterable of texts; a text is a str, or a list of its words.
        """
        for text in texts:
            self.document_count += 1
            words = self._words_of(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in dict.fromkeys(words):
                self.word_docs[word] += 1
        # Sorting keeps the order of words that are equally frequent: the earlier one is first.
        ranked = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        special = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: i for i, word in enumerate(special + ranked, start=1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, documents in self.word_docs.items():
            self.index_docs[self.word_index[word]] = documents

    def _words_of(self, text):
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_sequences(self, sequences):
        """Count in how many sequences each number is, for `mode="tfidf"`.

        Args:
            sequences: list of lists of ints.
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in dict.fromkeys(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts):
        """Turn texts into lists of the numbers of their words.

        Args:
            texts: iterable of texts; a text is a str, or a list of its words.

        Returns:
            A list of lists of ints.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """Turn texts into lists of the numbers of their words, one after the other.

        Args:
            texts: iterable of texts; a text is a str, or a list of its words.

        Yields:
            A list of ints for each text.
        """
        for text in texts:
            numbers = (self._used(self.word_index.get(word)) for word in self._words_of(text))
            yield [i for i in numbers if i is not None]

    def _used(self, i):
        """The number itself if its word is used, else that of `oov_token`, which may be None."""
        is_used = i is not None and not (self.num_words and i >= self.num_words)
        return i if is_used else self.word_index.get(self.oov_token)

    def sequences_to_texts(self, sequences):
        """Turn lists of numbers into texts, the words separated by blanks.

        Args:
            sequences: iterable of lists of ints.

        Returns:
            A list of str.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """Turn lists of numbers into texts, one after the other.

        Args:
            sequences: iterable of lists of ints.

        Yields:
            A str for each list.
        """
        for sequence in sequences:
            known = (i if i in self.index_word else None for i in sequence)
            numbers = (self._used(i) for i in known)
            yield " ".join(self.index_word[i] for i in numbers if i is not None)

    def texts_to_matrix(self, texts, mode="binary"):
        """Turn texts into rows with one column for each word.

        Args:
            texts: iterable of texts; a text is a str, or a list of its words.
            mode: str, see `sequences_to_matrix`.

        Returns:
            A float64 array `(texts, words)`.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """Turn lists of numbers into rows with one column for each word.

        For a word that is `c` times in a list of length `n`, and in `d` of `N` texts seen, its
        column holds
            "binary":  1
            "count":   c
            "freq":    c / n
            "tfidf":   (1 + log(c)) * log(1 + N / (1 + d))

        Args:
            sequences: list of lists of ints.
            mode: str, one of these four.

        Returns:
            A float64 array `(sequences, words)`; the number of words is `num_words`, or one more
            than the number of words seen.

        Raises:
            ValueError: if `mode` is unknown, or nothing has been seen that it needs.
        """
        if mode not in _WEIGHTS:
            raise ValueError(f"`mode` must be one of {list(_WEIGHTS)}. Received: mode={mode!r}")
        if not (self.num_words or self.word_index):
            raise ValueError("The number of columns is not known. Give `num_words`, or fit texts.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Document frequencies are not known: fit texts or sequences first.")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        idf = self._inverse_document_frequencies(width)
        for row, sequence in zip(matrix, sequences, strict=True):
            used = [i for i in sequence if i < width]
            if used:
                numbers, counts = np.unique(used, return_counts=True)
                row[numbers] = _WEIGHTS[mode](counts, len(sequence), idf[numbers])
        return matrix

    def _inverse_document_frequencies(self, width):
        documents = np.array([self.index_docs.get(i, 0) for i in range(width)])
        return np.log(1 + self.document_count / (1 + documents))

    def get_config(self):
        """Return the arguments and all that was counted, the latter as JSON texts.

        Returns:
            A dict.
        """
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in _COUNTED},
        }

    def to_json(self, **kwargs):
        """Return the config with the name of the class as JSON, for `tokenizer_from_json`.

        Args:
            **kwargs: arguments of `json.dumps`.

        Returns:
            A str.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


_COUNTED = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string):
    """Return the tokenizer that `Tokenizer.to_json` wrote.

    Args:
        json_string: str.

    Returns:
        A `Tokenizer`.

    Example:
        >>> import minikeras as keras
        >>> text = keras.preprocessing.text.Tokenizer(num_words=10).to_json()
        >>> keras.preprocessing.text.tokenizer_from_json(text).num_words
        10
    """
    config = json.loads(json_string)["config"]
    counted = {name: json.loads(config.pop(name)) for name in _COUNTED}
    for name in ("index_docs", "index_word"):  # JSON has made texts of the numbers
        counted[name] = {int(i): value for i, value in counted[name].items()}
    tokenizer = Tokenizer(**config)
    vars(tokenizer).update(counted)
    return tokenizer
