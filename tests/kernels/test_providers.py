"""Who computes: compiled kernels where they are wanted and worth it, and never half of a pair."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras
from minikeras.kernels import providers

PACKAGE = Path(keras.__file__).parent
BATCH = 6
PAIRS = {
    "batch norm": lambda: keras.layers.BatchNormalization(),
    "layer norm": lambda: keras.layers.LayerNormalization(),
    "conv": lambda: keras.layers.Conv2D(5, 3, activation="relu"),
    "depthwise": lambda: keras.layers.DepthwiseConv2D(3),
    "max pooling": lambda: keras.layers.MaxPooling2D(),
    "average pooling": lambda: keras.layers.AveragePooling2D(2),
    "dense": lambda: keras.layers.Dense(4, activation="relu"),
    "silu": lambda: keras.layers.Activation("silu"),
    "gelu": lambda: keras.layers.Activation("gelu"),
    "softmax": lambda: keras.layers.Softmax(),
    "lstm": lambda: keras.layers.TimeDistributed(keras.layers.LSTM(3)),
    "gru": lambda: keras.layers.TimeDistributed(keras.layers.GRU(3)),
    "simple rnn": lambda: keras.layers.TimeDistributed(keras.layers.SimpleRNN(3)),
}


@pytest.fixture(autouse=True)
def switched_back():
    before = keras.config.compiled_kernels()
    yield
    keras.config.set_compiled_kernels(before)


def _gradients(layer, x, forward, backward):
    x = keras.ops.convert_to_tensor(x)
    keras.config.set_compiled_kernels(forward)
    with keras.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = keras.ops.sum(y * np.cos(np.arange(y.size, dtype="float32")).reshape(y.shape))
    keras.config.set_compiled_kernels(backward)
    return [g.numpy() for g in tape.gradient(loss, [x, *layer.trainable_variables])]


@pytest.mark.parametrize("name", PAIRS)
def test_a_backward_pass_takes_what_either_forward_pass_saved(name):
    pytest.importorskip("numba")
    keras.utils.set_random_seed(1)
    layer = PAIRS[name]()
    x = np.random.default_rng(0).normal(size=(BATCH, 7, 8, 3)).astype("float32")
    layer(x)
    expected = _gradients(layer, x, False, False)
    for forward, backward in ((True, True), (True, False), (False, True)):
        for a, b in zip(_gradients(layer, x, forward, backward), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_small_networks_do_not_wait_for_numba():
    code = (
        "import sys, numpy as np, minikeras as keras\n"
        "k = keras.layers\n"
        "m = keras.Sequential([keras.Input((4,)), k.Dense(8, 'relu'), k.Dropout(0.5)])\n"
        "m.compile('adam', keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n"
        "m.fit(np.zeros((64, 4)), np.zeros(64), verbose=0)\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("args", "large"),
    [
        ((np, np.zeros(8)), False),
        ((np, np.zeros(9000)), True),
        ((np, [np.zeros(9000)], None), True),
        ((np, np.zeros(8), (np.zeros(9000), None)), True),
        ((np, 0.5, 9000), False),
        ((np, []), False),
    ],
)
def test_what_is_large(args, large):
    assert providers.has_array_of(providers.SMALL, args) is large


def _dispatched():
    """Names of kernels that are dispatched to compiled ones, with the modules of these."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(node, "decorator_list", ()):
                named = isinstance(decorator, ast.Call) and getattr(decorator.func, "id", None)
                if named == "dispatched" and decorator.args:
                    yield node.name.lstrip("_"), ast.literal_eval(decorator.args[0])


def test_every_compiled_kernel_is_where_dispatch_looks_for_it():
    dispatched = list(_dispatched())
    assert len(dispatched) > 30
    for kernel, module in dispatched:
        path = PACKAGE.joinpath("kernels", "compiled", *module.split(".")).with_suffix(".py")
        functions = [getattr(node, "name", None) for node in ast.parse(path.read_text()).body]
        assert kernel in functions, f"kernels/compiled has no {module}.{kernel}"
