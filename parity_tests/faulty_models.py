"""Models with a fault: in minikeras one thing is another than in Keras.

A fault is a function of this module, under the name `<model>__<kind>`. The process of Keras makes
the model as it should be, that of minikeras the faulty one. Nothing here knows of tests.
"""

from functools import partial

import keras
import numpy as np

L = keras.layers
IS_OURS = "minikeras" in L.Dense.__module__


class Truncated(L.Layer):
    """Cuts a number to so many steps, as an integer would."""

    def __init__(self, steps=0, **kwargs):
        super().__init__(**kwargs)
        self.steps = steps

    def call(self, x):
        return keras.ops.floor(x * self.steps) / self.steps if self.steps else x


class Narrow(L.Layer):
    """Computes in float16 what others compute as they are called."""

    def __init__(self, narrow=False, **kwargs):
        super().__init__(**kwargs)
        self.narrow = narrow

    def call(self, x):
        if self.narrow and x.dtype == "float32":
            return keras.ops.cast(keras.ops.cast(x, "float16"), "float32")
        return x * 1.0


def compiled(model, rule=None, loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    model.compile((rule or keras.optimizers.Adam)(), loss, metrics=list(metrics))
    return model


def cnn(
    activation="relu",
    epsilon=1e-3,
    momentum=0.99,
    padding=((1, 0), (1, 0)),
    penalty=1e-4,
    pooling=L.MaxPooling2D,
    dropout=0.25,
    steps=0,
    narrow=False,
    rule=None,
    loss="sparse_categorical_crossentropy",
    metrics=("accuracy",),
):
    """A convolutional network with BatchNormalization."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((8, 8, 1)),
        L.ZeroPadding2D(padding, name="pad"),
        L.Conv2D(6, 3, activation=activation, name="conv"),
        L.BatchNormalization(epsilon=epsilon, momentum=momentum, name="bn"),
        pooling(name="pool"),
        Truncated(steps, name="steps"),
        L.Flatten(name="flat"),
        L.Dropout(dropout, seed=3, name="drop"),
        Narrow(narrow, name="narrow"),
        L.Dense(10, "softmax", kernel_regularizer=keras.regularizers.L2(penalty), name="out"),
    ]
    return compiled(keras.Sequential(layers), rule, loss, metrics)


def lstm(gates="sigmoid", backwards=False, clip=None):
    """An LSTM over rows of digits."""
    keras.utils.set_random_seed(1)
    rule = partial(keras.optimizers.SGD, 0.1, momentum=0.9, clipnorm=clip)
    layers = [
        keras.Input((8, 8)),
        L.LSTM(6, recurrent_activation=gates, go_backwards=backwards, name="lstm"),
        L.Dense(10, activation="softmax", name="out"),
    ]
    return compiled(keras.Sequential(layers), rule)


def gru(mask=True, reset_after=True, zero=False):
    """A GRU over words, some of which are masked."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((7,), dtype="int32"),
        L.Embedding(5, 4, mask_zero=mask, name="words"),
        L.GRU(6, reset_after=reset_after, return_sequences=True, name="gru"),
        L.GRU(5, go_backwards=zero, name="last"),
        L.Dense(3, activation="softmax", name="out"),
    ]
    return compiled(keras.Sequential(layers), keras.optimizers.RMSprop)


def transformer(epsilon=1e-6, causal=False, approximate=False, scale=1.0, rho=0.999):
    """A block of a transformer."""
    keras.utils.set_random_seed(1)
    x = keras.Input((6, 8))
    attention = L.MultiHeadAttention(2, 4, name="attention")
    y = x + attention(x, x, use_causal_mask=causal)
    y = L.LayerNormalization(epsilon=epsilon, name="norm")(y)
    hidden = L.Dense(16, name="wide")(y)
    hidden = keras.ops.gelu(hidden, approximate=approximate)
    y = L.Rescaling(scale, name="scale")(y + L.Dense(8, name="narrow")(hidden))
    y = L.Dense(3, activation="softmax", name="out")(L.GlobalAveragePooling1D(name="mean")(y))
    return compiled(keras.Model(x, y), partial(keras.optimizers.AdamW, beta_2=rho))


def residual(join=L.Add, slope=0.2, activity=None, loss="mse"):
    """A residual network that uses one layer twice."""
    keras.utils.set_random_seed(1)
    x = keras.Input((5,))
    shared = L.Dense(5, activation="tanh", activity_regularizer=activity, name="shared")
    y = join(name="join")([x, shared(x)])
    y = L.LeakyReLU(negative_slope=slope, name="leaky")(y)
    return compiled(
        keras.Model(x, L.Dense(2, name="out")(shared(y))), keras.optimizers.Nadam, loss, ()
    )


class Own(keras.Model):
    """A model of a user's own, which computes between its layers."""

    def __init__(self, factor=1.0, rate=0.01):
        super().__init__(name="own")
        self.factor = factor
        self.first = L.Dense(6, activation="relu", name="first")
        self.last = L.Dense(2, name="last")

    def call(self, x):
        return self.last(self.first(x) * self.factor)


def own(factor=1.0, rule=None):
    keras.utils.set_random_seed(1)
    model = Own(factor)
    model(np.zeros((1, 4), "float32"))
    return compiled(model, rule or partial(keras.optimizers.Adagrad, 0.05), "mse", ())


def _of_weights(change):
    """Change the weights of a model that minikeras made."""

    def changed(model):
        if IS_OURS:
            model.set_weights(change(model.get_weights()))
        return model

    return changed


def _flipped(weights):
    weights[0].reshape(-1).view("uint32")[3] ^= 1 << 14
    return weights


def _turned(weights):
    weights[0] = weights[0].swapaxes(0, 1).copy()
    return weights


def _other_gates(weights):
    i, f, g, o = np.split(weights[0], 4, axis=1)
    weights[0] = np.concatenate([i, f, o, g], axis=1)
    return weights


Adam, Adagrad = keras.optimizers.Adam, keras.optimizers.Adagrad
MODELS = {
    "cnn": cnn,
    "lstm": lstm,
    "gru": gru,
    "transformer": transformer,
    "residual": residual,
    "own": own,
}
# The fault's arguments, or a function of the model; by model and kind.
FAULTS = {
    "cnn__activation": {"activation": "elu"},
    "cnn__epsilon": {"epsilon": 1.001e-3},
    "cnn__momentum": {"momentum": 0.98},
    "cnn__padding_side": {"padding": ((0, 1), (1, 0))},
    "cnn__penalty": {"penalty": 0.0},
    "cnn__pooling": {"pooling": partial(L.AveragePooling2D, 2)},
    "cnn__dropout_rate": {"dropout": 0.3},
    "cnn__integer_truncation": {"steps": 64},
    "cnn__low_precision": {"narrow": True},
    "cnn__adam_epsilon": {"rule": lambda: Adam(epsilon=1.1e-7)},
    "cnn__adam_beta": {"rule": lambda: Adam(beta_2=0.9991)},
    "cnn__weight_decay": {"rule": lambda: Adam(weight_decay=1e-4)},
    "cnn__metric": {"metrics": ("sparse_top_k_categorical_accuracy",)},
    "cnn__bit_of_a_weight": _of_weights(_flipped),
    "cnn__turned_kernel": _of_weights(_turned),
    "lstm__gates": {"gates": "hard_sigmoid"},
    "lstm__backwards": {"backwards": True},
    "lstm__clipping": {"clip": 0.01},
    "lstm__order_of_gates": _of_weights(_other_gates),
    "gru__mask": {"mask": False},
    "gru__reset_after": {"reset_after": False},
    "gru__backwards": {"zero": True},
    "transformer__epsilon": {"epsilon": 2e-6},
    "transformer__causal": {"causal": True},
    "transformer__gelu": {"approximate": True},
    "transformer__scale": {"scale": 1.0 + 1e-6},
    "transformer__adamw_beta": {"rho": 0.99},
    "residual__join": {"join": L.Average},
    "residual__slope": {"slope": 0.21},
    "residual__activity": {"activity": "l2"},
    "residual__loss": {"loss": "mae"},
    "own__between_layers": {"factor": 1.00001},
    "own__accumulator": {"rule": lambda: Adagrad(0.05, initial_accumulator_value=0.2)},
}


def __getattr__(name):
    """The function that makes a model, with its fault or without any."""
    if name in MODELS:
        return MODELS[name]
    if name not in FAULTS:
        raise AttributeError(name)
    make, fault = MODELS[name.partition("__")[0]], FAULTS[name]

    def model():
        if callable(fault):
            return fault(make())
        return make(**fault) if IS_OURS else make()

    return model
