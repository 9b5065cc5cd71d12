"""What Inception networks are made of: convolutions with normalization, in parallel branches.

A branch is a tuple of convolutions `(filters, kernel)` or `(filters, kernel, strides)`, in which
strides other than 1 go with no padding.
"""

from minikeras import layers
from minikeras.applications.shared.inputs import channel_axis


def conv(x, filters, kernel, strides=1, padding="same", name=None):
    """Return a convolution with batch normalization and ReLU.

    Args:
        x: symbolic tensor, a batch of images.
        filters: int.
        kernel: int, or pair of height and width.
        strides: int.
        padding: `"same"` or `"valid"`.
        name: name of the convolution, from which those of the other two follow; or None.
    """
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)(
        x
    )
    x = layers.BatchNormalization(channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def chain(x, convolutions):
    """Return the convolutions of a branch, one after the other."""
    for filters, kernel, *strides in convolutions:
        x = conv(x, filters, kernel, *strides, padding="valid" if strides else "same")
    return x


def stem(x):
    """Return the convolutions with which both networks begin: 1/8 of the size, 192 channels."""
    x = conv(x, 32, 3, strides=2, padding="valid")
    x = conv(x, 32, 3, padding="valid")
    x = conv(x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = conv(x, 80, 1, padding="valid")
    x = conv(x, 192, 3, padding="valid")
    return layers.MaxPooling2D(3, strides=2)(x)


def mixed(x, branches, name, average=None):
    """Return the channels of all branches beside each other.

    Args:
        x: symbolic tensor, a batch of images.
        branches: list of branches.
        name: name of the concatenation.
        average: int, the filters of a convolution after an average pooling, which is one branch
            more; or None for a max pooling of stride 2.
    """
    outputs = [chain(x, branch) for branch in branches]
    if average is None:
        outputs.append(layers.MaxPooling2D(3, strides=2)(x))
    else:
        outputs.append(averaged(x, average))
    return layers.Concatenate(channel_axis(), name=name)(outputs)


def averaged(x, filters):
    """Return the branch that averages over its neighbourhood first."""
    return conv(layers.AveragePooling2D(3, strides=1, padding="same")(x), filters, 1)
