"""AugMix and RandAugment: layers that choose among other image layers."""

import random as python_random
from typing import Annotated, Any

from minikeras import ops
from minikeras.autograd.node import graph_break
from minikeras.layers.base.arguments import DataFormat
from minikeras.layers.base.declare import layer
from minikeras.layers.preprocessing.image.affine import RandomRotation, RandomShear
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.layers.preprocessing.image.channels import RandomColorDegeneration
from minikeras.layers.preprocessing.image.color import RandomBrightness, RandomContrast
from minikeras.layers.preprocessing.image.fields import (
    AnyRange,
    Interpolation,
    Seed,
    factor_in,
)
from minikeras.layers.preprocessing.image.filters import RandomSharpness
from minikeras.layers.preprocessing.image.histograms import Equalization
from minikeras.layers.preprocessing.image.shifts import RandomTranslation
from minikeras.layers.preprocessing.image.tones import (
    AutoContrast,
    RandomPosterization,
    Solarization,
)
from minikeras.ops.random import draws as random


def _warp(*factors):
    """What a layer that warps gets: a policy's factor under some names."""
    return lambda policy: {
        **dict.fromkeys(factors, policy.factor),
        "interpolation": policy.interpolation,
    }


def _ranged(*factors):
    return lambda policy: {
        **dict.fromkeys(factors, policy.factor),
        "value_range": policy.value_range,
    }


def _bits(policy):
    return {"factor": max(1, int(8 * policy.factor[1])), "value_range": policy.value_range}


# By attribute of a policy: the class of a layer, and what a policy makes it with.
_LAYERS = {
    "random_shear": (RandomShear, _warp("x_factor", "y_factor")),
    "random_translation": (RandomTranslation, _warp("height_factor", "width_factor")),
    "random_rotation": (RandomRotation, _warp("factor")),
    "random_posterization": (RandomPosterization, _bits),
    "solarization": (Solarization, _ranged("addition_factor", "threshold_factor")),
    "auto_contrast": (AutoContrast, _ranged()),
    "equalization": (Equalization, _ranged()),
    "random_brightness": (RandomBrightness, _ranged("factor")),
    "random_color_degeneration": (RandomColorDegeneration, _ranged("factor")),
    "random_contrast": (RandomContrast, _ranged("factor")),
    "random_sharpness": (RandomSharpness, _ranged("factor")),
}
_WARPS = ["random_shear", "random_translation", "random_rotation"]
_COLORS = ["random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness"]
_TONES = ["random_posterization", "solarization", "auto_contrast", "equalization"]
# The order in which Keras makes them, and so in which seeds are drawn for them.
_TONES_AS_MADE = ["solarization", "random_posterization", "auto_contrast", "equalization"]


class _Policy(BaseImagePreprocessingLayer):
    """A layer that chooses among others.

    Args:
        factor: float, or two floats, from 0 to 1: the strength, which becomes the factors of the
            layers that are chosen.
    """

    factor: Any
    interpolation: str
    value_range: Any
    seed: Any

    def _add_layers(self, names):
        """Make layers and keep each under its name."""
        shared = {
            "data_format": self.data_format,
            "bounding_box_format": self.bounding_box_format,
            "dtype": self.dtype_policy,
        }
        for name in names:
            cls, arguments = _LAYERS[name]
            seed = {"seed": self.seed} if "seed" in cls._fields else {}
            setattr(self, name, cls(**arguments(self), **seed, **shared))

    def _names(self):
        """The names of the layers, in the order in which one is chosen."""
        raise NotImplementedError(f"{type(self).__name__} must define `_names()`.")

    def build(self, input_shape):
        """Build the layers inside."""
        for name in self._names():
            getattr(self, name).build(input_shape)


@layer
class RandAugment(_Policy):
    """Apply some image layers, chosen at random for the whole batch, while training.

    Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space"
    (2019). One and the same layer may be chosen several times.

    Args:
        num_ops: int, how many layers.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.RandAugment(seed=1)(keras.ops.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    value_range: AnyRange = (0, 255)
    num_ops: int = 2
    factor: Annotated[Any, factor_in(0, 1)] = 0.5
    interpolation: Interpolation = "bilinear"
    seed: Seed = None
    data_format: DataFormat = None

    def setup(self):
        """Make the layers among which one is chosen."""
        super().setup()
        self._add_layers(_WARPS + _COLORS + _TONES_AS_MADE)

    def _names(self):
        return _WARPS + _COLORS + _TONES

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which layers are applied (`layer_idxes`), and what each would do."""
        if not training:
            return None
        names = self._names()
        indices = random.randint((self.num_ops,), 0, len(names), seed=self.generator)
        transforms = {
            name: getattr(self, name).get_random_transformation(data, seed=self.generator)
            for name in names
        }
        return {"transforms": transforms, "layer_idxes": indices}

    def _chosen(self, transformation):
        """The chosen layers, and what each does. Reads the draw: the others need not run."""
        names = self._names()
        for index in transformation["layer_idxes"].tolist():
            yield getattr(self, names[index]), transformation["transforms"][names[index]]

    def transform_images(self, images, transformation, training=True):
        """Apply the chosen layers one after the other."""
        images = ops.cast(images, self.compute_dtype)
        if training:
            for step, transform in self._chosen(transformation):
                images = step.transform_images(images, transform)
        return ops.cast(images, self.compute_dtype)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Apply the chosen layers to boxes."""
        if training:
            for step, transform in self._chosen(transformation):
                bounding_boxes = step.transform_bounding_boxes(bounding_boxes, transform)
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Apply the chosen layers to masks."""
        if training:
            for step, transform in self._chosen(transformation):
                segmentation_masks = step.transform_segmentation_masks(
                    segmentation_masks, transform
                )
        return segmentation_masks


@layer
class AugMix(_Policy):
    """Mix images with several chains of image layers applied to them, while training.

    `y = w x + (1 - w) sum_i w_i chain_i(x)`, with `w` from a beta distribution and `w_i` from a
    Dirichlet distribution, the same for the whole batch. Hendrycks et al., "AugMix: A Simple Data
    Processing Method to Improve Robustness and Uncertainty" (2019). The layers of a chain are
    chosen by Python's `random`; one may also be left out.

    Args:
        num_chains: int, how many chains.
        chain_depth: int, how many layers each.
        alpha: float, the parameter of both distributions.
        all_ops: whether brightness, colors, contrast and sharpness are among the layers.

    Raises:
        ValueError: if the factor is out of its range.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.AugMix(seed=1)(keras.ops.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    value_range: AnyRange = (0, 255)
    num_chains: int = 3
    chain_depth: int = 3
    factor: Annotated[Any, factor_in(0, 1)] = 0.3
    alpha: float = 1.0
    all_ops: bool = True
    interpolation: Interpolation = "bilinear"
    seed: Seed = None
    data_format: DataFormat = None

    def setup(self):
        """Make the layers of which chains are made."""
        super().setup()
        self._add_layers(_WARPS + _TONES_AS_MADE + (_COLORS if self.all_ops else []))

    def _names(self):
        return _WARPS + _TONES + (_COLORS if self.all_ops else [])

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw the weights, the layers of the chains, and what each does."""
        if not training:
            return None
        seed = self.generator if seed is None else seed
        weights = random.gamma((self.num_chains,), self.alpha, seed=seed)
        weight = random.beta((), self.alpha, self.alpha, seed=seed)
        graph_break("by choosing layers with Python's `random`")
        return {
            "chain_mixing_weights": weights / ops.sum(weights, axis=-1, keepdims=True),
            "weight_sample": weight,
            "chain_transforms": [self._chain(data) for _ in range(self.num_chains)],
        }

    def _chain(self, data):
        chain = []
        for _ in range(self.chain_depth):
            name = python_random.choice([*self._names(), None])
            if name is not None:
                step = getattr(self, name)
                transform = step.get_random_transformation(data, seed=self.generator)
                chain.append({"layer_name": name, "transformation": transform})
        return chain

    def transform_images(self, images, transformation, training=True):
        """Mix images with their chains."""
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        images = self._mixed("transform_images", images, transformation)
        return ops.cast(ops.clip(images, *self.value_range), self.compute_dtype)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Mix masks with their chains."""
        if not training:
            return segmentation_masks
        return self._mixed("transform_segmentation_masks", segmentation_masks, transformation)

    def _mixed(self, method, x, transformation):
        weight, weights = (
            ops.cast(transformation[name], self.compute_dtype)
            for name in ("weight_sample", "chain_mixing_weights")
        )
        mixture = ops.zeros_like(x)
        for i, chain in enumerate(transformation["chain_transforms"]):
            y = x
            for link in chain:
                transform = getattr(getattr(self, link["layer_name"]), method)
                y = transform(y, link["transformation"])
            mixture = mixture + y * weights[i]
        return weight * x + (1 - weight) * mixture
