"""What losses and metrics of several outputs are called, in which order they come, against Keras.

One table: how the outputs are arranged, how the targets are, and what `compile` was given. Of each
row a functional and a subclassed model are trained, and the keys, their order and the values of
every way to get at results are compared.
"""

import copy

import keras
import numpy as np
import pytest

import minikeras
from parity_tests.scenario import compare, same

pytestmark = pytest.mark.parity

SAMPLES = 8
_rng = np.random.default_rng(3)
X = _rng.normal(size=(SAMPLES, 3)).astype("float32")
# One part for each head; the heads' names are in no alphabetical order.
PART = {name: _rng.normal(size=(SAMPLES, 1)).astype("float32") for name in ("zeta", "mid", "alpha")}
Z, M, A = PART.values()
W = _rng.random(SAMPLES).astype("float32")
V = _rng.random(SAMPLES).astype("float32")

LENGTH = SAMPLES * 3

# How a model arranges its heads.
ARRANGED = {
    "single": lambda z, m, a: z,
    "list of one": lambda z, m, a: [z],
    "tuple of one": lambda z, m, a: (z,),
    "dict of one": lambda z, m, a: {"zeta": z},
    "dict of one, other key": lambda z, m, a: {"k": z},
    "list": lambda z, m, a: [z, m, a],
    "tuple": lambda z, m, a: (z, m, a),
    "dict": lambda z, m, a: {"zeta": z, "mid": m, "alpha": a},
    "dict, other keys": lambda z, m, a: {"u": z, "k": m, "b": a},
    "dict of two": lambda z, m, a: {"zeta": z, "alpha": a},
    "crossed": lambda z, m, a: {"zeta": a, "alpha": z},
    "list with a dict": lambda z, m, a: [z, {"k": a}],
    "nested list": lambda z, m, a: [z, (m, a)],
    "nested dict": lambda z, m, a: {"q": [z, m], "c": a},
    "dict of dicts": lambda z, m, a: {"q": {"y": z, "x": m}, "c": a},
}


def mean_cube(y_true, y_pred):
    return (y_pred - y_true) ** 3


def keras_loss(y_true, y_pred):
    return (y_pred - y_true) ** 4


def both_cubes(y_true, y_pred):
    """A loss of two outputs together."""
    return mean_cube(y_true[0], y_pred[0]) * mean_cube(y_true[1], y_pred[1])


PAIR = {"zeta": "mse", "alpha": "mae"}
THREE = {"zeta": "mse", "mid": "mae", "alpha": "huber"}
OTHER = {"u": "mse", "k": "mae", "b": "huber"}

NAMED = {"alpha": A, "mid": M, "zeta": Z}
WEIGHTS = {"zeta": W, "mid": V, "alpha": W * V}
MAE = {"zeta": "mae", "mid": ["mae", "mse"], "alpha": "mae"}

# (arrangement, arguments of compile, targets, sample weights); if None, targets are arranged as the
# outputs are, and there are no weights.
ROWS = [
    ("single", {"loss": "mse", "metrics": ["mae", "mse"]}),
    ("single", {"loss": ["mse"], "metrics": [["mae"]]}),
    ("single", {"loss": {"zeta": "mse"}, "metrics": {"zeta": ["mae"]}}),
    ("single", {"loss": "mse", "loss_weights": 0.5}),
    ("single", {"loss": "mse", "loss_weights": [0.5], "weighted_metrics": ["mae"]}),
    ("list of one", {"loss": "mse", "metrics": ["mae"]}),
    ("list of one", {"loss": ["mse"], "metrics": [["mae", "mse"]]}),
    ("tuple of one", {"loss": "mse", "metrics": ["mae"]}),
    ("tuple of one", {"loss": ["mse"]}),
    ("dict of one", {"loss": "mse", "metrics": ["mae"]}),
    ("dict of one", {"loss": {"zeta": "mse"}, "metrics": {"zeta": "mae"}}),
    ("dict of one, other key", {"loss": {"k": "mse"}, "metrics": {"k": "mae"}}),
    *[
        (arranged, arguments)
        for arranged in ("list", "tuple")
        for arguments in (
            {"loss": "mse"},
            {"loss": "mse", "metrics": ["mae", "mse", "mae"]},
            {"loss": "mse", "metrics": [["mae"], ["mse", "mae"], []]},
            {"loss": ["mse", "mae", "huber"], "metrics": ["mae", None, ["mse", "mae"]]},
            {"loss": ("mse", "mae", "huber"), "loss_weights": (0.5, 2.0, 1.0)},
            {"loss": ["mse", "mae", "huber"], "loss_weights": [0.5, 2.0, 1.0]},
            {"loss": ["mse", None, "mse"], "metrics": [None, ["mae"], ["mae"]]},
            {"loss": [None, None, "mae"], "weighted_metrics": [["mae"], None, ["mae"]]},
            {"loss": THREE, "metrics": {"alpha": "mae", "zeta": ["mse", "mae"]}},
            {
                "loss": dict(reversed(THREE.items())),
                "loss_weights": {"zeta": 2.0, "mid": 0.5, "alpha": 1.0},
            },
            {"loss": PAIR},
            {"loss": {**THREE, "mid": None}},
            {"loss": "mse", "loss_weights": [1.0, 2.0, 3.0]},
            {"loss": "mse", "loss_weights": {"zeta": 2.0, "mid": 0.5, "alpha": 1.0}},
            {
                "loss": "mse",
                "metrics": {"mid": ["mae"]},
                "weighted_metrics": {"mid": ["mae"], "alpha": "mae"},
            },
        )
    ],
    *[
        ("dict", arguments)
        for arguments in (
            {"loss": "mse"},
            {"loss": "mse", "metrics": ["mae", "mse", "mae"]},
            {"loss": THREE},
            {"loss": dict(reversed(THREE.items()))},
            {"loss": {**THREE, "mid": None}, "metrics": {"mid": "mae"}},
            {"loss": PAIR},
            {"loss": THREE, "loss_weights": {"zeta": 2.0, "mid": 0.5, "alpha": 1.0}},
            {"loss": THREE, "loss_weights": {"alpha": 2.0, "zeta": 0.5, "mid": 1.0}},
            {"loss": THREE, "metrics": {"zeta": "mae", "alpha": ["mse", "mae"]}},
            {
                "loss": THREE,
                "metrics": {"alpha": ["mse", "mae"], "zeta": "mae"},
                "weighted_metrics": {"mid": "mae", "zeta": "mae"},
            },
            {"loss": ["mse", "mae", "huber"]},
            {"loss": ["mse", "mae", "huber"], "metrics": [["mae"], ["mse"], ["mae", "mse"]]},
        )
    ],
    *[
        ("dict, other keys", arguments)
        for arguments in (
            {"loss": "mse"},
            {"loss": "mse", "metrics": ["mae", "mse", "mae"]},
            {"loss": OTHER},
            {"loss": dict(reversed(OTHER.items()))},
            {"loss": OTHER, "metrics": {"u": "mae", "b": ["mse", "mae"]}},
            {"loss": OTHER, "loss_weights": {"b": 2.0, "u": 0.5, "k": 1.0}},
            {"loss": ["mse", "mae", "huber"]},
            {"loss": THREE},
        )
    ],
    ("list", {"loss": "mse", "loss_weights": 0.5}),
    ("list", {"loss": THREE, "loss_weights": [1.0, 2.0, 3.0]}),
    ("dict", {"loss": THREE, "loss_weights": [1.0, 2.0, 3.0]}),
    ("dict", {"loss": THREE, "loss_weights": {"zeta": 2.0}}),
    ("dict", {"loss": {**THREE, "other": "mse"}}),
    ("dict", {"loss": THREE, "metrics": {"other": "mse"}}),
    (
        "list",
        {"loss": [keras_loss, mean_cube, "MeanSquaredError"], "metrics": [mean_cube, "mae", None]},
    ),
    ("list", {"loss": THREE, "metrics": MAE}, NAMED),
    ("list", {"loss": "mse"}, NAMED),
    ("list", {"loss": "mse"}, (Z, M, A)),
    ("list", {"loss": "mse"}, [Z, M]),
    ("list", {"loss": [None, "mse", "mae"]}, [M, A]),
    ("list", {"loss": THREE, "weighted_metrics": MAE}, [Z, M, A], [W, V, W * V]),
    ("list", {"loss": THREE, "weighted_metrics": MAE}, [Z, M, A], W),
    ("dict", {"loss": THREE, "metrics": MAE}, NAMED),
    ("dict", {"loss": THREE}, [A, M, Z]),
    ("dict", {"loss": PAIR}, {"alpha": A, "zeta": Z}),
    ("dict", {"loss": THREE, "weighted_metrics": MAE}, NAMED, WEIGHTS),
    ("dict", {"loss": THREE, "weighted_metrics": MAE, "metrics": MAE}, NAMED, W),
    ("nested dict", {"loss": {"q": both_cubes, "c": "mse"}}),
    ("crossed", {"loss": PAIR, "metrics": PAIR}),
    ("crossed", {"loss": "mse", "metrics": ["mae", "mse"]}),
    ("list with a dict", {"loss": "mse"}),
    ("dict of two", {"loss": PAIR}),
    ("dict of two", {"loss": {"alpha": "mae", "zeta": "mse"}, "metrics": PAIR}),
    ("dict of two", {"loss": PAIR, "loss_weights": {"zeta": 1.0, "alpha": 0.25}}),
    ("nested list", {"loss": "mse"}),
    ("nested list", {"loss": ["mse", ["mae", "huber"]]}),
    (
        "nested list",
        {"loss": ["mse", ("mae", "huber")], "metrics": ["mse", ("mae", ["mse", "mae"])]},
    ),
    ("nested list", {"loss": ["mse", ("mae", None)], "loss_weights": [1.0, (0.5, None)]}),
    ("nested dict", {"loss": "mse"}),
    ("nested dict", {"loss": {"q": ["mse", "mae"], "c": "huber"}}),
    (
        "nested dict",
        {"loss": {"q": ["mse", "mae"], "c": "huber"}, "metrics": {"q": ["mae", "mse"], "c": "mse"}},
    ),
    (
        "nested dict",
        {"loss": {"q": [None, "mae"], "c": "huber"}, "loss_weights": {"q": [None, 2.0], "c": 1.0}},
    ),
    ("dict of dicts", {"loss": "mse"}),
    ("dict of dicts", {"loss": {"q": {"y": "mse", "x": "mae"}, "c": "huber"}}),
    (
        "dict of dicts",
        {
            "loss": {"c": "mse", "q": {"x": "mse", "y": "mae"}},
            "metrics": {"q": {"y": "mae", "x": "mse"}, "c": ["mae"]},
        },
    ),
]

# What is looked at through whole epochs of traced steps, where a test takes a second.
TRACED = [
    ("list", {"loss": ["mse", None, "mae"], "metrics": [["mae"], ["mse"], None]}),
    ("dict", {"loss": THREE, "metrics": PAIR, "weighted_metrics": {"zeta": ["mae"]}}),
]


def heads(k):
    layers = [k.layers.Dense(1, name=name) for name in PART]
    for place, layer in enumerate(layers, 1):
        layer.build((None, 3))
        layer.set_weights([np.linspace(-0.1 * place, 1, 3).reshape(3, 1), np.ones(1) * place])
    return layers


def functional(k, arranged):
    x = k.Input((3,))
    outputs = ARRANGED[arranged](*[head(x) for head in heads(k)])
    return k.Model(x, outputs)


def subclassed(k, arranged):
    class Mine(k.Model):
        def __init__(self):
            super().__init__()
            self.heads = heads(k)

        def call(self, x):
            return ARRANGED[arranged](*[head(x) for head in self.heads])

    return Mine()


def compiled(k, make, arranged, arguments, **options):
    model = make(k, arranged)
    # Keras on TensorFlow puts its own lists and dicts in place of those inside of what it is given.
    model.compile(k.optimizers.SGD(0.05), **copy.deepcopy(arguments), **options)
    return model


def one_batch(k, make, arranged, arguments, y=None, w=None):
    """The results of one batch in all their forms."""
    model = compiled(k, make, arranged, arguments, run_eagerly=True)
    y = ARRANGED[arranged](Z, M, A) if y is None else y
    return (
        model.test_on_batch(X, y, w, return_dict=True),
        model.test_on_batch(X, y, w),
        [*model.get_metrics_result()],
        model.metrics_names,
    )


def epochs(k, make, arranged, arguments):
    """What `fit` and `evaluate` return and tell callbacks, in traced steps."""
    model = compiled(k, make, arranged, arguments)
    y = ARRANGED[arranged](Z, M, A)
    heard = []
    hear = k.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append([*logs]))
    options = {"verbose": 0, "batch_size": 3}
    fitted = model.fit(
        X, y, validation_data=(X, y), callbacks=[hear], epochs=2, shuffle=False, **options
    )
    return (
        fitted.history,
        heard,
        model.evaluate(X, y, return_dict=True, **options),
        model.evaluate(X, y, **options),
        model.train_on_batch(X, y, return_dict=True),
        model.train_on_batch(X, y),
    )


def outcome(function, *arguments):
    """What a function returns, or that it raises."""
    try:
        return function(*arguments)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "raises"


@pytest.mark.sampled(rows=40, by=lambda row: ROWS[row["row"]][0])
@pytest.mark.parametrize("make", [functional, subclassed])
@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{i} {r[0]}" for i, r in enumerate(ROWS)])
def test_names_and_order(row, make):
    ours, theirs = (outcome(one_batch, k, make, *ROWS[row]) for k in (minikeras, keras))
    compare(ours, theirs, LENGTH)


@pytest.mark.parametrize("row", TRACED)
def test_names_and_order_of_epochs(row):
    same(lambda k: epochs(k, functional, *row), LENGTH)
