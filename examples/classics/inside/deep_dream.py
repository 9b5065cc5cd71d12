"""Deep dream: a network sees waves in clouds, and the clouds are changed until they are there.

You learn how a network that is trained on small pictures works on a large one, since convolutions
do not mind its size, and gradient ascent at several scales (octaves): wide waves first, then
narrow ones, with the detail that shrinking had lost.

A. Mordvintsev, C. Olah, M. Tyka, 2015: Inceptionism: Going Deeper into Neural Networks.
"""

import sys

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, zoom

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from minikeras.keras2.models import Sequential

PATCH, HEIGHT, WIDTH = 24, 80, 120
OCTAVES = [(40, 60), (57, 85), (HEIGHT, WIDTH)]
STEPS, RATE = 12, 0.013
CONVOLUTION = {"activation": "relu", "padding": "same"}
DIRECTIONS = 8  # of the waves, in steps of 180 / 8 degrees


def clouds(height, width):
    """Draw smooth noise, mostly from -1/2 to 1/2, with detail at several scales."""
    noise = np.random.normal(size=(3, height, width))
    x = sum(s * gaussian_filter(e, s, mode="wrap") for s, e in zip((2, 4, 8), noise, strict=True))
    return 0.25 * (x - x.mean()) / x.std()


def make_data(count):
    """Draw clouds with waves over them, and the number of the waves' direction."""
    y = np.random.randint(DIRECTIONS, size=(count, 1, 1))
    period = np.random.uniform(4, 7, size=(count, 1, 1))
    phase = np.random.uniform(0, 2 * np.pi, size=(count, 1, 1))
    down, right = np.mgrid[:PATCH, :PATCH]
    along = right * np.cos(np.pi * y / DIRECTIONS) + down * np.sin(np.pi * y / DIRECTIONS)
    waves = 0.4 * np.cos(2 * np.pi * along / period + phase)
    return (waves + [clouds(PATCH, PATCH) for _ in y])[..., np.newaxis], y[:, 0]


def build():
    """A classifier of directions, for pictures of any size."""
    model = Sequential()
    model.add(Conv2D(16, (5, 5), name="edges", input_shape=(None, None, 1), **CONVOLUTION))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(32, (5, 5), name="parts", **CONVOLUTION))
    model.add(Conv2D(32, (5, 5), name="waves", **CONVOLUTION))
    model.add(GlobalAveragePooling2D())
    model.add(Dense(DIRECTIONS, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def ascent_step(model, layer):
    """A function from a picture to L = mean(activation^2) of a layer, and dL/dx."""
    loss = K.mean(K.square(model.get_layer(layer).output))
    gradient = K.gradients(loss, model.input)[0]
    return K.function([model.input, K.learning_phase()], [loss, gradient])


def resized(x, size):
    """A picture (height, width) in another size."""
    return zoom(x, (size[0] / x.shape[0], size[1] / x.shape[1]), order=1)


def dream(step, original):
    """Gradient ascent on the picture, octave by octave; return it with the last losses."""
    x = small = resized(original, OCTAVES[0])
    for size in OCTAVES:
        at_this_size = resized(original, size)
        x = resized(x, size) + at_this_size - resized(small, size)  # the detail that `small` lost
        small = at_this_size
        for _ in range(STEPS):
            loss, gradient = step([x[np.newaxis, ..., np.newaxis], 0])
            uphill = gaussian_filter(gradient[0, ..., 0], 0.7)  # no single pixels
            x = np.clip(x + RATE * uphill / uphill.std(), -1, 1)
    return x, loss


def draw(images, picture):
    """Save the clouds and what the layers make of them."""
    figure = Figure(figsize=(9, 1.8), layout="constrained")
    gray = colormaps["gray_r"].resampled(32)
    for axes, (title, image) in zip(figure.subplots(1, len(images)), images.items(), strict=True):
        axes.imshow(image, cmap=gray, interpolation="nearest", vmin=-1, vmax=1)
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(picture, dpi=100)


def main(picture="deep_dream.png"):
    """Train on waves, let three layers dream, print how much more they see, and draw."""
    np.random.seed(1)
    model = build()
    model.fit(*make_data(1500), batch_size=32, epochs=6, verbose=0)
    accuracy = model.evaluate(*make_data(400), verbose=0)[1]
    print(f"accuracy on new waves: {accuracy:.1%}")
    assert accuracy > 0.8

    original = clouds(HEIGHT, WIDTH)
    images = {"clouds": original}
    print(f"{'mean square of':16}{'in the clouds':>14}{'in the dream':>14}{'changed by':>12}")
    for layer in ("edges", "parts", "waves"):
        step = ascent_step(model, layer)
        before = step([original[np.newaxis, ..., np.newaxis], 0])[0]
        images[f"dream of {layer}"], after = dream(step, original)
        change = np.abs(images[f"dream of {layer}"] - original).mean()
        print(f"{layer:16}{before:14.4f}{after:14.4f}{change:12.2f}")
        assert after > 3 * before
    draw(images, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
