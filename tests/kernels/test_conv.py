"""The convolution trio against sums written out as loops, and its three halves of one identity."""

import itertools

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.cpu import columns, correlation, depthwise
from minikeras.kernels.cpu import conv as kernels
from minikeras.kernels.shared.windows import (
    causal_padding,
    output_size,
    same_padding,
    transposed_output_size,
)

# sizes, channels, window, filters, strides, padding, dilation, groups
CASES = [
    ((5,), 1, (1,), 1, (1,), ((0, 0),), (1,), 1),
    ((1,), 3, (1,), 2, (3,), ((0, 0),), (1,), 1),
    ((9,), 2, (3,), 4, (2,), ((1, 1),), (2,), 1),
    ((9,), 2, (3,), 4, (3,), ((4, 0),), (2,), 2),
    ((10,), 3, (4,), 2, (4,), ((5, 9),), (6,), 1),
    ((2,), 1, (5,), 3, (1,), ((2, 2),), (1,), 1),
    ((7,), 40, (3,), 6, (2,), ((7, 9),), (1,), 2),
    ((8,), 4, (2,), 8, (5,), ((0, 0),), (1,), 4),
    ((6, 5), 3, (1, 1), 7, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((6, 5), 4, (1, 1), 6, (2, 3), ((0, 0), (1, 0)), (1, 1), 2),
    ((7, 6), 3, (3, 2), 5, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((7, 6), 20, (3, 3), 5, (2, 2), ((0, 1), (1, 1)), (1, 1), 1),
    ((7, 6), 1, (3, 3), 2, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ((9, 8), 6, (3, 2), 9, (2, 3), ((2, 1), (0, 2)), (2, 4), 3),
    ((9, 8), 4, (2, 3), 4, (3, 2), ((1, 1), (5, 6)), (2, 3), 4),
    ((6, 6), 3, (3, 3), 6, (1, 1), ((1, 1), (1, 1)), (2, 2), 3),
    ((5, 6), 34, (3, 2), 17, (1, 1), ((1, 0), (2, 1)), (1, 2), 1),
    ((5,), 17, (3,), 36, (1,), ((1, 1),), (1,), 1),
    ((6, 6), 3, (2, 2), 3, (2, 2), ((0, 0), (0, 0)), (1, 1), 3),
    ((1, 1), 2, (3, 3), 2, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ((4, 4), 2, (2, 2), 2, (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    ((4, 1), 18, (2, 1), 3, (1, 4), ((0, 0), (0, 0)), (1, 1), 1),
    ((7, 6), 12, (3, 2), 2, (1, 1), ((2, 0), (1, 3)), (1, 2), 1),
    ((7, 6), 1, (2, 3), 4, (1, 1), ((0, 0), (4, 4)), (2, 1), 1),
    ((5, 2, 3), 5, (2, 2, 2), 1, (1, 1, 1), ((1, 0), (0, 1), (0, 0)), (3, 1, 2), 1),
    ((4, 5, 3), 2, (2, 3, 1), 3, (1, 2, 1), ((0, 1), (1, 1), (0, 0)), (2, 1, 1), 1),
    ((4, 5, 6), 4, (3, 2, 2), 8, (2, 1, 3), ((1, 1), (0, 0), (2, 1)), (1, 2, 1), 4),
    ((3, 4, 5), 4, (2, 2, 2), 2, (1, 1, 1), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 2),
]
SHAPES = ("sizes", "channels", "window", "filters", "strides", "padding", "dilation", "groups")


def options(case):
    return dict(zip(SHAPES[4:], case[4:], strict=True))


def draw(case, batch=3, dtype=np.float64):
    sizes, channels, window, filters, *_, groups = case
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *sizes, channels)).astype(dtype)
    kernel = rng.normal(size=(*window, channels // groups, filters)).astype(dtype)
    g = rng.normal(size=reference(x, kernel, **options(case)).shape).astype(dtype)
    return x, kernel, g


def reference(x, kernel, *, strides, padding, dilation, groups):
    """The defining sum: one dot product for each output position and group."""
    window = kernel.shape[:-2]
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    sizes = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(padded.shape[1:-1], window, strides, dilation, strict=True)
    ]
    slices, filters = x.shape[-1] // groups, kernel.shape[-1] // groups
    y = np.zeros((len(x), *sizes, kernel.shape[-1]))
    for cell in itertools.product(*map(range, sizes)):
        cut = tuple(
            slice(o * s, o * s + (k - 1) * d + 1, d)
            for o, s, k, d in zip(cell, strides, window, dilation, strict=True)
        )
        patch = padded[(slice(None), *cut)]
        for group in range(groups):
            some = slice(group * filters, (group + 1) * filters)
            part = patch[..., group * slices : (group + 1) * slices]
            flat = part.reshape(len(x), -1)
            y[(slice(None), *cell, some)] = flat @ kernel[..., some].reshape(flat.shape[1], -1)
    return y


@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_is_the_defining_sum(case):
    x, kernel, _ = draw(case)
    y = kernels.conv(np, x, kernel, **options(case))
    np.testing.assert_allclose(y, reference(x, kernel, **options(case)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_the_transposes_of_the_forward_pass(case):
    x, kernel, g = draw(case)
    spatial, window = case[0], case[2]
    dx = kernels.conv_input_grad(np, g, kernel, input_shape=spatial, **options(case))
    dk = kernels.conv_kernel_grad(np, x, g, window=window, **options(case))
    assert dx.shape == x.shape
    assert dk.shape == kernel.shape
    # Linear in x and in kernel, so unit vectors give every entry of both transposes.
    for index in itertools.islice(np.ndindex(kernel.shape), 0, None, max(kernel.size // 20, 1)):
        unit = np.zeros_like(kernel)
        unit[index] = 1.0
        expected = np.vdot(reference(x, unit, **options(case)), g)
        np.testing.assert_allclose(dk[index], expected, rtol=1e-11, atol=1e-11)
    for index in itertools.islice(np.ndindex(x.shape), 0, None, max(x.size // 20, 1)):
        unit = np.zeros_like(x)
        unit[index] = 1.0
        expected = np.vdot(reference(unit, kernel, **options(case)), g)
        np.testing.assert_allclose(dx[index], expected, rtol=1e-11, atol=1e-11)
    pairing = np.vdot(reference(x, kernel, **options(case)), g)
    np.testing.assert_allclose([np.vdot(dx, x), np.vdot(dk, kernel)], pairing, rtol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("block", [1, 200, 1500])
def test_small_blocks_change_nothing(case, block, monkeypatch):
    x, kernel, g = draw(case, batch=4)
    some = options(case)
    expected = all_three(x, kernel, g, some)
    monkeypatch.setattr(correlation, "BLOCK_BYTES", block)
    monkeypatch.setattr(columns, "BLOCK_BYTES", block)
    monkeypatch.setattr(columns, "_LEAST_ROWS", 1)
    monkeypatch.setattr(depthwise, "_PLANE_BYTES", block)
    monkeypatch.setattr(depthwise, "_LINE", block // 100)
    for value, other in zip(all_three(x, kernel, g, some), expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_strided_arguments_results_and_bias(case):
    x, kernel, g = draw(case)
    bias = np.arange(1.0, kernel.shape[-1] + 1)
    some = options(case)
    expected = all_three(x, kernel, g, some)
    outs = [spread(np.full_like(value, np.nan)) for value in expected]
    spread_bias = np.repeat(bias, 2)[::2]
    x, kernel, g = spread(x), spread(kernel), spread(g)
    kernels.conv(np, x, kernel, bias=spread_bias, out=outs[0], **some)
    kernels.conv_input_grad(np, g, kernel, input_shape=x.shape[1:-1], out=outs[1], **some)
    kernels.conv_kernel_grad(np, x, g, window=kernel.shape[:-2], out=outs[2], **some)
    for value, other in zip(outs, (expected[0] + bias, *expected[1:]), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_gradients_in_one_pass(case, count, relu, monkeypatch):
    x, kernel, g = draw(case, batch=5)
    some, bias = options(case), np.linspace(-1, 1, kernel.shape[-1])
    plain = kernels.conv(np, x, kernel, bias=bias, **some)
    monkeypatch.setattr(kernels, "_BLOCK_BYTES", g[:2].nbytes)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setitem(settings._settings, "num_threads", count)
    y = kernels.conv(np, x, kernel, bias=bias, relu=relu, **some)
    np.testing.assert_allclose(y, np.maximum(plain, 0) if relu else plain, rtol=1e-12)
    arrays = (x, kernel, bias)
    actual = kernels.conv_backward(np, g, arrays, y, (True,) * 3, relu=relu, **some)
    cut = g * (plain > 0) if relu else g
    _, by_input, by_kernel = all_three(x, kernel, cut, some)
    expected = by_input, by_kernel, cut.reshape(-1, cut.shape[-1]).sum(axis=0)
    for value, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-11, atol=1e-12)
    for i in range(3):
        needs = tuple(j == i for j in range(3))
        one = kernels.conv_backward(np, g, arrays, y, needs, relu=relu, **some)
        assert [value is not None for value in one] == list(needs)
        np.testing.assert_array_equal(one[i], actual[i])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_empty_batch(case):
    x, kernel, g = draw(case, batch=2)
    y, dx, dk = all_three(x[:0], kernel, g[:0], options(case))
    assert y.shape == (0, *g.shape[1:])
    assert dx.shape == (0, *x.shape[1:])
    np.testing.assert_array_equal(dk, np.zeros_like(kernel))


@pytest.mark.parametrize("groups", [1, 2])
def test_window_that_does_not_fit_gives_no_output_and_no_gradient(groups):
    x, kernel = np.ones((2, 3, 4, 2)), np.ones((5, 2, 2 // groups, 4))
    g = np.ones((2, 0, 3, 4))
    some = options((0,) * 4 + ((1, 1), ((0, 0), (0, 0)), (1, 1), groups))
    y, dx, dk = all_three(x, kernel, g, some)
    assert y.shape == g.shape
    np.testing.assert_array_equal(dx, np.zeros_like(x))
    np.testing.assert_array_equal(dk, np.zeros_like(kernel))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_numbers_keep_their_type_and_round_once(case, dtype):
    x, kernel, g = draw(case, dtype=dtype)
    wide = [array.astype(np.float64) for array in (x, kernel, g)]
    results = all_three(x, kernel, g, options(case))
    # No sum has more terms than the largest array; float16 adds one rounding of its own.
    terms = max(array.size for array in (x, kernel, g))
    error = np.finfo(np.float32).eps * np.sqrt(terms)
    for value, truth in zip(results, all_three(*wide, options(case)), strict=True):
        assert value.dtype == dtype
        half = np.finfo(dtype).eps / 2
        np.testing.assert_allclose(value, truth, rtol=half, atol=error * np.abs(truth).max())


def test_bias_is_added_in_every_block_of_a_large_image():
    x = np.ones((1, 300, 300, 4), np.float32)
    kernel = np.zeros((3, 3, 4, 3), np.float32)
    y = kernels.conv(
        np,
        x,
        kernel,
        strides=(1, 1),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        bias=np.arange(3, dtype=np.float32),
    )
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(3), (1, 300, 300, 3)))


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("window", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_sizes_follow_from_the_paddings(size, window, stride, dilation):
    same = same_padding(size, window, stride, dilation)
    assert 0 <= same[1] - same[0] <= 1
    assert output_size(size, window, stride, same, dilation) == -(-size // stride)
    causal = causal_padding(window, dilation)
    assert output_size(size, window, 1, causal, dilation) == size
    back = transposed_output_size(size, window, stride, "valid", None, dilation)
    assert output_size(back, window, stride, (0, 0), dilation) == size
    back = transposed_output_size(size, window, stride, "same", None, dilation)
    padding = same_padding(back, window, stride, dilation)
    assert output_size(back, window, stride, padding, dilation) == size


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="received: padding='full'"):
        transposed_output_size(3, 2, padding="full")


def all_three(x, kernel, g, some):
    sizes, window = x.shape[1:-1], kernel.shape[:-2]
    return (
        kernels.conv(np, x, kernel, **some),
        kernels.conv_input_grad(np, g, kernel, input_shape=sizes, **some),
        kernels.conv_kernel_grad(np, x, g, window=window, **some),
    )


def spread(array):
    """The same numbers in memory with gaps, the axes in another order, the first one backwards."""
    order = (array.ndim - 1, *range(array.ndim - 1))
    spaced = np.full([2 * n for n in array.transpose(order).shape], np.nan)
    view = spaced[tuple(slice(1, None, 2) for _ in order)].transpose(np.argsort(order))[::-1]
    view[...] = array
    return view
