"""Files of tf-keras give the same numbers here, layer by layer, and train on as they would there.

`tf_keras` writes them: whole models in HDF5 and in archives, and weights in both layouts.
"""

import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from tests.cases import layers_features, layers_image
from tests.cases.layers import FIRST

k = pytest.importorskip("tf_keras")

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # tf-keras calls HDF5 old

# Layers of the table that tf-keras has not, or makes with other arguments.
ABSENT = {
    *(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
    *("GroupQueryAttention", "RMSNormalization"),
}
OTHER_ARGUMENTS = {"SpatialDropout1D"}
CODE = {"Lambda"}  # tf-keras saves functions as the bytecode of a wrapper of its own
# Layers for raw data, of which tf-keras has some: their older files are not compared.
RAW = {case.name for case in [*layers_features.LAYERS, *layers_image.LAYERS]}
LEFT_OUT = ABSENT | OTHER_ARGUMENTS | CODE | RAW
ROWS = {name: case for name, case in FIRST.items() if name not in LEFT_OUT}
DAILY = ("BatchNormalization", "Bidirectional", "Concatenate", "Embedding", "MultiHeadAttention")


def model_of(engine, case):
    inputs = [engine.Input(shape[1:], dtype=case.dtype) for shape in case.shapes]
    outputs = case.call(case.make(engine), case.nest(inputs))
    return engine.Model(case.nest(inputs), outputs)


def drawn_weights(model):
    """Other weights than the initial ones, which are often 0; variances are above 0."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()])


def all_close(ours, theirs, length):
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        assert_close(a, b, length=length)


def flat(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def test_what_tf_keras_lacks_is_still_lacking():
    assert {name for name in FIRST if not hasattr(k.layers, name)} - RAW == ABSENT
    for name in OTHER_ARGUMENTS:
        with pytest.raises(TypeError, match="positional arguments"):
            FIRST[name].make(k)


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if n in DAILY else pytest.mark.slow) for n, c in ROWS.items()],
    ids=list(ROWS),
)
def test_layers(tmp_path, case):
    theirs, x = model_of(k, case), case.data()
    drawn_weights(theirs)
    expected = theirs.predict(x, verbose=0)
    for name in ("m.h5", "m.keras"):
        theirs.save(tmp_path / name)
        ours = minikeras.models.load_model(tmp_path / name, compile=False)
        all_close(ours.predict(x, verbose=0), expected, case.length)
    again = minikeras.models.model_from_json(theirs.to_json())
    for name in ("w.h5", "m.weights.h5", "m.h5", "m.keras"):
        if not name.startswith("m.") or "weights" in name:
            theirs.save_weights(tmp_path / name)
        ours = minikeras.models.clone_model(again)
        ours.load_weights(tmp_path / name)
        all_close(ours.predict(x, verbose=0), expected, case.length)


# Training

RNG = np.random.default_rng(0)
ROWS_IN, ROWS_OUT = RNG.uniform(-1, 1, (8, 4)), RNG.uniform(0, 1, (8, 2))


def scheduled(optimizers):
    schedule = k.optimizers.schedules.ExponentialDecay(0.05, 3, 0.75)
    return optimizers.Adam(schedule)


OPTIMIZERS = {
    "adadelta": lambda o: o.Adadelta(1.0),
    "adagrad": lambda o: o.Adagrad(0.1),
    "adam": lambda o: o.Adam(0.01),
    "adamax": lambda o: o.Adamax(0.01),
    "adamw": lambda o: o.AdamW(0.01, weight_decay=0.1),
    "amsgrad": lambda o: o.Adam(0.01, amsgrad=True),
    "clipped": lambda o: o.Adam(0.01, clipnorm=0.1),
    "ftrl": lambda o: o.Ftrl(0.1),
    "lion": lambda o: o.Lion(0.01),
    "momentum": lambda o: o.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda o: o.RMSprop(0.01),
    "centered": lambda o: o.RMSprop(0.01, momentum=0.5, centered=True),
    "scheduled": scheduled,
    "sgd": lambda o: o.SGD(0.1),
}
# tf-keras's Nadam multiplies its product once for each weight, not once a step, in a traced step.

# The former optimizers of TensorFlow. Their Adagrad and RMSprop have other formulas.
FORMER = [name for name in OPTIMIZERS if name not in ("adagrad", "adamw", "lion", "rmsprop")]


@pytest.fixture
def float64():
    minikeras.config.set_floatx("float64")
    minikeras.config.set_dtype_policy("float64")
    before = k.backend.floatx()
    k.backend.set_floatx("float64")
    yield
    k.backend.set_floatx(before)


def trained(optimizer):
    dense = k.layers.Dense
    norm = k.layers.BatchNormalization()
    model = k.Sequential([k.Input((4,)), dense(3, "tanh"), norm, dense(2)])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.run_eagerly = True  # tracing takes seconds
    for _ in range(2):
        model.train_on_batch(ROWS_IN, ROWS_OUT)
    return model


def trains_on(ours, theirs):
    for _ in range(3):
        ours.train_on_batch(ROWS_IN, ROWS_OUT)
        theirs.train_on_batch(ROWS_IN, ROWS_OUT)
    for a, b in zip(ours.trainable_weights, theirs.trainable_weights, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=1e-12)


TRAINED = [
    *(("m.h5", name, False) for name in OPTIMIZERS),
    *(("m.h5", name, True) for name in FORMER),
    *(("m.keras", name, False) for name in OPTIMIZERS),
]


@pytest.mark.sampled(rows=12)
@pytest.mark.parametrize(("file", "name", "former"), TRAINED)
def test_training_goes_on(tmp_path, float64, file, name, former):
    optimizers = k.optimizers.legacy if former else k.optimizers
    theirs = trained(OPTIMIZERS[name](optimizers))
    theirs.save(tmp_path / file)
    ours = minikeras.models.load_model(tmp_path / file)
    before = ours.evaluate(ROWS_IN, ROWS_OUT, verbose=0)
    np.testing.assert_allclose(before, theirs.evaluate(ROWS_IN, ROWS_OUT, verbose=0), rtol=1e-6)
    trains_on(ours, theirs)


# Graphs


def shared_and_nested(k):
    """Two inputs, two outputs, a model inside that is called twice, and a layer that is shared."""
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    inside = k.Input((4,))
    model = k.Model(inside, layers.Dense(4)(layers.Dense(3, "relu")(inside)), name="inside")
    dense = layers.Dense(4, "tanh")
    x = layers.Concatenate()([model(dense(a)), model(dense(b))])
    return k.Model([a, b], [layers.Dense(2)(x), layers.Subtract()([model(a), b])])


def ends_inside(k):
    """A graph whose output is that of a model inside."""
    x = k.Input((4,))
    inside = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
    y = k.Input((4,))
    graph = k.Model(y, k.layers.Dense(4)(y))
    return k.Model(x, [graph(graph(x)), inside(x)])


def with_functions(k):
    """Functions of TensorFlow, and operators."""
    import tensorflow as tf

    x = k.Input((4,))
    y = tf.nn.relu(2.0 * x + 1.0)[:, :3]
    y = tf.concat([y, tf.expand_dims(x[:, 0], -1)], axis=1)
    y = tf.reduce_mean(tf.stack([y, x], axis=1), axis=1) / (tf.abs(x) + 1.0)
    return k.Model(x, k.layers.Dense(2)(y))


@pytest.mark.parametrize("file", ["m.h5", "m.keras"])
@pytest.mark.parametrize("make", [shared_and_nested, ends_inside, with_functions])
def test_graphs(tmp_path, make, file):
    theirs = make(k)
    theirs.save(tmp_path / file)
    ours = minikeras.models.load_model(tmp_path / file, compile=False)
    x = [RNG.uniform(-1, 1, (5, 4)).astype("float32") for _ in theirs.inputs]
    x = x if len(x) > 1 else x[0]
    all_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 8)
