"""Winograd's convolution against the kernels of NumPy calls, float64, and numbers that are none."""

import mmap

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.cpu import conv as kernels
from tests.kernels import test_compiled_conv as direct_sums

pytest.importorskip("numba")
compiled = pytest.importorskip("minikeras.kernels.compiled.convolution.conv")
winograd = pytest.importorskip("minikeras.kernels.compiled.winograd.conv")

# batch, sizes, channels, filters, padding
CASES = [
    (1, (3, 3), 24, 24, ((0, 0), (0, 0))),
    (1, (1, 1), 16, 17, ((1, 1), (1, 1))),
    (2, (5, 6), 33, 70, ((0, 0), (0, 0))),
    (3, (9, 7), 24, 40, ((1, 1), (2, 0))),
    (2, (4, 13), 50, 31, ((3, 2), (0, 4))),
    (2, (3, 2), 16, 16, ((0, 3), (4, 5))),
    (9, (7, 7), 32, 32, ((1, 1), (1, 1))),
    (2, (40, 21), 64, 48, ((1, 1), (1, 1))),
    (2, (12, 30), 1, 3, ((0, 0), (1, 1))),
]
LOOSE = {"float32": 2e-5, "float64": 1e-13}


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Every shape that can be is computed this way, however little there is to save."""
    monkeypatch.setattr(winograd, "_LEAST_SAVED", 0)
    monkeypatch.setattr(winograd, "_LEAST_BYTES", 0)
    monkeypatch.setattr(winograd, "_LEAST_SUMMED", 0)


@pytest.fixture
def used(monkeypatch):
    """Counts how often the direct sums are asked."""
    calls = []
    for name in ("_correlate", "_Backward"):
        one = getattr(compiled, name)

        def counted(*args, _one=one, **kwargs):
            calls.append(_one)
            return _one(*args, **kwargs)

        monkeypatch.setattr(compiled, name, counted)
    return calls


def options(padding):
    return {"strides": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1}


def draw(case, dtype="float32", seed=0):
    """Input, kernel, bias, gradient of the output, and the options."""
    batch, sizes, channels, filters, padding = case
    rng = np.random.default_rng(seed)
    outputs = [size + sum(pair) - 2 for size, pair in zip(sizes, padding, strict=True)]
    shapes = (batch, *sizes, channels), (3, 3, channels, filters), (filters,)
    arrays = (rng.normal(size=shape) for shape in (*shapes, (batch, *outputs, filters)))
    return *(array.astype(dtype) for array in arrays), options(padding)


def every_kernel(module, arrays, some, needs=(1, 1, 1), relu=True):
    """Results of all four kernels of a module."""
    x, kernel, bias, g = arrays
    chosen = {
        name: getattr(module, name) if module is compiled else getattr(module, name).__wrapped__
        for name in ("conv", "conv_input_grad", "conv_kernel_grad", "conv_backward")
    }
    y = chosen["conv"](np, x, kernel, bias=bias, relu=relu, **some)
    # Cut off where the same results are: one that is nearly zero may be either.
    cut = kernels.conv.__wrapped__(np, x, kernel, bias=bias, relu=relu, **some)
    return [
        y,
        chosen["conv"](np, x, kernel, **some),
        chosen["conv_input_grad"](np, g, kernel, input_shape=x.shape[1:3], **some),
        chosen["conv_kernel_grad"](np, x, g, window=(3, 3), **some),
        *chosen["conv_backward"](np, g, (x, kernel, bias), cut, needs, relu=relu, **some),
    ]


def assert_near(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        if other is None:
            assert one is None
            continue
        assert one.dtype == other.dtype
        loose = LOOSE[other.dtype.name] * max(abs(other).max(), 1)
        np.testing.assert_allclose(one, other, rtol=0, atol=loose)


@pytest.mark.parametrize("needs", [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1)], ids=str)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_results_are_those_of_numpy(case, dtype, relu, needs, used):
    *arrays, some = draw(case, dtype)
    actual = every_kernel(compiled, arrays, some, needs, relu)
    assert len(used) == (needs == (0, 0, 1))  # direct only if there is nothing else to do
    assert_near(actual, every_kernel(kernels, arrays, some, needs, relu))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays_of_any_layout(case):
    *arrays, some = draw(case)
    expected = every_kernel(compiled, arrays, some)
    apart = [np.repeat(array, 2, axis=-1)[..., ::2] for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    for arguments in (arrays, apart):
        for one, other in zip(every_kernel(compiled, arguments, some), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    x, kernel, bias, g = apart
    out = np.full((*g.shape, 2), np.nan, x.dtype)[..., 1]
    assert compiled.conv(np, x, kernel, bias=bias, relu=True, out=out, **some) is out
    np.testing.assert_array_equal(out, expected[0])


@pytest.mark.parametrize("case", CASES[2:8], ids=str)
def test_as_near_to_float64_as_direct_sums(case, monkeypatch):
    actual, direct = [], []
    for seed in range(4):
        *arrays, some = draw((8, *case[1:]), seed=seed)
        exact = every_kernel(kernels, [array.astype("float64") for array in arrays], some)
        actual.append(distances(every_kernel(compiled, arrays, some), exact))
        with monkeypatch.context() as patch:
            patch.setattr(winograd, "is_faster", lambda *case: False)
            direct.append(distances(every_kernel(compiled, arrays, some), exact))
    ratios = np.sqrt(np.mean(actual, 0) / np.mean(direct, 0))
    assert (ratios[[0, 1, 2, 4]] < 1.4).all()
    # The gradient w.r.t. the kernel sums over cells, with no fewer terms.
    assert (ratios[[3, 5]] < 5).all()


def distances(actual, exact):
    """Squared distances from the exact results, relative to these."""
    pairs = zip(actual, exact, strict=True)
    return [((one - other) ** 2).sum() / (other**2).sum() for one, other in pairs]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["x", "kernel", "g"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # by the kernels of NumPy calls
def test_images_that_are_not_finite_are_summed_directly(value, where, monkeypatch):
    *arrays, some = draw((3, (9, 10), 24, 32, ((1, 1), (1, 1))))
    plain = every_kernel(compiled, arrays, some)
    place = {"x": (1, 4, 4, 0), "kernel": (1, 2, 3, 1), "g": (1, 2, 3, 1)}[where]
    arrays[("x", "kernel", "bias", "g").index(where)][place] = value
    actual = every_kernel(compiled, arrays, some)
    with monkeypatch.context() as patch:
        patch.setattr(winograd, "is_faster", lambda *case: False)
        direct = every_kernel(compiled, arrays, some)
    for one, other, before in zip(actual, direct, plain, strict=True):
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))
        np.testing.assert_array_equal(one[~np.isfinite(one)], other[~np.isfinite(other)])
        images = one.shape[0] == 3 and one.ndim == 4 and one.shape[1] != 3
        if where != "kernel" and images:
            np.testing.assert_array_equal(one[[0, 2]], before[[0, 2]])
            if not np.isfinite(one).all():
                np.testing.assert_array_equal(one[1], other[1])
        elif not np.isfinite(one).all():
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_threads_give_the_same_bits(case, monkeypatch):
    *arrays, some = draw((5, *case[1:]))
    expected = every_kernel(kernels, arrays, some)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setattr(threads, "_LEAST_CHUNK", 1)
    monkeypatch.setitem(settings._settings, "num_threads", 3)
    first, again = (every_kernel(compiled, arrays, some) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert_near(first, expected)


def test_an_image_is_computed_the_same_in_any_batch():
    *arrays, some = draw((11, (7, 9), 32, 32, ((1, 1), (1, 1))))
    x, kernel, bias, _ = arrays
    whole = compiled.conv(np, x, kernel, bias=bias, **some)
    for image in range(len(x)):
        one = compiled.conv(np, x[image : image + 1], kernel, bias=bias, **some)
        np.testing.assert_array_equal(one[0], whole[image])


def test_small_blocks_are_joined(monkeypatch):
    *arrays, some = draw((3, (11, 10), 32, 48, ((1, 1), (0, 1))))
    expected = every_kernel(kernels, arrays, some)
    for name in ("_BLOCK", "_LONG_BLOCK", "_AT_ONCE"):
        monkeypatch.setattr(winograd, name, 1 << 14)
    assert_near(every_kernel(compiled, arrays, some), expected)


@pytest.mark.skipif(not hasattr(mmap, "PROT_READ"), reason="needs pages without access")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_behind_or_before_an_array_is_touched(case, dtype):
    batch, sizes, channels, filters, padding = case
    whole = batch, sizes, channels, (3, 3), filters, (1, 1), padding, (1, 1), 1
    direct_sums.test_nothing_behind_or_before_an_array_is_touched(whole, dtype)


def test_which_shapes_suit(monkeypatch):
    monkeypatch.undo()
    plain = (1, 1), ((0, 0), (0, 0)), (1, 1), 1
    is_faster = winograd.is_faster
    assert is_faster((26, 26), (3, 3), 32, 64, plain, 4)
    assert not is_faster((26, 26), (3, 3), 16, 64, plain, 4)
    assert not is_faster((26, 26), (3, 3), 512, 512, plain, 4)  # weights that stay in no cache
    assert not is_faster((26, 26), (3, 3), 3, 64, plain, 4)
    assert not is_faster((26, 26), (3, 2), 32, 64, plain, 4)
    assert not is_faster((26,), (3,), 32, 64, ((1,), ((0, 0),), (1,), 1), 4)
    assert not is_faster((4, 4), (3, 3), 32, 64, plain, 4)  # a tile of which half is thrown away
    for other in (((2, 2), *plain[1:]), (*plain[:2], (2, 2), 1), (*plain[:3], 2)):
        assert not is_faster((26, 26), (3, 3), 32, 64, other, 4)


def test_short_sums_for_the_gradient_by_the_kernel_are_direct(monkeypatch):
    monkeypatch.undo()
    case = (26, 26), (3, 3), 32, 64, ((1, 1), ((0, 0), (0, 0)), (1, 1), 1), 4
    few, many = (np.empty((batch, 24, 24, 64), "float32") for batch in (2, 8))
    assert winograd.is_faster_backward(case, many, (True, True, True))
    assert not winograd.is_faster_backward(case, few, (True, True, True))
    assert winograd.is_faster_backward(case, few, (True, False, True))
    assert not winograd.is_faster_backward(case, many, (False, False, True))


def test_an_empty_batch_is_left_to_numpy():
    x, kernel, _, g, some = draw(CASES[2])
    assert compiled.conv(np, x[:0], kernel, **some) is NotImplemented
    assert kernels.conv(np, x[:0], kernel, **some).shape == (0, *g.shape[1:])
