"""Everything on the second GPU while the first is the current one, and nothing between the two.

The stand-in refuses what a real GPU would do slowly or silently: an operation, or a copy, of an
array that does not lie on the current device.
"""

import copy

import numpy as np
import pytest

import minikeras as keras
from minikeras import ops
from minikeras.arrays import device
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from tests.cases.layers import first_of_each
from tests.gpu.test_tables import (
    READS,
    ROWS,
    WITH_GRADIENT,
    leaves_of,
    rows,
    weighted_sum,
)


def on_second(arrays):
    with keras.device("gpu:1"):
        return [Tensor(device.asarray(array)) for array in arrays]


@pytest.mark.parametrize("current", ["gpu:0", "cpu:0"])
@rows([case for case in ROWS if case.draw()])
def test_results_lie_where_the_inputs_do(case, current, two_gpus):
    tensors = on_second(case.draw())
    two_gpus.transfers.reset()
    with keras.device(current):
        results = leaves_of(case.apply(ops, tensors))
    for result in results:
        assert not isinstance(result, Tensor) or result.device == "gpu:1"
    assert not two_gpus.transfers.to_host or case.name in READS


@rows(WITH_GRADIENT)
def test_gradients_lie_there_too(case, two_gpus):
    tensors = on_second(case.draw())
    sources = [t for t in tensors if t.dtype.startswith("float")]
    with GradientTape() as tape:
        tape.watch(sources)
        total = weighted_sum(case, tensors)
    for gradient in tape.gradient(total, sources):
        assert gradient is None or gradient.device == "gpu:1"


@first_of_each
def test_layers(case, two_gpus):
    keras.utils.set_random_seed(1)
    data = case.data()
    with keras.device("gpu:1"):
        layer = case.make()
        inputs = trees.map_structure(ops.convert_to_tensor, data)
        case.call(layer, inputs)
    two_gpus.transfers.reset()
    with GradientTape() as tape:
        y = case.call(layer, inputs, training=True)
        loss = ops.sum(y * y)
    tensors = [y, *tape.gradient(loss, layer.trainable_variables)]
    place = "gpu:0" if case.words else "gpu:1"  # strings have no place: results are on the current
    assert {g.device for g in tensors if g is not None} == {place}
    draws_decide = case.raw or not case.recorded  # what runs depends on values, read on the host
    assert draws_decide or not two_gpus.transfers.to_host
    assert draws_decide or not two_gpus.transfers.to_device


def trained(optimizer, clip):
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 4), "float32"), rng.integers(0, 3, 8)
    hidden, out = keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dropout(0.2), out])
    optimizer = keras.optimizers.get({"class_name": optimizer, "config": clip})
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y


CLIPS = [{}, {"clipnorm": 0.1, "use_ema": True}, {"gradient_accumulation_steps": 2}]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: "-".join(clip) or "plain")
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "RMSprop", "Ftrl"])
@pytest.mark.parametrize("steps", ["recorded", "written"])
def test_a_model_trains_where_its_weights_lie(optimizer, clip, steps, two_gpus):
    keras.config.set_recorded_steps(steps == "recorded")
    with keras.device("cpu"):
        model, x, y = trained(optimizer, clip)
        model.fit(x, y, batch_size=4, epochs=3, verbose=0)
        expected = model.get_weights()
    with keras.device("gpu:1"):
        model, x, y = trained(optimizer, clip)
    model.fit(x, y, batch_size=4, epochs=3, verbose=0)
    assert {v.device for v in model.weights} == {"gpu:1"}
    states = [v for v in model.optimizer.variables if v.ndim]
    assert {v.device for v in states} <= {"gpu:1"}
    for ours, theirs in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert type(model.predict(x, verbose=0)) is np.ndarray
    assert device.current() == "gpu:0"


def test_a_step_written_by_hand(two_gpus):
    with keras.device("gpu:1"):
        w = keras.Variable(np.ones((3, 2), "float32"))
        x = ops.convert_to_tensor(np.ones((4, 3), "float32"))
    optimizer = keras.optimizers.Adam(0.1, global_clipnorm=1.0)
    with GradientTape() as tape:
        loss = ops.mean(ops.softplus(ops.matmul(x, w)))
    optimizer.apply([tape.gradient(loss, w)], [w])
    assert {v.device for v in (w, loss, *optimizer.variables) if v.ndim} == {"gpu:1"}
    assert w.numpy().max() < 1


def test_a_layer_takes_numbers_to_its_weights(two_gpus):
    with keras.device("gpu:1"):
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
    assert layer(np.ones((4, 3), "float32")).device == "gpu:1"
    with keras.device("cpu"):
        assert layer(np.ones((4, 3), "float32")).device == "gpu:1"


def test_variables(two_gpus):
    with keras.device("gpu:1"):
        v = keras.Variable([1.0, 2.0])
        t = ops.convert_to_tensor([3.0, 4.0])
    held = v.value
    v.assign(t)
    v.assign_add(t)
    v.assign_sub([1.0, 1.0])
    v.assign_add(1.0)
    copy = keras.Variable(v.value)
    assert {v.device, copy.device, held.device} == {"gpu:1"}
    assert held.tolist() == [1.0, 2.0]
    assert v.numpy().tolist() == copy.numpy().tolist() == [6.0, 8.0]
    with pytest.raises(ValueError, match=r"gpu:1.*gpu:0"):
        v.assign(ops.ones((2,)))


def test_copies_lie_where_the_original_does(two_gpus):
    with keras.device("gpu:1"):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    for way in (copy.copy, copy.deepcopy):
        copied = way(model)
        copied.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
        assert {v.device for v in copied.weights} == {"gpu:1"}
        assert way(model.weights[0]).device == way(model.weights[0].value).device == "gpu:1"
        assert [v.device for v in copied.optimizer.variables] == [
            v.device for v in model.optimizer.variables
        ]


def test_two_gpus_do_not_mix(two_gpus):
    x = ops.ones((2,))
    with keras.device("gpu:1"):
        y = ops.ones((2,))
    for op in (ops.add, ops.matmul, ops.maximum, ops.dot):
        with pytest.raises(ValueError, match=r"gpu:0 .*gpu:1 "):
            op(x, y)
        with pytest.raises(ValueError, match=r"gpu:1 .*gpu:0 "):
            op(y, x)


def test_jacobian_and_gradients_given(two_gpus):
    with keras.device("gpu:1"):
        x = ops.convert_to_tensor([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        unused = ops.split(ops.stack([x, y]), 2)[1]
    assert tape.jacobian(y, x).device == "gpu:1"
    assert tape.gradient(y, x, output_gradients=np.array([1.0, 0.0])).tolist() == [2.0, 0.0]
    assert tape.gradient(unused, x).tolist() == [2.0, 4.0]
    zero = tape.gradient(ops.stop_gradient(y), x, unconnected_gradients="zero")
    assert zero.device == "gpu:1"
