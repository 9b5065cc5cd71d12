"""Sizes of 0, and sizes that are not known: what holds for every op, from its rows."""

import numpy as np
import pytest

from minikeras import layers, ops
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, trees
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from tests.cases import CASES
from tests.cases.layers_image import LAYERS

UNKNOWN = [c for c in CASES if c.recipes and c.raises is None and c.abstract and c.unknown]


def joins(arrays):
    """Whether the first axis of each array is that of the first one: a batch, perhaps."""
    rank, size = next(((a.ndim, a.shape[0]) for a in arrays if a.ndim), (None, None))
    return [bool(a.ndim == rank and a.ndim and a.shape[0] == size) for a in arrays]


def test_unknown_sizes_of_inputs_may_have_origins_of_their_own():
    """As those of two `Input`s have."""
    wrong, seen = [], 0
    for case in UNKNOWN:
        arrays = case.draw()
        joined = joins(arrays)
        if sum(joined) < 2:
            continue
        seen += 1
        abstracts = [
            Abstract((dims.Dim(), *a.shape[1:]) if joined_ else a.shape, a.dtype.name)
            for a, joined_ in zip(arrays, joined, strict=True)
        ]
        try:
            case.apply(ops, abstracts)
        except ValueError as error:
            wrong.append((case.name, str(error)))
    assert seen > 300 and not wrong


def zeros(*shape):
    return np.zeros(shape, "float32")


NOTHING = {
    "softmax": lambda: ops.softmax(zeros(3, 0)),
    "log_softmax": lambda: ops.log_softmax(zeros(0)),
    "istft": lambda: ops.istft((zeros(0, 5, 5), zeros(0, 5, 5)), 4, 2, 8),
    "stft": lambda: ops.stft(zeros(0, 8), 4, 2, 8),
    "fft2": lambda: ops.fft2((zeros(0, 4, 4), zeros(0, 4, 4))),
    "resize": lambda: ops.image.resize(zeros(0, 4, 4, 3), (2, 7)),
    "affine_transform": lambda: ops.image.affine_transform(zeros(0, 4, 4, 3), zeros(0, 8)),
    "nearest": lambda: ops.image.affine_transform(
        zeros(0, 4, 4, 3), zeros(8), interpolation="nearest"
    ),
    "perspective_transform": lambda: ops.image.perspective_transform(
        zeros(0, 4, 4, 3), zeros(0, 4, 2), zeros(0, 4, 2)
    ),
    "map_coordinates": lambda: ops.image.map_coordinates(zeros(4, 4), zeros(2, 0), 1),
    "elastic_transform": lambda: ops.image.elastic_transform(zeros(0, 4, 4, 3), seed=1),
    "extract_patches": lambda: ops.image.extract_patches(zeros(0, 4, 4, 3), 2),
    "gaussian_blur": lambda: ops.image.gaussian_blur(zeros(0, 4, 4, 3)),
    "n-grams": lambda: layers.TextVectorization(
        split=None, ngrams=2, output_mode="count", vocabulary=["a"]
    )(np.zeros((0, 1), "U1")),
}


@pytest.mark.parametrize("name", NOTHING)
def test_of_nothing_comes_nothing(name):
    """A batch without samples gives one: an evaluation may end with it."""
    for leaf in trees.flatten(NOTHING[name]()):
        assert 0 in leaf.shape


# They begin with the smallest value of each image, which nothing does not have.
EXTREMES = ("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization")

IMAGE_LAYERS = {
    case.source: case.make
    for case in LAYERS
    if issubclass(type(case.make()), BaseImagePreprocessingLayer)
    and "channels_first" not in case.source
    and case.source.partition("(")[0] not in EXTREMES
}


@pytest.mark.sampled(by=lambda row: row["source"].partition("(")[0])
@pytest.mark.parametrize("source", IMAGE_LAYERS)
def test_image_layers_take_batches_without_images(source):
    layer = IMAGE_LAYERS[source]()
    y = layer(zeros(0, 9, 11, 3), training=True)
    assert y.shape == layer.compute_output_shape((0, 9, 11, 3))
