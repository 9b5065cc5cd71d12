"""Net2Net: a wider and a deeper network begin with the knowledge of a small one that is trained.

You learn how weights move between models by `get_weights` and `set_weights`, and how a network
grows without a change of what it computes: copied units share their outgoing weights, and new
layers start as the identity.

T. Chen, I. Goodfellow, J. Shlens, 2015: Net2Net: Accelerating Learning via Knowledge Transfer.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Conv2D, Dense, Flatten, MaxPooling2D
from minikeras.keras2.models import Sequential

EPOCHS, BATCH = 10, 32


def build(filters=8, units=32, is_deep=False):
    """A classifier of digits; a deep one has a second layer after the first of each kind."""
    model = Sequential()
    convolution = {"kernel_size": (3, 3), "padding": "same", "activation": "relu"}
    model.add(Conv2D(filters, input_shape=(8, 8, 1), name="conv1", **convolution))
    if is_deep:
        model.add(Conv2D(filters, name="conv1_deeper", **convolution))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(16, name="conv2", **convolution))
    model.add(MaxPooling2D((2, 2)))
    model.add(Flatten())
    model.add(Dense(units, activation="relu", name="dense1"))
    if is_deep:
        model.add(Dense(units, activation="relu", name="dense1_deeper"))
    model.add(Dense(10, activation="softmax", name="digit"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def widened(weights, next_weights, width):
    """Net2WiderNet: the first units again and again, each time with a part of its influence.

    Unit j of the wide layer is unit g(j) of the small one, and the next layer weighs it by
    V[j] = s[j] U[g(j)], where the shares s of all copies of a unit sum to 1. The paper takes equal
    shares and adds noise, since equal copies would stay equal; unequal shares need no noise.

    Args:
        weights: kernel (..., inputs, units) and bias (units,) of the layer.
        next_weights: kernel (..., units, outputs) and bias of the next layer.
        width: the number of units that the layer shall have.

    Returns:
        Both layers' weights.
    """
    (kernel, bias), (next_kernel, next_bias) = weights, next_weights
    units = len(bias)
    g = np.concatenate([np.arange(units), np.random.randint(units, size=width - units)])
    shares = np.random.uniform(0.5, 1.5, size=width)
    shares /= np.bincount(g, weights=shares)[g]
    return [kernel[..., g], bias[g]], [next_kernel[..., g, :] * shares[:, np.newaxis], next_bias]


def identity(shape):
    """Net2DeeperNet: kernel and bias of a layer that returns its input, which relu leaves alone."""
    kernel = np.zeros(shape)
    middle = tuple(size // 2 for size in shape[:-2])
    kernel[middle] = np.eye(shape[-1])
    return [kernel, np.zeros(shape[-1])]


def copy_weights(teacher, student):
    """Give the student's layers the weights of the teacher's layers of the same shape."""
    for name in ("conv1", "conv2", "dense1", "digit"):
        weights, layer = teacher.get_layer(name).get_weights(), student.get_layer(name)
        if [w.shape for w in layer.get_weights()] == [w.shape for w in weights]:
            layer.set_weights(weights)


def make_wider(teacher, filters, units):
    """A student with more filters in the first convolution, and more units in the first Dense."""
    student = build(filters, units)
    copy_weights(teacher, student)
    for name, next_name, width in (("conv1", "conv2", filters), ("dense1", "digit", units)):
        pair = teacher.get_layer(name), teacher.get_layer(next_name)
        wide = widened(*(layer.get_weights() for layer in pair), width)
        for place, weights in zip((name, next_name), wide, strict=True):
            student.get_layer(place).set_weights(weights)
    return student


def make_deeper(teacher):
    """A student with one more convolution and one more Dense layer."""
    student = build(is_deep=True)
    copy_weights(teacher, student)
    for name in ("conv1_deeper", "dense1_deeper"):
        layer = student.get_layer(name)
        layer.set_weights(identity(layer.get_weights()[0].shape))
    return student


def train(model, data, test):
    """The test loss before training and after each epoch."""
    first = model.evaluate(*test, verbose=0)[0]
    history = model.fit(*data, BATCH, EPOCHS, verbose=0, validation_data=test)
    return [first, *history.history["val_loss"]]


def draw(losses, picture):
    """Save the test losses of students beside those of networks that begin with random weights."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, ("wider", "deeper"), strict=True):
        for name, style in (("from the teacher", "-o"), ("from random weights", ":o")):
            axes.semilogy(losses[kind, name], style, markersize=4, label=f"{kind}, {name}")
        axes.axhline(losses["teacher"][-1], color="gray", label="the teacher after its training")
        axes.set(xlabel="epochs", ylabel="loss on test digits")
        axes.legend()
    figure.savefig(picture, dpi=100)


def main(picture="net2net.png"):
    """Train a teacher, let two students grow from it, and compare with random beginnings."""
    np.random.seed(1)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    data = x_train[..., np.newaxis] / 16.0, np.eye(10)[y_train]
    test = x_test[..., np.newaxis] / 16.0, np.eye(10)[y_test]
    losses = {"teacher": train(teacher := build(), data, test)}
    students = {
        ("wider", "from the teacher"): make_wider(teacher, filters=16, units=64),
        ("wider", "from random weights"): build(filters=16, units=64),
        ("deeper", "from the teacher"): make_deeper(teacher),
        ("deeper", "from random weights"): build(is_deep=True),
    }
    print(f"{'loss on test digits':30}{'at first':>10}{'1 epoch':>10}{f'{EPOCHS} epochs':>10}")
    print(f"{'teacher':30}" + "".join(f"{losses['teacher'][n]:10.4f}" for n in (0, 1, -1)))
    for key, student in students.items():
        if key[1] == "from the teacher":
            np.testing.assert_allclose(
                student.predict(test[0]), teacher.predict(test[0]), rtol=1e-3, atol=1e-5
            )
        losses[key] = train(student, data, test)
        print(f"{', '.join(key):30}" + "".join(f"{losses[key][n]:10.4f}" for n in (0, 1, -1)))
    for kind in ("wider", "deeper"):
        assert losses[kind, "from the teacher"][1] < losses[kind, "from random weights"][1]
    draw(losses, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
