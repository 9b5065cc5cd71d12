"""What `minikeras check` makes of numbers, without running an engine."""

import ast
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras
from minikeras.tools.check import data
from minikeras.tools.check.items import Item, measured
from minikeras.tools.check.measure import distance, error, terms
from minikeras.tools.check.verdict import DEFINITION, ROUNDING, findings, rows
from minikeras.tools.worker import choosing, engines, models, phases, recording
from tests.tools import traced_models

WORKER = Path(engines.__file__).parent


@pytest.mark.parametrize("path", sorted(WORKER.glob("*.py")), ids=lambda path: path.name)
def test_the_worker_runs_on_old_pythons(path):
    """Its syntax is that of Python 3.7, and it imports nothing but NumPy and what comes with it."""
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert not [n for n in names if n.partition(".")[0] in ("minikeras", "keras", "h5py")]


def test_errors_are_in_units_of_the_largest_number():
    truth = np.array([[1.0, 4.0], [0.5, -2.0]])
    eps = float(np.finfo("float32").eps)
    result = error(truth + [[0, 0], [8 * eps, 0]], truth)
    assert result.index == (1, 0)
    assert result.largest == pytest.approx(2.0)
    assert result.rms == pytest.approx(1.0)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite(odd):
    truth = np.array([1.0, odd])
    assert error(np.array([1.0, odd]), truth).largest == 0
    assert error(np.array([1.0, 3.0]), truth).largest == np.inf
    assert error(np.array([odd, odd]), truth).largest == np.inf


def test_distance():
    assert distance(np.zeros(2), np.zeros(3)) == np.inf
    assert distance(np.arange(3), np.arange(3)) == 0
    assert distance(np.arange(3), np.arange(3) + 1) == np.inf
    assert distance(np.array([1.0]), np.array([1.0 + 1e-12])) == pytest.approx(1e-12, rel=1e-3)


@pytest.mark.parametrize(
    ("what", "inputs", "outputs", "weights", "expected"),
    [
        ("out0", [(4, 30)], [(4, 7)], [(30, 7), (7,)], 30),
        ("dweight0", [(4, 30)], [(4, 7)], [(30, 7), (7,)], 30),
        ("out0", [(4, 8, 8, 3)], [(4, 8, 8, 5)], [(3, 3, 3, 5)], 27),
        ("out0", [(4, 100)], [(4, 1)], [], 100),
        ("out0", [(4, 10)], [(4, 10)], [], 1),
    ],
)
def test_terms(what, inputs, outputs, weights, expected):
    assert terms(what, inputs, outputs, weights) == expected


def test_terms_of_steps_in_time():
    shapes = [(4, 8, 3)], [(4, 5)], [(3, 20), (5, 20), (20,)]
    assert terms("out0", *shapes, "LSTM") == 8 * terms("out0", *shapes)


def item(ours, theirs, apart=0.0, allowed=10.0):
    truth = np.ones(3)
    eps = float(np.finfo("float32").eps)
    result = Item("forward", "layer#0", "out0", "Dense", apart, allowed=allowed)
    return measured(result, truth, truth + ours * eps, truth + theirs * eps)


def test_verdicts():
    assert findings([item(3, -2)]) == []
    assert findings([item(3, -2, apart=1e-6)])[0].kind == DEFINITION
    assert findings([item(400, 2)])[0].kind == ROUNDING
    assert "the other 400" not in findings([item(400, 2)])[0].text
    assert findings([item(400, -200)]) == []  # hard to compute for both
    same = item(400, 400)  # both drew the same numbers, which float64 has not
    assert same.ours is None


def test_who_is_nearer():
    items = [item(1, 3), item(1, 1), item(3, 1), item(3, 1)]
    (row,) = rows(items)
    assert row.nearer == (1, 1, 2) and row.count == row.within == 4


def test_looking_changes_nothing():
    """Outputs with the layers watched have the bits of those without; the model stays as it was."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    engine = choosing.engine_of("minikeras")
    runner = phases.Phases(engine, model)
    before = [w.tobytes() for w in model.get_weights()]
    plain = model.predict(x, verbose=0)
    seen = []
    (watched,) = runner.forward([x], False, lambda call, arrays: seen.append(call.path))
    runner.backward([x], [np.zeros((4, 2), "float32")], None, lambda call, arrays: None)
    runner.steps([([x], [np.zeros((4, 2), "float32")])] * 2, lambda *state: None)
    assert seen == [layer.name for layer in layers]
    assert watched.tobytes() == plain.tobytes()
    assert [w.tobytes() for w in model.get_weights()] == before
    assert model.predict(x, verbose=0).tobytes() == plain.tobytes()
    assert "__call__" not in vars(keras.layers.Dense)


@pytest.mark.parametrize("kind", traced_models.KINDS)
def test_models_of_every_kind_run_untouched(kind):
    plain, watched = traced_models.looked_at(choosing.engine_of("minikeras"), phases.Phases, kind)
    assert [y.tobytes() for y in plain] == [y.tobytes() for y in watched]


class Block(keras.layers.Layer):
    """A layer of a user's own, made of others; one of them is called twice."""

    def __init__(self):
        super().__init__(name="block")
        self.inner = keras.layers.Dense(3, name="inner")

    def call(self, x):
        return self.inner(self.inner(x))


def test_keys_of_calls():
    nested = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="in")], name="nested")
    x = keras.Input((3,))
    model = keras.Model(x, nested(Block()(nested(x))))
    keys = []

    def around(call, run):
        keys.append(call.key)
        return run(call.arguments)

    engine = choosing.engine_of("minikeras")
    with recording.watched(engine, model, around):
        model(np.ones((2, 3), "float32"))
    assert keys == ["nested/in#0", "block/inner#0", "block/inner#1", "nested/in#1"]


@pytest.mark.parametrize("policy", [None, "float32"])  # that a program has set
def test_a_twin_in_float64(policy):
    if policy is not None:
        keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Rescaling(2)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    engine = choosing.engine_of("minikeras")
    models.build(engine, model, [np.ones((1, 3), "float32")])
    with engine.floats("float64"):
        twin = models.twin(engine, model, {"path": ""}, "float64", [np.ones((1, 3))])
    assert {w.dtype for w in twin.weights} == {twin.compute_dtype} == {"float64"}
    assert twin(np.ones((1, 3))).dtype == "float64"
    np.testing.assert_array_equal(twin.get_weights()[0], model.get_weights()[0])
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.ones(3)}, "should hold `x`, the inputs. It holds: .'y'."),
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, "expected arrays of as many samples each"),
        ({"x": np.ones((0, 2))}, "expected arrays of as many samples each"),
    ],
)
def test_data_that_are_none(arrays, message, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(data.DataError, match=message):
        data.from_file(tmp_path / "d.npz", 4, 8)


def test_drawn_data():
    (x,) = data.drawn([((None, 8, 8, 1), "float32")], None, 4, 1, 8, 0)[0]
    assert x.shape == (4, 8, 8, 1) and x.max() <= 1
    (words,) = data.drawn([((None, None), "float32")], 7, 4, 1, 12, 0)[0]
    assert words.shape == (4, 12) and words.max() < 7 and (words == words.round()).all()
    targets = data.targets_for("categorical_crossentropy", [(4, 3)], 0)[0]
    np.testing.assert_array_equal(targets.sum(-1), np.ones(4))
