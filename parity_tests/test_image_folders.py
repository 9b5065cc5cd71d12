"""Data sets of images in folders, against Keras: files, orders, values."""

import contextlib
import io

import keras
import numpy as np
import pytest
from PIL import Image

import minikeras
from parity_tests.test_folders import FILES, compare, write_folder

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of images of three classes."""
    return write_folder(tmp_path_factory.mktemp("data"))


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("options", FILES[::3], ids=str)
def test_images(folder, options):
    compare("image_dataset_from_directory", folder, 2, image_size=(9, 11), **options)


METHODS = {
    "bilinear": 0,
    "nearest": 0,
    # Sums of up to 10 x 10 products of float32 numbers up to 255, in another order.
    "bicubic": 2e-4,
    "area": 2e-3,
    "lanczos3": 1e-2,
    "lanczos5": 1e-2,
    "mitchellcubic": 1e-2,
}


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize("size", [(7, 5), (31, 40), 12])
@pytest.mark.parametrize("method", METHODS)
def test_interpolations(folder, method, size):
    options = {"interpolation": method, "shuffle": False, "image_size": size}
    compare("image_dataset_from_directory", folder, 1, METHODS[method], **options)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("size", [(6, 17), (31, 20), (12, 12)])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("how", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_proportions(folder, how, layout, size):
    options = {how: True, "shuffle": False, "image_size": size, "data_format": layout}
    compare("image_dataset_from_directory", folder, 1, **options)


@pytest.mark.parametrize("mode", ["grayscale", "rgba"])
def test_channels(tmp_path, mode):
    """Of PNG files alone, since TensorFlow reads BMP and GIF files as RGB only."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i, kind in enumerate(("L", "LA", "RGB", "RGBA", "P")):
            x = rng.integers(0, 256, (9, 9, 4), dtype=np.uint8)
            Image.fromarray(x).convert("RGB" if kind == "P" else "RGBA").convert(kind).save(
                tmp_path / name / f"{i}.png"
            )
        gray = rng.integers(0, 1 << 16, (9, 9), dtype=np.uint16)
        Image.fromarray(gray).save(tmp_path / name / "16 bits.png")
    options = {"color_mode": mode, "image_size": (9, 9), "shuffle": False}
    compare("image_dataset_from_directory", tmp_path, **options)


def test_photographs(tmp_path):
    """Decoders of JPEG differ by few units, in the transform and in the colours between pixels."""
    x = np.linspace(0, 255, 40 * 50 * 3).reshape(40, 50, 3).astype(np.uint8)
    (tmp_path / "a").mkdir()
    for name, mode in (("a", "RGB"), ("b", "L")):
        Image.fromarray(x).convert(mode).save(tmp_path / "a" / f"{name}.jpg", quality=95)
    for mode in ("rgb", "grayscale"):
        options = {"color_mode": mode, "image_size": (40, 50), "shuffle": False}
        compare("image_dataset_from_directory", tmp_path, 1, 3, **options)


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize(
    "options",
    [
        {"color_mode": "cmyk"},
        {"image_size": (1, 2, 3)},
        {"image_size": "12"},
        {"interpolation": "cubic"},
        {"format": "torch"},
        {"data_format": "channels"},
        {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
    ],
    ids=str,
)
def test_wrong_arguments_of_images(folder, options):
    for engine in (minikeras, keras):
        with contextlib.redirect_stdout(io.StringIO()), pytest.raises(ValueError, match="."):
            engine.utils.image_dataset_from_directory(folder, **options)


def test_training(folder):
    """`fit` on a folder sees the same batches in the same epochs, so the losses are the same."""
    losses = []
    for engine in (minikeras, keras):
        engine.utils.set_random_seed(1)
        with contextlib.redirect_stdout(io.StringIO()):
            train, validation = engine.utils.image_dataset_from_directory(
                folder, image_size=(6, 6), batch_size=4, seed=3, validation_split=0.3, subset="both"
            )
        model = engine.Sequential(
            [
                engine.Input((6, 6, 3)),
                engine.layers.Flatten(),
                engine.layers.Dense(3, kernel_initializer="zeros"),
            ]
        )
        loss = engine.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(engine.optimizers.SGD(1e-8), loss)
        history = model.fit(train, validation_data=validation, epochs=3, verbose=0, shuffle=False)
        losses.append([*history.history["loss"], *history.history["val_loss"]])
    np.testing.assert_allclose(*losses, rtol=1e-5)
