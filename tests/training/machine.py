"""A model whose attributes change between steps, and what it must compute by the rule of recording.

`Script` is what a test does to a model; `Eager` does the same to a model that runs every step as it
is written, and gives it, before each step, the attributes that the recorded model read when it met
that kind of batch first. So both must stay equal, to the last bit, whatever is done in whatever
order. Nothing here imports minikeras: the parity tests do the same to real Keras.
"""

import numpy as np

FEATURES, TARGETS = 3, 2
_rng = np.random.default_rng(0)
X = _rng.normal(size=(12, FEATURES)).astype("float32")
Y = _rng.normal(size=(12, TARGETS)).astype("float32")


class NotNow(Exception):
    """What a layer raises that has been told to fail."""


def scaled(engine):
    """Return a class of layers with attributes that steps read."""

    class Scaled(engine.layers.Layer):
        def __init__(self, rate=1.0, bends=False, fails=False, **kwargs):
            super().__init__(**kwargs)
            self.rate, self.bends, self.fails = rate, bends, fails

        def call(self, x):
            if self.fails:
                raise NotNow
            x = x * self.rate
            return engine.ops.tanh(x) if self.bends else x

        def get_config(self):
            attributes = {"rate": self.rate, "bends": self.bends, "fails": self.fails}
            return {**super().get_config(), **attributes}

    return Scaled


OPTIMIZERS = {
    "sgd": lambda engine: engine.optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda engine: engine.optimizers.Adam(0.05),
    "clipped": lambda engine: engine.optimizers.RMSprop(0.01, clipnorm=0.5),
}


class Script:
    """A model, and what can be done to it.

    Args:
        engine: minikeras or Keras.
        layer_class: what `scaled` returned for it.
        eagerly: whether every step runs as it is written.
        dropout: the rate of the dropout layer.
    """

    def __init__(self, engine, layer_class, eagerly=False, dropout=0.3):
        self.engine, self.eagerly = engine, eagerly
        layers = engine.layers
        engine.utils.set_random_seed(3)
        self.model = engine.Sequential([
            engine.Input((FEATURES,)),
            layers.Dense(4, "tanh", name="first"),
            layers.BatchNormalization(),
            layer_class(name="scaled"),
            layers.Dropout(dropout, seed=5),
            layers.Dense(TARGETS),
        ])  # fmt: skip
        self.compile("sgd")

    def compile(self, optimizer):
        self.model.compile(
            OPTIMIZERS[optimizer](self.engine), "mse", metrics=["mae"], run_eagerly=self.eagerly
        )

    def set(self, name, value):
        """Set an attribute that steps read."""
        if name == "trainable":
            self.model.get_layer("first").trainable = value
        else:
            setattr(self.model.get_layer("scaled"), name, value)

    def set_learning_rate(self, value):
        self.model.optimizer.learning_rate = value

    def set_weights(self, seed):
        rng = np.random.default_rng(seed)
        self.model.set_weights([rng.uniform(0.1, 1, w.shape) for w in self.model.get_weights()])

    def take(self, step, size):
        """Take a step on the first `size` samples; return what it returns, or what it raises."""
        try:
            if step == "predict":
                return np.array(self.model.predict_on_batch(X[:size]))
            method = {"train": self.model.train_on_batch, "test": self.model.test_on_batch}[step]
            logs = method(X[:size], Y[:size], return_dict=True)
            return {name: float(value) for name, value in logs.items()}
        except (NotNow, ValueError) as error:
            return type(error).__name__

    def loop(self, step, size):
        """The same for `fit`, `evaluate` and `predict` on two batches of `size` samples."""
        x, y = X[: 2 * size], Y[: 2 * size]
        options = {"batch_size": size, "verbose": 0}
        try:
            if step == "predict":
                return np.array(self.model.predict(x, **options))
            if step == "train":
                return self.model.fit(x, y, epochs=2, shuffle=False, **options).history
            logs = self.model.evaluate(x, y, return_dict=True, **options)
            return {name: float(value) for name, value in logs.items()}
        except (NotNow, ValueError) as error:
            return type(error).__name__

    def state(self):
        """All numbers that steps change."""
        variables = [*self.model.variables, *self.model.optimizer.variables]
        return [np.array(self.engine.ops.convert_to_numpy(v)) for v in variables]


class Eager(Script):
    """The same, every step as it is written, with the attributes that the rule says."""

    def __init__(self, *args, **kwargs):
        self._live = {"rate": 1.0, "bends": False, "fails": False, "trainable": True}
        self._read = {}
        super().__init__(*args, eagerly=True, **kwargs)

    def compile(self, optimizer):
        super().compile(optimizer)
        self._read.clear()

    def forget(self):
        """Begin to read again, as a copy does."""
        self._read.clear()

    def set(self, name, value):
        self._live[name] = value

    def take(self, step, size):
        return self._with_attributes(super().take, step, size)

    def loop(self, step, size):
        return self._with_attributes(super().loop, step, size)

    def _with_attributes(self, method, step, size):
        attributes = self._read.get((step, size), dict(self._live))
        for name, value in attributes.items():
            super().set(name, value)
        result = method(step, size)
        if not isinstance(result, str):  # a step that fails is no recording
            self._read[step, size] = attributes
        return result
