"""As many bounding boxes for each image, so that they fit into one array."""

from typing import Annotated

from minikeras import ops
from minikeras.core.constructors import Field
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import WITH_FACTOR, BaseImagePreprocessingLayer

_KEYS = ("boxes", "labels")
WholeNumber = Annotated[int, Field(lambda value, name: int(value))]


@layer
class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """Cut off the boxes of each image, or fill them up, to a fixed number.

    Args:
        max_number: int, how many boxes.
        fill_value: int, what fills up boxes and labels.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.MaxNumBoundingBoxes(2, bounding_box_format="xyxy")
        >>> boxes = {"boxes": [[[1, 2, 3, 4]]], "labels": [[5]]}
        >>> data = {"images": keras.ops.ones((1, 8, 8, 3)), "bounding_boxes": boxes}
        >>> layer(data)["bounding_boxes"]["labels"].tolist()
        [[5, -1]]
    """

    _taken_by_name = WITH_FACTOR

    max_number: WholeNumber
    fill_value: WholeNumber = -1

    def transform_images(self, images, transformation=None, training=True):
        """Return the images."""
        return images

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Cut off or fill up."""
        return {**bounding_boxes, **{key: self._cut(bounding_boxes[key]) for key in _KEYS}}

    def _cut(self, x):
        missing = max(self.max_number - x.shape[1], 0)
        margins = [(0, 0), (0, missing)] + [(0, 0)] * (len(x.shape) - 2)
        return ops.pad(x[:, : self.max_number], margins, constant_values=self.fill_value)

    def compute_output_shape(self, input_shape):
        """Return the shapes with as many boxes.

        Raises:
            KeyError: if there are other keys than boxes and labels.
        """
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        shapes = input_shape["bounding_boxes"]
        unknown = [key for key in shapes if key not in _KEYS]
        if unknown:
            raise KeyError(
                f"`bounding_boxes` is a dict of `boxes` and `labels`. Received also: {unknown}"
            )
        shapes = {key: (s[0], self.max_number, *s[2:]) for key, s in shapes.items()}
        return {**input_shape, "bounding_boxes": shapes}

    def get_config(self):
        """Return the constructor's arguments; a fill value of -1 is left out."""
        config = super().get_config()
        if self.fill_value == -1:
            del config["fill_value"]
        return config
