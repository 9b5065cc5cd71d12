"""Images changed at random: what each change does."""

import sys

import numpy as np
import pytest

from minikeras import preprocessing
from minikeras.preprocessing import image
from minikeras.preprocessing.image import ImageDataGenerator, apply_affine_transform

LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
SQUARE = np.random.default_rng(0).random((5, 5, 2)).astype("float32")


def test_the_names_of_keras():
    assert preprocessing.image.ImageDataGenerator is ImageDataGenerator


def test_a_right_angle():
    turned = apply_affine_transform(SQUARE, theta=90, **LAST)
    np.testing.assert_allclose(turned, np.rot90(SQUARE), atol=1e-6)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)])
def test_shifts_of_whole_pixels(axes):
    place = dict(zip(("row_axis", "col_axis", "channel_axis"), axes, strict=True))
    x = np.moveaxis(SQUARE, 2, axes[2])
    y = apply_affine_transform(x, tx=1, ty=-2, fill_mode="wrap", order=0, **place)
    expected = np.zeros_like(SQUARE)
    expected[2:, :4] = SQUARE[:3, 1:]
    np.testing.assert_array_equal(np.moveaxis(y, axes[2], 2)[2:, :4], expected[2:, :4])


def test_zoom_takes_every_other_pixel():
    y = apply_affine_transform(SQUARE, zx=2, zy=2, fill_mode="constant", cval=7.0, **LAST)
    np.testing.assert_array_equal(y[1:4, 1:4], SQUARE[::2, ::2])
    assert (y[0] == 7).all()


def test_shear_moves_rows_apart():
    y = apply_affine_transform(
        np.eye(5)[:, :, None], shear=45, order=1, fill_mode="constant", **LAST
    )
    assert y.shape == (5, 5, 1)
    assert y[2, 2] == 1
    assert not np.array_equal(y[:, :, 0], np.eye(5))


def test_nothing_to_do():
    assert apply_affine_transform(SQUARE, **LAST) is SQUARE


@pytest.mark.parametrize(
    ("x", "axes", "message"),
    [
        (
            SQUARE,
            {"row_axis": 0, "col_axis": 0},
            "axes must be 0, 1 and 2, each once.*col_axis=0",
        ),
        (
            SQUARE,
            {"row_axis": 0, "col_axis": 2, "channel_axis": 1},
            "`channel_axis` must be 0 or 2",
        ),
        (SQUARE[0], {}, r"rank 3: it is one image. Received: x of shape \(5, 2\)"),
    ],
)
def test_what_is_no_image(x, axes, message):
    with pytest.raises(ValueError, match=message):
        apply_affine_transform(x, theta=1, **axes)


@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        (image.random_rotation, (30,)),
        (image.random_shift, (0.3, 0.3)),
        (image.random_shear, (30,)),
        (image.random_zoom, ((0.5, 1.5),)),
    ],
)
def test_random_changes_follow_from_the_seed(change, amounts):
    results = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        results.append(change(SQUARE, *amounts, 0, 1, 2, "constant", 0.5, 1))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert results[0].dtype == SQUARE.dtype


def test_channel_shifts_stay_in_range():
    y = image.apply_channel_shift(SQUARE, 0.5, channel_axis=2)
    np.testing.assert_array_equal(y, np.minimum(SQUARE + np.float32(0.5), SQUARE.max()))
    np.random.seed(0)
    assert image.random_channel_shift(SQUARE, 0.1, channel_axis=2).shape == SQUARE.shape


@pytest.mark.parametrize("scale", [True, False])
def test_brightness(scale):
    x = np.array([[[0.0], [100.0]], [[40.0], [200.0]]])
    y = image.apply_brightness_shift(x, 0.5, scale=scale)
    assert y.max() == (127 if scale else 100)
    np.random.seed(0)
    assert image.random_brightness(x, (1, 1), scale=scale).max() == (255 if scale else 200)


def test_brightness_of_values_that_are_no_bytes():
    x = np.linspace(-1, 1, 12).reshape(2, 2, 3)
    np.testing.assert_allclose(image.apply_brightness_shift(x, 1.0, scale=False), x, atol=2 / 255)


@pytest.mark.parametrize(
    ("change", "name"),
    [(image.random_zoom, "zoom_range"), (image.random_brightness, "brightness_range")],
)
def test_ranges_have_two_ends(change, name):
    with pytest.raises(ValueError, match=f"`{name}` must be two floats"):
        change(SQUARE, (1, 2, 3))


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match="package `scipy`. Install the extra `data`"):
        apply_affine_transform(SQUARE, theta=1, **LAST)


@pytest.mark.parametrize(
    ("options", "name", "allowed"),
    [
        ({"height_shift_range": 3}, "tx", range(-2, 3)),
        ({"height_shift_range": [1, 4]}, "tx", (-4, -1, 1, 4)),
        ({"width_shift_range": np.array([0.2])}, "ty", (-2.0, 2.0)),
        ({"width_shift_range": []}, "ty", (0,)),
        ({"zoom_range": (1, 1)}, "zx", (1,)),
        ({"horizontal_flip": True}, "flip_horizontal", (True, False)),
        ({}, "flip_horizontal", (False,)),
        ({}, "brightness", (None,)),
        ({}, "channel_shift_intensity", (None,)),
    ],
)
def test_what_is_drawn_from_few(options, name, allowed):
    generator = ImageDataGenerator(**options)
    drawn = {generator.get_random_transform((6, 10, 3), seed)[name] for seed in range(60)}
    assert drawn == {*allowed}


@pytest.mark.parametrize(
    ("options", "name", "low", "high"),
    [
        ({"rotation_range": 9}, "theta", -9, 9),
        ({"shear_range": 9}, "shear", -9, 9),
        ({"height_shift_range": 0.5}, "tx", -3, 3),
        ({"width_shift_range": 2.0}, "ty", -2, 2),
        ({"zoom_range": 0.2}, "zx", 0.8, 1.2),
        ({"zoom_range": [2, 3]}, "zy", 2, 3),
        ({"brightness_range": (2, 3)}, "brightness", 2, 3),
        ({"channel_shift_range": 4.0}, "channel_shift_intensity", -4, 4),
    ],
)
def test_what_is_drawn_from_an_interval(options, name, low, high):
    generator = ImageDataGenerator(**options)
    drawn = [generator.get_random_transform((6, 10, 3), seed)[name] for seed in range(60)]
    width = high - low
    assert low <= min(drawn) < low + width / 4
    assert high - width / 4 < max(drawn) <= high


def test_flips():
    generator = ImageDataGenerator()
    flipped = generator.apply_transform(SQUARE, {"flip_horizontal": True, "flip_vertical": True})
    np.testing.assert_array_equal(flipped, SQUARE[::-1, ::-1])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_layouts_of_a_generator(data_format):
    """Each change does the same in both layouts, brightness included."""
    generator = ImageDataGenerator(
        rotation_range=20,
        horizontal_flip=True,
        channel_shift_range=0.3,
        brightness_range=(0.5, 1.5),
        data_format=data_format,
    )
    x = np.random.default_rng(0).random((5, 5, 3)).astype("float32") * 255
    expected = ImageDataGenerator(
        rotation_range=20,
        horizontal_flip=True,
        channel_shift_range=0.3,
        brightness_range=(0.5, 1.5),
    ).random_transform(x, seed=1)
    axis = 2 if data_format == "channels_last" else 0
    y = generator.random_transform(np.moveaxis(x, 2, axis), seed=1)
    np.testing.assert_array_equal(np.moveaxis(y, axis, 2), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_format": "channels"}, "`data_format` must be one of"),
        ({"validation_split": 1.5}, "`validation_split` must be between 0 and 1"),
        ({"zoom_range": (1, 2, 3)}, "`zoom_range` must be a float or two"),
        ({"brightness_range": 0.5}, "`brightness_range` must be a tuple or list of two floats"),
    ],
)
def test_impossible_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(**options)


@pytest.mark.parametrize(
    ("setting", "implied"),
    [
        ("featurewise_std_normalization", "featurewise_center"),
        ("samplewise_std_normalization", "samplewise_center"),
        ("zca_whitening", "featurewise_center"),
    ],
)
def test_settings_that_imply_others(setting, implied):
    with pytest.warns(UserWarning, match=f"`{setting}` implies `{implied}=True`"):
        assert getattr(ImageDataGenerator(**{setting: True}), implied)


def test_whitening_replaces_scaling():
    with pytest.warns(UserWarning, match="implies `featurewise_std_normalization=False`"):
        generator = ImageDataGenerator(
            featurewise_center=True, featurewise_std_normalization=True, zca_whitening=True
        )
    assert not generator.featurewise_std_normalization


IMAGES = np.random.default_rng(1).random((40, 3, 4, 3)).astype("float32") * 255


def test_normalization_by_channel():
    generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    generator.fit(IMAGES)
    assert generator.mean.shape == generator.std.shape == (1, 1, 3)
    x = generator.standardize(IMAGES.copy())
    np.testing.assert_allclose(x.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_normalization_by_image():
    generator = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True)
    x = generator.standardize(IMAGES[0].copy())
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=1e-5)


def test_whitened_pixels_are_uncorrelated():
    images = IMAGES[:, :2, :2, :1].astype("float64")
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True, dtype="float64")
    generator.fit(images)
    x = generator.standardize(images.copy()).reshape(len(images), -1)
    np.testing.assert_allclose(x.T @ x / len(images), np.eye(4), atol=1e-5)


def test_statistics_of_changed_images():
    generator = ImageDataGenerator(featurewise_center=True, rotation_range=90, rescale=1 / 255)
    generator.fit(IMAGES, augment=True, rounds=2, seed=0)
    changed = generator.mean
    generator.fit(IMAGES, seed=0)
    assert not np.array_equal(changed, generator.mean)
    np.testing.assert_allclose(generator.mean[0, 0], IMAGES.mean(axis=(0, 1, 2)) / 255, rtol=1e-5)


def test_standardize_works_in_place():
    x = IMAGES[:2].copy()
    assert ImageDataGenerator(rescale=0.5).standardize(x) is x
    np.testing.assert_array_equal(x, IMAGES[:2] / 2)


@pytest.mark.parametrize(
    "options",
    [
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True},
        {"featurewise_center": True, "zca_whitening": True},
    ],
)
def test_statistics_that_are_not_known(options):
    generator = ImageDataGenerator(**options)
    with pytest.warns(UserWarning, match="does nothing yet: call `fit`") as warned:
        x = generator.standardize(IMAGES[0].copy())
    assert len(warned) == len(options)
    np.testing.assert_array_equal(x, IMAGES[0])


def test_images_to_fit():
    with pytest.raises(ValueError, match=r"rank 4. Received: x of shape \(3, 4, 3\)"):
        ImageDataGenerator().fit(IMAGES[0])
    with pytest.warns(UserWarning, match="1, 3 or 4 channels on axis 3. Received: 2 channels"):
        ImageDataGenerator().fit(IMAGES[..., :2])
