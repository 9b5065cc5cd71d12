"""Style transfer: a picture with the shapes of one picture and the texture of another.

You learn how Gram matrices describe a texture by which filters answer together, and how SciPy's
L-BFGS minimizes a loss of the graph: one object computes the loss and keeps the gradient for the
call that asks for it.

L. Gatys, A. Ecker, M. Bethge, 2015: A Neural Algorithm of Artistic Style.
"""

import sys

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, zoom
from scipy.optimize import fmin_l_bfgs_b

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import AveragePooling2D, Conv2D, Dense, GlobalAveragePooling2D
from minikeras.keras2.models import Model, Sequential

SIZE, PATCH = 64, 24
CALLS = 120  # of the loss by L-BFGS
CONVOLUTION = {"activation": "relu", "padding": "same"}
STYLE_LAYERS, CONTENT_LAYER = ("pixels", "conv1", "conv2", "conv3"), "conv3"
CONTENT_WEIGHT, SMOOTHNESS = 0.3, 0.1  # beside the style's weight of 1
STYLES = {"waves": ("navy", "gold"), "bricks": ("maroon", "orange"), "dots": ("teal", "white")}


def texture(kind, size):
    """Draw a texture as a map of shape (size, size) from 0 to 1."""
    y, x = np.mgrid[:size, :size] + np.random.uniform(0, 24, size=(2, 1, 1))
    if kind == "waves":
        return 0.5 + 0.5 * np.sin((y + 3 * np.sin(x / 4)) * 2 * np.pi / 8)
    if kind == "bricks":
        shifted = x + 6 * (y // 6 % 2)
        return gaussian_filter(((y % 6 > 1.5) & (shifted % 12 > 1.5)).astype("float64"), 0.5)
    return gaussian_filter((np.hypot(y % 8 - 4, x % 8 - 4) < 2.5).astype("float64"), 0.5)


def colored(x, inks):
    """A map from 0 to 1 as a picture (height, width, 3) between two colors."""
    low, high = map(np.array, map(to_rgb, inks))
    return low + x[..., np.newaxis] * (high - low)


def make_patches(count):
    """Draw patches of textures in a dark and a light color, and the number of each one's kind."""
    kinds, y = list(STYLES), np.random.randint(len(STYLES), size=count)
    inks = np.random.uniform([[0.0], [0.5]], [[0.5], [1.0]], size=(count, 2, 3))
    maps = [texture(kinds[kind], PATCH) for kind in y]
    return np.array(list(map(colored, maps, inks))), y[:, np.newaxis]


def train_network():
    """A classifier of textures, whose filters know what textures are made of."""
    model = Sequential()
    model.add(Conv2D(16, (5, 5), name="conv1", input_shape=(None, None, 3), **CONVOLUTION))
    model.add(AveragePooling2D((2, 2)))
    model.add(Conv2D(32, (5, 5), name="conv2", **CONVOLUTION))
    model.add(Conv2D(32, (3, 3), name="conv3", **CONVOLUTION))
    model.add(GlobalAveragePooling2D())
    model.add(Dense(len(STYLES), activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*make_patches(1000), batch_size=32, epochs=6, verbose=0)
    print(f"accuracy on new patches: {model.evaluate(*make_patches(200), verbose=0)[1]:.1%}")
    return model


def gram_matrix(features):
    """G[i, j] = mean over all places of f_i f_j, from features (height, width, channels)."""
    flat = K.reshape(features, (-1, K.int_shape(features)[-1]))
    return K.dot(K.transpose(flat), flat) / K.cast(K.shape(flat)[0], "float32")


def build_losses(model, content, style):
    """A function from a picture to L, its terms content and style, and dL/dpicture.

    Each term is a mean squared difference, as a part of that between content and style picture:
    the content picture has content 0 and style 4 (1 a layer), the style picture 1 and 0. The
    third part of the loss, the squared steps from pixel to pixel, keeps the picture smooth.
    """
    picture = K.placeholder((1, SIZE, SIZE, 3))
    three = K.concatenate([K.constant([content]), K.constant([style]), picture], axis=0)
    names = STYLE_LAYERS[1:]
    layers = Model(model.input, [model.get_layer(name).output for name in names])
    features = {"pixels": three, **dict(zip(names, layers(three), strict=True))}

    def ratio(target, other, x):
        return K.mean(K.square(x - target)) / K.mean(K.square(other - target))

    of_content, of_style, of_picture = (features[CONTENT_LAYER][n] for n in range(3))
    content_loss = ratio(of_content, of_style, of_picture)
    grams = [[gram_matrix(features[name][n]) for n in range(3)] for name in STYLE_LAYERS]
    style_loss = sum(ratio(style, content, x) for content, style, x in grams)
    here, down, across = picture[:, 1:, 1:], picture[:, :-1, 1:], picture[:, 1:, :-1]
    steps = K.mean(K.square(here - down) + K.square(here - across))
    loss = CONTENT_WEIGHT * content_loss + style_loss + SMOOTHNESS * steps
    return K.function([picture], [loss, content_loss, style_loss, *K.gradients(loss, picture)])


class Evaluator:
    """L-BFGS asks for loss and gradient by two functions; here they are computed in one run."""

    def __init__(self, losses):
        self.losses = losses

    def loss(self, x):
        loss, *_, gradient = self.losses([x.reshape(1, SIZE, SIZE, 3)])
        self.gradient_there = gradient.ravel().astype("float64")
        return float(loss)

    def gradient(self, x):
        return self.gradient_there


def draw(images, picture):
    """Save the content picture, then each style beside its result."""
    figure = Figure(figsize=(9, 1.6), layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, len(images)), images, strict=True):
        axes.imshow(np.round(12 * image) / 12, interpolation="nearest")  # fewer colors: small file
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(picture, dpi=100)


def main(picture="style_transfer.png"):
    """Train a network on textures, give a digit the style of each, print what is lost, and draw."""
    np.random.seed(1)
    model = train_network()
    (x_train, _), _ = digits.load_data()
    ink = zoom(np.pad(x_train[3] / 16.0, 1), SIZE / 10, order=1)
    content = colored(np.clip(2 * ink - 0.5, 0, 1), ("white", "black"))
    images = [("content", content)]
    print(f"{'':28}{'style loss':>11}{'content loss':>14}")
    print(f"{'the content picture':28}{len(STYLE_LAYERS):11.3f}{0:14.3f}")
    print(f"{'the style picture':28}{0:11.3f}{1:14.3f}")
    for kind, inks in STYLES.items():
        style = colored(texture(kind, SIZE), inks)
        evaluator = Evaluator(build_losses(model, content, style))
        x, _, _ = fmin_l_bfgs_b(
            *(evaluator.loss, content.ravel(), evaluator.gradient),
            bounds=[(0, 1)] * content.size,
            maxfun=CALLS,
        )
        result = x.reshape(content.shape)
        images += [("style", style), ("result", result)]
        _, content_loss, style_loss, _ = evaluator.losses([[result]])
        print(f"{'result in the style of ' + kind:28}{style_loss:11.3f}{content_loss:14.3f}")
        assert style_loss < 0.05 * len(STYLE_LAYERS)
        assert content_loss < 0.8
    draw(images, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
