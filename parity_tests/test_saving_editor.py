"""The file editor against Keras's: the same trees, and files that each reads of the other."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import pytest

import minikeras

pytestmark = pytest.mark.parity


def model_of(library, seed=0):
    layers = library.layers
    model = library.Sequential(
        [
            library.Input((3,)),
            layers.Dense(4, name="first"),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    rng = np.random.default_rng(seed)
    model.fit(rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), verbose=0)
    return model


def edit(editor, path):
    editor.rename_object("layers/dense", "dense_2")
    editor.delete_object("layers/batch_normalization")
    editor.add_object("layers/new", {"0": np.arange(6.0).reshape(2, 3)})
    editor.delete_weight("layers/new", "0")
    editor.add_weights("layers/new", {"0": np.ones((2, 2), "float32"), "1": np.zeros(2, "float32")})
    editor.delete_object("optimizer")
    editor.save(path)


def assert_same_tree(ours, theirs):
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        if isinstance(value, dict):
            assert_same_tree(value, theirs[name])
        else:
            assert type(value) is type(theirs[name]) and value.dtype == theirs[name].dtype
            np.testing.assert_array_equal(value, theirs[name])


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("writer", [minikeras, keras], ids=lambda library: library.__name__)
def test_the_same_edits_give_the_same_tree(writer, ending, tmp_path):
    model = model_of(writer)
    path = str(tmp_path / f"model{ending}")
    (model.save if ending == ".keras" else model.save_weights)(path)
    editors = [library.saving.KerasFileEditor(path) for library in (minikeras, keras)]
    assert_same_tree(*(editor.weights_dict for editor in editors))
    assert editors[0].object_metadata.items() >= editors[1].object_metadata.items()
    assert editors[0].metadata == editors[1].metadata and editors[0].config == editors[1].config
    status = [
        e.compare(r)["status"] for e, r in zip(editors, map(model_of, LIBRARIES), strict=True)
    ]
    assert status == ["success", "success"]
    files = [str(tmp_path / f"edited_{library.__name__}.weights.h5") for library in LIBRARIES]
    for editor, file in zip(editors, files, strict=True):
        edit(editor, file)
    assert_same_tree(*(editor.weights_dict for editor in editors))
    for library in LIBRARIES:
        read = [library.saving.KerasFileEditor(file).weights_dict for file in files]
        assert_same_tree(*read)
        assert_same_tree(read[0], editors[0].weights_dict)


LIBRARIES = (minikeras, keras)


def test_models_read_what_the_other_editor_wrote(tmp_path):
    models = {library: model_of(library, seed) for seed, library in enumerate(LIBRARIES)}
    for writer, reader in (LIBRARIES, LIBRARIES[::-1]):
        path = str(tmp_path / f"{writer.__name__}.weights.h5")
        models[writer].save_weights(path)
        editor = writer.saving.KerasFileEditor(path)
        editor.delete_weight("layers/dense", "1")
        editor.add_weights("layers/dense", {"1": np.full(4, 2.0, "float32")})
        editor.save(path)
        models[reader].load_weights(path)
        bias, kernel = models[reader].layers[0].bias, models[reader].layers[-1].kernel
        np.testing.assert_array_equal(bias.numpy(), np.full(4, 2.0))
        np.testing.assert_array_equal(kernel.numpy(), models[writer].layers[-1].kernel.numpy())
