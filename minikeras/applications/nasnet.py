"""NASNet: a network of two cells that a search found."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import require_channels_last
from minikeras.applications.shared.nasnet_cells import batch_norm, normal_cell, reduction_cell
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

_HASHES = {
    "mobile": ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    "large": ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
}


def _nasnet(arguments, size, repeats, stem_filters, filters, skips_reduction, trained):
    """A network that repeats two cells, one that keeps the size of an image and one that halves it.

    Source: Zoph et al., "Learning Transferable Architectures for Scalable Image Recognition", 2017,
    arXiv:1707.07012.
    """
    require_channels_last("NASNet")
    if not arguments.include_top and arguments.input_shape is None:
        arguments.input_shape = (size, size, 3)
    x = arguments.image(size, min_size=32)
    if None in x.shape[1:3]:
        raise ValueError(
            "NASNet's cells join features of different sizes, so the height and the width of its "
            f"images must be known. Received: images of shape {x.shape[1:]}"
        )
    x = layers.Conv2D(
        stem_filters,
        3,
        strides=2,
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv1",
    )(x)
    x = _cells(batch_norm(x, "stem_bn1"), repeats, filters, skips_reduction)
    x = layers.Activation("relu")(x)
    if arguments.include_top:
        x = arguments.classified(layers.GlobalAveragePooling2D()(x))
    else:
        x = arguments.pooled(x)
    return arguments.model(x, trained)


def _cells(x, repeats, filters, skips_reduction):
    """Two reductions, then normal cells in three groups, of which each has twice the filters."""
    x, before = reduction_cell(x, None, filters // 4, "stem_1")
    x, before = reduction_cell(x, before, filters // 2, "stem_2")
    for group in range(3):
        if group > 0:
            x, halved = reduction_cell(x, before, filters, f"reduce_{group * repeats}")
            before = before if skips_reduction else halved
        first = group * repeats + (group > 0)
        for number in range(first, first + repeats):
            x, before = normal_cell(x, before, filters, str(number))
        filters *= 2
    return x


def _trained(kind):
    return TrainedWeights(
        "tensorflow/keras-applications/nasnet/",
        (f"NASNet-{kind}.h5", f"NASNet-{kind}-no-top.h5"),
        _HASHES[kind],
        saved_as=(f"nasnet_{kind}.h5", f"nasnet_{kind}_no_top.h5"),
    )


NASNetMobile, NASNetLarge = variants(
    _nasnet,
    {
        "NASNetMobile": {
            "name": "nasnet_mobile",
            "count": 5_326_716,
            "size": 224,
            "repeats": 4,
            "stem_filters": 32,
            "filters": 44,
            "skips_reduction": False,
            "trained": _trained("mobile"),
        },
        "NASNetLarge": {
            "name": "nasnet_large",
            "count": 88_949_818,
            "size": 331,
            "repeats": 6,
            "stem_filters": 96,
            "filters": 168,
            "skips_reduction": True,
            "trained": _trained("large"),
        },
    },
    parameters=(
        *("input_shape", "include_top", "weights", "input_tensor", "pooling", "classes"),
        *("classifier_activation", "name"),
    ),
)
preprocess_input = preprocessing(__name__, "tf")
