"""Images under the masks of a segmentation."""

import numpy as np
import pytest

from minikeras import ops, visualization

IMAGES = np.full((1, 1, 4, 3), 100, "uint8")
MASKS = np.array([[[0, 1, 2, -1]]])
COLORS = {0: (0, 0, 0), 1: (200, 0, 0), 2: (0, 200, 0)}


@pytest.mark.parametrize(
    ("options", "reds"),
    [
        ({}, [20, 180, 20, 100]),
        ({"alpha": 0.5}, [50, 150, 50, 100]),
        ({"ignore_index": 0}, [100, 180, 20, 100]),
        ({"num_classes": 2}, [20, 180, 100, 100]),
        ({"color_mapping": {1: (200, 0, 0)}}, [100, 180, 100, 100]),
        ({"blend": False}, [0, 200, 0, 100]),
    ],
)
def test_colors_of_classes(options, reds):
    y = visualization.draw_segmentation_masks(IMAGES, MASKS, **{"color_mapping": COLORS} | options)
    assert y.shape == IMAGES.shape
    assert y.dtype == ("uint8" if options.get("blend", True) else "float32")
    assert y[0, 0, :, 0].tolist() == reds


def test_classes_have_colors_of_their_own():
    y = visualization.draw_segmentation_masks(IMAGES, MASKS, alpha=1)
    assert y[0, 0].tolist() == [[0, 0, 0], [1, 127, 31], [2, 254, 62], [100, 100, 100]]


@pytest.mark.parametrize("masks", [MASKS[..., None], ops.convert_to_tensor(MASKS)])
def test_forms_of_masks(masks):
    expected = visualization.draw_segmentation_masks(IMAGES, MASKS)
    np.testing.assert_array_equal(visualization.draw_segmentation_masks(IMAGES, masks), expected)


def test_channels_first():
    y = visualization.draw_segmentation_masks(
        IMAGES.transpose(0, 3, 1, 2), MASKS[:, None], data_format="channels_first"
    )
    np.testing.assert_array_equal(y, visualization.draw_segmentation_masks(IMAGES, MASKS))


@pytest.mark.parametrize(
    ("images", "masks", "error", "message"),
    [
        (IMAGES[0], MASKS, ValueError, "`images` must have rank 4"),
        (IMAGES, MASKS * 1.0, TypeError, "must be integers. Received: dtype=float64"),
        (IMAGES, MASKS[..., :2], ValueError, r"masks of shape \(1, 1, 2\) for images of shape"),
    ],
)
def test_what_cannot_be_drawn(images, masks, error, message):
    with pytest.raises(error, match=message):
        visualization.draw_segmentation_masks(images, masks)
