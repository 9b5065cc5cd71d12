"""Good files of each format, from which the tests of foreign files make bad ones."""

import json

import h5py
import numpy as np

import minikeras as keras


def image_model():
    """A stack that has trained: convolution, normalization, dropout, metrics, a schedule."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5, seed=1),
            layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(2.0)),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    x = np.random.default_rng(0).normal(size=(4, 6, 6, 1)).astype("float32")
    model.fit(x, np.arange(4) % 3, epochs=1, verbose=0)
    return model


def graph_model():
    """A graph with two inputs, a shared layer, a model in the model, ops and attention."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="gelu")], name="inner")
    a, b = keras.Input((5, 4), name="a"), keras.Input((5,), dtype="int32", name="b")
    shared = layers.Dense(4, name="shared")
    x = shared(a) + shared(layers.Embedding(7, 4, mask_zero=False)(b))
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    x = inner(keras.ops.mean(x, axis=1) * 2.0)
    outputs = {"y": layers.Dense(1)(x), "z": layers.Concatenate()([x[:, :2], x[:, 2:]])}
    model = keras.Model([a, b], outputs, name="graph")
    model.compile("rmsprop", {"y": "mse", "z": keras.losses.Huber(0.5)}, jit_compile=False)
    return model


def line_model():
    """Two weights, trained by an optimizer that keeps one number for each."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"), verbose=0)
    return model


def node_model():
    """A graph of an op with a setting, a layer that is called twice, and one without weights."""
    x = keras.Input((2,), name="x")
    shared = keras.layers.Dense(2, name="d")
    y = keras.ops.mean(shared(shared(x)), axis=-1, keepdims=True)
    return keras.Model(x, keras.layers.Dropout(0.5, seed=1)(y), name="node")


MODELS = {"image": image_model, "graph": graph_model, "line": line_model, "node": node_model}
SMALL, LARGE = ("line", "node"), ("image", "graph")
SMALL_CASES = 200
"""Small models load in a few milliseconds: all cases but one of so many are of them."""


def write_all(folder):
    """Write each model in each format, and the state of the training of one."""
    for name, make in MODELS.items():
        model = make()
        for form, ending in FORMATS.items():
            _WRITE[form](model, folder / f"{name}{ending}")
        if name == TRAINED:
            _write_training(model, folder / TRAINING)


def train(model, folder, **options):
    """Train for an epoch, or the rest of it if there is a backup in the folder."""
    backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False, **options)
    x, y = np.ones((2, 2), "float32"), np.ones((2, 1), "float32")
    model.fit(x, y, batch_size=1, epochs=1, verbose=0, callbacks=[backup])


def _write_training(model, path):
    """Write the state in the middle of an epoch."""
    train(model, path.parent, save_freq=1)


def write_whole(model, path):
    """Write a model in the older format: its config, and the weights of each layer by name."""
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"], file.attrs["backend"] = "3.15.1", "tensorflow"
        file.attrs["training_config"] = json.dumps({"loss": "mse", "optimizer_config": _SGD})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            of_layer = group.create_group(layer.name)
            names = [f"{layer.name}/{number}" for number in range(len(layer.weights))]
            of_layer.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                of_layer[name] = weight.numpy()


_SGD = {"class_name": "SGD", "config": {"learning_rate": 0.1}}
FORMATS = {
    "archive": ".keras",
    "weights": ".weights.h5",
    "shards": ".weights.json",
    "whole": ".h5",
    "yaml": ".yaml",
}
TRAINED, TRAINING = "line", "latest.training.h5"
_WRITE = {
    "archive": lambda model, path: model.save(path),
    "weights": lambda model, path: model.save_weights(path),
    "shards": lambda model, path: model.save_weights(path, max_shard_size=0.5e-6),
    "whole": write_whole,
    "yaml": lambda model, path: path.write_text(model.to_yaml()),
}
