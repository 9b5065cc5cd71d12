"""Recorded steps: bit for bit what the steps compute as written, or given up."""

import gc
import re
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers
from minikeras.training import steps
from tests.cases.layers import first_of_each

BATCH, BATCHES, CLASSES = 6, 5, 3
_rng = np.random.default_rng(0)
X = _rng.normal(size=(BATCH * BATCHES + 2, 8)).astype("float32")
Y = _rng.integers(0, CLASSES, len(X))
WORDS = _rng.integers(0, 9, (BATCH * BATCHES, 5))


def refusals(model):
    """Why steps of a model are not recorded."""
    names = "train_step", "test_step", "predict_step"
    return [reason for name in names for reason in model._steps.refusals(name)]


def classifier(*inner, optimizer="adam", words=False, **options):
    shape, dtype = ((5,), "int32") if words else ((8,), "float32")
    model = keras.Sequential([keras.Input(shape, dtype=dtype), *inner, layers.Dense(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **{"metrics": ["accuracy"], **options})
    return model


def run(make, x=X, y=None, **options):
    """Train, evaluate and predict; return all numbers, and the model."""
    keras.utils.set_random_seed(1)
    model = make()
    y = Y[: len(x)] if y is None else y
    history = model.fit(x, y, batch_size=BATCH, epochs=3, verbose=0, **options).history
    results = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    predictions = [model.predict(x, batch_size=BATCH, verbose=0) for _ in range(2)]
    arrays = keras.tree.flatten(predictions) + [v.numpy() for v in model.variables]
    return [history, results], arrays, model


def assert_recorded_is_eager(make, *data, **options):
    """Train twice from one seed, as written and as recorded."""

    def eager():
        model = make()
        model.run_eagerly = True
        return model

    logs, arrays, _ = run(eager, *data, **options)
    recorded_logs, recorded, model = run(make, *data, **options)
    assert model._steps.sources("train_step") and not refusals(model)
    assert recorded_logs == logs
    for a, b in zip(recorded, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    "sgd": lambda: "sgd",
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(centered=True, momentum=0.5),
    "adagrad": lambda: "adagrad",
    "adadelta": lambda: "adadelta",
    "adamax": lambda: "adamax",
    "nadam": lambda: "nadam",
    "ftrl": lambda: "ftrl",
    "lion": lambda: "lion",
    "adamw": lambda: keras.optimizers.AdamW(weight_decay=0.1),
    "amsgrad": lambda: keras.optimizers.Adam(amsgrad=True),
    "clipnorm": lambda: keras.optimizers.Adam(clipnorm=0.1),
    "global_clipnorm": lambda: keras.optimizers.Adam(global_clipnorm=0.1),
    "clipvalue": lambda: keras.optimizers.Adam(clipvalue=0.01),
    "averages": lambda: keras.optimizers.Adam(use_ema=True, ema_overwrite_frequency=2),
    "accumulation": lambda: keras.optimizers.Adam(gradient_accumulation_steps=4),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=8.0, dynamic_growth_steps=4
    ),
    "schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(0.01, 10, warmup_target=0.02, warmup_steps=2)
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    assert_recorded_is_eager(
        lambda: classifier(layers.Dense(4, "tanh"), optimizer=OPTIMIZERS[name]())
    )


@first_of_each
def test_layers(case):
    data = case.data(batch=BATCH * BATCHES)

    def make():
        model = case.trainable()
        model.compile("adam", "mse")
        return model

    targets = np.zeros(make().predict(data, verbose=0).shape)
    if case.recorded:
        assert_recorded_is_eager(make, data, targets)
    else:
        _, _, model = run(make, data, targets)
        assert refusals(model)


def recurrent():
    return classifier(
        layers.Embedding(9, 4, mask_zero=True),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.GRU(3, dropout=0.2, recurrent_dropout=0.1),
        words=True,
    )


def tied():
    """One table looked up in two places, and weights with penalties and constraints."""
    inputs = keras.Input((5,), dtype="int32")
    table = layers.Embedding(9, 4, embeddings_regularizer="l2")
    both = layers.Concatenate()([table(inputs), table(inputs)])
    y = layers.Dense(CLASSES, kernel_constraint="max_norm", activity_regularizer="l1")(
        layers.Flatten()(both)
    )
    model = keras.Model(inputs, y)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def stateful():
    inputs = keras.Input(batch_shape=(BATCH, 5), dtype="int32")
    y = layers.LSTM(3, stateful=True)(layers.Embedding(9, 4)(inputs))
    model = keras.Model(inputs, layers.Dense(CLASSES)(y))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("make", [recurrent, tied, stateful])
def test_networks_of_words(make):
    assert_recorded_is_eager(make, WORDS)


def test_mixed_precision():
    def make():
        return classifier(layers.Dense(4, "relu", dtype="mixed_float16"), layers.Dropout(0.5))

    assert_recorded_is_eager(make)


def test_several_losses_metrics_and_weights():
    def make():
        inputs = keras.Input((8,))
        a = layers.Dense(1, "sigmoid", name="a")(inputs)
        b = layers.Dense(2, name="b")(inputs)
        model = keras.Model(inputs, [a, b])
        model.compile(
            "adam",
            {"a": "binary_crossentropy", "b": "mse"},
            loss_weights={"a": 2.0, "b": 0.5},
            metrics={"a": ["auc", "precision"], "b": ["mae"]},
            weighted_metrics={"a": ["accuracy"], "b": []},
        )
        return model

    targets = {"a": (Y > 0)[:, None].astype("float32"), "b": X[:, :2]}
    assert_recorded_is_eager(make, X, targets, sample_weight=np.linspace(0, 1, len(X)))


def test_a_step_of_ones_own():
    class Noisy(keras.Model):
        def train_step(self, data):
            x, y = data
            x = x + keras.random.normal(keras.ops.shape(x), seed=self.seeds) * 0.1
            with keras.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            weights = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss, "twice": loss * 2}

    def make():
        inputs = keras.Input((8,))
        model = Noisy(inputs, layers.Dense(CLASSES, "softmax")(inputs))
        model.seeds = keras.random.SeedGenerator(3)
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    assert_recorded_is_eager(make)


def test_a_penalty_on_gradients():
    """Gradients of gradients, recorded like everything else."""

    class Penalized(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            with keras.GradientTape() as tape:
                tape.watch(x)
                total = keras.ops.sum(self(x, training=training))
            steepness = keras.ops.sum(tape.gradient(total, x) ** 2)
            return super().compute_loss(x, y, y_pred, sample_weight) + 0.01 * steepness

    def make():
        inputs = keras.Input((8,))
        hidden = layers.Dense(4, "tanh")(inputs)
        model = Penalized(inputs, layers.Dense(CLASSES, "softmax")(hidden))
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    assert_recorded_is_eager(make)


# What is not recorded


class Reading(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(CLASSES, "softmax")
        self.compile("adam", "sparse_categorical_crossentropy")

    def call(self, x):
        y = self.dense(x)
        return y * 0.5 if float(keras.ops.sum(x)) > 0 else y


def _mean_of_positive(x):
    flat = keras.ops.reshape(x, (-1,))
    return keras.ops.mean(flat[flat > 0])


def _steps_of(x, count):
    """A number that depends on a size, which only the values of `x` tell."""
    return float(keras.ops.shape(count(x))[0]) if hasattr(x, "numpy") else 1.0


SIZED_BY_VALUES = {
    "mask": _mean_of_positive,
    "nonzero": lambda x: _steps_of(x, lambda x: keras.ops.nonzero(x > 0)[0]),
    "where": lambda x: _steps_of(x, lambda x: keras.ops.where(x > 0)[0]),
    "unique": lambda x: _steps_of(x, lambda x: keras.ops.unique(x > 0)),
    "bincount": lambda x: _steps_of(
        x, lambda x: keras.ops.bincount(keras.ops.sum(keras.ops.cast(x > 0, "int32"), 1))
    ),
    "segments": lambda x: _steps_of(
        x, lambda x: keras.ops.segment_sum(x, keras.ops.argmax(x, 1))
    ),
    "read": lambda x: 1.0 if not hasattr(x, "numpy") else float(keras.ops.max(x)),
}  # fmt: skip


class Scaled(layers.Layer):
    """Multiplies by a number that depends on which elements are positive."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def call(self, x):
        return x * (1.0 + self.how(x) / 10.0)


@pytest.mark.parametrize("how", SIZED_BY_VALUES)
def test_sizes_that_depend_on_values(how):
    assert_written(lambda: classifier(Scaled(SIZED_BY_VALUES[how])), "depends on it|was read")


def assert_written(make, reason):
    """A step that cannot be recorded is what it is with `run_eagerly`."""

    def eager():
        model = make()
        model.run_eagerly = True
        return model

    logs, arrays, _ = run(eager, X[: BATCH * BATCHES])
    recorded_logs, recorded, model = run(make, X[: BATCH * BATCHES])
    assert not model._steps.sources("train_step")
    assert all(re.search(reason, text) for text in refusals(model)) and refusals(model)
    assert recorded_logs == logs
    for a, b in zip(recorded, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_value_that_is_read():
    assert_written(Reading, "was read")


def test_a_model_that_runs_eagerly_records_nothing():
    _, _, model = run(lambda: classifier(run_eagerly=True))
    assert not model._steps._kinds


# What is read when a step is recorded, and what in every step


def trained(*inner, **options):
    inner = inner or (layers.Dense(4, "relu"), layers.Dropout(0.5, seed=1))
    model = classifier(*inner, **options)
    model.fit(X, Y, batch_size=BATCH, epochs=2, verbose=0)
    assert model._steps.sources("train_step")
    return model


class Counting(layers.Layer):
    """Counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls = [0]

    def call(self, x):
        self.calls[0] += 1
        return x + float(self.calls[0])


class Own(keras.optimizers.SGD):
    """An optimizer with code of its own."""

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * 0.1)


def test_python_runs_once_for_each_kind_of_batch():
    layer = Counting()
    model = classifier(layer)
    before = layer.calls[0]
    model.fit(X, Y, batch_size=BATCH, epochs=3, verbose=0)
    built = layer.calls[0] - before - 2  # two kinds: the last batch is a small one
    model.fit(X, Y, batch_size=BATCH, epochs=3, verbose=0)
    assert layer.calls[0] == before + 2 + built


@pytest.mark.parametrize("make", [lambda: Own(0.1), lambda: keras.optimizers.SGD(lambda: 0.1)])
def test_optimizers_with_code_of_ones_own_are_recorded(make):
    assert_recorded_is_eager(lambda: classifier(optimizer=make()))


def test_a_new_rate_counts_at_once():
    model = trained(optimizer=keras.optimizers.SGD(0.1))
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_new_weights_count_at_once():
    model = trained()
    model.predict(X, batch_size=BATCH, verbose=0)
    model.set_weights([w * 0 for w in model.get_weights()])
    assert not model.predict(X, batch_size=BATCH, verbose=0).any()


def test_a_frozen_layer_goes_on_until_the_next_compile():
    model = trained()
    model.layers[0].trainable = False
    before = model.layers[0].kernel.numpy()
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    assert (model.layers[0].kernel.numpy() != before).any()
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.layers[0].kernel.numpy()
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), before)


def test_a_thawed_layer_stays_frozen_until_the_next_compile():
    model = classifier(layers.Dense(4, "relu"))
    model.layers[0].trainable = False
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    before = model.layers[0].kernel.numpy()
    model.layers[0].trainable = True
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), before)


def test_a_constant_that_its_owner_changes_stays():
    factor = np.ones(1, "float32")
    model = classifier()
    model.compile("sgd", lambda y, p: keras.ops.mean(p * factor))
    first = model.evaluate(X, Y, batch_size=BATCH, verbose=0)
    factor[:] = 7.0
    assert model.evaluate(X, Y, batch_size=BATCH, verbose=0) == first


def test_inputs_that_are_one_array_are_two_arguments():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8, "tanh")])
    model.compile("sgd", "mse")
    a, b = X[:BATCH].copy(), X[BATCH : 2 * BATCH].copy()
    model.train_on_batch(a, a)
    expected = float(np.mean((model.predict_on_batch(a) - b) ** 2))
    assert abs(model.train_on_batch(a, b) - expected) < 1e-6


def test_a_gradient_of_ones_own_is_recorded():
    @keras.ops.custom_gradient
    def straight_through(x):
        return keras.ops.sign(x), lambda g: g

    class Binary(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 4))

        def call(self, x):
            return keras.ops.matmul(x, straight_through(self.w))

    assert_recorded_is_eager(lambda: classifier(Binary()))


@pytest.mark.parametrize("name", ["silu", "gelu", "softsign", "hard_sigmoid", "log_sigmoid"])
def test_weights_without_axes(name):
    class Scale(layers.Layer):
        def build(self, _):
            self.w = self.add_weight(shape=(), initializer="ones")

        def call(self, x):
            return x * keras.activations.get(name)(self.w)

    assert_recorded_is_eager(lambda: classifier(Scale()))


def test_a_variable_made_in_a_step_delays_the_recording():
    class Late(keras.Model):
        def train_step(self, data):
            if not hasattr(self, "seen"):
                self.seen = keras.Variable(0.0, trainable=False)
            self.seen.assign_add(1.0)
            return super().train_step(data)

    inputs = keras.Input((8,))
    model = Late(inputs, layers.Dense(CLASSES, "softmax")(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X[: BATCH * BATCHES], Y[: BATCH * BATCHES], batch_size=BATCH, verbose=0)
    assert float(model.seen) == BATCHES
    assert len(model._steps.sources("train_step")) == 1


def test_a_step_that_fails_is_recorded_when_it_succeeds():
    class Failing(layers.Layer):
        fails = False

        def call(self, x):
            if self.fails:
                raise RuntimeError("not now")
            return x

    layer = Failing()
    model = classifier(layer)
    layer.fails = True
    with pytest.raises(RuntimeError, match="not now"):
        model.predict_on_batch(X[:BATCH])
    layer.fails = False
    model.predict_on_batch(X[:BATCH])
    assert len(model._steps.sources("predict_step")) == 1


def test_compiling_again_drops_what_is_recorded():
    model = trained()
    model.compile("sgd", keras.losses.MeanSquaredError())
    assert model._steps._kinds == {}


def test_another_model_changes_nothing():
    model = trained()
    source = model._steps.sources("train_step")
    trained()
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    assert model._steps.sources("train_step") == source


def test_every_kind_of_batch_has_its_own_program():
    assert len(trained()._steps.sources("train_step")) == 2  # the last batch is a small one


def test_batches_of_many_lengths_make_no_end_of_programs(monkeypatch):
    monkeypatch.setattr(steps, "_MOST_KINDS", 4)
    model = classifier()
    for size in range(1, 9):
        model.train_on_batch(X[:size], Y[:size])
    assert len(model._steps._kinds) <= 4


def test_switching_fused_kernels_off_begins_anew():
    model = trained()
    keras.config.set_fused_kernels(False)
    try:
        model.fit(X, Y, batch_size=BATCH, verbose=0)
        assert len(model._steps.sources("train_step")) == 4
    finally:
        keras.config.set_fused_kernels(True)


def test_a_label_without_a_class_is_found_in_a_recorded_step():
    model = trained()
    model.train_on_batch(X[:BATCH], Y[:BATCH])
    with pytest.raises(ValueError, match="from 0 to 2"):
        model._steps.run(model, "train_step", steps.placed((X[:BATCH], Y[:BATCH] + 7)))


class Unbuilt(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(4, "relu")
        self.outer = layers.Dense(CLASSES)

    def call(self, x):
        return self.outer(self.inner(x))


FRESH = {
    "built": lambda: classifier(layers.Dense(4, "relu")),
    "deferred": lambda: keras.Sequential([layers.Dense(4, "relu"), layers.Dense(CLASSES)]),
    "subclassed": Unbuilt,
}


@pytest.mark.parametrize("name", FRESH)
def test_threads_share_a_model(name):
    """Each thread gets its own answers, from a fresh model that none has called before."""
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(20):
            predict = FRESH[name]().predict_on_batch
            parts = [X[i * BATCH : (i + 1) * BATCH] for i in range(4)]
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda x, f=predict: [f(x) for _ in range(4)], parts))
            for part, answer in zip(parts, answers, strict=True):
                for y in answer:
                    np.testing.assert_array_equal(y, predict(part))
    finally:
        sys.setswitchinterval(former)


# The program itself


def test_the_program_can_be_read():
    model = trained()
    source = model._steps.sources("train_step")[0]
    assert source.startswith("def step(x1, x2):")
    assert "dense_backward(" in source
    assert "_apply(adam, " in source


def test_a_prediction_keeps_nothing_for_gradients():
    _, _, model = run(lambda: classifier(layers.Dense(4, activation="relu")))
    assert "save=True" in model._steps.sources("train_step")[0]
    assert "save=False" in model._steps.sources("predict_step")[0]
    assert "save=True" not in model._steps.sources("predict_step")[0]


def test_arrays_are_dropped_after_their_last_use():
    """While the optimizer runs, no output of the forward pass is left but what comes after it."""
    model = trained()
    lines = model._steps.sources("train_step")[0].splitlines()
    outputs = {line.split(" = ")[0].strip() for line in lines if " = dense(" in line}
    gone = [line for line in lines if line.strip().startswith("del ")]
    for names in outputs:
        for name in names.split(", "):
            assert any(name in line.replace(",", " ").split() for line in gone)


def test_a_model_is_freed_with_its_programs():
    model = trained()
    weight = weakref.ref(model.layers[0].kernel)
    del model
    gc.collect()
    assert weight() is None
