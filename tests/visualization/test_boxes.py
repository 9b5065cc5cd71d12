"""Images with bounding boxes."""

import sys

import numpy as np
import pytest

from minikeras import config, ops, visualization
from tests.visualization.figures import pixels_of

BLACK = np.zeros((1, 40, 50, 3), "uint8")
RED = (200, 10, 20)


def boxes_of(*boxes, **others):
    boxes = np.array([boxes], "float32")
    return {"boxes": boxes, "labels": np.zeros(boxes.shape[:2], "int32")} | others


def frame(x1, y1, x2, y2, width=1):
    """A mask of the pixels on the edge of a box."""
    mask = np.zeros(BLACK.shape[1:3], bool)
    out, inside = width // 2, (width - 1) // 2
    mask[y1 - out : y2 + out + 1, x1 - out : x2 + out + 1] = True
    mask[y1 + inside + 1 : y2 - inside, x1 + inside + 1 : x2 - inside] = False
    return mask


def drawn(images=BLACK, boxes=None, name="xyxy", **options):
    boxes = boxes_of([10, 5, 30, 25]) if boxes is None else boxes
    options = {"color": RED, "line_thickness": 1} | options
    return visualization.draw_bounding_boxes(images, boxes, name, **options)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_the_edge_is_in_the_middle_of_the_line(width):
    y = drawn(line_thickness=width)
    assert y.dtype == "uint8"
    np.testing.assert_array_equal(y[0], np.where(frame(10, 5, 30, 25, width)[..., None], RED, 0))


def test_filled_boxes():
    y = drawn(line_thickness=-1)
    assert (y[0, 5:26, 10:31] == RED).all()
    assert (y[..., 0] > 0).sum() == 21 * 21


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("yxyx", [5, 10, 25, 30]),
        ("xywh", [10, 5, 20, 20]),
        ("center_xywh", [20, 15, 20, 20]),
        ("rel_xyxy", [0.2, 0.125, 0.6, 0.625]),
    ],
)
def test_formats(name, box):
    np.testing.assert_array_equal(drawn(boxes=boxes_of(box), name=name), drawn())


def test_boxes_that_are_none():
    boxes = boxes_of([10, 5, 30, 25], [0, 0, 9, 9], labels=np.array([[0, -1]]))
    np.testing.assert_array_equal(drawn(boxes=boxes), drawn())


def test_each_image_has_boxes_of_its_own():
    images = np.concatenate([BLACK, BLACK])
    boxes = {"boxes": [[[10, 5, 30, 25]], [[1, 2, 3, 4]]], "labels": [[0], [1]]}
    y = drawn(images, boxes)
    np.testing.assert_array_equal(y[0], drawn()[0])
    np.testing.assert_array_equal(y[1, :, :, 0] > 0, frame(1, 2, 3, 4))


@pytest.mark.parametrize(
    ("images", "value"),
    [
        (np.full(BLACK.shape, 0.5), 127),
        (np.full(BLACK.shape, 60.7), 60),
        (np.full(BLACK.shape, 300.0), 255),
        (np.full(BLACK.shape, -2.0), 0),
        (np.full(BLACK.shape, 60), 60),
        (ops.full(BLACK.shape, 60), 60),
    ],
)
def test_values_of_images(images, value):
    assert drawn(images)[0, 0, 0, 0] == value


@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels(channels):
    y = drawn(np.zeros((1, 40, 50, channels)))
    assert y.shape == (1, 40, 50, channels)
    assert y[0, 5, 10].tolist() == [200, 10, 20, 255][:channels]


def test_channels_first():
    expected = drawn().transpose(0, 3, 1, 2)
    x = BLACK.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(drawn(x, data_format="channels_first"), expected)
    config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(drawn(x), expected)


LARGE = np.zeros((1, 80, 200, 3), "uint8")


@pytest.mark.parametrize(("top", "rows"), [(50, slice(0, 46)), (5, slice(7, 60))])
def test_names_are_above_or_inside(top, rows):
    """The letters are above the box, or inside of it where the image ends above."""
    box = boxes_of([10, top, 190, 75])
    letters = drawn(LARGE, box, class_mapping={0: "cat"}) != drawn(LARGE, box)
    where = np.flatnonzero(letters.any(axis=(0, 2, 3)))
    assert len(where) > 8
    assert rows.start <= where[0] < where[-1] < rows.stop


def test_what_is_written():
    box = boxes_of([10, 50, 190, 75])
    sure = box | {"confidences": np.array([[0.876]])}
    widths = []
    for boxes, options in [
        (box, {}),
        (box, {"class_mapping": {1: "dog"}}),
        (box, {"class_mapping": {0: "cat"}}),
        (box, {"class_mapping": {0: "cat"}, "text_thickness": 3}),
        (box, {"class_mapping": {0: "cat"}, "font_scale": 1.5}),
        (sure, {"class_mapping": {0: "cat"}}),
    ]:
        letters = drawn(LARGE, boxes, **options) != drawn(LARGE, box)
        widths.append(len(np.flatnonzero(letters.any(axis=(0, 1, 3)))))
    assert widths[:2] == [0, 0]
    assert 0 < widths[2] < widths[3] < widths[4] < widths[5]
    thick = drawn(LARGE, box, class_mapping={0: "cat"}, line_thickness=3, text_thickness=None)
    assert (thick > 0).sum() > (drawn(LARGE, box, line_thickness=3) > 0).sum()


@pytest.mark.parametrize(
    ("images", "boxes", "error", "message"),
    [
        (BLACK[0], boxes_of([1, 2, 3, 4]), ValueError, "`images` must have rank 4"),
        (BLACK, [[1, 2, 3, 4]], TypeError, "must be a dict.*of type list"),
        (BLACK, {"boxes": []}, ValueError, r"keys 'boxes' and 'labels'. Received: \['boxes'\]"),
    ],
)
def test_what_cannot_be_drawn(images, boxes, error, message):
    with pytest.raises(error, match=message):
        drawn(images, boxes)


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="package `pillow`. Install the extra `data`"):
        drawn()


def test_a_gallery(figure):
    visualization.plot_bounding_box_gallery(
        BLACK / 255 + 1,
        "xyxy",
        y_true=boxes_of([10, 5, 30, 25]),
        y_pred=boxes_of([12, 8, 33, 30]),
        value_range=(0, 1),
        true_color=RED,
        pred_color=(0, 250, 0),
        line_thickness=1,
        legend=True,
        show=False,
    )
    (plotted,) = figure()
    image = plotted.axes[0].images[0].get_array()
    assert image[5, 10].tolist() == [*RED]
    assert image[8, 12].tolist() == [0, 250, 0]
    assert pixels_of(plotted.axes[0]) == [255, 255, 255]
    (legend,) = plotted.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Ground Truth", "Prediction"]
    colors = [patch.get_facecolor() for patch in legend.get_patches()]
    np.testing.assert_allclose(colors[0][:3], np.array(RED) / 255)


def test_a_gallery_without_boxes(figure):
    x = np.full((1, 3, 4, 4), 7)
    visualization.plot_bounding_box_gallery(x, "xyxy", data_format="channels_first", show=False)
    assert pixels_of(figure()[0].axes[0]) == [7, 7, 7]
    with pytest.raises(ValueError, match="either `legend` or `legend_handles`"):
        visualization.plot_bounding_box_gallery(x, "xyxy", legend=True, legend_handles=[1])
