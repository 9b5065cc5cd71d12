"""Layers called by their `call`, and recurrent layers that scripts write as steps."""

import numpy as np
import pytest
from minikeras.keras2.layers.recurrent import _time_distributed_dense

from minikeras.keras2 import backend as K
from minikeras.keras2 import layers
from minikeras.keras2.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    ConvLSTM2D,
    ConvLSTM2DCell,
    ConvRecurrent2D,
    ConvRNN2D,
    Dense,
    Dropout,
    Input,
    Layer,
    Recurrent,
    SimpleRNN,
    TimeDistributed,
    Wrapper,
)
from minikeras.keras2.models import Model, Sequential, load_model
from minikeras.keras2.utils import CustomObjectScope

RNG = np.random.default_rng(0)
SEQUENCES = RNG.normal(size=(2, 5, 4)).astype("float32")
GATED = [SimpleRNN, GRU, LSTM]


class Attending(LSTM):
    """As scripts of Keras 1 derived a layer from LSTM: each step looks at another input."""

    def __init__(self, size, attended, **kwargs):
        self.attended = attended
        super().__init__(size, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        width = K.int_shape(self.attended)[-1]
        self.U_m = self.inner_init((width, self.output_dim), name="U_m")
        self.trainable_weights += [self.U_m]

    def step(self, x, states):
        h, [h, c] = super().step(x, states)
        m = K.sigmoid(states[4])
        return h * m, [h * m, c]

    def get_constants(self, x):
        return [*super().get_constants(x), K.dot(self.attended, self.U_m)]


class Sums(Recurrent):
    """Sums of the steps, times a weight."""

    def __init__(self, size, **kwargs):
        self.output_dim = size
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [layers.InputSpec(shape=input_shape)]
        self.states = [None]
        if self.stateful:
            self.reset_states()
        self.W = self.add_weight((input_shape[-1], self.output_dim), initializer="one")
        self.built = True

    def step(self, x, states):
        h = K.dot(x, self.W) + states[0]
        return h, [h]


class Conditioned(Layer):
    """A cell that also gets a tensor that is the same in every step."""

    def __init__(self, units, **kwargs):
        self.units = self.state_size = units
        super().__init__(**kwargs)

    def build(self, input_shape):
        step, constant = input_shape
        self.kernel = self.add_weight("kernel", (step[-1], self.units))
        self.condition = self.add_weight("condition", (constant[-1], self.units))
        self.built = True

    def call(self, x, states, constants):
        h = K.dot(x, self.kernel) + K.dot(constants[0], self.condition) + states[0]
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_call_of_a_layer_depends_on_the_learning_phase():
    x = Input((4,))
    y = Dropout(0.5).call(x)
    f = K.function([x, K.learning_phase()], [y])
    assert f([np.ones((9, 4)), 0])[0].min() == 1.0 and f([np.ones((9, 4)), 1])[0].min() == 0.0
    assert y._uses_learning_phase
    K.set_learning_phase(1)
    y = Dropout(0.5).call(x)
    K.clear_learning_phase()
    assert K.function([x], [y])([np.ones((9, 4))])[0].min() == 0.0


@pytest.mark.parametrize("make", [lambda cls: cls(3), lambda cls: Bidirectional(cls(3))])
@pytest.mark.parametrize("cls", GATED)
def test_call_of_a_recurrent_layer_is_part_of_the_graph(cls, make):
    x, layer = Input((5, 4)), make(cls)
    layer.build((None, 5, 4))
    y = layer.call(x)
    values = K.function([x], [y, *K.gradients(y, layer.trainable_weights)])([SEQUENCES])
    np.testing.assert_allclose(values[0], Model(x, layer(x)).predict(SEQUENCES), rtol=1e-5)
    assert all(np.abs(g).max() > 0 for g in values[1:])


def test_a_wrapper_calls_its_layer_and_is_saved_with_it():
    class Halved(Wrapper):
        def build(self, input_shape):
            self.layer.build(input_shape)
            self.rate = self.layer.add_weight("rate", (), initializer="ones")
            super().build()

        def call(self, x):
            return self.layer.call(x) / 2 * self.rate

        def compute_output_shape(self, input_shape):
            return self.layer.compute_output_shape(input_shape)

    model = Sequential([Halved(Dense(2, use_bias=False), input_shape=(3,))])
    kernel = model.layers[0].layer.get_weights()[0]
    np.testing.assert_allclose(model.predict(np.eye(3)), kernel / 2, rtol=1e-6)
    assert len(model.trainable_weights) == 2
    again = Halved.from_config(model.layers[0].get_config())
    assert isinstance(again.layer, Dense) and again.layer.units == 2
    assert isinstance(TimeDistributed(Dense(2)), Wrapper)
    assert isinstance(Bidirectional(LSTM(2)), Wrapper)
    with pytest.raises(TypeError, match="layer"):
        Wrapper()


@pytest.mark.parametrize("options", [{}, {"consume_less": "mem"}, {"consume_less": "gpu"}])
@pytest.mark.parametrize("cls", GATED)
def test_steps_of_the_package_are_its_formulas(cls, options):
    class Stepped(cls):
        def step(self, x, states):
            return super().step(x, states)

    x = Input((5, 4))
    options = {} if cls is SimpleRNN else options
    one, other = (Model(x, make(x)) for make in (cls(3), Stepped(3, **options)))
    other.set_weights(one.get_weights())
    np.testing.assert_allclose(other.predict(SEQUENCES), one.predict(SEQUENCES), atol=1e-6)


@pytest.mark.parametrize(
    "options", [{}, {"dropout_W": 0.2, "dropout_U": 0.2}, {"return_sequences": True}]
)
def test_a_layer_derived_from_lstm_by_steps_trains(options):
    x, attended = Input((5, 4)), Input((6,))
    layer = Attending(3, attended, **options)
    model = Model([x, attended], layer(x))
    model.compile("sgd", "mse")
    assert model.uses_learning_phase == ("dropout_W" in options)
    data = [SEQUENCES, np.ones((2, 6))]
    targets = np.zeros_like(model.predict(data))
    before = model.get_weights()
    model.train_on_batch(data, targets)
    assert len(before) == 4
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.abs(old - new).max() > 0


def test_a_recurrent_layer_of_ones_own():
    model = Sequential(
        [Sums(2, input_dim=3, input_length=4, return_sequences=True), Sums(2, go_backwards=True)]
    )
    assert model.output_shape == (None, 2) and model.layers[0].consume_less == "cpu"
    assert model.predict(np.ones((1, 4, 3))).tolist() == [[2 * 3 * (1 + 2 + 3 + 4.0)] * 2]
    output, state = Sums(2, return_state=True)(Input((4, 3)))
    assert K.int_shape(output) == K.int_shape(state) == (None, 2)
    with pytest.raises(TypeError, match="step"):
        Recurrent().step(None, [])


def test_a_stateful_layer_of_ones_own_goes_on_from_its_states():
    model = Sequential([Sums(2, batch_input_shape=(2, 4, 3), stateful=True)])
    assert [model.predict(np.ones((2, 4, 3)))[0, 0] for _ in range(3)] == [12.0, 24.0, 36.0]
    model.reset_states()
    model.compile("sgd", "mse")
    model.evaluate(np.ones((2, 4, 3)), np.zeros((2, 2)), batch_size=2, verbose=0)
    assert model.predict(np.ones((2, 4, 3)))[0, 0] == 24.0
    model.layers[0].reset_states(np.ones((2, 2)))
    assert model.predict(np.ones((2, 4, 3)))[0, 0] == 13.0
    with pytest.raises(AttributeError, match="stateful"):
        Sums(2).reset_states()
    with pytest.raises(ValueError, match="batch size"):
        Sums(2, stateful=True)(Input((4, 3)))


@pytest.mark.parametrize("wrap", [lambda layer: layer, Bidirectional])
def test_constants_reach_the_cell_in_every_step(wrap):
    x, c = Input((5, 4)), Input((6,))
    with CustomObjectScope({"Conditioned": Conditioned}):
        layer = wrap(RNN(Conditioned(3)))
    model = Model([x, c], layer(x, constants=c))
    values = RNG.normal(size=(2, 6)).astype("float32")
    kernel, condition = model.get_weights()[:2]
    wanted = SEQUENCES.sum(axis=1) @ kernel + 5 * values @ condition
    np.testing.assert_allclose(model.predict([SEQUENCES, values])[:, :3], wanted, rtol=1e-4)


@pytest.mark.parametrize("states", [0, 1, 2])
def test_constants_are_read_back_from_configs(states, tmp_path):
    x, c, first = Input((5, 4)), Input((6,)), [Input((3,)) for _ in range(states)]
    wrap = Bidirectional if states == 2 else lambda layer: layer
    with CustomObjectScope({"Conditioned": Conditioned}):
        layer = wrap(RNN(Conditioned(3)))
        model = Model([x, *first, c], layer(x, constants=c, initial_state=first or None))
        model.compile("sgd", "mse")
        model.save(tmp_path / "model.h5")
        copies = [Model.from_config(model.get_config()), load_model(tmp_path / "model.h5")]
    copies[0].set_weights(model.get_weights())
    shapes = [(2, 5, 4), *[(2, 3)] * states, (2, 6)]
    data = [RNG.normal(size=shape).astype("float32") for shape in shapes]
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(data), model.predict(data))


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}])
def test_a_cell_of_convolutions_is_run_by_conv_rnn(options):
    x = Input((3, 6, 7, 2))
    cell = ConvLSTM2DCell(2, 3, strides=2)
    whole, by_cell = ConvLSTM2D(2, 3, strides=2, **options), ConvRNN2D(cell, **options)
    models = [Model(x, y if isinstance(y, list) else [y]) for y in (whole(x), by_cell(x))]
    assert models[0].output_shape == models[1].output_shape
    models[1].set_weights(models[0].get_weights())
    frames = RNG.normal(size=(2, 3, 6, 7, 2))
    for one, other in zip(*(model.predict(frames) for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert ConvRNN2D.from_config(by_cell.get_config()).cell.get_config() == cell.get_config()
    with pytest.raises(TypeError, match="unroll"):
        ConvRNN2D(cell, unroll=True)


def test_steps_over_images():
    class Means(ConvRecurrent2D):
        def build(self, input_shape):
            self.states = [None]
            self.built = True

        def get_initial_states(self, x):
            return [K.zeros_like(x[:, 0])]

        def step(self, x, states):
            return x + states[0], [x + states[0]]

    layer = Means(nb_filter=2, nb_row=1, nb_col=1, dim_ordering="tf", return_sequences=True)
    x = Input((3, 6, 7, 2))
    frames = RNG.normal(size=(2, 3, 6, 7, 2))
    sums = Model(x, layer(x)).predict(frames)
    np.testing.assert_allclose(sums, np.cumsum(frames, axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer, shape, names",
    [
        (Dense(3), (None, 4), {"W": "kernel", "b": "bias", "output_dim": "units"}),
        (layers.Convolution2D(3, 2, 2), (None, 4, 4, 1), {"W": "kernel", "nb_filter": "filters"}),
        (layers.BatchNormalization(), (None, 4), {"running_mean": "moving_mean"}),
        (Dropout(0.3), (None, 4), {"p": "rate"}),
        (layers.LeakyReLU(0.3), (None, 4), {"alpha": "negative_slope"}),
        (GRU(3), (None, 5, 4), {"output_dim": "units", "inner_activation": "recurrent_activation"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_attributes_of_keras_1(layer, shape, names):
    layer.build(shape)
    for old, new in names.items():
        assert getattr(layer, old) is getattr(layer, new)
    with pytest.raises(AttributeError, match="wrong"):
        layer.wrong  # noqa: B018
    with pytest.raises(AttributeError, match="not connected"):
        layer.output  # noqa: B018


def test_weights_of_a_gate_are_a_part_of_those_of_all():
    layer = LSTM(3)
    layer.build((None, 5, 4))
    kernel, recurrent, bias = layer.get_weights()
    assert layer.kernel is layer.W is layer.cell.kernel
    for name, whole in (("W", kernel), ("U", recurrent), ("b", bias)):
        for k, gate in enumerate("ifco"):
            part = K.eval(getattr(layer, f"{name}_{gate}"))
            np.testing.assert_array_equal(part, whole[..., 3 * k : 3 * k + 3])


def test_a_dense_layer_over_time_drops_the_same_in_all_steps():
    x = K.ones((2, 3, 50))
    y = _time_distributed_dense(x, K.constant(np.eye(50)), dropout=0.5)
    values = K.function([K.learning_phase()], [y])([1])[0]
    assert 0 < (values == 0).mean() < 1
    np.testing.assert_array_equal(values[:, 0], values[:, 2])
