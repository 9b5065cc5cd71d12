"""Recorded steps: bit for bit what the steps compute as written, or given up."""

import gc
import weakref

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers
from minikeras.training import steps
from tests.cases.layers import ROWS

BATCH, BATCHES, CLASSES = 6, 5, 3
_rng = np.random.default_rng(0)
X = _rng.normal(size=(BATCH * BATCHES + 2, 8)).astype("float32")
Y = _rng.integers(0, CLASSES, len(X))
WORDS = _rng.integers(0, 9, (BATCH * BATCHES, 5))


@pytest.fixture(autouse=True)
def whatever_the_time(monkeypatch):
    """Record steps however long they take: a busy machine shall not decide what is tested."""
    monkeypatch.setattr(steps, "_LONGEST_SECONDS", 1e9)


def stages(model, step="train_step"):
    """What has become of the kinds of batch that a model has seen."""
    return [kind.run.__name__ for (name, *_), kind in model._steps._kinds.items() if name == step]


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
    found_logs, found, model = run(make, *data, **options)
    assert "_repeated" in stages(model), stages(model)
    assert found_logs == logs
    for a, b in zip(found, arrays, strict=True):
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


@pytest.mark.parametrize("name", ROWS)
def test_layers(name):
    make_layer, *shapes = ROWS[name]
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(BATCH * BATCHES, *shape[1:])).astype("float32") for shape in shapes]
    data = data if len(data) > 1 else data[0]

    def make():
        inputs = [keras.Input(shape[1:]) for shape in shapes]
        given = [layers.Dense(shape[-1])(x) for shape, x in zip(shapes, inputs, strict=True)]
        layer = make_layer()
        apart = isinstance(layer, (layers.MultiHeadAttention, layers.GroupQueryAttention))
        model = keras.Model(inputs, layer(*given) if apart or len(given) == 1 else layer(given))
        model.compile("adam", "mse")
        return model

    assert_recorded_is_eager(make, data, np.zeros(make().predict(data, verbose=0).shape))


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
            self.optimizer.apply_gradients(
                zip(tape.gradient(loss, weights), weights, strict=True)
            )
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


class Counting(layers.Layer):
    """Counts its calls where no program can see it."""

    def __init__(self):
        super().__init__()
        self.calls = [0]

    def call(self, x):
        self.calls[0] += 1
        return x + float(self.calls[0])


class Hidden(layers.Layer):
    """Computes with NumPy behind the back of whoever watches."""

    def call(self, x):
        return keras.ops.convert_to_tensor(x.data * 2) if hasattr(x, "data") else x


class Own(keras.optimizers.SGD):
    pass


NOT_REPEATED = {
    "a value was read": Reading,
    "state that is no variable": lambda: classifier(Counting()),
    "arrays that no op made": lambda: classifier(Hidden()),
    "an optimizer of one's own": lambda: classifier(optimizer=Own(0.1)),
    "a rate from a function": lambda: classifier(optimizer=keras.optimizers.SGD(lambda: 0.1)),
    "written is asked for": lambda: classifier(run_eagerly=True),
}


@pytest.mark.parametrize("reason", NOT_REPEATED)
def test_what_is_not_repeated(reason):
    def eager():
        model = NOT_REPEATED[reason]()
        model.run_eagerly = True
        return model

    # No batch like the one before: telling them apart takes no step more than are asked for.
    logs, arrays, _ = run(eager, X[: BATCH * BATCHES])
    found_logs, found, model = run(NOT_REPEATED[reason], X[: BATCH * BATCHES])
    assert "_repeated" not in stages(model)
    assert found_logs == logs
    for a, b in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_long_steps_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(steps, "_LONGEST_SECONDS", 0.0)
    assert set(stages(run(classifier)[2])) <= {"_written", "_recorded"}


# What changes between steps


def trained(**options):
    model = classifier(layers.Dense(4, "relu"), layers.Dropout(0.5, seed=1), **options)
    model.fit(X, Y, batch_size=BATCH, epochs=2, verbose=0)
    assert "_repeated" in stages(model)
    return model


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
    model.predict(X, batch_size=BATCH, verbose=0)
    model.set_weights([w * 0 for w in model.get_weights()])
    assert not model.predict(X, batch_size=BATCH, verbose=0).any()


def test_frozen_layers_stay():
    model = trained()
    model.layers[0].trainable = False
    frozen, free = model.layers[0].kernel.numpy(), model.layers[-1].kernel.numpy()
    model.fit(X, Y, batch_size=BATCH, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), frozen)
    assert (model.layers[-1].kernel.numpy() != free).any()


def test_an_interrupted_comparison_loses_nothing(monkeypatch):
    """The third step is taken twice; what the first time did stays if the second is stopped."""
    made = []
    for interrupted in (False, True):
        keras.utils.set_random_seed(1)
        model = classifier(layers.Dense(4, "relu"))
        for start in (0, 1):
            model.train_on_batch(X[start : start + BATCH], Y[start : start + BATCH])
        (kind,) = model._steps._kinds.values()
        if interrupted:
            monkeypatch.setattr(kind, "_program", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                model.train_on_batch(X[2 : 2 + BATCH], Y[2 : 2 + BATCH])
        else:
            model.train_on_batch(X[2 : 2 + BATCH], Y[2 : 2 + BATCH])
        made.append([v.numpy() for v in model.variables + model.optimizer.variables])
    for a, b in zip(*made, strict=True):
        np.testing.assert_array_equal(a, b)


def _interrupt(_):
    raise KeyboardInterrupt


def test_compiling_anew_begins_anew():
    model = trained()
    model.compile("sgd", keras.losses.MeanSquaredError())
    assert model._steps._kinds == {}


def test_every_kind_of_batch_has_its_own_program():
    model = trained()
    assert len(stages(model)) == 2  # the last batch is a small one
    assert not any(stage == "_written" for stage in stages(model))


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
        assert len(stages(model)) == 4
    finally:
        keras.config.set_fused_kernels(True)


def test_a_label_without_a_class_is_found_in_a_recorded_step():
    model = trained()
    for _ in range(4):
        model.train_on_batch(X[:BATCH], Y[:BATCH])
    with pytest.raises(ValueError, match="from 0 to 2"):
        model._steps.run("train_step", steps.placed((X[:BATCH], Y[:BATCH] + 7)))


# The program itself


def test_the_program_can_be_read():
    model = trained()
    source = model._steps.sources("train_step")[0]
    assert source.startswith("def step(x1, x2):")
    assert "dense_backward(" in source
    assert "_apply(adam, " in source


def test_a_prediction_keeps_nothing_for_gradients():
    _, _, model = run(lambda: classifier(layers.Dense(4, activation="relu")))
    assert "keep=True" in model._steps.sources("train_step")[0]
    assert "keep=False" in model._steps.sources("predict_step")[0]
    assert "keep=True" not in model._steps.sources("predict_step")[0]


def test_arrays_are_dropped_after_their_last_use():
    """While the optimizer runs, no output of the forward pass is left but what comes after it."""
    model = trained()
    lines = model._steps.sources("train_step")[0].splitlines()
    made = {line.split(" = ")[0].strip() for line in lines if " = dense(" in line}
    gone = [line for line in lines if line.strip().startswith("del ")]
    for names in made:
        for name in names.split(", "):
            assert any(name in line.replace(",", " ").split() for line in gone)


def test_a_model_is_freed_with_its_programs():
    model = trained()
    weight = weakref.ref(model.layers[0].kernel)
    del model
    gc.collect()
    assert weight() is None
