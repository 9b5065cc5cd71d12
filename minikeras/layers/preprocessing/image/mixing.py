"""Mixtures of images: rectangles erased or cut from another image, and weighted sums of two."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.base import WITH_FACTOR, BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.draws import by_image, chosen
from minikeras.layers.preprocessing.image.fields import AnyRange, Probability, Seed, factor_in
from minikeras.ops.random import draws as random


class _WithRectangles(BaseImagePreprocessingLayer):
    """A layer that draws a rectangle for each image."""

    def _bounds(self, batch, length, share, seed):
        """Draw where a part of an axis begins and ends, for each image."""
        part = ops.cast(share * length, self.compute_dtype)
        start = random.uniform((batch,), seed=seed, dtype=self.compute_dtype) * (length - part)
        return start, start + part

    def _masks(self, shape, bounds_x, bounds_y):
        """Booleans that broadcast to images: which pixels lie in the rectangles."""
        height, width = self._size_of(shape)
        is_last = self.data_format == "channels_last"
        y, x = (ops.arange(size, dtype=self.compute_dtype) for size in (height, width))
        y = ops.reshape(y, (-1, 1, 1) if is_last else (-1, 1))
        x = ops.reshape(x, (-1, 1) if is_last else (-1,))
        (x0, x1), (y0, y1) = (map(by_image, bounds) for bounds in (bounds_x, bounds_y))
        inside_x = ops.logical_and(x >= x0, x < x1)
        return ops.logical_and(inside_x, ops.logical_and(y >= y0, y < y1))


@layer
class RandomErasing(_WithRectangles):
    """Fill a rectangle of some of the images with noise or a value while training.

    Zhong et al., "Random Erasing Data Augmentation" (2017).

    Args:
        scale: float, or two floats, from 0 to 1: height and width of the rectangle are those of the
            image times square roots of numbers drawn from this range.
        fill_value: number, or three for the channels; None for normal noise times the largest value
            of the images.

    Raises:
        ValueError: if an argument is out of its range, or the fill value is of another kind.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.RandomErasing((1, 1), scale=(1, 1), fill_value=7)
        >>> layer(keras.ops.ones((2, 2, 1)))[:, :, 0].tolist()
        [[7.0, 7.0], [7.0, 7.0]]
    """

    factor: Probability = 1.0
    scale: Annotated[Any, factor_in(0, 1)] = (0.02, 0.33)
    fill_value: Any = None
    value_range: AnyRange = (0, 255)
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw the rectangles (`batch_masks`), which images have one, and what fills them."""
        if not training:
            return None
        shape, batch, seed = self._drawing(data, seed)
        height, width = self._size_of(shape)
        shares = random.uniform((batch, 2), *self.scale, dtype=self.compute_dtype, seed=seed)
        shares = ops.sqrt(shares)
        bounds_x = self._bounds(batch, width, shares[:, 0], seed)
        bounds_y = self._bounds(batch, height, shares[:, 1], seed)
        return {
            "batch_masks": self._masks(shape, bounds_x, bounds_y),
            "apply_erasing": chosen(batch, self.factor, seed),
            "fill_value": self._filling(shape, seed),
        }

    def _filling(self, shape, seed):
        value = self.fill_value
        if value is None:
            noise = random.normal(shape, dtype=self.compute_dtype, seed=seed)
            return ops.clip(noise * self.value_range[1], *self.value_range)
        is_list = isinstance(value, (tuple, list))
        if not isinstance(value, (int, float)) and not (is_list and len(value) == 3):
            raise ValueError(
                "The `fill_value` argument should be a number (or a list of three numbers). "
                f"Received: fill_value={value}"
            )
        value = ops.clip(ops.cast(value, self.compute_dtype), *self.value_range)
        is_first = self.data_format == "channels_first"
        return ops.reshape(value, (3, 1, 1)) if is_list and is_first else value

    def transform_images(self, images, transformation: Any = None, training=True):
        """Fill the rectangles."""
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        chosen_images = by_image(transformation["apply_erasing"])
        erased = ops.logical_and(transformation["batch_masks"], chosen_images)
        return ops.where(erased, transformation["fill_value"], images)


@layer
class CutMix(_WithRectangles):
    """Replace a rectangle of each image by that of another image of the batch while training.

    Labels become weighted sums, by the parts of the area. Yun et al., "CutMix: Regularization
    Strategy to Train Strong Classifiers with Localizable Features" (2019).

    Args:
        factor: float, or two floats, from 0 to 1: the parameter of the beta distribution from which
            the part of the image that stays is drawn, itself drawn from this range; one number `f`
            stands for `(0, f)`.

    Raises:
        ValueError: if the factor is out of its range.
        NotImplementedError: if there are bounding boxes, which a mixture of images does not have.

    Example:
        >>> import minikeras as keras
        >>> data = {"images": keras.ops.ones((2, 4, 4, 1)), "labels": keras.ops.eye(2)}
        >>> keras.layers.CutMix()(data)["labels"].shape
        (2, 2)
    """

    factor: Annotated[Any, factor_in(0, 1)] = 1.0
    seed: Seed = None
    data_format: DataFormat = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw the rectangles (`batch_masks`), the other images and the parts that stay."""
        shape, batch, seed = self._drawing(data, seed)
        if not training or len(shape) == 3:
            return None
        dtype = self.compute_dtype
        height, width = self._size_of(shape)
        alpha = random.uniform((), *self.factor, dtype=dtype, seed=seed) + 1e-6
        ratio = ops.sqrt(1.0 - random.beta((batch,), alpha, alpha, seed=seed, dtype=dtype))
        bounds_x = self._bounds(batch, width, ratio, seed)
        bounds_y = self._bounds(batch, height, ratio, seed)
        area = (bounds_x[1] - bounds_x[0]) * (bounds_y[1] - bounds_y[0])
        return {
            "batch_masks": self._masks(shape, bounds_x, bounds_y),
            "mix_weight": by_image(1.0 - area / (width * height)),
            "permutation_order": random.shuffle(ops.arange(batch, dtype="int32"), seed=seed),
        }

    def transform_images(self, images, transformation: Any = None, training=True):
        """Replace the rectangles."""
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        others = ops.take(images, transformation["permutation_order"], axis=0)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_labels(self, labels, transformation, training=True):
        """Mix one-hot labels of shape `(batch, classes)` by the parts of the area."""
        if not training or transformation is None:
            return labels
        weight = ops.reshape(transformation["mix_weight"], (-1, 1))
        return _mixed(labels, weight, transformation["permutation_order"])

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Refuse boxes."""
        raise NotImplementedError(
            "CutMix has no bounding boxes: a rectangle of another image hides a part of each. "
            "Call it with images and labels alone."
        )

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Replace the rectangles of the masks."""
        return self.transform_images(segmentation_masks, transformation, training)


@layer
class MixUp(BaseImagePreprocessingLayer):
    """Add each image, weighted, to another image of the batch while training; labels likewise.

    `y = w x + (1 - w) x_other` with `w` from a beta distribution. Zhang et al., "mixup: Beyond
    Empirical Risk Minimization" (2017); for boxes, Zhang et al., "Bag of Freebies for Training
    Object Detection Neural Networks" (2019): an image gets the boxes of both.

    Args:
        alpha: float from 0 to 1, both parameters of the beta distribution.

    Example:
        >>> import minikeras as keras
        >>> data = {"images": keras.ops.ones((2, 4, 4, 1)), "labels": keras.ops.eye(2)}
        >>> keras.layers.MixUp()(data)["labels"].shape
        (2, 2)
    """

    _taken_by_name = WITH_FACTOR

    alpha: float = 0.2
    data_format: DataFormat = None
    seed: Seed = None

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw the other images (`permutation_order`) and the weights (`mix_weight`)."""
        _, batch, seed = self._drawing(data, seed)
        order = random.shuffle(ops.arange(batch, dtype="int64"), seed=seed)
        weight = random.beta((batch,), self.alpha, self.alpha, seed=seed)
        return {"mix_weight": weight, "permutation_order": order}

    def transform_images(self, images, transformation: Any = None, training=True):
        """Mix the images."""
        if not training:
            return images
        images = ops.cast(images, self.compute_dtype)
        weight = ops.cast(by_image(transformation["mix_weight"]), self.compute_dtype)
        return _mixed(images, weight, transformation["permutation_order"])

    def transform_labels(self, labels, transformation, training=True):
        """Mix one-hot labels of shape `(batch, classes)`."""
        if not training:
            return labels
        weight = ops.reshape(transformation["mix_weight"], (-1, 1))
        return _mixed(labels, weight, transformation["permutation_order"])

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Give each image the boxes of both."""
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]

        def joined(x):
            return ops.concatenate([x, ops.take(x, order, axis=0)], axis=1)

        return {key: joined(bounding_boxes[key]) for key in ("boxes", "labels")}

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Mix the masks."""
        if not training:
            return segmentation_masks
        weight = by_image(transformation["mix_weight"])
        return _mixed(segmentation_masks, weight, transformation["permutation_order"])


def _mixed(x, weight, order):
    """`w x + (1 - w) x_other`, where the other one is that in the place that `order` tells."""
    return weight * x + (1.0 - weight) * ops.take(x, order, axis=0)
