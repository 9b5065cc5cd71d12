"""Configs of whole models cross between the engines, compiled ones with their first step."""

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, fresh_names
from parity_tests.test_configs import read, written
from parity_tests.test_ops import leaves_of

pytestmark = pytest.mark.parity

STEPS, IMAGES = (4, 3), (6, 6, 2)


def stack(engine):
    dense = engine.layers.Dense
    return engine.Sequential([engine.Input((3,)), dense(4, activation="relu"), dense(2)])


def stack_without_input(engine):
    model = engine.Sequential([engine.layers.Dense(4), engine.layers.Dense(2)])
    model.build((None, 3))
    return model


def unbuilt_stack(engine):
    return engine.Sequential([engine.layers.Dense(4), engine.layers.Dense(2)])


def shared(engine):
    x, y = engine.Input((3,), name="x"), engine.Input((3,), name="y")
    dense = engine.layers.Dense(4)
    return engine.Model([x, y], engine.layers.Add()([dense(x), dense(dense(y)[:, :3])]))


def deep_and_shallow(engine):
    """The layers of A(B(A(B(x)))), each called at two depths."""
    x = engine.Input((3,), name="x")
    a, b = engine.layers.Dense(3, name="a"), engine.layers.Dense(3, name="b")
    return engine.Model(x, a(b(a(b(x)))))


def nested(engine):
    x = engine.Input((3,), name="x")
    inner_input = engine.Input((3,), name="inner_input")
    inner = engine.Model(inner_input, engine.layers.Dense(3)(inner_input), name="inner")
    return engine.Model(x, [inner(x), inner(inner(x))])


def nested_stack(engine):
    x = engine.Input((3,), name="x")
    return engine.Model(x, stack(engine)(x) + 1.0)


def dicts(engine):
    inputs = {"b": engine.Input((3,), name="b"), "a": engine.Input((3,), name="a")}
    total = engine.layers.Add()([inputs["a"], inputs["b"]])
    return engine.Model(
        inputs, {"total": total, "parts": [inputs["a"] * 2.0, engine.ops.exp(total)]}
    )


def tuples(engine):
    inputs = (engine.Input((3,), name="x"), engine.Input((3,), name="y"))
    return engine.Model(inputs, (inputs[0] + inputs[1], engine.layers.Dense(2)(inputs[1])))


def masked(engine):
    x = engine.Input((4,), dtype="int32", name="x")
    embedded = engine.layers.Embedding(7, 3, mask_zero=True)(x)
    return engine.Model(x, engine.layers.LSTM(2)(embedded))


def mask_as_argument(engine):
    x = engine.Input(STEPS, name="x")
    mask = engine.Input((4,), dtype="bool", name="mask")
    return engine.Model([x, mask], engine.layers.GRU(2)(x, mask=mask))


def attention(engine):
    x = engine.Input(STEPS, name="x")
    y = engine.Input(STEPS, name="y")
    out, scores = engine.layers.MultiHeadAttention(2, 3)(
        x, value=y, return_attention_scores=True, use_causal_mask=True
    )
    return engine.Model([x, y], [out, scores])


def initial_state(engine):
    x, h = engine.Input(STEPS, name="x"), engine.Input((2,), name="h")
    return engine.Model([x, h], engine.layers.GRU(2, return_state=True)(x, initial_state=h))


def wrappers(engine):
    layers = engine.layers
    x = engine.Input(STEPS, name="x")
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="sum")(x)
    y = layers.TimeDistributed(layers.Dense(2))(y)
    cells = layers.StackedRNNCells([layers.GRUCell(3), layers.LSTMCell(2)])
    return engine.Model(x, layers.RNN(cells)(y))


def convolutions(engine):
    layers = engine.layers
    x = engine.Input(IMAGES, name="x")
    y = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(x), training=False)
    y = layers.Concatenate()([layers.MaxPooling2D()(y), layers.AveragePooling2D(2)(y)])
    return engine.Model(x, layers.Dense(2)(layers.Flatten()(layers.Dropout(0.5)(y))))


def function_layers(engine):
    x = engine.Input((3,), name="x")
    y = engine.layers.Lambda(engine.activations.tanh)(x)
    return engine.Model(x, engine.layers.Activation("softmax")(y), name="named", trainable=True)


def frozen(engine):
    x = engine.Input((3,), name="x")
    return engine.Model(x, engine.layers.Dense(2, trainable=False)(x))


MODELS = [
    stack,
    stack_without_input,
    unbuilt_stack,
    shared,
    deep_and_shallow,
    nested,
    nested_stack,
    dicts,
    tuples,
    masked,
    mask_as_argument,
    attention,
    initial_state,
    wrappers,
    convolutions,
    function_layers,
    frozen,
]


def data_for(model):
    """An array for each input, in the order of the model's inputs."""
    rng = np.random.default_rng(0)
    arrays = []
    for tensor in model.inputs:
        shape = (5, *tensor.shape[1:])
        if tensor.dtype == "float32":
            arrays.append(rng.normal(size=shape).astype("float32"))
        else:
            arrays.append(rng.integers(0, 2, shape).astype(tensor.dtype))
    return arrays


def outputs(engine, model, arrays):
    return leaves_of(model(packed(model, [engine.ops.convert_to_tensor(a) for a in arrays])))


def packed(model, values):
    config = model.get_config()
    if isinstance(config.get("input_layers"), dict):
        return dict(zip(sorted(config["input_layers"]), values, strict=True))
    return values if len(values) > 1 else values[0]


@pytest.mark.parametrize("make", MODELS)
def test_models_cross(make):
    for source, model in zip((minikeras, keras), both(make), strict=True):
        target = keras if source is minikeras else minikeras
        saved = written(source, model)
        fresh_names()
        other = read(target, saved)
        assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
        assert len(other.trainable_weights) == len(model.trainable_weights)
        if not model.built:
            assert not other.built
            continue
        other.set_weights(model.get_weights())
        arrays = data_for(model)
        pairs = zip(outputs(target, other, arrays), outputs(source, model, arrays), strict=True)
        for a, b in pairs:
            assert_close(a, b, length=50)
        again = read(source, written(target, other))
        again.set_weights(model.get_weights())
        for a, b in zip(
            outputs(source, again, arrays), outputs(source, model, arrays), strict=True
        ):
            np.testing.assert_array_equal(a, b)


# Keras carries masks as ops of the graph, ours are carried beside the tensors.
UNMASKED = [make for make in MODELS if make is not masked]


@pytest.mark.parametrize("make", UNMASKED)
def test_configs_are_those_of_keras(make):
    engines = zip((minikeras, keras), both(make), strict=True)
    ours, theirs = (without_defaults(written(*pair)) for pair in engines)
    assert ours == theirs


def without_defaults(saved):
    """The saved form without what Keras fills in, and its `registered_name` for graph models."""
    if isinstance(saved, list):
        return [without_defaults(part) for part in saved]
    if not isinstance(saved, dict):
        return saved
    saved = {key: without_defaults(value) for key, value in saved.items()}
    if saved.get("class_name") == "Functional":
        saved["registered_name"] = None
    if saved.keys() == {"args", "kwargs"}:
        kwargs = saved["kwargs"].items()
        saved["kwargs"] = {k: v for k, v in kwargs if (k, v) != ("mask", None) and k != "training"}
    return saved


def one_output(engine):
    return stack(engine)


def two_outputs(engine):
    x = engine.Input((3,), name="x")
    dense = engine.layers.Dense
    return engine.Model(x, [dense(2, name="a")(x), dense(2, name="b")(x)])


def dict_of_outputs(engine):
    x = engine.Input((3,), name="x")
    dense = engine.layers.Dense
    return engine.Model(x, {"a": dense(2, name="a")(x), "b": dense(2, name="b")(x)})


def compiled(make, **options):
    """A function of an engine that makes a model and compiles it; options may be functions."""

    def model_of(engine):
        model = make(engine)
        arguments = {k: v(engine) if callable(v) else v for k, v in options.items()}
        model.compile(**arguments)
        return model

    return model_of


def momentum(engine):
    return engine.optimizers.SGD(0.1, momentum=0.9, nesterov=True, use_ema=True, clipnorm=1.0)


def scheduled(engine):
    schedule = engine.optimizers.schedules.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=2)
    return engine.optimizers.AdamW(schedule, gradient_accumulation_steps=2)


def scaled(engine):
    return engine.optimizers.LossScaleOptimizer(engine.optimizers.Adam(), initial_scale=8.0)


COMPILED = {
    "strings": compiled(one_output, optimizer="adam", loss="mse", metrics=["mae", "mse"]),
    "no loss": compiled(one_output, optimizer="sgd"),
    "objects": compiled(
        one_output,
        optimizer=momentum,
        loss=lambda engine: engine.losses.Huber(reduction="sum"),
        metrics=lambda engine: [engine.metrics.RootMeanSquaredError(name="root")],
    ),
    "functions": compiled(
        one_output,
        optimizer=scheduled,
        loss=lambda engine: engine.losses.mean_absolute_error,
        weighted_metrics=["mae"],
        jit_compile=False,
        steps_per_execution=2,
    ),
    "loss scale": compiled(one_output, optimizer=scaled, loss="mse", run_eagerly=True),
    "lists": compiled(
        two_outputs,
        optimizer="rmsprop",
        loss=["mse", "mae"],
        loss_weights=[0.5, 2.0],
        metrics=[["mae"], ["mse"]],
    ),
    "dicts": compiled(
        two_outputs,
        optimizer="nadam",
        loss=lambda engine: {"a": "mse", "b": engine.losses.LogCosh()},
        loss_weights={"a": 0.5, "b": 2.0},
        metrics={"a": "mae", "b": ["mse", "mae"]},
        weighted_metrics={"b": "mae"},
    ),
    "dict of outputs": compiled(
        dict_of_outputs, optimizer="adagrad", loss={"a": "mse", "b": "mae"}, auto_scale_loss=False
    ),
}


def first_step(model):
    """Results of one step of training, and the weights after it."""
    rng = np.random.default_rng(1)
    x, a, b = (rng.normal(size=(4, n)).astype("float32") for n in (3, 2, 2))
    y = a
    if len(model.outputs) == 2:
        is_dict = isinstance(model.get_config()["output_layers"], dict)
        y = {"a": a, "b": b} if is_dict else [a, b]
    if model.get_compile_config().get("loss") is None:
        return []
    logs = model.train_on_batch(x, y, return_dict=True)
    return [sorted(logs), *(np.float32(logs[k]) for k in sorted(logs)), *model.get_weights()]


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_models_train_the_same_first_step(name):
    for source, model in zip((minikeras, keras), both(COMPILED[name]), strict=True):
        target = keras if source is minikeras else minikeras
        saved = written(source, model)
        fresh_names()
        other = read(target, saved)
        assert written(target, other)["compile_config"] == saved["compile_config"]
        other.set_weights(model.get_weights())
        for a, b in zip(first_step(other), first_step(model), strict=True):
            if isinstance(a, list):
                assert a == b
            else:
                assert_close(a, b, length=200)


@pytest.mark.parametrize("name", COMPILED)
def test_compile_configs_are_those_of_keras(name):
    engines = zip((minikeras, keras), both(COMPILED[name]), strict=True)
    ours, theirs = (written(*pair)["compile_config"] for pair in engines)
    assert ours == theirs


def lambda_layer(engine, factor=3.0):
    return engine.layers.Lambda(lambda x: x * factor + 1.0, output_shape=(2,))


def test_lambda_expressions_are_read_only_where_they_are_trusted():
    x = np.ones((2, 2), "float32")
    ours = minikeras.layers.serialize(lambda_layer(minikeras))
    with pytest.raises(ValueError, match="safe_mode=False"):
        keras.layers.deserialize(ours)
    with pytest.raises(ValueError, match="safe_mode=False"):
        minikeras.layers.deserialize(ours)
    theirs = keras.layers.Lambda.from_config(dict(ours["config"]), safe_mode=False)
    np.testing.assert_array_equal(theirs(x), np.full((2, 2), 4.0))
    saved = keras.layers.serialize(lambda_layer(keras))
    again = minikeras.layers.Lambda.from_config(saved["config"], safe_mode=False)
    np.testing.assert_array_equal(again(x), np.full((2, 2), 4.0))
