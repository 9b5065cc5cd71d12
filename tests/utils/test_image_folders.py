"""Images of folders: clear errors, and what Keras can't be compared with."""

import numpy as np
import pytest

import minikeras as keras
from tests.utils.test_folders import load

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40), "cut"])
def test_a_broken_image_is_named(folder, content):
    path = folder / "a" / "3.png"
    path.write_bytes(path.read_bytes()[:50] if content == "cut" else content)
    data = load("image", folder, image_size=(4, 4))
    with pytest.raises(ValueError, match=r"The image .*/a/3\.png can't be read"):
        list(data)


def test_formats_that_no_image_should_have(folder):
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(folder / "a" / "3.png", format="TIFF")
    with pytest.raises(ValueError, match="3.png can't be read"):
        list(load("image", folder))


def test_colours_that_tensorflow_does_not_read(folder):
    """GIF and BMP files in gray and with an alpha channel."""
    for name in ("x.bmp", "x.gif"):
        Image.fromarray(np.full((3, 3, 3), 200, np.uint8)).save(folder / "a" / name)
    for mode, channels in (("grayscale", 1), ("rgba", 4)):
        options = {"class_names": ["a"], "color_mode": mode, "image_size": 3, "shuffle": False}
        (x, _), *_ = load("image", folder, **options)
        assert x.shape == (7, 3, 3, channels)
        np.testing.assert_allclose(np.asarray(x)[-2:, ..., 0], 200)


def test_images_of_one_pixel_between_margins(folder):
    data = load("image", folder, image_size=(50, 2), pad_to_aspect_ratio=True)
    assert next(iter(data))[0].shape == (10, 50, 2, 3)


def test_training(folder):
    keras.utils.set_random_seed(0)
    options = {"image_size": (4, 6), "validation_split": 0.4, "seed": 1, "batch_size": 3}
    train, validation = load("image", folder, subset="both", **options)
    layers = [keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4, 6, 3)), *layers])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(train, validation_data=validation, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert model.predict(validation, verbose=0).shape == (4, 2)
