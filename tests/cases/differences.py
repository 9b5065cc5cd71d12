"""Where ops are meant to differ from Keras on TensorFlow, and what TensorFlow has no kernel for.

Each entry is a pattern that whole row ids match, what it says of those rows, and why. Every entry
must match a row, and a test sees to it that the difference is still there. The same list, for
readers, is a table in docs/numerics.md.
"""

import re

_SPECIAL = re.escape("float32[0.0,-0.0,1.0,-1.0,inf,-inf,nan]")

# Pattern, where the difference shows (see `Case.differs_in`), and the reason.
DIFFERENCES = [
    (
        r"(sigmoid|softplus|silu)\(int32.*|(log_)?softmax\(int32.*|reciprocal\(int32.*",
        "refused",
        "integers become floats, as in the other float functions",
    ),
    (r"negative\(uint8.*", "refused", "wraps around, as in NumPy"),
    (
        r"(arctan2|logaddexp|hypot|mod)\(float16\(3,\),0.5\)",
        "value",
        "a Python number takes the tensor's dtype in every op; Keras makes it float32 in some",
    ),
    (r"pad\(float32\(3,4\),(1|\[1,2\])\)", "refused", "one width for all sides, as in NumPy"),
    (r"norm\(float32\(2,3,4\)\)", "refused", "the norm of all numbers, as in NumPy"),
    (
        r"rot90\(.*k=2\)",
        "value",
        "half a turn flips both axes; Keras fills the shape in another order",
    ),
    (r"unravel_index\(int32\[\[.*", "value", "Keras transposes indices of more than one axis"),
    (
        r"saturate_cast\(float32\[inf.*",
        "value",
        "infinity becomes the largest number that float32 "
        "has below the limit; TensorFlow wraps around to the smallest",
    ),
    (r"round\(float32\[.*decimals=-1\)", "float64", "TensorFlow holds the factor in float32"),
    (r"logaddexp\(.*:tie", "gradient", "the gradient of a tie is shared, as calculus says"),
    (r"prod\(float32\[0.0,.*", "second", "TensorFlow's second gradient is wrong at zeros"),
    (r"clip\(int32\(5,\),-2,3.5\)", "refused", "promotes the bounds with the tensor"),
    (r"take\(.*uint8.*", "refused", "any integer type is an index"),
    (r"segment_.*sorted=True\)", "refused", "ids may be sorted and their number known"),
    (r"prod\(.*dtype=float32\)", "value", "Keras multiplies in the dtype but casts back"),
    (r"argpartition\(.*", "value", "any order on either side of the kth place is right"),
    (r"logspace\(.*dtype=int32\)", "value", "Keras rounds the exponents, not the numbers"),
    (r"eye\(2,4,k=1\)", "value", "Keras's result has other shapes than the one asked for"),
    (r"conv\(float32\(0,.*", "value", "TensorFlow returns an empty batch with the input's sizes"),
    (rf"i0\({_SPECIAL}\)", "value", "I0 of infinity is infinite; TensorFlow says NaN"),
    (rf"erf\({_SPECIAL}\)", "float64", "erf of infinity is 1; TensorFlow's float64 kernel is off"),
    (
        r"leaky_relu\(float..\((3,4|4,|11,|6,)\).*",
        "float64",
        "TensorFlow holds the slope in float32",
    ),
    (
        r"gelu\((float32\((3,4)?\)|float16).*|gelu\(.*,approximate=False\)",
        "float64",
        "TensorFlow holds the constants in float32",
    ),
    (r"gelu\(float32\(11,\)\)", "gradient", "TensorFlow holds the constants in float32"),
    (r"dot_product_attention\(.*scale=0.3\)", "float64", "Keras rounds the scale to float32"),
    (r"logaddexp2\(float32\(3,4\),float32\(3,4\)\)", "float64", "Keras rounds log 2 to float32"),
    (r"i0\(float32\[0.0,1.0,9.0,-20.0\]\)", "second", "TensorFlow's I1 has float32 digits"),
    (r"sinc\(float32\[0.0,.*", "gradient", "the derivative at 0 is 0"),
    (
        r"image\.(affine|perspective)_transform\(float32\(.*",
        "gradient",
        "TensorFlow sends the gradient through the inverse transform, which is not the derivative",
    ),
    (
        r"image\.map_coordinates\(.*fill_mode=reflect.*:up to 9.0|"
        r"image\.elastic_transform\(.*bilinear,fill_mode=reflect.*",
        "value",
        "the first element is repeated before the axis, as the documentation of the mode says",
    ),
    (
        r"image\.gaussian_blur\(.*,\[3,5\],.*",
        "value",
        "TensorFlow's kernel of different sizes has its weights out of order",
    ),
    (
        r"image\.map_coordinates\(.*fill_mode=mirror.*:(up to 9.0|one)",
        "refused",
        "mirrors coordinates beyond the last element, too",
    ),
    (
        r"(moments|layer_normalization)\(.*",
        "second",
        "TensorFlow holds the mean inside the variance constant: right once, wrong twice",
    ),
    (
        r"categorical_crossentropy\(.*from_logits=True.*",
        "second",
        "TensorFlow's gradient w.r.t. logits does not lead back to the targets",
    ),
]

# Pattern, and what Keras and TensorFlow have on a CPU for these rows.
MISSING = [
    # TensorFlow computes these in float32, whatever the dtype of the images is.
    (r"image\.resize\(float.*", {"float_types": ("float32",)}),
    (r"image\.(affine|perspective)_transform\(.*", {"float_types": ("float32",)}),
    # The gradients of transforms of another length do not fit in TensorFlow.
    (r"rfft\(.*fft_length=[34]\)|irfft\(.*fft_length=[45]\)", {"keras_orders": 0}),
    (r"image\.extract_patches\(.*channels_first\)", {"float_types": ("float32",)}),
    (r"image\.resize\(.*interpolation=bicubic\)", {"keras_orders": 1}),
    (r"(max|average)_pool\(float32\(4,4,4,5,2\).*", {"float_types": ("float32",)}),
    (r"in_top_k\(.*", {"float_types": ("float32",)}),
    (r"conv(_transpose)?\(.*channels_first\)", {"float_types": ("float32",)}),
    (r"conv_transpose\(.*dilation_rate=2\)", {"float_types": ("float32",)}),
    (r"slice_update\(.*", {"keras_orders": 0}),
    (r"softsign\(.*", {"keras_orders": 1}),
    (r"adaptive_.*pool\(float32\((2,7,3|2,3,5,6)\).*", {"keras_symbolic": False}),
    (r"hypot\(float16.*", {"keras_symbolic": False}),
    (
        r"heaviside\(.*0.5\)|hstack\(\[float32\(3,\).*|get_item\(.*slice\(1,1,None\)\)|ndim.*",
        {"keras_symbolic": False},
    ),
    (r"conv\(float32\(4,5,6,4\).*", {"keras_symbolic": False}),
]


def annotate(case):
    """Return the row with what the lists above say of it."""
    for pattern, where, reason in DIFFERENCES:
        if re.fullmatch(pattern, case.id):
            case = case.but(differs=reason, differs_in=where)
    for pattern, changes in MISSING:
        if re.fullmatch(pattern, case.id):
            case = case.but(**changes)
    return case
