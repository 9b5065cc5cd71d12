"""Images side by side in one figure."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from minikeras import config, ops, visualization
from tests.visualization.figures import pixels_of

# Five images: red, green, blue, white, black.
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]])
IMAGES = np.tile(COLORS[:, None, None], (1, 8, 8, 1)).astype("uint8")


@pytest.mark.parametrize(
    ("options", "shape"),
    [({}, (3, 2)), ({"rows": 1}, (1, 5)), ({"cols": 3}, (3, 3)), ({"rows": 2, "cols": 2}, (2, 2))],
)
def test_the_grid(figure, options, shape):
    visualization.plot_image_gallery(IMAGES, show=False, **options)
    (plotted,) = figure()
    axes = plotted.axes
    assert axes[0].get_gridspec().get_geometry() == shape
    count = min(len(axes), len(IMAGES))
    assert [pixels_of(axis) for axis in axes] == [
        *COLORS[:count].tolist(),
        *[None] * (len(axes) - count),
    ]


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (IMAGES / 255, {"value_range": (0, 1)}),
        (IMAGES / 127.5 - 1, {"value_range": (-1, 1)}),
        (IMAGES.transpose(0, 3, 1, 2), {"data_format": "channels_first"}),
        (ops.convert_to_tensor(IMAGES), {}),
    ],
)
def test_the_same_images_in_other_forms(figure, images, options):
    visualization.plot_image_gallery(images, show=False, **options)
    assert [pixels_of(axis) for axis in figure()[0].axes[:5]] == COLORS.tolist()


def test_the_layout_of_the_settings(figure):
    config.set_image_data_format("channels_first")
    visualization.plot_image_gallery(IMAGES.transpose(0, 3, 1, 2), show=False)
    assert pixels_of(figure()[0].axes[2]) == COLORS[2].tolist()


def test_titles(figure):
    visualization.plot_image_gallery(
        IMAGES,
        y_true=[0, 1],
        y_pred=np.array([1, 5, 0]),
        label_map={0: "cat", 1: "dog"},
        show=False,
    )
    assert [axis.get_title() for axis in figure()[0].axes[:4]] == [
        "Label: cat  Pred: dog",
        "Label: dog  Pred: Unknown",
        "Pred: cat",
        "",
    ]


def test_shown_in_a_window(figure):
    visualization.plot_image_gallery(IMAGES)
    assert figure()[0] == "shown"


def test_written_to_a_file(tmp_path):
    before = pyplot.get_fignums()
    visualization.plot_image_gallery(IMAGES, path=tmp_path / "gallery.png", dpi=50, scale=1)
    with Image.open(tmp_path / "gallery.png") as image:
        assert image.mode == "RGBA"
        colors = {color[:3] for _, color in image.getcolors(10**6) if color[3] == 255}
    assert {tuple(color) for color in COLORS.tolist()} <= colors
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (IMAGES[0], {}, r"`images` must have rank 4. Received: images of shape \(8, 8, 3\)"),
        (IMAGES, {"y_true": [0]}, "`label_map` must say"),
        (IMAGES, {"path": "a.png", "show": True}, "either `path` or `show=True`"),
    ],
)
def test_what_cannot_be_plotted(images, options, message):
    with pytest.raises(ValueError, match=message):
        visualization.plot_image_gallery(images, **options)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="package `matplotlib`. Install the extra `plot`"):
        visualization.plot_image_gallery(IMAGES)


def test_masks_beside_their_images(figure):
    masks = np.zeros((5, 8, 8), "uint8")
    masks[:, :2] = 1
    colors = {1: (10, 20, 30)}
    visualization.plot_segmentation_mask_gallery(
        IMAGES / 255,
        2,
        value_range=(0, 1),
        y_true=masks,
        y_pred=masks[..., None] * 0,
        color_mapping=colors,
        alpha=1,
        show=False,
    )
    axes = figure()[0].axes
    assert axes[0].get_gridspec().get_geometry() == (5, 3)
    for i, color in enumerate(COLORS.tolist()):
        assert [pixels_of(axis) for axis in axes[3 * i : 3 * i + 3]] == [color, [10, 20, 30], color]
