"""Pictures are those of Keras, pixel by pixel, where Keras can draw them."""

import keras
import matplotlib
import numpy as np
import pytest
from PIL import Image

import minikeras

matplotlib.use("agg")

pytestmark = pytest.mark.parity

ENGINES = (minikeras, keras)


@pytest.mark.parametrize("trial", range(12))
def test_segmentation_masks(trial):
    rng = np.random.default_rng(trial)
    images = rng.integers(0, 256, (2, 5, 4, 3)).astype(str(rng.choice(["uint8", "float32"])))
    masks = rng.integers(-1, 4, (2, 5, 4, 1)).astype("int32")
    options = {
        "num_classes": int(rng.integers(1, 5)),
        "alpha": float(rng.choice([0.8, 0.3])),
        "ignore_index": int(rng.integers(-1, 2)),
        "blend": bool(rng.integers(0, 2)),
    }
    if trial % 3 == 0:
        options["color_mapping"] = {i: tuple(rng.integers(0, 256, 3).tolist()) for i in range(5)}
    if trial % 4 == 0:
        images, masks = images.transpose(0, 3, 1, 2), masks.transpose(0, 3, 1, 2)
        options["data_format"] = "channels_first"
    ours, theirs = (
        np.asarray(k.visualization.draw_segmentation_masks(images, masks, **options))
        for k in ENGINES
    )
    if not options["blend"]:  # there Keras draws what is to be ignored, too
        if "data_format" in options:
            images, masks = images.transpose(0, 2, 3, 1), masks.transpose(0, 2, 3, 1)
        theirs = np.where(masks == options["ignore_index"], images, theirs)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


def pictures(name, tmp_path, *arguments, **options):
    """The same figure on both sides, as arrays."""
    for k in ENGINES:
        path = tmp_path / f"{k.__name__}.png"
        getattr(k.visualization, name)(*arguments, path=path, **options)
        yield np.asarray(Image.open(path))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rows": 1, "cols": 4, "scale": 1},
        {"value_range": (0, 1), "dpi": 40},
        {"y_true": [0, 1, 1, 7], "y_pred": np.array([1, 1, 0]), "transparent": False},
    ],
)
def test_galleries_of_images(tmp_path, options):
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3)).astype("float32")
    if "value_range" in options:
        images /= 256
    if "y_true" in options:
        options["label_map"] = {0: "cat", 1: "dog"}
    ours, theirs = pictures("plot_image_gallery", tmp_path, images, **options)
    assert np.array_equal(ours, theirs)


def test_galleries_of_masks(tmp_path):
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 256, (2, 6, 6, 3)), rng.integers(0, 3, (2, 6, 6, 1))
    ours, theirs = pictures(
        "plot_segmentation_mask_gallery",
        tmp_path,
        images.astype("float32"),
        3,
        y_true=masks,
        y_pred=masks[::-1],
        ignore_index=0,
    )
    assert np.array_equal(ours, theirs)
