"""The blocks of EfficientNet: inverted residuals whose channels are weighted."""

from minikeras import layers
from minikeras.applications.shared.inputs import (
    channel_axis,
    channels_of,
    image_shape,
    padding_before_stride,
)

ACTIVATION = "silu"
_SQUEEZED = 0.25  # the share of the block's input channels between squeezing and excitation
_SPREAD = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
_SPREAD_OF_CLASSIFIER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"},
}


def conv(x, filters, kernel, name, strides=1, padding="same", **options):
    """Return a convolution without bias, unless `options` say otherwise."""
    options = {"use_bias": False, **options}
    return layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding=padding,
        kernel_initializer=_SPREAD,
        name=f"{name}conv",
        **options,
    )(x)


def normalized(x, name, momentum, active=True):
    """Return `x` with batch normalization and, if `active`, the activation function."""
    x = layers.BatchNormalization(channel_axis(), momentum=momentum, name=f"{name}bn")(x)
    return layers.Activation(ACTIVATION, name=f"{name}activation")(x) if active else x


def depthwise(x, kernel, strides, name):
    """Return a depthwise convolution that is padded as TensorFlow's `"same"` is.

    With strides the padding is a layer of its own, the same for every size that is even.
    """
    if strides > 1:
        padding = padding_before_stride(x, kernel)
        x = layers.ZeroPadding2D(padding, name=f"{name}dwconv_pad")(x)
    return plain_depthwise(
        x, kernel, strides, f"{name}dwconv", padding="same" if strides == 1 else "valid"
    )


def plain_depthwise(x, kernel, strides, name, padding="same"):
    """Return a depthwise convolution without bias."""
    return layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        padding=padding,
        use_bias=False,
        depthwise_initializer=_SPREAD,
        name=name,
    )(x)


def weighted(x, channels_before, name):
    """Weight each channel of an image by what all of them have on average.

    Args:
        x: symbolic tensor, a batch of images.
        channels_before: int, the channels of the block's input, of which a quarter are left
            between the two convolutions.
        name: what the names of the layers begin with.
    """
    channels = channels_of(x)
    y = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    y = layers.Reshape(image_shape(1, 1, channels), name=f"{name}se_reshape")(y)
    for filters, step, activation in (
        (max(1, int(channels_before * _SQUEEZED)), "reduce", ACTIVATION),
        (channels, "expand", "sigmoid"),
    ):
        y = layers.Conv2D(
            filters,
            1,
            padding="same",
            activation=activation,
            kernel_initializer=_SPREAD,
            name=f"{name}se_{step}",
        )(y)
    return layers.Multiply(name=f"{name}se_excite")([x, y])


def added(inputs, x, strides, drop, name):
    """Return the sum of a block's input and output, if they are of one shape.

    Args:
        inputs: symbolic tensor, what the block got.
        x: symbolic tensor, what it made of it.
        strides: int, those of the block.
        drop: float, how often the block is left out for an image in training.
        name: what the names of the layers begin with.
    """
    axis = channel_axis()
    if strides > 1 or inputs.shape[axis] != x.shape[axis]:
        return x
    if drop > 0:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, inputs])


def topped(arguments, x, filters, momentum, dropout, **options):
    """Return the last convolution and the classifier, or the pooled features.

    Args:
        arguments: the `Arguments` of the architecture.
        x: symbolic tensor, a batch of features.
        filters: int, those of the convolution.
        momentum: float, that of the batch normalization.
        dropout: float, which share of the features is dropped before the classifier.
        **options: more arguments of the classifier's `Dense`.
    """
    x = normalized(conv(x, filters, 1, "top_"), "top_", momentum)
    if not arguments.include_top:
        return arguments.pooled(x, avg="avg_pool", max="max_pool")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(dropout, name="top_dropout")(x)
    return arguments.classified(x, kernel_initializer=_SPREAD_OF_CLASSIFIER, **options)
