"""MobileNet: depthwise separable convolutions, for devices with little memory."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import (
    rows_and_columns,
    signed_channel_axis,
    trained_size,
    usual_size,
)
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_SIZES = (128, 160, 192, 224)
_ALPHAS = {0.25: "2_5", 0.50: "5_0", 0.75: "7_5", 1.0: "1_0"}  # as the files are named
# Filters and strides of each block.
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


def _mobilenet(arguments, alpha, depth_multiplier, dropout):
    """A network of separable convolutions: each channel alone, then across channels.

    Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications", 2017, arXiv:1704.04861.
    """
    shape = arguments.input_shape
    x = arguments.image(usual_size(shape, _SIZES, 224) if shape else 224, min_size=32)
    rows = _check_trained(arguments, alpha, depth_multiplier)
    arguments.name = arguments.name or f"mobilenet_{alpha:0.2f}_{rows}"
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(
        x
    )
    x = _normalized(x, "conv1")
    for i, (filters, strides) in enumerate(_BLOCKS, start=1):
        x = _block(x, int(filters * alpha), depth_multiplier, strides, i)
    if arguments.include_top:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(arguments.classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((arguments.classes,), name="reshape_2")(x)
        x = layers.Activation(arguments.top_activation(), name="predictions")(x)
    else:
        x = arguments.pooled(x)
    return arguments.model(x, _trained(alpha, rows))


def _check_trained(arguments, alpha, depth_multiplier):
    """Return the height of the images in the model's name, and check what weights there are for."""
    if not arguments.for_imagenet:
        return rows_and_columns(arguments.input_shape)[0]
    if depth_multiplier != 1 or alpha not in _ALPHAS:
        raise ValueError(
            f"With `weights='imagenet'`, `alpha` must be one of {list(_ALPHAS)} and "
            f"`depth_multiplier` 1. Received: alpha={alpha}, depth_multiplier={depth_multiplier}"
        )
    return trained_size(arguments.input_shape, _SIZES)


def _trained(alpha, rows):
    name = f"mobilenet_{_ALPHAS.get(alpha)}_{rows}_tf"
    files = (f"{name}.h5", f"{name}_no_top.h5")
    return TrainedWeights("tensorflow/keras-applications/mobilenet/", files)


def _block(x, filters, depth_multiplier, strides, i):
    if strides > 1:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        depth_multiplier=depth_multiplier,
        use_bias=False,
        name=f"conv_dw_{i}",
    )(x)
    x = _normalized(x, f"conv_dw_{i}")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{i}")(x)
    return _normalized(x, f"conv_pw_{i}")


def _normalized(x, name):
    x = layers.BatchNormalization(signed_channel_axis(), name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


(MobileNet,) = variants(
    _mobilenet,
    {"MobileNet": {"name": None, "count": 4_253_864}},
    parameters=(
        *("input_shape", "alpha", "depth_multiplier", "dropout", "include_top", "weights"),
        *("input_tensor", "pooling", "classes", "classifier_activation", "name"),
    ),
    alpha=1.0,
    depth_multiplier=1,
    dropout=1e-3,
)
preprocess_input = preprocessing(__name__, "tf")
