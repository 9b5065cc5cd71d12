"""Graph models by themselves: what runs when, what is shared, what declaring costs."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import models
from minikeras.autograd.primitive import Primitive

X = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")


def residual():
    a = keras.Input((6,), name="a")
    x = keras.layers.Dense(6, "relu", name="inner")(a)
    return keras.Model(a, keras.layers.Dense(2, name="head")(x + a))


@pytest.fixture
def kernels_run(monkeypatch):
    """The names of the ops whose kernels have run."""
    names = []

    def counted(original):
        def compute(self, *args, **kwargs):
            names.append(self.name)
            return original(self, *args, **kwargs)

        return compute

    monkeypatch.setattr(Primitive, "_compute", counted(Primitive._compute))  # fused ops call it
    return names


def vgg16():
    layers = keras.layers
    inputs = x = keras.Input((224, 224, 3))
    zeros = {"kernel_initializer": "zeros", "activation": "relu"}
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = layers.Conv2D(filters, 3, padding="same", **zeros)(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, **zeros)(x)
    return keras.Model(inputs, layers.Dense(10, "softmax", kernel_initializer="zeros")(x))


def test_declaring_a_large_model_runs_no_kernel(kernels_run):
    keras.ops.exp(keras.ops.ones(2))
    assert "exp" in kernels_run, "the counter must see kernels, or it would prove nothing"
    kernels_run.clear()
    model = vgg16()
    assert model.output_shape == (None, 10)
    assert model.count_params() > 16_000_000
    filling = {"zeros", "full", "broadcast_to", "cast"}
    assert set(kernels_run) <= filling, sorted(set(kernels_run) - filling)
    assert len(kernels_run) <= 2 * len(model.weights)


def test_no_op_runs_twice(kernels_run):
    model = residual()
    kernels_run.clear()
    model(X)
    assert kernels_run.count("add") == 1
    assert sum("dense" in name or name == "matmul" for name in kernels_run) == 2


def test_a_graph_computes_what_its_layers_compute():
    model = residual()
    inner, head = model.get_layer("inner"), model.get_layer("head")
    x = keras.ops.convert_to_tensor(X)
    np.testing.assert_array_equal(model(x), head(inner(x) + x))


def test_layers_keep_their_weights_in_every_model():
    model = residual()
    part = keras.Model(model.inputs, model.get_layer("inner").output)
    assert part.weights[0] is model.weights[0]
    model.get_layer("inner").set_weights([np.zeros((6, 6)), np.ones(6)])
    np.testing.assert_array_equal(part(X), np.ones((8, 6)))


def test_a_model_cut_out_of_the_middle():
    model = residual()
    head = model.get_layer("head")
    rest = keras.Model(head.input, head.output)
    assert [layer.name for layer in rest.layers][1:] == ["head"]
    np.testing.assert_array_equal(rest(X), head(X))
    assert model.output_shape == (None, 2), "the model it was cut out of stays as it was"
    model(X)


def test_nests_of_inputs_and_outputs():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    model = keras.Model({"x": a, "more": [b]}, {"sum": [a + b], "difference": a - b})
    outputs = model({"x": X, "more": [2 * X]})
    np.testing.assert_allclose(outputs["sum"][0], 3 * X, rtol=1e-6)
    np.testing.assert_allclose(outputs["difference"], -X, rtol=1e-6)
    again = keras.Model.from_config(model.get_config())
    np.testing.assert_allclose(again({"x": X, "more": [X]})["sum"][0], 2 * X, rtol=1e-6)


def test_unknown_sizes_pass_through():
    a = keras.Input((None, 3))
    model = keras.Model(a, keras.layers.Dense(2)(keras.ops.concatenate([a, a], axis=1)))
    assert model.output_shape == (None, None, 2)
    assert model(np.ones((4, 5, 3))).shape == (4, 10, 2)
    assert model.compute_output_shape((4, 5, 3)) == (4, 10, 2)


def test_very_deep_graphs():
    x = inputs = keras.Input((2,))
    for _ in range(3000):
        x = x + 1.0
    model = keras.Model(inputs, x)
    np.testing.assert_array_equal(model(np.zeros((1, 2))), [[3000.0, 3000.0]])


def test_copies_have_weights_of_their_own():
    model = residual()
    copied = models.clone_model(model)
    assert [v.name for v in copied.weights] == [v.name for v in model.weights]
    assert not {id(v) for v in copied.weights} & {id(v) for v in model.weights}
    copied.set_weights(model.get_weights())
    np.testing.assert_array_equal(copied(X), model(X))


def test_copies_inside_copies():
    inner = residual()
    b = keras.Input((6,))
    outer = keras.Model(b, inner(b))
    names = []

    def noted(layer):
        names.append(layer.name)
        return type(layer).from_config(layer.get_config())

    models.clone_model(outer, clone_function=noted)
    assert names == [inner.name]
    names.clear()
    copied = models.clone_model(outer, clone_function=noted, recursive=True)
    assert names == ["inner", "head"]
    copied.set_weights(outer.get_weights())
    np.testing.assert_array_equal(copied(X), outer(X))


def test_subclasses_keep_their_class():
    class Own(keras.Model):
        def __init__(self, units):
            inputs = keras.Input((6,))
            super().__init__(inputs, keras.layers.Dense(units)(inputs), name="own")

        def twice(self, x):
            return 2 * self(x)

    class More(Own):
        pass

    for cls in (Own, More):
        model = cls(3)
        assert type(model) is cls
        assert isinstance(model, models.Functional)
        np.testing.assert_allclose(model.twice(X), 2 * np.asarray(model(X)))
        assert model.output_shape == (None, 3)
    assert not isinstance(keras.Sequential(), models.Functional)
