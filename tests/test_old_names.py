"""What a Keras 3 script is told that meets a name or an argument of Keras 1 or 2."""

import importlib

import pytest

import minikeras as keras
from minikeras.core import old_names
from minikeras.tools import keras_names

HOW = "Such scripts run unchanged by `minikeras run --keras 2 SCRIPT`, or with `import minikeras"


def built(**arguments):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, **arguments)])


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda: keras.layers.Dense(output_dim=3), "`output_dim` (today `units`)"),
        (lambda: built(init="zero"), "`init` (today `kernel_initializer`)"),
        (lambda: keras.layers.Embedding(2, 2, init="zero"), "(today `embeddings_initializer`)"),
        (
            lambda: keras.layers.Conv2D(nb_filter=3, nb_row=3, nb_col=3),
            "`nb_filter` (today `filters`), `nb_row` (today `kernel_size`), `nb_col` (today",
        ),
        (lambda: keras.layers.Dropout(p=0.5), "`p` (today `rate`)"),
        (lambda: keras.layers.BatchNormalization(mode=2), "`mode`. Such"),
        (lambda: keras.layers.LSTM(3, inner_init="zero"), "`inner_init` (today `recurrent_init"),
        (lambda: keras.Model(input=1, output=2), "`input` (today `inputs`), `output` (today"),
        (lambda: keras.optimizers.SGD(lr=0.1), "`lr` (today `learning_rate`)"),
        (lambda: keras.constraints.MaxNorm(m=2), "`m` (today `max_value`)"),
        (lambda: keras.callbacks.ModelCheckpoint("a", period=2), "`period` (today `save_freq`)"),
        (lambda: built().compile("sgd", "mse", class_mode="binary"), "`class_mode`. Such"),
        (lambda: built().fit([[1, 2]], [1], nb_epoch=2), "`nb_epoch` (today `epochs`)"),
        (lambda: built().fit_generator, "`fit_generator` (today `fit`)"),
        (lambda: built().predict_classes, "`predict_classes` (today `keras.ops.argmax("),
        (lambda: keras.layers.Merge, "`Merge` (today `keras.layers.Add"),
        (lambda: keras.layers.Highway, "`Highway`. Such"),
        (lambda: keras.utils.np_utils, "`np_utils` (today `keras.utils`)"),
        (lambda: keras.objectives, "`objectives` (today `keras.losses`)"),
        (lambda: keras.backend.placeholder, "`placeholder` (today `keras.Input`)"),
        (lambda: keras.regularizers.l1l2, "`l1l2` (today `keras.regularizers.L1L2`)"),
        (lambda: keras.initializers.uniform, "(today `keras.initializers.RandomUniform`)"),
        (lambda: keras.wrappers.scikit_learn, "(today `keras.wrappers.SKLearnClassifier`)"),
        (lambda: importlib.import_module("minikeras.objectives"), "(today `keras.losses`)"),
        (lambda: importlib.import_module("minikeras.utils.np_utils"), "(today `keras.utils`)"),
    ],
)
def test_old_names_are_told_what_to_use(call, told):
    with pytest.raises((TypeError, ValueError, AttributeError, ImportError)) as caught:
        call()
    message = str(caught.value)
    assert told in message and HOW in message and ". Of Keras 1 or 2: `" in message


def test_imports_of_names_are_told_what_to_use():
    with pytest.raises(ImportError, match="Merge.*Of Keras 1 or 2.*minikeras run --keras 2"):
        from minikeras.layers import Merge  # noqa: F401
    finder = keras_names.KerasNames("3")
    for name in ("keras.layers.core", "keras.objectives", "keras.utils.np_utils"):
        with pytest.raises(ImportError, match=rf"No module named '{name}'\. Of Keras 1 or 2"):
            finder.find_spec(name, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: keras.layers.Dense(2, colour=1),
        lambda: keras.layers.Nothing,
        lambda: keras.optimizers.SGD(speed=1),
        lambda: built().compile(speed=1),
        lambda: built().nothing,
        lambda: importlib.import_module("minikeras.nothing"),
    ],
)
def test_other_mistakes_are_told_as_before(call):
    with pytest.raises((TypeError, ValueError, AttributeError, ImportError)) as caught:
        call()
    assert "Keras 1" not in str(caught.value)


def test_an_error_inside_a_method_stays_as_it_is():
    @old_names.explains_old_arguments
    def fit(**kwargs):
        raise TypeError("inside")

    with pytest.raises(TypeError, match="^inside$"):
        fit(nb_epoch=1)


def test_no_name_that_exists_is_called_old():
    """A row of the table that a public module has got in the meantime is taken out."""
    there = [
        f"{package}.{name}"
        for package, names in old_names.NAMES.items()
        for name in names
        if name in getattr(importlib.import_module(package), "__all__", ())
    ]
    converted = {f"minikeras.layers.{name}" for name in old_names.CLASSES}
    assert not set(there) - converted
