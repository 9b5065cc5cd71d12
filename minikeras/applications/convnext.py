"""ConvNeXt: a convolutional network with what made transformers good at images."""

from minikeras import layers
from minikeras.applications.imagenet_utils import decode_predictions, preprocessing
from minikeras.applications.shared.inputs import require_channels_last
from minikeras.applications.shared.pretrained import TrainedWeights
from minikeras.applications.shared.variants import variants
from minikeras.core import registry
from minikeras.initializers import Constant
from minikeras.layers.base.declare import layer
from minikeras.models import Sequential

_HASHES = {
    "tiny": (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "small": (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "base": (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "large": (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "xlarge": (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}
# The number of blocks and of channels in each stage, and of all parameters.
_TABLE = {
    "tiny": ((3, 3, 9, 3), (96, 192, 384, 768), 28_589_128),
    "small": ((3, 3, 27, 3), (96, 192, 384, 768), 50_223_688),
    "base": ((3, 3, 27, 3), (128, 256, 512, 1024), 88_591_464),
    "large": ((3, 3, 27, 3), (192, 384, 768, 1536), 197_767_336),
    "xlarge": ((3, 3, 27, 3), (256, 512, 1024, 2048), 350_196_968),
}
_EPSILON = 1e-6
_FIRST_SCALE = 1e-6
_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)  # of the channels in ImageNet
_VARIANCE = ((0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2)


@layer
class LayerScale(layers.Layer):
    """`gamma * x` with a weight for each channel.

    Args:
        init_values: float, the first value of all weights.
        projection_dim: int, the number of channels.

    Example:
        >>> import minikeras as keras
        >>> from minikeras.applications.convnext import LayerScale
        >>> LayerScale(0.5, 3)(keras.ops.ones((1, 3))).tolist()
        [[0.5, 0.5, 0.5]]
    """

    init_values: float
    projection_dim: int

    def build(self, input_shape):
        """Make the weights."""
        self.gamma = self.add_weight((self.projection_dim,), Constant(self.init_values))

    def call(self, x):
        """Multiply."""
        return x * self.gamma


registry.Table("layer", "keras.src.applications.convnext").add(LayerScale)


def _convnext(arguments, depths, channels, trained, include_preprocessing):
    """A residual network of large depthwise convolutions, each followed by two dense layers.

    A block is y = x + s * W2 gelu(W1 normalized(depthwise(x))), with a scale s for each channel.

    Source: Liu et al., "A ConvNet for the 2020s", 2022, arXiv:2201.03545.
    """
    require_channels_last("ConvNeXt")
    x = arguments.image(default_size=224, min_size=32)
    name = arguments.name
    if arguments.input_tensor is not None:
        arguments.inputs = arguments.inputs[0]
    if include_preprocessing and arguments.input_shape[-1] == 3:
        x = layers.Normalization(
            mean=_MEAN, variance=_VARIANCE, name=f"{name}_prestem_normalization"
        )(x)
    for i, (reduction, depth) in enumerate(zip(_reductions(channels, name), depths, strict=True)):
        x = reduction(x)
        for j in range(depth):
            x = _block(x, channels[i], f"{name}_stage_{i}_block_{j}")
    return arguments.model(_topped(arguments, x, name), trained)


def _reductions(channels, name):
    """What stands before each stage: a fourth of the size at first, then half of it."""
    stem = Sequential(
        [
            layers.Conv2D(channels[0], 4, strides=4, name=f"{name}_stem_conv"),
            _layer_norm(f"{name}_stem_layernorm"),
        ],
        name=f"{name}_stem",
    )
    return [stem] + [
        Sequential(
            [
                _layer_norm(f"{name}_downsampling_layernorm_{i}"),
                layers.Conv2D(width, 2, strides=2, name=f"{name}_downsampling_conv_{i}"),
            ],
            name=f"{name}_downsampling_block_{i}",
        )
        for i, width in enumerate(channels[1:])
    ]


def _layer_norm(name=None):
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)


def _block(inputs, channels, name):
    x = layers.Conv2D(channels, 7, padding="same", groups=channels, name=f"{name}_depthwise_conv")(
        inputs
    )
    x = _layer_norm(f"{name}_layernorm")(x)
    x = layers.Dense(4 * channels, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(channels, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(_FIRST_SCALE, channels, name=f"{name}_layer_scale")(x)
    # Where a block may be left out in training, this layer does so.
    x = layers.Activation("linear", name=f"{name}_identity")(x)
    return inputs + x


def _topped(arguments, x, name):
    if not arguments.include_top:
        return _layer_norm()(arguments.pooled(x))
    x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
    x = _layer_norm(f"{name}_head_layernorm")(x)
    return arguments.classified(x, name=f"{name}_head_dense")


def _row(variant):
    depths, channels, count = _TABLE[variant]
    name = f"convnext_{variant}"
    files = (f"{name}.h5", f"{name}_notop.h5")
    folder = "tensorflow/keras-applications/convnext/"
    return {
        "name": name,
        "count": count,
        "depths": depths,
        "channels": channels,
        "trained": TrainedWeights(folder, files, _HASHES[variant]),
    }


ConvNeXtTiny, ConvNeXtSmall, ConvNeXtBase, ConvNeXtLarge, ConvNeXtXLarge = variants(
    _convnext,
    {
        "ConvNeXtTiny": _row("tiny"),
        "ConvNeXtSmall": _row("small"),
        "ConvNeXtBase": _row("base"),
        "ConvNeXtLarge": _row("large"),
        "ConvNeXtXLarge": _row("xlarge"),
    },
    parameters=(
        *("include_top", "include_preprocessing", "weights", "input_tensor", "input_shape"),
        *("pooling", "classes", "classifier_activation", "name"),
    ),
    include_preprocessing=True,
)
preprocess_input = preprocessing(__name__, None)

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]
