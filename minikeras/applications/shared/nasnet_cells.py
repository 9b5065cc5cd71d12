"""The two cells that NASNet-A repeats.

A cell takes what the cell before it returned and what the one before that did. It makes new
features of pairs of them, and returns them beside each other.
"""

from functools import wraps

from minikeras import layers
from minikeras.applications.shared.inputs import padding_before_stride, rows_and_columns
from minikeras.core.names import name_scope

_AXIS = -1  # of the channels


def _in_scope(kind):
    """Return a decorator: the paths of a cell's weights begin with its kind and name."""

    def decorate(cell):
        @wraps(cell)
        def scoped(x, before, filters, name):
            with name_scope(f"{kind}_A_block_{name}"):
                return cell(x, before, filters, name)

        return scoped

    return decorate


@_in_scope("normal")
def normal_cell(x, before, filters, name):
    """Return new features of the same height and width.

    Args:
        x: symbolic tensor, what the cell before returned.
        before: symbolic tensor, what the cell before that returned.
        filters: int, the channels of each of the six parts.
        name: what the names of the layers end with.

    Returns:
        The features, and `x`.
    """
    p = _adjusted(before, x, filters, name)
    h = _squeezed(x, filters, "normal", name)
    x1 = _sum(
        _separable(h, filters, 5, 1, f"normal_left1_{name}"),
        _separable(p, filters, 3, 1, f"normal_right1_{name}"),
        name=f"normal_add_1_{name}",
    )
    x2 = _sum(
        _separable(p, filters, 5, 2, f"normal_left2_{name}"),
        _separable(p, filters, 3, 2, f"normal_right2_{name}"),
        name=f"normal_add_2_{name}",
    )
    x3 = _sum(_average(h, f"normal_left3_{name}"), p, name=f"normal_add_3_{name}")
    x4 = _sum(
        _average(p, f"normal_left4_{name}"),
        _average(p, f"normal_right4_{name}"),
        name=f"normal_add_4_{name}",
    )
    x5 = _sum(_separable(h, filters, 3, 5, f"normal_left5_{name}"), h, name=f"normal_add_5_{name}")
    return layers.Concatenate(_AXIS, name=f"normal_concat_{name}")([p, x1, x2, x3, x4, x5]), x


@_in_scope("reduction")
def reduction_cell(x, before, filters, name):
    """Return new features of half the height and width.

    Args:
        x: symbolic tensor, what the cell before returned.
        before: symbolic tensor, what the cell before that returned, or None for `x`.
        filters: int, the channels of each of the four parts.
        name: what the names of the layers end with.

    Returns:
        The features, and `x`.
    """
    p = x if before is None else _adjusted(before, x, filters, name)
    h = _squeezed(x, filters, "reduction", name)
    padded = layers.ZeroPadding2D(padding_before_stride(h, 3), name=f"reduction_pad_1_{name}")(h)
    x1 = _sum(
        _separable(h, filters, 5, 1, f"reduction_left1_{name}", strides=2),
        _separable(p, filters, 7, 1, f"reduction_right1_{name}", strides=2),
        name=f"reduction_add_1_{name}",
    )
    x2 = _sum(
        layers.MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(padded),
        _separable(p, filters, 7, 2, f"reduction_right2_{name}", strides=2),
        name=f"reduction_add_2_{name}",
    )
    x3 = _sum(
        layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(padded),
        _separable(p, filters, 5, 3, f"reduction_right3_{name}", strides=2),
        name=f"reduction_add3_{name}",
    )
    x4 = layers.Add()([x2, _average(x1, f"reduction_left4_{name}")])
    x5 = _sum(
        _separable(x1, filters, 3, 5, f"reduction_left4_{name}"),
        layers.MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(padded),
        name=f"reduction_add4_{name}",
    )
    return layers.Concatenate(_AXIS, name=f"reduction_concat_{name}")([x2, x3, x4, x5]), x


def _adjusted(p, x, filters, name):
    """Give the older features the height and width of the newer ones, and the right channels."""
    is_halved = rows_and_columns(p.shape[1:]) != rows_and_columns(x.shape[1:])
    if not is_halved and p.shape[_AXIS] == filters:
        return p
    kind = "reduction" if is_halved else "projection"
    with name_scope("adjust_block"), name_scope(f"adjust_{kind}_block_{name}"):
        if is_halved:
            p = _halved(p, filters, name)
        else:
            p = layers.Activation("relu")(p)
            p = _pointwise(p, filters, f"adjust_conv_projection_{name}")
        return batch_norm(p, f"adjust_bn_{name}")


def _halved(p, filters, name):
    """Every other row and column, and those between them, each for half of the channels."""
    p = layers.Activation("relu", name=f"adjust_relu_1_{name}")(p)
    even = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{name}")(p)
    even = _pointwise(even, filters // 2, f"adjust_conv_1_{name}")
    odd = layers.ZeroPadding2D(((0, 1), (0, 1)))(p)
    odd = layers.Cropping2D(((1, 0), (1, 0)))(odd)
    odd = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{name}")(odd)
    odd = _pointwise(odd, filters // 2, f"adjust_conv_2_{name}")
    return layers.Concatenate(_AXIS)([even, odd])


def _squeezed(x, filters, kind, name):
    x = layers.Activation("relu")(x)
    x = _pointwise(x, filters, f"{kind}_conv_1_{name}")
    return batch_norm(x, f"{kind}_bn_1_{name}")


def _separable(x, filters, kernel, block, name, strides=1):
    """Two separable convolutions of one size, the first with the strides, in a numbered block."""
    with name_scope(f"block_{block}"), name_scope(f"separable_conv_block_{name}"):
        return _convolved_twice(x, filters, kernel, name, strides)


def _convolved_twice(x, filters, kernel, name, strides):
    x = layers.Activation("relu")(x)
    if strides > 1:
        padding = padding_before_stride(x, kernel)
        x = layers.ZeroPadding2D(padding, name=f"separable_conv_1_pad_{name}")(x)
    x = layers.SeparableConv2D(
        filters,
        kernel,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        name=f"separable_conv_1_{name}",
    )(x)
    x = layers.Activation("relu")(batch_norm(x, f"separable_conv_1_bn_{name}"))
    x = layers.SeparableConv2D(
        filters, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{name}"
    )(x)
    return batch_norm(x, f"separable_conv_2_bn_{name}")


def _pointwise(x, filters, name):
    return layers.Conv2D(
        filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def batch_norm(x, name):
    """Return normalized features, with statistics that follow slowly."""
    return layers.BatchNormalization(_AXIS, momentum=0.9997, name=name)(x)


def _average(x, name):
    return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _sum(left, right, name):
    return layers.Add(name=name)([left, right])
