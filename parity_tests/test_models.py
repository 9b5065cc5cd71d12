"""Models of all kinds against Keras: names, summaries, configs, outputs."""

import json

import numpy as np
import pytest

from parity_tests.scenario import same
from parity_tests.test_training import X2, X, mlp, two_headed

pytestmark = pytest.mark.parity

TOKENS = (np.abs(X[:, :4]) * 3).astype("int32") % 7
# Written by Keras at every layer, without a meaning here or without a value.
UNUSED = {"quantization_config", "registered_name"}
OPTIONAL = {"activity_regularizer", "compile_config", "build_config"}


def text(model, **options):
    parts = []
    model.summary(print_fn=lambda s, **_: parts.append(s), line_length=110, **options)
    return "\n".join(parts)


def described(model):
    """What a user sees of a model's structure."""
    weights = [(v.name, v.path, tuple(v.shape), v.dtype, v.trainable) for v in model.weights]
    return {
        "summary": text(model),
        "weights": weights,
        "trainable": [v.path for v in model.trainable_variables],
        "variables": [v.path for v in model.variables],
        "layers": [layer.name for layer in model.layers],
        "params": model.count_params(),
    }


def written(config):
    """A config as JSON holds it, less what is left out where it says nothing."""
    return _cleaned(json.loads(json.dumps(config, default=str)))


def _cleaned(value):
    if isinstance(value, dict):
        return {
            key: _cleaned(value[key])
            for key in sorted(value)
            if key not in UNUSED
            and not (key in OPTIONAL and value[key] in (None, {}, {"input_shape": None}))
        }
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


# Stacks


@scenario
def a_stack(k):
    m = mlp(k)
    saved = written(m.get_config()), written(json.loads(m.to_json()))
    return described(m), saved, m.input_shape, m.output_shape, m.compute_output_shape((7, 6))


@scenario
def a_stack_built_later(k):
    m = k.Sequential([k.layers.Dense(5), k.layers.Dense(2)])
    before = text(m), m.built, [layer.name for layer in m.layers], written(m.get_config())
    m(X)
    return before, described(m), written(m.get_config()), m.built, m.input_shape


@scenario
def a_stack_built_by_shape(k):
    m = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
    m.build((None, 6))
    return described(m), written(m.get_config())


@scenario
def a_stack_that_changes(k):
    m = k.Sequential(name="s")
    m.add(k.layers.Dense(3, input_shape=(6,)))
    m.add(k.layers.Dense(4))
    m.pop()
    m.add(k.layers.Dense(5, name="z"))
    other = k.Sequential([k.layers.Dense(3, input_dim=6)])
    return described(m), written(m.get_config()), m.output_shape, described(other)


@scenario
def a_stack_of_known_batch(k):
    m = k.Sequential([k.Input(batch_shape=(4, 6)), k.layers.Dense(3)])
    return described(m), m.input_shape, written(m.get_config())


@scenario
def a_stack_in_a_stack(k):
    inner = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)], name="inner")
    m = k.Sequential([k.Input((6,)), inner, k.layers.Dense(1)])
    nested = text(m, expand_nested=True)
    on_top = k.Sequential([mlp(k), k.layers.Dense(1)])
    return described(m), nested, written(m.get_config()), described(on_top), on_top(X).shape[-1]


# Graphs


@scenario
def several_inputs_and_outputs(k):
    m = two_headed(k)
    saved = written(m.get_config()), written(json.loads(m.to_json()))
    shapes = m.input_shape, m.output_shape, m.compute_output_shape([(5, 6), (5, 3)])
    return described(m), saved, shapes, list(m.output_names)


@scenario
def outputs_in_a_dict(k):
    m = two_headed(k, "dict")
    shapes = m.output_shape, m.compute_output_shape([(5, 6), (5, 3)])
    return described(m), written(m.get_config()), shapes, list(m.output_names)


@scenario
def outputs_in_a_nest(k):
    a = k.Input((6,))
    m = k.Model(a, [k.layers.Dense(2)(a), {"deep": k.layers.Dense(1)(a)}])
    return described(m), written(m.get_config()), m.output_shape, m.predict(X, verbose=0)


@scenario
def inputs_in_a_dict(k):
    inputs = {"q": k.Input((6,), name="q"), "p": k.Input((3,), name="p")}
    m = k.Model(inputs, k.layers.Concatenate()([inputs["q"], inputs["p"]]))
    return described(m), written(m.get_config()), m.predict({"p": X2, "q": X}, verbose=0)


@scenario
def a_shared_layer(k):
    shared = k.layers.Dense(6, name="shared")
    a, b = k.Input((6,)), k.Input((6,))
    m = k.Model([a, b], k.layers.Add()([shared(a), shared(shared(b))]))
    outputs = m.predict([X, 2 * X], verbose=0)
    return described(m), written(m.get_config()), len(shared._inbound_nodes), outputs


@scenario
def a_model_as_a_layer(k):
    inner = mlp(k)
    a, b = k.Input((6,)), k.Input((6,))
    m = k.Model([a, b], k.layers.Concatenate()([inner(a), inner(b)]))
    return described(m), text(m, expand_nested=True), m.predict([X, X], verbose=0)


@scenario
def a_graph_as_a_layer(k):
    a = k.Input((6,))
    inner = k.Model(a, k.ops.add(k.layers.Dense(6)(a), a))
    b = k.Input((6,))
    m = k.Model(b, [inner(b), inner(inner(b))], name="outer")
    return described(m), text(m, expand_nested=True), m.predict(X, verbose=0)


@scenario
def a_part_of_a_model(k):
    m = mlp(k)
    front = k.Model(m.inputs, m.layers[0].output)
    both = k.Model(m.inputs, [layer.output for layer in m.layers])
    graph = two_headed(k)
    middle = graph.get_layer("u")
    rest = k.Model(middle.input, middle.output)
    predicted = front.predict(X, verbose=0), both.predict(X, verbose=0)
    return described(front), described(both), predicted, described(rest), written(rest.get_config())


@scenario
def ops_in_a_graph(k):
    a = k.Input((6,), name="a")
    x = a * 2.0 + a
    x = k.ops.concatenate([k.ops.mean(x, axis=-1, keepdims=True), x[:, 0:1]], axis=-1)
    x = -(1.0 - (k.ops.relu(x) - 1.0))
    x = k.ops.reshape(k.ops.matmul(x, np.ones((2, 3), "float32")), (-1, 3, 1))
    first, second = k.ops.split(x**2, [1], axis=1)
    m = k.Model(a, [second, first])
    return described(m), m.predict(X, verbose=0)


@scenario
def inputs_that_nothing_uses_or_changes(k):
    a, b = k.Input((6,), name="a"), k.Input((3,), name="b")
    unused = k.Model([a, b], k.layers.Dense(2)(a))
    through = k.Model(a, [a, k.layers.Dense(2)(a)])
    predicted = unused.predict([X, X2], verbose=0), through.predict(X, verbose=0)
    return described(unused), described(through), predicted


@scenario
def branches_of_an_image(k):
    layers, a = k.layers, k.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(a)
    x = layers.MaxPooling2D()(layers.Add()([x, layers.Conv2D(4, 1)(x)]))
    m = k.Model(a, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    return described(m), written(m.get_config())


@scenario
def training_said_in_the_graph(k):
    a = k.Input((6,))
    m = k.Model(a, k.layers.Dropout(0.5)(a, training=True))
    return written(m.get_config()), m.predict(X, verbose=0), np.asarray(m(X))


@scenario
def masks_in_a_graph(k):
    a = k.Input((4,), dtype="int32")
    x = k.layers.Dense(2)(k.layers.Embedding(7, 3, mask_zero=True)(a))
    m = k.Model(a, [k.layers.GlobalAveragePooling1D()(x), k.layers.LSTM(2)(x)])
    return m.predict(TOKENS, verbose=0), [v.path for v in m.weights]


@scenario
def ranks_that_are_off_by_one(k):
    m = k.Sequential([k.Input((1,)), k.layers.Dense(2)])
    return m.predict(X[:, 0], verbose=0), np.asarray(m(X[:, 0]))


# Copies


@scenario
def models_from_configs(k):
    descriptions = []
    for m in (two_headed(k), two_headed(k, "dict"), mlp(k)):
        again = type(m).from_config(m.get_config())
        again.set_weights(m.get_weights())
        descriptions += [described(again), described(k.models.model_from_json(m.to_json()))]
    return descriptions


@scenario
def clones(k):
    def wider(layer):
        config = layer.get_config()
        if "units" in config:
            config["units"] = 7
        return type(layer).from_config(config)

    graph, stack = k.models.clone_model(two_headed(k)), k.models.clone_model(mlp(k))
    changed = k.models.clone_model(mlp(k), clone_function=wider)
    tensors = [k.Input((6,), name="first"), k.Input((3,), name="second")]
    moved = k.models.clone_model(two_headed(k), input_tensors=tensors)
    weights = graph.get_weights(), stack.get_weights()
    return [described(m) for m in (graph, stack, changed, moved)], weights


@scenario
def clones_with_other_calls(k):
    def and_dropout(layer, *args, **kwargs):
        y = layer(*args, **kwargs)
        return k.layers.Dropout(0.5)(y) if isinstance(layer, k.layers.Dense) else y

    x = k.Input((3,))
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
    nested = k.Model(x, two_layers(k)(x))
    models = nested, k.Model(x, inner(nested(x)) * 2)
    return [
        described(k.models.clone_model(model, call_function=and_dropout, recursive=recursive))
        for model in models
        for recursive in (False, True)
    ]


def two_layers(k):
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(4)(k.layers.Dense(5)(x)))


@scenario
def operations_of_a_user(k):
    class Power(k.Operation):
        def __init__(self, exponent, name=None):
            super().__init__(name=name)
            self.exponent = exponent

        def call(self, x):
            return x**self.exponent

        def compute_output_spec(self, x):
            return k.KerasTensor(x.shape, x.dtype)

    x = k.Input((3,))
    function = k.Function(x, {"y": Power(3)(x), "z": k.ops.sum(x, axis=-1)})
    shapes = function.compute_output_shape((4, 3))
    spec = Power(2)(k.KerasTensor((2, 3), "float32"))
    values = k.tree.map_structure(k.ops.convert_to_numpy, function(X[:, :3]))
    return shapes, spec.shape, values, Power(2, name="square").name


@scenario
def compiled_models(k):
    m = mlp(k)
    m.compile("adam", "mse", metrics=["mae"])
    again = k.models.model_from_json(m.to_json())
    return written(json.loads(m.to_json())), again.optimizer.get_config(), again.loss


# Subclasses and layers of a user's own


@scenario
def a_subclass(k):
    class Own(k.Model):
        def __init__(self, units=3):
            super().__init__()
            self.first = k.layers.Dense(units)
            self.several = [k.layers.Dense(2), k.layers.Dense(2)]
            self.named = {"last": k.layers.Dense(1)}

        def call(self, x):
            x = self.first(x)
            for layer in self.several:
                x = layer(x)
            return self.named["last"](x)

    m = Own()
    before = text(m), m.built
    m(X)
    return before, described(m), m.built


@scenario
def a_subclass_with_a_build(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = k.layers.Dense(3)

        def build(self, input_shape):
            self.dense.build(input_shape)
            self.gain = self.add_weight(shape=(3,), name="gain", initializer="ones")

        def call(self, x):
            return self.dense(x) * self.gain

    m = Own()
    m.build((None, 6))
    return described(m)


@scenario
def a_subclass_of_a_graph(k):
    class Own(k.Model):
        def __init__(self, units):
            inputs = k.Input((6,))
            super().__init__(inputs, k.layers.Dense(units)(inputs))
            self.units = units

    m = Own(3)
    bases = [cls.__name__ for cls in type(m).__mro__[:2]]
    return described(m), bases, type(m) is Own, m.predict(X, verbose=0)


@scenario
def layers_of_ones_own(k):
    class Scale(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            shape = (input_shape[-1], self.units)
            self.kernel = self.add_weight(shape=shape, initializer="ones", name="kernel")
            self.shift = self.add_weight(shape=(self.units,), trainable=False)

        def call(self, x):
            return k.ops.matmul(x, self.kernel) + self.shift

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Block(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.scale = Scale(3)
            self.rest = [k.layers.Dense(2)]

        def call(self, x, training=None):
            return self.rest[0](self.scale(x))

    a = k.Input((6,))
    m = k.Model(a, Block()(a))
    nested = text(m, expand_nested=True)
    return described(m), nested, Scale(4, name="s").get_config()


@scenario
def frozen_parts(k):
    m = mlp(k)
    m.layers[0].trainable = False
    part = text(m, show_trainable=True), described(m)
    m.trainable = False
    whole = described(m), [layer.trainable for layer in m.layers]
    m.trainable = True
    return part, whole, described(m)


@scenario
def dtypes_of_layers(k):
    mixed, double = k.layers.Dense(3, dtype="mixed_float16"), k.layers.Dense(2, dtype="float64")
    m = k.Sequential([k.Input((6,)), mixed, double])
    dtypes = mixed.compute_dtype, mixed.variable_dtype, mixed.output.dtype, double.output.dtype
    return described(m), written(m.get_config()), dtypes, str(np.asarray(m(X)).dtype)


@scenario
def automatic_names(k):
    layers = k.layers
    things = [layers.Dense(1), layers.Dense(1), layers.Activation("relu"), mlp(k), k.Sequential()]
    things += [two_headed(k), layers.GlobalAveragePooling1D(), layers.LSTM(2), k.Input((1,))]
    k.utils.clear_session()
    return [thing.name for thing in things], layers.Dense(1).name, k.Sequential().name


@scenario
def what_a_layer_tells(k):
    m = mlp(k)
    layer = m.layers[0]
    tensors = [t.shape for t in (layer.input, layer.output, m.inputs[0], m.outputs[0])]
    return tensors, layer.path, layer.count_params(), m.inputs[0].name, m.get_layer(index=1).name


@pytest.mark.parametrize("name", SCENARIOS)
def test_models(name):
    same(SCENARIOS[name], length=8)
