"""A what-where autoencoder: pooling keeps what it saw, and tells the decoder where it saw it.

You learn how the switches of a max-pooling are a gradient. The sum of the pooled values depends on
each input by 1 where it was the largest of its window, else by 0, so `K.gradients` in a Lambda
gives the switches, inside a model that is trained.

J. Zhao, M. Mathieu, R. Goroshin, Y. LeCun, 2015: Stacked What-Where Auto-encoders.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Conv2D, Input, Lambda, MaxPooling2D, UpSampling2D, multiply
from minikeras.keras2.models import Model

EPOCHS, BATCH = 25, 32
FILTERS = (8, 8)


def switches(tensors):
    """Where each pooled value was: d sum(pooled) / dx, 1 at the largest of a window, else 0."""
    x, pooled = tensors
    return K.gradients(K.sum(pooled), x)[0]


def build(with_where):
    """An autoencoder (8, 8, 1) -> (2, 2, 8) -> (8, 8, 1).

    Args:
        with_where: whether the decoder places each value at its switch; else in its whole window.

    Returns:
        The model, and one from pictures to the first layer's (input of the pooling, what, where).
    """
    picture = Input(shape=(8, 8, 1))
    x, places = picture, []
    for filters in FILTERS:
        features = Conv2D(filters, (3, 3), activation="relu", padding="same")(x)
        x = MaxPooling2D((2, 2))(features)
        places.append((features, x, Lambda(switches)([features, x])))
    for _, _, where in reversed(places):
        x = UpSampling2D((2, 2))(x)
        if with_where:
            x = multiply([x, where])
        x = Conv2D(FILTERS[0], (3, 3), activation="relu", padding="same")(x)
    restored = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)
    return Model(picture, restored), Model(picture, list(places[0]))


def check_switches(parts, images):
    """One switch in each window, at the value that the pooling took."""
    features, what, where = parts.predict(images)
    by_window = where.reshape(-1, 4, 2, 4, 2, FILTERS[0])
    np.testing.assert_allclose(by_window.sum(axis=(2, 4)), 1)
    by_window = (features * where).reshape(by_window.shape)
    np.testing.assert_allclose(by_window.sum(axis=(2, 4)), what)


def train(with_where, x_train, x_test):
    """Train one autoencoder; return its model of parts, its pictures and their error."""
    np.random.seed(1)
    model, parts = build(with_where)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit(x_train, x_train, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    restored = model.predict(x_test)
    return parts, restored, np.mean(np.square(restored - x_test))


def draw(rows, picture):
    """Save rows of pictures, each with its name."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(len(rows), 12)
    for (name, images), line in zip(rows.items(), axes, strict=True):
        for image, place in zip(images, line, strict=False):
            place.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
            place.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    figure.suptitle(f"Test digits from 2 x 2 x {FILTERS[1]} values, with and without switches")
    figure.savefig(picture, dpi=100)


def main(picture="what_where_autoencoder.png"):
    """Train with and without switches, compare the errors, and draw what is restored."""
    (x_train, _), (x_test, _) = digits.load_data()
    x_train, x_test = (x[..., np.newaxis] / 16.0 for x in (x_train, x_test))
    _, by_what, error_of_what = train(False, x_train, x_test)
    parts, by_both, error_of_both = train(True, x_train, x_test)
    check_switches(parts, x_test)

    mean_error = np.mean(np.square(x_test - x_train.mean(axis=0)))
    print(f"{'mean squared error of':24}{'a pixel':>8}")
    print(f"{'the mean picture':24}{mean_error:8.4f}")
    print(f"{'what alone':24}{error_of_what:8.4f}")
    print(f"{'what and where':24}{error_of_both:8.4f}")
    assert error_of_what < 0.8 * mean_error
    assert error_of_both < 0.6 * error_of_what
    draw({"input": x_test, "what": by_what, "+ where": by_both}, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
