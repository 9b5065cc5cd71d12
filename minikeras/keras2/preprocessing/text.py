"""Text as numbers, as Keras 2 prepares it."""

from minikeras.keras2.spelling import spelled, spelled_class
from minikeras.preprocessing import text as engine

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence"]

maketrans = str.maketrans

_SPLIT = "filters='!\"#$%&()*+,-./:;<=>?@[\\\\]^_`{|}~\\t\\n', lower=True, split=' '"
_OF_TEXT = {"text": "input_text"}


Tokenizer = spelled_class(
    engine.Tokenizer,
    f"num_words=None, {_SPLIT}, char_level=False, oov_token=None, document_count=0, **kwargs",
    keras1={"nb_words": "num_words"},
)
text_to_word_sequence = spelled(engine.text_to_word_sequence, f"text, {_SPLIT}", renamed=_OF_TEXT)
one_hot = spelled(engine.one_hot, f"text, n, {_SPLIT}", renamed=_OF_TEXT)
hashing_trick = spelled(engine.hashing_trick, f"text, n, hash_function=None, {_SPLIT}")
