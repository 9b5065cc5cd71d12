"""Measure kernels alone, and the machine's limits, in a process of its own; `kernels.py` starts it.

Usage: python benchmarks/kernel_times.py minikeras CORES SECONDS
"""

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import spread
from kernel_cases import CASES
from turns import say

import minikeras as keras

SGEMM_SIZES = 512, 1024, 2048
COPIED = 1 << 26
"""Floats, 256 MB: more than any cache holds."""
ADAM_SIZE = 2_560_000
ADAM_OPERATIONS = 12
"""For each weight: two averages (three and four), a root, a sum, a quotient, a step (two)."""


def main(cores, seconds):
    """Measure everything, and print the results."""
    early = sgemm_rate(seconds), copy_rate(cores, seconds)
    kernels = {name: _case(case, seconds) for name, case in CASES.items()}
    kernels["Adam, 2.56 M weights"] = {"forward": _adam(seconds)}
    late = sgemm_rate(seconds), copy_rate(cores, seconds)
    limits = dict(zip(("sgemm_gflops", "copy_gb_s"), map(max, early, late), strict=True))
    say("result", {"limits": limits, "kernels": kernels})


def times(run, seconds, before=None):
    """Return the times of calls that go on for some seconds, five at least, after a warm-up.

    Args:
        run: function to time; it gets what `before` returned.
        seconds: how long to go on.
        before: function that prepares each call, outside the time.
    """
    seconds_per_call = []
    until = None
    while until is None or len(seconds_per_call) < spread.TURNS or time.perf_counter() < until:
        arguments = () if before is None else (before(),)
        began = time.perf_counter()
        run(*arguments)
        seconds_per_call.append(time.perf_counter() - began)
        if until is None and len(seconds_per_call) == spread.WARM_UP:
            seconds_per_call, until = [], time.perf_counter() + seconds
    return seconds_per_call


def sgemm_rate(seconds):
    """Return the rate of products of square float32 matrices in GFLOP/s, of the best size."""
    return max(_product_rate(size, seconds) for size in SGEMM_SIZES)


def _product_rate(size, seconds):
    a = np.random.default_rng(0).random((size, size), "float32")
    out = np.empty_like(a)
    took = statistics.median(times(lambda: np.matmul(a, a, out=out), seconds))
    return 2 * size**3 / took / 1e9


def copy_rate(cores, seconds):
    """Return the bytes that a large copy reads and writes, in GB/s, each core copying a part."""
    sources = np.array_split(np.ones(COPIED, "float32"), cores)
    targets = np.array_split(np.zeros(COPIED, "float32"), cores)
    with ThreadPoolExecutor(cores) as pool:
        seconds_per_copy = times(lambda: list(pool.map(np.copyto, targets, sources)), seconds)
    return 2 * 4 * COPIED / statistics.median(seconds_per_copy) / 1e9


def _case(case, seconds):
    """The figures of the forward and of the backward pass of a case."""
    function, inputs, weights = case.setup(keras)
    result = function(*inputs)
    sources = [x for x in inputs if "float" in str(x.dtype)] + list(weights)
    g = keras.ops.ones_like(result)

    def record():
        with keras.GradientTape() as tape:
            tape.watch(sources)
            return tape, function(*inputs)

    def back(recorded):
        tape, y = recorded
        tape.gradient(y, sources, output_gradients=g)

    taken = times(lambda: function(*inputs), seconds), times(back, seconds, record)
    operations = case.operations(inputs, result)
    moved = case.bytes_moved(inputs, weights, result)
    passes = zip(("forward", "backward"), taken, operations, moved, strict=True)
    return {name: {"ms": _turns(t), "flop": f, "bytes": b} for name, t, f, b in passes}


def _adam(seconds):
    """The figures of an update: weight and averages read and written, the gradient read."""
    weight = keras.Variable(np.ones(ADAM_SIZE, "float32"))
    gradient = keras.ops.ones_like(weight)
    optimizer = keras.optimizers.Adam()
    taken = times(lambda: optimizer.apply([gradient], [weight]), seconds)
    return {"ms": _turns(taken), "flop": ADAM_OPERATIONS * ADAM_SIZE, "bytes": 7 * 4 * ADAM_SIZE}


def _turns(taken):
    """Milliseconds of each turn."""
    return [1e3 * seconds for seconds in spread.in_turns(taken)]


if __name__ == "__main__":
    main(int(sys.argv[2]), float(sys.argv[3]))
