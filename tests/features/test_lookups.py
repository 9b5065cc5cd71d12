"""StringLookup and IntegerLookup: what they learn, refuse and write down."""

import zipfile

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers

STRINGS = ["a", "b", "c"]
MADE = {"StringLookup": STRINGS, "IntegerLookup": [12, 36, 1138]}
SPECIAL = {"StringLookup": ["", "[UNK]"], "IntegerLookup": [0, -1]}
each_kind = pytest.mark.parametrize("kind", MADE)


def make(kind, **options):
    return getattr(layers, kind)(**options)


@each_kind
@pytest.mark.parametrize("form", [list, tuple, np.array, keras.ops.convert_to_tensor])
def test_a_vocabulary_may_be_a_list_or_an_array(kind, form):
    layer = make(kind, vocabulary=form(MADE[kind]))
    assert layer.get_vocabulary(include_special_tokens=False) == MADE[kind]
    assert layer(np.array(MADE[kind])).tolist() == [1, 2, 3]
    again = type(layer).from_config(layer.get_config())
    assert again.get_vocabulary() == layer.get_vocabulary()


@each_kind
def test_a_vocabulary_may_be_a_file(kind, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(map(str, MADE[kind])) + "\n")
    for form in (path, str(path)):
        layer = make(kind, vocabulary=form)
        assert layer.get_vocabulary()[1:] == MADE[kind]
        assert layer.get_config()["vocabulary"] is None  # it goes into the assets
    with pytest.raises(ValueError, match="no file of a vocabulary"):
        make(kind, vocabulary=str(tmp_path / "other"))
    path.write_text("1\n\n2\n")
    with pytest.raises(ValueError, match="line 2 is empty"):
        make(kind, vocabulary=path)


@each_kind
def test_configs_of_others_read_no_files(kind, tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("1\n2")
    config = {**make(kind).get_config(), "vocabulary": str(path)}
    with pytest.raises(ValueError, match="outside of the model archive"):
        type(make(kind)).from_config(config)
    saved = {"module": "keras.layers", "class_name": kind, "config": config}
    with pytest.raises(ValueError, match="outside of the model archive"):
        keras.saving.deserialize_keras_object({**saved, "registered_name": None})
    trusted = keras.saving.deserialize_keras_object(
        {**saved, "registered_name": None}, safe_mode=False
    )
    assert trusted.vocabulary_size() == 3


def test_text_of_others_reads_no_files(tmp_path):
    config = {**layers.TextVectorization().get_config(), "vocabulary": str(tmp_path / "x")}
    with pytest.raises(ValueError, match="outside of the model archive"):
        layers.TextVectorization.from_config(config)


WRONG = {
    "repeated": ({"vocabulary": ["a", "b", "a"]}, r"stands in it once. Repeated: \['a'\]"),
    "mask": ({"vocabulary": ["a", "", "b"], "mask_token": ""}, "mask token .* is reserved"),
    "oov": ({"vocabulary": ["a", "[UNK]"], "invert": True}, "OOV token .* is reserved"),
    "empty": ({"vocabulary": []}, "an empty vocabulary"),
    "nested": ({"vocabulary": [["a"]]}, "a nested vocabulary"),
    "large": ({"vocabulary": STRINGS, "max_tokens": 3}, "more than `max_tokens="),
    "no idf": ({"vocabulary": STRINGS, "output_mode": "tf_idf"}, "must be set"),
    "idf": ({"vocabulary": STRINGS, "idf_weights": [1.0]}, "should only be set"),
    "few idf": (
        {"vocabulary": STRINGS, "idf_weights": [1.0], "output_mode": "tf_idf"},
        "a number for each of the",
    ),
    "sparse": ({"sparse": True}, "dense tensors"),
    "mode": ({"output_mode": "ints"}, "Unknown value for `output_mode`"),
    "tokens": ({"max_tokens": 1}, "2 or greater"),
    "pad": ({"pad_to_max_tokens": True}, "needs `max_tokens`"),
    "negative": ({"num_oov_indices": -1}, "0 or greater"),
    "invert": ({"invert": True, "output_mode": "count"}, "`output_mode='int'` alone"),
    "salt": ({"salt": "a"}, "tuple of size 2"),
    "method": ({"oov_method": "md5"}, "oov_method"),
    "other": ({"vocabluary": STRINGS}, "no arguments of these names"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    options, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        layers.StringLookup(**options)


@each_kind
def test_special_tokens_may_stand_in_front(kind):
    vocabulary = [*SPECIAL[kind], *MADE[kind]]
    layer = make(kind, vocabulary=vocabulary, mask_token=SPECIAL[kind][0])
    assert layer.get_vocabulary() == vocabulary
    assert layer(np.array(vocabulary)).tolist() == [0, 1, 2, 3, 4]


@each_kind
@pytest.mark.parametrize("data", [[], (), iter([])], ids=["list", "tuple", "iterator"])
def test_nothing_to_adapt_to(kind, data):
    layer = make(kind)
    with pytest.raises(ValueError, match="received no data"):
        layer.adapt(data)
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        layer(MADE[kind])


def test_integers_are_no_strings():
    with pytest.raises(TypeError, match="Expected strings"):
        layers.StringLookup().adapt([1, 2])
    with pytest.raises(TypeError, match="Expected integers"):
        layers.IntegerLookup().adapt([1.5, 2.0])
    with pytest.raises(TypeError, match="Expected strings"):
        layers.StringLookup(vocabulary=STRINGS)(np.array([1]))


def test_unknown_tokens_where_none_are_allowed():
    with pytest.raises(ValueError, match=r"`num_oov_indices=0` has no index for them: \['z'\]"):
        layers.StringLookup(vocabulary=STRINGS, num_oov_indices=0)(["a", "z"])
    assert layers.StringLookup(vocabulary=STRINGS, num_oov_indices=0)(["b"]).tolist() == [1]


@each_kind
def test_a_given_vocabulary_is_not_learned_again(kind):
    with pytest.raises(ValueError, match="`adapt` may not replace it"):
        make(kind, vocabulary=MADE[kind]).adapt(MADE[kind])


def test_vectors_keep_their_length():
    layer = layers.StringLookup(output_mode="count")
    layer.adapt(["a"])
    with pytest.raises(RuntimeError, match="another size needs a new layer"):
        layer.adapt(["b", "c"])
    assert layer.get_vocabulary() == ["[UNK]", "a"]
    with pytest.raises(RuntimeError, match="is the size of the vocabulary"):
        layers.StringLookup(output_mode="count")(keras.Input((1,), dtype="string"))


class Words(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, i):
        return np.array([["b", "a"], ["b", "c"]][i]), np.zeros(2)


SOURCES = {
    "list": lambda: ["b", "a", "b", "c"],
    "rows": lambda: np.array([["b", "a"], ["b", "c"]]),
    "generator": lambda: iter([["b", "a"], [["b", "c"]]]),
    "PyDataset": Words,
}


@pytest.mark.parametrize("source", SOURCES)
def test_frequent_tokens_come_first_and_then_the_larger(source):
    layer = layers.StringLookup()
    layer.adapt(SOURCES[source]())
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a"]
    layer.adapt(SOURCES[source](), steps=1)
    assert layer.get_vocabulary()[1] == "b"


def test_steps_of_a_stream_without_end():
    layer = layers.IntegerLookup()
    layer.adapt(([i] for i in iter(int, 1)), steps=3)
    assert layer.get_vocabulary() == [-1, 0]


def test_states_are_counted_together():
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.update_state(["a", "b", "b"])  # one document
    layer.update_state([["a"], ["c"]])
    layer.finalize_state()
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "c"]
    idf = np.log(1 + 3 / (1 + np.array([1, 2, 1])))
    expected = [[idf.mean(), 2 * idf[0], 0, 0]]
    np.testing.assert_allclose(layer([["b", "z", "b"]]).numpy(), expected, rtol=1e-6)


@each_kind
@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
@pytest.mark.parametrize("is_padded", [False, True])
def test_files(kind, mode, is_padded, tmp_path):
    size = {"max_tokens": 9, "pad_to_max_tokens": True} if is_padded and mode != "int" else {}
    layer = make(kind, output_mode=mode, mask_token=SPECIAL[kind][0], **size)
    tokens = np.array([*MADE[kind], MADE[kind][1]])
    layer.adapt(tokens)
    inputs = keras.Input((None,), dtype=layer.vocabulary_dtype)
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = tokens[None, :3]
    np.testing.assert_array_equal(loaded(x).numpy(), model(x).numpy())
    assert loaded.layers[-1].get_vocabulary() == layer.get_vocabulary()


def test_tokens_with_line_breaks_are_not_lost_in_a_file(tmp_path):
    layer = layers.TextVectorization(split="character")
    layer.adapt(["a\nb"])
    model = keras.Sequential([keras.Input((), dtype="string"), layer])
    with pytest.raises(ValueError, match="has a line break in it"):
        model.save(tmp_path / "model.keras")
    kept = layers.TextVectorization(split="character", vocabulary=layer.get_vocabulary())
    model = keras.Sequential([keras.Input((), dtype="string"), kept])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_vocabulary() == layer.get_vocabulary()


def test_a_model_uses_what_its_layer_learns_later():
    layer = layers.StringLookup()
    layer.adapt(["a", "b"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
    x = np.array([["a"]])
    assert [model.predict(x, verbose=0).tolist() for _ in range(2)] == [[[2]], [[2]]]
    layer.adapt(["a", "a", "b"])
    assert model.predict(x, verbose=0).tolist() == [[1]]


def archive_with(path, model, change):
    """A model's archive, in which a function changes the files, a dict of names to contents."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


ASSET = "assets/layers/string_lookup/vocabulary.txt"
DAMAGED = {
    "missing": lambda files: files.update({"assets/other": files.pop(ASSET)}),
    "repeated": lambda files: files.update({ASSET: b"[UNK]\na\na"}),
    "longer": lambda files: files.update({ASSET: files[ASSET] + b"\nz"}),
    "no text": lambda files: files.update({ASSET: b"[UNK]\n\xff\xfe"}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_vocabularies_are_refused(name, tmp_path):
    layer = layers.StringLookup(output_mode="count")
    layer.adapt(STRINGS)
    inputs = keras.Input((2,), dtype="string")
    archive_with(tmp_path / "model.keras", keras.Model(inputs, layer(inputs)), DAMAGED[name])
    with pytest.raises(ValueError, match="string_lookup|decode"):
        keras.models.load_model(tmp_path / "model.keras")
