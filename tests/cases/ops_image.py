"""Rows for images: sizes, transformations, colors, margins, filters."""

import math

import numpy as np

from tests.cases.case import Case, Values, exactly, f16, f32, floats, i32, positive, u8

IMAGE, BATCH = f32(5, 7, 3), f32(2, 5, 7, 3)
FIRST = f32(2, 3, 5, 7)


def colors(*shape):
    """Numbers in (0.25, 1) without ties: which color is the largest is sure."""

    def draw(rng, shape):
        count = math.prod(shape)
        return ((rng.permutation(count) + 0.5) / count * 0.75 + 0.25).reshape(shape)

    return Values(shape, "float32", draw, f"colors{shape}".replace(" ", ""))


COLORS = colors(2, 3, 4, 3)

# An affine transform, one with a denominator that varies, and one that takes pixels far outside.
TURN = [0.75, 0.5, -1.25, -0.375, 1.125, 1.5, 0.0, 0.0]
TILT = [1.0, 0.25, -0.5, 0.125, 0.75, 0.25, 0.03125, 0.015625]
FAR = [3.0, 0.5, -9.25, -0.75, 4.0, -11.5, 0.0, 0.0]
TRANSFORMS = {
    "turn": np.array(TURN, "float32"),
    "tilt": np.array(TILT, "float32"),
    "far": np.array(FAR, "float32"),
}

START = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 4.0], [6.0, 4.0]], "float32")
END = np.array([[1.0, 0.5], [5.0, 1.0], [0.5, 3.5], [6.5, 4.5]], "float32")

RESIZED = [(3, 4), (9, 5)]
KERNELS = ("bilinear", "bicubic", "lanczos3", "lanczos5", "area")

INDICES = [i32(2, batch, 4, low=0, high=6) for batch in (1, 2)]

CASES = [
    *[
        case
        for index in INDICES
        for case in (
            Case("image.lookups.weighted_rows", [f32(2, 6, 3), f32(2, 1, 4), index], reduction=2),
            Case(
                "image.lookups.spread_rows",
                [f32(2, 4, 3), f32(2, 2, 4), index],
                {"size": 6},
                reduction=8,
            ),
            Case("image.lookups.row_products", [f32(2, 4, 3), f32(2, 6, 3), index], reduction=3),
        )
    ],
    *[
        Case(
            "image.resize",
            [BATCH, size],
            {"interpolation": kernel},
            reduction=120,
            keras_orders=0 if kernel == "area" else 2,
        )
        for kernel in KERNELS
        for size in RESIZED
    ],
    *[
        Case(
            "image.resize",
            [BATCH, size],
            {"interpolation": kernel, "antialias": True},
            reduction=120,
        )
        for kernel in KERNELS[:-1]
        for size in RESIZED
    ],
    *[Case("image.resize", [BATCH, size], {"interpolation": "nearest"}) for size in RESIZED],
    Case("image.resize", [IMAGE, (4, 4)], reduction=4),
    Case("image.resize", [BATCH, (5, 7)]),
    Case("image.resize", [FIRST, (4, 4)], {"data_format": "channels_first"}, reduction=4),
    Case("image.resize", [f32(3, 5, 7), (4, 4)], {"data_format": "channels_first"}, reduction=4),
    *[
        Case("image.resize", [images, size], {option: True}, reduction=4)
        for option in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
        for images, size in ((BATCH, (4, 4)), (IMAGE, (3, 8)), (BATCH, (8, 3)))
    ],
    Case(
        "image.resize",
        [BATCH, (6, 3)],
        {"pad_to_aspect_ratio": True, "fill_value": 1.5},
        reduction=4,
    ),
    *[
        Case("image.resize", [images, (3, 9)], {"interpolation": kernel})
        for images in (u8(4, 5, 3, high=256), i32(4, 5, 3, low=-90, high=90), f16(4, 5, 3))
        for kernel in ("nearest", "bilinear", "bicubic", "lanczos3")
    ],
    Case("image.resize", [u8(4, 5, 3, high=256), (2, 5)], {"interpolation": "area"}),
    *[
        Case("image.resize", [images, size], kwargs, raises=ValueError)
        for images, size, kwargs in [
            (f32(5, 7), (2, 2), {}),
            (IMAGE, (2,), {}),
            (IMAGE, (0, 2), {}),
            (IMAGE, (2, 2), {"interpolation": "linear"}),
            (IMAGE, (2, 2), {"fill_mode": "wrap"}),
            (IMAGE, (2, 2), {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}),
        ]
    ],
    *[
        Case(
            "image.affine_transform",
            [BATCH, TRANSFORMS[name]],
            {"interpolation": interpolation, "fill_mode": mode, "fill_value": 0.5},
            note=name,
            reduction=4,
        )
        for name in TRANSFORMS
        for interpolation in ("bilinear", "nearest")
        for mode in ("constant", "nearest", "wrap", "reflect")
    ],
    Case("image.affine_transform", [BATCH, exactly(TURN)], reduction=4, smooth=False),
    Case("image.affine_transform", [BATCH, exactly([TURN, FAR])], reduction=4, smooth=False),
    Case("image.affine_transform", [IMAGE, np.array(TILT, "float32")], reduction=4),
    Case(
        "image.affine_transform",
        [FIRST, np.array([TURN, TILT], "float32")],
        {"data_format": "channels_first"},
        reduction=4,
    ),
    *[
        Case("image.affine_transform", [images, np.array(TILT, "float32")], {"fill_value": 7})
        for images in (u8(4, 5, 3, high=256), i32(4, 5, 3, low=-90, high=90), f16(4, 5, 3))
    ],
    *[
        Case("image.affine_transform", [images, transform], kwargs, raises=ValueError)
        for images, transform, kwargs in [
            (f32(5, 7), f32(8), {}),
            (BATCH, f32(7), {}),
            (BATCH, f32(1, 1, 8), {}),
            (BATCH, f32(3, 8), {}),
            (BATCH, f32(8), {"interpolation": "bicubic"}),
            (BATCH, f32(8), {"fill_mode": "mirror"}),
        ]
    ],
    *[
        Case(
            "image.perspective_transform",
            [BATCH, START, END],
            {"interpolation": interpolation, "fill_value": value},
            reduction=4,
        )
        for interpolation in ("bilinear", "nearest")
        for value in (0, 2.5)
    ],
    Case(
        "image.perspective_transform",
        [BATCH, np.stack([START, END]), np.stack([END, START])],
        reduction=4,
    ),
    Case(
        "image.perspective_transform",
        [IMAGE, exactly(START), exactly(END)],
        reduction=4,
        smooth=False,
    ),
    Case(
        "image.perspective_transform",
        [FIRST, START, END],
        {"data_format": "channels_first"},
        reduction=4,
    ),
    *[
        Case("image.perspective_transform", inputs, raises=ValueError)
        for inputs in (
            [f32(5, 7), f32(4, 2), f32(4, 2)],
            [BATCH, f32(3, 2), f32(4, 2)],
            [BATCH, f32(1, 4, 2), f32(4, 2)],
        )
    ],
    *[
        Case(
            "image.map_coordinates",
            [f32(4, 5), floats(2, 3, 2, low=low, high=high), order],
            {"fill_mode": mode, "fill_value": 0.5},
            reduction=4,
            note=f"up to {high}",
        )
        for low, high in ((0.0, 2.9), (-9.0, 9.0))
        for order in (0, 1)
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    ],
    Case("image.map_coordinates", [f32(5), floats(1, 4, low=0.0, high=4.0), 1], reduction=2),
    Case(
        "image.map_coordinates",
        [f32(3, 4, 2), floats(3, 5, low=0.0, high=1.0), 1],
        reduction=8,
    ),
    Case("image.map_coordinates", [u8(4, 5, high=200), floats(2, 6, low=0.0, high=3.0), 1]),
    Case("image.map_coordinates", [u8(4, 5, high=200), i32(2, 6, low=0, high=4), 0]),
    Case("image.map_coordinates", [f32(1), floats(1, 4), 1], {"fill_mode": "mirror"}, note="one"),
    *[
        Case("image.map_coordinates", inputs, raises=error)
        for inputs, error in (
            ([f32(4, 5), f32(3, 6), 1], ValueError),
            ([f32(4, 5), f32(2), 1], ValueError),
            ([f32(4, 5), f32(2, 6), 2], NotImplementedError),
            ([f32(4, 5), f32(2, 6), 1, "edge"], ValueError),
        )
    ],
    Case("image.rgb_to_grayscale", [COLORS], reduction=3),
    Case("image.rgb_to_grayscale", [f32(4, 5, 3)], reduction=3),
    Case("image.rgb_to_grayscale", [f32(4, 5, 1)]),
    Case("image.rgb_to_grayscale", [u8(4, 5, 3, high=256)]),
    Case("image.rgb_to_grayscale", [FIRST, "channels_first"], reduction=3),
    Case("image.rgb_to_grayscale", [f32(4, 5, 2)], raises=ValueError),
    Case("image.rgb_to_grayscale", [f32(4, 5)], raises=ValueError),
    Case("image.color._hsv_of_rgb", [COLORS], reduction=4),
    Case("image.color._rgb_of_hsv", [COLORS], reduction=4, orders=0),
    *[
        case
        for name, orders in (("image.rgb_to_hsv", 2), ("image.hsv_to_rgb", 0))
        for case in (
            Case(name, [COLORS], reduction=4, keras_orders=orders and 1),
            Case(name, [colors(3, 4, 3)], reduction=4, keras_orders=orders and 1),
            Case(
                name,
                [colors(2, 3, 4, 5), "channels_first"],
                reduction=4,
                keras_orders=orders and 1,
            ),
            Case(
                name,
                [exactly([[[0, 0, 0], [1, 1, 1], [1, 0.5, 0.5], [0.5, 1, 1], [0.25, 0.25, 0]]])],
                reduction=4,
                smooth=False,
                orders=0,
                note="gray",
            ),
            Case(name, [u8(4, 5, 3)], raises=ValueError),
            Case(name, [f32(4, 5, 4)], raises=ValueError),
            Case(name, [f32(4, 3)], raises=ValueError),
        )
    ],
    Case("image.pad_images", [BATCH, 1, 2, 3, 0]),
    Case("image.pad_images", [IMAGE, 1, None, None, 0], {"target_height": 8, "target_width": 9}),
    Case(
        "image.pad_images",
        [u8(2, 3, 5, 7)],
        {
            "bottom_padding": 1,
            "left_padding": 2,
            "target_height": 8,
            "target_width": 9,
            "data_format": "channels_first",
        },
    ),
    Case("image.crop_images", [BATCH, 1, 2, 0, 3]),
    Case("image.crop_images", [IMAGE, 1, None, None, 2], {"target_height": 3, "target_width": 2}),
    Case(
        "image.crop_images",
        [u8(2, 3, 5, 7)],
        {
            "bottom_cropping": 1,
            "left_cropping": 2,
            "target_height": 2,
            "target_width": 3,
            "data_format": "channels_first",
        },
    ),
    *[
        Case(f"image.{name}_images", [images, *numbers], raises=ValueError)
        for name in ("pad", "crop")
        for images, numbers in (
            (BATCH, (1, 2, 3)),
            (BATCH, (1, 2, 3, 0, 9)),
            (BATCH, (-1, 2, 3, 0)),
            (BATCH, (1, 2, None, 0, 5 if name == "pad" else 6)),
            (f32(5, 7), (1, 2, 1, 0)),
        )
    ],
    Case("image.gaussian_blur", [BATCH], reduction=9),
    Case("image.gaussian_blur", [IMAGE, (5, 5), (0.5, 2.0)], reduction=25),
    Case("image.gaussian_blur", [BATCH, (4, 4), (1.5, 1.0)], reduction=16),
    Case("image.gaussian_blur", [BATCH, (3, 5), (1.5, 1.5)], reduction=15),
    Case(
        "image.gaussian_blur",
        [BATCH, (3, 3), exactly([0.75, 1.25])],
        reduction=9,
        symbolic=False,
    ),
    Case("image.gaussian_blur", [FIRST, (3, 3)], {"data_format": "channels_first"}, reduction=9),
    Case("image.gaussian_blur", [u8(4, 5, 3)], raises=ValueError),
    Case("image.gaussian_blur", [f32(4, 5)], raises=ValueError),
    *[
        Case(
            "image.elastic_transform",
            [BATCH],
            {"alpha": 2.0, "sigma": 1.5, "interpolation": kernel, "fill_mode": mode, "seed": 3},
            reduction=120,
            keras_orders=0,
        )
        for kernel in ("bilinear", "nearest")
        for mode in ("constant", "nearest", "wrap", "reflect")
    ],
    Case(
        "image.elastic_transform",
        [IMAGE],
        {"seed": 3, "fill_mode": "nearest"},
        reduction=120,
        keras_orders=0,
    ),
    Case(
        "image.elastic_transform",
        [FIRST],
        {"seed": 3, "fill_mode": "wrap", "data_format": "channels_first"},
        reduction=120,
        keras_orders=0,
    ),
    Case("image.elastic_transform", [u8(4, 5, 3)], raises=ValueError),
    *[
        Case("image.extract_patches", [images, size], kwargs)
        for images, size, kwargs in [
            (BATCH, 2, {}),
            (IMAGE, (2, 3), {"strides": 1, "padding": "same"}),
            (BATCH, (3, 2), {"strides": (2, 1), "padding": "same"}),
            (BATCH, 2, {"strides": 1, "dilation_rate": 2}),
            (FIRST, 2, {"data_format": "channels_first"}),
            (f32(3, 4, 5, 2), (2, 2, 3), {"strides": 1}),
        ]
    ],
    Case("image.extract_patches", [i32(4, 5, 3), 2], {"strides": 1}),
    # Its node is one of `extract_patches`.
    Case("image.extract_patches_3d", [f32(2, 3, 4, 5, 2), 2], symbolic=False),
    Case(
        "image.extract_patches_3d",
        [f32(3, 4, 5, 2), (1, 2, 3)],
        {"padding": "same"},
        symbolic=False,
    ),
    *[
        Case("image.extract_patches", [images, size], raises=error)
        for images, size, error in (
            (BATCH, 2.5, TypeError),
            (BATCH, (1, 2, 3, 4), ValueError),
            (f32(5, 7), 2, ValueError),
        )
    ],
    *[
        Case(
            "image.scale_and_translate",
            [f32(2, 5, 7, 3), (2, 4, 9, 3), positive(2), f32(2), (1, 2), method],
            {"antialias": antialias},
            reduction=216,  # as many new pixels depend on one factor
            orders=1,
            keras_orders=1,
        )
        for method in ("linear", "cubic", "lanczos3", "lanczos5")
        for antialias in (True, False)
    ],
    Case(
        "image.scale_and_translate",
        [f32(6), (9,), exactly([2.5]), exactly([-1.25]), (0,), "trilinear"],
        reduction=6,
        smooth=False,
    ),
    *[
        Case("image.scale_and_translate", inputs, raises=ValueError)
        for inputs in (
            [f32(6), (9,), f32(1), f32(1), (0,), "nearest"],
            [f32(6, 6), (9, 9), f32(1), f32(2), (0, 1), "linear"],
        )
    ],
    Case("image.sobel_edges", [BATCH], reduction=8),
    Case("image.sobel_edges", [FIRST, "channels_first"], reduction=8),
    Case("image.sobel_edges", [IMAGE], raises=ValueError),
    Case("image.sobel_edges", [u8(2, 4, 5, 3)], raises=ValueError),
    Case("image.ssim", [COLORS, colors(2, 3, 4, 3)], {"filter_size": 3}, reduction=81),
    Case("image.ssim", [colors(5, 6, 2), colors(5, 6, 2)], {"filter_size": 5}, reduction=81),
    Case(
        "image.ssim",
        [colors(2, 3, 4, 5), colors(2, 3, 4, 5)],
        {"filter_size": 3, "max_val": 2.0, "data_format": "channels_first"},
        reduction=81,
    ),
    Case("image.ssim", [IMAGE, IMAGE], raises=ValueError),
    Case("image.ssim", [f32(4, 5), f32(4, 5)], raises=ValueError),
]
