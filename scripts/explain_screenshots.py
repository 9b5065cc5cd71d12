"""Draws the pictures of docs/explain.md: four small networks, their pages, and Chromium.

    python scripts/explain_screenshots.py [--all] [folder]     # needs chromium, selenium, Pillow

Without `--all` only the pictures of the page are drawn, into docs/explain; with it every network on
a desk and on a phone, in light and dark.
"""

import argparse
import io
import itertools
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from selenium import webdriver

import minikeras as keras
from minikeras.tools.explain.explaining import explain

layers = keras.layers

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
DRAWN = (
    ("convolution", "desk", "light"),
    ("lstm", "desk", "dark"),
    ("residual", "desk", "light"),
    ("transformer", "desk", "dark"),
    ("convolution", "phone", "light"),
)
"""What docs/explain.md shows."""

COLOURS = 256  # of a picture


def convolution():
    """Return a network with padding and pooling, and the cell to show."""
    stack = [
        layers.Conv2D(6, 3, padding="same", activation="relu", name="conv2d"),
        layers.MaxPooling2D(name="pooling"),
        layers.Flatten(name="flatten"),
        layers.Dense(10, activation="softmax", name="dense"),
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), *stack], name="digits"), (
        "conv2d/z",
        [0, 0, 3, 2],
    )


def lstm():
    """Return a network that reads a digit row by row."""
    stack = [layers.LSTM(6, name="lstm"), layers.Dense(10, activation="softmax", name="dense")]
    return keras.Sequential([keras.Input((8, 8)), *stack], name="rows"), ("lstm/f", [0, 3, 2])


def residual():
    """Return a network with normalization and a connection around it."""
    x = keras.Input((8, 8, 1))
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    y = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv2d")(stem)
    y = layers.BatchNormalization(name="normalization")(y)
    y = layers.Activation("relu", name="relu")(layers.Add(name="add")([stem, y]))
    y = layers.GlobalAveragePooling2D(name="mean")(y)
    y = layers.Dense(10, activation="softmax", name="dense")(y)
    return keras.Model(x, y, name="residual"), ("conv2d/d_out", [0, 3, 3, 0])


def transformer():
    """Return one block of a transformer, which reads a digit row by row."""
    x = keras.Input((8, 8))
    embedded = layers.Dense(8, name="embed")(x)
    y = layers.LayerNormalization(name="normalization")(embedded)
    y = layers.Add(name="add")([embedded, layers.MultiHeadAttention(2, 4, name="attention")(y, y)])
    z = layers.Dense(16, activation="gelu", name="wide")(layers.LayerNormalization(name="norm2")(y))
    y = layers.Add(name="add2")([y, layers.Dense(8, name="narrow")(z)])
    y = layers.GlobalAveragePooling1D(name="mean")(y)
    y = layers.Dense(10, activation="softmax", name="dense")(y)
    return keras.Model(x, y, name="transformer"), ("attention/scores", [0, 0, 2, 3])


NETWORKS = (convolution, lstm, residual, transformer)


def main():
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(__file__).parents[1] / "docs" / "explain"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(itertools.product((n.__name__ for n in NETWORKS), SIZES, SCHEMES))
    browser = start()
    with tempfile.TemporaryDirectory() as pages:
        for network in NETWORKS:
            page, cell = page_of(network, Path(pages))
            for name, size, scheme in wanted if arguments.all else DRAWN:
                if name == network.__name__:
                    target = folder / f"{name}-{size}-{scheme}.png"
                    draw(browser, page, cell, SIZES[size], scheme, target)
                    print(target, f"{target.stat().st_size // 1000} kB")
    browser.quit()


def start():
    """Return Chromium without a window and without a network."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)
    options.add_argument("--hide-scrollbars")
    options.binary_location = shutil.which("chromium")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def page_of(network, folder):
    """Train a network on the digits for a moment and write its page; return its address."""
    keras.utils.set_random_seed(1)
    model, cell = network()
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, x_test = (scaled(images, model.input_shape[1:]) for images in (x, x_test))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, verbose=0)
    count = 4 if network is residual else 1  # normalization needs a batch
    path = folder / f"{network.__name__}.html"
    explain(model, x_test[:count], y_test[:count]).save(path)
    return path.as_uri(), cell


def scaled(images, shape):
    """Return images from 0 for paper to 1 for ink, in the shape that a model takes."""
    return (images / np.float32(16)).reshape(-1, *shape)


def draw(browser, address, cell, size, scheme, target):
    """Open a page at a cell and keep what is seen in few colours."""
    width, height = size
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get("about:blank")
    browser.get(address)
    browser.execute_script("page.showArray(...arguments)", *cell)
    if width < 900:
        browser.execute_script("document.getElementById('cell').scrollIntoView()")
    time.sleep(0.4)  # pictures are painted when they come into sight
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
