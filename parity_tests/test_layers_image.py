"""Image layers against Keras beyond single tensors: dicts, single images, integers, layouts, boxes.

Both engines draw with the same seeds, and each layer is called twice, so that the order and the
number of draws are compared, too. Where Keras is wrong (docs/numerics.md), rows are left out.
"""

import random
import re

import keras
import numpy as np
import pytest

import minikeras
from minikeras.core import trees
from minikeras.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from minikeras.tools.tolerances import assert_close
from parity_tests.support import fresh_names
from tests.cases.layers_image import LAYERS

pytestmark = pytest.mark.parity

RNG = np.random.default_rng(0)
SHAPE = (4, 9, 11, 3)
PIXELS = RNG.uniform(0, 255, SHAPE).astype("float32")
BYTES = RNG.integers(0, 256, SHAPE).astype("uint8")
MASKS = RNG.integers(0, 4, (4, 9, 11, 3)).astype("float32")
LABELS = np.eye(4, dtype="float32")
SIZES = np.array([11, 9, 11, 9], "float32")
CORNERS = np.array([[[1, 2, 6, 9], [3, 1, 10, 8]], [[0, 0, 5, 5], [2, 3, 11, 9]]] * 2, "float32")
BOXES = {"boxes": CORNERS, "labels": np.array([[1, 2], [3, 4], [1, 0], [0, 2]], "int32")}

# Chains are drawn by Python's `random`, which each engine gets from the same seed here.
DEEP = [
    "AugMix(seed=3)",
    "AugMix(num_chains=2, chain_depth=2, factor=0.5, alpha=0.5, all_ops=False, seed=4)",
    "RandAugment((0, 300), 4, (0.3, 0.8), seed=5)",
    "RandAugment(seed=6, num_ops=3)",
]
SOURCES = [
    case.source
    for case in LAYERS
    if "channels_first" not in case.source
    and issubclass(type(case.make()), BaseImagePreprocessingLayer)
] + DEEP


def name_of(source):
    return source.partition("(")[0]


def with_option(source, option):
    return f"{source[:-1]}{'' if source.endswith('()') else ', '}{option})"


def called(engine, source, data, **options):
    """The layer, and what it returns when it is called twice."""
    fresh_names()
    random.seed(7)
    layer = eval(f"engine.layers.{source}", {"engine": engine})

    def tensors():  # a new dict each time, as some of Keras's layers write their results into it
        return trees.map_structure(engine.ops.convert_to_tensor, data)

    return layer, [layer(tensors(), **options) for _ in range(2)]


def assert_alike(source, data, **options):
    ours, mine = called(minikeras, source, data, **options)
    theirs, their = called(keras, source, data, **options)
    expected = trees.flatten(trees.map_structure(np.asarray, their))
    for i, (a, b) in enumerate(zip(trees.flatten(mine), expected, strict=True)):
        assert_close(a, b, length=20, what=f"{source}: result {i}")
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), np.asarray(w), err_msg=v.path)


def each(without=()):
    sources = [source for source in SOURCES if name_of(source) not in without]
    one_a_class = pytest.mark.sampled(by=lambda row: name_of(row["source"]))
    return lambda test: one_a_class(pytest.mark.parametrize("source", sources)(test))


# A dict has no batch size there, and labels have no method.
NO_DICT = ("RandomGrayscale", "ContrastLimitedAdaptiveHistogramEqualization")


@each()
def test_single_image(source):
    assert_alike(source, PIXELS[0])


@each()
def test_inference(source):
    assert_alike(source, PIXELS, training=False)


# TensorFlow does not subtract a float mean from integers, fill integers with a float, or find the
# hue of integers.
@each(without=("RandomContrast", "RandomSaturation", "RandomColorJitter"))
def test_integers(source):
    beyond_bytes = "(0, 300)" in source
    if not beyond_bytes and not ("fill_value=3.0" in source and "Resizing" in source):
        assert_alike(source, BYTES)


# Reads the masks of MixUp without an axis.
@each(without=(*NO_DICT, "MixUp"))
def test_images_with_labels_and_masks(source):
    assert_alike(source, {"images": PIXELS, "labels": LABELS, "segmentation_masks": MASKS})
    single = {"images": PIXELS[0], "labels": LABELS[0], "segmentation_masks": MASKS[0]}
    if name_of(source) != "CutMix":
        assert_alike(source, single)


def test_mixed_labels():
    assert_alike("MixUp(seed=3)", {"images": PIXELS, "labels": LABELS})


NO_BOXES = (*NO_DICT, "CutMix", "MixUp", "RandomElasticTransform", "RandomCrop", "RandAugment")


@each(without=NO_BOXES)
def test_images_with_boxes(source):
    source = with_option(source, "bounding_box_format='xyxy'")
    assert_alike(source, {"images": PIXELS, "bounding_boxes": BOXES})
    if name_of(source) != "MaxNumBoundingBoxes":
        single = {key: value[0] for key, value in BOXES.items()}
        assert_alike(source, {"images": PIXELS[0], "bounding_boxes": single})


# Boxes are read as corners there, whatever their format, or are not converted back.
@each(without=(*NO_BOXES, "RandomRotation", "RandomPerspective"))
@pytest.mark.parametrize("target", ["rel_xyxy", "rel_center_xywh", "yxyx", "xywh"])
def test_formats_of_boxes(source, target):
    height, width = SHAPE[1:3]
    boxes = keras.utils.bounding_boxes.convert_format(
        CORNERS, source="xyxy", target=target, height=height, width=width
    )
    data = {"images": PIXELS, "bounding_boxes": {**BOXES, "boxes": np.asarray(boxes)}}
    assert_alike(with_option(source, f"bounding_box_format='{target}'"), data)


# Finds the extreme values along a wrong axis, or passes the layout on to no layer inside.
@each(without=("AutoContrast", "AugMix", "RandAugment", "RandomColorJitter", "RandomErasing"))
def test_channels_first(source):
    images = np.ascontiguousarray(np.moveaxis(PIXELS, -1, 1))
    source = with_option(source, "data_format='channels_first'")
    assert_alike(source, images)
    assert_alike(source, images[0])


# Bounding boxes

boxes_of = {e: e.utils.bounding_boxes for e in (minikeras, keras)}
FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"]
FORMATS += ["rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
POSITIVE = RNG.uniform(1, 9, (2, 5, 4)).astype("float32")
OTHERS = RNG.uniform(1, 9, (2, 3, 4)).astype("float32")
NUMBER = np.array([30.0, -70.0], "float32")


def assert_same(call):
    mine, their = (trees.flatten(call(boxes_of[engine])) for engine in (minikeras, keras))
    for a, b in zip(mine, their, strict=True):
        assert_close(a, np.asarray(b), length=20)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_convert_format(source, target):
    assert_same(lambda b: b.convert_format(POSITIVE, source, target, height=8, width=10))


CALLS = {
    "clip": lambda b: b.clip_to_image_size({**BOXES, "boxes": CORNERS - 4}, height=5, width=6),
    "clip relative": lambda b: b.clip_to_image_size(
        {**BOXES, "boxes": CORNERS / 8}, bounding_box_format="rel_xyxy"
    ),
    "crop": lambda b: b.crop(CORNERS, top=2, left=1, height=4, width=5),
    "pad": lambda b: b.pad(CORNERS, top=2, left=1),
    "affine": lambda b: b.affine_transform(
        POSITIVE, NUMBER, NUMBER / 90, -NUMBER / 90, NUMBER / 40, NUMBER / 9, NUMBER / 7, 9, 11
    ),
    "affine about a corner": lambda b: b.affine_transform(
        POSITIVE, NUMBER, 0 * NUMBER, NUMBER, NUMBER / 40, NUMBER / 9, NUMBER / 7, 9, 11, 0.0, 1.0
    ),
    "iou": lambda b: b.compute_iou(POSITIVE, OTHERS, "xywh"),
    "iou of a set": lambda b: b.compute_iou(POSITIVE, OTHERS[0], "xyxy"),
    "iou of sets": lambda b: b.compute_iou(POSITIVE[0], OTHERS[0], "center_yxhw"),
    "iou relative": lambda b: b.compute_iou(
        POSITIVE / 9, OTHERS / 9, "rel_yxyx", image_shape=(8, 9, 3)
    ),
    "iou masked": lambda b: b.compute_iou(
        POSITIVE - 5, OTHERS - 5, "xyxy", use_masking=True, mask_val=-2
    ),
    "ciou": lambda b: b.compute_ciou(POSITIVE[:, :3], OTHERS, "xywh"),
    "encode": lambda b: b.encode_box_to_deltas(
        POSITIVE[0], POSITIVE, "xywh", "xywh", variance=[0.1, 0.1, 0.2, 0.2]
    ),
    "decode": lambda b: b.decode_deltas_to_boxes(
        POSITIVE[0], POSITIVE / 9, "xywh", "rel_xyxy", "center_xywh", [1, 1, 2, 2], (8, 9, 3)
    ),
    "decode levels": lambda b: b.decode_deltas_to_boxes(
        {1: POSITIVE[0]}, {1: minikeras.ops.convert_to_numpy(POSITIVE / 9)}, "xywh", "xyxy"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls(call):
    assert_same(call)


REFUSED = {
    "format": lambda e: e.utils.bounding_boxes.convert_format(POSITIVE, "xyxy", "abc"),
    "no size": lambda e: e.utils.bounding_boxes.convert_format(POSITIVE, "xyxy", "rel_xyxy"),
    "no boxes": lambda e: e.utils.bounding_boxes.convert_format(PIXELS, "xyxy", "xywh"),
    "crop": lambda e: e.utils.bounding_boxes.crop(CORNERS, 1, 1, 4, 4, bounding_box_format="xywh"),
    "clip": lambda e: e.utils.bounding_boxes.clip_to_image_size(BOXES),
    "iou rank": lambda e: e.utils.bounding_boxes.compute_iou(POSITIVE[0, 0], OTHERS, "xyxy"),
    "ciou": lambda e: e.utils.bounding_boxes.compute_ciou(POSITIVE, POSITIVE, "rel_xyxy"),
    "variance": lambda e: e.utils.bounding_boxes.encode_box_to_deltas(
        POSITIVE, POSITIVE, "xyxy", "xyxy", variance=[1.0]
    ),
    "encoding": lambda e: e.utils.bounding_boxes.encode_box_to_deltas(
        POSITIVE, POSITIVE, "xyxy", "xyxy", encoding_format="xyxy"
    ),
    "factor": lambda e: e.layers.RandomContrast(2.0),
    "factors": lambda e: e.layers.RandomRotation((1, 2, 3)),
    "no number": lambda e: e.layers.RandomBrightness("a"),
    "zoom": lambda e: e.layers.RandomZoom(-1.0),
    "shear": lambda e: e.layers.RandomShear(-0.1),
    "solarization": lambda e: e.layers.Solarization(2.0),
    "probability": lambda e: e.layers.RandomGrayscale(2.0),
    "even kernel": lambda e: e.layers.RandomGaussianBlur(kernel_size=4),
    "range": lambda e: e.layers.RandomBrightness(0.5, value_range=3),
    "no factor": lambda e: e.layers.Resizing(2, 3, factor=0.5),
    "fill mode": lambda e: e.layers.RandomRotation(0.1, fill_mode="abc"),
    "interpolation": lambda e: e.layers.RandomPerspective(interpolation="abc"),
    "scale": lambda e: e.layers.RandomPerspective(scale=2.0),
    "rank": lambda e: e.layers.RandomFlip()(PIXELS[0, 0]),
    "no format of boxes": lambda e: e.layers.RandomRotation(0.1)(
        {"images": PIXELS, "bounding_boxes": BOXES}
    ),
    "boxes without labels": lambda e: e.layers.RandomRotation(0.1, bounding_box_format="xyxy")(
        {"images": PIXELS, "bounding_boxes": {"boxes": CORNERS}}
    ),
    "mixed boxes": lambda e: e.layers.CutMix(bounding_box_format="xyxy")(
        {"images": PIXELS, "bounding_boxes": BOXES}
    ),
    "channels": lambda e: e.layers.RandomColorDegeneration(0.1)(e.Input((4, 4, 2))),
    "pipeline": lambda e: e.layers.Pipeline.from_config({"layers": None}),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_refused(call):
    with pytest.raises((ValueError, NotImplementedError)) as theirs:
        call(keras)
    with pytest.raises(type(theirs.value), match=r"\w"):
        call(minikeras)


def test_a_config_that_keras_cannot_read():
    theirs = keras.layers.RandomShear(0.4, 0.2, seed=3)
    with pytest.raises(TypeError, match="in the range"):
        keras.layers.RandomShear.from_config(theirs.get_config())
    ours = minikeras.layers.RandomShear.from_config(theirs.get_config())
    assert (ours.x_factor, ours.y_factor) == ((-0.4, 0.4), (-0.2, 0.2))
    assert_alike("RandomShear(0.4, 0.2, seed=3)", PIXELS)


def test_a_layer_of_tensorflows_graph_says_what_to_do():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(PIXELS)
    with pytest.raises(TypeError, match=re.escape("`tf.data.Dataset` cannot `map` it")):
        data.map(minikeras.layers.RandomFlip())
    eager = minikeras.layers.RandomFlip(seed=3)(tf.constant(PIXELS))
    np.testing.assert_array_equal(eager, minikeras.layers.RandomFlip(seed=3)(PIXELS))
