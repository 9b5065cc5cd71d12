"""Layers: the parts that models are made of."""

from minikeras.core.first_use import on_first_use
from minikeras.layers.activations.activation import (
    ELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from minikeras.layers.attention.group_query_attention import (
    GroupQueryAttention,
)
from minikeras.layers.attention.multi_head_attention import (
    MultiHeadAttention,
)
from minikeras.layers.attention.plain import (
    AdditiveAttention,
    Attention,
)
from minikeras.layers.base.input_spec import (
    InputSpec,
)
from minikeras.layers.base.layer import (
    Layer,
    layer_table,
)
from minikeras.layers.convolutional.conv import (
    Conv1D,
    Conv2D,
    Conv3D,
    Convolution1D,
    Convolution2D,
    Convolution3D,
)
from minikeras.layers.convolutional.conv_transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    Convolution1DTranspose,
    Convolution2DTranspose,
    Convolution3DTranspose,
)
from minikeras.layers.convolutional.depthwise_conv import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from minikeras.layers.core.basic import Dense, Embedding, Identity, Lambda, Masking
from minikeras.layers.core.einsum_dense import (
    EinsumDense,
)
from minikeras.layers.core.input_layer import Input, InputLayer
from minikeras.layers.core.wrapper import Wrapper
from minikeras.layers.merging.elementwise import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from minikeras.layers.merging.joining import (
    Concatenate,
    Dot,
    concatenate,
    dot,
)
from minikeras.layers.normalization.batch_norm import (
    BatchNormalization,
)
from minikeras.layers.normalization.norm import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from minikeras.layers.normalization.spectral import SpectralNormalization
from minikeras.layers.pooling.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from minikeras.layers.pooling.windows import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from minikeras.layers.preprocessing.category_encoding import CategoryEncoding
from minikeras.layers.preprocessing.discretization import Discretization
from minikeras.layers.preprocessing.hashed_crossing import HashedCrossing
from minikeras.layers.preprocessing.hashing import Hashing
from minikeras.layers.preprocessing.integer_lookup import IntegerLookup
from minikeras.layers.preprocessing.normalization import Normalization
from minikeras.layers.preprocessing.string_lookup import StringLookup
from minikeras.layers.preprocessing.text_vectorization import TextVectorization
from minikeras.layers.regularization.noise import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from minikeras.layers.reshaping.bordering import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from minikeras.layers.reshaping.shapes import (
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
)
from minikeras.layers.reshaping.upsampling import (
    UpSampling2D,
    UpSampling3D,
)
from minikeras.layers.rnn import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM3D,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CenterCrop",
    "CategoryEncoding",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GRU",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTM",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RNN",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


_LATER = {
    "minikeras.layers.preprocessing.image.affine": ["RandomRotation", "RandomShear"],
    "minikeras.layers.preprocessing.image.channels": [
        "RandomColorDegeneration",
        "RandomGrayscale",
        "RandomHue",
        "RandomSaturation",
    ],
    "minikeras.layers.preprocessing.image.color": [
        "RandomBrightness",
        "RandomContrast",
        "RandomInvert",
    ],
    "minikeras.layers.preprocessing.image.color_jitter": ["RandomColorJitter"],
    "minikeras.layers.preprocessing.image.crops": ["CenterCrop", "RandomCrop"],
    "minikeras.layers.preprocessing.image.distortion": [
        "RandomElasticTransform",
        "RandomPerspective",
    ],
    "minikeras.layers.preprocessing.image.filters": ["RandomGaussianBlur", "RandomSharpness"],
    "minikeras.layers.preprocessing.image.flip": ["RandomFlip"],
    "minikeras.layers.preprocessing.image.histograms": [
        "ContrastLimitedAdaptiveHistogramEqualization",
        "Equalization",
    ],
    "minikeras.layers.preprocessing.image.max_num_bounding_boxes": ["MaxNumBoundingBoxes"],
    "minikeras.layers.preprocessing.image.mixing": ["CutMix", "MixUp", "RandomErasing"],
    "minikeras.layers.preprocessing.image.policies": ["AugMix", "RandAugment"],
    "minikeras.layers.preprocessing.image.resizing": ["Resizing"],
    "minikeras.layers.preprocessing.image.shifts": ["RandomTranslation", "RandomZoom"],
    "minikeras.layers.preprocessing.image.tones": [
        "AutoContrast",
        "RandomPosterization",
        "Solarization",
    ],
    "minikeras.layers.preprocessing.mel_spectrogram": ["MelSpectrogram"],
    "minikeras.layers.preprocessing.pipeline": ["Pipeline"],
    "minikeras.layers.preprocessing.rescaling": ["Rescaling"],
    "minikeras.layers.preprocessing.stft_spectrogram": ["STFTSpectrogram"],
}
"""Layers that prepare data: they are imported when they are first used or read from a file."""

__getattr__, __dir__ = on_first_use(__name__, _LATER)
layer_table.add_later(_LATER)


def serialize(layer):
    """Return the saved form of a layer.

    Args:
        layer: a `Layer`.

    Returns:
        A dict of JSON types.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.serialize(keras.layers.Dense(2))["class_name"]
        'Dense'
    """
    return layer_table.serialize(layer)


def deserialize(config, custom_objects=None):
    """Return the layer that a saved form describes, with new weights.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A `Layer`.

    Raises:
        ValueError: if the class is not known.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.layers.serialize(keras.layers.Dense(2))
        >>> keras.layers.deserialize(saved).units
        2
    """
    return layer_table.deserialize(config, custom_objects)
