"""The order of the arguments of Keras 1.2.2, for the layers whose order Keras 2 changed."""

_W_B = "W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias"
_DENSE = f"output_dim init activation weights {_W_B} input_dim"
_CONV_1D = "nb_filter filter_length init activation weights border_mode subsample_length"
_CONV_2D = "nb_filter nb_row nb_col init activation weights border_mode subsample"
_CONV_3D = "nb_filter kernel_dim1 kernel_dim2 kernel_dim3 init activation weights border_mode"
_UNITS = "output_dim init inner_init"
_RATES = "W_regularizer U_regularizer b_regularizer dropout_W dropout_U"

ORDERS = {
    "BatchNormalization": "epsilon mode axis momentum weights beta_init gamma_init "
    "gamma_regularizer beta_regularizer",
    "Conv1D": f"{_CONV_1D} {_W_B} input_dim input_length",
    "Conv2D": f"{_CONV_2D} dim_ordering {_W_B}",
    "Conv2DTranspose": "nb_filter nb_row nb_col output_shape init activation weights border_mode "
    f"subsample dim_ordering {_W_B}",
    "Conv3D": f"{_CONV_3D} subsample dim_ordering {_W_B}",
    "ConvLSTM2D": "nb_filter nb_row nb_col init inner_init forget_bias_init activation "
    f"inner_activation dim_ordering border_mode subsample {_RATES}",
    "Dense": _DENSE,
    "Embedding": "input_dim output_dim init input_length W_regularizer activity_regularizer "
    "W_constraint mask_zero weights dropout",
    "GRU": f"{_UNITS} activation inner_activation {_RATES}",
    "LSTM": f"{_UNITS} forget_bias_init activation inner_activation {_RATES}",
    "LocallyConnected1D": f"{_CONV_1D} {_W_B} input_dim input_length",
    "LocallyConnected2D": f"{_CONV_2D} dim_ordering {_W_B}",
    "PReLU": "init weights shared_axes",
    "SeparableConv2D": f"{_CONV_2D} depth_multiplier dim_ordering depthwise_regularizer "
    "pointwise_regularizer b_regularizer activity_regularizer depthwise_constraint "
    "pointwise_constraint b_constraint bias",
    "SimpleRNN": f"{_UNITS} activation {_RATES}",
    "TimeDistributedDense": f"{_DENSE} input_length",
}

# Of the functions that make a convolution with `atrous_rate`.
ATROUS = {
    "AtrousConvolution1D": f"{_CONV_1D} atrous_rate {_W_B}",
    "AtrousConvolution2D": f"{_CONV_2D} atrous_rate dim_ordering {_W_B}",
}
