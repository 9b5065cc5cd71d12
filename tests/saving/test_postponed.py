"""Weights of a model that is read from a file are drawn by nobody, unless the file lacks them."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import minikeras as keras
from minikeras.autograd.postponed import draw_values, postponed_values
from minikeras.autograd.variable import Variable


class Counted(keras.initializers.Initializer):
    calls = 0

    def __call__(self, shape, dtype=None):
        Counted.calls += 1
        return keras.ops.full(shape, 0.5, dtype=dtype)


@pytest.fixture(autouse=True)
def _count_from_zero():
    Counted.calls = 0


def layer_without_values(units=3):
    layer = keras.layers.Dense(units, kernel_initializer=Counted())
    with postponed_values():
        layer.build((None, 2))
    return layer


def test_nothing_is_drawn_until_somebody_reads():
    kernel = layer_without_values().kernel
    assert (kernel.shape, kernel.dtype, kernel.ndim, kernel.size) == ((2, 3), "float32", 2, 6)
    assert isinstance(kernel, Variable)
    assert Counted.calls == 0
    np.testing.assert_array_equal(kernel.numpy(), np.full((2, 3), 0.5))
    assert kernel.numpy() is not None
    assert Counted.calls == 1
    assert type(kernel) is Variable


READERS = {
    "call": lambda layer: layer(np.ones((1, 2), "float32")),
    "assign_add": lambda layer: layer.kernel.assign_add(np.ones((2, 3), "float32")),
    "get_weights": lambda layer: layer.get_weights(),
    "deepcopy": lambda layer: copy.deepcopy(layer),
    "copy": lambda layer: copy.copy(layer.kernel),
    "pickle": lambda layer: pickle.loads(pickle.dumps(layer.kernel)),
    "index": lambda layer: layer.kernel[0],
    "set_weights": lambda layer: layer.set_weights([np.ones((2, 3)), np.ones(3)]),
    "draw_values": lambda layer: draw_values(layer.weights),
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_finds_values(reader):
    layer = layer_without_values()
    READERS[reader](layer)
    assert Counted.calls == 1
    assert type(layer.kernel) is Variable


def test_an_array_is_taken_over_without_a_copy():
    kernel = layer_without_values().kernel
    values = np.arange(6, dtype="float32").reshape(2, 3)
    kernel.adopt(values)
    assert kernel.array is values
    assert Counted.calls == 0


def test_a_model_from_a_file_draws_nothing(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layer_without_values()])
    model.save(tmp_path / "m.keras")
    Counted.calls = 0
    again = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Counted": Counted})
    assert Counted.calls == 0
    np.testing.assert_array_equal(again.get_weights()[0], np.full((2, 3), 0.5))


def test_a_large_layer_takes_no_memory():
    tracemalloc.start()
    with postponed_values():
        keras.layers.Dense(10**6).build((None, 10**6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
