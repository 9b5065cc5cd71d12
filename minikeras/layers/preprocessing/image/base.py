"""The base class of image layers: what is drawn at random, and how it is applied to what.

A call has two steps. `get_random_transformation` draws once for a batch (or for one image);
`transform_images`, `transform_labels`, `transform_bounding_boxes` and
`transform_segmentation_masks` apply what was drawn, so that images stay consistent with what
belongs to them. Subclasses override these five. All of the last four get batches: for single
images, `transform_single_image` and its like add the axis and take it off again.
"""

from typing import Any

from minikeras import ops
from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import trees
from minikeras.core.constructors import Field
from minikeras.core.settings import standardize_data_format
from minikeras.layers.preprocessing.data_layer import DataLayer
from minikeras.layers.preprocessing.image.bounding_boxes.validation import densify_bounding_boxes
from minikeras.layers.preprocessing.image.fields import BASE_FACTOR
from minikeras.ops.image.layout import check_rank
from minikeras.ops.random.seeds import SeedGenerator

_IMAGES = ("images", "segmentation_masks")


def _no_factor(value, name):
    if value is not None:
        raise ValueError(f"This layer does not take a `factor` argument. Received: factor={value}")


class BaseImagePreprocessingLayer(DataLayer):
    """A layer on images of shape `(height, width, channels)`, or batches of them.

    A call takes the images alone, or a dict with `"images"` and perhaps `"labels"`,
    `"bounding_boxes"` (a dict of `"boxes"` and `"labels"`) and `"segmentation_masks"`; a dict is
    answered with a dict.

    Args:
        seed: int, or None for one drawn from Python's `random`.
        value_range: two numbers, the smallest and the largest value that the images may have.
    """

    _taken_by_name = {
        "factor": (Field(_no_factor), None),
        "bounding_box_format": (Field(), None),
        "data_format": (Field(lambda value, name: standardize_data_format(value)), None),
    }

    # What `@layer` sets; random layers have a seed besides.
    bounding_box_format: str | None
    data_format: str
    factor: Any
    seed: Any

    def setup(self):
        """Make a source of seeds, if the layer has a seed."""
        if "seed" in self._fields:
            self.generator = SeedGenerator(self.seed)

    def call(self, data, training=True):
        """Draw a transformation and apply it.

        Args:
            data: images, or a dict of images and what belongs to them.
            training: whether images are augmented; layers that draw nothing may ignore it.
        """
        if isinstance(data, dict):
            return self._call_on_dict(data, training)
        data = ops.convert_to_tensor(data)
        transformation = self.get_random_transformation(data, training=training)
        transform, _ = self._transforms(self._is_batched(data))["images"]
        return transform(data, transformation=transformation, training=training)

    def _call_on_dict(self, data, training):
        data = {**data, "images": ops.convert_to_tensor(data["images"])}
        is_batched = self._is_batched(data["images"])
        if "bounding_boxes" in data and not self.bounding_box_format:
            raise ValueError(
                f"{type(self).__name__} must know how 'bounding_boxes' are written: give it a "
                "`bounding_box_format`, such as 'xyxy'."
            )
        transformation = self.get_random_transformation(data, training=training)
        for key, (transform, convert) in self._transforms(is_batched).items():
            if key in data:
                data[key] = transform(
                    convert(data[key]), transformation=transformation, training=training
                )
        return data

    def _transforms(self, is_batched):
        """By key of a dict: the method that transforms what is there, and what it is made first."""
        if is_batched:
            methods = (
                self.transform_images,
                self.transform_bounding_boxes,
                self.transform_labels,
                self.transform_segmentation_masks,
            )
        else:
            methods = (
                self.transform_single_image,
                self.transform_single_bounding_box,
                self.transform_single_label,
                self.transform_single_segmentation_mask,
            )
        tensor = ops.convert_to_tensor
        kinds = (tensor, densify_bounding_boxes, tensor, tensor)
        keys = ("images", "bounding_boxes", "labels", "segmentation_masks")
        return dict(zip(keys, zip(methods, kinds, strict=True), strict=True))

    # What subclasses override

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw what the other methods apply.

        Args:
            data: images or a dict with them, batched or not.
            training: whether images are augmented.
            seed: what to draw with; the layer's own generator by default.

        Returns:
            What the layer's other methods take as `transformation`: a dict, or None.
        """
        return None

    def transform_images(self, images, transformation, training=True):
        """Apply a transformation to images of shape `(batch, height, width, channels)`."""
        return ops.cast(images, self.compute_dtype)

    def transform_labels(self, labels, transformation=None, training=True):
        """Apply a transformation to labels; by default they stay what they are."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Apply a transformation to a dict of boxes and labels; by default they stay the same."""
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        """Apply a transformation to masks; by default they stay what they are."""
        return segmentation_masks

    # Single images

    def transform_single_image(self, image, transformation, training=True):
        """Apply a transformation to one image of shape `(height, width, channels)`."""
        return self._alone(self.transform_images, image, transformation, training)

    def transform_single_label(self, label, transformation, training=True):
        """Apply a transformation to the label of one image."""
        return self._alone(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(self, bounding_box, transformation, training=True):
        """Apply a transformation to the boxes of one image and their labels."""
        batched = _for_boxes(lambda x: ops.expand_dims(x, axis=0), bounding_box)
        result = self.transform_bounding_boxes(
            batched, transformation=transformation, training=training
        )
        return _for_boxes(lambda x: ops.squeeze(x, axis=0), result)

    def transform_single_segmentation_mask(self, segmentation_mask, transformation, training=True):
        """Apply a transformation to the mask of one image."""
        transform = self.transform_segmentation_masks
        return self._alone(transform, segmentation_mask, transformation, training)

    def _alone(self, transform, x, transformation, training):
        batch = ops.expand_dims(x, axis=0)
        result = transform(batch, transformation=transformation, training=training)
        return ops.squeeze(result, axis=0)

    # Shapes

    def compute_output_shape(self, input_shape):
        """Return the shape of the outputs; of each of them for a dict."""
        if isinstance(input_shape, dict):
            images = [key for key in _IMAGES if key in input_shape]
            return {**input_shape, **{key: self._image_shape(input_shape[key]) for key in images}}
        return self._image_shape(input_shape)

    def _image_shape(self, shape):
        """The shape of an output image; subclasses that resize say which."""
        return shape

    def _size_axes(self):
        """The axes of height and width, counted from the last."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    def _size_of(self, shape):
        """Height and width of images of a shape."""
        height_axis, width_axis = self._size_axes()
        return shape[height_axis], shape[width_axis]

    def _is_batched(self, images):
        rank = len(images.shape)
        check_rank(images)
        return rank == 4

    # What random layers draw with

    def _get_seed_generator(self, backend=None):
        """The layer's generator; Keras has one for each of its backends."""
        return self.generator

    def _drawing(self, data, seed):
        """The shape of the images, how many there are, and what to draw with."""
        images = data["images"] if isinstance(data, dict) else data
        batch = images.shape[0] if self._is_batched(images) else 1
        return images.shape, batch, self.generator if seed is None else seed

    # Config

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config["data_format"] = self.data_format
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


# For layers that Keras lets take a factor, though they do not use it.
WITH_FACTOR = {**BaseImagePreprocessingLayer._taken_by_name, "factor": (BASE_FACTOR, None)}


def change_value_range(images, old, new, dtype="float32"):
    """Map values linearly from one range to another.

    Args:
        images: tensor of any shape.
        old: `(low, high)`, the range of its values.
        new: `(low, high)`, the wanted range.
        dtype: dtype name in which to compute.

    Returns:
        A tensor of the shape of `images`; the images themselves if the ranges are equal.

    Example:
        >>> from minikeras.layers.preprocessing.image.base import change_value_range
        >>> change_value_range([0.0, 0.5, 1.0], (0, 1), (0, 255)).tolist()
        [0.0, 127.5, 255.0]
    """
    if tuple(old) == tuple(new):
        return images
    (low, high), (new_low, new_high) = (
        [ops.cast(end, dtype) for end in ends] for ends in (old, new)
    )
    images = (ops.cast(images, dtype) - low) / (high - low)
    return images * (new_high - new_low) + new_low


def same_spec(inputs):
    """Return symbolic tensors like those of a nest: what a layer answers that changes no dtype."""
    return trees.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), inputs)


def _for_boxes(function, bounding_box):
    """A dict of boxes in which a function was applied to the boxes and to their labels."""
    keys = [key for key in ("boxes", "labels") if key in bounding_box]
    return {**bounding_box, **{key: function(bounding_box[key]) for key in keys}}
