"""Filter visualisation: which picture does each filter of a trained network like best?

You learn gradient ascent on the input: `K.gradients` of a filter's mean activation with respect to
the picture, and a `K.function` that returns both. The weights stay; the picture changes.

D. Erhan, Y. Bengio, A. Courville, P. Vincent, 2009: Visualizing Higher-Layer Features of a Deep
Network.
"""

import sys

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Activation, Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from minikeras.keras2.models import Sequential

SIZE = 32
STEPS, RATE = 60, 0.2
SHOWN = 8  # filters of each layer


def waves(turn, period):
    """Stripes across the direction `turn` (in radians)."""
    y, x = np.mgrid[:SIZE, :SIZE]
    phase = np.random.uniform(0, 2 * np.pi)
    return np.cos(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period + phase)


def rings(period):
    """Circles around a point."""
    y, x = np.mgrid[:SIZE, :SIZE]
    top, left = np.random.uniform(8, 24, size=2)
    return np.cos(2 * np.pi * np.hypot(y - top, x - left) / period)


# Each texture is a function of its period in pixels.
TEXTURES = {
    "across": lambda period: waves(np.pi / 2, period),
    "upright": lambda period: waves(0, period),
    "rising": lambda period: waves(np.pi / 4, period),
    "falling": lambda period: waves(-np.pi / 4, period),
    "checks": lambda period: waves(0, period) * waves(np.pi / 2, period),
    "diamonds": lambda period: waves(np.pi / 4, period) * waves(-np.pi / 4, period),
    "rings": rings,
    "noise": lambda period: np.random.normal(size=(SIZE, SIZE)),
}


def make_data(count):
    """Draw textures with noise, around 0; and the number of each one's kind."""
    y = np.random.randint(len(TEXTURES), size=count)
    textures = list(TEXTURES.values())
    x = np.array([textures[kind](np.random.uniform(5, 9)) for kind in y])
    return normed(x[..., np.newaxis] + 0.3 * np.random.normal(size=(count, SIZE, SIZE, 1))), y


def normed(x):
    """Pictures of mean 0 and standard deviation 1: no picture wins by its contrast alone."""
    x = x - x.mean(axis=(1, 2, 3), keepdims=True)
    return x / x.std(axis=(1, 2, 3), keepdims=True)


def build():
    """A classifier of textures."""
    model = Sequential()
    model.add(Conv2D(SHOWN, (5, 5), activation="relu", input_shape=(SIZE, SIZE, 1), name="conv1"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(16, (3, 3), activation="relu", name="conv2"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(16, (3, 3), activation="relu", name="conv3"))
    model.add(GlobalAveragePooling2D())
    model.add(Dense(len(TEXTURES), name="scores"))
    model.add(Activation("softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def means_of(model, layer):
    """A function from pictures to the mean activation of each filter (or score of each class)."""
    output = model.get_layer(layer).output
    axes = list(range(1, K.ndim(output) - 1))
    means = K.mean(output, axis=axes) if axes else output
    return K.function([model.input, K.learning_phase()], [means])


def ascent_step(model, layer, index):
    """A function from a picture to the loss, a filter's mean activation, and its gradient."""
    loss = K.mean(model.get_layer(layer).output[..., index])
    gradient = K.gradients(loss, model.input)[0]
    # Divided by its root mean square: steps of equal size, where the filter is quiet, too.
    gradient /= K.sqrt(K.mean(K.square(gradient))) + 1e-8
    return K.function([model.input, K.learning_phase()], [loss, gradient])


def favorite(model, layer, index):
    """The picture that a filter likes best: x <- normed(x + rate * dL/dx), from noise on."""
    step = ascent_step(model, layer, index)
    x = normed(np.random.normal(size=(1, SIZE, SIZE, 1)))
    for _ in range(STEPS):
        _, gradient = step([x, 0])
        x = normed(x + RATE * gradient)
    return x


def draw(favorites, picture):
    """Save the favorite pictures, a row for each layer."""
    figure = Figure(figsize=(9, 4.7), layout="constrained")
    gray = colormaps["gray"].resampled(6)
    axes = figure.subplots(len(favorites), SHOWN)
    for (layer, images), line in zip(favorites.items(), axes, strict=True):
        for image, place in zip(images, line, strict=True):
            place.imshow(image[0, ..., 0], cmap=gray, interpolation="nearest", vmin=-2, vmax=2)
            place.set(xticks=[], yticks=[])
        line[0].set_ylabel(layer)
    for name, place in zip(TEXTURES, axes[-1], strict=True):
        place.set_xlabel(name)
    figure.suptitle("What filters of three layers like best; last row: the scores of the classes")
    figure.savefig(picture, dpi=100)


def main(picture="filter_visualisation.png"):
    """Train on textures, find the filters' favorites, compare with real pictures, and draw."""
    np.random.seed(1)
    (x_train, y_train), (x_test, y_test) = make_data(1500), make_data(300)
    model = build()
    model.fit(x_train, y_train, batch_size=32, epochs=6, verbose=0)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"accuracy on new textures: {accuracy:.1%}")
    assert accuracy > 0.8

    favorites = {}
    print(f"{'layer':8}{'filters that prefer their favorite to all of 300 textures':>60}")
    for layer in ("conv1", "conv2", "conv3", "scores"):
        activation = means_of(model, layer)
        best = activation([x_test, 0])[0].max(axis=0)
        liveliest = np.sort(np.argsort(-best)[:SHOWN])  # a filter that is always 0 likes nothing
        favorites[layer] = [favorite(model, layer, index) for index in liveliest]
        reached = activation([np.concatenate(favorites[layer]), 0])[0][range(SHOWN), liveliest]
        wins = np.sum(reached >= best[liveliest])
        print(f"{layer:8}{f'{wins} of {SHOWN}':>60}")
        assert wins > SHOWN / 2
    draw(favorites, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
