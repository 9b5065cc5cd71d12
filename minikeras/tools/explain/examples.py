"""What is explained where nothing is given: a small trained network, or one layer."""

import inspect

import numpy as np

import minikeras as keras
from minikeras.datasets import digits

layers = keras.layers


class BadRequest(Exception):
    """What was asked for is not there; the message says what was expected."""


def digits_network(seed=1, epochs=8):
    """Return a small convolutional network, trained on the digits that come with the package.

    Args:
        seed: int.
        epochs: int.
    """
    keras.utils.set_random_seed(seed)
    (x, y), _ = digits.load_data()
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(6, 3, activation="relu", name="conv2d"),
            layers.MaxPooling2D(2, name="pooling"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="dense"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(scaled(x, (8, 8, 1)), y, epochs=epochs, verbose=0)
    return model


def scaled(images, shape):
    """Return digits from 0 for paper to 1 for ink, in the shape that a model takes."""
    return (images / 16.0).astype("float32").reshape(-1, *shape)


def digit(shape, example):
    """Return one of the test digits, `(x, y)`, in the shape that a model takes."""
    _, (x, y) = digits.load_data()
    if not 0 <= example < len(x):
        raise BadRequest(f"--example: there are {len(x)} digits, from 0. Received: {example}")
    return scaled(x[example : example + 1], shape), y[example : example + 1]


def one_layer(name, units, time, features):
    """Return a model of one layer with small readable weights, and an example for it.

    Args:
        name: a class of `keras.layers`.
        units: int, units, filters or heads of the layer.
        time: int, steps of a sequence, or the side of an image.
        features: int, features of the input.

    Returns:
        `(model, x, y)`.
    """
    cls = getattr(layers, name, None)
    if not (inspect.isclass(cls) and issubclass(cls, keras.Layer)):
        raise BadRequest(f"--layer: keras.layers has no {name!r}; expected LSTM or Conv2D, say.")
    keras.utils.set_random_seed(1)
    layer = _made(cls, name, units)
    shape = _shape(name, time, features)
    try:
        model = _model(layer, name, shape)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"--layer {name} takes no input of shape {shape}: {error}") from None
    draw = np.random.default_rng(3)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            values = np.round(draw.normal(size=weight.shape) * 0.5, 1)
            weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    x = np.round(draw.normal(size=(1, *shape)), 1)
    if name == "Embedding":
        x = draw.integers(0, 5, (1, *shape))
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    y = np.zeros((1, *model.output.shape[1:]))
    return model, x, y


def _made(cls, name, units):
    options = {"name": name.lower()}
    known = inspect.signature(cls).parameters
    if name == "Embedding":
        return cls(5, units, **options)
    if name == "MultiHeadAttention":
        return cls(2, units, **options)
    if "kernel_size" in known:
        options["kernel_size"] = 3
    for argument in ("units", "filters"):
        if argument in known:
            options[argument] = units
    try:
        return cls(**options)
    except TypeError as error:
        raise BadRequest(f"--layer {name} needs arguments of its own: {error}") from None


def _shape(name, time, features):
    if name == "Embedding":
        return (time,)
    rank = next((int(part[0]) for part in name.split("_") if part[:2] in ("1D", "2D", "3D")), None)
    for dims in (1, 2, 3):
        if f"{dims}D" in name:
            rank = dims
    if rank is not None:
        return (*[time] * rank, features)
    is_sequence = name in ("LSTM", "GRU", "SimpleRNN", "MultiHeadAttention", "LayerNormalization")
    return (time, features) if is_sequence else (features,)


def _model(layer, name, shape):
    inputs = keras.Input(shape, dtype="int32" if name == "Embedding" else None)
    outputs = layer(inputs, inputs) if name == "MultiHeadAttention" else layer(inputs)
    return keras.Model(inputs, outputs, name=f"one_{layer.name}")
