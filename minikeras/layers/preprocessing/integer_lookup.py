"""IntegerLookup: the index of each integer in a vocabulary, or the integer of each index."""

from typing import Annotated, Any

from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.encoding import Sparse
from minikeras.layers.preprocessing.index_lookup import _IndexLookup
from minikeras.layers.preprocessing.vocabulary_state import IDF_WEIGHTS, VOCABULARY


@layer
class IntegerLookup(_IndexLookup):
    """Turn integers into their indices in a vocabulary, or into vectors; or indices into integers.

    The vocabulary is given, or learned by `adapt`. Floats are cut off to integers.

    Args:
        max_tokens: int, the largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: int, how many indices there are for integers that are not in the
            vocabulary; with 0 such integers are an error.
        mask_token: int that stands for no data, or None. In mode `"int"` its index is 0; in the
            others it counts nowhere.
        oov_token: int that `invert=True` gives for indices of unknown integers.
        vocabulary: list or array of integers, or the path of a text file with one in each line.
        vocabulary_dtype: must be `"int64"`.
        idf_weights: list or array of floats, one for each integer, in mode `"tf_idf"`.
        invert: bool, whether indices are turned into integers.
        output_mode: `"int"` for indices; `"one_hot"` for a vector for each integer; `"multi_hot"`,
            `"count"` or `"tf_idf"` for one for each sample, the last axis: whether each integer is
            there, how often, or how often times `log(1 + documents / (1 + documents with it))`.
        pad_to_max_tokens: bool, whether vectors have `max_tokens` elements.
        oov_method: with several OOV indices, `"floormod"` to take the integer modulo their number,
            or `"farmhash"` to hash its decimal digits.
        salt: int, or two of them: the key of SipHash, in place of FarmHash.
        **kwargs: `name`; `dtype` and `trainable`, which change nothing.

    Raises:
        ValueError: if an argument is invalid, or integers are repeated in the vocabulary.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.IntegerLookup(vocabulary=[12, 36, 1138])
        >>> layer([[12, 1138], [7, 36]]).tolist()
        [[1, 3], [0, 2]]
    """

    max_tokens: Any = None
    num_oov_indices: int = 1
    mask_token: Any = None
    oov_token: Any = -1
    vocabulary: Annotated[Any, VOCABULARY] = None
    vocabulary_dtype: str = "int64"
    idf_weights: Annotated[Any, IDF_WEIGHTS] = None
    invert: bool = False
    output_mode: str = "int"
    sparse: Sparse = False
    pad_to_max_tokens: bool = False
    oov_method: str = "floormod"
    salt: Any = None
    name: Any = None

    encoding = "utf-8"

    def __init__(self, *args, **kwargs):
        self._begin(IntegerLookup, args, kwargs)

    def setup(self):
        """Refuse other vocabularies than of int64."""
        if self.vocabulary_dtype != "int64":
            raise ValueError(
                "The vocabulary of `IntegerLookup` is of dtype int64. Received: "
                f"vocabulary_dtype={self.vocabulary_dtype!r}"
            )
