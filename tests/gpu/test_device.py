"""Devices: names, scopes, what moves and when, and errors that say what is missing."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import minikeras as keras
from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("cpu", ("cpu", 0)),
        ("CPU:0", ("cpu", 0)),
        ("gpu", ("gpu", 0)),
        ("GPU:1", ("gpu", 1)),
        ("cuda:0", ("gpu", 0)),
    ],
)
def test_names(name, parsed):
    assert device.parsed(name) == parsed


@pytest.mark.parametrize("name", ["", "tpu", "gpu:", "gpu:x", "gpu:-1", None, 0])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="device_name"):
        keras.device(name)


def test_the_cpu_has_one_number():
    with pytest.raises(ValueError, match="cpu:1"):
        keras.device("cpu:1")


def test_scopes_nest_and_end(cupy):
    assert device.current() == "cpu:0"
    with keras.device("gpu"):
        assert device.current() == "gpu:0"
        with keras.device("cpu"):
            assert keras.ops.ones((2,)).device == "cpu:0"
        assert keras.ops.ones((2,)).device == "gpu:0"
    assert keras.ops.ones((2,)).device == "cpu:0"


def test_a_scope_ends_after_an_error(cupy):
    with pytest.raises(KeyError, match="inside"), keras.device("gpu"):
        raise KeyError("inside")
    assert device.current() == "cpu:0"


def test_a_scope_is_that_of_its_thread(gpu):
    devices = []
    thread = threading.Thread(target=lambda: devices.append(device.current()))
    thread.start()
    thread.join()
    assert devices == ["cpu:0"]


def test_a_second_gpu(cupy, monkeypatch):
    monkeypatch.setattr(cupy, "_device_count", 2)
    with keras.device("gpu:1"):
        x = keras.Variable([1.0, 2.0])
        assert x.device == "gpu:1"
        assert (x * 2).device == "gpu:1"
    with pytest.raises(ValueError, match="'gpu:2'"):
        keras.device("gpu:2")


def test_variables_and_tensors_say_where_they_are(gpu):
    assert keras.Variable([1.0]).device == "gpu:0"
    assert keras.Variable(keras.initializers.Zeros(), shape=(2,)).device == "gpu:0"
    assert keras.ops.convert_to_tensor([1.0]).device == "gpu:0"
    assert keras.random.normal((2,)).device == "gpu:0"


def test_numbers_need_no_transfer(gpu):
    x = keras.ops.ones((3,))
    gpu.transfers.reset()
    y = 2 * x + 1.5
    assert y.device == "gpu:0"
    assert not gpu.transfers.to_device
    assert not gpu.transfers.to_host


def test_values_come_back_when_asked_for(gpu):
    x = keras.ops.convert_to_tensor([[1.0, 2.0]])
    v = keras.Variable([1.0, 2.0], name="v")
    for copy in (
        keras.ops.convert_to_numpy(x),
        np.asarray(x),
        np.array(x, dtype="float64"),
        x.numpy(),
        v.numpy(),
        np.asarray(v),
    ):
        assert type(copy) is np.ndarray
        assert copy.reshape(-1).tolist() == [1.0, 2.0]
    assert x.tolist() == [[1.0, 2.0]]
    assert "array([[1., 2.]]" in repr(x)
    assert "[1. 2.]" in repr(v)
    assert "[[1. 2.]]" in str(x)
    assert float(x[0, 0]) == 1.0
    assert bool(x[0, 0] > 0)
    assert list(range(3))[keras.ops.convert_to_tensor(1)] == 1


def test_lists_of_tensors_stay_on_their_device(gpu):
    x, v = keras.ops.convert_to_tensor([1.0, 2.0]), keras.Variable([3.0, 4.0])
    gpu.transfers.reset()
    pairs = keras.ops.convert_to_tensor([x, v])
    nested = keras.ops.convert_to_tensor([[x, x * 2], [v, v]])
    product = keras.ops.multiply([x, x], 2.0)
    variable = keras.Variable([x, v])
    assert not gpu.transfers.to_device and not gpu.transfers.to_host
    assert {t.device for t in (pairs, nested, product, variable)} == {"gpu:0"}
    assert pairs.tolist() == variable.numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert nested.tolist() == [[[1.0, 2.0], [2.0, 4.0]], [[3.0, 4.0], [3.0, 4.0]]]
    assert product.tolist() == [[2.0, 4.0], [2.0, 4.0]]


def test_assignments_bring_values_to_the_variable(cupy):
    with keras.device("gpu"):
        v = keras.Variable([1.0, 2.0])
    v.assign(np.array([3.0, 4.0], "float32"))
    v.assign_add(1.0)
    v.assign_sub([1.0, 2.0])
    assert v.device == "gpu:0"
    assert v.numpy().tolist() == [3.0, 3.0]


def test_a_variable_of_the_cpu_takes_values_in_a_scope(gpu):
    with keras.device("cpu"):
        v = keras.Variable([1.0, 2.0])
    v.assign(np.array([3.0, 4.0], "float32"))
    v.assign_add(1.0)
    assert v.device == "cpu:0"
    assert v.numpy().tolist() == [4.0, 5.0]


def test_tensors_are_not_moved_by_an_assignment(gpu):
    with keras.device("cpu"):
        v = keras.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"cpu:0.*gpu:0"):
        v.assign(keras.ops.ones((2,)))
    assert v.numpy().tolist() == [1.0, 2.0]


def test_devices_do_not_mix(gpu):
    with keras.device("cpu"):
        x = keras.ops.ones((2,))
    y = keras.ops.ones((2,))
    for op in (keras.ops.add, keras.ops.matmul, keras.ops.maximum, keras.ops.dot):
        with pytest.raises(ValueError, match=r"cpu:0 .*gpu:0 "):
            op(x, y)
        with pytest.raises(ValueError, match=r"gpu:0 .*cpu:0 "):
            op(y, x)


def test_ops_compute_where_their_inputs_lie(cupy):
    with keras.device("gpu"):
        x = keras.ops.convert_to_tensor([1.0, 4.0])
    assert (x * 2).device == "gpu:0"
    assert keras.ops.sum(x).device == "gpu:0"
    assert (x + np.ones(2, "float32")).device == "gpu:0"
    assert keras.ops.take(x, [1, 0]).tolist() == [4.0, 1.0]


def test_tensors_of_the_cpu_stay_in_a_scope(gpu):
    with keras.device("cpu"):
        x = keras.ops.convert_to_tensor([1.0, 4.0])
    assert keras.ops.sum(x).device == "cpu:0"
    assert (x * 2).device == "cpu:0"
    assert (x + [1, 1]).device == "cpu:0"


def test_arrays_of_cupy_are_tensors_of_their_device(cupy):
    x = cupy.ones((2,), "float32")
    assert keras.ops.add(x, x).device == "gpu:0"
    assert keras.ops.convert_to_tensor(x).device == "gpu:0"


# What is missing.


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match="package CuPy.*Install the extra `gpu`"):
        keras.device("gpu")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("cudaErrorInsufficientDriver: CUDA driver version is insufficient", "driver is missing"),
        ("cudaErrorNoDevice: no CUDA-capable device is detected", "no GPU is"),
        ("cudaErrorUnknown: unknown error", "does not start"),
    ],
)
def test_without_a_driver_or_a_device(cupy, monkeypatch, error, words):
    def count():
        raise cupy.CUDARuntimeError(error)

    monkeypatch.setattr(cupy.runtime, "getDeviceCount", count)
    with pytest.raises(RuntimeError, match=words) as caught:
        keras.device("gpu")
    assert "nvidia-smi" in str(caught.value)


def test_no_device_is_an_error(cupy, monkeypatch):
    monkeypatch.setattr(cupy.runtime, "getDeviceCount", lambda: 0)
    with pytest.raises(RuntimeError, match="no GPU is"):
        keras.device("gpu")


STARTS = """
import sys
sys.path.insert(0, ".")
from tests.gpu import strict_cupy
sys.modules["cupy"] = strict_cupy
strict_cupy._device_count = 2
import threading
import minikeras as keras
print(keras.ops.ones((2,)).device)
thread = threading.Thread(target=lambda: print(keras.ops.ones((2,)).device))
thread.start()
thread.join()
"""


@pytest.mark.parametrize(
    ("name", "first"),
    [("gpu", "gpu:0"), ("gpu:1", "gpu:1"), ("cpu:0", "cpu:0"), ("", "cpu:0")],
)
def test_the_environment_names_the_first_device(name, first):
    environment = {"MINIKERAS_DEVICE": name, "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", STARTS], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [first, first]


def test_numpy_alone_imports_no_cupy():
    code = "import sys, minikeras; minikeras.ops.ones(2) * 2; print('cupy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_memory(gpu):
    assert set(keras.utils.device_memory()) == {"used", "held", "free", "total"}
    keras.utils.free_device_memory()


def test_a_tensor_of_numpy_needs_no_scope():
    assert Tensor(np.ones(2)).device == "cpu:0"


def test_rounded_products_only_if_asked_for(gpu):
    products = gpu._core._routines_linalg
    assert products.get_compute_type("f") == products.COMPUTE_TYPE_DEFAULT
    keras.config.set_tf32(True)
    assert products.get_compute_type("f") == products.COMPUTE_TYPE_TF32
    keras.config.set_tf32(False)
    assert products.get_compute_type("f") == products.COMPUTE_TYPE_DEFAULT
