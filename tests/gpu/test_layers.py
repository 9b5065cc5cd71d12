"""Every layer on the strict stand-in for CuPy: values and gradients are those of the CPU."""

import numpy as np

import minikeras as keras
from minikeras.core import trees
from tests.cases.layers import first_of_each


def run(case, watch=None):
    """Return the output, the gradients w.r.t. inputs and weights, and the weights afterwards."""
    keras.utils.set_random_seed(1)
    layer = case.make()
    inputs = trees.map_structure(keras.ops.convert_to_tensor, case.data())
    floats = [x for x in trees.flatten(inputs) if x.dtype == "float32"]
    case.call(layer, inputs, training=True)
    if watch is not None:
        watch.reset()
    with keras.GradientTape() as tape:
        tape.watch(floats)
        y = case.call(layer, inputs, training=True)
        loss = keras.ops.sum(y * y)
    gradients = tape.gradient(loss, [*floats, *layer.trainable_variables])
    return [y, *gradients, *[v.value for v in layer.variables if "seed" not in v.path]]


@first_of_each
def test_layers_are_those_of_the_cpu(case, request):
    expected = run(case)
    gpu = request.getfixturevalue("gpu")
    actual = run(case, watch=gpu.transfers)
    draws_decide = case.raw or not case.recorded  # what runs depends on values, read on the host
    assert draws_decide or not gpu.transfers.to_host
    assert draws_decide or not gpu.transfers.to_device
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert a.device == "gpu:0"
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)
