"""Methods and attributes of layers and networks that scripts of Keras 1 and 2 use."""

import h5py
import numpy as np
import pytest
from minikeras.keras2.engine.topology import Container, InputSpec, Network, Node

from minikeras.keras2 import backend as K
from minikeras.keras2 import constraints, initializers, layers, optimizers
from minikeras.keras2.engine import topology
from minikeras.keras2.layers import Dense, Dropout, Input, InputLayer, Layer, Merge
from minikeras.keras2.models import Model, Sequential


class Linear(Layer):
    """A layer as they were written for Keras 1."""

    def __init__(self, size, **kwargs):
        self.size = size
        self.uses_learning_phase = True
        super().__init__(**kwargs)
        self.input_spec = [InputSpec(ndim="2+")]

    def build(self, input_shape):
        self.W = K.variable(np.ones((input_shape[-1], self.size)))
        self._trainable_weights.append(self.W)
        self.constraints[self.W] = constraints.NonNeg()
        self.built = True

    def call(self, x, mask=None):
        return K.dot(x, self.W)

    def get_output_shape_for(self, input_shape):
        return (*input_shape[:-1], self.size)


def stack():
    return Sequential([Dense(3, input_dim=4, name="a"), Dropout(0.5, name="d"), Dense(2, name="b")])


def test_a_node_tells_where_its_inputs_come_from():
    x = Input((3,), name="x")
    shared, join = Dense(2, name="shared"), layers.Add(name="join")
    first, second = shared(x), shared(x)
    join([second, first])
    node = join.inbound_nodes[0]
    assert node.outbound_layer is join and node.inbound_layers == [shared, shared]
    assert node.node_indices == [1, 0] and node.tensor_indices == [0, 0]
    assert node.input_tensors == [second, first] and node.output_tensors == [join.output]
    assert node.input_shapes == [(None, 2)] * 2 and node.output_shapes == [(None, 2)]
    assert node.get_config() == {
        "outbound_layer": "join",
        "inbound_layers": ["shared", "shared"],
        "node_indices": [1, 0],
        "tensor_indices": [0, 0],
    }
    assert x._keras_history[0].inbound_nodes[0].inbound_layers == []


def test_a_node_can_be_made_for_the_result_of_a_function():
    x = Input((3,))
    y = K.square(x)
    layer = Layer(name="square")
    Node(layer, [x._keras_history[0]], [0], [0], [x], [y], [None], [None], [(None, 3)], [(None, 3)])
    assert layer.output is y and topology.get_source_inputs(y) == [x]
    assert Model(x, y).predict(np.full((1, 3), 2.0)).tolist() == [[4.0] * 3]


def test_methods_of_layers_of_keras_1():
    layer = Linear(2)
    layer.create_input_layer((None, 3))
    assert layer.output_shape == layer.get_output_shape_for((None, 3)) == (None, 2)
    assert layer.trainable_weights == [layer.W] and layer.output._uses_learning_phase
    assert list(layer.constraints) == [layer.W] and layer.W.constraint is not None
    dense = Dense(5)
    dense.add_inbound_node(layer)
    assert dense.inbound_nodes[0].inbound_layers == [layer] and dense.output_shape == (None, 5)
    with pytest.warns(UserWarning, match="no effect"):
        assert layer.regularizers == []


@pytest.mark.parametrize("make", [Dense, Linear])
def test_inputs_are_compared_with_what_a_layer_expects(make):
    layer = make(2)
    with pytest.raises(ValueError, match=layer.name):
        layer(Input(()))
    layer.assert_input_compatibility(Input((3,)))
    with pytest.raises(ValueError, match="no tensor"):
        layer.assert_input_compatibility(3)


def test_a_base_layer_returns_its_inputs():
    x = Input((3,))
    assert Model(x, Layer()(x)).predict(np.ones((1, 3))).tolist() == [[1.0] * 3]
    assert InputLayer(input_shape=(3,), input_dtype="int32").output.dtype == "int32"
    with pytest.raises(TypeError, match="sizes"):
        InputLayer(sizes=3)


@pytest.mark.parametrize("ndim", ["2", "+", "x+", "2+1"])
def test_a_lower_bound_of_the_rank_has_one_form(ndim):
    with pytest.raises(ValueError, match="2\\+"):
        InputSpec(ndim=ndim)


def test_what_depends_on_the_learning_phase_says_so():
    model = stack()
    assert model.uses_learning_phase
    assert [layer.uses_learning_phase for layer in model.layers] == [False, True, False]
    assert not Sequential([Dense(2, input_dim=3)]).uses_learning_phase
    assert Sequential([layers.BatchNormalization(input_shape=(3,))]).uses_learning_phase
    assert Sequential([layers.LSTM(2, dropout=0.1, input_shape=(4, 3))]).uses_learning_phase
    assert not Sequential([layers.LSTM(2, input_shape=(4, 3))]).uses_learning_phase
    K.set_learning_phase(0)
    assert not stack().uses_learning_phase
    K.clear_learning_phase()


def test_a_network_tells_of_its_graph():
    model = stack()
    names = {depth: [part.name for part in at] for depth, at in model.layers_by_depth.items()}
    assert names == {3: ["a_input"], 2: ["a"], 1: ["d"], 0: ["b"]}
    assert model.container_nodes == {"a_input_ib-0", "a_ib-0", "d_ib-0", "b_ib-0"}
    assert [node.outbound_layer.name for node in model.nodes_by_depth[1]] == ["d"]
    assert [part.name for part in model.input_layers + model.output_layers] == ["a_input", "b"]
    assert model.internal_input_shapes == [(None, 4)]
    assert model.model is model and model.flattened_layers == model.layers
    joined = Merge([stack(), Sequential([Dense(1, input_dim=2)])], mode="concat")
    assert len(Sequential([joined, Dense(1)]).flattened_layers) == 3 + 1 + 1
    assert Container is Network


def test_a_network_runs_again_on_other_tensors():
    model = stack()
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    tensor = Input((4,))
    outputs, masks, shapes = model.run_internal_graph([tensor])
    assert masks == [None] and shapes == [(None, 2)]
    for again in (outputs[0], model.call(tensor)):
        values = K.function([tensor], [again])([x])[0]
        np.testing.assert_allclose(values, model.predict(x), rtol=1e-6)


def test_functions_of_a_model_are_called_with_its_standardized_data():
    model = Sequential([Dense(2, input_dim=4)])
    model.compile("sgd", "mse")
    for make in (model._make_train_function, model._make_test_function):
        make()
    model._make_predict_function()
    x, y, weights = model._standardize_user_data(np.ones((3, 4)), np.zeros((3, 2)))
    loss = model.test_function([*x, *y, *weights, 0.0])[0]
    np.testing.assert_allclose(loss, np.mean(np.square(model.predict_function(x)[0])), rtol=1e-6)
    gradients = model.optimizer.get_gradients(model.total_loss, model.trainable_weights)
    places = model._feed_inputs + model._feed_targets + model._feed_sample_weights
    values = K.function([*places, K.learning_phase()], gradients)([*x, *y, *weights, 1])
    before = model.get_weights()
    model.train_function([*x, *y, *weights, 1.0])
    for old, g, new in zip(before, values, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old - 0.01 * g, rtol=1e-5, atol=1e-7)
    model.fit(np.ones((4, 4)), np.ones((4, 2)), validation_split=0.5, verbose=0)
    assert model.validation_data[0].shape == (2, 4)


def test_merge_is_a_function_also_where_it_is_a_module():
    module = __import__("minikeras.keras2.layers.merge", fromlist=["add"])
    x = Input((3,))
    assert module.add is layers.add
    assert module([x, x], mode="sum").shape == (None, 3)
    assert topology.merge([x, x], mode="concat", concat_axis=1).shape == (None, 6)


def test_initializers_are_called_as_in_keras_2():
    assert initializers.RandomNormal(1.0, 0.0)((2,)).tolist() == [1.0, 1.0]
    assert initializers.VarianceScaling(1.0, "fan_in", "normal", 3).seed == 3
    assert initializers.glorot_uniform(7).seed == 7
    with pytest.raises(TypeError, match="GlorotUniform"):
        initializers.glorot_uniform(1, 2)


def test_weights_in_a_group_of_a_file(tmp_path):
    one, other, third = (stack() for _ in range(3))
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        one.save_weights_to_hdf5_group(file.create_group("own"))
        other.load_weights_from_hdf5_group(file["own"])
        third.load_weights_from_hdf5_group_by_name(file["own"])
    for model in (other, third):
        for a, b in zip(one.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_optimizers_are_found_as_in_keras_1():
    assert optimizers.get("sgd", kwargs={"lr": 0.5}).get_config()["lr"] == 0.5
    saved = {"class_name": "SGD", "config": {"lr": 0.5}}
    assert optimizers.optimizer_from_config(saved).get_config()["lr"] == 0.5
    with pytest.raises(TypeError, match="identifier"):
        optimizers.get("sgd", speed=1)
