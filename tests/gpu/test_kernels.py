"""The GPU's kernels against the CPU's, for windows of all kinds, on the strict stand-in."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras.kernels import per_device
from minikeras.kernels.gpu import conv as gpu_conv
from minikeras.kernels.shared.windows import output_size
from tests.gpu.machine import transfers
from tests.gpu.machine import xp as gpu_xp

NEAR = {"float16": 2e-3, "float32": 2e-5, "float64": 1e-12}


def both(kernel, *arrays, **options):
    """Call a kernel with NumPy's arrays and with the stand-in's; compare, return NumPy's."""
    expected = kernel(np, *arrays, **options)
    transfers.reset()
    ours = [gpu_xp.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]
    options = {
        name: gpu_xp.asarray(v) if isinstance(v, np.ndarray) else v for name, v in options.items()
    }
    transfers.reset()
    actual = kernel(gpu_xp, *ours, **options)
    assert not transfers.to_host
    assert not transfers.to_device
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype) or is_index(kernel)
    near = NEAR.get(expected.dtype.name, 0)
    scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
    np.testing.assert_allclose(actual.get(), expected, rtol=0, atol=near * scale)
    return expected


def is_index(kernel):
    """The number of a tap may have another integer type on each device."""
    return kernel is per_device.max_pool_index


@st.composite
def windows(draw, most_padding=2):
    """One axis: `(size, window, stride, padding, dilation)` with at least one output."""
    window, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2))
    padding = draw(st.tuples(st.integers(0, most_padding), st.integers(0, most_padding)))
    reach = (window - 1) * dilation + 1
    size = draw(st.integers(max(1, reach - sum(padding)), 8))
    return size, window, stride, padding, dilation


@given(
    st.lists(windows(), min_size=1, max_size=3),
    st.sampled_from([(1, 3, 2), (2, 2, 3), (3, 1, 1), (3, 1, 2)]),
    st.sampled_from(["float16", "float32", "float64"]),
    st.booleans(),
)
def test_convolution(axes, channels, dtype, relu):
    groups, inputs, filters = channels
    sizes, window, strides, padding, dilation = zip(*axes, strict=True)
    outputs = [output_size(*axis) for axis in axes]
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.normal(size=shape).astype(dtype)

    x = array(2, *sizes, groups * inputs)
    kernel = array(*window, inputs, groups * filters)
    bias = array(groups * filters)
    g = array(2, *outputs, groups * filters)
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    both(per_device.conv, x, kernel, **options)
    y = both(per_device.conv, x, kernel, bias=bias, relu=relu, **options)
    both(per_device.conv_input_grad, g, kernel, input_shape=sizes, **options)
    both(per_device.conv_kernel_grad, x, g, window=window, **options)
    arrays = [gpu_xp.asarray(a) for a in (x, kernel, bias)]
    actual = per_device.conv_backward(
        gpu_xp, gpu_xp.asarray(g), arrays, gpu_xp.asarray(y), (1, 1, 1), relu=relu,
        **options,
    )  # fmt: skip
    cut = g * (y > 0) if relu else g
    expected = [
        per_device.conv_input_grad(np, cut, kernel, input_shape=sizes, **options),
        per_device.conv_kernel_grad(np, x, cut, window=window, **options),
        cut.astype("float64").sum(axis=tuple(range(cut.ndim - 1))).astype(dtype),
    ]
    for a, b in zip(actual, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a.get(), b, rtol=0, atol=NEAR[dtype] * scale)


@given(
    st.lists(windows(most_padding=1), min_size=1, max_size=3),
    st.sampled_from(["float16", "float32", "float64"]),
)
def test_pooling(axes, dtype):
    sizes, window, strides, padding, _ = zip(*axes, strict=True)
    outputs = [output_size(*axis[:4]) for axis in axes]
    rng = np.random.default_rng(0)
    # Few different numbers: ties, of which the first one wins.
    x = rng.integers(-2, 3, (2, *sizes, 2)).astype(dtype)
    x[rng.random(x.shape) < 0.1] = np.nan
    g = rng.normal(size=(2, *outputs, 2)).astype(dtype)
    options = {"window": window, "strides": strides, "padding": padding}
    y = both(per_device.max_pool, x, **options)
    index = both(per_device.max_pool_index, x, y, **options)
    both(per_device.pool_gather, np.nan_to_num(x), index, **options)
    both(per_device.pool_scatter, g, index, input_shape=sizes, **options)
    both(per_device.avg_pool, np.nan_to_num(x), **options)
    both(per_device.avg_pool_grad, g, input_shape=sizes, **options)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "int64"])
@pytest.mark.parametrize("width", [1, 3])
def test_scattered_rows(dtype, width):
    rng = np.random.default_rng(0)
    rows = rng.integers(-3, 4, (20, width)).astype(dtype)
    places = rng.integers(-5, 5, 20)
    expected = per_device.scatter_add_rows(np, np.zeros((5, width), dtype), places, rows)
    actual = per_device.scatter_add_rows(
        gpu_xp,
        gpu_xp.zeros((5, width), dtype),
        gpu_xp.asarray(places),
        gpu_xp.asarray(rows),
    )
    np.testing.assert_array_equal(actual.get(), expected)


OPERATIONS = list(itertools.product(["maximum", "minimum", "multiply"], [0, 1, 2, 9, 33]))


@pytest.mark.parametrize(("name", "count"), OPERATIONS)
def test_rows_that_share_a_number(name, count):
    rng = np.random.default_rng(0)
    rows, numbers = rng.integers(1, 3, (count, 2)).astype("float64"), rng.integers(0, 4, count)

    def run(xp, asarray):
        table = xp.full((5, 2), 0.5)
        operation = getattr(xp, name)
        per_device.reduce_rows(xp, operation, table, asarray(numbers), asarray(rows))
        return table

    actual = run(gpu_xp, gpu_xp.asarray).get()
    np.testing.assert_array_equal(actual, run(np, np.asarray))


def test_blocks_of_images_make_the_whole(monkeypatch):
    """Batches that are too large for one block are computed piece by piece."""
    monkeypatch.setattr(gpu_conv, "_BLOCK_BYTES", 2000)
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(7, 6, 6, 2)), rng.normal(size=(3, 3, 2, 4))
    options = {"strides": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    y = both(per_device.conv, x, kernel, **options)
    both(per_device.conv_input_grad, y, kernel, input_shape=(6, 6), **options)
    both(per_device.conv_kernel_grad, x, y, window=(3, 3), **options)
