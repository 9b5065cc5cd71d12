"""Convolutional LSTMs against Keras: what is returned, masks, states, dropout, wrappers, files."""

import json
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from parity_tests.support import both, normal, said, share_weights

pytestmark = pytest.mark.parity

SHAPES = {1: (3, 4, 5, 2), 2: (3, 4, 5, 4, 2), 3: (3, 3, 3, 4, 3, 2)}
MASK = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


def results(engine, tape_of, layer, x, **options):
    """Outputs in inference and twice in training, and the gradients of a sum of the last ones."""
    x = engine.ops.convert_to_tensor(x)
    leaves = [*engine.tree.flatten(layer(x, training=False, **options))]
    for _ in range(2):
        with tape_of() as tape:
            tape.watch(x)
            outputs = engine.tree.flatten(layer(x, training=True, **options))
            loss = sum(engine.ops.sum(engine.ops.square(y + 0.5)) for y in outputs)
        leaves += outputs
    weights = [getattr(w, "value", w) if engine is keras else w for w in layer.trainable_weights]
    return [np.asarray(y) for y in (*leaves, *tape.gradient(loss, [x, *weights]))]


def compare(make, rank=2, **options):
    """The two layers of `make`, compared on the same sequences with the same weights."""
    ours, theirs = both(make)
    for layer in (ours, theirs):
        layer.build(SHAPES[rank])
    share_weights(ours, theirs)
    x = normal(SHAPES[rank], seed=zlib.crc32(str(rank).encode()))
    mine = results(minikeras, minikeras.GradientTape, ours, x, **options)
    expected = results(keras, tf.GradientTape, theirs, x, **options)
    for a, b in zip(mine, expected, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    return ours, theirs


OPTIONS = [
    (1, {"return_sequences": True, "return_state": True, "padding": "same"}),
    (2, {"return_sequences": True, "go_backwards": True, "dropout": 0.3, "seed": 3}),
    (2, {"return_state": True, "recurrent_dropout": 0.4, "strides": 2, "seed": 3}),
    (2, {"dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3, "padding": "same"}),
    (2, {"stateful": True, "return_sequences": True, "dropout": 0.2, "seed": 3}),
    (2, {"zero_output_for_mask": True, "return_sequences": True, "dilation_rate": 2}),
    (2, {"unroll": True, "recurrent_activation": "hard_sigmoid", "activation": "relu"}),
    (2, {"dropout": 1.0, "recurrent_dropout": 2, "unit_forget_bias": False, "seed": 3}),
    (3, {"use_bias": False, "return_sequences": True}),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("rank", "options"), OPTIONS, ids=str)
def test_options(rank, options, masked):
    steps = SHAPES[rank][1]
    more = {"mask": MASK[:, :steps]} if masked else {}
    ours, theirs = compare(
        lambda engine: getattr(engine.layers, f"ConvLSTM{rank}D")(2, 2, dtype="float64", **options),
        rank,
        **more,
    )
    counters = [layer.cell.seed_generator.state.numpy() for layer in (ours, theirs)]
    assert "seed" not in options or counters[0].tolist() == counters[1].tolist()
    assert ours.get_config() == theirs.get_config()
    if ours.stateful:
        for a, b in zip(ours.states, theirs.states, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9)
        ours.reset_state()
        assert not any(state.numpy().any() for state in ours.states)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
def test_bidirectional(merge_mode):
    ours, theirs = compare(
        lambda engine: engine.layers.Bidirectional(
            engine.layers.ConvLSTM2D(2, 2, return_sequences=True, dtype="float64"),
            merge_mode=merge_mode,
            dtype="float64",
        ),
        mask=MASK,
    )
    as_file = [json.loads(json.dumps(layer.get_config())) for layer in (ours, theirs)]
    assert as_file[0] == as_file[1]


def test_time_distributed():
    compare(
        lambda engine: engine.layers.TimeDistributed(
            engine.layers.ConvLSTM1D(2, 2, dtype="float64"), dtype="float64"
        )
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_first(rank):
    """TensorFlow lacks such convolutions on a CPU: the layer with the channels last says it."""
    options = {"padding": "same", "dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3}
    name = f"ConvLSTM{rank}D"
    last = getattr(keras.layers, name)(2, 2, return_sequences=True, dtype="float64", **options)
    first = getattr(minikeras.layers, name)(
        2, 2, data_format="channels_first", return_sequences=True, dtype="float64", **options
    )
    x = normal(SHAPES[rank])
    turned = np.moveaxis(x, -1, 2)
    last(x), first(turned)
    share_weights(first, last)
    y = np.asarray(first(turned, training=False))
    np.testing.assert_allclose(np.moveaxis(y, 2, -1), last(x, training=False), rtol=1e-9)
    assert first.compute_output_shape(turned.shape) == y.shape


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_same_seed_same_start(dropout):
    """After `set_random_seed` weights and masks are those of Keras."""
    ours, theirs = both(
        lambda engine: engine.layers.ConvLSTM2D(2, 2, dropout=dropout, recurrent_dropout=dropout)
    )
    x = normal(SHAPES[2], "float32")
    y, z = ours(x, training=True), theirs(x, training=True)
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y, z, rtol=1e-4, atol=1e-5)


def model_of(engine):
    layers = engine.layers
    x = inputs = engine.Input((None, 5, 4, 2), batch_size=3)
    x = layers.Bidirectional(layers.ConvLSTM2D(2, 2, return_sequences=True, stateful=True))(x)
    x = layers.ConvLSTM2D(2, 2, dropout=0.5, recurrent_activation="relu")(x)
    return engine.Model(inputs, x)


@pytest.mark.filterwarnings("ignore:No training configuration")
@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_files_both_ways(ending, tmp_path):
    x = normal(SHAPES[2], "float32")
    ours, theirs = both(model_of)
    for model, reader in ((ours, keras), (theirs, minikeras)):
        path = tmp_path / f"{reader.__name__}{ending}"
        if ending == ".weights.h5":
            model.save_weights(path)
            read = model_of(reader)
            read.load_weights(path)
        else:
            model.save(path)
            read = reader.models.load_model(path)
        for layer in (*read.layers[1:2], *model.layers[1:2]):
            layer.reset_state()
        np.testing.assert_allclose(
            read.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda c: c(2, 2, strides=2, dilation_rate=2), "`strides` and `dilation_rate`"),
        (lambda c: c(2, (2, 2, 2)), "kernel_size"),
        (lambda c: c(2, 2, padding="causal"), "padding"),
        (lambda c: c(2, 2).build((None, 3, None, 4, 2)), "must be known"),
        (lambda c: c(2, 2).build((None, 3, 4, 4, None)), "channel"),
        (lambda c: c(2, 2, stateful=True).build((None, 3, 4, 4, 2)), "stateful"),
        (lambda c: c(2, 2)(np.ones((2, 3, 4, 2))), "ndim"),
        (lambda c: c(2, 2, unknown=1), "unknown"),
    ],
)
def test_errors(make, message):
    for engine in (keras, minikeras):
        with pytest.raises(ValueError, match=said(engine, message)):
            make(engine.layers.ConvLSTM2D)
