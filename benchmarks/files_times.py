"""Time saving and loading of a model in a process of its own; `files.py` starts it.

Usage: python benchmarks/files_times.py ENGINE MODEL FOLDER times ROUNDS
       python benchmarks/files_times.py ENGINE MODEL FOLDER memory
"""

import contextlib
import importlib
import os
import resource
import sys
from pathlib import Path
from unittest import mock

from files_models import MODELS
from turns import Turns, say

NOT_TIMED = {("tensorflow", "1,000 layers", "load .keras")}
"""Keras 3.15 takes more than 15 minutes for it."""


def operations(keras, model, folder, ending):
    """Return what is timed, by name, in an order in which each finds its file.

    Args:
        keras: the engine's module.
        model: the model that is saved, and given weights.
        folder: where the files go.
        ending: what is appended to the names of the operations.
    """
    whole, weights = str(folder / "model.keras"), str(folder / "model.weights.h5")
    older = str(folder / "model.h5")
    load = keras.models.load_model
    return {
        f"save .keras{ending}": lambda: model.save(whole),
        f"load .keras{ending}": lambda: load(whole),
        f"save .h5{ending}": lambda: model.save(older),
        f"load .h5{ending}": lambda: load(older),
        f"save .weights.h5{ending}": lambda: model.save_weights(weights),
        f"load .weights.h5{ending}": lambda: model.load_weights(weights),
    }


def times(engine, keras, name, folder, rounds):
    """Take turns with each operation, and say how many seconds each turn took."""
    model = MODELS[name](keras)
    plain = operations(keras, model, folder, "")
    waits = {what: contextlib.nullcontext for what in plain}
    if engine == "minikeras":  # the only one that waits for the disk
        further = operations(keras, model, folder, ", not flushed")
        further = {what: run for what, run in further.items() if what.startswith("save")}
        waits |= {what: lambda: mock.patch("os.fsync") for what in further}
        plain |= further
    plain = {w: run for w, run in plain.items() if (engine, name, w) not in NOT_TIMED}
    watch = Turns()
    times = {what: [] for what in plain}
    for _ in range(rounds):
        for what, run in plain.items():
            os.sync()  # what others have written is not to be waited for here
            with waits[what](), watch:
                run()
            times[what] += watch.taken()
    say("result", times)


def memory(keras, folder):
    """Say how far the resident memory rises while a model is loaded, in bytes."""
    before = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    model = keras.models.load_model(str(folder / "model.keras"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    say("result", {"above": peak - before, "weights": 4 * model.count_params()})


def main(engine, name, folder, what, rounds="1"):
    """Measure one of the two."""
    keras = importlib.import_module("minikeras" if engine == "minikeras" else "keras")
    # Keras saves a stack of layers by a recursion as deep as the stack is high.
    sys.setrecursionlimit(100_000)
    if engine == "tensorflow":
        keras.ops.zeros(1)  # TensorFlow's own memory is not that of loading
    if what == "times":
        times(engine, keras, name, Path(folder), int(rounds))
    elif (engine, name, "load .keras") in NOT_TIMED:
        say("result", {"error": "not measured, since it takes too long"})
    else:
        memory(keras, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
