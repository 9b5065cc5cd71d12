"""Images in files and as arrays."""

import io
import os
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

from minikeras import Tensor, config, ops, utils
from minikeras.preprocessing.image import smart_resize

GRAY, COLOUR = np.arange(12.0).reshape(3, 4, 1), np.arange(36.0).reshape(3, 4, 3)


@pytest.fixture
def path(tmp_path):
    """A colour image of 3 rows and 4 columns in a file."""
    path = tmp_path / "colour.png"
    utils.save_img(path, COLOUR, scale=False)
    return path


@pytest.mark.parametrize(
    "form", [str, os.fsencode, pathlib.Path, lambda p: io.BytesIO(p.read_bytes())]
)
def test_every_form_of_a_path(path, form):
    image = utils.load_img(form(path))
    assert np.array_equal(utils.img_to_array(image), COLOUR)


def test_what_is_no_path(path):
    with pytest.raises(TypeError, match="`path` must be a str.*Received: path=3 of type int"):
        utils.load_img(3)


@pytest.mark.parametrize(("color_mode", "channels"), [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_color_modes(path, color_mode, channels):
    x = utils.img_to_array(utils.load_img(path, color_mode=color_mode))
    assert x.shape == (3, 4, channels)


@pytest.mark.parametrize(("mode", "largest"), [("L", 255), ("I;16", 65535), ("I", 2**31 - 1)])
def test_gray_images_keep_their_bits(tmp_path, mode, largest):
    values = np.array([[0, largest]], {"L": "uint8", "I;16": "uint16", "I": "int32"}[mode])
    Image.fromarray(values).save(tmp_path / "gray.tiff")
    image = utils.load_img(tmp_path / "gray.tiff", color_mode="grayscale")
    assert np.array_equal(utils.img_to_array(image, dtype="int64")[:, :, 0], values)


@pytest.mark.parametrize("options", [{"color_mode": "hsv"}, {"interpolation": "cubic"}])
def test_unknown_options_of_load_img(path, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` must be one of .* Received: {name}="):
        utils.load_img(path, **options)


@pytest.mark.parametrize(
    ("target_size", "rows", "columns"),
    [((3, 3), slice(0, 3), slice(0, 3)), ((1, 4), slice(1, 2), slice(0, 4))],
)
def test_a_central_part_keeps_its_proportions(path, target_size, rows, columns):
    image = utils.load_img(path, target_size=target_size, keep_aspect_ratio=True)
    assert np.array_equal(utils.img_to_array(image), COLOUR[rows, columns])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_layouts(data_format):
    x = COLOUR if data_format == "channels_last" else COLOUR.transpose(2, 0, 1)
    image = utils.array_to_img(x, data_format=data_format, scale=False)
    assert image.size == (4, 3)
    back = utils.img_to_array(image, data_format=data_format)
    assert back.dtype == config.floatx()
    assert np.array_equal(back, x)


@pytest.mark.parametrize(
    ("x", "mode"),
    [(GRAY, "L"), (GRAY + 250, "I"), (COLOUR, "RGB"), (COLOUR.reshape(3, 3, 4), "RGBA")],
)
def test_modes_of_arrays(x, mode):
    assert utils.array_to_img(x, scale=False).mode == mode


def test_scaled_values_reach_from_0_to_255():
    x = utils.img_to_array(utils.array_to_img(GRAY - 5))
    assert (x.min(), x.max()) == (0, 255)
    constant = utils.img_to_array(utils.array_to_img(np.full((2, 2, 1), 7.0)))
    assert np.array_equal(constant, np.zeros((2, 2, 1)))


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.zeros((2, 2)), r"rank 3.*shape \(2, 2\)"), (np.zeros((2, 2, 2)), "1, 3 or 4 channels")],
)
def test_what_is_no_image(x, message):
    with pytest.raises(ValueError, match=message):
        utils.array_to_img(x)


def test_an_array_that_is_no_image():
    with pytest.raises(ValueError, match=r"rank 2 or 3.*shape \(4,\)"):
        utils.img_to_array(np.zeros(4))


@pytest.mark.parametrize("extension", ["png", "jpg", "JPG", "jpeg", "bmp", "ppm", "tif", "tiff"])
def test_the_extension_says_the_format(tmp_path, extension):
    utils.save_img(tmp_path / f"image.{extension}", COLOUR)
    with Image.open(tmp_path / f"image.{extension}") as image:
        assert image.format == Image.registered_extensions()[f".{extension.lower()}"]


@pytest.mark.parametrize("file_format", ["jpg", "jpeg", "JPEG"])
def test_jpeg_has_no_alpha_channel(file_format):
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="no alpha channel"):
        utils.save_img(file, COLOUR.reshape(3, 3, 4), file_format=file_format)
    assert utils.load_img(file).size == (3, 3)


def test_options_of_the_format():
    sizes = []
    for quality in (10, 95):
        file = io.BytesIO()
        utils.save_img(file, np.random.random((32, 32, 3)), file_format="jpeg", quality=quality)
        sizes.append(len(file.getvalue()))
    assert sizes[0] < sizes[1]


def test_a_file_object_needs_a_format():
    with pytest.raises(ValueError, match="unknown file extension"):
        utils.save_img(io.BytesIO(), COLOUR)


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="package `pillow`. Install the extra `data`"):
        utils.array_to_img(GRAY)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_smart_resize_takes_the_middle(data_format):
    x = np.arange(8, dtype="uint8").reshape(2, 4)[:, :, None]
    x = x if data_format == "channels_last" else x.transpose(2, 0, 1)
    y = smart_resize(x, (2, 2), data_format=data_format)
    assert (type(y), y.dtype, y.ravel().tolist()) == (np.ndarray, "float32", [1, 2, 5, 6])
    batch = ops.convert_to_tensor(np.stack([x, x]))
    y = smart_resize(batch, (4, 2), "nearest", data_format)
    assert isinstance(y, Tensor)
    assert (y.dtype, y.shape[0]) == ("uint8", 2)


def test_smart_resize_of_what_is_no_image():
    with pytest.raises(ValueError, match="rank|shape"):
        smart_resize(np.zeros((2, 2)), (1, 1))
