"""What StringLookup and IntegerLookup share: they learn a vocabulary and look tokens up in it.

The indices are, in this order: that of the mask token (0, in mode `"int"` alone), those of tokens
out of vocabulary (OOV), and those of the tokens. With several OOV indices a hash of the token says
which. In mode `"tf_idf"` the count of each token is multiplied by its inverse document frequency,

    idf(t) = log(1 + documents / (1 + documents with t))
"""

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np

from minikeras import ops
from minikeras.arrays import device
from minikeras.arrays.distinct import LEAST, WIDEST, distinct_of
from minikeras.arrays.strings import (
    as_strings,
    holds_strings,
    original_of,
    standing_for,
)
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.core import registry, settings
from minikeras.layers.preprocessing.adapting import (
    batches_of,
    host_array_of,
    is_array,
    refuse_nothing,
)
from minikeras.layers.preprocessing.encoding import (
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.fingerprints import buckets, salt_pair
from minikeras.layers.preprocessing.host import _HostLayer
from minikeras.layers.preprocessing.tokens import documents_of, token_array, token_counts
from minikeras.layers.preprocessing.vocabulary_state import _VocabularyState

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
OF_CONFIGS = ("vocabulary_size", "has_input_vocabulary")
"""What Keras's configs hold beside the constructor's arguments."""
_MISSING = -2


class _IndexLookup(_VocabularyState, _HostLayer):
    """The base of StringLookup and IntegerLookup, which declare the arguments."""

    def _begin(self, cls, args, kwargs):
        """Construct a layer of a class: its fields, and what else a config may hold."""
        for name in ("trainable", "dtype"):  # the dtype is that of the vocabulary
            kwargs.pop(name, None)
        size, is_static = (kwargs.pop(name, None) for name in OF_CONFIGS)
        cls.from_fields(self, *args, **kwargs)
        self.autocast = False
        self._check_arguments()
        vocabulary = self.input_vocabulary
        self._is_static = vocabulary is not None if is_static is None else is_static
        self._vocabulary = self._idf = self._frozen_size = None
        self.reset_state()
        if vocabulary is None:
            self._frozen_size = size if size != self._token_start() else None
            return
        if isinstance(vocabulary, (str, Path)):  # written as an asset, not into the config
            self.input_vocabulary = None
        self.set_vocabulary(vocabulary, self.input_idf_weights)

    def _check_arguments(self):
        kind = type(self).__name__
        self.output_mode = output_mode(self.output_mode, MODES, kind)
        refuse_sparse(self.sparse, kind)
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ValueError(
                "`max_tokens` must be 2 or greater, or None. Received: "
                f"max_tokens={self.max_tokens}"
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(
                "`pad_to_max_tokens` needs `max_tokens`, the size to pad to. Received: "
                "max_tokens=None"
            )
        if self.num_oov_indices < 0:
            raise ValueError(
                "`num_oov_indices` must be 0 or greater. Received: "
                f"num_oov_indices={self.num_oov_indices}"
            )
        if self.invert and self.output_mode != "int":
            raise ValueError(
                "`invert` turns indices into tokens, which `output_mode='int'` alone returns. "
                f"Received: output_mode={self.output_mode!r}"
            )
        if self.input_vocabulary is not None or self.input_idf_weights is not None:
            self._check_idf(self.input_idf_weights)
        self._check_hash()

    def _check_hash(self):
        if self.oov_method not in ("floormod", "farmhash"):
            raise ValueError(
                "Unknown value for `oov_method`. Allowed values are: ('floormod', 'farmhash'). "
                f"Received: oov_method={self.oov_method!r}"
            )
        hashes = self.vocabulary_dtype == "string" or self.oov_method == "farmhash"
        if self.salt is not None and not hashes:
            raise ValueError(
                "`salt` belongs to `oov_method='farmhash'`. Received: "
                f"oov_method={self.oov_method!r}"
            )
        self.salt = salt_pair(self.salt, type(self).__name__)

    # What it learns

    def adapt(self, data, steps=None):
        """Learn the vocabulary: the tokens of the data, the most frequent ones first.

        Of tokens that are equally frequent the larger one comes first.

        Args:
            data: array or list of tokens, or an iterable of batches of them. In mode `"tf_idf"` a
                row is a document; each token of a vector is one, too.
            steps: int, how many batches are taken; None for all.

        Raises:
            ValueError: if there are no data, or the layer was given a vocabulary.
        """
        self.reset_state()
        if is_array(data) or isinstance(data, (list, tuple)):
            if self.output_mode == "tf_idf":
                tokens = token_array(data, self.vocabulary_dtype)
                data = tokens[:, None] if tokens.ndim == 1 else tokens
            self.update_state(data)
        else:
            for batch in batches_of(data, steps):
                self.update_state(batch)
        if not self._counts:
            refuse_nothing(self)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch.

        Args:
            data: array or nested lists of tokens; each row is a document, a vector is one.

        Raises:
            ValueError: if the layer was given a vocabulary.
        """
        if self._is_static:
            raise ValueError(
                f"The vocabulary of layer '{self.name}' was given, by `vocabulary` or "
                "`set_vocabulary()`, so `adapt` may not replace it: make a layer without one."
            )
        if self.output_mode != "tf_idf":
            self._counts.update(token_counts(data, self.vocabulary_dtype))
        else:
            documents = documents_of(data, self.vocabulary_dtype)
            self._counts.update(documents.values)
            self._document_counts.update(chain.from_iterable(map(set, documents.rows())))
            self._documents += len(documents.lengths)

    def reset_state(self):
        """Forget the tokens that were counted; the vocabulary stays."""
        self._counts, self._document_counts, self._documents = Counter(), Counter(), 0

    def finalize_state(self):
        """Make the vocabulary of the tokens that were counted."""
        if self._is_static or not self._counts:
            self._frozen_size = self.vocabulary_size()
            return
        special = {self._key(self.mask_token), self._key(self.oov_token)}
        counted = [(n, token) for token, n in self._counts.items() if token not in special]
        tokens = [token for _, token in sorted(counted, reverse=True)]
        if self.max_tokens:
            tokens = tokens[: self.max_tokens - self._token_start()]
        self._install(tokens, self._learned_idf(tokens) if self.output_mode == "tf_idf" else None)
        self.reset_state()

    def _learned_idf(self, tokens):
        """A weight for each index; that of a token out of vocabulary is the mean of the others."""
        counts = np.array([self._document_counts[token] for token in tokens], np.int64)
        idf = np.log(1 + self._documents / (1 + counts)).astype(settings.floatx())
        return np.concatenate([np.repeat(idf.mean(), self._token_start()), idf])

    # What it computes

    def _as_tensors(self, inputs):
        """Many texts in an array as they are: looking them up needs no conversion of each."""
        is_tensor = isinstance(inputs, (Tensor, KerasTensor, Abstract))
        if not is_tensor and is_array(inputs) and self._takes_texts():
            array = host_array_of(inputs)
            is_short = 0 < array.dtype.itemsize <= WIDEST and array.dtype.kind in "OSU"
            if is_short and array.size >= LEAST:
                return Tensor(standing_for(array))
        return super()._as_tensors(inputs)

    def _takes_texts(self):
        """Whether strings are looked up, and `computed` alone sees them."""
        is_own = type(self).call is _HostLayer.call
        return is_own and self.vocabulary_dtype == "string" and not self.invert

    def computed(self, inputs):
        """Look the tokens up and write their indices in the output mode, or look indices up."""
        self._check_ready()
        if self.invert:
            return Tensor(device.asarray(self._tokens_at(token_array(inputs, "int64"))))
        texts = original_of(inputs.data) if isinstance(inputs, Tensor) else None
        if texts is not None:
            return self.encoded(self._indices_of_texts(texts.ravel()).reshape(texts.shape))
        tokens = token_array(inputs, self.vocabulary_dtype)
        distinct = distinct_of(tokens)
        if distinct is not None:
            return self.encoded(self.indices_of(distinct.strings)[distinct.codes])
        values = tokens.ravel()
        indices = self.indices_of(values.tolist() if tokens.dtype == object else values)
        return self.encoded(indices.reshape(tokens.shape))

    def indices_of(self, values):
        """Return the index of each token.

        Args:
            values: list of `bytes`, or int64 array of one axis.

        Raises:
            ValueError: if a token is unknown, and there is no index for such.
        """
        is_one = self.num_oov_indices == 1
        indices = self._vocabulary.find(values, self._oov_start() if is_one else _MISSING)
        if not is_one:
            unknown = np.flatnonzero(indices == _MISSING)
            if unknown.size:
                indices[unknown] = self._oov_indices([values[i] for i in unknown.tolist()])
        return indices

    def _indices_of_texts(self, texts):
        """The index of each text; those that are known are not converted to `bytes`."""
        try:
            indices = self._vocabulary.find_texts(texts, _MISSING)
        except TypeError:  # one of Python's objects has no hash
            as_strings(texts)  # which says what is wrong
            raise
        unknown = np.flatnonzero(indices == _MISSING)
        if unknown.size:
            rest = texts[unknown]
            if self.num_oov_indices == 1 and holds_strings(rest, like=texts):
                indices[unknown] = self._oov_start()
            else:
                indices[unknown] = self.indices_of(as_strings(rest).tolist())
        return indices

    def _oov_indices(self, values):
        if not self.num_oov_indices:
            unknown = list(dict.fromkeys(values))[:_SHOWN]
            raise ValueError(
                "Some values are not in the vocabulary, and `num_oov_indices=0` has no index for "
                f"them: {list(map(self._shown, unknown))}. With `num_oov_indices=1` they "
                "share one."
            )
        if self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            return np.mod(values, self.num_oov_indices) + self._oov_start()
        return buckets(values, self.num_oov_indices, self.salt) + self._oov_start()

    def encoded(self, indices):
        """Return indices, an int64 array, in the output mode: a tensor."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        outputs = encode(Tensor(device.asarray(indices)), mode, self._depth(), "int64")
        if self.output_mode != "tf_idf":
            return outputs
        return ops.multiply(ops.cast(outputs, settings.floatx()), Tensor(device.asarray(self._idf)))

    def _tokens_at(self, indices):
        """The token of each index; all that are no token's are out of vocabulary."""
        tokens = [*self._special_keys(), *self._vocabulary.tokens]
        tokens.append(self._key(self.oov_token))
        dtype = object if self.vocabulary_dtype == "string" else np.int64
        known = (indices >= 0) & (indices < len(tokens) - 1)
        return np.array(tokens, dtype)[np.where(known, indices, len(tokens) - 1)]

    def _check_ready(self):
        if self._vocabulary is None or (self.output_mode == "tf_idf" and self._idf is None):
            raise RuntimeError(
                f"Layer '{self.name}' has no vocabulary yet. Pass `vocabulary` when you make the "
                "layer, or call `adapt` with some sample data, before you call it."
            )

    def compute_output_shape(self, input_shape):
        """Return the shape of the indices, or of the vectors that stand for them."""
        self._check_length()
        return encoded_shape(input_shape, self.output_mode, self._depth())

    def _check_length(self):
        if self.output_mode != "int" and self._depth() is None:
            raise RuntimeError(
                f"The width of `output_mode={self.output_mode!r}` is the size of the vocabulary, "
                "and there is none yet: give `vocabulary`, or call `adapt` with some data; or set "
                "`max_tokens` and `pad_to_max_tokens=True`."
            )

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor like the outputs; vectors count as floats, as in Keras."""
        dtype = "int64" if self.output_mode == "int" else settings.floatx()
        dtype = self.vocabulary_dtype if self.invert else dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # How it is written down

    @property
    def compute_dtype(self):
        """The dtype of the vocabulary."""
        return self.vocabulary_dtype

    @property
    def variable_dtype(self):
        """The dtype of the vocabulary."""
        return self.vocabulary_dtype

    def get_build_config(self):
        """Return nothing: the shapes of the inputs do not matter."""
        return {}

    def build_from_config(self, config):
        """Do nothing: there is nothing to build."""
        self.built = True

    def get_config(self):
        """Return the constructor's arguments, and the size of the vocabulary."""
        further = {"vocabulary_size": self._frozen_size, "oov_method": self.oov_method}
        return {**super().get_config(), **further}

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned; a path in it needs trust.

        Raises:
            ValueError: if the config names a file, and nobody said that it is trusted.
        """
        if isinstance(config.get("vocabulary"), str):
            registry.require_trusted_file(config["vocabulary"], in_config=True)
        return super().from_config(config)


_SHOWN = 10
"""Tokens that an error message may show."""
