"""TextVectorization: from texts to the indices of their words in a vocabulary, or to vectors."""

from typing import Annotated, Any, ClassVar

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.node import graph_break
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.core import registry, settings
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.preprocessing.adapting import batches_of, is_array, refuse_nothing
from minikeras.layers.preprocessing.encoding import (
    Sparse,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.host import _HostLayer
from minikeras.layers.preprocessing.index_lookup import MODES, OF_CONFIGS
from minikeras.layers.preprocessing.string_lookup import StringLookup
from minikeras.layers.preprocessing.tokens import Documents, token_array
from minikeras.layers.preprocessing.vocabulary_state import DROPPED, IDF_WEIGHTS, VOCABULARY
from minikeras.layers.preprocessing.words import (
    SPLITS,
    STANDARDIZATIONS,
    ngrams_of,
    split_texts,
    standardized,
)


def _one_of(names):
    def convert(value, name):
        if value is not None and value not in names and not callable(value):
            raise ValueError(
                f"Unknown value for `{name}` argument of TextVectorization. Allowed values are: "
                f"`None`, a `callable` or one of the following values: {tuple(names)}. Received: "
                f"{name}={value}"
            )
        return value

    return Field(convert, registry.serialize, attribute=None)


def _widths(value, name):
    value = tuple(value) if isinstance(value, list) else value
    of_ints = isinstance(value, tuple) and all(isinstance(width, int) for width in value)
    if value is not None and not isinstance(value, int) and not of_ints:
        raise ValueError(
            f"`ngrams` must be an int, a tuple of ints, or None. Received: ngrams={value!r}"
        )
    return value


@layer
class TextVectorization(_HostLayer):
    """Turn texts into the indices of their words in a vocabulary, or into vectors.

    Each text is standardized, split into tokens, joined to n-grams if you like, and looked up, as
    `StringLookup` does. A call takes texts as lists, NumPy arrays, pandas Series or tensors, of
    shape `(batch,)`, `(batch, 1)` or `()`.

    Args:
        max_tokens: int, the largest size of the vocabulary, special tokens included; None for any.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, None, or a
            function of a NumPy array of text that returns one. Letters of ASCII alone are lowered.
        split: `"whitespace"`, `"character"`, None if texts are tokens already, or a function of a
            NumPy array of text that returns a list of tokens for each, or an array.
        ngrams: int, to join up to so many tokens; tuple of ints, the numbers that are joined; or
            None.
        output_mode: `"int"` for indices, in which 0 fills up shorter texts; `"multi_hot"`,
            `"count"`, `"tf_idf"` or `"one_hot"`, as for `StringLookup`.
        output_sequence_length: int, to how many indices texts are cut or filled up, in mode `"int"`
            alone; that of the longest for None.
        pad_to_max_tokens: bool, whether vectors have `max_tokens` elements.
        vocabulary: list or array of tokens, or the path of a text file with one in each line.
        idf_weights: list or array of floats, one for each token, in mode `"tf_idf"`.
        ragged: must be False.
        encoding: the encoding of bytes, in which tokens are given back.
        **kwargs: `name`, `dtype`, `trainable`; see `Layer`.

    Raises:
        ValueError: if an argument is invalid.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["The cat sat.", "The dog barked at the cat!"])
        >>> layer.get_vocabulary()[:4]
        ['', '[UNK]', 'the', 'cat']
        >>> layer(["the cat", "A cat and the DOG"]).tolist()
        [[2, 3, 0, 0], [1, 3, 1, 2]]
    """

    max_tokens: Any = None
    standardize: Annotated[Any, _one_of(STANDARDIZATIONS)] = "lower_and_strip_punctuation"
    split: Annotated[Any, _one_of(SPLITS)] = "whitespace"
    ngrams: Annotated[Any, Field(_widths)] = None
    output_mode: str = "int"
    output_sequence_length: Any = None
    pad_to_max_tokens: bool = False
    vocabulary: Annotated[Any, VOCABULARY] = None
    idf_weights: Annotated[Any, IDF_WEIGHTS] = None
    sparse: Sparse = False
    ragged: bool = False
    encoding: str = "utf-8"
    name: Any = None

    input_idf_weights: ClassVar[Any]  # what the constructor got

    def __init__(self, *args, **kwargs):
        known = {name: kwargs.pop(name, None) for name in OF_CONFIGS}
        TextVectorization.from_fields(self, *args, **kwargs)
        self.autocast = False
        self._check_arguments()
        self._lookup_layer = StringLookup(
            max_tokens=self.max_tokens,
            vocabulary=self.input_vocabulary,
            idf_weights=self.input_idf_weights,
            pad_to_max_tokens=self.pad_to_max_tokens,
            mask_token="",
            output_mode=self.output_mode,
            encoding=self.encoding,
            **known,
        )
        self.input_vocabulary = self._lookup_layer.input_vocabulary  # None for a path

    def _check_arguments(self):
        kind = type(self).__name__
        self.output_mode = output_mode(self.output_mode, MODES, kind)
        refuse_sparse(self.sparse, kind)
        if self.ragged:
            raise ValueError(
                f"{kind} gives dense tensors, filled up with 0: ragged ones are not supported. "
                "Received: ragged=True. Pass `ragged=False`."
            )
        length = self.output_sequence_length
        if length is not None and self.output_mode != "int":
            raise ValueError(
                "`output_sequence_length` belongs to `output_mode='int'`, which returns sequences. "
                f"Received: output_sequence_length={length} with output_mode={self.output_mode!r}"
            )
        if length is not None and (not isinstance(length, int) or length < 0):
            raise ValueError(
                "`output_sequence_length` must be an int, 0 or greater, or None. Received: "
                f"output_sequence_length={length!r}"
            )

    # The vocabulary

    def adapt(self, data, batch_size=None, steps=None):
        """Learn the vocabulary: the tokens of some texts, the most frequent ones first.

        Args:
            data: array or list of texts, or an iterable of batches of them.
            batch_size: accepted, and has no effect.
            steps: int, how many batches are taken; None for all.

        Raises:
            ValueError: if there are no texts, or the layer was given a vocabulary.
        """
        self.reset_state()
        texts = 0
        if is_array(data) or isinstance(data, (list, tuple)):
            texts_alone = token_array(data, "string")
            data = [texts_alone[:, None] if texts_alone.ndim == 1 else texts_alone]
            steps = None
        for batch in batches_of(data, steps):
            texts += np.size(batch)
            self.update_state(batch)
        if not texts:
            refuse_nothing(self)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch of texts."""
        self._lookup_layer.update_state(self._tokens(token_array(data, "string")))

    def finalize_state(self):
        """Make the vocabulary of the tokens that were counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self):
        """Forget the tokens that were counted; the vocabulary stays."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens=True):
        """Return the tokens in the order of their indices.

        Args:
            include_special_tokens: whether those for padding and unknown tokens come first.

        Returns:
            A list of strings.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self):
        """Return how many indices there are, those of padding and unknown tokens included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Give the layer a vocabulary in place of one that it learns.

        Args:
            vocabulary: list or array of different tokens, or the path of a text file.
            idf_weights: as many floats, in mode `"tf_idf"` alone.
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # What it computes

    def call(self, inputs):
        """Turn texts into indices or vectors."""
        grows = self.output_sequence_length is None and self.output_mode in ("int", "one_hot")
        if not grows or not isinstance(inputs, Tensor):
            return super().call(inputs)
        graph_break("by TextVectorization, whose result is as long as the texts", inputs.data)
        return self.computed(inputs)

    def computed(self, inputs):
        """Turn texts into indices or vectors, in main memory."""
        lookup = self._lookup_layer
        lookup._check_ready()
        texts = token_array(inputs, "string")
        tokens: Any = self._tokens(texts)
        if isinstance(tokens, Documents):
            fill = 0 if self.output_mode == "int" else DROPPED
            indices = tokens.dense(
                lookup.indices_of(tokens.values), fill, self.output_sequence_length
            )
            indices = indices[0] if texts.ndim == 0 else indices
        else:
            indices = lookup.indices_of(tokens.ravel().tolist()).reshape(tokens.shape)
            if self.output_sequence_length is not None:
                indices = self._resized(indices)
        if self.output_mode == "int":
            return Tensor(device.asarray(indices))
        return lookup.encoded(indices)

    def _tokens(self, texts):
        """The tokens of texts: `Documents` if they were split, else an array."""
        texts = standardized(texts, self.standardize)
        if self.split is None:
            return texts if self.ngrams is None else ngrams_of(texts, self._ngram_widths())
        if texts.ndim > 1:
            if texts.shape[-1] != 1:
                raise ValueError(
                    "`TextVectorization` splits one text for each sample: (batch,) or (batch, 1). "
                    f"Received: inputs.shape={texts.shape}"
                )
            texts = texts[..., 0]
        rows = split_texts(texts, self.split)
        return Documents(rows if self.ngrams is None else ngrams_of(rows, self._ngram_widths()))

    def _ngram_widths(self):
        return range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams

    def _resized(self, indices):
        """Cut or fill up the last axis."""
        if not indices.ndim:
            raise ValueError("`output_sequence_length` needs texts of at least one axis.")
        indices = indices[..., : self.output_sequence_length]
        missing = self.output_sequence_length - indices.shape[-1]
        return np.pad(indices, [(0, 0)] * (indices.ndim - 1) + [(0, missing)])

    def compute_output_shape(self, input_shape):
        """Return the shape of the indices or vectors."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return (*shape[:1], self.output_sequence_length)
        if self.split is not None:
            shape = (*(shape[:-1] if len(shape) > 1 else shape), None)
        elif len(shape) <= 1:
            shape = (*shape, 1)
        self._lookup_layer._check_length()
        return encoded_shape(shape, self.output_mode, self._lookup_layer._depth())

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor like the outputs; vectors count as floats, as in Keras."""
        dtype = "int64" if self.output_mode == "int" else settings.floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # How it is written down

    @property
    def compute_dtype(self):
        """That of the texts."""
        return "string"

    @property
    def variable_dtype(self):
        """That of the texts."""
        return "string"

    def build(self, input_shape=None):
        """Do nothing: there are no weights."""

    def get_config(self):
        """Return the constructor's arguments, and the size of the vocabulary."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned; a path in it needs trust.

        Raises:
            ValueError: if the config names a file, and nobody said that it is trusted.
        """
        if isinstance(config.get("vocabulary"), str):
            registry.require_trusted_file(config["vocabulary"], in_config=True)
        return super().from_config(config)

    def save_own_variables(self, store):
        """Put the weights of the tokens into a store, in mode `"tf_idf"`."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        """Take the weights of the tokens from a store."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path):
        """Write the vocabulary to a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path):
        """Take the vocabulary from a folder."""
        self._lookup_layer.load_assets(dir_path)
