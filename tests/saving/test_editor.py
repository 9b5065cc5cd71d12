"""The file editor: what it shows, compares, changes and writes."""

import re
import zipfile

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.saving import KerasFileEditor


class Nested(keras.Model):
    """Weights of its own, a layer with a cell, and a layer named as another's cell."""

    def __init__(self):
        super().__init__()
        self.bottom = keras.layers.LSTM(3)
        self.dense = keras.layers.Dense(2)
        self.offset = self.add_weight(shape=(2,))

    def call(self, x):
        return self.dense(self.bottom(x)) + self.offset


@pytest.fixture
def nested():
    model = Nested()
    model(np.ones((2, 3, 4), "float32"))
    return model


@pytest.fixture
def dense(tmp_path):
    """A model, its file, and an editor of it."""
    layers = [keras.Input((3,)), keras.layers.Dense(2, name="first"), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.save_weights(tmp_path / "dense.weights.h5")
    return model, KerasFileEditor(tmp_path / "dense.weights.h5")


def names(tree):
    return {k: names(v) if isinstance(v, dict) else v.shape for k, v in tree.items()}


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_unchanged_files_give_the_same_weights(nested, tmp_path, ending):
    if ending == ".keras":
        with keras.saving.custom_object_scope({"Nested": Nested}):
            nested.save(tmp_path / "model.keras")
    else:
        nested.save_weights(tmp_path / "model.weights.h5")
    editor = KerasFileEditor(str(tmp_path / f"model{ending}"))
    weights = {k: v for k, v in editor.weights_dict.items() if k != "minikeras_state"}
    assert names(weights) == {
        "dense": {"0": (3, 2), "1": (2,)},
        "bottom": {"cell": {"0": (4, 12), "1": (3, 12), "2": (12,)}},
        "0": (2,),
    }
    assert editor.compare(nested) == {"status": "success", "error_count": 0, "match_count": 6}
    editor.save(tmp_path / "again.weights.h5")
    before = [np.array(w) for w in nested.weights]
    nested.set_weights([w * 0 for w in before])
    nested.load_weights(tmp_path / "again.weights.h5")
    for now, then in zip(nested.weights, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_archives_have_their_config_and_metadata(dense, tmp_path, capsys):
    dense[0].save(tmp_path / "model.keras")
    editor = KerasFileEditor(tmp_path / "model.keras")
    assert editor.config["class_name"] == "Sequential"
    assert (
        f"Saved with Keras {editor.metadata['keras_version']} - date: " in capsys.readouterr().out
    )
    assert dense[1].config is None and dense[1].metadata is None


def test_changes(dense, tmp_path):
    model, editor = dense
    editor.rename_object("layers/dense_1", "moved")
    editor.delete_weight("moved", "1")
    editor.add_weights("moved", {"1": np.full(2, 7, "float32")})
    editor.add_object("layers/new", {"0": np.ones(3), "inner": {"0": np.float32(1)}})
    editor.delete_object("dense")
    assert names(editor.weights_dict) == {
        "layers": {"moved": {"0": (2, 2), "1": (2,)}, "new": {"0": (3,), "inner": {"0": ()}}}
    }
    editor.resave_weights(tmp_path / "edited.weights.h5")
    with h5py.File(tmp_path / "edited.weights.h5") as file:
        assert file["layers/new/vars/0"].shape == (3,)
        assert file["layers/new/inner/vars/0"][()] == 1
        np.testing.assert_array_equal(file["layers/moved/vars/0"], model.layers[1].kernel)
    assert "dense" in names(KerasFileEditor(tmp_path / "dense.weights.h5").weights_dict["layers"])


def test_differences_from_a_model(dense, capsys):
    _, editor = dense
    other = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(5), keras.layers.BatchNormalization()]
    )
    result = editor.compare(other)
    assert result == {"status": "error", "error_count": 4, "match_count": 0}
    text = " ".join(capsys.readouterr().out.split())
    assert "/layers/dense/0 differs: in the file a weight, shape=(3, 2)" in text
    assert "/layers/dense_1 is not in the model: in the file an object with [0, 1]" in text
    assert "/layers/batch_normalization is not in the file" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.delete_object("0"), "2 objects named '0'"),
        (lambda e: e.delete_object("nothing"), "no objects named 'nothing'"),
        (lambda e: e.delete_object("layers/nothing"), "no 'layers/nothing'"),
        (lambda e: e.delete_object("layers/dense/0/more"), "no 'layers/dense/0/more'"),
        (lambda e: e.rename_object("dense", "a/b"), "no '/'"),
        (lambda e: e.rename_object("dense", ".."), "Received: new_name='..'"),
        (lambda e: e.delete_weight("dense", "7"), r"no weight '7'. It has \['0', '1'\]"),
        (lambda e: e.delete_weight("layers/dense/0", "0"), "is a weight"),
        (lambda e: e.add_weights("dense", [1]), "should be a dict"),
        (lambda e: e.add_weights("dense", {"a/b": 1.0}), "no '/'"),
        (lambda e: e.add_weights("dense", {"2": "words"}), "an array of numbers"),
        (lambda e: e.add_object("no/where", {"0": 1.0}), "no object at 'no'"),
        (lambda e: e.add_object("layers/dense/0/x", {"0": 1.0}), "no object at 'layers/dense/0'"),
        (lambda e: e.save("edited.h5"), r"must end in `\.weights\.h5`"),
    ],
)
def test_what_is_refused_changes_nothing(dense, change, message):
    _, editor = dense
    before = names(editor.weights_dict)
    with pytest.raises(ValueError, match=message):
        change(editor)
    assert names(editor.weights_dict) == before


def test_other_endings_are_refused():
    with pytest.raises(ValueError, match=r"filepath=model\.h5"):
        KerasFileEditor("model.h5")


def test_names_of_a_file_are_no_markup_and_no_commands(tmp_path, capsys):
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file["layers/[red]x\x1b[2J/vars/0"] = np.ones(2)
        file["layers/[red]x\x1b[2J/vars"].attrs["name"] = "\x1b]0;title\x07[bold]"
    KerasFileEditor(tmp_path / "a.weights.h5").summary()
    text = capsys.readouterr().out
    assert r"[red]x\x1b[2J (" in text and r"\x1b]0;title\x07[bold]" in text
    assert not re.search("[\x1b\x07]", text)


def test_an_archive_that_does_not_say_its_version(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "m", zipped=False)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        for name in ("config.json", "model.weights.h5"):
            file.write(tmp_path / "m" / name, name)
    keras.saving.load_model(tmp_path / "m.keras")
    assert keras.saving.KerasFileEditor(tmp_path / "m.keras").metadata is None
