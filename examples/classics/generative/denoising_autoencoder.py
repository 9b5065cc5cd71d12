"""A denoising autoencoder learns to remove noise: noisy digits go in, clean ones come out.

You learn how `fit_generator` trains on endless data: every batch gets fresh noise, so the network
never sees the same input twice and cannot learn it by heart.

P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, 2008: Extracting and Composing Robust Features
with Denoising Autoencoders.
"""

import sys

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Conv2D, Input, MaxPooling2D, UpSampling2D
from minikeras.keras2.models import Model

BATCH = 32
NOISE = 0.3  # standard deviation; paper is 0, ink 1


def build():
    """A convolutional autoencoder: (8, 8, 1) -> (4, 4, 32) -> (8, 8, 1)."""
    noisy = Input(shape=(8, 8, 1))
    x = Conv2D(32, (3, 3), activation="relu", padding="same")(noisy)
    x = MaxPooling2D((2, 2), padding="same")(x)
    code = Conv2D(32, (3, 3), activation="relu", padding="same", name="code")(x)
    x = UpSampling2D((2, 2))(code)
    x = Conv2D(32, (3, 3), activation="relu", padding="same")(x)
    clean = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)
    return Model(noisy, clean)


def with_noise(x, stddev=NOISE):
    """Add Gaussian noise: x + stddev * e, e ~ N(0, 1), cut at paper and ink."""
    return np.clip(x + stddev * np.random.normal(size=x.shape), 0, 1)


def noisy_batches(x):
    """Yield pairs (noisy, clean) without end."""
    while True:
        clean = x[np.random.randint(len(x), size=BATCH)]
        yield with_noise(clean), clean


def blurred(noisy):
    """What one does without a network: an average over neighboring pixels."""
    return gaussian_filter(noisy, sigma=(0, 0.5, 0.5, 0))


def error(x, clean):
    """The mean squared error of a pixel, mean((x - clean)^2)."""
    return np.mean(np.square(x - clean))


def draw(rows, picture):
    """Save rows of pictures, each with its name."""
    figure = Figure(figsize=(9, 3.3), layout="constrained")
    axes = figure.subplots(len(rows), 12)
    for (name, images), line in zip(rows.items(), axes, strict=True):
        for image, place in zip(images, line, strict=False):
            place.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
            place.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    figure.suptitle("Test digits that the network has not seen")
    figure.savefig(picture, dpi=100)


def main(picture="denoising_autoencoder.png"):
    """Train, compare with a blur at three levels of noise, and draw."""
    np.random.seed(1)
    (x_train, _), (x_test, _) = digits.load_data()
    x_train, x_test = (x[..., np.newaxis] / 16.0 for x in (x_train, x_test))

    model = build()
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit_generator(noisy_batches(x_train), steps_per_epoch=150, epochs=8, verbose=0)

    print(f"{'noise':>6}{'error of the input':>20}{'of a blur':>11}{'of the network':>16}")
    for stddev in (0.15, NOISE, 0.6):
        noisy = with_noise(x_test, stddev)
        restored = model.predict(noisy)
        errors = [error(x, x_test) for x in (noisy, blurred(noisy), restored)]
        print(f"{stddev:6}{errors[0]:20.4f}{errors[1]:11.4f}{errors[2]:16.4f}")
        if stddev == NOISE:
            assert errors[2] < 0.7 * errors[1] < errors[0]
            draw({"clean": x_test, "noisy": noisy, "restored": restored}, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
