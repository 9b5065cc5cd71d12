"""The vocabulary of a layer: what a user gives and gets, and how it goes through files."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.core import registry, settings
from minikeras.core.constructors import Field
from minikeras.core.work import spend_numbers
from minikeras.layers.preprocessing.adapting import host_array_of, is_array
from minikeras.layers.preprocessing.tokens import Vocabulary, token_array

DROPPED = -1
"""The index of what counts nowhere."""

_FILE = "vocabulary.txt"


def _plain(values):
    """An argument as a config holds it: arrays and tensors as lists."""
    if is_array(values):
        return host_array_of(values).tolist()
    return list(values) if isinstance(values, list) else values


VOCABULARY = Field(serialize=_plain, attribute="input_vocabulary")
IDF_WEIGHTS = Field(serialize=_plain, attribute="input_idf_weights")


class _VocabularyState:
    """The part of StringLookup and IntegerLookup that holds the vocabulary."""

    # What the other parts give.
    name: str
    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    input_vocabulary: Any
    input_idf_weights: Any
    oov_method: str
    salt: Any
    sparse: bool
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    encoding: str
    vocabulary_dtype: str

    _vocabulary: Any
    """The `Vocabulary`, None until there is one."""
    _idf: Any
    """A float array, the weight of each index in mode `"tf_idf"`; else None."""
    _frozen_size: int | None
    """The length of the vectors that were returned; None as long as it may change."""

    def _oov_start(self):
        """The index of the first token out of vocabulary: that of the mask token comes first."""
        return int(self.mask_token is not None and self.output_mode == "int")

    def _token_start(self):
        return self._oov_start() + self.num_oov_indices

    def _depth(self) -> Any:
        """The length of the vectors that are returned."""
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_size

    def _special_tokens(self):
        return [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices

    def _key(self, token):
        """A token as it is looked up: `bytes` or an int."""
        if token is None:
            return None
        return token_array([token], self.vocabulary_dtype).tolist()[0]

    def _shown(self, token):
        """A token as a user sees it: text or an int."""
        return token.decode(self.encoding) if isinstance(token, bytes) else token

    # What a user gives and gets

    def vocabulary_size(self):
        """Return how many indices there are, those of mask and unknown tokens included."""
        learned = 0 if self._vocabulary is None else len(self._vocabulary.tokens)
        return learned + self._token_start()

    def get_vocabulary(self, include_special_tokens=True):
        """Return the tokens in the order of their indices.

        Args:
            include_special_tokens: whether those for masks and unknown tokens come first.

        Returns:
            A list of strings or ints.
        """
        tokens = [] if self._vocabulary is None else self._vocabulary.tokens
        learned = list(map(self._shown, tokens))
        return [*self._special_tokens(), *learned] if include_special_tokens else learned

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Give the layer a vocabulary in place of one that it learns.

        Args:
            vocabulary: list or array of different tokens, with or without the special ones in
                front; or the path of a text file with one token a line.
            idf_weights: as many floats, in mode `"tf_idf"` alone.

        Raises:
            ValueError: if tokens are repeated or missing, if a special one is in the middle, if
                there are too many, or if the weights do not fit.
            RuntimeError: if the layer gives vectors of another length already.
        """
        self._check_idf(idf_weights)
        if isinstance(vocabulary, (str, Path)):
            tokens, has_special = self._read(vocabulary), False
        else:
            tokens, has_special = self._without_special(self._listed(vocabulary))
        self._check_tokens(tokens)
        idf = None if idf_weights is None else self._all_weights(idf_weights, tokens, has_special)
        self._install(tokens, idf)

    def _listed(self, vocabulary):
        """The tokens that were given, as they are looked up."""
        array = token_array(vocabulary, self.vocabulary_dtype)
        if array.ndim != 1 or not array.size:
            kind = "an empty" if not array.size else "a nested"
            raise ValueError(
                f"Cannot set {kind} vocabulary: expected a list of tokens. Received: vocabulary="
                f"{vocabulary!r} of shape {array.shape}"
            )
        return array.tolist()

    def _special_keys(self):
        mask, oov = self._key(self.mask_token), self._key(self.oov_token)
        return [mask] * self._oov_start() + [oov] * self.num_oov_indices

    def _without_special(self, tokens):
        count = self._token_start()
        # There may be far more special tokens than tokens: indices of a hash.
        has_special = len(tokens) >= count and tokens[:count] == self._special_keys()
        return tokens[count:] if has_special else tokens, has_special

    def _check_tokens(self, tokens):
        if len(set(tokens)) < len(tokens):
            repeated = [self._shown(t) for t, count in Counter(tokens).items() if count > 1]
            raise ValueError(f"Each token of a vocabulary stands in it once. Repeated: {repeated}")
        reserved = {"mask": self.mask_token, "OOV": self.oov_token if self.invert else None}
        for kind, token in reserved.items():
            if token is not None and self._key(token) in tokens:
                raise ValueError(
                    f"The {kind} token {token!r} is reserved: leave the reserved tokens out of the "
                    "vocabulary, or begin it with all of them in this order: "
                    f"{self._described_special()}. Received: {token!r} at index "
                    f"{tokens.index(self._key(token))} of the other tokens"
                )
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"The vocabulary has {size} tokens, with those for masks and unknown values, more "
                f"than `max_tokens={self.max_tokens}`."
            )

    def _described_special(self):
        mask = f"{self.mask_token!r}, then " if self._oov_start() else ""
        return f"{mask}{self.num_oov_indices} times {self.oov_token!r}"

    # Weights of tokens

    def _check_idf(self, idf_weights):
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            only = "must be set if" if idf_weights is None else "should only be set if"
            raise ValueError(
                f"`idf_weights` {only} `output_mode` is 'tf_idf'. Received: output_mode="
                f"{self.output_mode!r} and idf_weights={idf_weights}"
            )

    def _all_weights(self, weights, tokens, has_special):
        """A weight for each index: those of special tokens are the mean, if they are not given."""
        weights = np.asarray(host_array_of(weights) if is_array(weights) else weights, float)
        start = self._token_start()
        expected = len(tokens) + start * has_special
        if weights.ndim != 1 or len(weights) != expected:
            raise ValueError(
                f"`idf_weights` must hold a number for each of the {expected} tokens. Received: "
                f"weights of shape {weights.shape}"
            )
        if has_special:
            return weights
        spend_numbers(start)
        return np.concatenate([np.repeat(weights.mean(), start), weights])

    def _install(self, tokens, idf):
        """Put a vocabulary in place, if vectors may have that length."""
        size = self._token_start() + len(tokens)
        is_free = self.output_mode == "int" or self.pad_to_max_tokens
        if not is_free and self._frozen_size not in (None, size):
            raise RuntimeError(
                f"The layer has been called with a vocabulary of {self._frozen_size}, the width of "
                f"`output_mode={self.output_mode!r}`; another size needs a new layer, or "
                f"`pad_to_max_tokens=True`. Received: a vocabulary of {size}"
            )
        # A mask token counts nowhere where no integers are returned.
        mask = {} if self.mask_token is None else {self._key(self.mask_token): self._mask_index()}
        self._vocabulary = Vocabulary(tokens, self._token_start(), mask)
        self._frozen_size = size
        if idf is not None:
            unused = self._depth() - size if self.pad_to_max_tokens else 0
            spend_numbers(unused)
            self._idf = np.pad(idf, (0, unused)).astype(settings.floatx())

    def _mask_index(self):
        return 0 if self.output_mode == "int" else DROPPED

    # Files

    def _read(self, path):
        """The tokens of a text file, which a config of somebody else's may not name."""
        registry.require_trusted_file(path)
        if not Path(path).is_file():
            raise ValueError(f"There is no file of a vocabulary at {str(path)!r}.")
        if self.output_mode == "tf_idf":
            raise ValueError(
                "output_mode `'tf_idf'` does not support loading a vocabulary from file: pass the "
                "tokens and `idf_weights`."
            )
        lines = self._lines(Path(path))
        if "" in lines:
            raise ValueError(
                f"Expected one token in each line of {path}, but line {lines.index('') + 1} is "
                "empty."
            )
        return self._parsed(lines)

    def _lines(self, path):
        text = path.read_bytes().decode(self.encoding)
        lines = text.replace("\r\n", "\n").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _parsed(self, lines):
        if self.vocabulary_dtype == "string":
            return list(map(str.encode, lines))
        return list(map(int, lines))

    def save_own_variables(self, store):
        """Put the weights of the tokens into a store, in mode `"tf_idf"`."""
        if self._idf is not None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store):
        """Take the weights of the tokens from a store."""
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            self._idf = np.asarray(store["idf_weights"], settings.floatx())

    def save_assets(self, dir_path):
        """Write the vocabulary to a folder, unless the config holds it.

        Args:
            dir_path: path of the folder.

        Raises:
            ValueError: if a token has a line break in it: in the file each line is a token.
        """
        if self.input_vocabulary is not None:
            return
        lines = list(map(str, self.get_vocabulary()))
        broken = next((line for line in lines if "\n" in line or "\r" in line), None)
        if broken is not None:
            raise ValueError(
                f"Layer '{self.name}' cannot be saved: each line of its file is a token, and the "
                f"token {broken!r} has a line break in it. Pass the vocabulary as a list when you "
                "make the layer, `vocabulary=layer.get_vocabulary()`: then the config holds it."
            )
        Path(dir_path, _FILE).write_bytes("\n".join(lines).encode("utf-8"))

    def load_assets(self, dir_path):
        """Take the vocabulary from a folder, unless the config has held it.

        Args:
            dir_path: path of the folder.

        Raises:
            ValueError: if there is no vocabulary, or it is not that of this layer.
        """
        if self.input_vocabulary is not None:
            return
        path = Path(dir_path, _FILE)
        if not path.is_file():
            raise ValueError(f"There is no {_FILE} for layer '{self.name}'.")
        tokens, _ = self._without_special(self._parsed(self._lines(path)))
        self._check_tokens(tokens)
        size = self._token_start() + len(tokens)
        if self.output_mode != "int" and self._frozen_size not in (None, size):
            raise ValueError(
                f"Layer '{self.name}' expects a vocabulary of {self._frozen_size} tokens, but its "
                f"{_FILE} has {size}."
            )
        self._install(tokens, None if self._idf is None else self._idf[:size])
