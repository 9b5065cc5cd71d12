"""The table of layers: one row for each way to make one, from which their tests are generated.

Every row is compared with Keras (`parity_tests/test_layers.py`) and trained for one step
(`tests/training/test_weights_move.py`). The first row of each class of layer, in `FIRST`, also runs
in the tests that take longer: recorded steps, copies, the stand-ins for GPUs.
"""

import pytest

from tests.cases import layers_conv_lstm, layers_features, layers_image, layers_wrapping
from tests.cases.layer_case import UNPACKING, Case

__all__ = ["FIRST", "LAYERS", "NO_ROW", "UNPACKING", "Case", "every_row", "first_of_each"]

LINE, PLANE, SPACE = (2, 9, 4), (2, 6, 7, 4), (2, 4, 5, 4, 2)
STEPS, IMAGE, VOLUME = (2, 6, 3), (2, 6, 6, 3), (2, 4, 4, 4, 2)


def windows(kind, ranks, options, **more):
    """Rows of a kind of layer for several numbers of axes."""
    shapes = {"1D": LINE, "2D": PLANE, "3D": SPACE}
    return [
        Case(
            f"{kind.format(rank)}({option})",
            shapes[rank],
            **{"length": 200, "single": rank == "3D" and "Pooling{}" in kind, **more},
        )
        for rank in ranks
        for option in options
    ]


LAYERS = [
    # Core
    Case("Dense(4, activation='relu')", STEPS, length=20),
    Case("Dense(5)", (3, 4), length=20),
    Case("Dense(5, 'relu', activity_regularizer='l2')", (2, 3, 4), length=20),
    Case("Dense(1, use_bias=False, kernel_regularizer='l1')", (3, 4), length=20),
    Case("Dense(3, kernel_initializer='he_normal', bias_constraint='max_norm')", (3, 4), length=20),
    Case("Embedding(5, 3)", (2, 4), integers=5),
    Case("Embedding(5, 3, 'normal', 'l2', 'non_neg')", (2, 2, 4), integers=5, length=20),
    Case("Embedding(5, 3, mask_zero=True, activity_regularizer='l1')", (4,), integers=5, length=20),
    Case("Identity()", (2, 3)),
    Case("Masking()", (2, 3, 4)),
    Case("Masking(mask_value=0.5)", (2, 3, 4)),
    Case("Lambda(engine.activations.tanh)", (2, 3)),
    Case("Lambda(engine.activations.elu, arguments={'alpha': 3.0}, output_shape=(3,))", (2, 3)),
    Case("EinsumDense('abc,cd->abd', (None, 4))", STEPS, length=20),
    Case("EinsumDense('ab,bc->ac', 5)", (3, 4), length=20),
    Case("EinsumDense('abc,cde->abde', (None, 2, 5), bias_axes='de')", (2, 3, 4), length=20),
    Case("EinsumDense('abcd,cde->abe', (None, 6), 'tanh', 'e')", (2, 3, 4, 2), length=20),
    Case("EinsumDense('abcd,cde->abe', (3, 6), bias_axes='be')", (2, 3, 4, 2), length=20),
    Case("EinsumDense('...x,xy->...y', 5, bias_axes='y')", (2, 3, 4), length=20),
    Case("EinsumDense('...x,xy->...y', 5, bias_axes='y')", (3, 4), length=20),
    Case("EinsumDense('ab...,bc->ac...', 5, bias_axes='c')", (2, 4, 3), length=20),
    Case("EinsumDense('abc,cd->adb', (5, None), bias_axes='d')", (2, 3, 4), length=20),
    Case("EinsumDense('abc,bd->adc', (5, 4), 'relu', 'dc')", (2, 3, 4), length=20),
    Case("EinsumDense('abc,bcd->abd', (3, 6))", (2, 3, 4), length=20),
    Case(
        "EinsumDense('abc,cd->abd', (None, 5), None, 'd', 'he_normal', 'ones', 'l1', 'l2', "
        "bias_constraint='max_norm', activity_regularizer='l2')",
        (2, 3, 4),
        length=20,
    ),
    # Activations
    Case("Activation('tanh')", STEPS),
    Case("Activation('relu')", (3, 4)),
    Case("Activation('softmax')", (3, 4)),
    Case("Activation('tanh', activity_regularizer='l2')", (3, 4)),
    Case("Activation(None)", (3, 4)),
    Case("ReLU(max_value=1.0)", STEPS),
    Case("ReLU()", (3, 4)),
    Case("ReLU(max_value=0.5, negative_slope=0.1, threshold=0.2)", (3, 4)),
    Case("LeakyReLU()", (3, 4), single=True),
    Case("LeakyReLU(0.1)", (3, 4), single=True),
    Case("ELU()", (3, 4)),
    Case("ELU(0.5)", (3, 4)),
    Case("PReLU()", (3, 5, 4)),
    Case("PReLU('ones', 'l1', 'non_neg', shared_axes=[1])", (3, 5, 4)),
    Case("PReLU(shared_axes=2)", (3, 5, 4)),
    Case("Softmax()", (3, 5, 4)),
    Case("Softmax(axis=1)", (3, 5, 4)),
    Case("Softmax(axis=[1, 2])", (3, 5, 4), length=20),
    Case("Softmax(axis=[-1])", (3, 5, 4)),
    # Convolutions
    Case("Conv1D(4, 3, padding='causal', dilation_rate=2)", STEPS, length=200),
    Case("Conv1DTranspose(2, 3, strides=2)", STEPS, length=200),
    Case("Conv2D(6, 3, strides=2, groups=3, activation='relu')", IMAGE, length=200),
    Case("Conv2DTranspose(2, 3, strides=2, padding='same')", IMAGE, length=200),
    Case("Conv3D(2, 2, padding='same')", VOLUME, length=200),
    Case("Conv3DTranspose(2, 2)", VOLUME, length=200),
    Case("DepthwiseConv1D(3, depth_multiplier=2)", STEPS, length=200),
    Case("DepthwiseConv2D(3, strides=2, padding='same')", IMAGE, length=200),
    Case("SeparableConv1D(4, 3)", STEPS, length=200),
    Case("SeparableConv2D(4, 3)", IMAGE, length=200),
    *windows(
        "Conv{}",
        ["1D", "2D", "3D"],
        [
            "3, 2",
            "3, 2, strides=2, padding='same'",
            "3, 2, padding='SAME', use_bias=False, activation='relu'",
            "3, 2, dilation_rate=2, padding='same'",
            "4, 2, groups=2, kernel_initializer='he_normal', bias_initializer='ones'",
            "3, 1, kernel_regularizer='l2', activity_regularizer='l1', bias_constraint='max_norm'",
            "4, 2, data_format='channels_first'",
            "2, 2, strides=2, padding='same', data_format='channels_first', activation='tanh'",
        ],
    ),
    *windows(
        "Conv{}",
        ["1D"],
        [
            "3, 3, padding='causal'",
            "3, 3, padding='causal', dilation_rate=2",
            "3, 3, padding='causal', strides=2",
            "3, 3, padding='causal', data_format='channels_first'",
        ],
    ),
    *windows(
        "Conv{}",
        ["2D"],
        [
            "3, (3, 2), strides=(2, 1)",
            "3, (1, 4), padding='same', strides=(3, 2)",
            "4, 3, groups=4, kernel_constraint='unit_norm'",
        ],
    ),
    *windows(
        "DepthwiseConv{}",
        ["1D", "2D"],
        [
            "3",
            "3, depth_multiplier=2, padding='same', activation='relu'",
            "2, strides=2, use_bias=False",
            "2, dilation_rate=2, depthwise_initializer='he_uniform', depthwise_regularizer='l2'",
            "2, data_format='channels_first', depth_multiplier=3",
        ],
    ),
    *windows(
        "SeparableConv{}",
        ["1D", "2D"],
        [
            "3, 3",
            "3, 2, strides=2, padding='same', depth_multiplier=2, activation='relu'",
            "3, 2, dilation_rate=2, use_bias=False, pointwise_regularizer='l1'",
            "3, 2, data_format='channels_first'",
        ],
    ),
    *windows(
        "Conv{}Transpose",
        ["1D", "2D", "3D"],
        [
            "3, 2",
            "3, 3, strides=2, padding='same', activation='relu'",
            "3, 3, strides=2, output_padding=1",
            "3, 2, use_bias=False, kernel_regularizer='l2'",
            "3, 2, strides=3, padding='same', data_format='channels_first'",
        ],
    ),
    *windows("Conv{}Transpose", ["1D", "2D"], ["3, 3, dilation_rate=2"], single=True),
    # Pooling
    Case("MaxPooling2D(3, 2, 'same')", IMAGE, length=200),
    Case("AveragePooling2D(3, 2, 'same')", IMAGE, length=200),
    *windows(
        "MaxPooling{}", ["1D", "2D", "3D"], ["", "2, strides=1", "3, 2, 'same', 'channels_first'"]
    ),
    *windows(
        "AveragePooling{}",
        ["1D", "2D", "3D"],
        ["2", "2, strides=1", "3, 2, 'same'", "3, 2, 'same', data_format='channels_first'"],
    ),
    Case("MaxPooling2D((2, 3), (1, 2), name='pool')", PLANE),
    *windows("GlobalMaxPooling{}", ["1D", "2D", "3D"], ["", "'channels_first', keepdims=True"]),
    *windows("GlobalAveragePooling{}", ["1D", "2D", "3D"], ["", "'channels_first', keepdims=True"]),
    *windows("AdaptiveMaxPooling{}", ["1D", "2D", "3D"], ["2", "3, 'channels_first'"]),
    *windows("AdaptiveAveragePooling{}", ["1D", "2D", "3D"], ["2", "3, 'channels_first'"]),
    # Normalization
    Case("BatchNormalization()", IMAGE, trains=True, length=200),
    *[
        Case(f"BatchNormalization({options})", (8, 5, 4), trains=True, length=200)
        for options in (
            "",
            "axis=1, momentum=0.9, epsilon=1e-5",
            "center=False",
            "scale=False, beta_regularizer='l2'",
            "scale=False, center=False",
            "gamma_initializer='zeros', moving_mean_initializer='ones', gamma_constraint='non_neg'",
            "trainable=False",
            "renorm=True, renorm_momentum=0.8",
            "renorm=True, renorm_clipping={'rmax': 1.5, 'rmin': 0.5, 'dmax': 0.3}, scale=False",
            "synchronized=True",
        )
    ],
    Case("BatchNormalization()", (16, 4), trains=True, length=200),
    Case("BatchNormalization()", PLANE, trains=True, length=200),
    Case("LayerNormalization()", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=[1, 2], epsilon=1e-5)", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=(-1, -2))", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=1, center=False)", (3, 5, 4), length=50),
    Case("LayerNormalization(scale=False, beta_initializer='ones')", (3, 5, 4), length=50),
    Case("RMSNormalization()", (3, 5, 4), length=50),
    Case("RMSNormalization(axis=[1, 2], epsilon=1e-3)", (3, 5, 4), length=50),
    Case("GroupNormalization(3)", IMAGE, length=200),
    Case("GroupNormalization(2)", (3, 5, 4), length=100),
    Case("GroupNormalization(-1, center=False)", (3, 5, 4), length=100),
    Case("GroupNormalization(5, axis=1, scale=False)", (3, 5, 4), length=100),
    Case("GroupNormalization(1, epsilon=1e-5)", PLANE, length=200),
    Case("UnitNormalization()", (3, 5, 4)),
    Case("UnitNormalization(axis=[1, 2])", (3, 5, 4), length=20),
    # Merging
    *[
        Case(f"{name}()", [STEPS, STEPS])
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate")
    ],
    Case("Dot(axes=1)", [STEPS, STEPS], length=20),
    *[
        Case(f"{name}()", shapes)
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
        for shapes in ([(2, 3), (2, 3), (2, 3)], [(2, 4), (2, 3, 4)], [(2, 3, 1), (2, 1, 4)])
    ],
    Case("Subtract()", [(2, 3), (2, 3)]),
    Case("Subtract()", [(2, 3, 4), (2, 4)]),
    Case("Add(name='sum')", [(2, 3)]),
    Case("Concatenate()", [(2, 3), (2, 1), (2, 4)]),
    Case("Concatenate(axis=1)", [(2, 3, 4), (2, 1, 4)]),
    Case("Dot(1)", [(2, 3), (2, 3)]),
    Case("Dot(axes=(2, 1))", [(2, 3, 4), (2, 4, 5)]),
    Case("Dot(-1, normalize=True)", [(2, 3, 4), (2, 5, 4)], length=10),
    Case("Dot([1, 2])", [(2, 3, 4, 5), (2, 4, 3)]),
    # Attention
    *[
        Case(f"{source}", shapes, trains="dropout" in source, length=20)
        for source in (
            "Attention()",
            "Attention(use_scale=True, score_mode='concat')",
            "Attention(True, 'dot', 0.3, 4)",
            "Attention(dropout=0.3)",
            "AdditiveAttention()",
            "AdditiveAttention(use_scale=False)",
            "AdditiveAttention(dropout=0.3, seed=4)",
        )
        for shapes in ([(2, 3, 4), (2, 5, 4)], [(2, 3, 4), (2, 5, 6), (2, 5, 4)])
    ],
    Case("MultiHeadAttention(2, 4)", [STEPS, STEPS], length=20),
    Case("GroupQueryAttention(4, 4, 2)", [STEPS, STEPS], length=20),
    # Recurrent
    Case("SimpleRNN(2)", STEPS, length=50),
    Case("GRU(2, return_sequences=True)", STEPS, length=50),
    Case("GRU(3, reset_after=False)", (2, 4, 2), length=50),
    Case("LSTM(2, go_backwards=True)", STEPS, length=50),
    Case("LSTM(3, recurrent_dropout=0.1, seed=1)", (2, 4, 2), trains=True, length=50),
    Case("RNN(engine.layers.SimpleRNNCell(2))", STEPS, length=50),
    Case("RNN([engine.layers.GRUCell(3), engine.layers.LSTMCell(2)])", (2, 4, 2), length=50),
    Case("RNN(engine.layers.StackedRNNCells([engine.layers.GRUCell(2)]))", STEPS, length=50),
    Case("Bidirectional(engine.layers.GRU(2))", STEPS, length=50),
    Case("Bidirectional(engine.layers.LSTM(3, return_sequences=True))", (2, 4, 2), length=50),
    Case("TimeDistributed(engine.layers.Dense(2))", STEPS, length=20),
    # Reshaping
    Case("Flatten()", IMAGE),
    Case("Reshape((3, 6))", STEPS),
    Case("Flatten()", (2, 3, 4)),
    Case("Flatten()", (2,)),
    Case("Flatten('channels_first')", PLANE),
    Case("Reshape((6, -1))", (2, 3, 4)),
    Case("Reshape([4, 3])", (2, 12)),
    Case("Reshape(())", (2, 1)),
    Case("Permute((2, 1))", (2, 3, 4)),
    Case("Permute([3, 1, 2])", PLANE),
    Case("RepeatVector(3)", (2, 4)),
    *windows("ZeroPadding{}", ["1D", "2D", "3D"], ["", "2", "1, 'channels_first'"]),
    Case("ZeroPadding1D((1, 3))", LINE),
    Case("ZeroPadding2D(((1, 2), (0, 3)))", PLANE),
    *windows("Cropping{}", ["1D", "2D", "3D"], ["1"]),
    Case("Cropping1D((1, 3))", LINE),
    Case("Cropping2D(((1, 2), (0, 3)))", PLANE),
    Case("Cropping2D((1, 1), 'channels_first')", (2, 3, 6, 7)),
    Case("Cropping3D(data_format='channels_first')", (1, 2, 4, 5, 3)),
    Case("UpSampling1D(3)", LINE),
    Case("UpSampling2D((2, 3))", PLANE),
    Case("UpSampling2D(2, 'channels_first')", PLANE),
    Case("UpSampling2D((2, 3), interpolation='bilinear')", PLANE, single=True),
    Case("UpSampling2D(3, 'channels_first', 'bilinear')", PLANE, single=True),
    Case("UpSampling2D((1, 3), interpolation='bicubic')", PLANE, single=True),
    Case("UpSampling2D(2, 'channels_first', 'lanczos3')", PLANE, single=True),
    Case("UpSampling2D((3, 2), interpolation='lanczos5')", PLANE, single=True),
    Case("UpSampling3D(2)", SPACE),
    Case("UpSampling3D((1, 2, 3), 'channels_first')", SPACE),
    # Regularization
    Case("Dropout(0.4, seed=3)", (5, 6), trains=True),
    Case("Dropout(0.4)", (5, 6), trains=True),
    Case("Dropout(0)", (5, 6), trains=True),
    Case("Dropout(1.0)", (5, 6), trains=True),
    Case("Dropout(0.4, noise_shape=(None, 1), seed=3)", (5, 6), trains=True),
    *[
        Case(f"{name}({options})", shape, trains=True)
        for name, shape in (("SpatialDropout1D", LINE),)
        for options in ("0.5, 3", "0.5", "0.0")
    ],
    Case("SpatialDropout2D(0.5, seed=3)", PLANE, trains=True),
    Case("SpatialDropout2D(0.5, 'channels_first', 3, 'drop')", PLANE, trains=True),
    Case("SpatialDropout3D(0.5, seed=3)", SPACE, trains=True),
    Case("GaussianNoise(0.3, seed=3)", (5, 6), trains=True),
    Case("GaussianNoise(0)", (5, 6), trains=True),
    Case("GaussianDropout(0.3, seed=3)", (5, 6), trains=True),
    Case("AlphaDropout(0.3, seed=3)", (5, 6), trains=True),
    Case("AlphaDropout(0.3, (5, 1), seed=3)", (5, 6), trains=True),
    Case("ActivityRegularization(0.1, 0.2)", (5, 6)),
    *layers_conv_lstm.LAYERS,
    *layers_wrapping.LAYERS,
    # Images
    *layers_image.LAYERS,
    *layers_features.LAYERS,
]


def every_row(test):
    """Run a test on all rows; in the everyday run, on a row of each class of layer."""
    one_a_class = pytest.mark.sampled(by=lambda row: row["case"].name)
    return one_a_class(pytest.mark.parametrize("case", LAYERS, ids=str)(test))


FIRST = {case.name: case for case in reversed(LAYERS)}
first_of_each = pytest.mark.parametrize("case", FIRST.values(), ids=FIRST)

# Public names of `layers` that no row makes.
NO_ROW = {
    "InputLayer": "has no inputs; every functional model has one",
    "InputSpec": "is no layer",
    "Layer": "is the base class of the others",
    "Wrapper": "is the base class of others; see tests/test_wrapper.py",
}
