"""Differences of ops."""

import subprocess
import sys

import numpy as np

from parity_tests.shown_differences import second_slopes, shows, slopes

INF = float("inf")


def _f(keras, values, dtype="float32"):
    return keras.ops.convert_to_tensor(np.array(values, dtype))


@shows("logaddexp")
def ties(keras):
    return slopes(keras, lambda x: keras.ops.logaddexp(x, _f(keras, [1.0], "float64")), [1.0])


@shows("hypot")
def equal_sides(keras):
    other = _f(keras, [INF], "float64")
    return slopes(keras, lambda x: keras.ops.hypot(x, other), [INF]), keras.ops.hypot(
        _f(keras, [INF]), _f(keras, [-INF])
    )


@shows("cbrt")
def root_of_zero(keras):
    return slopes(keras, keras.ops.cbrt, [0.0])


@shows("singular-matrices-logdet")
def singular(keras):
    return keras.ops.logdet(_f(keras, [[1.0, 1.0], [1.0, 1.0]]))


@shows("lstsq-columns-depend")
def dependent_columns(keras):
    return keras.ops.lstsq(_f(keras, np.zeros((3, 2))), _f(keras, [1.0, 2, 3]))


@shows("operators-between-tensors")
def by_an_unknown_size(keras):
    x = keras.Input((3,))
    return (x / keras.ops.shape(x)[0]).shape


@shows("long-doubles-complex")
def complex_numbers(keras):
    return keras.ops.real(keras.ops.convert_to_tensor(np.array([1j])))


@shows("sinc")
def at_zero(keras):
    return slopes(keras, keras.ops.sinc, [0.0])


@shows("erf-i0")
def at_infinity(keras):
    i0 = keras.ops.i0 if hasattr(keras.ops, "i0") else keras.ops.numpy.i0
    return i0(_f(keras, [INF], "float64"))


@shows("moments-layer_normalization-second")
def second_order_of_moments(keras):
    return second_slopes(keras, lambda x: keras.ops.moments(x, axes=[0])[1] ** 2, [1.0, 2.0, 4.0])


@shows("float64-constants")
def constants(keras):
    x = _f(keras, [-1.0, 0.3], "float64")
    return keras.ops.leaky_relu(x, 0.2), keras.ops.gelu(x)


@shows("python-numbers")
def weak_numbers(keras):
    return keras.ops.arctan2(_f(keras, [1.0], "float16"), 0.5)


@shows("as-numpy")
def half_a_turn(keras):
    return keras.ops.rot90(_f(keras, [[1.0, 2, 3], [4, 5, 6]]), k=2)


@shows("bounds")
def saturated(keras):
    return keras.ops.saturate_cast(_f(keras, [INF]), "int32")


@shows("prod-dtype")
def dtype_of_a_product(keras):
    return keras.ops.prod(_f(keras, [1, 2], "int32"), dtype="float32")


@shows("integers-erf-rsqrt")
def integers(keras):
    return keras.ops.sigmoid(_f(keras, [1, 2], "int32"))


@shows("strides-together-dilation")
def one_width(keras):
    return keras.ops.pad(_f(keras, [[1.0, 2.0]]), 1)


@shows("nonzero")
def places(keras):
    return keras.ops.nonzero(_f(keras, [0.0, 1.0]))


@shows("out-range-index")
def out_of_range(keras):
    return keras.ops.take(_f(keras, [0.0, 1.0]), 7)


@shows("conv-pooling-empty")
def empty_batch(keras):
    x = _f(keras, np.zeros((0, 5, 5, 1)))
    return keras.ops.conv(x, _f(keras, np.ones((3, 3, 1, 2)))).shape


@shows("image-float64")
def double_images(keras):
    x = _f(keras, np.arange(9.0).reshape(3, 3, 1) / 7, "float64")
    return keras.ops.image.resize(x, (2, 2))


@shows("transform-gradients")
def gradient_of_a_transform(keras):
    turn = _f(keras, [[0.8, -0.3, 0.4, 0.2, 1.1, 0.3, 0, 0]])

    def function(x):
        return keras.ops.image.affine_transform(x, turn) * x

    return slopes(keras, function, np.arange(16.0).reshape(1, 4, 4, 1), "float32")


@shows("map-coordinates")
def reflected(keras):
    x = _f(keras, [1.0, 2.0, 3.0])
    return keras.ops.image.map_coordinates(x, _f(keras, [[-1.0]]), order=1, fill_mode="reflect")


@shows("gaussian-blur")
def blurred(keras):
    x = _f(keras, np.eye(6)[None, :, :, None])
    return keras.ops.image.gaussian_blur(x, (3, 5), (1.0, 2.0))


@shows("gradients-rfft-irfft")
def gradient_of_a_cut(keras):
    return slopes(keras, lambda x: keras.ops.rfft(x, fft_length=4)[0], np.arange(6.0))


@shows("gradients-hsv_to_rgb-resizing")
def gradient_of_colours(keras):
    return slopes(keras, keras.ops.image.hsv_to_rgb, [[[[0.2, 0.5, 0.7]]]], "float32")


def _ctc(keras, logits, targets, targets_length, output_length, dtype="float32"):
    return keras.ops.ctc_loss(
        _f(keras, targets, "int32"),
        _f(keras, logits, dtype),
        _f(keras, targets_length, "int32"),
        _f(keras, output_length, "int32"),
        mask_index=0,
    )


@shows("ctc_loss-class-label")
def class_out_of_range(keras):
    return _ctc(keras, np.zeros((1, 4, 3)), [[7, 1]], [2], [4])


@shows("ctc-blank")
def last_class_is_blank(keras):
    logits = np.random.default_rng(0).normal(size=(1, 5, 3))
    return keras.ops.ctc_decode(
        _f(keras, logits), _f(keras, [5], "int32"), strategy="beam_search", mask_index=-1
    )


@shows("ctc_loss-infinite-logits")
def infinite_logits(keras):
    def function(x):
        lengths = [_f(keras, [n], "int32") for n in (1, 2)]
        return keras.ops.ctc_loss(_f(keras, [[1]], "int32"), x, *lengths, mask_index=0)

    logits = np.zeros((1, 4, 3))
    logits[0, 3, 2] = INF
    return slopes(keras, function, logits, "float32")


@shows("ctc-scores")
def scores(keras):
    logits = np.random.default_rng(0).normal(size=(1, 5, 3))
    lengths = _f(keras, [5], "int32")
    return keras.ops.ctc_decode(_f(keras, logits, "float64"), lengths, strategy="beam_search")[1]


@shows("gamma-binomial-impossible")
def impossible(keras):
    return keras.random.binomial((2,), _f(keras, [3.0, 3.0]), _f(keras, [1.5, -0.5]), seed=1)


@shows("rfft-length-0")
def no_length(keras):
    code = f"from {keras.__name__} import ops; ops.rfft(ops.ones(4), fft_length=0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    return done.returncode < 0
