"""Measure kernels on the CPU, or on the GPU with its limits, in a process of its own; see `gpu.py`.

Times are those between two CUDA events, of several calls in a row, so that a call's launches
overlap with the work of the one before as they do in a training step. The first calls, in which
sources are compiled and memory is taken, do not count; the others are divided into turns.

Usage: python benchmarks/gpu_times.py minikeras cpu|gpu SECONDS KERNEL ...
"""

import os
import statistics
import sys
import time

import kernel_times
import numpy as np
import spread
from kernel_cases import CASES
from turns import say

import minikeras as keras
from minikeras.arrays import gpu

TOGETHER = 5
"""Calls between two events."""
SHRINK = int(os.environ.get("GPU_BENCH_SHRINK", "1"))
"""By how much the limits are measured on less: to try this program where no GPU is."""
SIZES = [size // SHRINK for size in (1024, 4096, 8192)]
COPIED = (1 << 28) // SHRINK
"""Bytes, several times what the cache of a GPU holds."""
ADAM = "Adam, 2.56 M weights"


def main(where, seconds, names):
    """Measure everything, and print the results."""
    say("result", {"cpu": on_cpu, "gpu": on_gpu}[where](seconds, names))


def on_cpu(seconds, names):
    """Return the figures of kernels on NumPy arrays."""
    kernels = {n: kernel_times._case(CASES[n], seconds) for n in names if n in CASES}
    if ADAM in names:
        kernels[ADAM] = {"forward": kernel_times._adam(seconds)}
    return {"kernels": kernels}


def on_gpu(seconds, names):
    """Return the device, its limits, and the figures of kernels on it."""
    with keras.device("gpu"):
        xp = gpu.library()
        limits = {"copy_gb_s": copy_rate(xp, seconds), **product_rates(xp, seconds)}
        kernels = {name: measured(xp, CASES[name], seconds) for name in names if name in CASES}
        if ADAM in names:
            kernels[ADAM] = {"forward": adam(xp, seconds)}
    return {"device": gpu.describe(), "limits": limits, "kernels": kernels}


def turns(xp, run, seconds, before=None):
    """Return the time of a call in milliseconds, the median of each turn.

    Args:
        xp: the module CuPy.
        run: function to time; it gets what `before` returned.
        seconds: how long to go on; five pairs of events at least.
        before: function that prepares each call, outside the time.
    """
    times = []
    until = None
    while until is None or len(times) < spread.TURNS or time.perf_counter() < until:
        arguments = [() if before is None else (before(),) for _ in range(TOGETHER)]
        start, stop = xp.cuda.Event(), xp.cuda.Event()
        start.record()
        for one in arguments:
            run(*one)
        stop.record()
        stop.synchronize()
        times.append(xp.cuda.get_elapsed_time(start, stop) / TOGETHER)
        if until is None and len(times) == spread.WARM_UP:
            times, until = [], time.perf_counter() + seconds
    return spread.in_turns(times)


def median(xp, run, seconds):
    """Return the median over all turns."""
    return statistics.median(turns(xp, run, seconds))


def product_rates(xp, seconds):
    """Return the rates of products of square matrices in GFLOP/s, of the best size, by their type.

    `tf32` are float32 matrices whose digits the tensor cores round.
    """
    rates = {
        "sgemm_gflops": max(_product_rate(xp, size, "float32", seconds) for size in SIZES),
        "dgemm_gflops": max(_product_rate(xp, size, "float64", seconds) for size in SIZES[:2]),
    }
    before = keras.config.tf32()
    keras.config.set_tf32(True)
    rates["tf32_gflops"] = max(_product_rate(xp, size, "float32", seconds) for size in SIZES)
    keras.config.set_tf32(before)
    return rates


def _product_rate(xp, size, dtype, seconds):
    # Random numbers: equal ones take less power, which lets a GPU run faster.
    a = xp.asarray(np.random.default_rng(0).standard_normal((size, size)).astype(dtype))
    out = xp.empty_like(a)
    return 2 * size**3 / median(xp, lambda: xp.matmul(a, a, out=out), seconds) / 1e6


def copy_rate(xp, seconds):
    """Return the bytes that a large copy reads and writes, in GB/s."""
    source, target = xp.zeros(COPIED, "uint8"), xp.zeros(COPIED, "uint8")
    return 2 * COPIED / median(xp, lambda: xp.copyto(target, source), seconds) / 1e6


def measured(xp, case, seconds):
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

    times = (
        turns(xp, lambda: function(*inputs), seconds),
        turns(xp, back, seconds, record),
    )
    operations = case.operations(inputs, result)
    moved = case.bytes_moved(inputs, weights, result)
    passes = zip(("forward", "backward"), times, operations, moved, strict=True)
    return {name: {"ms": ms, "flop": f, "bytes": b} for name, ms, f, b in passes}


def adam(xp, seconds):
    """The figures of an update: weight and averages read and written, the gradient read."""
    size = kernel_times.ADAM_SIZE
    weight = keras.Variable(xp.ones(size, "float32"))
    gradient = keras.ops.ones_like(weight)
    optimizer = keras.optimizers.Adam()
    times = turns(xp, lambda: optimizer.apply([gradient], [weight]), seconds)
    return {"ms": times, "flop": kernel_times.ADAM_OPERATIONS * size, "bytes": 7 * 4 * size}


if __name__ == "__main__":
    main(sys.argv[2], float(sys.argv[3]), sys.argv[4:])
