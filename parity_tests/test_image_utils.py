"""Images from files and arrays, and back, as in Keras."""

import io
import random

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from minikeras.utils import image as ours

pytestmark = pytest.mark.parity

TRIALS = pytest.mark.parametrize("trial", range(40))
FORMATS = ("channels_last", "channels_first")


def arrays(trial):
    """Values in many ranges, in each of the numbers of channels that images have, and others."""
    rng = np.random.default_rng(trial)
    shape = [*rng.integers(1, 9, 2), rng.choice([1, 1, 3, 4, 2])]
    low, high = [(0, 255), (0, 1), (-1, 1), (0, 70_000), (7, 7)][trial % 5]
    x = rng.uniform(low, high, shape) if trial % 2 else rng.integers(low, high + 1, shape)
    return x.astype(str(rng.choice(["float32", "float64", "int32"])))


def result(function):
    """What a function returns, or the kind of its error."""
    try:
        return function()
    except Exception as error:
        return type(error)


def same(ours, theirs):
    if isinstance(theirs, type):
        assert ours is theirs
        return
    assert getattr(ours, "mode", None) == getattr(theirs, "mode", None)
    a, b = np.asarray(ours), np.asarray(theirs)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert np.array_equal(a, b)


@TRIALS
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_arrays_and_images(trial):
    x, rng = arrays(trial), random.Random(trial)
    data_format, scale = rng.choice(FORMATS), rng.random() < 0.6 or x.min() < 0
    dtype = rng.choice([None, "float64"])
    if data_format == "channels_first":
        x = np.moveaxis(x, 2, 0)
    images = [
        result(lambda u=u: u.array_to_img(x, data_format, scale, dtype))
        for u in (ours, keras.utils)
    ]
    same(*images)
    if not isinstance(images[1], type):
        same(*(u.img_to_array(images[1], data_format, dtype) for u in (ours, keras.utils)))


@TRIALS
def test_files(trial, tmp_path):
    rng = random.Random(trial)
    x = np.random.default_rng(trial).integers(0, 256, (rng.randint(1, 9), rng.randint(1, 9), 3))
    x = np.concatenate([x, x], 2)[:, :, : rng.choice([1, 3, 4])]
    kind = rng.choice(["png", "bmp", "ppm"]) if x.shape[2] < 4 else "png"
    files = [io.BytesIO(), io.BytesIO()]
    for utils, file in zip((ours, keras.utils), files, strict=True):
        utils.save_img(file, x, file_format=kind, scale=trial % 2)
    assert files[0].getvalue() == files[1].getvalue()
    options = {
        "color_mode": rng.choice(["rgb", "rgba", "grayscale"]),
        "target_size": rng.choice([None, (rng.randint(1, 9), rng.randint(1, 9))]),
        "interpolation": rng.choice(ours.INTERPOLATIONS),
        "keep_aspect_ratio": rng.random() < 0.5,
    }
    (tmp_path / "image").write_bytes(files[0].getvalue())
    same(*(result(lambda u=u: u.load_img(tmp_path / "image", **options)) for u in ENGINES))


ENGINES = (ours, keras.utils)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I", "I;16", "RGB", "RGBA", "CMYK", "F"])
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_modes_of_pillow(mode, color_mode):
    image = ours.pillow().new(
        mode, (3, 2), 1 if mode not in ("RGB", "RGBA", "CMYK", "LA") else None
    )
    file = io.BytesIO()
    image.save(file, "tiff")
    same(*(result(lambda u=u: u.load_img(file, color_mode)) for u in ENGINES))


def test_settings_count():
    for k in (minikeras, keras):
        k.config.set_floatx("float64")
        k.config.set_image_data_format("channels_first")
    x = np.arange(12.0).reshape(3, 2, 2)
    images = [u.array_to_img(x) for u in ENGINES]
    same(*images)
    same(*(u.img_to_array(images[0]) for u in ENGINES))


@pytest.mark.parametrize("trial", range(16))
def test_smart_resize(trial):
    rng = np.random.default_rng(trial)
    x = rng.integers(0, 256, rng.integers(1, 12, 3 + trial % 2))
    x = x.astype(str(rng.choice(["float32", "uint8", "float64"])))
    size = tuple(rng.integers(1, 12, 2).tolist())
    options = {
        "interpolation": str(rng.choice(["bilinear", "nearest", "bicubic", "lanczos3"])),
        "data_format": "channels_last",
    }
    ours, theirs = (
        k.preprocessing.image.smart_resize(x, size, **options) for k in (minikeras, keras)
    )
    assert isinstance(ours, np.ndarray)
    if x.dtype == "float64":  # which Keras computes in float32
        assert ours.dtype == x.dtype
        ours = ours.astype(theirs.dtype)
    assert_close(ours, theirs, scale=255)
