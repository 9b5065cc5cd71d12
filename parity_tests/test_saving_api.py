"""Saving and loading as a user's script meets them: both engines give the same."""

import functools
import zipfile

import numpy as np
import pytest

import minikeras
from parity_tests.support import both

pytestmark = pytest.mark.parity

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


def small(engine, **layer_options):
    layers = [engine.layers.Dense(4, name="a"), engine.layers.Dense(2, **layer_options)]
    return engine.Sequential([engine.Input((3,)), *layers], name="net")


def trained(engine):
    model = small(engine, activation="tanh")
    model.compile("adam", "mse", run_eagerly=True)
    model.train_on_batch(X, X[:, :2])
    return model


def refuses(kind, function, *args, **kwargs):
    """Whether a call raises an error that `except kind` catches."""
    try:
        function(*args, **kwargs)
    except kind:
        return True
    return False


def tower(engine, with_config):
    """A class whose constructor makes the graph of the model."""

    class Tower(engine.Model):
        def __init__(self, units=2, **options):
            x = engine.Input((3,))
            super().__init__(x, engine.layers.Dense(units)(x), **options)
            self.units = units

        if with_config:

            def get_config(self):
                return {**super().get_config(), "units": self.units}

    return Tower


def through_a_file(engine, folder, model, **custom_objects):
    model.save(folder / "model.keras")
    loaded = engine.models.load_model(folder / "model.keras", custom_objects=custom_objects)
    return loaded, bool(np.allclose(model(X), loaded(X), rtol=1e-5))


def own_graph(engine, folder, with_config=True, units=5):
    """The class is made again for loading, as in another process, where it has no instance yet."""
    model = tower(engine, with_config)(units, name="t")
    loaded, same = through_a_file(engine, folder, model, Tower=tower(engine, with_config))
    return sorted({*model.get_config()} - {"units"}), loaded.name, loaded.units, same


def graph_of_a_subclass(engine, folder):
    def make():
        return type("Plain", (engine.Model,), {"seven": lambda self: 7})

    x = engine.Input((3,))
    model = make()(x, engine.layers.Dense(2)(x))
    loaded, same = through_a_file(engine, folder, model, Plain=make())
    return loaded.seven(), type(loaded).__name__, same


def own_layer_of_a_known_name(engine, folder):
    class Dense(engine.layers.Layer):
        def call(self, x):
            return 2 * x

    model = engine.Sequential([engine.Input((3,)), Dense(), engine.layers.Dense(2)])
    loaded, same = through_a_file(engine, folder, model, Dense=Dense)
    return [type(layer) is Dense for layer in loaded.layers], same


def paths_that_are_none(engine, folder):
    model = small(engine)
    calls = [model.save, model.save_weights]
    return [refuses(ValueError, call, path) for call in calls for path in (None, 3)]


def missing_files(engine, folder):
    load, weights = engine.models.load_model, small(engine).load_weights
    return [
        refuses(ValueError, load, folder / "no.keras"),
        refuses(FileNotFoundError, load, folder / "no.h5"),
        refuses(FileNotFoundError, weights, folder / "no.weights.h5"),
        refuses(FileNotFoundError, small(engine).save, folder / "no" / "model.keras"),
    ]


def folder_in_a_new_folder(engine, folder):
    small(engine).save(folder / "new" / "model", zipped=False)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def unknown_keywords(engine, folder):
    model, path = trained(engine), folder / "a.weights.h5"
    return [
        refuses(TypeError, engine.saving.save_weights, model, path, compressed=True),
        refuses(ValueError, model.load_weights, path, compressed=True),
        refuses(ValueError, model.save, folder / "a.keras", compressed=True),
    ]


def overwriting(engine, folder, monkeypatch):
    model, outcomes = small(engine), []
    for name, save in (("a.keras", model.save), ("a.weights.h5", model.save_weights)):
        for answers in (["n"], ["what", "N"], ["y"]):
            left = list(answers)
            (folder / name).write_text("old")
            monkeypatch.setattr("builtins.input", lambda *_, left=left: left.pop(0))
            save(folder / name, overwrite=False)
            outcomes.append((left, (folder / name).read_bytes() == b"old"))
    return outcomes


def weights_without_an_optimizer(engine, folder):
    small(engine).save_weights(folder / "a.weights.h5")
    model = trained(engine)
    with pytest.warns(UserWarning, match="optimizer"):
        model.load_weights(folder / "a.weights.h5")
    return int(model.optimizer.iterations)


def mismatches(engine, folder):
    small(engine).save_weights(folder / "a.weights.h5")
    other = engine.Sequential([engine.Input((3,)), engine.layers.Dense(4), engine.layers.Dense(3)])
    kept = other.layers[1].get_weights()[0]
    refused = refuses(ValueError, other.load_weights, folder / "a.weights.h5")
    with pytest.warns(UserWarning):
        other.load_weights(folder / "a.weights.h5", skip_mismatch=True)
    return refused, bool((other.layers[1].get_weights()[0] == kept).all())


def learning_rate_and_steps(engine, folder):
    model = trained(engine)
    model.optimizer.learning_rate = 0.125
    loaded, same = through_a_file(engine, folder, model)
    without = engine.models.load_model(folder / "model.keras", compile=False)
    optimizer = loaded.optimizer
    return float(optimizer.learning_rate), int(optimizer.iterations), same, without.compiled


def variables_and_functions(engine, folder):
    write, read = engine.saving.serialize_keras_object, engine.saving.deserialize_keras_object
    saved = write(engine.Variable([1.0, 2.0]))
    partial = functools.partial(np.add, 1)
    return saved, np.asarray(read(saved)), refuses((TypeError, ValueError), write, partial)


def names_of_arrays(engine, folder):
    import h5py

    trained(engine).save(folder / "model.keras")
    with zipfile.ZipFile(folder / "model.keras") as archive:
        archive.extract("model.weights.h5", folder)
    entries = []
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(lambda name, thing: entries.append((name, getattr(thing, "shape", None))))
    return [entry for entry in entries if not entry[0].startswith("minikeras_state")]


ROWS = [
    own_graph,
    functools.partial(own_graph, with_config=False, units=2),  # other numbers Keras loses
    graph_of_a_subclass,
    own_layer_of_a_known_name,
    paths_that_are_none,
    missing_files,
    folder_in_a_new_folder,
    unknown_keywords,
    overwriting,
    weights_without_an_optimizer,
    mismatches,
    learning_rate_and_steps,
    variables_and_functions,
    names_of_arrays,
]


def _name(row):
    return row.func.__name__ + "_default" if isinstance(row, functools.partial) else row.__name__


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_same_code_gives_the_same(row, tmp_path, monkeypatch):
    if row is overwriting:
        row = functools.partial(row, monkeypatch=monkeypatch)

    def run(engine):
        folder = tmp_path / engine.__name__
        folder.mkdir()
        return row(engine, folder)

    ours, theirs = both(run)
    np.testing.assert_equal(ours, theirs)


def test_arguments_of_a_class_with_its_own_graph_are_kept(tmp_path):
    _, _, units, same = own_graph(minikeras, tmp_path, with_config=False)
    assert (units, same) == (5, True)


def test_a_class_with_its_own_graph_in_the_older_format(tmp_path):
    model = tower(minikeras, with_config=True)(5)
    model.save(tmp_path / "model.h5")
    loaded = minikeras.models.load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_array_equal(loaded(X), model(X))
