"""The table of ops on the strict stand-in for CuPy: the results of NumPy, and nothing unasked."""

import numpy as np
import pytest

from minikeras import ops
from minikeras.arrays import device
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from tests.cases import CASES
from tests.gpu import machine

ROWS = [case for case in CASES if case.raises is None]
WITH_GRADIENT = [case for case in ROWS if case.has_gradient]


def rows(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def leaves_of(result):
    return [leaf for leaf in trees.flatten(result) if leaf is not None]


def float_outputs(case, tensors):
    leaves = leaves_of(case.apply(ops, tensors))
    return [x for x in leaves if isinstance(x, Tensor) and x.dtype.startswith("float")]


def outputs_of(case, change=np.asarray):
    tensors = [Tensor(device.asarray(change(array))) for array in case.draw()]
    return leaves_of(case.apply(ops, tensors))


def gradients_of(case):
    tensors = [Tensor(device.asarray(array)) for array in case.draw()]
    sources = [t for t in tensors if t.dtype.startswith("float")]
    with GradientTape() as tape:
        tape.watch(sources)
        total = weighted_sum(case, tensors)
    return tape.gradient(total, sources)


def weighted_sum(case, tensors):
    """One number to differentiate, to which every element of every output gives another share."""
    total = 0.0
    for y in float_outputs(case, tensors):
        weights = np.cos(np.arange(y.size, dtype="float32")).reshape(y.shape)
        total = total + ops.sum(ops.cast(y * weights.astype(y.dtype), "float64"))
    return ops.convert_to_tensor(total)  # a number, where no output is a float


def assert_same(actual, expected, case):
    """Equal up to the order in which sums were taken."""
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        if not isinstance(b, Tensor):
            assert type(a) is type(b)
            continue
        assert a.device == "gpu:0", "a result was moved to main memory"
        assert b.device == "cpu:0"
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        a, b = a.numpy(), b.numpy()
        precision = np.finfo(b.dtype).eps if b.dtype.kind == "f" else 0
        near = 64 * precision * case.reduction**0.5
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


@rows(ROWS)
def test_values_are_those_of_numpy(case, request):
    expected = outputs_of(case)
    request.getfixturevalue("gpu")
    assert_same(outputs_of(case), expected, case)


def in_double(array):
    array = np.asarray(array)
    return array.astype("float64") if array.dtype == "float32" else array


# The stand-in computes as NumPy does in any precision: only a device is worth the time.
@rows(ROWS if machine.ON_DEVICE else [])
def test_values_in_double_precision(case, request):
    expected = outputs_of(case, in_double)
    request.getfixturevalue("gpu")
    assert_same(outputs_of(case, in_double), expected, case)


# Ops that have to know values: for the sizes of their results, or to say what comes next.
READS = {
    "bincount": "as many bins as the largest element says",
    "cond": "which function to call",
    "ctc_decode": "a search, in main memory",
    "convert_to_numpy": "its purpose",
    "digitize": "an error for edges that do not rise",
    "kaiser": "the shape parameter of a window that is computed once",
    "segment_max": "as many segments as the largest number says; negative ones are left out",
    "segment_min": "likewise",
    "segment_prod": "likewise",
    "segment_sum": "likewise",
    "slice": "where the slice begins",
    "slice_update": "where the slice begins",
    "switch": "which function to call",
    "while_loop": "whether to go on",
}
# Ops that turn Python's and NumPy's values into tensors.
BRINGS = {
    "array": "its purpose",
    "bartlett": "a window, computed once",
    "blackman": "a window, computed once",
    "convert_to_tensor": "its purpose",
    "ctc_decode": "what was found in main memory",
    "hamming": "a window, computed once",
    "hanning": "a window, computed once",
    "image.affine_transform": "a transform that is an array",
    "image.perspective_transform": "points that are arrays",
    "kaiser": "a window, computed once",
    "repeat": "a list of counts",
    "stft": "a window that is an array",
}


# Ops that keep on the device what they bring at the first call.
KEEPS = {
    "adaptive_average_pool": "where the windows lie",
    "adaptive_max_pool": "where the windows lie",
    "image.resize": "the pixels around each new one, and their weights",
}


@rows(ROWS)
def test_nothing_moves(case, gpu):
    tensors = [Tensor(device.asarray(array)) for array in case.draw()]
    if case.name in KEEPS:
        case.apply(ops, tensors)
    gpu.transfers.reset()
    case.apply(ops, tensors)
    assert not gpu.transfers.to_host or case.name in READS
    assert not gpu.transfers.to_device or case.name in BRINGS


@rows(WITH_GRADIENT)
def test_gradients_are_those_of_numpy(case, request):
    expected = gradients_of(case)
    request.getfixturevalue("gpu")
    assert_same(gradients_of(case), expected, case)
