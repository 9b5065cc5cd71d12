"""The pooling kernels against windows cut out one by one, and each pair against its identity."""

import itertools

import numpy as np
import pytest

from minikeras.kernels.cpu import pooling as kernels

# sizes, channels, window, strides, padding
CASES = [
    ((1,), 1, (1,), (1,), ((0, 0),)),
    ((8,), 3, (2,), (2,), ((0, 0),)),
    ((7,), 2, (3,), (1,), ((1, 1),)),
    ((7,), 1, (2,), (3,), ((0, 2),)),
    ((5,), 2, (5,), (2,), ((4, 4),)),
    ((4, 6), 3, (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((5, 7), 2, (2, 2), (2, 2), ((0, 1), (1, 0))),
    ((6, 5), 1, (3, 3), (2, 2), ((0, 1), (1, 1))),
    ((6, 5), 4, (3, 2), (1, 3), ((1, 1), (0, 0))),
    ((3, 1), 2, (1, 1), (2, 1), ((0, 0), (0, 0))),
    ((2, 2), 2, (3, 4), (1, 1), ((1, 1), (1, 2))),
    ((20, 16), 1, (20, 16), (20, 16), ((0, 0), (0, 0))),
    ((4, 5, 3), 2, (2, 2, 2), (2, 2, 2), ((0, 0), (0, 1), (0, 1))),
    ((4, 3, 5), 2, (3, 2, 1), (1, 2, 1), ((1, 1), (0, 1), (0, 0))),
]


def options(case):
    return dict(zip(("window", "strides", "padding"), case[2:], strict=True))


def draw(case, batch=3, dtype=np.float64):
    """Numbers with many ties."""
    rng = np.random.default_rng(0)
    return rng.integers(-2, 3, size=(batch, *case[0], case[1])).astype(dtype)


def windows(case):
    """Yield each output cell with `(tap number, input cell)` for its cells inside the array."""
    sizes, _, window, strides, padding = case
    axes = zip(sizes, window, strides, padding, strict=True)
    outputs = [(n + lo + hi - k) // s + 1 for n, k, s, (lo, hi) in axes]
    for cell in itertools.product(*map(range, outputs)):
        starts = [o * s - lo for o, s, (lo, _) in zip(cell, strides, padding, strict=True)]
        spans = [range(i, i + k) for i, k in zip(starts, window, strict=True)]
        yield (
            cell,
            [
                (number, place)
                for number, place in enumerate(itertools.product(*spans))
                if all(0 <= i < n for i, n in zip(place, sizes, strict=True))
            ],
        )


def reference(case, x, choose):
    """`choose(numbers, values)` for each window; `values` is (cells, batch, channels)."""
    actual = {}
    for cell, places in windows(case):
        values = [x[(slice(None), *place)] for _, place in places]
        actual[cell] = choose([number for number, _ in places], np.array(values))
    shape = tuple(n + 1 for n in max(actual)) if actual else ()
    y = np.zeros((len(x), *shape, x.shape[-1]))
    for cell, value in actual.items():
        y[(slice(None), *cell)] = value
    return y


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("block", [1, 1 << 19])
def test_maximum_and_the_first_tap_that_holds_it(case, block, monkeypatch):
    monkeypatch.setattr(kernels, "_BLOCK_BYTES", block)
    x = draw(case)
    y = kernels.max_pool(np, x, **options(case))
    np.testing.assert_array_equal(y, reference(case, x, lambda _, v: v.max(axis=0)))
    index = kernels.max_pool_index(np, x, y, **options(case))
    first = reference(case, x, lambda n, v: np.array(n)[v.argmax(axis=0)])
    np.testing.assert_array_equal(index, first)
    np.testing.assert_array_equal(kernels.pool_gather(np, x, index, **options(case)), y)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("block", [1, 1 << 19])
def test_gather_and_scatter_are_transposes(case, block, monkeypatch):
    monkeypatch.setattr(kernels, "_BLOCK_BYTES", block)
    x, rng = draw(case), np.random.default_rng(1)
    y = kernels.max_pool(np, x, **options(case))
    index = kernels.max_pool_index(np, x, y, **options(case))
    g, other = rng.normal(size=y.shape), rng.normal(size=x.shape)
    dx = kernels.pool_scatter(np, g, index, input_shape=case[0], **options(case))
    assert dx.shape == x.shape
    expected = np.vdot(kernels.pool_gather(np, other, index, **options(case)), g)
    np.testing.assert_allclose(np.vdot(dx, other), expected, rtol=1e-12)
    by_hand = np.zeros_like(x)
    for cell, places in windows(case):
        for number, place in places:
            named = index[(slice(None), *cell)] == number
            by_hand[(slice(None), *place)] += np.where(named, g[(slice(None), *cell)], 0)
    np.testing.assert_allclose(dx, by_hand, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("block", [1, 1 << 19])
def test_mean_of_the_cells_inside_and_its_transpose(case, block, monkeypatch):
    monkeypatch.setattr(kernels, "_BLOCK_BYTES", block)
    x, rng = draw(case), np.random.default_rng(1)
    y = kernels.avg_pool(np, x, **options(case))
    np.testing.assert_allclose(y, reference(case, x, lambda _, v: v.mean(axis=0)), rtol=1e-14)
    g = rng.normal(size=y.shape)
    dx = kernels.avg_pool_grad(np, g, input_shape=case[0], **options(case))
    by_hand = np.zeros_like(x)
    for cell, places in windows(case):
        for _, place in places:
            by_hand[(slice(None), *place)] += g[(slice(None), *cell)] / len(places)
    np.testing.assert_allclose(dx, by_hand, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_strided_arguments_and_results_keep_their_type(case, dtype):
    some, sizes = options(case), case[0]
    x = spread(draw(case, dtype=dtype))
    y = kernels.max_pool(np, x, **some)
    index = kernels.max_pool_index(np, x, y, **some)
    g = spread(np.arange(y.size, dtype=dtype).reshape(y.shape) % 8)
    pairs = [
        (kernels.max_pool, (x,), {}),
        (kernels.pool_gather, (x, index), {}),
        (kernels.pool_scatter, (g, index), {"input_shape": sizes}),
        (kernels.avg_pool, (x,), {}),
        (kernels.avg_pool_grad, (g,), {"input_shape": sizes}),
    ]
    for kernel, arguments, more in pairs:
        wide = [a.astype(np.float64) if a.dtype == dtype else a for a in arguments]
        truth = kernel(np, *wide, **some, **more)
        value = kernel(np, *arguments, **some, **more)
        assert value.dtype == dtype
        np.testing.assert_allclose(value, truth, rtol=np.finfo(dtype).eps * 4, atol=1e-6)
        out = spread(np.zeros(truth.shape, dtype))
        assert kernel(np, *arguments, out=out, **some, **more) is out
        np.testing.assert_array_equal(out, value)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_empty_batch(case):
    x, some = draw(case)[:0], options(case)
    y = kernels.max_pool(np, x, **some)
    index = kernels.max_pool_index(np, x, y, **some)
    assert kernels.avg_pool(np, x, **some).shape == y.shape == index.shape
    assert kernels.pool_gather(np, x, index, **some).shape == y.shape
    dx = kernels.pool_scatter(np, y, index, input_shape=case[0], **some)
    assert dx.shape == x.shape
    assert kernels.avg_pool_grad(np, y, input_shape=case[0], **some).shape == x.shape


def test_nan_loses_and_minus_infinity_is_a_number():
    some = dict(window=(2,), strides=(2,), padding=((1, 1),))
    x = np.array([np.nan, np.nan, 1.0, -np.inf, np.nan, np.nan, np.nan, -np.inf])
    x = x.reshape(1, 8, 1)
    y = kernels.max_pool(np, x, **some)
    np.testing.assert_array_equal(y[0, :, 0], [-np.inf, 1.0, -np.inf, -np.inf, -np.inf])
    index = kernels.max_pool_index(np, x, y, **some)
    np.testing.assert_array_equal(index[0, :, 0], [2, 1, 0, 2, 0])
    g = np.ones_like(y)
    dx = kernels.pool_scatter(np, g, index, input_shape=(8,), **some)
    np.testing.assert_array_equal(dx[0, :, 0], [0, 0, 1, 1, 0, 0, 0, 1])


def test_integers_have_a_maximum_too():
    x = np.array([-7, -9, -8], np.int32).reshape(1, 3, 1)
    y = kernels.max_pool(np, x, window=(2,), strides=(2,), padding=((0, 1),))
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y[0, :, 0], [-7, -8])


def spread(array):
    """The same numbers in memory with gaps, the axes in another order, the first one backwards."""
    order = (array.ndim - 1, *range(array.ndim - 1))
    spaced = np.zeros([2 * n for n in array.transpose(order).shape], array.dtype)
    view = spaced[tuple(slice(1, None, 2) for _ in order)].transpose(np.argsort(order))[::-1]
    view[...] = array
    return view
