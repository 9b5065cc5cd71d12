"""What a Keras 3 script is told that meets a name or an argument of Keras 1 or 2."""

import importlib

import pytest

import minikeras as keras
from minikeras.core import old_names
from minikeras.core.old_names import tables
from minikeras.preprocessing.image import ImageDataGenerator
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
        (lambda: keras.layers.Dense(3, "uniform", "relu"), 'kernel_initializer="random_uniform"'),
        (lambda: keras.layers.Embedding(3, 4, dropout=0.2), "(today `keras.layers.Spatial"),
        (lambda: keras.layers.Concatenate(concat_axis=1), "`concat_axis` (today `axis`)"),
        (lambda: keras.layers.Dot(dot_axes=1), "`dot_axes` (today `axes`)"),
        (lambda: keras.layers.Dense(3).get_output_at(0), "`get_output_at` (today `output`)"),
        (lambda: built().layers[0].input_shape, "`input_shape` (today `layer.input.shape`)"),
        (lambda: built().layers[0].inbound_nodes, "`inbound_nodes`. Such"),
        (lambda: keras.layers.Dense(3).add_update([]), "`add_update` (today"),
        (lambda: built().uses_learning_phase, "`uses_learning_phase`. Such"),
        (lambda: built()._make_predict_function(), "(today `make_predict_function`)"),
        (lambda: built().compile("sgd", "mse", sample_weight_mode="temporal"), "`sample_weight_m"),
        (lambda: built().fit([[1, 2]], [1], workers=2), "(today `keras.utils.PyDataset`)"),
        (lambda: keras.optimizers.Adam().lr, "`lr` (today `learning_rate`)"),
        (lambda: keras.optimizers.Adam().get_updates([], []), "(today `apply_gradients`)"),
        (lambda: keras.regularizers.l2(l=0.1), "`l` (today `l2`)"),
        (lambda: keras.regularizers.L1(l=0.1), "`l` (today `l1`)"),
        (lambda: keras.Input(batch_input_shape=(None, 3)), "(today `batch_shape`)"),
        (lambda: keras.Input(input_dim=3), "`input_dim` (today `shape`)"),
        (lambda: keras.constraints.get("maxnorm"), "`maxnorm` (today `max_norm`)"),
        (lambda: keras.constraints.maxnorm(2), "(today `keras.constraints.MaxNorm`)"),
        (lambda: keras.utils.to_categorical([1], nb_classes=3), "(today `num_classes`)"),
        (lambda: keras.callbacks.TensorBoard(batch_size=3), "`batch_size`. Such"),
        (lambda: keras.wrappers.KerasClassifier, "(today `keras.wrappers.SKLearnClassifier`)"),
        (
            lambda: ImageDataGenerator(dim_ordering="tf"),
            "`dim_ordering` (today `data_format`)",
        ),
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
        lambda: keras.layers.Dense(2).nothing,
        lambda: keras.layers.Dense(2, "nothing"),
        lambda: keras.regularizers.L2(strength=1),
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


@pytest.mark.parametrize(
    "make, error",
    [
        (built, ValueError),
        (lambda: keras.Sequential([keras.layers.Dense(1)]), ValueError),
        (lambda: keras.layers.Dense(1), ValueError),
        (lambda: keras.Model(x := keras.Input((2,)), keras.layers.ReLU()(x)), NotImplementedError),
    ],
    ids=["stack", "open stack", "layer", "graph"],
)
def test_a_loss_of_the_tensors_of_a_graph_is_refused(make, error):
    """Keras 2 trained on it; to drop it in silence would train something else."""
    taker = make()
    tensor = keras.ops.mean(keras.layers.Dense(1)(keras.Input((2,))))
    with pytest.raises(error) as caught:
        taker.add_loss(tensor)
    assert HOW in str(caught.value) and "returns its input" in str(caught.value)
    assert taker.losses == []


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
        for package, names in tables.NAMES.items()
        for name in names
        if name in getattr(importlib.import_module(package), "__all__", ())
    ]
    converted = {f"minikeras.layers.{name}" for name in tables.CLASSES}
    assert not set(there) - converted
