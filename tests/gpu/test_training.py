"""Whole training runs on the strict stand-in for CuPy: the numbers of the CPU, and no more traffic.

Every kind of layer, loss, metric and optimizer is run on both devices from the same seed.
"""

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers

SAMPLES, BATCH, CLASSES = 12, 6, 3


def images():
    rng = np.random.default_rng(0)
    return rng.random((SAMPLES, 6, 6, 2), "float32"), rng.integers(0, CLASSES, SAMPLES)


def words():
    rng = np.random.default_rng(0)
    return rng.integers(0, 9, (SAMPLES, 5)), rng.integers(0, CLASSES, SAMPLES)


def conv_net():
    return [
        layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Dropout(0.3),
        layers.Flatten(),
        layers.Dense(CLASSES, activation="softmax"),
    ]


def depthwise_net():
    return [
        layers.SeparableConv2D(4, 3, padding="same"),
        layers.LayerNormalization(),
        layers.DepthwiseConv2D(3, strides=2, activation="gelu"),
        layers.AveragePooling2D(2, strides=1, padding="same"),
        layers.Conv2DTranspose(2, 2, strides=2),
        layers.GlobalMaxPooling2D(),
        layers.Dense(CLASSES, activation="softmax"),
    ]


def recurrent_net():
    return [
        layers.Embedding(9, 4, mask_zero=True),
        layers.LSTM(3, return_sequences=True),
        layers.GRU(3, return_sequences=True),
        layers.SimpleRNN(3),
        layers.Dense(CLASSES, activation="softmax"),
    ]


def bidirectional_net():
    return [
        layers.Embedding(9, 4),
        layers.Bidirectional(layers.LSTM(3)),
        layers.GaussianNoise(0.1),
        layers.Dense(CLASSES, activation="softmax"),
    ]


NETS = {
    "conv": (conv_net, images),
    "depthwise": (depthwise_net, images),
    "recurrent": (recurrent_net, words),
    "bidirectional": (bidirectional_net, words),
}
OPTIMIZERS = [
    "sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "ftrl", "lion",
]  # fmt: skip


def run(make, data, optimizer="adam", **options):
    """Train from one seed; return the history, the predictions and the weights."""
    keras.utils.set_random_seed(1)
    x, y = data()
    model = keras.Sequential(make())
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    history = model.fit(x, y, batch_size=BATCH, epochs=2, validation_data=(x, y), verbose=0)
    return history.history, model.predict(x, verbose=0), model.get_weights(), model


def assert_same_run(actual, expected):
    assert type(actual[1]) is np.ndarray
    for name, values in expected[0].items():
        np.testing.assert_allclose(actual[0][name], values, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-4, atol=1e-6)
    for a, b in zip(actual[2], expected[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert all(v.device == "gpu:0" for v in actual[3].trainable_variables)


@pytest.mark.parametrize("name", NETS)
def test_training_is_that_of_the_cpu(name, request):
    expected = run(*NETS[name])
    request.getfixturevalue("gpu")
    assert_same_run(run(*NETS[name]), expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_step_as_on_the_cpu(optimizer, request):
    expected = run(conv_net, images, optimizer)
    request.getfixturevalue("gpu")
    assert_same_run(run(conv_net, images, optimizer), expected)


VARIANTS = {
    "clipnorm": {"clipnorm": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.01},
    "weight_decay": {"weight_decay": 0.1},
    "use_ema": {"use_ema": True, "ema_overwrite_frequency": 2},
    "loss_scale_factor": {"loss_scale_factor": 8.0},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 2},
    "amsgrad": {"amsgrad": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_options_of_optimizers(name, request):
    def make():
        return keras.optimizers.Adam(0.01, **VARIANTS[name])

    expected = run(recurrent_net, words, make())
    request.getfixturevalue("gpu")
    assert_same_run(run(recurrent_net, words, make()), expected)


def test_schedules_and_loss_scaling(request):
    def make():
        decay = keras.optimizers.schedules.CosineDecay(0.01, 10, warmup_target=0.02, warmup_steps=2)
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(decay, momentum=0.9))

    expected = run(conv_net, images, make())
    request.getfixturevalue("gpu")
    assert_same_run(run(conv_net, images, make()), expected)


def test_a_step_moves_the_batch_in_and_nothing_out(gpu):
    keras.utils.set_random_seed(1)
    x, y = images()
    model = keras.Sequential(conv_net())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    # Long enough that the step has been recorded, and compared with itself as written.
    model.fit(x, y, batch_size=BATCH, epochs=3, verbose=0)
    gpu.transfers.reset()
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    batches = SAMPLES // BATCH
    both = [(BATCH,), (BATCH, *x.shape[1:])]
    assert sorted(gpu.transfers.to_device) == sorted(both * batches)
    # The loss and the accuracy, when the epoch is over; once for the logs, once for the history.
    assert set(gpu.transfers.to_host) == {()}
    assert len(gpu.transfers.to_host) <= 4


LOSSES = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Dice", "Hinge",
    "Huber", "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "SquaredHinge", "Tversky",
]  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, request):
    rng = np.random.default_rng(0)
    target = np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, SAMPLES)]
    prediction = rng.dirichlet(np.ones(CLASSES), SAMPLES).astype("float32")
    weights = rng.random(SAMPLES, "float32")
    loss = getattr(keras.losses, name)()
    expected = loss(target, prediction, weights).numpy()
    gpu = request.getfixturevalue("gpu")
    arguments = [keras.ops.convert_to_tensor(x) for x in (target, prediction, weights)]
    gpu.transfers.reset()
    actual = loss(*arguments)
    assert not gpu.transfers.to_host and not gpu.transfers.to_device
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6)


METRICS = {
    "Accuracy": "classes", "AUC": "binary", "BinaryAccuracy": "binary",
    "BinaryCrossentropy": "rows", "BinaryIoU": "binary", "CategoricalAccuracy": "rows",
    "CategoricalCrossentropy": "rows", "CategoricalHinge": "rows", "CosineSimilarity": "rows",
    "F1Score": "rows", "FalseNegatives": "binary", "FalsePositives": "binary", "Hinge": "rows",
    "KLDivergence": "rows", "LogCoshError": "rows", "MeanAbsoluteError": "rows",
    "MeanSquaredError": "rows", "Poisson": "rows", "Precision": "binary", "R2Score": "rows",
    "Recall": "binary", "RootMeanSquaredError": "rows", "SparseCategoricalAccuracy": "sparse",
    "SparseCategoricalCrossentropy": "sparse", "SparseTopKCategoricalAccuracy": "sparse",
    "TopKCategoricalAccuracy": "rows", "TrueNegatives": "binary", "TruePositives": "binary",
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, request):
    rng = np.random.default_rng(0)
    classes = rng.integers(0, CLASSES, SAMPLES)
    rows = rng.dirichlet(np.ones(CLASSES), SAMPLES).astype("float32")
    target, prediction = {
        "classes": (classes, rng.integers(0, CLASSES, SAMPLES)),
        "binary": (classes % 2, rows[:, 0]),
        "rows": (np.eye(CLASSES, dtype="float32")[classes], rows),
        "sparse": (classes, rows),
    }[METRICS[name]]
    weights = rng.random(SAMPLES, "float32")

    def result(*arguments):
        options = {"BinaryIoU": {"dtype": "float32"}}.get(name, {})
        metric = getattr(keras.metrics, name)(**options)
        metric.update_state(*arguments)
        metric.update_state(*arguments)
        return metric.result()

    expected = result(target, prediction, weights)
    request.getfixturevalue("gpu")
    actual = result(*[keras.ops.convert_to_tensor(x) for x in (target, prediction, weights)])
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-6)


def test_random_numbers_are_those_of_the_cpu(request):
    def draw():
        random = keras.random
        return [
            random.uniform((5, 3), seed=1),
            random.normal((5, 3), seed=1),
            random.truncated_normal((5, 3), seed=1),
            random.randint((7,), 0, 9, seed=1),
            random.shuffle(keras.ops.arange(9), seed=1),
            random.categorical(keras.ops.zeros((2, 3)), 4, seed=1),
            random.gamma((6,), 0.5, seed=1),
            random.beta((6,), 2.0, 3.0, seed=1),
            random.binomial((6,), 10.0, 0.5, seed=1),
        ]

    expected = draw()
    request.getfixturevalue("gpu")
    for a, b in zip(draw(), expected, strict=True):
        assert a.device == "gpu:0"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


def test_draws_of_every_step_need_no_transfer(gpu):
    keras.random.uniform((3,), seed=1)
    keras.random.normal((3,), seed=1)
    keras.random.truncated_normal((3,), seed=1)
    keras.random.dropout(keras.ops.ones((4,)), 0.5, seed=keras.random.SeedGenerator(1))
    assert not gpu.transfers.to_device
