"""The CUDA sources against the bodies that they stand in for, at awkward sizes.

The sources run on the CPU (`cuda_on_cpu.py`), on arrays of the strict stand-in; the bodies compute
with NumPy. Every kernel of every source must have run here.
"""

import inspect

import numpy as np
import pytest

from minikeras.core import trees
from minikeras.kernels.gpu import columns, depthwise, launch, pooling, scatter
from minikeras.kernels.providers import cuda_kernel
from minikeras.kernels.shared import (
    activations,
    attention,
    crossentropy,
    curves,
    dense,
    masks,
    optimizers,
    products,
    slopes,
    special,
)
from minikeras.kernels.shared.normalization import group_norm, norm, rms
from minikeras.kernels.shared.rnn import gru, lstm
from minikeras.kernels.shared.rnn.recurrence import by_gate
from minikeras.kernels.shared.windows import Grid
from minikeras.ops.elementwise import exponential
from minikeras.ops.nn import activation
from tests.gpu import cuda_on_cpu, machine
from tests.gpu.machine import xp as gpu_xp

pytestmark = pytest.mark.skipif(
    not (machine.ON_DEVICE or cuda_on_cpu.COMPILER), reason="on a CPU the sources are built by g++"
)

launched = set()
"""The names of all kernels that ran."""


@pytest.fixture(autouse=True)
def _watched(cupy, monkeypatch):
    """Note every launch. Under its name, since rules of optimizers ask where their arrays lie."""
    launch_blocks = launch.Source.launch_blocks

    def noted(self, xp, name, blocks, *arguments, **options):
        if all(blocks):
            launched.add(name)
        launch_blocks(self, xp, name, blocks, *arguments, **options)

    monkeypatch.setattr(launch.Source, "launch_blocks", noted)


FAMILIES = sorted(path.stem for path in launch.FOLDER.glob("*.cu"))
# Errors of results near 1. Half precision is rounded at each step by NumPy, once by the kernels.
NEAR = {"float16": 6e-3, "float32": 3e-6, "float64": 1e-14}
# The sanitizers look at places, which are the same for all types of number; they take their time.
DTYPES = ["float32"] if cuda_on_cpu.SANITIZED else list(NEAR)

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_size = pytest.mark.parametrize("size", [0, 1, 31, 257, 20_000])
# Rows and their width: none, one, fewer than a warp has lanes, whole warps, more than a block.
each_matrix = pytest.mark.parametrize(
    "shape", [(0, 3), (1, 1), (3, 1), (5, 10), (4, 32), (2, 33), (3, 257), (2, 1100)]
)


def draw(shape, dtype, seed=0, scale=1.0):
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)


def on_gpu(nest):
    return trees.map_structure(
        lambda x: gpu_xp.asarray(x) if isinstance(x, np.ndarray) else x, nest
    )


def compare(kernel, *arguments, near=1.0, **options):
    """Run a kernel in both ways; NumPy's results come back."""
    expected = inspect.unwrap(kernel)(np, *_copied(arguments), **_copied(options))
    before = set(launched)
    launched.clear()
    actual = kernel(gpu_xp, *on_gpu(arguments), **on_gpu(options))
    ran = set(launched)
    launched.update(before)
    arrays = [x for x in trees.flatten(arguments) if isinstance(x, np.ndarray)]
    some = all(x.size for x in arrays) and any(np.size(x) for x in trees.flatten(expected))
    assert ran or not some, f"no CUDA kernel of {kernel.__name__} ran"
    floats = [x.dtype.name for x in arrays if x.dtype.kind == "f"]
    assert_near(actual, expected, near, *floats[:1])
    return expected


def _copied(nest):
    return trees.map_structure(lambda x: x.copy() if isinstance(x, np.ndarray) else x, nest)


def assert_near(actual, expected, near=1.0, dtype=None):
    actual, expected = trees.flatten(actual), trees.flatten(expected)
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if theirs is None:
            continue
        theirs = np.asarray(theirs)
        assert ours.shape == theirs.shape
        if theirs.dtype.kind != "f":
            np.testing.assert_array_equal(ours.get(), theirs)
            continue
        finite = np.abs(theirs[np.isfinite(theirs)].astype("float64"))
        tolerance = NEAR[dtype or ours.dtype.name] * max(1.0, finite.max(initial=0)) * near
        np.testing.assert_allclose(
            ours.get().astype("float64"), theirs.astype("float64"), rtol=0, atol=tolerance
        )


# Element by element.


@each_dtype
@each_size
def test_activations(dtype, size):
    x, g = draw(size, dtype, scale=4.0), draw(size, dtype, 1)
    if size > 3:
        x[:3] = -30, 0, 30
    compare(activations.softplus, x)
    compare(activations.sigmoid, x)
    for forward, backward in (
        (activations.silu, activations.silu_backward),
        (activations.gelu, activations.gelu_backward),
    ):
        compare(forward, x)
        _, saved = compare(forward, x, save=True)
        # NumPy's float32 steps lose digits where two large terms cancel.
        compare(backward, g, (x,), saved, (True,), near=50.0)


@np.errstate(over="ignore")  # as ops compute: an infinite exponential is as good as a large one
@each_dtype
@each_size
def test_curves(dtype, size):
    x, g = draw(size, dtype, scale=3.0), draw(size, dtype, 1)
    if size > 5:
        x[:5] = -30, -3, 0, 3, 30
    for name in ("softsign", "log_sigmoid", "hard_sigmoid", "hard_silu", "mish", "erf_gelu"):
        compare(getattr(curves, name), x)
        compare(getattr(curves, f"{name}_backward"), g, (x,), None, (True,), near=8.0)
    compare(special.erf, x)


@each_dtype
@each_size
def test_activations_of_ops(dtype, size):
    """Those whose bodies stand with their ops."""
    x, g = draw(size, dtype, scale=2.0), draw(size, dtype, 1)
    for op in (activation.relu6, activation.leaky_relu, activation._unit_elu, activation.selu):
        compare(op.kernel, x)
    compare(activation.leaky_relu.kernel, x, negative_slope=0.3)
    y = compare(exponential.sigmoid.kernel, x)
    compare(exponential._sigmoid_slope.kernel, y, g)
    compare(exponential._tanh_slope.kernel, np.tanh(x), g)
    compare(slopes.leaky_slope, x, g, below=0.3)
    compare(slopes.exponential_slope, np.maximum(x, np.asarray(-1, dtype)), g)
    compare(slopes.exponential_slope, x, g, scale=1.5, shift=2.0)
    compare(slopes.softplus_slope, x, g)
    compare(slopes.between_slope, x.clip(-1, 1), g, low=-1, high=1)


@each_dtype
@each_size
def test_slopes_that_are_infinite_at_zero(dtype, size):
    y, g = abs(draw(size, dtype)) + np.asarray(0.5, dtype), draw(size, dtype, 1)
    y[::3], g[::2] = 0, 0
    with np.errstate(all="ignore"):
        compare(slopes.sqrt_slope, y, g)
        compare(slopes.rsqrt_slope, 1 / y, g)
        compare(slopes.reciprocal_slope, 1 / y, g)
        assert not slopes.sqrt_slope(np, y, g)[::2].any()


def test_infinite_and_missing_numbers():
    x = np.array([np.inf, -np.inf, np.nan], "float32")
    compare(activations.softplus, x)
    compare(activations.sigmoid, x)
    for op in (activation.relu6, activation.leaky_relu, activation._unit_elu, activation.selu):
        compare(op.kernel, x)


@pytest.mark.parametrize("dtype", NEAR)
@each_size
@pytest.mark.parametrize("rate", [0.25, 0.5, 0.3])
def test_dropout(dtype, size, rate):
    compare(masks.dropout_mask, (5, 7), (size,), rate, dtype)
    keep = compare(masks.dropout_mask, (2**40 + 3, 1), (size, 1), rate, dtype)
    x = draw((size, 1), dtype)
    x[~keep] = np.nan
    compare(masks.apply_mask, x, keep, 1 / (1 - rate))


@each_dtype
@each_matrix
@pytest.mark.parametrize("relu", [False, True])
def test_after_a_product(dtype, shape, relu):
    y, bias, g = draw(shape, dtype), draw(shape[1], dtype, 1), draw(shape, dtype, 2)
    compare(products.finish, y, bias, relu)
    compare(products.finish, y, None, relu)
    compare(dense.where_positive, g, y)


# Rows.


@each_dtype
@each_matrix
def test_softmax(dtype, shape):
    x = draw(shape, dtype, scale=5.0)
    compare(activations.softmax, x)
    compare(activations.log_softmax, x, near=4.0)


@each_dtype
@each_matrix
def test_cross_entropies_of_classes(dtype, shape):
    rng, logits, g = np.random.default_rng(0), draw(shape, dtype, scale=5.0), draw(shape[0], dtype)
    target = rng.integers(0, shape[1], shape[0]).astype("int32")
    compare(crossentropy.sparse, logits, target, near=4.0)
    _, saved = compare(crossentropy.sparse, logits, target, save=True, near=4.0)
    compare(crossentropy.sparse_backward, g, (logits, target), saved, (True, False))
    soft = rng.dirichlet(np.ones(shape[1]), shape[0]).astype(dtype)
    compare(crossentropy.categorical, soft, logits, near=8.0)
    _, saved = compare(crossentropy.categorical, soft, logits, save=True, near=8.0)
    compare(crossentropy.categorical_backward, g, (soft, logits), saved, (False, True))


def test_a_wrong_class_has_no_loss():
    logits, target = gpu_xp.zeros((3, 2), "float32"), gpu_xp.asarray([0, 2, -1])
    loss, saved = crossentropy.sparse(gpu_xp, logits, target, save=True)
    np.testing.assert_array_equal(loss.get(), np.float32([np.log(2), np.nan, np.nan]))
    gradients = crossentropy.sparse_backward(gpu_xp, loss, (logits, target), saved, (True, False))
    assert np.isnan(gradients[0].get()[1:]).all()


@each_dtype
@each_size
def test_cross_entropy_of_two(dtype, size):
    logits, g = draw(size, dtype, scale=5.0), draw(size, dtype, 1)
    target = np.random.default_rng(0).random(size).astype(dtype)
    compare(crossentropy.binary, target, logits)
    _, saved = compare(crossentropy.binary, target, logits, save=True)
    compare(crossentropy.binary_backward, g, (target, logits), saved, (False, True))


@each_dtype
@each_matrix
@pytest.mark.parametrize("factors", [True, False])
def test_layer_norm(dtype, shape, factors):
    x, g = draw(shape, dtype) + np.asarray(3, dtype), draw(shape, dtype, 1)
    gamma, beta = (draw(shape[1], dtype, 2), draw(shape[1], dtype, 3)) if factors else (None, None)
    # A constant row has no deviation: its gradient is divided by the root of epsilon alone.
    near = 100.0
    compare(norm.layer_norm, x, gamma, beta, near=near)
    _, saved = compare(norm.layer_norm, x, gamma, beta, save=True, near=near)
    for needs in ((True, True, True), (False, True, False), (True, False, False)):
        compare(norm.layer_norm_backward, g, (x, gamma, beta), saved, needs, near=near)


GROUPED = [
    ((1, 1), 1, 1), ((3, 12), -1, 3), ((2, 5, 6), -1, 2), ((2, 6, 5), 1, 3), ((0, 4), -1, 2),
    ((2, 3, 8, 2, 2), 2, 4), ((2, 17, 33, 10), -1, 5),
]  # fmt: skip


@each_dtype
@pytest.mark.parametrize(("shape", "axis", "groups"), GROUPED)
@pytest.mark.parametrize("factors", [True, False])
def test_group_norm(dtype, shape, axis, groups, factors):
    channels = shape[axis]
    x, g = draw(shape, dtype) + np.asarray(3, dtype), draw(shape, dtype, 1)
    gamma, beta = (draw(channels, dtype, 2), draw(channels, dtype, 3)) if factors else (None, None)
    options = {"groups": groups, "axis": axis, "near": 100.0}
    compare(group_norm.group_norm, x, gamma, beta, **options)
    _, saved = compare(group_norm.group_norm, x, gamma, beta, save=True, **options)
    for needs in ((True, True, True), (False, True, False), (True, False, False)):
        compare(group_norm.group_norm_backward, g, (x, gamma, beta), saved, needs, **options)


@each_dtype
@each_matrix
@pytest.mark.parametrize("factors", [True, False])
def test_rms_norm(dtype, shape, factors):
    x, g = draw(shape, dtype) + np.asarray(1, dtype), draw(shape, dtype, 1)
    gamma = draw(shape[1], dtype, 2) if factors else None
    compare(rms.rms_norm, x, gamma, near=8.0)
    _, saved = compare(rms.rms_norm, x, gamma, save=True, near=8.0)
    for needs in ((True, True), (False, True), (True, False)):
        compare(rms.rms_norm_backward, g, (x, gamma), saved, needs, near=30.0)


@each_dtype
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (3, 2, 5), (130, 33), (2, 9, 9, 64), (5000, 3)])
@pytest.mark.parametrize("factors", [True, False])
def test_batch_norm(dtype, shape, factors):
    channels = shape[-1]
    x, g = draw(shape, dtype) + np.asarray(3, dtype), draw(shape, dtype, 1)
    gamma, beta = (draw(channels, dtype, 2), draw(channels, dtype, 3)) if factors else (None, None)
    near = 100.0
    compare(norm.batch_norm, x, gamma, beta, near=near)
    _, saved = compare(norm.batch_norm, x, gamma, beta, save=True, near=near)
    gradients = g, draw(channels, dtype, 4), draw(channels, dtype, 5)
    saved = saved[0], saved[1].astype("float64")
    needs = (True, factors, factors)
    compare(norm.batch_norm_backward, gradients, (x, gamma, beta), saved, needs, near=near)


# Attention: what is added to the scores, what is seen, and whether only the past is.
ATTENTION = [
    (None, None, False), ((1, 1, 5, 7), None, True), (None, (2, 1, 1, 7), False),
    ((7,), (2, 3, 5, 7), True), ((2, 3, 5, 7), (5, 1), False),
]  # fmt: skip


@each_dtype
@pytest.mark.parametrize(("bias", "mask", "causal"), ATTENTION)
def test_attention(dtype, bias, mask, causal):
    arrays = [draw(s, dtype, i) for i, s in enumerate([(2, 5, 3, 4), (2, 7, 3, 4), (2, 7, 3, 2)])]
    bias = None if bias is None else draw(bias, dtype, 3)
    mask = None if mask is None else np.random.default_rng(0).random(mask) < 0.5
    if mask is not None:
        mask[..., :1, :] = False  # the first target sees nothing, or the only mask for all
    options = {"scale": 0.5, "causal": causal}
    expected = compare(attention.attention, *arrays, bias, mask, near=8.0, **options)[0]
    g, needs = draw(expected.shape, dtype, 4), (True, True, True, bias is not None, False)
    for wanted in (needs, (False, True, False, False, False), (False, False, True, False, False)):
        gradients = []
        for xp, inputs in ((np, (*arrays, bias, mask)), (gpu_xp, on_gpu((*arrays, bias, mask)))):
            forward, backward = attention.attention, attention.attention_backward
            if xp is np:
                forward, backward = inspect.unwrap(forward), inspect.unwrap(backward)
            _, saved = forward(xp, *inputs, save=True, **options)
            upstream = g if xp is np else on_gpu(g)
            gradients.append(backward(xp, upstream, inputs, saved, wanted, **options))
        assert_near(gradients[1], gradients[0], near=10.0, dtype=dtype)


def test_a_row_of_many_sources():
    q, k = draw((1, 3, 1, 2), "float64"), draw((1, 1100, 1, 2), "float64", 1)
    compare(attention.attention, q, k, k, None, None, scale=1.0)


# Recurrent steps, which write into what they are given.


def _by_gate(arguments):
    """Put in the views by gate, which the arguments name by the count of gates."""
    parts = []
    for place, value in enumerate(arguments):
        if isinstance(value, str) and value == "both":
            value = by_gate(arguments[place - 2], 3), by_gate(arguments[place - 1], 3)
        elif isinstance(value, str):
            value = by_gate(arguments[place - 1], int(value))
        parts.append(value)
    return parts


@each_dtype
@pytest.mark.parametrize(("batch", "units"), [(0, 2), (1, 1), (3, 5), (9, 40)])
def test_recurrent_steps(dtype, batch, units):
    def drawn(*shape, seed=0):
        return draw(shape, dtype, seed)

    z, projection = drawn(batch, 4 * units), drawn(batch, 4 * units, seed=1)
    c, h = drawn(batch, units, seed=2), drawn(batch, units, seed=3)
    empty, gates = np.zeros_like(c), np.zeros((4, batch, units), dtype)
    # The kernel leaves z as it is, where the body adds the projection to it.
    ours = [z, "4", projection, gates, c, empty, empty.copy(), empty.copy()]
    step(0, lstm.lstm_step, *ours)
    gates = activations.sigmoid(np, drawn(4, batch, units))
    dz = np.zeros((batch, 4 * units), dtype)
    scratch = np.zeros((2, 4, batch, units), dtype)
    ours = [gates, c, np.tanh(c), scratch, h, drawn(batch, units, seed=4), dz, "4", empty]
    step(3, lstm.lstm_step_backward, *ours)

    z, projection = drawn(batch, 3 * units), drawn(batch, 3 * units, seed=1)
    for bias in (None, drawn(3 * units, seed=5)):
        gates = np.zeros((3, batch, units), dtype)
        ours = [z, "3", projection, bias, gates, h, empty.copy(), empty.copy()]
        step(0, gru.gru_step, *ours)
    gates = activations.sigmoid(np, drawn(3, batch, units))
    scratch = np.zeros((2, 3, batch, units), dtype)
    dx = np.zeros((batch, 3 * units), dtype)
    ours = [gates, c, h, drawn(batch, units, seed=4), scratch, empty, dx, dx.copy(), "both"]
    step(4, gru.gru_step_backward, *ours)


@each_dtype
@pytest.mark.parametrize(("batch", "steps", "units"), [(1, 1, 1), (3, 4, 5), (2, 3, 40)])
@pytest.mark.parametrize("sequences", [False, True])
def test_recurrent_sequences(dtype, batch, steps, units, sequences):
    """All steps in one launch, there and back."""
    x, h, c = (draw(s, dtype, i) for i, s in enumerate([(batch, steps, 2), *[(batch, units)] * 2]))
    options = {"save": True, "return_sequences": sequences}
    for network, gates, states in ((lstm, 4, (h, c)), (gru, 3, (h,))):
        name = network.__name__.rpartition(".")[2]
        forward, backward = getattr(network, name), getattr(network, f"{name}_backward")
        width = gates * units
        shapes = (2, width), (units, width), (width,) if name == "lstm" else (2, width)
        weights = [draw(s, dtype, 3 + i, 0.5) for i, s in enumerate(shapes)]
        for bias in (weights[2], None):
            inputs = x, *weights[:2], bias, *states
            ends, saved = inspect.unwrap(forward)(np, *_copied(inputs), **options)
            launched.difference_update({f"{name}_steps", f"{name}_steps_backward"})
            ours, our_saved = forward(gpu_xp, *on_gpu(inputs), **options)
            assert f"{name}_steps" in launched
            assert_near(ours, ends, near=30.0, dtype=dtype)
            g = [draw(end.shape, dtype, 7 + i) for i, end in enumerate(ends)]
            needs = (True,) * len(inputs)
            expected = backward(np, _copied(g), inputs, saved, needs)
            actual = backward(gpu_xp, on_gpu(g), on_gpu(inputs), our_saved, needs)
            assert f"{name}_steps_backward" in launched
            assert_near(actual, expected, near=100.0, dtype=dtype)


def step(scratch, kernel, *arguments):
    """Run a step in both ways; compare all that it wrote but one, which is scratch afterwards."""
    expected, ours = list(_copied(arguments)), list(on_gpu(arguments))
    kernel(np, *_by_gate(expected))
    kernel(gpu_xp, *_by_gate(ours))
    for place, (a, b) in enumerate(zip(ours, expected, strict=True)):
        if isinstance(b, np.ndarray) and place != scratch:
            assert_near(a, b, near=10.0)


# Windows.

# Sizes, window, strides, padding, dilation.
WINDOWS = [
    ((1,), (1,), (1,), ((0, 0),), (1,)),
    ((9,), (3,), (2,), ((2, 1),), (2,)),
    ((7,), (2,), (3,), ((0, 0),), (1,)),
    ((5, 6), (3, 2), (1, 2), ((1, 1), (0, 1)), (1, 1)),
    ((8, 7), (2, 3), (3, 1), ((0, 2), (2, 2)), (2, 3)),
    ((4, 3, 5), (2, 3, 1), (1, 2, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)),
]
each_window = pytest.mark.parametrize("windows", WINDOWS)
each_batch = pytest.mark.parametrize(("batch", "channels"), [(0, 2), (1, 1), (3, 5)])


@each_dtype
@each_window
@each_batch
def test_pooling(dtype, windows, batch, channels):
    sizes, window, strides, padding, _ = windows
    options = {"window": window, "strides": strides, "padding": padding}
    x = draw((batch, *sizes, channels), dtype).round(0)  # ties, of which the first one wins
    y = compare(pooling.max_pool, x, **options)
    index = compare(pooling.max_pool_index, x, y, **options)
    compare(pooling.pool_gather, x, index, **options)
    g = draw(y.shape, dtype, 1)
    compare(pooling.pool_scatter, g, index, input_shape=sizes, **options)
    compare(pooling.avg_pool, x, **options)
    compare(pooling.avg_pool_grad, g, input_shape=sizes, **options)


@each_dtype
@each_window
@each_batch
@pytest.mark.parametrize("groups", [1, 2])
def test_columns(dtype, windows, batch, channels, groups):
    sizes, window, strides, padding, dilation = windows
    grid = Grid.over(sizes, window, strides, padding, dilation)
    x = draw((batch, *sizes, groups * channels), dtype)
    cols = compare(columns.im2col, x, grid, groups, np.dtype(dtype))
    compare(columns.col2im, draw(cols.shape, dtype, 1), grid, x.shape)


@each_dtype
@each_window
@each_batch
@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise(dtype, windows, batch, channels, multiplier):
    sizes, window, strides, padding, dilation = windows
    grid = Grid.over(sizes, window, strides, padding, dilation)
    filters = channels * multiplier
    x = draw((batch, *sizes, channels), dtype)
    kernel = draw((*window, 1, filters), dtype, 1)
    g = draw((batch, *grid.outputs, filters), dtype, 2)
    wide = np.dtype("float32" if dtype == "float16" else dtype)
    for name, a, b, like in (
        ("depthwise", x, kernel, g),
        ("depthwise_input_grad", g, kernel, x),
        ("depthwise_kernel_grad", x, g, kernel),
    ):
        body = getattr(depthwise, name)
        expected, actual = np.zeros_like(like), gpu_xp.zeros(like.shape, like.dtype)
        inspect.unwrap(body)(np, a, b, grid, expected, wide)
        body(gpu_xp, *on_gpu((a, b)), grid, actual, wide)
        assert_near(actual, expected, near=4.0)


def test_many_rows_of_a_depthwise_kernel():
    """More output cells than one slab has, and more filters than one block."""
    grid = Grid.over((30, 30), (2, 2), (1, 1), ((0, 0),) * 2)
    x, g = draw((2, 30, 30, 40), "float64"), draw((2, 29, 29, 40), "float64", 1)
    expected, actual = np.zeros((2, 2, 1, 40)), gpu_xp.zeros((2, 2, 1, 40))
    arguments = grid, expected, expected.dtype
    inspect.unwrap(depthwise.depthwise_kernel_grad)(np, x, g, *arguments)
    arguments = grid, actual, expected.dtype
    depthwise.depthwise_kernel_grad(gpu_xp, *on_gpu((x, g)), *arguments)
    assert_near(actual, expected)


@each_dtype
@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 3, 40), (3, 300, 7), (2, 2, 0)])
def test_scattered_rows(dtype, sizes):
    size, width, count = sizes
    places = np.random.default_rng(0).integers(-size, size, count).astype("int32")
    table, rows = draw((size, width), dtype), draw((count, width), dtype, 1)
    if not count:
        actual = scatter.scatter_add_rows(gpu_xp, *on_gpu((table, places, rows)))
        np.testing.assert_array_equal(actual.get(), table)
        return
    expected = compare(scatter.scatter_add_rows, table, places, rows)
    actual = scatter.scatter_add_rows(gpu_xp, *on_gpu((table, places, rows)))
    if dtype != "float16":  # which the body rounds once more
        np.testing.assert_array_equal(actual.get(), expected)


# Update rules.

ADAM = {"alpha": 0.1, "one_minus_beta_1": 0.1, "one_minus_beta_2": 0.01, "epsilon": 1e-3}
ADADELTA = {"lr": 0.1, "rho": 0.9, "one_minus_rho": 0.1, "epsilon": 1e-3}
ADAMAX = {"lr": 0.1, "one_minus_beta_1": 0.1, "beta_2": 0.9, "bias_correction_1": 0.5}
NADAM = {"lr": 0.1, "one_minus_beta_1": 0.1, "one_minus_beta_2": 0.01, "m_factor": (0.9, 0.5)}
NADAM |= {"g_factor": (0.2, 0.7), "bias_correction_2": 0.3, "epsilon": 1e-3}
FTRL = {"lr": 0.1, "power": 0.5, "l1": 0.1, "l2": 0.1, "shrinkage": 0.1}
CENTERED = {"lr": 0.1, "rho": 0.5, "one_minus_rho": 0.9, "epsilon": 50.0, "m": ..., "b": ...}

# The number of states of each, and its further arguments, among which ... is an array.
RULES = {
    "sgd": (0, {"lr": 0.1}),
    "sgd_momentum": (1, {"lr": 0.1, "momentum": 0.9, "nesterov": False}),
    "sgd_momentum nesterov": (1, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adagrad": (1, {"lr": 0.1, "epsilon": 1e-3}),
    "adagrad rows": (1, {"lr": 0.1, "epsilon": 1e-3, "square": ...}),
    "adam": (2, ADAM),
    "adam largest": (2, ADAM | {"v_max": ..., "square": ...}),
    "rmsprop": (1, ADADELTA),
    "rmsprop all": (1, CENTERED | {"momentum": 0.5, "square": ...}),
    "adadelta": (2, ADADELTA),
    "adadelta rows": (2, ADADELTA | {"square": ...}),
    "adamax": (2, ADAMAX | {"epsilon": 1e-3}),
    "adamax rows": (2, ADAMAX | {"epsilon": 1e-3, "magnitude": ...}),
    "nadam": (2, NADAM),
    "nadam rows": (2, NADAM | {"square": ...}),
    "ftrl": (2, FTRL),
    "ftrl rows": (2, FTRL | {"square": ...}),
    "lion": (1, {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.99}),
}


@each_dtype
@pytest.mark.parametrize("size", [0, 1, 300])
@pytest.mark.parametrize("row", RULES)
def test_update_rules(dtype, size, row):
    states, options = RULES[row]
    number = np.dtype(dtype).type
    kernel = getattr(optimizers, row.split()[0])

    def value(option, seed):
        if option is ...:
            return np.abs(draw(size, dtype, seed)) + np.asarray(0.5, dtype)
        if isinstance(option, tuple):
            return tuple(map(number, option))
        return option if isinstance(option, bool) else number(option)

    arrays = [draw(size, dtype), draw(size, dtype, 1)]
    arrays += [np.abs(draw(size, dtype, 2 + i)) + np.asarray(1.0, dtype) for i in range(states)]
    options = {name: value(option, 9 + i) for i, (name, option) in enumerate(options.items())}
    theirs, their_options = _copied((arrays, options))
    inspect.unwrap(kernel)(*theirs, **their_options)
    ours, our_options = on_gpu((arrays, options))
    launched.discard(kernel.__name__)
    optimizers.run_in_chunks(kernel, ours, our_options)
    assert not size or kernel.__name__ in launched
    # Single and double precision round as NumPy does, except in powers.
    near = 2.0 if dtype == "float16" or kernel.__name__ == "ftrl" else 0.0
    assert_near(ours, theirs, near)
    changed = [name for name, option in options.items() if isinstance(option, np.ndarray)]
    assert_near([our_options[n] for n in changed], [their_options[n] for n in changed], near)


# What a launch refuses, and what is handed back.


def test_other_numbers_are_handed_back():
    x = gpu_xp.asarray([[1, 5, 3, 2]])
    y = pooling.max_pool(gpu_xp, x[..., None], window=(2,), strides=(2,), padding=((0, 0),))
    assert y.get().ravel().tolist() == [5, 3]
    x = gpu_xp.asarray(draw((3, 4), "float32"))
    assert cuda_kernel("crossentropy", "softmax")(gpu_xp, x, axis=0) is NotImplemented


def test_wrong_arguments_are_refused():
    source, x = launch.Source("activations"), gpu_xp.zeros((4, 2), "float32")
    with pytest.raises(TypeError, match="takes 3 arguments, not 2"):
        source.launch(gpu_xp, "softplus", 8, x, x)
    with pytest.raises(TypeError, match=r"takes `const real\* x`, a contiguous array of float32"):
        source.launch(gpu_xp, "softplus", 8, x.T, x, 8)
    with pytest.raises(TypeError, match=r"takes `real\* y`.*Received: float64"):
        source.launch(gpu_xp, "softplus", 8, x, gpu_xp.zeros((4, 2)), 8)


def test_an_array_of_another_gpu_is_refused(cupy, monkeypatch):
    if machine.ON_DEVICE:
        pytest.skip("the stand-in has as many GPUs as are asked for")
    monkeypatch.setattr(cupy, "_device_count", 2)
    with cupy.cuda.Device(1):
        x = cupy.zeros(3, "float32")
    with pytest.raises(ValueError, match="lies on GPU 1, but GPU 0"):
        launch.Source("activations").launch(cupy, "softplus", 3, x, x, 3)


def test_a_barrier_that_not_all_threads_reach_is_found():
    code = 'extern "C" __global__ void broken(int* x) { if (threadIdx.x < 5) __syncthreads(); }'
    code = "#define REAL_BYTES 4\n" + code
    kernel = cuda_on_cpu.RawModule(code=code).get_function("broken")
    with pytest.raises(AssertionError, match="not all threads"):
        kernel((1,), (32,), (gpu_xp.zeros(1, "int32"),))


def test_slices_of_arrays():
    """Inputs that do not lie in one piece are copied first."""
    x = on_gpu(draw((6, 8), "float32"))
    actual = activations.softmax(gpu_xp, x.T[::2])
    np.testing.assert_allclose(actual.get(), activations.softmax(np, x.get().T[::2]), rtol=1e-6)


def test_long_places(monkeypatch):
    """Arrays of more elements than an int counts use 64-bit places."""
    monkeypatch.setattr(launch, "_SMALL", 2)
    test_softmax("float32", (3, 257))
    test_pooling("float32", WINDOWS[3], 3, 5)
    test_batch_norm("float64", (130, 33), True)


def test_more_elements_than_threads(monkeypatch):
    monkeypatch.setattr(launch, "_MOST_BLOCKS", 2)
    test_activations("float32", 20_000)
    test_softmax("float32", (5, 10))


def test_every_kernel_is_tested_here():
    """One row of each of the tests above launches every kernel of every source."""
    launched.clear()
    for of_elements in (test_activations, test_curves, test_cross_entropy_of_two):
        of_elements("float32", 31)
    test_dropout("float32", 31, 0.5)
    test_after_a_product("float32", (5, 10), True)
    for of_rows in (test_softmax, test_cross_entropies_of_classes):
        of_rows("float32", (5, 10))
    test_layer_norm("float32", (5, 10), True)
    test_group_norm("float32", (2, 5, 6), -1, 2, True)
    test_activations_of_ops("float32", 31)
    test_slopes_that_are_infinite_at_zero("float32", 31)
    test_batch_norm("float32", (3, 2, 5), True)
    test_recurrent_steps("float32", 3, 5)
    test_recurrent_sequences("float32", 3, 4, 5, True)
    test_attention("float32", *ATTENTION[3])
    test_pooling("float32", WINDOWS[3], 3, 5)
    test_columns("float32", WINDOWS[3], 3, 5, 2)
    test_depthwise("float32", WINDOWS[3], 3, 5, 3)
    test_scattered_rows("float32", (5, 3, 40))
    for row in RULES:
        test_update_rules("float32", 300, row)
    kernels = {name for family in FAMILIES for name in launch.kernels_of(family)}
    assert len(FAMILIES) > 9
    assert len(kernels) > 45
    assert kernels <= launched
