"""StringLookup: the index of each string in a vocabulary, or the string of each index."""

from typing import Annotated, Any, ClassVar

from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.encoding import Sparse
from minikeras.layers.preprocessing.index_lookup import _IndexLookup
from minikeras.layers.preprocessing.vocabulary_state import IDF_WEIGHTS, VOCABULARY


@layer
class StringLookup(_IndexLookup):
    """Turn strings into their indices in a vocabulary, or into vectors; or indices into strings.

    The vocabulary is given, or learned by `adapt`. A call takes strings as lists, NumPy arrays,
    pandas Series or tensors, of any shape.

    Args:
        max_tokens: int, the largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: int, how many indices there are for strings that are not in the vocabulary;
            with several a hash of the string says which, with 0 such strings are an error.
        mask_token: string that stands for no data, or None. In mode `"int"` its index is 0; in the
            others it counts nowhere.
        oov_token: string that `invert=True` gives for indices of unknown strings.
        vocabulary: list or array of strings, or the path of a text file with one in each line.
        idf_weights: list or array of floats, one for each string, in mode `"tf_idf"`.
        invert: bool, whether indices are turned into strings.
        output_mode: `"int"` for indices; `"one_hot"` for a vector for each string; `"multi_hot"`,
            `"count"` or `"tf_idf"` for one for each sample, the last axis: whether each string is
            there, how often, or how often times `log(1 + documents / (1 + documents with it))`.
        pad_to_max_tokens: bool, whether vectors have `max_tokens` elements.
        encoding: the encoding of bytes, in which strings are given back.
        salt: int, or two of them: the key of SipHash, with which unknown strings are hashed in
            place of FarmHash.
        **kwargs: `name`; `oov_method`, `dtype` and `trainable`, which change nothing.

    Raises:
        ValueError: if an argument is invalid, or strings are repeated in the vocabulary.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.StringLookup(vocabulary=["a", "b", "c"])
        >>> layer([["a", "c"], ["z", "b"]]).tolist()
        [[1, 3], [0, 2]]
        >>> keras.layers.StringLookup(vocabulary=["a", "b"], invert=True)([2, 0]).tolist()
        [b'b', b'[UNK]']
    """

    max_tokens: Any = None
    num_oov_indices: int = 1
    mask_token: Any = None
    oov_token: Any = "[UNK]"
    vocabulary: Annotated[Any, VOCABULARY] = None
    idf_weights: Annotated[Any, IDF_WEIGHTS] = None
    invert: bool = False
    output_mode: str = "int"
    pad_to_max_tokens: bool = False
    sparse: Sparse = False
    encoding: str = "utf-8"
    name: Any = None
    salt: Any = None

    vocabulary_dtype: ClassVar[str] = "string"

    def __init__(self, *args, **kwargs):
        self.oov_method = kwargs.pop("oov_method", "floormod")
        self._begin(StringLookup, args, kwargs)
