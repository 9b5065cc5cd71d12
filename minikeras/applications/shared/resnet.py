"""The builders of ResNet, with the activation after the convolutions or before them."""

from minikeras import layers
from minikeras.applications.shared.inputs import channel_axis

_FILTERS = (64, 128, 256, 512)
_WIDENING = 4  # a block's last convolution has so many times the filters of the others
_EPSILON = 1.001e-5


def resnet(arguments, depths, trained):
    """A deep network in which each block adds to its input.

    With f for three convolutions, each with batch normalization and ReLU between them, a block is

        y = relu(x + f(x))

    where the first block of a stack has a convolution on x, too, as the shape changes.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385.
    """
    x = _padded(arguments.image(default_size=224, min_size=32), 3, "conv1")
    x = _normalized(layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x), "conv1")
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(_padded(x, 1, "pool1"))
    for i, (filters, depth) in enumerate(zip(_FILTERS, depths, strict=True), start=2):
        for j in range(1, depth + 1):
            strides = 2 if j == 1 and i > 2 else 1
            x = _block(x, filters, strides, f"conv{i}_block{j}", has_projection=j == 1)
    return _with_top(arguments, x, trained)


def resnet_v2(arguments, depths, trained):
    """A deep network in which each block adds to its input, and nothing stands on the way between.

    With f for three convolutions with batch normalization and ReLU between them, a block is

        y = x + f(relu(normalized(x)))

    Source: He et al., "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027.
    """
    x = _padded(arguments.image(default_size=224, min_size=32), 3, "conv1")
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(_padded(x, 1, "pool1"))
    for i, (filters, depth) in enumerate(zip(_FILTERS, depths, strict=True), start=2):
        for j in range(1, depth + 1):
            strides = 2 if j == depth and i < 5 else 1
            x = _preactivated_block(x, filters, strides, f"conv{i}_block{j}", has_projection=j == 1)
    return _with_top(arguments, _normalized(x, "post"), trained)


def _block(x, filters, strides, name, has_projection):
    shortcut = x
    if has_projection:
        shortcut = layers.Conv2D(_WIDENING * filters, 1, strides=strides, name=f"{name}_0_conv")(x)
        shortcut = _batch_norm(shortcut, f"{name}_0")
    x = layers.Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x)
    x = _normalized(x, f"{name}_1")
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = _normalized(x, f"{name}_2")
    x = layers.Conv2D(_WIDENING * filters, 1, name=f"{name}_3_conv")(x)
    x = _batch_norm(x, f"{name}_3")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _preactivated_block(x, filters, strides, name, has_projection):
    active = _normalized(x, f"{name}_preact")
    if has_projection:
        shortcut = layers.Conv2D(_WIDENING * filters, 1, strides=strides, name=f"{name}_0_conv")(
            active
        )
    else:
        shortcut = layers.MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    y = layers.Conv2D(filters, 1, strides=1, use_bias=False, name=f"{name}_1_conv")(active)
    y = _padded(_normalized(y, f"{name}_1"), 1, f"{name}_2")
    y = layers.Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(y)
    y = _normalized(y, f"{name}_2")
    y = layers.Conv2D(_WIDENING * filters, 1, name=f"{name}_3_conv")(y)
    return layers.Add(name=f"{name}_out")([shortcut, y])


def _padded(x, width, name):
    return layers.ZeroPadding2D(width, name=f"{name}_pad")(x)


def _batch_norm(x, name):
    return layers.BatchNormalization(channel_axis(), epsilon=_EPSILON, name=f"{name}_bn")(x)


def _normalized(x, name):
    return layers.Activation("relu", name=f"{name}_relu")(_batch_norm(x, name))


def _with_top(arguments, x, trained):
    if arguments.include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = arguments.classified(x)
    else:
        x = arguments.pooled(x, avg="avg_pool", max="max_pool")
    return arguments.model(x, trained)
