"""Normalization of images, by their own statistics or those of all images."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.preprocessing.image.arrays import warn_of_channels

_EPSILON = 1e-6  # keeps the division by a standard deviation finite


class Normalization:
    """The part of an `ImageDataGenerator` that normalizes images."""

    featurewise_center: bool
    samplewise_center: bool
    featurewise_std_normalization: bool
    samplewise_std_normalization: bool
    zca_whitening: bool
    zca_epsilon: float
    rescale: float | None
    preprocessing_function: Callable[..., Any] | None
    dtype: Any
    row_axis: int
    col_axis: int
    channel_axis: int
    random_transform: Callable[..., Any]

    mean: Any
    std: Any
    zca_whitening_matrix: Any

    def standardize(self, x):
        """Normalize an image, or a batch of them; where that is possible, in place.

        Args:
            x: float array of rank 3 or 4.

        Returns:
            An array of the shape of `x`.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + _EPSILON
        if self.featurewise_center and self._is_known("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_known(
            "featurewise_std_normalization", self.std
        ):
            x /= self.std + _EPSILON
        if self.zca_whitening and self._is_known("zca_whitening", self.zca_whitening_matrix):
            flat = x.reshape(-1, math.prod(x.shape[-3:]))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _is_known(self, setting, statistic):
        """Whether `fit` has computed what a setting needs; warn if not."""
        if statistic is None:
            message = f"`{setting}` does nothing yet: call `fit` with images first."
            warnings.warn(message, stacklevel=3)
        return statistic is not None

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Compute the statistics of images that featurewise settings and whitening need.

        Equations, for images `x[n]` that were rescaled:
            mean = mean of x over n, rows and columns
            std = standard deviation of x over n, rows and columns
        and for whitening, with the centered images as the rows of X, N of them, and the singular
        value decomposition `X.T = U diag(s) V.T`:
            W = U diag(sqrt(N) / (s + zca_epsilon)) U.T
        so that the covariance of `X W` is near the identity (A. Krizhevsky, "Learning multiple
        layers of features from tiny images", 2009, appendix A).

        Args:
            x: array of rank 4, images.
            augment: bool, whether the statistics are those of randomly changed images.
            rounds: int, how often each image is changed for that.
            seed: int with which NumPy's generator is seeded before; None leaves it.

        Raises:
            ValueError: if `x` has not rank 4.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(f"`x` must have rank 4. Received: x of shape {x.shape}")
        warn_of_channels(x, self.channel_axis)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            changed = [self.random_transform(image) for _ in range(rounds) for image in x]
            x = np.array(changed, dtype=self.dtype)
        if self.featurewise_center:
            self.mean = self._by_channel(np.mean, x)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = self._by_channel(np.std, x)
            x /= self.std + _EPSILON
        if self.zca_whitening:
            self.zca_whitening_matrix = self._whitening_matrix(x)

    def _by_channel(self, statistic, x):
        """A statistic of each channel, in the shape that fits to one image."""
        axes = (0, self.row_axis, self.col_axis)
        return statistic(x, axis=axes, keepdims=True)[0]

    def _whitening_matrix(self, x):
        count = len(x)
        u, s, _ = np.linalg.svd(x.reshape(count, -1).T, full_matrices=False)
        return (u * (np.sqrt(count) / (s + self.zca_epsilon))).dot(u.T)
