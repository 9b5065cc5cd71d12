"""MobileNet V2: blocks that widen, look at each channel alone, and narrow again."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import (
    channels_of,
    check_input_tensor,
    padding_before_stride,
    rows_and_columns,
    signed_channel_axis,
    trained_size,
    usual_size,
)
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants
from minikeras.applications.shared.widths import multiple_of_8
from minikeras.autograd.symbolic import is_keras_tensor

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_SIZES = (96, 128, 160, 192, 224)
_ALPHAS = (0.35, 0.50, 0.75, 1.0, 1.3, 1.4)
# Expansion, filters, number of blocks, and strides of the first of them.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _mobilenet_v2(arguments, alpha):
    """A residual network whose blocks are wide inside and narrow, without activation, at the ends.

    Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
    arXiv:1801.04381.
    """
    check_input_tensor(arguments.input_shape, arguments.input_tensor)
    x = arguments.image(_default_size(arguments), min_size=32)
    rows = _check_trained(arguments, alpha)
    arguments.name = arguments.name or f"mobilenetv2_{alpha:0.2f}_{rows}"
    x = layers.Conv2D(
        multiple_of_8(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"
    )(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(_batch_norm(x, "bn_Conv1"))
    i = 0
    for expansion, filters, count, strides in _STAGES:
        for j in range(count):
            width = multiple_of_8(int(filters * alpha))
            x = _block(x, expansion, width, strides if j == 0 else 1, i)
            i += 1
    # The last convolution widens with the others, but does not narrow with them.
    x = layers.Conv2D(multiple_of_8(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    x = layers.ReLU(6.0, name="out_relu")(_batch_norm(x, "Conv_1_bn"))
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D()(x))
    else:
        x = arguments.pooled(x)
    return arguments.model(x, _trained(alpha, rows))


def _default_size(arguments):
    if arguments.input_shape is not None:
        return usual_size(arguments.input_shape, _SIZES, 224)
    if is_keras_tensor(arguments.input_tensor):
        return usual_size(arguments.input_tensor.shape[1:], _SIZES, 224)
    return 224


def _check_trained(arguments, alpha):
    """Return the height of the images in the model's name, and check what weights there are for."""
    if not arguments.for_imagenet:
        return rows_and_columns(arguments.input_shape)[0]
    if alpha not in _ALPHAS:
        raise ValueError(
            f"With `weights='imagenet'`, `alpha` must be one of {_ALPHAS}. Received: alpha={alpha}"
        )
    return trained_size(arguments.input_shape, _SIZES)


def _trained(alpha, rows):
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}"
    files = (f"{name}.h5", f"{name}_no_top.h5")
    return TrainedWeights("tensorflow/keras-applications/mobilenet_v2/", files)


def _block(x, expansion, filters, strides, i):
    inputs, channels = x, channels_of(x)
    name = f"block_{i}" if i else "expanded_conv"
    if i:
        x = layers.Conv2D(
            expansion * channels, 1, padding="same", use_bias=False, name=f"{name}_expand"
        )(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(_batch_norm(x, f"{name}_expand_BN"))
    if strides > 1:
        x = layers.ZeroPadding2D(padding_before_stride(x, 3), name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=strides,
        use_bias=False,
        padding="same" if strides == 1 else "valid",
        name=f"{name}_depthwise",
    )(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_batch_norm(x, f"{name}_depthwise_BN"))
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _batch_norm(x, f"{name}_project_BN")
    if strides == 1 and channels == filters:
        return layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _batch_norm(x, name):
    return layers.BatchNormalization(signed_channel_axis(), momentum=0.999, name=name)(x)


(MobileNetV2,) = variants(
    _mobilenet_v2,
    {"MobileNetV2": {"name": None, "count": 3_538_984}},
    parameters=(
        *("input_shape", "alpha", "include_top", "weights", "input_tensor", "pooling"),
        *("classes", "classifier_activation", "name"),
    ),
    alpha=1.0,
)
preprocess_input = preprocessing(__name__, "tf")
