"""What surrounds models in old scripts: utilities, preprocessing, penalties, architectures."""

import hashlib

import h5py
import numpy as np
import pytest

import minikeras
import minikeras.keras2 as keras
from minikeras.keras2 import backend as K
from minikeras.keras2 import initializations, regularizers
from minikeras.keras2.layers import Dense, Input
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.preprocessing.image import ImageDataGenerator, img_to_array, load_img
from minikeras.keras2.preprocessing.text import Tokenizer, text_to_word_sequence
from minikeras.keras2.utils import conv_utils, generic_utils, layer_utils, multi_gpu_utils, np_utils
from minikeras.keras2.utils.data_utils import (
    GeneratorEnqueuer,
    OrderedEnqueuer,
    Sequence,
    validate_file,
)
from minikeras.keras2.utils.io_utils import HDF5Matrix
from minikeras.keras2.utils.test_utils import get_test_data


def test_paths_below_packages_are_attributes():
    assert keras.datasets.mnist.load_data is minikeras.datasets.mnist.load_data
    assert keras.datasets.digits.load_data is minikeras.datasets.digits.load_data
    assert keras.applications.vgg16.VGG16 is keras.applications.VGG16
    assert keras.layers.core.Dense is Dense
    assert keras.utils.visualize_util.plot is keras.utils.plot_model
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = keras.datasets.nothing


# --- Utilities -----------------------------------------------------------------------------------


def test_targets_and_scores_of_keras_1():
    y = np_utils.to_categorical([0, 2], nb_classes=4)
    assert y.dtype == "float32" and y.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert np_utils.probas_to_classes(np.array([[0.2], [0.7]])).tolist() == [0, 1]
    assert np_utils.probas_to_classes(np.array([[0.2, 0.8], [0.7, 0.3]])).tolist() == [1, 0]
    p = np.array([0.25, 0.5])
    assert np_utils.binary_logloss(p, np.array([0, 1])) == pytest.approx(
        -np.log([0.75, 0.5]).mean()
    )
    rows = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert np_utils.multiclass_logloss(rows, np.array([1, 0])) == pytest.approx(
        -np.log([0.75, 0.5]).mean()
    )
    assert np_utils.accuracy(np.array([1, 2]), np.array([1, 3])) == 0.5
    assert np_utils.conv_output_length(7, 3, border_mode="valid", stride=2) == 3
    kernel = np.arange(12).reshape(2, 2, 3, 1)
    np.testing.assert_array_equal(np_utils.convert_kernel(kernel), kernel[::-1, ::-1])


@pytest.mark.parametrize("padding", ["valid", "same", "full"])
def test_lengths_of_convolutions(padding):
    """A transposed convolution brings back the length that a convolution was given."""
    for length, size, stride in [(9, 3, 1), (9, 3, 2), (11, 5, 2)]:
        short = conv_utils.conv_output_length(length, size, padding, stride)
        back = conv_utils.conv_input_length(short, size, padding, stride)
        assert conv_utils.conv_output_length(back, size, padding, stride) == short
        assert conv_utils.deconv_length(short, stride, size, padding, 0) == back
    assert conv_utils.deconv_length(None, 1, 3, padding, None) is None


def test_forms_of_arguments():
    assert conv_utils.normalize_tuple(2, 3, "strides") == (2, 2, 2)
    assert conv_utils.normalize_tuple([1, 2], 2, "strides") == (1, 2)
    for bad in ((1, 2, 3), "ab", 1.5, (1, "x")):
        with pytest.raises(ValueError, match="`strides` must be an integer or 2"):
            conv_utils.normalize_tuple(bad, 2, "strides")
    assert conv_utils.normalize_padding("SAME") == "same"
    with pytest.raises(ValueError, match="padding"):
        conv_utils.normalize_padding("half")


def test_functions_and_lists():
    def f(x, y=1, *args, z=2, **kwargs):
        return x

    assert [generic_utils.has_arg(f, name) for name in ("x", "z", "args", "other")] == [
        *(True, True, False, False)
    ]
    assert generic_utils.has_arg(f, "other", accept_all=True)
    assert generic_utils.to_list((1, 2)) == [(1, 2)]
    assert generic_utils.to_list((1, 2), allow_tuple=True) == [1, 2]
    assert generic_utils.unpack_singleton([3]) == 3
    assert generic_utils.is_all_none([None, None]) and not generic_utils.is_all_none(1)
    x = np.arange(5)
    assert [a.tolist() for a in generic_utils.slice_arrays([x, x], 1, 3)] == [[1, 2], [1, 2]]
    assert generic_utils.slice_arrays(x, [0, 4]).tolist() == [0, 4]
    shape = generic_utils.transpose_shape((2, 3, 4, 5), "channels_first", (1, 2))
    assert shape == (2, 5, 3, 4)


def test_several_dicts_of_custom_objects():
    with keras.utils.custom_object_scope({"a": len}, {"b": max}):
        known = keras.utils.get_custom_objects()
        assert known["a"] is len and known["b"] is max
    assert "a" not in keras.utils.get_custom_objects()


def test_samples_in_hdf5_files(tmp_path):
    data = np.arange(12.0).reshape(6, 2)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = data
    x = HDF5Matrix(tmp_path / "data.h5", "x", start=1, end=5, normalizer=lambda v: v / 2)
    assert (x.shape, x.dtype, x.ndim, x.size, len(x)) == ((4, 2), "float64", 2, 8, 4)
    for key in (0, slice(1, 3), slice(None), [0, 2], np.array([1, 3])):
        np.testing.assert_array_equal(x[key], data[1:5][key] / 2)
    with pytest.raises(IndexError, match="4 samples"):
        x[4]


class Squares(Sequence):
    """Batches 0, 1, 4."""

    epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return i * i

    def on_epoch_end(self):
        self.epochs += 1


def test_batches_in_order_from_several_threads():
    squares = Squares()
    enqueuer = OrderedEnqueuer(squares)
    enqueuer.start(workers=3, max_queue_size=2)
    batches = enqueuer.get()
    assert [next(batches) for _ in range(7)] == [0, 1, 4, 0, 1, 4, 0]
    assert squares.epochs >= 2 and enqueuer.is_running()
    enqueuer.stop()
    assert not enqueuer.is_running() and not enqueuer.run_thread.is_alive()


def test_a_generator_ends_and_its_error_arrives():
    enqueuer = GeneratorEnqueuer(iter([1, None, 2]))
    enqueuer.start(workers=2)
    assert sorted(enqueuer.get()) == [1, 2] and not enqueuer.is_running()

    def broken():
        yield 1
        raise OSError("no more")

    enqueuer = GeneratorEnqueuer(broken())
    enqueuer.start()
    with pytest.raises(OSError, match="no more"):
        list(enqueuer.get())
    enqueuer.stop()
    assert not enqueuer.run_thread.is_alive()


def test_checksums(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"minikeras")
    for algorithm in ("md5", "sha256"):
        checksum = hashlib.new(algorithm, b"minikeras").hexdigest()
        assert validate_file(path, checksum) and validate_file(path, checksum, algorithm)
        assert not validate_file(path, checksum[::-1])


def test_data_to_try_models_on():
    (x, y), (x_test, y_test) = get_test_data(20, 10, (3,), num_classes=2)
    assert x.shape == (20, 3) and x_test.shape == (10, 3) and set(y) | set(y_test) <= {0, 1}
    (x, y), _ = get_test_data(20, 10, (3,), (2,), classification=False)
    assert y.shape == (20, 2) and y.dtype == "float32"


def test_kernels_of_another_back_end():
    model = Sequential([keras.layers.Conv2D(2, 3, input_shape=(5, 5, 1))])
    kernel = model.get_weights()[0]
    layer_utils.convert_all_kernels_in_model(model)
    np.testing.assert_array_equal(model.get_weights()[0], kernel[::-1, ::-1])
    assert layer_utils.count_params(model.weights) == 20
    dense = Sequential([Dense(2, input_dim=12)]).layers[0]
    before = K.get_value(dense.kernel)
    layer_utils.convert_dense_weights_data_format(dense, (3, 2, 2), "channels_first")
    expected = before.reshape(2, 2, 3, 2).transpose(2, 0, 1, 3).reshape(12, 2)
    np.testing.assert_array_equal(K.get_value(dense.kernel), expected)
    layer_utils.convert_dense_weights_data_format(dense, (2, 2, 3), "channels_last")
    np.testing.assert_array_equal(K.get_value(dense.kernel), before)


def test_batches_are_split_over_devices():
    model = Sequential([Dense(3, input_dim=4)])
    for gpus in (0, 1, [0], 8, [0, 9]):
        with pytest.raises(ValueError, match=r"\[?'?/cpu:0"):
            multi_gpu_utils.multi_gpu_model(model, gpus=gpus)
    x = np.random.default_rng(0).normal(size=(7, 4))
    parts = multi_gpu_utils._in_parts(model, 2)
    np.testing.assert_allclose(parts.predict(x), model.predict(x), rtol=1e-6)
    assert parts.output_shape == (None, 3) and len(parts.trainable_weights) == 2


# --- Preprocessing, penalties, initial values ----------------------------------------------------


def test_preprocessing_takes_the_arguments_of_its_time(tmp_path):
    tokenizer = Tokenizer(nb_words=3)
    tokenizer.fit_on_texts(["one two two"])
    assert tokenizer.num_words == 3 and tokenizer.word_index == {"two": 1, "one": 2}
    assert text_to_word_sequence(text="A b") == ["a", "b"]
    generator = ImageDataGenerator(rescale=0.5, dim_ordering="th")
    assert generator.data_format == "channels_first"
    batch = next(generator.flow(np.ones((4, 1, 2, 2)), batch_size=4))
    assert batch.shape == (4, 1, 2, 2) and batch.max() == 0.5
    pytest.importorskip("PIL")
    image = keras.preprocessing.image.array_to_img(np.zeros((4, 3, 3)))
    image.save(tmp_path / "image.png")
    assert img_to_array(load_img(tmp_path / "image.png", True), dim_ordering="th").shape == (
        1,
        4,
        3,
    )


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda: regularizers.l1(0.5), 1.5),
        (lambda: regularizers.l2(l=0.5), 2.5),
        (lambda: regularizers.l1_l2(0.1, l2=1), 5.3),
        (lambda: regularizers.l1l2(l1=0.1), 0.35),
        (lambda: regularizers.WeightRegularizer(l2=1.0), 5.0),
        (lambda: regularizers.activity_l2(0.5), 2.5),
        (lambda: regularizers.get("l1l2"), 0.08),
        (lambda: regularizers.get({"class_name": "L1L2", "config": {"l1": 1.0}}), 3.0),
    ],
)
def test_penalties(make, expected):
    assert float(make()(minikeras.ops.convert_to_tensor([1.0, -2.0]))) == pytest.approx(expected)


def test_constraints_of_keras_1():
    w = minikeras.ops.convert_to_tensor([[3.0], [4.0]])
    for constraint in (keras.constraints.maxnorm(m=1), keras.constraints.MaxNorm(max_value=1)):
        np.testing.assert_allclose(np.asarray(constraint(w)), [[0.6], [0.8]], rtol=1e-6)
    assert isinstance(keras.constraints.get("nonneg"), keras.constraints.NonNeg)
    assert keras.constraints.MinMaxNorm(low=0.5, high=2.0).get_config()["max_value"] == 2.0


def test_initializations_are_functions_of_a_shape():
    np.random.seed(0)
    w = initializations.normal((200, 50), scale=0.01, name="w")
    assert np.std(K.get_value(w)) == pytest.approx(0.01, rel=0.05)
    assert K.get_value(initializations.get("one")((2,))).tolist() == [1, 1]
    limit = np.sqrt(6 / ((4 + 8) * 9))
    kernel = K.get_value(initializations.glorot_uniform((8, 4, 3, 3)))
    assert kernel.shape == (8, 4, 3, 3) and 0.9 * limit < np.abs(kernel).max() <= limit
    assert initializations.get_fans((8, 4, 3, 3)) == (36, 72)
    assert initializations.get_fans((3, 3, 4, 8), "tf") == (36, 72)
    with pytest.raises(ValueError, match="Invalid initialization: nothing"):
        initializations.get("nothing")


# --- Architectures -------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_architecture_is_a_model_of_keras_2():
    keras.backend.clear_session()
    model = keras.applications.MobileNet((32, 32, 3), 0.25, weights=None, classes=5)
    engine = minikeras.applications.MobileNet((32, 32, 3), 0.25, weights=None, classes=5)
    model.set_weights(engine.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(x), engine.predict(x, verbose=0), rtol=1e-5)
    assert isinstance(model, Model) and model.layers[0].name == "input_1"
    assert model.get_layer("conv_preds").output_shape == (None, 1, 1, 5)
    half = Model(model.input, model.get_layer("conv_pw_1_relu").output)
    assert half.predict(x).shape == (2, 16, 16, 16)


def test_an_architecture_on_a_given_tensor():
    x = Input((40, 32, 3))
    model = keras.applications.VGG16(weights=None, include_top=False, input_tensor=x)
    assert model.input is x and model.output_shape == (None, 1, 1, 512)
