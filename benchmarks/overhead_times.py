"""Measure what one call costs on small data, in a process of its own; `overhead.py` starts it.

Usage: python benchmarks/overhead_times.py ENGINE SECONDS
"""

import importlib
import sys
import time

import numpy as np
import spread
from turns import say
from workloads import WORKLOADS


def main(engine, seconds):
    """Measure the calls, and say what they cost in microseconds."""
    keras = importlib.import_module("minikeras" if engine == "minikeras" else "keras")
    a, b = (keras.ops.convert_to_tensor(np.ones((32, 64), "float32")) for _ in range(2))
    dense = keras.layers.Dense(64)
    dense(a)
    add = keras.ops.add
    result = {
        "add": _microseconds(lambda: add(a, b), seconds),
        "add_recorded": _recorded(engine, keras, add, b, seconds),
        "dense_call": _microseconds(lambda: dense(a), seconds),
    }
    plan = WORKLOADS["tiny_mlp"]
    model = plan.model(keras)
    x, y = (values[: plan.batch_size] for values in plan.data())
    result["train_on_batch"] = _microseconds(lambda: model.train_on_batch(x, y), seconds)
    result["predict_on_batch"] = _microseconds(lambda: model.predict_on_batch(x), seconds)
    say("result", result)


def _recorded(engine, keras, add, b, seconds):
    """The same addition while a tape records it; None for JAX, which has no tape."""
    variable = keras.Variable(np.ones((32, 64), "float32"))
    if engine == "torch":  # records whatever has to do with a variable
        return _microseconds(lambda: add(variable, b), seconds)
    if engine == "jax":
        return None
    module = keras if engine == "minikeras" else importlib.import_module("tensorflow")
    with module.GradientTape():
        return _microseconds(lambda: add(variable, b), seconds)


def _microseconds(call, seconds, count=50):
    """The turns of a call, each time the average over `count` of them in a row."""
    for _ in range(spread.WARM_UP):
        call()
    times = []
    until = time.perf_counter() + seconds
    while len(times) < spread.TURNS or time.perf_counter() < until:
        began = time.perf_counter()
        for _ in range(count):
            call()
        times.append(time.perf_counter() - began)
    return [took / count * 1e6 for took in spread.in_turns(times)]


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
