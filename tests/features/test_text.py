"""TextVectorization: from texts to tokens, and from tokens to numbers."""

import numpy as np
import pytest

import minikeras as keras
from minikeras.layers import TextVectorization

DOCUMENTS = ["The cat sat.", "A DOG, a cat!", ""]


def test_a_text_is_lowered_stripped_and_split_at_whitespace_of_ascii():
    layer = TextVectorization()
    layer.adapt(["Ünïcode ÀÉ\tit's\x0bso  SO\u00a0so\n"])
    assert set(layer.get_vocabulary()) == {"", "[UNK]", "Ünïcode", "ÀÉ", "its", "so", "so\u00a0so"}


STANDARD = {"lower": "a, b!", "strip_punctuation": "A B", None: "A, B!"}


@pytest.mark.parametrize("how", STANDARD)
def test_standards(how):
    layer = TextVectorization(standardize=how, split=None)
    layer.adapt(["A, B!"])
    assert layer.get_vocabulary()[2:] == [STANDARD[how]]


@pytest.mark.parametrize(
    ("ngrams", "expected"),
    [(2, ["x", "y", "z", "x y", "y z"]), ((3, 1), ["x y z", "x", "y", "z"]), ((4,), [])],
)
def test_ngrams_come_width_by_width(ngrams, expected):
    layer = TextVectorization(vocabulary=expected or ["-"], ngrams=ngrams)
    assert layer(["x y z"]).tolist() == [[*range(2, 2 + len(expected))]]


def test_functions_of_a_user_take_arrays_of_text():
    layer = TextVectorization(
        vocabulary=["A", "B"],
        standardize=np.char.upper,
        split=lambda texts: [text.split(",") for text in texts],
    )
    assert layer(["a,b", "b"]).tolist() == [[2, 3], [3, 0]]


LENGTHS = {None: [[2, 3, 1], [4, 0, 0]], 2: [[2, 3], [4, 0]], 4: [[2, 3, 1, 0], [4, 0, 0, 0]]}


@pytest.mark.parametrize("length", LENGTHS)
def test_texts_are_cut_or_filled_up(length):
    layer = TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=length)
    assert layer(["a b z", "c"]).tolist() == LENGTHS[length]
    assert layer(np.array([["a b z"], ["c"]])).tolist() == LENGTHS[length]
    assert layer("a b z").tolist() == LENGTHS[length][0]


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf", "one_hot"])
def test_padding_counts_nowhere(mode):
    layer = TextVectorization(output_mode=mode)
    layer.adapt(DOCUMENTS)
    assert not layer(DOCUMENTS)[2].numpy().any()
    assert layer.compute_output_shape((3,))[-1] == layer.vocabulary_size()


def test_texts_are_counted_one_a_row():
    with pytest.raises(ValueError, match="one text for each sample"):
        TextVectorization(vocabulary=["a"])([["a", "b"]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"standardize": "upper"}, "standardize"),
        ({"split": "word"}, "split"),
        ({"ngrams": "2"}, "ngrams"),
        ({"ragged": True}, "dense tensors"),
        ({"sparse": True}, "dense tensors"),
        ({"output_mode": "count", "output_sequence_length": 3}, "belongs to `output_mode='int'`"),
        ({"output_sequence_length": "3"}, "an int, 0 or greater, or None"),
        ({"vocabulary": ["a", "a"]}, "stands in it once"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        TextVectorization(**options)


def test_nothing_to_adapt_to():
    with pytest.raises(ValueError, match="received no data"):
        TextVectorization().adapt([])
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        TextVectorization()(["a"])


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_files(mode, tmp_path):
    layer = TextVectorization(output_mode=mode, ngrams=(1, 2))
    layer.adapt(DOCUMENTS)
    model = keras.Sequential([keras.Input((), dtype="string"), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(np.array(DOCUMENTS), verbose=0), layer(DOCUMENTS).numpy()
    )
    layer.adapt(DOCUMENTS)
    loaded.layers[-1].adapt(DOCUMENTS)
    assert loaded.layers[-1].get_vocabulary() == layer.get_vocabulary()


def test_a_step_with_texts_of_any_length_is_not_recorded():
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            TextVectorization(vocabulary=["a", "b"]),
            keras.layers.Embedding(4, 2),
            keras.layers.GlobalAveragePooling1D(),
        ]
    )
    model.compile("sgd", "mse")
    for texts in (["a", "b"], ["a b a", "b"], ["b", "a"]):
        x = np.array(texts)
        np.testing.assert_array_equal(model.predict(x, verbose=0), model(x).numpy())
    assert "TextVectorization" in model._steps.refusals("predict_step")[0]
