"""Copied and pickled models: they compute, train and are named alike, and share no memory.

Each network trains three steps, so that a step is recorded, is copied, and trains on. The original
and the copies take their further steps in turns; all end at the very same bits.
"""

import copy
import pickle
import sys

import numpy as np
import pytest

import minikeras as keras
from minikeras.core import trees
from tests.cases.layers import first_of_each

layers = keras.layers
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def _floats(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


X, Y = _floats(4, 6), _floats(4, 2)
IDS = np.array([[1, 2, 0], [3, 1, 2], [4, 0, 0], [2, 2, 1]])


def _variables(model):
    """All that further steps depend on: weights, seeds, optimizer, metrics."""
    variables = list(model.variables) + model.optimizer.variables
    return variables + [v for metric in model.metrics for v in metric.variables]


def _state(model):
    return [v.numpy() for v in _variables(model)]


def _train(model, x, y):
    for _ in range(3):
        model.train_on_batch(x, y)


def _assert_same(actual, expected):
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def _assert_copies_train_alike(model, ways, x, y, expected=None):
    before = _state(model)
    copies = [WAYS[way](model) for way in ways]
    for copied in copies:
        assert type(copied) is type(model)
        assert copied.name == model.name
        assert [layer.name for layer in copied.layers] == [layer.name for layer in model.layers]
        assert [v.path for v in _variables(copied)] == [v.path for v in _variables(model)]
        _assert_same(_state(copied), before)
    for one in (copies[0], model, *copies[1:]):
        _assert_same(_state(one), before)
        _train(one, x, y)
        expected = expected or _state(one)
        _assert_same(_state(one), expected)


# Layers


@first_of_each
def test_layers(case):
    keras.utils.set_random_seed(1)
    model = case.trainable()
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
    x = case.data()
    y = np.zeros_like(model.predict_on_batch(x))
    _train(model, x, y)
    _assert_copies_train_alike(model, ["deepcopy", "pickle"], x, y)


@each_way
@first_of_each
def test_a_layer_is_copied_without_the_graph_that_it_is_in(case, way):
    layer = case.make()
    inputs = [keras.Input(batch_shape=shape, dtype=case.dtype) for shape in case.shapes]
    for _ in range(2):
        case.call(layer, case.nest(inputs))
    copied = way(layer)
    assert type(copied) is type(layer)
    assert copied.get_config() == layer.get_config()
    assert [v.path for v in copied.variables] == [v.path for v in layer.variables]
    assert not {id(v) for v in copied.variables} & {id(v) for v in layer.variables}
    assert not copied._inbound_nodes
    assert not copied._outbound_nodes
    actual, expected = (case.call(one, case.data()) for one in (copied, layer))
    _assert_same(trees.flatten(actual), trees.flatten(expected))


# Models


def _compiled(model, **options):
    model.compile(**{"optimizer": keras.optimizers.Adam(0.01), "loss": "mse", **options})
    return model


def _stack():
    return _compiled(
        keras.Sequential([layers.Dense(5, "tanh"), layers.Dropout(0.5), layers.Dense(2)])
    )


def _normalized():
    parts = [keras.Input((6,)), layers.BatchNormalization(), layers.Dense(2), layers.Dense(2)]
    parts[2].trainable = False
    return _compiled(keras.Sequential(parts), metrics=["mae", keras.metrics.R2Score()])


def _shared():
    x = keras.Input((6,))
    dense = layers.Dense(6, "gelu")
    return _compiled(keras.Model(x, layers.Dense(2)(dense(dense(x)))))


def _of_ops():
    x = keras.Input((6,))
    y = keras.ops.concatenate([x[:, 1:3] * 2.0, keras.ops.softmax(x)], axis=-1)
    y = 1.0 - layers.Dense(2)(y) / keras.ops.sqrt(keras.ops.sum(x**2, axis=-1, keepdims=True))
    return _compiled(keras.Model(x, y))


def _nested():
    x = keras.Input((6,))
    inner = keras.Sequential([layers.Dense(4), layers.Dense(6, "relu")])
    block = keras.Model(x, inner(x) + x)
    y = keras.Input((6,))
    return _compiled(keras.Model(y, layers.Dense(2)(block(block(y)))))


def _with_named_outputs():
    x = {"a": keras.Input((6,), name="a"), "b": keras.Input((6,), name="b")}
    joined = layers.Concatenate()([x["a"], x["b"]])
    outputs = {"first": layers.Dense(2, name="first")(joined), "second": layers.Dense(2)(x["b"])}
    return _compiled(
        keras.Model(x, outputs),
        loss={"first": "mse", "second": "mae"},
        loss_weights={"first": 2.0, "second": 0.5},
        metrics={"first": ["mae"]},
    )


def _recurrent():
    x = keras.Input((3,))
    y = layers.Embedding(5, 4, mask_zero=True)(x)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True, dropout=0.2))(y)
    y = layers.TimeDistributed(layers.Dense(4, "silu"))(y)
    y = layers.MultiHeadAttention(2, 2, dropout=0.1)(y, y)
    y = layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(3)])(y)
    return _compiled(keras.Model(x, layers.Dense(2)(y)))


def _part_of_another():
    model = _shared()
    return _compiled(keras.Model(model.layers[-1].input, model.output))


class Tower(keras.Model):
    """Lists and dicts of layers, a weight used twice, a loss and a step of its own."""

    def __init__(self, units=2, **options):
        super().__init__(**options)
        self.blocks = [layers.Dense(6, "relu"), [layers.Dense(6)]]
        self.heads = {"last": layers.Dense(units, activity_regularizer="l2")}
        self.gain = self.add_weight(shape=(6,), initializer="ones", regularizer="l1")
        self.noise = keras.random.SeedGenerator(3)
        self.seen = keras.metrics.Mean("seen")
        self.sizes = np.arange(3)

    def call(self, x, training=None):
        self.add_loss(keras.ops.mean(x**2))
        for layer in (self.blocks[0], self.blocks[1][0], self.blocks[0]):
            x = layer(x) @ keras.ops.transpose(self.blocks[0].kernel)
        if training:
            x = x + keras.random.normal(keras.ops.shape(x), seed=self.noise)
        return self.heads["last"](x * self.gain)

    def train_step(self, data):
        x, y = data[:2]
        with keras.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.seen.update_state(loss)
        return {"seen": self.seen.result()}


class OwnGraph(keras.Model):
    """A subclass that is a graph of layers."""

    def __init__(self, units):
        x = keras.Input((6,))
        super().__init__(x, layers.Dense(units)(x))
        self.units = units


def _mixed():
    policy = keras.DTypePolicy("mixed_float16")
    parts = [keras.Input((6,)), layers.Dense(4, "relu", dtype=policy), layers.Dense(2)]
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    return _compiled(keras.Sequential(parts), optimizer=optimizer)


NAMED = ({"a": X, "b": X + 1}, {"first": Y, "second": Y})
MODELS = {
    "a stack": (_stack, X, Y),
    "state and a frozen layer": (_normalized, X, Y),
    "a shared layer": (_shared, X, Y),
    "ops": (_of_ops, X, Y),
    "models in models": (_nested, X, Y),
    "several inputs and outputs": (_with_named_outputs, *NAMED),
    "recurrent": (_recurrent, IDS, Y),
    "part of another": (_part_of_another, X, Y),
    "a subclass": (lambda: _compiled(Tower()), X, Y),
    "a subclass with a graph": (lambda: _compiled(OwnGraph(2)), X, Y),
    "a scaled loss": (_mixed, X, Y),
}


@pytest.mark.parametrize(("make", "x", "y"), MODELS.values(), ids=MODELS)
def test_copies_in_the_middle_of_training(make, x, y):
    keras.utils.set_random_seed(1)
    never_copied = make()
    _train(never_copied, x, y)
    _train(never_copied, x, y)
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    model = make()
    _train(model, x, y)
    _assert_copies_train_alike(model, WAYS, x, y, expected=_state(never_copied))


@pytest.mark.parametrize(("make", "x", "y"), MODELS.values(), ids=MODELS)
def test_copies_before_anything_is_built(make, x, y):
    keras.utils.set_random_seed(1)
    model = make()
    for copied in [way(model) for way in WAYS.values()]:
        copied.train_on_batch(x, y)
        assert copied.get_compile_config() == model.get_compile_config()
    assert not model.optimizer.built


@pytest.mark.parametrize(("make", "x", "y"), MODELS.values(), ids=MODELS)
def test_copies_share_no_memory(make, x, y):
    model = make()
    model.train_on_batch(x, y)
    for copied in [way(model) for way in WAYS.values()]:
        for one in _variables(copied):
            assert not any(np.shares_memory(one.array, v.array) for v in _variables(model))
        trained = copied.trainable_variables
        assert [v.path for v in trained] == [v.path for v in model.trainable_variables]
        inner = getattr(copied.optimizer, "inner_optimizer", copied.optimizer)
        assert all(a is b for a, b in zip(inner._trainable_variables, trained, strict=True))


# What belongs together


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])
def test_what_is_copied_together_stays_together(way):
    model = _nested()
    model.fit(X, Y, epochs=3, verbose=0)
    part = keras.Model(model.input, model.layers[-1].input)
    parts = [model, model.optimizer, model.output, model.layers[2], part, model.layers[2].kernel]
    copied, optimizer, output, layer, again, kernel = way(parts)
    assert copied.optimizer is optimizer
    assert copied.output is output
    assert copied.layers[2] is layer
    assert again.layers[1] is copied.layers[1]
    assert again.output is copied.layers[2].input
    assert kernel is layer.kernel
    assert keras.Model(again.input, output).predict(X, verbose=0).shape == Y.shape
    assert [len(layer._inbound_nodes) for layer in copied.layers] == [
        len(layer._inbound_nodes) for layer in model.layers
    ]


@each_way
def test_the_order_in_which_a_layer_was_called_stays(way):
    dense, a, b = layers.Dense(3), keras.Input((3,), name="a"), keras.Input((3,), name="b")
    first, second = dense(a), dense(b)
    model = way(keras.Model([b, a], [second, first]))
    nodes = model.layers[-1]._inbound_nodes
    assert [node.input_tensors[0].name for node in nodes] == ["a", "b"]
    assert [tensor.name for tensor in model.inputs] == ["b", "a"]


@each_way
def test_lists_of_layers_are_watched_in_the_copy(way):
    model = Tower()
    copied = way(model)
    copied.blocks[1].append(layers.Dense(1))
    copied.heads["more"] = layers.Dense(1)
    assert len(copied._flatten_layers()) == len(model._flatten_layers()) + 2
    alone = way(model.sizes), way(model.blocks), way(model.heads)
    assert [type(part).__name__ for part in alone] == ["ndarray", "TrackedList", "TrackedDict"]
    assert alone[1].owner is alone[2].owner is None


@each_way
def test_a_copy_has_a_state_of_training_of_its_own(way):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"], run_eagerly=True)
    history = model.fit(X, Y, verbose=0)
    copied = way(model)
    assert copied.compiled and copied.loss == "mse" and copied.run_eagerly
    assert copied.metrics_names == model.metrics_names
    assert copied.history.history == history.history
    copied.compile("adam", "mae")
    copied.stop_training, copied.history = True, None
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert model.loss == "mse" and model.run_eagerly
    assert not model.stop_training and model.history is history


@each_way
def test_a_copy_records_steps_of_its_own(way):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    copied = way(model)
    assert model._steps.sources("train_step") and not copied._steps.sources("train_step")
    copied.train_on_batch(X, Y)
    assert copied._steps.sources("train_step")


@each_way
def test_attributes_of_a_users_own_survive(way):
    model = _nested()
    model.note, model.table, model.layers[2].mark = "hello", {"a": [1, 2]}, (1, np.arange(2))
    model.inner = model.layers[1]
    copied = way(model)
    assert copied.note == "hello"
    assert copied.table == {"a": [1, 2]}
    assert copied.layers[2].mark[1].tolist() == [0, 1]
    assert copied.inner is copied.layers[1]
    copied.table["a"].append(3)
    assert model.table == {"a": [1, 2]}


def test_lambdas_are_copied():
    x = keras.Input((6,))
    model = keras.Model(x, layers.Lambda(lambda t: t * 3.0)(x))
    model.rule = lambda t: t + 1
    copied = copy.deepcopy(model)
    _assert_same(copied.predict(X, verbose=0), X * np.float32(3))
    assert copied.rule is model.rule


@each_way
def test_symbolic_tensors(way):
    x = keras.Input((3,), name="x")
    y = layers.Dense(2)(layers.Masking()(x))
    for tensor in (x, y, keras.KerasTensor((None, 2))):
        copied = way(tensor)
        assert copied is not tensor
        assert (copied.shape, copied.dtype, copied.name) == (
            tensor.shape,
            tensor.dtype,
            tensor.name,
        )
    assert way(y)._keras_mask.shape == y._keras_mask.shape
    assert copy.copy(y)._keras_history.operation is y._keras_history.operation


@each_way
def test_functions(way):
    x = keras.Input((3,))
    middle = layers.Dense(3)(x)
    function = keras.Function(middle, [middle * 2.0, keras.ops.relu(middle)])
    assert [t.tolist() for t in way(function)(np.ones((1, 3)))] == [[[2.0] * 3], [[1.0] * 3]]


@each_way
def test_callbacks_come_back_with_their_state(way):
    stopping = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    model = _stack()
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[stopping])
    copied = way(stopping)
    assert (copied.best, copied.patience) == (stopping.best, stopping.patience)
    assert copied.model.predict(X, verbose=0).tolist() == model.predict(X, verbose=0).tolist()


@each_way
def test_a_copy_takes_no_names(way):
    model = _recurrent()
    expected = int(keras.KerasTensor((1,)).name.removeprefix("keras_tensor_")) + 1
    way([model, model.output])
    assert keras.KerasTensor((1,)).name == f"keras_tensor_{expected}"
    assert layers.Dense(1).name == "dense_2"


class Copying(keras.callbacks.Callback):
    """Copies the model after every batch, and lets the copy train on."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def on_train_batch_end(self, batch, logs=None):
        self.way(self.model).train_on_batch(X, Y)


@each_way
def test_models_are_copied_while_they_train(way):
    states = []
    for callbacks in ([], [Copying(way)]):
        keras.utils.set_random_seed(1)
        model = _stack()
        model.fit(X, Y, batch_size=1, epochs=2, verbose=0, callbacks=callbacks)
        states.append(_state(model))
    _assert_same(*states)


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_step_that_copies_tensors_is_taken_as_it_is_written(eagerly):
    class Own(keras.Sequential):
        def train_step(self, data):
            shift = copy.deepcopy(keras.ops.mean(data[0]))
            return {"loss": shift, "doubled": pickle.loads(pickle.dumps(shift * 2.0))}

    model = Own([keras.Input((6,)), layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=eagerly)
    for i in range(6):
        logs = model.train_on_batch(X + i, Y, return_dict=True)
        assert logs["loss"] == pytest.approx(X.mean() + i)
        assert logs["doubled"] == pytest.approx(2 * (X.mean() + i))


# Deep ones


def _chain(depth):
    x = y = keras.Input((3,))
    for _ in range(depth // 2):
        y = layers.ReLU()(y) * 0.5
    return keras.Model(x, layers.Dense(2)(y))


def _deep_stack(depth):
    return keras.Sequential([keras.Input((3,)), *[layers.ReLU() for _ in range(depth)]])


def test_a_graph_of_two_thousand_layers():
    assert sys.getrecursionlimit() <= 1000
    model = _chain(2000)
    expected = model.predict_on_batch(np.ones((2, 3)))
    for copied in (copy.deepcopy(model), WAYS["pickle"](model)):
        _assert_same(copied.predict_on_batch(np.ones((2, 3))), expected)
    cloned = keras.models.clone_model(model)
    assert len(cloned.get_config()["layers"]) == len(model.get_config()["layers"])
    assert copy.deepcopy(model.output).shape == model.output.shape


def test_a_stack_of_two_thousand_layers():
    model = _deep_stack(2000)
    for copied in (copy.deepcopy(model), WAYS["pickle"](model)):
        assert len(copied.layers) == len(model.get_config()["layers"]) - 1
