"""How often code of a user's own runs while a model is built: the same seed, the same weights.

Keras first runs a model without a `build` of its own on shapes alone. A variable made from values
ends that run, and then the layer's `build` runs again and draws other numbers.
"""

import random

import numpy as np
import pytest

from parity_tests.scenario import same

pytestmark = pytest.mark.parity

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


def layers(k):
    """Layers that make their weight in different ways, by name; and what runs in `build`."""
    built = []

    class Base(k.layers.Layer):
        def build(self, input_shape):
            built.append(type(self).__name__)
            self.w = self.make((input_shape[-1], 2))

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

        def call(self, x):
            return k.ops.matmul(x, self.w)

    class Values(Base):
        def make(self, shape):
            return k.Variable(k.initializers.GlorotUniform()(shape))

    class Drawn(Base):
        def make(self, shape):
            return k.Variable(k.random.uniform(shape))

    class OfNumPy(Base):
        def make(self, shape):
            return k.Variable(np.random.uniform(size=shape).astype("float32"))

    class Initializer(Base):
        def make(self, shape):
            return k.Variable(k.initializers.GlorotUniform(), shape=shape)

    class Weight(Base):
        def make(self, shape):
            return self.add_weight(shape=shape, initializer="glorot_uniform")

    class Early(Values):
        def __init__(self, features=3):
            super().__init__()
            self.build((None, features))

    class Around(k.layers.Layer):
        def __init__(self, *inside):
            super().__init__()
            self.inside = list(inside)

        def call(self, x):
            for layer in self.inside:
                x = layer(x)
            return x

    class Model(k.Model):
        def __init__(self, *inside):
            super().__init__()
            self.inside = list(inside)

        def call(self, x):
            for layer in self.inside:
                x = layer(x)
            return x

    return built, locals()


def graph(k, *inside):
    i = y = k.Input((3,))
    for layer in inside:
        y = layer(y)
    return k.Model(i, y)


MODELS = {
    "values": lambda k, c: c["Model"](c["Values"](), c["Values"]()),
    "dense, values": lambda k, c: c["Model"](k.layers.Dense(3), c["Values"]()),
    "values, dropout, dense": lambda k, c: c["Model"](
        c["Values"](), k.layers.Dropout(0.5), k.layers.Dense(2)
    ),
    "drawn": lambda k, c: c["Model"](c["Drawn"](), c["Drawn"]()),
    "of numpy": lambda k, c: c["Model"](c["OfNumPy"](), c["OfNumPy"]()),
    "initializer": lambda k, c: c["Model"](c["Initializer"](), c["Initializer"]()),
    "weight": lambda k, c: c["Model"](c["Weight"](), c["Weight"]()),
    "early": lambda k, c: c["Model"](c["Early"](), c["Values"]()),
    "around": lambda k, c: c["Model"](c["Around"](c["Values"](), c["Values"]())),
    "model in model": lambda k, c: c["Model"](c["Model"](c["Values"]()), c["Values"]()),
    "sequential": lambda k, c: k.Sequential([c["Values"](), c["Values"]()]),
    "sequential with input": lambda k, c: k.Sequential(
        [k.Input((3,)), c["Values"](), c["Drawn"]()]
    ),
    "functional": lambda k, c: graph(k, c["Values"](), c["OfNumPy"]()),
    "functional in model": lambda k, c: c["Model"](graph(k, c["Values"]()), c["Values"]()),
    "sequential in model": lambda k, c: c["Model"](k.Sequential([c["Values"]()]), c["Drawn"]()),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("how", ["call", "train"])
def test_the_same_weights(name, how):
    def scenario(k):
        np.random.seed(3)
        built, classes = layers(k)
        model = MODELS[name](k, classes)
        if how == "call":
            model(X)
        else:
            model.compile(k.optimizers.SGD(0.0), "mse", run_eagerly=True)
            model.fit(X, X[:, :2], verbose=0)
        return {
            "built": list(built),
            "weights": model.get_weights(),
            "the next numbers": [random.random(), float(np.random.uniform())],
            "the next tensor": float(k.random.uniform(())),
        }

    same(scenario)
