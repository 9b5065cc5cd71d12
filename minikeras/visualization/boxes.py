"""Images with bounding boxes, drawn by Pillow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikeras.core import settings
from minikeras.core.docstrings import described
from minikeras.ops.core.tensors import convert_to_numpy
from minikeras.utils.bounding_boxes import convert_format
from minikeras.utils.image import array_to_img, img_to_array, pillow
from minikeras.visualization.gallery import ARGUMENTS, plot_image_gallery, pyplot
from minikeras.visualization.images import as_bytes, as_channels_last

_FONT_SIZE = 28  # pixels at `font_scale=1`: capitals of about 20 pixels


def draw_bounding_boxes(
    images,
    bounding_boxes,
    bounding_box_format,
    class_mapping=None,
    color=(128, 128, 128),
    line_thickness=2,
    text_thickness=1,
    font_scale=1.0,
    data_format=None,
):
    """Draw bounding boxes on images, with the names of their classes.

    Args:
        images: tensor or array `(batch, height, width, channels)`. Values are from 0 to 255; floats
            of which none is above 1 are from 0 to 1.
        bounding_boxes: dict of `"boxes"`, a tensor or array `(batch, boxes, 4)`; `"labels"`, ints
            `(batch, boxes)`, where -1 stands for no box; and perhaps `"confidences"`, floats
            `(batch, boxes)`.
        bounding_box_format: str, what the four numbers of a box are, such as `"xyxy"`: see
            `keras.utils.bounding_boxes.convert_format`.
        class_mapping: dict from a label to the text that is written at the box.
        color: tuple of three ints from 0 to 255, the color of lines and letters.
        line_thickness: int, the thickness of lines in pixels; a box is filled if it is negative.
        text_thickness: int, the thickness of letters; `line_thickness` if it is None.
        font_scale: float, the size of letters: capitals have about 20 pixels at 1.
        data_format: str, `"channels_last"` or `"channels_first"`: the order of the axes of images;
            `keras.config.image_data_format()` by default.

    Returns:
        A uint8 array of the shape of `images`.

    Raises:
        ImportError: if Pillow is missing.
        TypeError: if `bounding_boxes` is no dict.
        ValueError: if `images` has not rank 4, or there are no boxes or no labels.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> boxes = {"boxes": np.array([[[1, 1, 3, 3]]]), "labels": np.array([[0]])}
        >>> y = keras.visualization.draw_bounding_boxes(
        ...     np.zeros((1, 5, 5, 3)), boxes, "xyxy", color=(9, 9, 9), line_thickness=1)
        >>> y[0, :, :, 0].tolist()
        [[0, 0, 0, 0, 0], [0, 9, 9, 9, 0], [0, 9, 0, 9, 0], [0, 9, 9, 9, 0], [0, 0, 0, 0, 0]]
    """
    x = _as_bytes(as_channels_last(images, data_format))
    boxes = _boxes_of(bounding_boxes, bounding_box_format, x.shape)
    pen = _Pen(
        tuple(color),
        line_thickness,
        text_thickness or line_thickness,
        font_scale,
        class_mapping or {},
    )
    y = np.empty_like(x)
    for i, image in enumerate(x):
        y[i] = pen.draw(image, boxes[i])
    is_first = settings.standardize_data_format(data_format) == "channels_first"
    return y.transpose(0, 3, 1, 2) if is_first else y


def _as_bytes(images):
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1 else np.clip(images, 0, 255)
    return images.astype("uint8")


def _boxes_of(bounding_boxes, bounding_box_format, shape):
    """The boxes of each image: a list of `(corners, label, confidence)`."""
    if not isinstance(bounding_boxes, dict):
        raise TypeError(
            "`bounding_boxes` must be a dict with the keys 'boxes' and 'labels'. "
            f"Received: {bounding_boxes!r} of type {type(bounding_boxes).__name__}"
        )
    if not {"boxes", "labels"} <= set(bounding_boxes):
        raise ValueError(
            "`bounding_boxes` must have the keys 'boxes' and 'labels'. "
            f"Received: {list(bounding_boxes)}"
        )
    _, height, width, _ = shape
    boxes = convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", height, width)
    corners = convert_to_numpy(boxes).astype("int32").tolist()
    labels = convert_to_numpy(bounding_boxes["labels"]).astype("int32")
    confidences = bounding_boxes.get("confidences")
    if confidences is None:
        confidences = np.full(labels.shape, None)
    else:
        confidences = convert_to_numpy(confidences)
    columns = zip(corners, labels.tolist(), confidences.tolist(), strict=True)
    return [list(zip(*parts, strict=True)) for parts in columns]


@dataclass
class _Pen:
    """Draws boxes on one image after the other."""

    color: tuple
    line_thickness: int
    text_thickness: int
    font_scale: float
    class_mapping: dict

    def draw(self, image, boxes):
        """The image `(height, width, channels)` with its boxes."""
        picture = array_to_img(image, "channels_last", scale=False)
        drawing = _drawing_module().Draw(picture)
        for corners, label, confidence in boxes:
            if label == -1:
                continue
            self._draw_lines(drawing, corners)
            if label in self.class_mapping:
                text = self.class_mapping[label]
                self._write(
                    drawing, corners, text if confidence is None else f"{text} | {confidence:.2f}"
                )
        return img_to_array(picture, "channels_last", dtype="uint8")

    def _fill(self, drawing):
        """The color in the form that Pillow wants for gray images, and for others."""
        return self.color[0] if drawing.mode == "L" else self.color

    def _draw_lines(self, drawing, corners):
        x1, y1, x2, y2 = corners
        left, right, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        fill = self._fill(drawing)
        if self.line_thickness < 0:
            drawing.rectangle((left, top, right, bottom), fill=fill)
            return
        # Pillow draws inside of the box, but the edge is to be in the middle of the line.
        outside, inside = self.line_thickness // 2, (self.line_thickness - 1) // 2
        box = (left - outside, top - outside, right + outside, bottom + outside)
        drawing.rectangle(box, outline=fill, width=outside + inside + 1)

    def _write(self, drawing, corners, text):
        """Write above the upper left corner, or inside of it where the image ends above."""
        x, y = corners[:2]
        height = int(self.font_scale * 12)
        if y - 8 - 2 * height > 0:
            place = x, y - 8
        else:
            place = x + 3, y + 2 * height + self.text_thickness + 3
        drawing.text(
            place,
            text,
            fill=self._fill(drawing),
            font=_font_module().load_default(self.font_scale * _FONT_SIZE),
            anchor="ls",  # the place is that of the left end of the base line
            stroke_width=self.text_thickness // 2,
        )


def _drawing_module() -> Any:
    """The module `PIL.ImageDraw`."""
    pillow()  # says what to install
    from PIL import ImageDraw

    return ImageDraw


def _font_module() -> Any:
    """The module `PIL.ImageFont`."""
    pillow()
    from PIL import ImageFont

    return ImageFont


@described(ARGUMENTS)
def plot_bounding_box_gallery(
    images,
    bounding_box_format,
    y_true=None,
    y_pred=None,
    value_range=(0, 255),
    true_color=(0, 188, 212),
    pred_color=(255, 235, 59),
    line_thickness=2,
    font_scale=1.0,
    text_thickness=None,
    class_mapping=None,
    ground_truth_mapping=None,
    prediction_mapping=None,
    legend=False,
    legend_handles=None,
    rows=None,
    cols=None,
    data_format=None,
    **kwargs,
):
    """Plot images side by side, with true and predicted bounding boxes.

    Args:
        bounding_box_format: str, the format of the boxes (see `draw_bounding_boxes`).
        y_true: dict of the true boxes and labels (see `draw_bounding_boxes`).
        y_pred: dict of the predicted boxes and labels.
        true_color: tuple of three ints from 0 to 255, the color of true boxes.
        pred_color: tuple of three ints, the color of predicted boxes.
        line_thickness: int, the thickness of lines in pixels.
        font_scale: float, the size of the font.
        text_thickness: int, the thickness of letters; `line_thickness` by default.
        class_mapping: dict from a label to the text that is shown for it.
        ground_truth_mapping: dict, the same for true boxes alone.
        prediction_mapping: dict, the same for predicted boxes alone.
        legend: bool, whether a legend says which color stands for what.

    Raises:
        ImportError: if matplotlib or Pillow is missing.
        ValueError: if `images` has not rank 4, or both `legend` and `legend_handles` are given.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> boxes = {"boxes": np.array([[[2, 2, 9, 9]]]), "labels": np.array([[1]])}
        >>> keras.visualization.plot_bounding_box_gallery(
        ...     np.zeros((1, 12, 12, 3)), "xyxy", y_true=boxes, legend=True, path="boxes.png")
    """
    if legend and legend_handles:
        raise ValueError("Give either `legend` or `legend_handles`. Received: both")
    x = as_bytes(as_channels_last(images, data_format), value_range)
    for boxes, color, mapping in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            x = draw_bounding_boxes(
                x,
                boxes,
                bounding_box_format,
                class_mapping=mapping,
                color=color,
                line_thickness=line_thickness,
                text_thickness=text_thickness or line_thickness,
                font_scale=font_scale,
                data_format="channels_last",
            )
    if legend:
        legend_handles = _legend({"Ground Truth": true_color, "Prediction": pred_color})
    plot_image_gallery(
        x,
        rows=rows,
        cols=cols,
        legend_handles=legend_handles,
        data_format="channels_last",
        **kwargs,
    )


def _legend(colors):
    rectangle = pyplot().Rectangle
    return [
        rectangle((0, 0), 1, 1, color=np.array(color) / 255, label=text)
        for text, color in colors.items()
    ]
