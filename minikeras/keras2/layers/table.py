"""The rows of the layers that the engine has: order of arguments, changed defaults, old names.

A row names the arguments of Keras 2.2.4 in their order. Their defaults are the engine's unless the
row says otherwise; names of Keras 1 that every layer shares are in `saving/legacy/tables.py`.
"""

from minikeras import layers
from minikeras.keras2.layers import (
    activation_variants,
    batch_norm,
    dense_variants,
    embedding,
    locally_connected,
    spelling,
    time_distributed,
)
from minikeras.keras2.layers.rnn import calls, constants, conv_recurrent, cudnn
from minikeras.keras2.layers.rows import Row
from minikeras.keras2.layers.wrapper import Wrapper

_KERNEL = "kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
_TAIL = "activity_regularizer kernel_constraint bias_constraint"
_CONV = f"strides padding data_format dilation_rate activation use_bias {_KERNEL}{_TAIL}"
_LOCAL = f"strides padding data_format activation use_bias {_KERNEL}{_TAIL}"
_SEPARABLE = (
    "filters kernel_size strides padding data_format dilation_rate depth_multiplier activation "
    "use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer "
    "pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint "
    "pointwise_constraint bias_constraint"
)
_OF_KERAS_1 = "W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias"
_POOL = "pool_size strides padding data_format"
_INITIAL = "kernel_initializer recurrent_initializer bias_initializer"
_PENALTIES = "kernel_regularizer recurrent_regularizer bias_regularizer"
_CONSTRAINTS = "kernel_constraint recurrent_constraint bias_constraint"
_RECURRENT = f"{_PENALTIES} activity_regularizer {_CONSTRAINTS} dropout recurrent_dropout"
_CELL = f"{_PENALTIES} {_CONSTRAINTS} dropout recurrent_dropout"
_SEQUENCE = "return_sequences return_state go_backwards stateful unroll"
_ONE_WAY = "return_sequences return_state stateful"
_COMPUTING = {"consume_less": "implementation"}
_WITH_CONSTANTS = "inputs, mask=None, training=None, initial_state=None, constants=None"
_NO_CONSTANTS = {"num_constants": 0}  # how many there were when the layer was called
_CONV_CELL = (
    "filters kernel_size strides padding data_format dilation_rate activation "
    f"recurrent_activation use_bias {_INITIAL} unit_forget_bias"
)
_HARD = {"recurrent_activation": "hard_sigmoid", "implementation": 1}


def _embedding_shape(values):
    length = values["input_length"]
    if isinstance(length, (list, tuple)):
        return (None, *length)
    return (None, length)


CORE = [
    Row(layers.Dense, f"units activation use_bias {_KERNEL}{_TAIL}"),
    Row(layers.Activation, "activation"),
    Row(layers.Dropout, "rate noise_shape seed"),
    Row(layers.SpatialDropout1D, "rate"),
    Row(layers.SpatialDropout2D, "rate data_format"),
    Row(layers.SpatialDropout3D, "rate data_format"),
    Row(layers.Flatten, "data_format"),
    Row(layers.Reshape, "target_shape"),
    Row(layers.Permute, "dims"),
    Row(layers.RepeatVector, "n"),
    Row(layers.Masking, "mask_value"),
    Row(layers.ActivityRegularization, "l1 l2", call="inputs, **kwargs"),
    Row(
        layers.Embedding,
        "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer "
        "embeddings_constraint mask_zero input_length",
        ignored="input_length",
        attributes={"dropout": 0.0},
        methods={"call": embedding.call},
        first_shape=_embedding_shape,
    ),
    Row(
        layers.BatchNormalization,
        "axis momentum epsilon center scale beta_initializer gamma_initializer "
        "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer "
        "beta_constraint gamma_constraint",
        attributes={"mode": 0},
        methods={"_is_traced": True, "_uses_phase": True, "call": batch_norm.call},
    ),
    Row(
        layers.Dense,
        f"units activation use_bias {_KERNEL}{_TAIL}",
        name="TimeDistributedDense",
        is_sequence=True,
    ),
    Row(
        dense_variants.MaxoutDense,
        f"output_dim nb_feature init weights {_OF_KERAS_1} input_dim",
        call="x",
    ),
    Row(dense_variants.Highway, f"init activation weights {_OF_KERAS_1} input_dim", call="x"),
]

NOISE = [
    Row(layers.GaussianNoise, "stddev"),
    Row(layers.GaussianDropout, "rate"),
    Row(layers.AlphaDropout, "rate noise_shape seed"),
]

ACTIVATIONS = [
    Row(layers.LeakyReLU, "alpha", renamed={"alpha": "negative_slope"}),
    Row(
        layers.PReLU,
        "alpha_initializer alpha_regularizer alpha_constraint shared_axes",
        defaults={"alpha_initializer": "zeros"},
        call="inputs, mask=None",
    ),
    Row(layers.ELU, "alpha"),
    Row(layers.ReLU, "max_value negative_slope threshold"),
    Row(layers.Softmax, "axis"),
    Row(activation_variants.ThresholdedReLU, "theta", call="inputs, mask=None"),
    Row(activation_variants.ParametricSoftplus, "alpha_init beta_init weights shared_axes"),
    Row(
        activation_variants.SReLU,
        "t_left_init a_left_init t_right_init a_right_init shared_axes",
    ),
]

CONVOLUTIONAL = [
    Row(
        layers.Conv1D,
        f"filters kernel_size {_CONV}",
        {"data_format": "channels_last"},
        is_sequence=True,
    ),
    Row(layers.Conv2D, f"filters kernel_size {_CONV}"),
    Row(layers.Conv3D, f"filters kernel_size {_CONV}"),
    Row(
        layers.Conv2DTranspose,
        "filters kernel_size strides padding output_padding data_format dilation_rate activation "
        f"use_bias {_KERNEL}{_TAIL}",
        adapt=spelling.without_output_shape,
    ),
    Row(
        layers.Conv3DTranspose,
        "filters kernel_size strides padding output_padding data_format activation use_bias "
        f"{_KERNEL}{_TAIL}",
    ),
    Row(
        layers.SeparableConv1D,
        _SEPARABLE,
        {"data_format": "channels_last"},
        adapt=spelling.without_kernel,
    ),
    Row(layers.SeparableConv2D, _SEPARABLE, adapt=spelling.both_initializers),
    Row(
        layers.DepthwiseConv2D,
        "kernel_size strides padding depth_multiplier data_format activation use_bias "
        "depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
        "activity_regularizer depthwise_constraint bias_constraint",
        call="inputs, training=None",
        adapt=spelling.without_kernel,
    ),
    Row(locally_connected.LocallyConnected1D, f"filters kernel_size {_LOCAL}", is_sequence=True),
    Row(
        locally_connected.LocallyConnected2D,
        f"filters kernel_size {_LOCAL}",
        {"strides": (1, 1)},
    ),
    Row(layers.UpSampling1D, "size"),
    Row(layers.UpSampling2D, "size data_format interpolation"),
    Row(layers.UpSampling3D, "size data_format"),
    Row(layers.ZeroPadding1D, "padding"),
    Row(layers.ZeroPadding2D, "padding data_format"),
    Row(layers.ZeroPadding3D, "padding data_format", {"padding": (1, 1, 1)}),
    Row(layers.Cropping1D, "cropping"),
    Row(layers.Cropping2D, "cropping data_format"),
    Row(layers.Cropping3D, "cropping data_format"),
]

POOLING = [
    Row(
        getattr(layers, f"{kind}Pooling{n}D"),
        _POOL,
        {"pool_size": (2,) * n if n > 1 else 2, **({} if n > 1 else {"data_format": last})},
    )
    for kind in ("Max", "Average")
    for n, last in ((1, "channels_last"), (2, None), (3, None))
] + [
    Row(
        getattr(layers, f"Global{kind}Pooling{n}D"),
        "data_format",
        {"data_format": "channels_last"} if n == 1 else {},
    )
    for kind in ("Max", "Average")
    for n in (1, 2, 3)
]

RECURRENT = [
    Row(
        layers.SimpleRNN,
        f"units activation use_bias {_INITIAL} {_RECURRENT} {_SEQUENCE}",
        is_sequence=True,
        methods=calls.methods_with_steps(layers.SimpleRNN),
    ),
    Row(
        layers.GRU,
        f"units activation recurrent_activation use_bias {_INITIAL} {_RECURRENT} implementation "
        f"{_SEQUENCE} reset_after",
        {**_HARD, "reset_after": False},
        keras1=_COMPUTING,
        ignored="implementation",
        is_sequence=True,
        methods=calls.methods_with_steps(layers.GRU),
    ),
    Row(
        layers.LSTM,
        f"units activation recurrent_activation use_bias {_INITIAL} unit_forget_bias {_RECURRENT} "
        f"implementation {_SEQUENCE}",
        _HARD,
        keras1=_COMPUTING,
        ignored="implementation",
        adapt=spelling.of_lstm,
        is_sequence=True,
        methods=calls.methods_with_steps(layers.LSTM),
    ),
    Row(
        cudnn.CuDNNGRU,
        f"units {_INITIAL} {_PENALTIES} activity_regularizer {_CONSTRAINTS} {_ONE_WAY}",
        by_name="go_backwards",
        is_sequence=True,
        methods=calls.methods(cudnn.CuDNNGRU),
    ),
    Row(
        cudnn.CuDNNLSTM,
        f"units {_INITIAL} unit_forget_bias {_PENALTIES} activity_regularizer {_CONSTRAINTS} "
        f"{_ONE_WAY}",
        by_name="go_backwards",
        is_sequence=True,
        methods=calls.methods(cudnn.CuDNNLSTM),
    ),
    Row(layers.SimpleRNNCell, f"units activation use_bias {_INITIAL} {_CELL}"),
    Row(
        layers.GRUCell,
        f"units activation recurrent_activation use_bias {_INITIAL} {_CELL} implementation "
        "reset_after",
        {**_HARD, "reset_after": False},
        ignored="implementation",
    ),
    Row(
        layers.LSTMCell,
        f"units activation recurrent_activation use_bias {_INITIAL} unit_forget_bias {_CELL} "
        "implementation",
        _HARD,
        ignored="implementation",
    ),
    Row(
        layers.ConvLSTM2D,
        f"{_CONV_CELL} {_PENALTIES} activity_regularizer {_CONSTRAINTS} return_sequences "
        "go_backwards stateful dropout recurrent_dropout",
        {"recurrent_activation": "hard_sigmoid", "strides": (1, 1), "dilation_rate": (1, 1)},
        by_name="return_state unroll",
        adapt=spelling.of_lstm,
        methods=calls.methods(layers.ConvLSTM2D),
    ),
    Row(
        constants.RNN,
        f"cell {_SEQUENCE}",
        attributes=_NO_CONSTANTS,
        methods=calls.methods(constants.RNN, _WITH_CONSTANTS),
    ),
    Row(
        conv_recurrent.ConvLSTM2DCell,
        f"{_CONV_CELL} {_PENALTIES} {_CONSTRAINTS} dropout recurrent_dropout",
        {"recurrent_activation": "hard_sigmoid", "strides": (1, 1), "dilation_rate": (1, 1)},
    ),
    Row(
        conv_recurrent.ConvRNN2D,
        f"cell {_SEQUENCE}",
        attributes=_NO_CONSTANTS,
        methods=calls.methods(conv_recurrent.ConvRNN2D, _WITH_CONSTANTS),
    ),
    Row(
        constants.StackedRNNCells,
        "cells",
        call="inputs, states, constants=None, **kwargs",
    ),
]

WRAPPERS = [
    Row(
        layers.TimeDistributed,
        "layer",
        base=Wrapper,
        methods={
            "_is_traced": True,
            "call": time_distributed.call,
            "compute_mask": time_distributed.compute_mask,
        },
    ),
    Row(
        constants.Bidirectional,
        "layer merge_mode weights",
        base=Wrapper,
        attributes=_NO_CONSTANTS,
        methods=calls.methods(constants.Bidirectional, _WITH_CONSTANTS),
    ),
]

MERGING = [
    *(Row(cls, "") for cls in (layers.Add, layers.Subtract, layers.Multiply, layers.Average)),
    *(Row(cls, "") for cls in (layers.Maximum, layers.Minimum)),
    Row(layers.Concatenate, "axis"),
    Row(layers.Dot, "axes normalize"),
]

ROWS = [
    *(CORE + NOISE + ACTIVATIONS + CONVOLUTIONAL + POOLING),
    *(RECURRENT + WRAPPERS + MERGING),
]

# Other names of the same classes, of Keras 2 and of Keras 1.
ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Deconv2D": "Conv2DTranspose",
    "Deconv3D": "Conv3DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
}
