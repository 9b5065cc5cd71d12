"""TensorBoard's files: what is in them, when, and that TensorFlow has no part in it."""

import subprocess
import sys
import zlib

import numpy as np
import pytest

import minikeras as keras
from minikeras.training.callbacks import event_file, summaries

pytest.importorskip("tensorboard")

from tests.training import events

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]


def network(optimizer="sgd", metrics=("mae",)):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


def fit(model, *callbacks, epochs=2, **options):
    options = {"validation_data": (X, Y), "batch_size": 2, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


def series(values, tag):
    """The steps and the values of a tag."""
    return [(step, value) for name, step, _, value in values if name == tag]


def test_files_hold_what_the_history_does(tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path)
    history = fit(network(), board).history
    by_run = events.runs(tmp_path)
    assert set(by_run) == {"train", "validation"}
    [train], [validation] = by_run["train"], by_run["validation"]
    for name in ("loss", "mae"):
        for values, key in ((train, name), (validation, f"val_{name}")):
            expected = [(i, np.float32(value)) for i, value in enumerate(history[key])]
            assert series(values, f"epoch_{name}") == expected
        expected = [(4 * (i + 1), np.float32(v)) for i, v in enumerate(history[f"val_{name}"])]
        assert series(validation, f"evaluation_{name}_vs_iterations") == expected
    assert series(train, "epoch_learning_rate") == [(0, np.float32(0.01)), (1, np.float32(0.01))]
    tags = {tag for tag, *_ in train}
    assert tags == {"keras", "epoch_loss", "epoch_mae", "epoch_learning_rate"}


@pytest.mark.parametrize(("frequency", "steps"), [("batch", range(1, 9)), (3, (3, 6))])
def test_batches_are_counted_through_all_epochs(tmp_path, frequency, steps):
    options = {"update_freq": frequency, "write_steps_per_second": True}
    fit(network(), keras.callbacks.TensorBoard(tmp_path, **options))
    [train] = events.runs(tmp_path)["train"]
    for tag in ("batch_loss", "batch_mae", "batch_steps_per_second"):
        assert [step for step, _ in series(train, tag)] == list(steps)
    assert all(value > 0 for _, value in series(train, "batch_steps_per_second"))


def test_evaluations_begin_files_of_their_own(tmp_path):
    model, board = network(), keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    fit(model, board)
    loss, mae = model.evaluate(X, Y, callbacks=[board], verbose=0)
    by_run = events.runs(tmp_path)
    assert len(by_run["train"]) == 1
    assert by_run["validation"][1] == [
        ("evaluation_loss_vs_iterations", 8, ("scalars", b""), np.float32(loss)),
        ("evaluation_mae_vs_iterations", 8, ("scalars", b""), np.float32(mae)),
    ]


def test_weights_are_written_as_they_are(tmp_path):
    model = network()
    weights = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights())
    )
    options = {"histogram_freq": 2, "write_images": True}
    fit(model, keras.callbacks.TensorBoard(tmp_path, **options), look, epochs=3)
    [train] = events.runs(tmp_path)["train"]
    for i, variable in enumerate(model.weights):
        rows = series(train, f"{variable.path}/histogram")
        assert [step for step, _ in rows] == [0, 2]
        for step, buckets in rows:
            values = weights[step][i]
            assert buckets.shape == (30, 3)
            assert buckets[:, 2].sum() == values.size
            assert (buckets[0, 0], buckets[-1, 1]) == (values.min(), values.max())
    images = [tag for tag, *_ in train if tag.endswith("/image")]
    assert images == [f"{v.path}/image" for v in model.weights if v.shape != (1,)] * 2


def test_embeddings(tmp_path):
    def model():
        layers = [keras.layers.Embedding(5, 2, name="a"), keras.layers.Flatten()]
        net = keras.Sequential([keras.Input((3,), dtype="int32"), *layers, keras.layers.Dense(1)])
        net.compile("sgd", "mse")
        return net

    metadata = {"a": "rows.tsv"}
    board = keras.callbacks.TensorBoard(
        tmp_path, write_graph=False, embeddings_freq=2, embeddings_metadata=metadata
    )
    net = model()
    x = np.zeros((4, 3), "int32")
    net.fit(x, Y[:4], epochs=3, callbacks=[board], verbose=0)
    net.evaluate(x, Y[:4], callbacks=[board], verbose=0)
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'metadata_path: "rows.tsv"' in config and metadata == {"a": "rows.tsv"}
    saved = sorted(path.name for path in (tmp_path / "train").glob("*.h5"))
    assert saved == [f"keras_embedding.ckpt-{epoch}.weights.h5" for epoch in (0, 2)]
    copy = model()
    copy.load_weights(tmp_path / "train" / saved[-1])
    for ours, theirs in zip(copy.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_nothing_is_written_for_metadata_of_other_layers(tmp_path):
    board = keras.callbacks.TensorBoard(
        tmp_path / "logs", embeddings_freq=1, embeddings_metadata={"x": "rows.tsv"}
    )
    with pytest.raises(ValueError, match=r"names layers that are no `Embedding` .*\['x'\]"):
        fit(network(), board)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"update_freq": 0}, "update_freq=0"),
        ({"update_freq": "step"}, "update_freq=step"),
        ({"profile_batch": -1}, "profile_batch=-1"),
        ({"profile_batch": (3, 2)}, "profile_batch=\\(3, 2\\)"),
        ({"profile_batch": "2"}, "profile_batch=2"),
        ({"profile_batch": "2,x"}, "profile_batch=2,x"),
        ({"profile_batch": None}, "profile_batch=None"),
    ],
)
def test_arguments_are_checked(options, match):
    with pytest.raises(ValueError, match=match):
        keras.callbacks.TensorBoard("logs", **options)


@pytest.mark.parametrize("batches", [2, (1, 3), "1,3"])
def test_there_are_no_profiles(batches):
    with pytest.warns(UserWarning, match="no profiles"):
        keras.callbacks.TensorBoard("logs", profile_batch=batches)


@pytest.mark.parametrize("number", [np.ones(2), "a", None, 1j])
def test_only_numbers_are_scalars(number):
    with pytest.raises(ValueError, match="Expected one number to show as 'epoch_f1'"):
        summaries.scalar("epoch_f1", number)


def test_models_without_json_train_all_the_same(tmp_path):
    class Own(keras.layers.Layer):
        def get_config(self):
            raise RuntimeError("no config")

        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((3,)), Own(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="the model has no JSON form"):
        fit(model, keras.callbacks.TensorBoard(tmp_path))
    [train] = events.runs(tmp_path)["train"]
    assert "keras" not in {tag for tag, *_ in train}


def test_recorded_steps_stay_recorded_and_numbers_the_same(tmp_path):
    """The callback only reads: weights and the code that the steps run do not depend on it."""

    def run(*callbacks):
        keras.utils.set_random_seed(0)
        model = network("adam")
        fit(model, *callbacks)
        assert not model._steps.refusals("train_step")
        return model.get_weights(), len(model._steps.sources("train_step"))

    options = {"histogram_freq": 1, "write_images": True, "update_freq": 1}
    options |= {"embeddings_freq": 1, "write_steps_per_second": True}
    weights, programs = run(keras.callbacks.TensorBoard(tmp_path, **options))
    plain_weights, plain_programs = run()
    assert programs == plain_programs == 1
    for ours, plain in zip(weights, plain_weights, strict=True):
        assert ours.tobytes() == plain.tobytes()


class Crash(Exception):
    pass


def test_a_resumed_training_counts_on(tmp_path):
    def run(*callbacks):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=1)
        board = keras.callbacks.TensorBoard(tmp_path / "logs", update_freq=1)
        fit(network(), board, backup, *callbacks)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch, batch) == (1, 2):
                raise Crash("interrupted")

    with pytest.raises(Crash, match="interrupted"):
        run(Interrupt())
    run()
    first, second = events.runs(tmp_path / "logs")["train"]
    steps = [[step for step, _ in series(values, "batch_loss")] for values in (first, second)]
    assert steps == [[1, 2, 3, 4, 5, 6], [7, 8]]


# Summaries


def test_there_is_no_image_of_nothing():
    for shape in [(), (1,), (0, 3), (2, 2, 2, 2), (2, 2, 2, 2, 3)]:
        assert summaries.image("image", np.zeros(shape)) is None


def test_histograms_of_no_and_of_infinite_values():
    def rows(values):
        return summaries._histogram(np.array(values, "float64"))

    assert (rows([]) == 0).all()
    same = rows([2, 2])
    assert (same[:, :2] == 2).all() and same[:, 2].tolist() == [0] * 29 + [2]
    for values in ([np.nan, 1, 2], [np.inf, 1, 2], [-np.inf, np.inf]):
        assert rows(values).shape == (30, 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_images_are_read_by_pillow(channels, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, channels)).astype("uint8")
    path = tmp_path / "image.png"
    path.write_bytes(summaries._png(pixels))
    with pillow.open(path) as image:
        read = np.asarray(image).reshape(pixels.shape)
    np.testing.assert_array_equal(read, pixels)


def test_a_png_is_made_of_chunks_with_checksums():
    png = summaries._png(np.zeros((2, 2, 1), "uint8"))
    assert png[-4:] == zlib.crc32(b"IEND").to_bytes(4, "big")


# The package


def test_the_package_is_missing(monkeypatch):
    event_file.tensorboard.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(ImportError, match="Install the extra `tensorboard`"):
        keras.callbacks.TensorBoard("logs")


WITHOUT_TENSORFLOW = """
import sys
import numpy as np
import minikeras as keras

assert not any(name.split(".")[0] == "tensorboard" for name in sys.modules)
model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(5, 2)])
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(1))
model.compile("sgd", "mse")
x, y = np.zeros((4, 3), "int32"), np.ones((4, 1))
board = keras.callbacks.TensorBoard(
    sys.argv[1], histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq=1,
    embeddings_freq=1, embeddings_metadata="rows.tsv",
)
model.fit(x, y, validation_data=(x, y), epochs=2, callbacks=[board], verbose=0)
model.evaluate(x, y, callbacks=[board], verbose=0)
assert "tensorflow" not in sys.modules

sys.modules["tensorflow"] = None  # TensorBoard's own reader prefers it where it is installed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

read = EventAccumulator(sys.argv[1] + "/train").Reload()
assert [event.step for event in read.Tensors("epoch_loss")] == [0, 1]
assert [event.step for event in read.Tensors("batch_loss")] == [1, 2]
plugins = {read.SummaryMetadata(tag).plugin_data.plugin_name for tag in read.Tags()["tensors"]}
assert plugins == {"scalars", "histograms", "images", "graph_keras_model"}
"""


def test_tensorflow_has_no_part_in_it(tmp_path):
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
