"""The files of TensorBoard, and Keras's: runs, tags, steps, plugins, values, projector, images."""

import io
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parity_tests.scenario import same
from tests.training import events

pytestmark = pytest.mark.parity

LENGTH = 20 * 4
_rng = np.random.default_rng(0)
X = _rng.normal(size=(20, 4)).astype("float32")
Y = _rng.normal(size=(20, 1)).astype("float32")


def sequential(k):
    m = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
    m.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
    return m, Y


def two_outputs(k):
    x = k.Input((4,))
    hidden = k.layers.Dense(3, activation="tanh")(x)
    outputs = {"a": k.layers.Dense(1, name="a")(hidden), "b": k.layers.Dense(2, name="b")(hidden)}
    m = k.Model(x, outputs)
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    optimizer = k.optimizers.LossScaleOptimizer(k.optimizers.Adam(rate))
    m.compile(optimizer, "mse", metrics={"a": ["mae"], "b": ["mse"]}, run_eagerly=True)
    return m, {"a": Y, "b": np.concatenate([Y, -Y], axis=1)}


def subclassed(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.first = k.layers.Dense(3)
            self.last = k.layers.Dense(1)

        def call(self, x):
            return self.last(self.first(x))

    m = Own()
    m.compile("adam", "mse", run_eagerly=True)
    return m, Y


MODELS = {"sequential": sequential, "two outputs": two_outputs, "subclassed": subclassed}

OPTIONS = {
    "defaults": {},
    "no graph": {"write_graph": False},
    "weights": {"histogram_freq": 2},
    "batches": {"update_freq": "batch", "write_steps_per_second": True},
    "some batches": {"update_freq": 3, "write_steps_per_second": True, "histogram_freq": 1},
    "batches that divide an epoch": {"update_freq": 2, "histogram_freq": 1},
    "speed of epochs": {"write_steps_per_second": True},
}

# Options that the other models are tried with.
DRAWN = ["weights", "some batches"]


FOUND_BY_MODULE = '"registered_name": null'


def shown(tag, step, plugin, value):
    """A value as it is compared: texts as text, times not at all."""
    if tag.endswith("steps_per_second"):
        return tag, step, plugin, value.shape
    if value.dtype == object:  # Keras names the class Functional twice, which nothing reads
        value = value.item().decode().replace('"registered_name": "Functional"', FOUND_BY_MODULE)
    return tag, step, plugin, value


def written(folder):
    by_run = events.runs(folder)
    return {run: [[shown(*v) for v in values] for values in by_run[run]] for run in sorted(by_run)}


CASES = [("sequential", options) for options in OPTIONS]
CASES += [(name, options) for name in MODELS if name != "sequential" for options in DRAWN]


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_files_of_events(name, options):
    def scenario(k):
        m, y = MODELS[name](k)
        with tempfile.TemporaryDirectory() as folder:
            board = k.callbacks.TensorBoard(folder, **OPTIONS[options])
            run = {"callbacks": [board], "verbose": 0, "batch_size": 10}
            m.fit(X, y, epochs=2, validation_data=(X, y), **run)
            m.evaluate(X, y, **run)
            m.predict(X, **run)
            del m, board, run  # which lets TensorFlow close its files
            return written(folder)

    same(scenario, LENGTH)


VALUES = {
    "grey": np.array([[-1, 0, 0.5, 1 / 255], [0.999, 1, 2, 1e9], [0.2, 0.4, 0.6, 0.8]]),
    "not a number": np.array([[np.nan, 1.0], [0.5, 0.25]]),
    "infinite": np.array([[np.inf, 1.0], [0.5, 0.25]]),
    "negative infinite": np.array([[-np.inf, 1.0], [np.inf, 0.25]]),
    "equal": np.full((3, 2), 0.7),
    "one": np.array([0.3]),
    "vector": _rng.uniform(size=7),
    "wide": _rng.uniform(size=(2, 5)),
    "high": _rng.uniform(size=(5, 2)),
    "three axes": _rng.uniform(size=(3, 4, 5)),
    "an axis of length 1": _rng.uniform(size=(3, 4, 1, 5)),
    "colours": _rng.uniform(size=(2, 3, 4, 3)),
    "colours and opacity": _rng.uniform(size=(5, 3, 4, 4)),
    "many filters": _rng.uniform(size=(3, 3, 3, 8)),
    "five axes": _rng.uniform(size=(2, 2, 2, 2, 3)),
    "large": _rng.normal(size=(200, 30)),
}


def decoded(plugin, value):
    """A summary as it is compared: of images the sizes and the pixels."""
    if plugin[0] != "images":
        return value.tolist()
    sizes, images = value[:2].tolist(), [np.asarray(Image.open(io.BytesIO(v))) for v in value[2:]]
    return sizes, [image.tolist() for image in images]


def of_weights(k, values, dtype, layout="channels_last"):
    """The summaries of a layer with one weight, which does not change."""

    class Own(k.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=values.shape, dtype=dtype, trainable=False, name="w")
            self.w.assign(values.astype(dtype))

        def call(self, x):
            return x

    m = k.Sequential([k.Input((4,)), Own(name="own"), k.layers.Dense(1)])
    m.compile("sgd", "mse", run_eagerly=True)
    outer = k.config.image_data_format()
    k.config.set_image_data_format(layout)
    try:
        with tempfile.TemporaryDirectory() as folder:
            options = {"histogram_freq": 1, "write_images": True, "write_graph": False}
            m.fit(X, Y, verbose=0, callbacks=[k.callbacks.TensorBoard(folder, **options)])
            [summaries] = events.runs(folder)["train"]
    finally:
        k.config.set_image_data_format(outer)
    return [
        repr((tag, step, plugin, decoded(plugin, value)))
        for tag, step, plugin, value in summaries
        if "/own/" in tag
    ]


@pytest.mark.parametrize("name", VALUES)
def test_weights(name):
    same(lambda k: of_weights(k, VALUES[name], "float32"))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "uint8", "int8"])
def test_weights_of_other_types(dtype):
    values = np.array([[-3, 0, 1, 127], [100, 64, 2, 5]])
    values = values * 2**23 if dtype == "int32" else values
    same(lambda k: of_weights(k, np.abs(values) if dtype == "uint8" else values, dtype))


def test_weights_with_channels_first():
    same(lambda k: of_weights(k, VALUES["three axes"], "float32", "channels_first"))


@pytest.mark.parametrize(
    "metadata", [None, "rows.tsv", {"first": "rows.tsv"}, {"none": "rows.tsv"}]
)
def test_embeddings(metadata):
    """The projector's file of a `fit`; in Keras a second run has lost the dict's names."""

    def scenario(k):
        x = k.Input((4,), dtype="int32")
        layers = [k.layers.Embedding(5, 2, name=name) for name in ("first", "second")]
        joined = k.layers.Concatenate()([layer(x) for layer in layers])
        m = k.Model(x, k.layers.Dense(1)(k.layers.Flatten()(joined)))
        m.compile("sgd", "mse", run_eagerly=True)
        names = dict(metadata) if isinstance(metadata, dict) else metadata
        with tempfile.TemporaryDirectory() as folder:
            board = k.callbacks.TensorBoard(folder, embeddings_freq=2, embeddings_metadata=names)
            try:
                x = np.abs(X).astype("int32")
                m.fit(x, Y, epochs=3, verbose=0, callbacks=[board])
            except ValueError as error:
                return re.search("`Embedding`", str(error)).group()
            files = [path.relative_to(folder) for path in Path(folder).rglob("*.h5")]
            config = Path(folder, "projector_config.pbtxt").read_text()
            return sorted(map(os.fspath, files)), config

    same(scenario)


def test_metrics_of_several_numbers():
    def scenario(k):
        class Several(k.metrics.Metric):
            def update_state(self, *_, **__):
                pass

            def result(self):
                return k.ops.ones(3)

        m, y = sequential(k)
        m.compile("sgd", "mse", metrics=[Several()], run_eagerly=True)
        with tempfile.TemporaryDirectory() as folder:
            board = k.callbacks.TensorBoard(folder)
            with pytest.raises(ValueError, match="scalar shape|Expected one number"):
                m.fit(X, y, verbose=0, callbacks=[board])

    same(scenario)


@pytest.mark.parametrize("profile_batch", [-1, (3, 2), (1, 2, 3), "2", 1.5])
def test_profile_batch_refuses(profile_batch):
    def scenario(k):
        with pytest.raises(ValueError, match="profile_batch"):
            k.callbacks.TensorBoard("logs", profile_batch=profile_batch)

    same(scenario)
