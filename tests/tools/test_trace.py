"""The trace of a model: looking changes nothing, and each part adds up."""

import numpy as np
import pytest

import minikeras as keras
from minikeras.tools.trace.tracing import trace

L = keras.layers


def sequential():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dropout(0.4),
            L.Dense(10, activation="softmax"),
        ]
    )


def functional():
    x = inputs = keras.Input((6, 4))
    for _ in range(2):
        y = L.MultiHeadAttention(2, 3, dropout=0.2)(x, x)
        x = L.LayerNormalization()(L.Add()([x, y]))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.Flatten()(x)))


def nested():
    inner = keras.Sequential([keras.Input((5,)), L.Dense(5, activation="tanh"), L.Dropout(0.3)])
    inputs = keras.Input((5,))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(inner(inner(inputs))))


def shared():
    inputs = keras.Input((5,))
    dense = L.Dense(5, activation="relu")
    x = dense(dense(dense(inputs)))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.Add()([x, inputs])))


class Subclassed(keras.Model):
    """A model whose code does some of the work itself."""

    def __init__(self):
        super().__init__()
        self.first = L.Dense(6, activation="relu")
        self.drop = L.Dropout(0.5)
        self.last = L.Dense(10, activation="softmax")

    def call(self, x, training=None):
        y = self.first(x)
        return self.last(keras.ops.add(self.drop(y, training=training), y) * 2.0)


def masked():
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            L.Embedding(9, 4, mask_zero=True),
            L.Bidirectional(L.GRU(3, return_sequences=True)),
            L.LSTM(4),
            L.Dense(10, activation="softmax"),
        ]
    )


MODELS = {
    "sequential": (sequential, (8, 8, 1)),
    "functional": (functional, (6, 4)),
    "nested": (nested, (5,)),
    "shared": (shared, (5,)),
    "subclassed": (Subclassed, (5,)),
    "masked": (masked, (6,)),
}


def compiled(name):
    """A compiled model, with an example for it."""
    build, shape = MODELS[name]
    keras.utils.set_random_seed(3)
    model = build()
    draw = np.random.default_rng(1)
    x = draw.normal(size=(2, *shape)).astype("float32")
    if name == "masked":
        x = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 1]], "int32")
    model.compile("adam", "sparse_categorical_crossentropy")
    if not model.built:
        model(x)
    return model, x, np.array([3, 7])


def arrays_of(variables):
    return [np.array(v) for v in variables]


def unseen(model, x, y):
    """What a step gives that nobody looks at: loss, gradients, outputs; states after it."""
    with keras.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = model.compute_loss(x, y, outputs, None, training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(loss), arrays_of(gradients), np.array(outputs)


@pytest.mark.parametrize("name", MODELS)
def test_looking_changes_nothing(name):
    """Bit for bit: the numbers of the run, and all that it could have left changed."""
    model, x, y = compiled(name)
    model.optimizer.build(model.trainable_variables)
    before = arrays_of([*model.variables, *model.optimizer.variables])
    seen = trace(model, x, y)
    after = arrays_of([*model.variables, *model.optimizer.variables])
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    loss, gradients, outputs = unseen(model, x, y)
    assert seen.loss == loss
    np.testing.assert_array_equal(seen.outputs[0], outputs)
    for step, gradient in zip(seen.steps, gradients, strict=True):
        np.testing.assert_array_equal(step.gradient, gradient)


@pytest.mark.parametrize("name", MODELS)
def test_the_step_is_that_of_training(name):
    model, x, y = compiled(name)
    seen = trace(model, x, y)
    model.run_eagerly = True
    model.train_on_batch(x, y)
    for step in seen.steps:
        np.testing.assert_array_equal(step.after, np.array(step.variable))


@pytest.mark.parametrize("name", ["sequential", "functional", "nested", "shared", "masked"])
def test_contributions_add_up(name):
    """What the calls pass back to a tensor, or to a shared weight, is its gradient."""
    model, x, y = compiled(name)
    seen = trace(model, x, y)
    sums = {}
    for record in seen.records:
        for place, gradient in zip(record.origins, record.d_inputs, strict=True):
            if gradient is not None and place is not None:
                sums[place] = sums.get(place, 0) + gradient
    checked = 0
    for record in seen.records:
        for i, gradient in enumerate(record.d_outputs):
            if gradient is not None and (record.key, i) in sums:
                np.testing.assert_allclose(sums[record.key, i], gradient, rtol=1e-5, atol=1e-6)
                checked += 1
    assert checked >= 2
    weights = {}
    for record in seen.records:
        for path, gradient in record.d_weights.items():
            if gradient is not None:
                key = (id(record.layer), path)
                weights[key] = weights.get(key, 0) + gradient
    assert len(weights) == len(seen.steps)


def test_shared_layers_have_a_record_for_each_call():
    model, x, y = compiled("shared")
    keys = [record.key for record in trace(model, x, y).records]
    assert keys[:3] == ["dense#0", "dense#1", "dense#2"]


def test_layers_of_subclassed_models_are_seen_where_code_joins_them():
    model, x, y = compiled("subclassed")
    records = trace(model, x, y).records
    assert [type(record.layer).__name__ for record in records] == ["Dense", "Dropout", "Dense"]
    assert records[1].origins == [(records[0].key, 0)]
    assert records[2].origins == [None]


def of_one(layer, *shape):
    """The operations of one layer on one example."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    return trace(model, np.ones((1, *shape), "float32")).records[0].flops


def test_operations_are_counted_as_by_hand():
    """Two for each product that is added up; one for each number that is computed separately."""
    dense = 7 * (2 * 5 + 1)  # 5 products and sums, and a bias, for each of 7 units
    assert of_one(L.Dense(7), 5) == dense
    assert of_one(L.Dense(7, activation="relu"), 5) == dense + 7
    convolution = 6 * 6 * 4 * (2 * 3 * 3 * 2 + 1)
    assert of_one(L.Conv2D(4, 3), 8, 8, 2) == convolution
    assert of_one(L.Conv2D(4, 3, use_bias=False, groups=2), 8, 8, 2) == 6 * 6 * 4 * 2 * 9
    step = 2 * 5 * 12 + 2 * 3 * 12 + 12 * 2 + 9 * 3  # two products, their sum, a bias; the gates
    assert of_one(L.LSTM(3), 4, 5) == 4 * step
    assert of_one(L.Flatten(), 3, 4) == 0


def test_where_the_numbers_were_computed_is_known():
    model, x, y = compiled("sequential")
    record = trace(model, x, y).records[0]
    assert "kernels/cpu/conv.py" in {file for file, *_ in record.forward}
    assert "ops/nn/convolutions.py" in {file for file, *_ in record.backward}


def test_targets_without_a_loss_are_refused():
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    with pytest.raises(ValueError, match="compile"):
        trace(model, np.ones((1, 2)), np.ones((1, 1)))
