"""Compiled convolutions against the kernels of NumPy calls, and against memory not theirs."""

import ctypes
import functools
import mmap
import operator

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.cpu import conv as kernels

pytest.importorskip("numba")
compiled = pytest.importorskip("minikeras.kernels.compiled.convolution.conv")
totals = pytest.importorskip("minikeras.kernels.compiled.totals")

# batch, sizes, channels, window, filters, strides, padding, dilation, groups
CASES = [
    (1, (1,), 1, (1,), 1, (1,), ((0, 0),), (1,), 1),
    (3, (5,), 17, (3,), 36, (1,), ((1, 1),), (1,), 1),
    (2, (40,), 3, (4,), 16, (1,), ((3, 0),), (2,), 1),
    (2, (10,), 3, (4,), 2, (4,), ((5, 9),), (6,), 1),
    (2, (9,), 4, (3,), 6, (3,), ((4, 0),), (2,), 2),
    (2, (4,), 16, (2,), 16, (6,), ((0, 1),), (1,), 1),
    (3, (6, 5), 3, (1, 1), 7, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (3, (7, 29), 33, (1, 1), 40, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (2, (16, 17), 1, (3, 3), 32, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (2, (17, 16), 3, (3, 3), 33, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    (2, (14, 31), 16, (3, 2), 1, (1, 1), ((1, 1), (0, 1)), (1, 1), 1),
    (2, (14, 13), 16, (3, 3), 1, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    (2, (9, 8), 48, (3, 3), 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    (2, (15, 15), 8, (3, 3), 24, (2, 2), ((0, 1), (0, 1)), (1, 1), 1),
    (2, (8, 8), 64, (3, 3), 70, (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    (2, (9, 8), 6, (3, 2), 9, (2, 3), ((2, 1), (0, 2)), (2, 4), 3),
    (2, (1, 1), 2, (3, 3), 2, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    (2, (7, 6), 4, (2, 3), 4, (1, 1), ((0, 0), (4, 4)), (2, 1), 1),
    (2, (12,), 2, (3,), 2, (1,), ((1, 1),), (2,), 2),
    (2, (9, 8), 17, (3, 3), 17, (2, 2), ((0, 1), (1, 1)), (1, 1), 17),
    (2, (9, 10), 33, (3, 2), 33, (1, 1), ((1, 1), (0, 1)), (1, 2), 33),
    (2, (3, 4, 5), 64, (2, 2, 3), 64, (1, 2, 1), ((0, 0), (1, 1), (1, 1)), (1, 1, 1), 64),
    (2, (5, 2, 3), 5, (2, 2, 2), 1, (1, 1, 1), ((1, 0), (0, 1), (0, 0)), (3, 1, 2), 1),
    (2, (4, 5, 6), 18, (3, 2, 2), 8, (2, 1, 3), ((1, 1), (0, 0), (2, 1)), (1, 2, 1), 1),
]
SHAPES = ("strides", "padding", "dilation", "groups")
# float32 sums of some hundred products, in another order.
LOOSE = {"float32": 2e-5, "float64": 1e-13}


def draw(case, dtype="float64"):
    """Input, kernel, bias and gradient of the output, and the options."""
    batch, sizes, channels, window, filters, *rest = case
    some = dict(zip(SHAPES, rest, strict=True))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *sizes, channels)).astype(dtype)
    kernel = rng.normal(size=(*window, channels // rest[-1], filters)).astype(dtype)
    bias = rng.normal(size=filters).astype(dtype)
    y = kernels.conv.__wrapped__(np, x, kernel, **some)
    return x, kernel, bias, rng.normal(size=y.shape).astype(dtype), some


def assert_same(name, *arrays, **options):
    """A kernel's results, which must be compiled ones, are those of the NumPy kernel."""
    actual = getattr(compiled, name)(np, *arrays, **options)
    assert actual is not NotImplemented
    expected = getattr(kernels, name).__wrapped__(np, *arrays, **options)
    pairs = zip(actual, expected, strict=True) if isinstance(actual, list) else [(actual, expected)]
    for value, other in pairs:
        if other is None:
            assert value is None
            continue
        assert value.dtype == other.dtype
        loose = LOOSE[other.dtype.name] * max(np.nan_to_num(abs(other)).max(), 1)
        np.testing.assert_allclose(value, other, rtol=0, atol=loose)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_kernel_is_that_of_numpy(case, dtype):
    x, kernel, bias, g, some = draw(case, dtype)
    assert_same("conv", x, kernel, **some)
    assert_same("conv", x, kernel, bias=bias, relu=True, **some)
    assert_same("conv_input_grad", g, kernel, input_shape=case[1], **some)
    assert_same("conv_kernel_grad", x, g, window=case[3], **some)


@pytest.mark.parametrize("needs", [(1, 1, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=str)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_backward_is_that_of_numpy(case, relu, needs):
    x, kernel, bias, g, some = draw(case)
    y = kernels.conv(np, x, kernel, bias=bias, relu=relu, **some)
    assert_same("conv_backward", g, (x, kernel, bias), y, needs, relu=relu, **some)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_divide_the_batch(case, monkeypatch):
    x, kernel, bias, g, some = draw((5, *case[1:]), "float32")
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setitem(settings._settings, "num_threads", 3)
    y = kernels.conv(np, x, kernel, bias=bias, relu=True, **some)
    assert_same("conv", x, kernel, bias=bias, relu=True, **some)
    assert_same("conv_backward", g, (x, kernel, bias), y, (1, 1, 1), relu=True, **some)
    again = [
        compiled.conv_backward(np, g, (x, kernel, bias), y, (1, 1, 1), relu=True, **some)
        for _ in range(2)
    ]
    for value, other in zip(*again, strict=True):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_strided_arrays(case):
    x, kernel, bias, g, some = (
        np.repeat(value, 2, axis=-1)[..., ::2] if isinstance(value, np.ndarray) else value
        for value in draw(case)
    )
    assert_same("conv", x, kernel, bias=bias, **some)
    assert_same("conv_input_grad", g, kernel, input_shape=case[1], **some)
    assert_same("conv_kernel_grad", x, g, window=case[3], **some)
    out = np.full((*g.shape, 2), np.nan)[..., 1]
    assert compiled.conv(np, x, kernel, out=out, **some) is out
    np.testing.assert_array_equal(out, compiled.conv(np, x, kernel, **some))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # by the kernels of NumPy calls
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_pass_through(value):
    x, kernel, bias, g, some = draw(CASES[9], "float32")
    x[0, 4, 4, 0], g[1, 2, 3, 1] = value, value
    y = kernels.conv.__wrapped__(np, x, kernel, bias=bias, relu=True, **some)
    assert_kinds(compiled.conv(np, x, kernel, bias=bias, relu=True, **some), y)
    arguments = (np, g, (x, kernel, bias), y, (1, 1, 1))
    actual = compiled.conv_backward(*arguments, relu=True, **some)
    expected = kernels.conv_backward.__wrapped__(*arguments, relu=True, **some)
    for one, other in zip(actual, expected, strict=True):
        assert_kinds(one, other)


def assert_kinds(actual, expected):
    """The same places are NaN and infinite."""
    for kind in (np.isnan, np.isposinf, np.isneginf):
        np.testing.assert_array_equal(kind(actual), kind(expected))


def test_other_arrays_are_left_to_numpy():
    x, kernel, _, g, some = draw(CASES[9])
    assert (
        compiled.conv(np, x.astype("float16"), kernel.astype("float16"), **some) is NotImplemented
    )
    assert compiled.conv(np, x, kernel.astype("float32"), **some) is NotImplemented
    assert compiled.conv(np, x[:0], kernel, **some) is NotImplemented
    assert compiled.conv_kernel_grad(np, x[:0], g[:0], window=(3, 3), **some) is NotImplemented
    doubled = np.ones((3, 3, 1, 6))  # two filters to each of three channels
    assert compiled.conv(np, x, doubled, **(some | {"groups": 3})) is NotImplemented
    assert kernels.conv(np, x[:0], kernel, **some).shape == (0, *g.shape[1:])


@pytest.mark.skipif(not hasattr(mmap, "PROT_READ"), reason="needs pages without access")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_behind_or_before_an_array_is_touched(case, dtype):
    x, kernel, bias, g, some = draw(case, dtype)
    y = kernels.conv(np, x, kernel, bias=bias, relu=True, **some)
    for at_end in (False, True):
        fenced = [_fenced(value, at_end) for value in (x, kernel, bias, g, y)]
        x_, kernel_, bias_, g_, y_ = (array for array, _ in fenced)
        assert_same("conv", x_, kernel_, bias=bias_, relu=True, out=y_, **some)
        y_[...] = y
        assert_same("conv_backward", g_, (x_, kernel_, bias_), y_, (1, 1, 1), relu=True, **some)
        into, _ = _fenced(np.zeros_like(x), at_end)
        assert_same("conv_input_grad", g_, kernel_, input_shape=case[1], out=into, **some)


def _fenced(value, at_end):
    """Copy of an array against a page that must not be read, and what keeps its memory alive."""
    page, count = mmap.PAGESIZE, -(-value.nbytes // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (count + 2) * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None).mprotect
    for fence in (start, start + (count + 1) * page):
        assert protect(ctypes.c_void_p(fence), page, 0) == 0
    offset = page + (count * page - value.nbytes if at_end else 0)
    array = np.frombuffer(memory, value.dtype, value.size, offset).reshape(value.shape)
    array[...] = value
    return array, memory


@pytest.mark.parametrize("shape", [(1, 3, 5), (4, 0), (3, 5000), (5, 2, 9)], ids=str)
def test_sums_of_pieces_are_added_in_their_order(shape, monkeypatch):
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setitem(settings._settings, "num_threads", 3)
    parts = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_array_equal(totals.added(parts), functools.reduce(operator.add, parts))
