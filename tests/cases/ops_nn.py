"""Rows for what networks are made of: convolution, pooling, normalization, losses, attention."""

from tests.cases.case import (
    Case,
    bools,
    distinct,
    each,
    exactly,
    f16,
    f32,
    i32,
    integers,
    positive,
    probabilities,
)

FIRST = {"data_format": "channels_first"}
LABELS = exactly([0, 3, 1], "int32")
IMAGE, VOLUME = distinct(4, 5, 6, 3), distinct(4, 4, 4, 5, 2)


def conv(inputs, kernel, reduction, name="conv", **kwargs):
    return Case(name, [inputs, kernel], kwargs, reduction=reduction)


CONVS = [
    conv(f32(4, 7, 3), f32(3, 3, 4), 9),
    conv(f32(4, 7, 3), f32(3, 3, 4), 9, strides=2, padding="same"),
    conv(f32(4, 7, 3), f32(2, 3, 4), 6, dilation_rate=2),
    conv(f32(4, 3, 7), f32(3, 3, 4), 9, **FIRST),
    conv(IMAGE, f32(3, 3, 3, 2), 27),
    conv(IMAGE, f32(1, 1, 3, 2), 3),
    conv(IMAGE, f32(3, 2, 3, 2), 18, padding="same"),
    conv(IMAGE, f32(3, 3, 3, 2), 27, strides=(2, 1), padding="same"),
    conv(IMAGE, f32(2, 2, 3, 2), 12, dilation_rate=2),
    conv(f32(4, 5, 6, 4), f32(3, 3, 2, 4), 18),
    conv(f32(4, 3, 5, 6), f32(3, 3, 3, 2), 27, padding="same", **FIRST),
    conv(f32(0, 5, 6, 3), f32(3, 3, 3, 2), 27),
    conv(VOLUME, f32(2, 2, 2, 2, 3), 16),
    conv(VOLUME, f32(3, 2, 2, 2, 2), 24, strides=2, padding="same"),
    conv(f32(4, 7, 3), f32(3, 4, 3), 9, "conv_transpose"),
    conv(f32(4, 7, 3), f32(3, 4, 3), 9, "conv_transpose", strides=2, padding="same"),
    conv(f32(4, 4, 4, 3), f32(3, 3, 2, 3), 27, "conv_transpose", strides=2),
    conv(
        f32(4, 4, 4, 3),
        f32(3, 3, 2, 3),
        27,
        "conv_transpose",
        strides=2,
        padding="same",
        output_padding=1,
    ),
    conv(f32(4, 4, 4, 3), f32(2, 2, 2, 3), 12, "conv_transpose", dilation_rate=2),
    conv(f32(4, 3, 4, 4), f32(3, 3, 2, 3), 27, "conv_transpose", padding="same", **FIRST),
    conv(f32(1, 3, 3, 3, 2), f32(2, 2, 2, 1, 2), 16, "conv_transpose", strides=2),
    conv(f32(4, 7, 3), f32(3, 3, 2), 3, "depthwise_conv"),
    conv(IMAGE, f32(3, 3, 3, 2), 9, "depthwise_conv", padding="same"),
    conv(IMAGE, f32(3, 3, 3, 1), 9, "depthwise_conv", strides=2, padding="same"),
    conv(IMAGE, f32(2, 2, 3, 1), 4, "depthwise_conv", dilation_rate=2),
    conv(f32(4, 3, 5, 6), f32(3, 3, 3, 2), 9, "depthwise_conv", **FIRST),
    Case("separable_conv", [IMAGE, f32(3, 3, 3, 2), f32(1, 1, 6, 4)], reduction=54),
    Case(
        "separable_conv",
        [IMAGE, f32(3, 3, 3, 1), f32(1, 1, 3, 2)],
        {"strides": 2, "padding": "same"},
        reduction=27,
    ),
    Case("separable_conv", [f32(2, 7, 3), f32(3, 3, 2), f32(1, 6, 4)], reduction=18),
]
POOLS = "max_pool average_pool"
POOLED = [
    *each(POOLS, distinct(2, 7, 3), 2, reduction=2),
    *each(POOLS, distinct(2, 7, 3), 3, kwargs={"strides": 2, "padding": "same"}, reduction=3),
    *each(POOLS, IMAGE, 2, reduction=4),
    *each(POOLS, IMAGE, (3, 2), kwargs={"strides": 1, "padding": "same"}, reduction=6),
    *each(POOLS, distinct(2, 3, 5, 6), 2, kwargs=FIRST, reduction=4),
    *each(POOLS, VOLUME, 2, reduction=8),
    Case("max_pool", [exactly([[[1.0], [1.0], [0.0], [0.0]]]), 2], smooth=False, orders=1),
    Case(
        "max_pool",
        [integers(1, 4, 4, 4, 1, low=0, high=2, dtype="float32"), 2],
        smooth=False,
        orders=1,
        float_types=("float32",),
    ),
    *each("adaptive_average_pool adaptive_max_pool", IMAGE, (2, 3), reduction=6),
    *each("adaptive_average_pool adaptive_max_pool", distinct(2, 7, 3), 3, reduction=4),
    *each(
        "adaptive_average_pool adaptive_max_pool",
        distinct(2, 3, 5, 6),
        2,
        kwargs=FIRST,
        reduction=9,
    ),
]
NORMALIZED = [
    Case("batch_normalization", [f32(4, 3), f32(3), positive(3), -1]),
    Case(
        "batch_normalization",
        [f32(4, 3, 2), f32(3), positive(3), 1],
        {"offset": f32(3), "scale": f32(3)},
    ),
    Case("batch_normalization", [f16(4, 3), f16(3), f16(3, low=0.5), -1], orders=1),
    Case("layer_normalization", [f32(3, 4)], reduction=4),
    Case("layer_normalization", [f32(3, 4), f32(4), f32(4)], reduction=4),
    Case("layer_normalization", [f32(2, 3, 4)], {"axis": (1, 2), "epsilon": 0.1}, reduction=12),
    Case("layer_normalization", [f32(2, 3, 4), f32(3), f32(3)], {"axis": 1}, reduction=3),
    Case("rms_normalization", [f32(3, 4)], reduction=4),
    Case("rms_normalization", [f32(2, 3, 4), f32(3, 4)], {"axis": (1, 2)}, reduction=12),
    Case("rms_normalization", [f16(3, 4)], orders=1, reduction=4),
]
LOSSES = [
    Case("categorical_crossentropy", [probabilities(3, 4), probabilities(3, 4)], reduction=4),
    Case(
        "categorical_crossentropy",
        [probabilities(3, 4), f32(3, 4)],
        {"from_logits": True},
        reduction=4,
    ),
    Case(
        "categorical_crossentropy",
        [probabilities(2, 4, 3, axis=1), f32(2, 4, 3)],
        {"from_logits": True, "axis": 1},
        reduction=4,
    ),
    Case("sparse_categorical_crossentropy", [LABELS, probabilities(3, 4)], reduction=4),
    Case(
        "sparse_categorical_crossentropy", [LABELS, f32(3, 4)], {"from_logits": True}, reduction=4
    ),
    Case("binary_crossentropy", [probabilities(3, 4), probabilities(3, 4)]),
    Case("binary_crossentropy", [probabilities(3, 4), f32(3, 4)], {"from_logits": True}),
    Case(
        "binary_crossentropy",
        [exactly([0.0, 1.0, 1.0, 0.0]), exactly([0.0, 1.0, 0.0, 1.0])],
        smooth=False,
        orders=1,
    ),
    Case("psnr", [f32(3, 4), f32(3, 4), 1.0], reduction=12),
]
Q = f32(2, 3, 2, 4)
ATTENTION = [
    Case("dot_product_attention", [Q, f32(2, 5, 2, 4), f32(2, 5, 2, 4)], reduction=20),
    Case("dot_product_attention", [Q, Q, Q], {"is_causal": True}, reduction=12),
    Case(
        "dot_product_attention", [Q, Q, Q], {"mask": bools(2, 2, 3, 3), "scale": 0.3}, reduction=12
    ),
    Case("dot_product_attention", [Q, Q, Q], {"bias": f32(2, 2, 3, 3)}, reduction=12),
]
CASES = [
    *CONVS,
    *POOLED,
    *NORMALIZED,
    *LOSSES,
    *ATTENTION,
    Case("dense", [f32(3, 4), f32(4, 2), f32(2)], reduction=4),
    Case("dense", [f32(2, 3, 4), f32(4, 2)], reduction=4),
    Case("dense", [i32(3, 4), f32(4, 2), f32(2)], reduction=4),
]
