"""Measure one workload in one engine, in a process of its own; `run.py` starts it.

Usage: python benchmarks/worker.py ENGINE WORKLOAD ROUNDS
"""

import importlib
import resource
import sys
import time

import numpy as np
from turns import Turns, say
from workloads import WORKLOADS

OURS = ("minikeras", "minikeras_numpy")
NUMPY_ENGINES = ("dezero", "neuralnetlib")


def main(engine, name, rounds):
    """Import the engine, train, predict, and say what it took."""
    training = (NumpyTraining if engine in NUMPY_ENGINES else KerasTraining)(engine)
    plan = WORKLOADS[name]
    x, y = plan.data()
    size = plan.batch_size
    began = time.perf_counter()
    training.make(name)
    training.fit(x[:size], y[:size], size)
    first_step = time.perf_counter() - began

    turns = Turns()
    loss = training.fit(x, y, size, rounds, turns)
    fit = turns.taken()
    for _ in range(rounds):
        with turns:
            training.predict(x, size)
    milliseconds = 1e3 / plan.steps
    say(
        "result",
        {
            "first_step_s": first_step,
            "fit_steps_ms": [t * milliseconds for t in fit],
            "predict_steps_ms": [t * milliseconds for t in turns.taken()],
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "parameters": training.parameters(),
            "loss": loss,
        },
    )


class KerasTraining:
    """Training through the Keras API."""

    def __init__(self, engine):
        self.keras = importlib.import_module("minikeras" if engine in OURS else "keras")
        self.keras.utils.set_random_seed(0)
        self.model = None

    def make(self, name):
        """Make the compiled model."""
        self.model = WORKLOADS[name].model(self.keras)

    def parameters(self):
        """Return the number of weights that are trained."""
        return sum(int(np.prod(v.shape)) for v in self.model.trainable_variables)

    def fit(self, x, y, batch_size, epochs=1, turns=None):
        """Train, each epoch in a turn of its own if `turns` are given; return the loss."""
        callbacks = [] if turns is None else [epochs_in(turns, self.keras)]
        history = self.model.fit(
            x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=callbacks
        )
        return float(history.history["loss"][-1])

    def predict(self, x, batch_size):
        """Predict everything."""
        return self.model.predict(x, batch_size=batch_size, verbose=0)


def epochs_in(turns, keras):
    """Return a callback that begins and ends a turn with each epoch."""

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            turns.begin()

        def on_epoch_end(self, epoch, logs=None):
            float(logs["loss"])  # JAX computes while Python goes on: wait for the result
            turns.end()

    return Epochs()


class NumpyTraining:
    """Training of an engine that is given one batch after the other."""

    def __init__(self, engine):
        self.engine = importlib.import_module(f"with_{engine}")
        self.network = None

    def make(self, name):
        """Make the network."""
        self.network = self.engine.Network(name)

    def parameters(self):
        """Return the number of weights that are trained."""
        return self.network.parameters()

    def fit(self, x, y, batch_size, epochs=1, turns=None):
        """Train as `KerasTraining.fit` does, the samples shuffled in every epoch."""
        rng = np.random.default_rng(0)
        losses = []
        for _ in range(epochs):
            if turns is not None:
                turns.begin()
            places = rng.permutation(len(x)).reshape(-1, batch_size)
            losses = [self.network.step(x[place], y[place]) for place in places]
            if turns is not None:
                turns.end()
        return float(np.mean(losses))

    def predict(self, x, batch_size):
        """Predict everything, batch by batch."""
        parts = x.reshape(-1, batch_size, *x.shape[1:])
        return np.concatenate([self.network.predict(part) for part in parts])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
