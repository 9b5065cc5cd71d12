"""The text of summary(): Keras's own and ours, of the very same models of Keras."""

import contextlib
import io

import keras
import numpy as np
import pytest
from keras import layers

from minikeras.models.summary import print_summary

pytestmark = pytest.mark.parity


class Terminal(io.StringIO):
    """Standard output on which colours are shown."""

    def isatty(self):
        return True


def printed(screen, run, *args, **options):
    with contextlib.redirect_stdout(screen):
        run(*args, **options)
    return screen.getvalue()


class View:
    """A Keras model with the list of nodes that ours have."""

    def __init__(self, model):
        self._model = model
        by_depth = getattr(model, "_nodes_by_depth", {})
        self._nodes = [node for nodes in by_depth.values() for node in nodes]

    def __getattr__(self, name):
        return getattr(self._model, name)


def sequential():
    return keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(3),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(1000),
        ],
        name="seq",
    )


def trained():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3)], name="fitted")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def branching():
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    x, y = layers.Dense(8, name="d1")(a), layers.Dense(8, name="d2")(b)
    z = keras.ops.relu(layers.add([x, y]) + 1.0)[:, :2]
    model = keras.Model([a, b], [layers.Concatenate()([z, x]), y], name="branching")
    model.get_layer("d1").trainable = False
    return model


def nested():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(4), layers.Dense(4)], name="inner")
    x = keras.Input((4,))
    side = keras.Model(x, layers.add([layers.Dense(3)(x), layers.Dense(3)(x)]), name="side")
    deep = keras.Sequential([layers.Input((4,)), inner, layers.Dense(2)], name="deep")
    x = keras.Input((4,), name="x")
    inner.trainable = False
    return keras.Model(x, layers.Concatenate()([deep(inner(x)), side(x)]), name="outer")


def shared():
    dense, x, y = layers.Dense(4), keras.Input((4,)), keras.Input((7, 4))
    return keras.Model([x, y], [dense(dense(x)), dense(y)], name="shared")


def recurrent():
    x = keras.Input((4, 3))
    return keras.Model(x, layers.LSTM(5, return_state=True)(x)[1:], name="recurrent")


def split():
    x = keras.Input((4,))
    left, right = keras.ops.split(x, 2, axis=-1)
    return keras.Model(x, left * right, name="split")


def markup():
    x = keras.Input((4,), name="a_long_name_[with]_brackets")
    return keras.Model(x, layers.Dense(2, name="[bold]dense")(x), name="[red]model")


def unbuilt():
    return keras.Sequential([layers.Dense(3), layers.LSTM(4)], name="unbuilt")


class Subclass(keras.Model):
    def __init__(self):
        super().__init__(name="subclass")
        self.first, self.cells = layers.Dense(3), layers.GRU(2, return_state=True)
        self.top, self.never = keras.Sequential([layers.Dense(2)], name="top"), layers.Dense(7)

    def call(self, x):
        return self.top(self.cells(self.first(x)[:, None])[1])


def subclass():
    model = Subclass()
    model(np.ones((2, 4), "float32"))
    return model


MODELS = [
    sequential,
    trained,
    branching,
    nested,
    shared,
    recurrent,
    split,
    markup,
    unbuilt,
    subclass,
]


@pytest.mark.filterwarnings("ignore:`build..` was called on layer 'subclass'")  # for `never`
@pytest.mark.parametrize("columns", [50, 80, 200])
@pytest.mark.parametrize("make", MODELS)
def test_summary_is_equal_to_the_byte(make, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    model = make()
    for options in (
        {},
        {"show_trainable": True},
        {"expand_nested": True},
        {"expand_nested": True, "show_trainable": True, "line_length": 70},
        {"positions": [0.2, 0.5, 0.8, 1.0]},
        {"layer_range": (model.layers[0].name.replace("[", r"\["), ".*")},
    ):
        for out in (io.StringIO, Terminal):
            theirs = printed(out(), model.summary, **options)
            ours = printed(out(), print_summary, View(model), **options)
            assert ours == theirs, options


def test_summary_through_a_function():
    model, texts = branching(), []
    model.summary(print_fn=texts.append)
    print_summary(View(model), print_fn=texts.append)
    assert texts[0] == texts[1]
