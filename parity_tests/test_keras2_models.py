"""Models of keras2 against tf-keras, where that still computes as Keras 2 did.

The same script makes both models, the weights are copied by place: predictions, losses with
weights and masks, and some steps of training must agree.
"""

import numpy as np
import pytest

import minikeras.keras2 as keras2
from minikeras.tools.tolerances import assert_close

tf_keras = pytest.importorskip("tf_keras")

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # tf-keras calls HDF5 old

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randn(6, 8, 8, 3).astype("float32")
SEQUENCES = RANDOM.randn(6, 5, 4).astype("float32")
WORDS = RANDOM.randint(0, 7, (6, 5))
VECTORS = RANDOM.randn(6, 4).astype("float32")

HARD = {"recurrent_activation": "hard_sigmoid"}

# The layers of a stack as functions of the module of layers, with the defaults of Keras 2 written
# out where tf-keras has others; and the inputs.
STACKS = {
    "dense": (VECTORS, lambda L, hard: [L.Dense(3, activation="relu"), L.Dense(2)]),
    "conv": (
        IMAGES,
        lambda L, hard: [
            L.Conv2D(4, (3, 3), padding="same", activation="elu"),
            L.MaxPooling2D(),
            L.DepthwiseConv2D(2),
            L.SeparableConv2D(3, 2),
            L.GlobalAveragePooling2D(),
            L.LeakyReLU(0.2),
        ],
    ),
    "lstm": (SEQUENCES, lambda L, hard: [L.LSTM(3, return_sequences=True, **hard), L.Flatten()]),
    "gru": (
        SEQUENCES,
        lambda L, hard: [
            L.Bidirectional(L.GRU(3, **hard, **({"reset_after": False} if hard else {})))
        ],
    ),
    "masked": (
        WORDS,
        lambda L, hard: [
            L.Embedding(7, 4, mask_zero=True),
            L.SimpleRNN(3, return_sequences=True),
            L.TimeDistributed(L.Dense(2)),
            L.LSTM(2, **hard),
        ],
    ),
}


def _models(name):
    x, stack = STACKS[name]
    theirs = tf_keras.Sequential(
        [tf_keras.layers.Input(x.shape[1:]), *stack(tf_keras.layers, HARD)]
    )
    place = keras2.layers.InputLayer(batch_input_shape=(None, *x.shape[1:]))
    ours = keras2.models.Sequential([place, *stack(keras2.layers, {})])
    ours.set_weights(theirs.get_weights())
    return x, ours, theirs


@pytest.mark.parametrize("name", STACKS)
def test_predictions_and_training(name):
    x, ours, theirs = _models(name)
    expected = theirs.predict(x, verbose=0)
    assert_close(ours.predict(x), expected, length=200, what="predictions")
    y = RANDOM.randn(*expected.shape).astype("float32")
    weights = RANDOM.rand(len(x)).astype("float32")
    theirs.compile(tf_keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    ours.compile(keras2.optimizers.SGD(0.1, momentum=0.9), "mse")
    for _ in range(3):
        ours.train_on_batch(x, y, sample_weight=weights)
        theirs.train_on_batch(x, y, sample_weight=weights)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, length=2000, what="weights", scale=1.0)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Adamax"])
def test_optimizers(name):
    _, ours, theirs = _models("dense")
    y = RANDOM.randn(6, 2).astype("float32")
    theirs.compile(getattr(tf_keras.optimizers.legacy, name)(0.01), "mse")
    ours.compile(getattr(keras2.optimizers, name)(0.01), "mse")
    for _ in range(4):
        ours.train_on_batch(VECTORS, y)
        theirs.train_on_batch(VECTORS, y)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, length=2000, what="weights", scale=1.0)


def test_the_file_of_a_model_is_read_by_tf_keras(tmp_path):
    x, ours, theirs = _models("conv")
    path = str(tmp_path / "model.h5")
    ours.save(path)
    again = tf_keras.models.load_model(path, compile=False)
    assert_close(again.predict(x, verbose=0), theirs.predict(x, verbose=0), length=200)
