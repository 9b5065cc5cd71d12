"""ResNet50 with the layers, names and files of weights of Keras 2.2.4.

K. He et al., Deep residual learning for image recognition, 2016. The names are those of files of
weights: layer `2b` of block `c` in stage 4 is `res4c_branch2b`.
"""

from typing import Any

from minikeras.applications.shared.arguments import Arguments
from minikeras.applications.shared.inputs import obtain_input_shape
from minikeras.keras2 import backend as K
from minikeras.keras2 import layers as _layers
from minikeras.keras2.applications.preprocessing import decode_predictions, for_caffe
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.models import Model
from minikeras.keras2.utils.data_utils import get_file
from minikeras.keras2.utils.layer_utils import get_source_inputs

__getattr__ = elsewhere(__name__)

__all__ = ["ResNet50", "conv_block", "decode_predictions", "identity_block", "preprocess_input"]

preprocess_input = for_caffe
layers: Any = _layers

_SIZE, _MIN_SIZE = 224, 32
_PLACE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
_FILES = {  # with the classifier and without: name, MD5
    True: ("resnet50_weights_tf_dim_ordering_tf_kernels.h5", "a7b3fe01876f51b976af0dea6bc144eb"),
    False: (
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "a268eb855778b3df3c7506639542a6af",
    ),
}
# Stage: the blocks after the first, the filters of each, and the strides of the first.
_STAGES = {
    2: ("bc", (64, 64, 256), (1, 1)),
    3: ("bcd", (128, 128, 512), (2, 2)),
    4: ("bcdef", (256, 256, 1024), (2, 2)),
    5: ("bc", (512, 512, 2048), (2, 2)),
}


def ResNet50(
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
):
    """Return the network.

    Args:
        include_top: whether the classifier is part of the model.
        weights: None for random ones, `"imagenet"`, or the path of a file, also of Keras 1 or 2.
        input_tensor: tensor at which the network begins, or None for a new input.
        input_shape: tuple of three sizes, or None for images of 224 x 224.
        pooling: `"avg"` or `"max"` for features without height and width, where there is no
            classifier; None for all of them.
        classes: int.

    Raises:
        ValueError: if `weights` is no file, or the sizes or the classes do not fit.

    Example:
        >>> from minikeras.keras2.applications.resnet50 import ResNet50
        >>> model = ResNet50(weights=None, input_shape=(64, 64, 3), include_top=False)
        >>> model.layers[7].name, model.output_shape
        ('res2a_branch2a', (None, 2, 2, 2048))
    """
    Arguments(name="resnet50", include_top=include_top, weights=weights, classes=classes)
    if input_tensor is not None and input_shape is None:
        sizes: Any = K.int_shape(input_tensor)
        input_shape = sizes[1:]
    shape = obtain_input_shape(input_shape, _SIZE, _MIN_SIZE, include_top, weights)
    if input_tensor is None or not K.is_keras_tensor(input_tensor):
        input_tensor = layers.Input(shape, tensor=input_tensor)
    x = _features(input_tensor)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(classes, activation="softmax", name="fc1000")(x)
    elif pooling in ("avg", "max"):
        pool = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
        x = pool()(x)
    model = Model(get_source_inputs(input_tensor), x, name="resnet50")
    if weights == "imagenet":
        name, md5 = _FILES[bool(include_top)]
        weights = get_file(name, _PLACE + name, cache_subdir="models", md5_hash=md5)
    if weights is not None:
        model.load_weights(weights)
    return model


def _features(x):
    x = layers.ZeroPadding2D((3, 3), name="conv1_pad")(x)
    x = layers.Conv2D(64, (7, 7), strides=(2, 2), kernel_initializer="he_normal", name="conv1")(x)
    x = layers.BatchNormalization(axis=_channel_axis(), name="bn_conv1")(x)
    x = layers.Activation("relu")(x)
    x = layers.ZeroPadding2D((1, 1), name="pool1_pad")(x)
    x = layers.MaxPooling2D((3, 3), strides=(2, 2))(x)
    for stage, (blocks, filters, strides) in _STAGES.items():
        x = conv_block(x, 3, filters, stage, "a", strides)
        for block in blocks:
            x = identity_block(x, 3, filters, stage, block)
    return x


def identity_block(input_tensor, kernel_size, filters, stage, block):
    """Add to a tensor what three convolutions make of it.

    Args:
        input_tensor: tensor with `filters[2]` channels.
        kernel_size: size of the second convolution; the others are 1 x 1.
        filters: three ints.
        stage: int, for the names.
        block: letter, for the names.

    Returns:
        A tensor of the same shape.

    Example:
        >>> from minikeras.keras2.applications.resnet50 import identity_block
        >>> from minikeras.keras2.layers import Input
        >>> identity_block(Input((8, 8, 16)), 3, [4, 4, 16], stage=9, block="b").shape
        (None, 8, 8, 16)
    """
    x = _convolved(input_tensor, kernel_size, filters, stage, block)
    return layers.Activation("relu")(layers.add([x, input_tensor]))


def conv_block(input_tensor, kernel_size, filters, stage, block, strides=(2, 2)):
    """Add what three convolutions make of a tensor to what one makes, with fewer rows and columns.

    Args:
        input_tensor: tensor.
        kernel_size: size of the second convolution; the others are 1 x 1.
        filters: three ints.
        stage: int, for the names.
        block: letter, for the names.
        strides: of the first convolution, and of the one beside.

    Returns:
        A tensor with `filters[2]` channels.

    Example:
        >>> from minikeras.keras2.applications.resnet50 import conv_block
        >>> from minikeras.keras2.layers import Input
        >>> conv_block(Input((8, 8, 16)), 3, [4, 4, 32], stage=9, block="a").shape
        (None, 4, 4, 32)
    """
    x = _convolved(input_tensor, kernel_size, filters, stage, block, strides)
    shortcut = _normalized(input_tensor, filters[2], 1, f"{stage}{block}_branch1", strides=strides)
    return layers.Activation("relu")(layers.add([x, shortcut]))


def _convolved(x, kernel_size, filters, stage, block, strides=(1, 1)):
    name = f"{stage}{block}_branch2"
    x = _normalized(x, filters[0], 1, f"{name}a", strides=strides)
    x = layers.Activation("relu")(x)
    x = _normalized(x, filters[1], kernel_size, f"{name}b", padding="same")
    x = layers.Activation("relu")(x)
    return _normalized(x, filters[2], 1, f"{name}c")


def _normalized(x, filters, size, name, **options):
    """A convolution and a normalization; their names begin with `res` and `bn`."""
    conv = layers.Conv2D(
        filters, size, kernel_initializer="he_normal", name=f"res{name}", **options
    )
    return layers.BatchNormalization(axis=_channel_axis(), name=f"bn{name}")(conv(x))


def _channel_axis():
    return 1 if K.image_data_format() == "channels_first" else 3
