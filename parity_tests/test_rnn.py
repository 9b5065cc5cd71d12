"""Recurrent layers against Keras: outputs, states, gradients, masks, dropout, configs, shapes."""

import inspect
import itertools
import json
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.core import trees
from minikeras.layers import rnn
from parity_tests.support import said

pytestmark = pytest.mark.parity

BATCH, STEPS, FEATURES, UNITS = 3, 4, 5, 2
FLAGS = ("return_sequences", "return_state", "go_backwards", "mask", "initial_state")
LAYERS = ("SimpleRNN", "GRU", "LSTM")
STATES = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}


def generator(text):
    """Random numbers that depend on the row alone."""
    return np.random.default_rng(zlib.crc32(text.encode()))


def pair(name, *args, **kwargs):
    """The layer of Keras and ours, made of the same arguments."""
    return getattr(keras.layers, name)(*args, **kwargs), getattr(rnn, name)(*args, **kwargs)


def copy_weights(theirs, ours):
    values = [generator(w.path).normal(size=w.shape) * 0.5 for w in theirs.weights]
    theirs.set_weights(values)
    ours.set_weights(values)


def weighted(leaves, total, multiply):
    weights = [generator(str(i)).normal(size=leaf.shape) for i, leaf in enumerate(leaves)]
    return total([multiply(leaf, w) for leaf, w in zip(leaves, weights, strict=True)])


def keras_run(layer, x, states, **options):
    """Output leaves, and gradients w.r.t. the input, the states and all weights."""
    x = tf.constant(x)
    states = [tf.constant(s) for s in states]
    state_options = {"initial_state": states} if states else {}
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        leaves = keras.tree.flatten(layer(x, **state_options, **options))
        loss = weighted(leaves, tf.add_n, lambda y, w: tf.reduce_sum(y * tf.cast(w, y.dtype)))
    sources = [x, *states, *[w.value for w in layer.trainable_weights]]
    return [y.numpy() for y in leaves], tape.gradient(loss, sources)


def our_run(layer, x, states, **options):
    """The same for our layer."""
    x = minikeras.ops.convert_to_tensor(x)
    states = [minikeras.ops.convert_to_tensor(s) for s in states]
    state_options = {"initial_state": states} if states else {}
    with minikeras.GradientTape() as tape:
        tape.watch([x, *states])
        leaves = trees.flatten(layer(x, **state_options, **options))
        loss = weighted(leaves, sum, lambda y, w: minikeras.ops.sum(y * w.astype(y.dtype)))
    sources = [x, *states, *layer.trainable_weights]
    return [y.numpy() for y in leaves], tape.gradient(loss, sources)


def assert_equal(theirs, ours, dtype):
    rtol, atol = (1e-10, 1e-12) if dtype == "float64" else (2e-5, 2e-6)
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        if a is None or b is None:
            assert a is None and (b is None or not np.any(b.numpy()))
            continue
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=rtol, atol=atol * max(1, np.abs(a).max(initial=0)))


def check(theirs, ours, dtype, states=0, mask=False, shape=(BATCH, STEPS, FEATURES)):
    """Compare two layers in inference and training."""
    theirs.build(shape)
    ours.build(shape)
    copy_weights(theirs, ours)
    rng = generator(str(shape))
    x = rng.normal(size=shape).astype(dtype)
    first = [rng.normal(size=(shape[0], UNITS)).astype(dtype) for _ in range(states)]
    options = {}
    if mask:
        options["mask"] = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    for training in (False, True, True):
        a, a_gradients = keras_run(theirs, x, first, training=training, **options)
        b, b_gradients = our_run(ours, x, first, training=training, **options)
        assert_equal(a, b, dtype)
        assert_equal(a_gradients, b_gradients, dtype)


ROWS = [
    (name, dict(zip(FLAGS, values, strict=True)))
    for name in LAYERS
    for values in itertools.product((False, True), repeat=len(FLAGS))
]


@pytest.mark.sampled(rows=6, by=lambda row: row["name"])
@pytest.mark.parametrize(("name", "flags"), ROWS, ids=str)
def test_flags(name, flags):
    """Every combination of what is returned, direction, mask and first state, in float64."""
    flags = dict(flags)
    mask, has_state = flags.pop("mask"), flags.pop("initial_state")
    theirs, ours = pair(name, UNITS, dtype="float64", **flags)
    check(theirs, ours, "float64", STATES[name] if has_state else 0, mask)


OPTIONS = [
    {"use_bias": False},
    {"unroll": True, "return_sequences": True},
    {"activation": "relu"},
    {"activation": "linear"},
    {"zero_output_for_mask": True, "return_sequences": True},
    {"zero_output_for_mask": True},
    {"zero_output_for_mask": True, "activation": "relu", "return_sequences": True},
    {"dropout": 0.5, "seed": 3},
    {"dropout": 1.0, "seed": 3},
    {"dropout": 2, "seed": 3},
    {"recurrent_dropout": 0.5, "seed": 3, "return_sequences": True},
    {"recurrent_dropout": 1.0, "seed": 3},
    {"dropout": 0.25, "recurrent_dropout": 0.5, "seed": 3, "return_sequences": True},
    {"stateful": True, "return_sequences": True},
    {"stateful": True, "dropout": 0.5, "seed": 3},
]
GATED = [
    {"recurrent_activation": "hard_sigmoid"},
    {"recurrent_activation": "relu", "activation": "selu"},
    {"implementation": 1},
    {"use_cudnn": False},
]
RESET_BEFORE = [
    {"reset_after": False},
    {"reset_after": False, "use_bias": False, "return_sequences": True},
    {"reset_after": False, "dropout": 0.25, "recurrent_dropout": 0.5, "seed": 3},
    {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
]
OPTION_ROWS = [
    *((name, options) for name in LAYERS for options in OPTIONS),
    *((name, options) for name in ("GRU", "LSTM") for options in GATED),
    *(("GRU", options) for options in RESET_BEFORE),
    ("LSTM", {"unit_forget_bias": False}),
]


@pytest.mark.sampled(rows=20, by=lambda row: str(row["options"]))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(("name", "options"), OPTION_ROWS, ids=str)
def test_options(name, options, mask, dtype):
    """Every option, with a mask and without, masks of dropout included."""
    theirs, ours = pair(name, UNITS, dtype=dtype, **options)
    check(theirs, ours, dtype, mask=mask)
    counters = theirs.cell.seed_generator.state.numpy(), ours.cell.seed_generator.state.numpy()
    assert "seed" not in options or counters[0].tolist() == counters[1].tolist()


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("flags", [{}, {"return_sequences": True, "return_state": True}], ids=str)
@pytest.mark.parametrize("cells", [("LSTMCell",), ("LSTMCell", "GRUCell", "SimpleRNNCell")])
def test_generic(cells, flags, mask):
    """RNN around one cell and around a stack, with dropout."""
    options = {"dropout": 0.5, "recurrent_dropout": 0.25, "seed": 3, "dtype": "float64"}
    layers = []
    for module, outer in ((keras.layers, keras.layers.RNN), (rnn, rnn.RNN)):
        parts = [getattr(module, cell)(UNITS + i, **options) for i, cell in enumerate(cells)]
        cell = parts[0] if len(parts) == 1 else module.StackedRNNCells(parts, dtype="float64")
        layers.append(outer(cell, dtype="float64", **flags))
    check(*layers, "float64", mask=mask)
    assert [w.path for w in layers[0].weights] == [w.path for w in layers[1].weights]


@pytest.mark.sampled(by=lambda row: (row["name"], row["merge_mode"]))
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("merge_mode", ["sum", "mul", "ave", "concat", None])
@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_bidirectional(name, merge_mode, state, sequences, mask):
    """All merge modes and everything returned, from given states."""
    options = {"return_state": state, "return_sequences": sequences, "dtype": "float64"}
    theirs, ours = (
        wrap(inner(UNITS, **options), merge_mode=merge_mode, dtype="float64")
        for wrap, inner in (
            (keras.layers.Bidirectional, getattr(keras.layers, name)),
            (rnn.Bidirectional, getattr(rnn, name)),
        )
    )
    check(theirs, ours, "float64", 2 * STATES[name], mask)


def test_bidirectional_of_two_kinds():
    """A backward layer of another kind is used as it is."""
    theirs, ours = (
        layers.Bidirectional(
            layers.LSTM(2, dtype="float64"),
            backward_layer=layers.GRU(2, go_backwards=True, dtype="float64", name="back"),
            dtype="float64",
        )
        for layers in (keras.layers, rnn)
    )
    check(theirs, ours, "float64")
    assert ours.backward_layer.name == "back"


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("Dense", (3,), (BATCH, STEPS, FEATURES)),
        ("Dense", (3,), (BATCH, STEPS, 2, FEATURES)),
        ("Dropout", (0.5, None, 3), (BATCH, STEPS, FEATURES)),
        ("Conv2D", (3, 2), (2, 3, 4, 4, 2)),
        ("LSTM", (3,), (2, 3, 4, 5)),
        ("BatchNormalization", (), (BATCH, STEPS, FEATURES)),
    ],
    ids=str,
)
def test_time_distributed(name, args, shape):
    """One layer at every step, drawing and counting as if called step by step."""
    if not hasattr(minikeras.layers, name) and not hasattr(rnn, name):
        pytest.skip(f"{name} is not there yet")
    package = rnn if hasattr(rnn, name) else minikeras.layers
    theirs = keras.layers.TimeDistributed(
        getattr(keras.layers, name)(*args, dtype="float64"), dtype="float64"
    )
    ours = rnn.TimeDistributed(getattr(package, name)(*args, dtype="float64"), dtype="float64")
    check(theirs, ours, "float64", shape=shape)
    if name != "LSTM":
        for a, b in zip(theirs.variables, ours.variables, strict=True):
            np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-10)


def test_stateful():
    """States go from batch to batch until they are reset."""
    theirs, ours = pair("LSTM", UNITS, stateful=True, dtype="float64")
    check(theirs, ours, "float64")
    for a, b in zip(theirs.states, ours.states, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-10)
    ours.reset_state()
    assert not np.any(ours.states[0].numpy())
    assert [w.path for w in ours.variables[:3]] == [w.path for w in ours.weights]
    with pytest.raises(ValueError, match="all batches must have its size"):
        ours(np.ones((BATCH + 1, STEPS, FEATURES)))
    with pytest.raises(ValueError, match="must be known: give"):
        rnn.LSTM(2, stateful=True).build((None, 4, 5))


class Cells:
    """A user's cell, once for each engine."""

    @staticmethod
    def of(layers, multiply, tanh):
        class Minimal(layers.Layer):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)
                self.state_size = units

            def build(self, input_shape):
                self.kernel = self.add_weight(shape=(input_shape[-1], self.state_size), name="k")
                self.again = self.add_weight(shape=(self.state_size, self.state_size), name="r")

            def call(self, inputs, states):
                h = tanh(multiply(inputs, self.kernel) + multiply(states[0], self.again))
                return h * 2, [h]

        return Minimal


@pytest.mark.parametrize("mask", [False, True])
def test_user_cell(mask):
    """A cell of the user's, without get_initial_state and output_size."""
    theirs = Cells.of(keras.layers, keras.ops.matmul, keras.ops.tanh)
    ours = Cells.of(minikeras.layers, minikeras.ops.matmul, minikeras.ops.tanh)
    check(
        keras.layers.RNN(theirs(2, dtype="float64"), return_state=True, dtype="float64"),
        rnn.RNN(ours(2, dtype="float64"), return_state=True, dtype="float64"),
        "float64",
        mask=mask,
    )


def same_weights(theirs, ours, shape=(None, 4, 5)):
    theirs.build(shape)
    ours.build(shape)
    for a, b in zip(theirs.variables, ours.variables, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_same_seed_same_start(name):
    """After `set_random_seed` weights and mask seeds are those of Keras."""
    for wrap in (lambda layers, layer: layer, lambda layers, layer: layers.Bidirectional(layer)):
        keras.utils.set_random_seed(7)
        theirs = wrap(keras.layers, getattr(keras.layers, name)(UNITS))
        theirs.build((None, 4, 5))
        minikeras.utils.set_random_seed(7)
        same_weights(theirs, wrap(rnn, getattr(rnn, name)(UNITS)))


def test_bias_of_the_forget_gate():
    """`unit_forget_bias` asks the bias initializer twice."""
    theirs = keras.layers.LSTM(3, bias_initializer=keras.initializers.RandomNormal(seed=3))
    ours = rnn.LSTM(3, bias_initializer=minikeras.initializers.RandomNormal(seed=3))
    theirs.build((None, 4, 5))
    ours.build((None, 4, 5))
    np.testing.assert_allclose(ours.cell.bias.numpy(), theirs.cell.bias.numpy(), atol=1e-7)


CLASSES = [
    *LAYERS,
    *(name + "Cell" for name in LAYERS),
    *("RNN", "StackedRNNCells", "Bidirectional", "TimeDistributed"),
]


@pytest.mark.parametrize("name", CLASSES)
def test_signature(name):
    """Same arguments, same order, same defaults."""
    theirs = inspect.signature(getattr(keras.layers, name).__init__).parameters
    ours = inspect.signature(getattr(rnn, name).__init__).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


def examples(layers):
    """A layer of every class, for its config."""
    return {
        "SimpleRNN": layers.SimpleRNN(3, seed=4, name="a", zero_output_for_mask=True),
        "GRU": layers.GRU(3, reset_after=False, kernel_regularizer="l2", dropout=0.5, name="a"),
        "LSTM": layers.LSTM(3, "relu", stateful=True, bias_constraint="max_norm", seed=1, name="a"),
        "SimpleRNNCell": layers.SimpleRNNCell(3, seed=4, name="a"),
        "GRUCell": layers.GRUCell(3, use_bias=False, name="a"),
        "LSTMCell": layers.LSTMCell(3, recurrent_activation="hard_sigmoid", name="a"),
        "RNN": layers.RNN(layers.LSTMCell(3, name="c"), go_backwards=True, name="a"),
        "StackedRNNCells": layers.StackedRNNCells(
            [layers.LSTMCell(3, name="c"), layers.GRUCell(2, name="d")], name="a"
        ),
        "Bidirectional": layers.Bidirectional(layers.LSTM(3, name="c"), merge_mode="sum", name="a"),
        "TimeDistributed": layers.TimeDistributed(layers.GRU(3, name="c"), name="a"),
    }


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("built", [False, True])
def test_config(name, built):
    """The saved form is Keras's, and makes the same layer again."""
    theirs, ours = examples(keras.layers)[name], examples(rnn)[name]
    if built:
        shape = (2, 5) if "Cell" in name else (2, 4, 5)
        shape = (2, 3, 4, 5) if name == "TimeDistributed" else shape
        theirs.build(shape)
        ours.build(shape)
    saved = json.dumps(minikeras.layers.serialize(ours), sort_keys=True)
    assert saved == json.dumps(keras.saving.serialize_keras_object(theirs), sort_keys=True)
    again = minikeras.layers.deserialize(json.loads(saved))
    assert json.dumps(minikeras.layers.serialize(again), sort_keys=True) == saved
    theirs = keras.saving.deserialize_keras_object(json.loads(saved))
    assert [w.path for w in again.weights] == [w.path for w in theirs.weights]


@pytest.mark.parametrize("name", [*LAYERS, "stack", "Bidirectional"])
@pytest.mark.parametrize("shape", [(2, 4, 5), (None, 4, 5), (None, None, 5)])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_shapes(name, shape, state, sequences):
    """Shapes told, and shapes of symbolic outputs, with unknown sizes."""
    shapes = []
    for package, layers in ((keras, keras.layers), (minikeras, rnn)):
        flags = {"return_state": state, "return_sequences": sequences}
        if name == "stack":
            layer = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **flags)
        elif name == "Bidirectional":
            layer = layers.Bidirectional(layers.LSTM(3, **flags))
        else:
            layer = getattr(layers, name)(3, **flags)
        symbolic = layer(package.Input(batch_shape=shape))
        leaves = trees.flatten(symbolic)
        shapes.append((layer.compute_output_shape(shape), [leaf.shape for leaf in leaves]))
    assert shapes[0] == shapes[1]


MASK_ROWS = [
    *((name, s, r, None) for name in LAYERS for s in (False, True) for r in (False, True)),
    *(("LSTM", s, r, m) for s in (False, True) for r in (False, True) for m in ("sum", "none")),
]


@pytest.mark.sampled(rows=6, by=lambda row: row["name"])
@pytest.mark.parametrize(("name", "sequences", "state", "merge"), MASK_ROWS)
def test_masks_pass(name, sequences, state, merge):
    """Which outputs carry the mask of the input."""
    masks = []
    for package, layers in ((keras, keras.layers), (minikeras, rnn)):
        layer = getattr(layers, name)(3, return_state=state, return_sequences=sequences)
        if merge is not None:
            layer = layers.Bidirectional(layer, merge_mode=None if merge == "none" else merge)
        x = package.ops.ones((2, 4, 5))
        embedded = package.layers.Masking()(x)
        leaves = [leaf for inputs in ((x,), (embedded,)) for leaf in trees.flatten(layer(*inputs))]
        leaves += trees.flatten(layer(x, mask=package.ops.ones((2, 4), "bool")))
        masks.append([getattr(leaf, "_keras_mask", None) is not None for leaf in leaves])
    assert masks[0] == masks[1]


def test_symbolic_states_train():
    """An encoder that hands its states to a decoder, trained for three steps."""
    losses = []
    for package, layers in ((keras, keras.layers), (minikeras, rnn)):
        package.utils.set_random_seed(5)
        source, target = package.Input((None, 3)), package.Input((None, 2))
        _, *states = layers.LSTM(4, return_state=True)(source)
        y = layers.LSTM(4, return_sequences=True)(target, initial_state=states)
        y = layers.TimeDistributed(package.layers.Dense(2))(layers.GRU(3, return_sequences=True)(y))
        model = package.Model([source, target], y)
        model.compile(optimizer="adam", loss="mse")
        rng = np.random.default_rng(0)
        x = [rng.normal(size=(8, t, f)).astype("float32") for t, f in ((5, 3), (4, 2))]
        steps = [model.train_on_batch(x, x[1] * 0.5) for _ in range(3)]
        losses.append([float(np.ravel(loss)[0]) for loss in steps])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda r: r.LSTM(0), "`units`, expected a positive integer, got 0"),
        (lambda r: r.GRU(-1), "`units`, expected a positive integer, got -1"),
        (lambda r: r.RNN(3), "must have a method `call.* Received: cell=3"),
        (lambda r: r.RNN(type("Cell", (), {"call": 1})()), "must have a `state_size`"),
        (lambda r: r.StackedRNNCells([3]), "must have a method `call.* Received: cell=3"),
        (lambda r: r.Bidirectional(3), "`layer` must be a layer, .* Received: layer=3"),
        (
            lambda r: r.Bidirectional(r.LSTM(2), merge_mode="max"),
            "`merge_mode` must be one of .* merge_mode='max'",
        ),
        (
            lambda r: r.Bidirectional(r.LSTM(2), backward_layer=r.LSTM(2)),
            "Received: go_backwards=False in both",
        ),
        (
            lambda r: r.Bidirectional(
                r.LSTM(2), backward_layer=r.LSTM(2, go_backwards=True, return_state=True)
            ),
            r"equal in `return_state`. Received: False \(forward\) and True",
        ),
        (lambda r: r.TimeDistributed(3), "`layer` must be a layer, .* Received: layer=3"),
        (
            lambda r: r.TimeDistributed(r.LSTM(2)).build((2, 3)),
            r"at least three axes. Received: input_shape=\(2, 3\)",
        ),
        (lambda r: r.LSTM(2, unknown=1), r"LSTM has no arguments of these names: \{'unknown': 1\}"),
        (lambda r: r.LSTM(2)(np.ones((2, 3))), "expected ndim=3, found ndim=2"),
        (
            lambda r: r.LSTM(2, stateful=True).build((None, 3, 4)),
            "the batch size must be known",
        ),
    ],
)
def test_errors(make, words):
    """Both raise ValueError, ours with these words."""
    for layers in (keras.layers, rnn):
        with pytest.raises(ValueError, match=said(layers, words)):
            make(layers)
