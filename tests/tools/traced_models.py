"""Models of every kind, made by either Keras, to look at while they run."""

import numpy as np


def sequential(k):
    layers = [k.layers.Dense(5, "relu"), k.layers.BatchNormalization(), k.layers.Dropout(0.5)]
    return k.Sequential([k.Input((4,)), *layers, k.layers.Dense(2)])


def functional(k):
    x = k.Input((4,))
    y = k.layers.Dense(4, activation="tanh")(x)
    return k.Model(x, [k.layers.Dense(2)(x + y), k.ops.exp(y)])


def nested(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.GaussianNoise(0.1, seed=1)])
    x = k.Input((4,))
    return k.Model(x, k.layers.LayerNormalization()(inner(x)))


def shared(k):
    x, layer = k.Input((6, 4)), k.layers.LSTM(4, return_sequences=True, dropout=0.3, seed=2)
    return k.Model(x, layer(layer(x)))


def subclassed(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = k.layers.Dense(4, activation="gelu"), k.layers.Dense(2)

        def call(self, x):
            return self.last(self.first(x) * 1.5)

    return Own()


KINDS = {f.__name__: f for f in (sequential, functional, nested, shared, subclassed)}


def looked_at(engine, phases, kind):
    """Return outputs of runs that nobody looks at, and of the same runs with each layer seen.

    Args:
        engine: an `engines.Engine`.
        phases: the class `phases.Phases`.
        kind: one of `KINDS`.
    """
    engine.keras.utils.set_random_seed(3)
    model = KINDS[kind](engine.keras)
    shape = (3, 6, 4) if kind == "shared" else (3, 4)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    model(x)
    runner, seen = phases(engine, model), []
    plain, watched = [], []
    for training in (False, True):
        plain += runner.untouched([x], training)
        watched += runner.forward([x], training, lambda call, arrays: seen.append(call.key))
    assert len(seen) >= 4
    return plain, watched
