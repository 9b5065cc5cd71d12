"""Measure one workload in one engine, in a process of its own; prints one line of JSON.

Usage: python benchmarks/engine.py ENGINE WORKLOAD, where ENGINE is `minikeras` or one of Keras's
back ends (`tensorflow`, `jax`, `torch`).
"""

import json
import os
import resource
import sys
import time


def main(engine, name):
    """Train and predict a workload, and print what it took."""
    began = time.perf_counter()
    if engine == "minikeras":
        import minikeras as keras
    else:
        os.environ["KERAS_BACKEND"] = engine
        import keras
    imported = time.perf_counter() - began

    from workloads import WORKLOADS

    make, batch_size = WORKLOADS[name]
    keras.utils.set_random_seed(0)
    model, x, y = make(keras)
    began = time.perf_counter()
    model.fit(x[:batch_size], y[:batch_size], batch_size=batch_size, epochs=1, verbose=0)
    first_step = time.perf_counter() - began
    steps = len(x) // batch_size
    fit = _best(lambda: model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0), 4)
    predict = _best(lambda: model.predict(x, batch_size=batch_size, verbose=0), 4)
    print(
        json.dumps(
            {
                "import_s": imported,
                "first_step_s": first_step,
                "fit_step_ms": fit / steps * 1e3,
                "predict_step_ms": predict / steps * 1e3,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def _best(run, rounds):
    """The shortest of several rounds, the first of which only warms up."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times[1:])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
