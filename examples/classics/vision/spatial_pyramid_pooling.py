"""Spatial pyramid pooling: one network classifies pictures of any size.

You learn how a layer of your own works with sizes that are known only when it runs: `Input((None,
None, 1))`, `K.shape`, and slices whose bounds are tensors.

K. He, X. Zhang, S. Ren, J. Sun, 2014: Spatial Pyramid Pooling in Deep Convolutional Networks for
Visual Recognition.
"""

import sys

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import zoom

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Conv2D, Dense, Dropout, Input, Layer
from minikeras.keras2.models import Model

SEEN = [(10, 10), (16, 16), (12, 18)]  # height, width
UNSEEN = [(8, 8), (13, 13), (18, 12), (24, 24)]
EPOCHS, BATCH = 5, 32


class SpatialPyramidPooling(Layer):
    """The largest value of each cell of grids of 1 x 1, 2 x 2, ... cells over the whole picture.

    Args:
        grids: list of the numbers of rows (and columns) of each grid.
    """

    def __init__(self, grids, **kwargs):
        self.grids = grids
        super().__init__(**kwargs)

    def call(self, x):
        """Pool (batch, height, width, channels) to (batch, cells * channels)."""
        height, width = K.shape(x)[1], K.shape(x)[2]
        cells = []
        for n in self.grids:
            for row in range(n):
                for column in range(n):
                    # Cell i has rows floor(i h / n) to ceil((i + 1) h / n), so that none is empty.
                    top, bottom = row * height // n, -(-(row + 1) * height // n)
                    left, right = column * width // n, -(-(column + 1) * width // n)
                    cells.append(K.max(x[:, top:bottom, left:right, :], axis=[1, 2]))
        return K.concatenate(cells, axis=-1)

    def compute_output_shape(self, input_shape):
        """As many values for each picture, whatever its size."""
        return (input_shape[0], input_shape[3] * sum(n * n for n in self.grids))

    def get_config(self):
        """What a saved model needs to make the layer again."""
        return {**super().get_config(), "grids": self.grids}


def build():
    """A classifier of digits of any size."""
    picture = Input(shape=(None, None, 1))
    x = Conv2D(16, (3, 3), activation="relu", padding="same")(picture)
    x = Conv2D(16, (3, 3), activation="relu", padding="same")(x)
    x = SpatialPyramidPooling([1, 2, 4])(x)
    x = Dropout(0.2)(x)
    return Model(picture, Dense(10, activation="softmax")(x))


def resized(x, size):
    """Pictures (n, 8, 8) as (n, height, width, 1) with ink from 0 to 1."""
    factors = (1, size[0] / 8, size[1] / 8)
    return zoom(x / 16.0, factors, order=1)[..., np.newaxis]


def draw(x, accuracies, picture):
    """Save a test digit in each size, with the accuracy on all test digits of that size."""
    figure = Figure(figsize=(9, 2), layout="constrained")
    for axes, size in zip(figure.subplots(1, len(accuracies)), accuracies, strict=True):
        height, width = size
        axes.imshow(resized(x, size)[0, ..., 0], cmap="gray_r", extent=(0, width, 0, height))
        axes.set(xlim=(-1, 25), ylim=(-1, 25), xticks=[0, width], yticks=[0, height])
        axes.set_title(f"{accuracies[size]:.1%}\n{'seen' if size in SEEN else 'not seen'}")
    figure.supxlabel("width and height in pixels; accuracy on test digits of this size")
    figure.savefig(picture, dpi=100)


def main(picture="spatial_pyramid_pooling.png"):
    """Train on three sizes in turn, test on these and on four others, and draw."""
    np.random.seed(1)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    y_train, y_test = y_train[:, np.newaxis], y_test[:, np.newaxis]
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    print("features of a picture of any size:", model.layers[-2].output_shape[1])

    by_size = {size: resized(x_train, size) for size in SEEN}
    for _ in range(EPOCHS):
        for x in by_size.values():  # the pictures of a batch have one size
            model.fit(x, y_train, batch_size=BATCH, epochs=1, verbose=0)

    accuracies = {}
    print(f"{'height':>7}{'width':>7}{'seen':>7}{'accuracy':>10}")
    for size in sorted(SEEN + UNSEEN, key=np.prod):
        accuracies[size] = model.evaluate(resized(x_test, size), y_test, verbose=0)[1]
        seen = "yes" if size in SEEN else "no"
        print(f"{size[0]:7}{size[1]:7}{seen:>7}{accuracies[size]:10.1%}")
    assert min(accuracies[size] for size in SEEN) > 0.8
    assert min(accuracies[size] for size in UNSEEN) > 0.65
    draw(x_test[3:4], accuracies, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
