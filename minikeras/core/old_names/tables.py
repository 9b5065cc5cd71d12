"""Names and arguments of Keras 1 and 2, and what is used today.

Classes and arguments of layers are those that old files hold as well (`saving/legacy`), and of
which `keras2` makes its layers.
"""

# Layers that have another name today, or are a special case of a layer that exists.
CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "TimeDistributedDense": "Dense",
    "UnifiedGRU": "GRU",
    "UnifiedLSTM": "LSTM",
}

# Layers of old Keras that no layer of today stands for.
GONE = frozenset(
    {
        *("Highway", "LocallyConnected1D", "LocallyConnected2D", "MaxoutDense"),
        *("ParametricSoftplus", "SReLU"),
    }
)

# Arguments by their old names, in every layer.
ARGUMENTS = {
    "U_regularizer": "recurrent_regularizer",
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "beta_init": "beta_initializer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "gamma_init": "gamma_initializer",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "nb_filter": "filters",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}

_UNITS = {"output_dim": "units"}

# Arguments by their old names that only one class has; they come before the general ones.
ARGUMENTS_OF = {
    "Dense": _UNITS,
    "Embedding": {
        "W_constraint": "embeddings_constraint",
        "W_regularizer": "embeddings_regularizer",
        "init": "embeddings_initializer",
    },
    "GRU": _UNITS,
    "LSTM": _UNITS,
    "LeakyReLU": {"alpha": "negative_slope"},
    "PReLU": {"init": "alpha_initializer"},
    "ReLU": {"theta": "threshold"},
    "SeparableConv2D": {"init": "depthwise_initializer"},
    "SimpleRNN": _UNITS,
    "UpSampling1D": {"length": "size"},
}

OF_CALLS: dict[str, str | None] = {
    "batch_input_shape": "batch_shape",
    "class_mode": None,
    "consume_less": None,
    "decay": "keras.optimizers.schedules.InverseTimeDecay",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "input": "inputs",
    "input_dim": "shape",
    "input_dtype": "dtype",
    "input_length": "shape",
    "input_tensor": "tensor",
    "lr": "learning_rate",
    "m": "max_value",
    "max_q_size": None,
    "max_queue_size": "keras.utils.PyDataset",
    "mode": None,
    "nb_classes": "num_classes",
    "nb_col": "kernel_size",
    "nb_epoch": "epochs",
    "nb_row": "kernel_size",
    "nb_val_samples": "validation_steps",
    "nb_words": "num_words",
    "nb_worker": None,
    "output": "outputs",
    "output_dim": "units",
    "period": "save_freq",
    "pickle_safe": None,
    "sample_weight_mode": None,
    "samples_per_epoch": "steps_per_epoch",
    "show_accuracy": 'metrics=["accuracy"]',
    "target_tensors": None,
    "use_multiprocessing": "keras.utils.PyDataset",
    "val_samples": "steps",
    "weights": "set_weights",
    "workers": "keras.utils.PyDataset",
    "write_grads": None,
}
"""Arguments that files do not hold, and what is used today; None where there is nothing."""

OF_ONE: dict[str, dict[str, str | None]] = {
    "Concatenate": {"concat_axis": "axis"},
    "Dot": {"dot_axes": "axes"},
    "Embedding": {"dropout": "keras.layers.SpatialDropout1D"},
    "L1": {"l": "l1"},
    "L2": {"l": "l2"},
    "TensorBoard": {
        "batch_size": None,
        "embeddings_data": None,
        "embeddings_layer_names": "embeddings_metadata",
    },
}
"""The same for one class alone."""

NAMES: dict[str, dict[str, str | None]] = {
    "minikeras": {
        "engine": "keras.layers and keras.models",
        "initializations": "keras.initializers",
        "objectives": "keras.losses",
    },
    "minikeras.backend": {
        **dict.fromkeys(
            [
                *("abs", "argmax", "batch_dot", "cast", "clip", "concatenate", "constant", "dot"),
                *("exp", "expand_dims", "flatten", "int_shape", "log", "max", "maximum", "mean"),
                *("ndim", "one_hot", "ones", "permute_dimensions", "pow", "reshape", "shape"),
                *("sqrt", "square", "stack", "sum", "switch", "tile", "transpose", "zeros"),
            ],
            "keras.ops",
        ),
        **dict.fromkeys(["eval", "function", "get_session", "learning_phase", "rnn"]),
        **dict.fromkeys(["set_learning_phase", "set_session"]),
        "gradients": "keras.GradientTape",
        "image_dim_ordering": "keras.config.image_data_format",
        "placeholder": "keras.Input",
        "set_image_dim_ordering": "keras.config.set_image_data_format",
        "set_value": "keras.Variable.assign",
        "variable": "keras.Variable",
    },
    "minikeras.constraints": {
        "maxnorm": "keras.constraints.MaxNorm",
        "nonneg": "keras.constraints.NonNeg",
        "unitnorm": "keras.constraints.UnitNorm",
    },
    "minikeras.initializers": {
        "normal": "keras.initializers.RandomNormal",
        "uniform": "keras.initializers.RandomUniform",
    },
    "minikeras.layers": {
        **dict.fromkeys(
            [
                *("advanced_activations", "convolutional_recurrent", "core", "cudnn_recurrent"),
                *("embeddings", "local", "merge", "noise", "normalization", "pooling"),
                *("convolutional", "recurrent", "wrappers"),
            ],
            "keras.layers",
        ),
        **{old: f"keras.layers.{today}" for old, today in CLASSES.items()},
        **dict.fromkeys([*GONE, "Recurrent"]),
        "Merge": "keras.layers.Add, keras.layers.Concatenate, ...",
        "merge": "keras.layers.add, keras.layers.concatenate, ...",
    },
    "minikeras.regularizers": {
        "ActivityRegularizer": "keras.regularizers.L1L2",
        "WeightRegularizer": "keras.regularizers.L1L2",
        "l1l2": "keras.regularizers.L1L2",
    },
    "minikeras.utils": {
        "HDF5Matrix": None,
        "conv_utils": None,
        "data_utils": "keras.utils",
        "generic_utils": "keras.utils",
        "io_utils": None,
        "layer_utils": "keras.utils",
        "multi_gpu_model": None,
        "multi_gpu_utils": None,
        "np_utils": "keras.utils",
        "vis_utils": "keras.utils",
        "visualize_util": "keras.utils",
    },
    "minikeras.wrappers": {
        "KerasClassifier": "keras.wrappers.SKLearnClassifier",
        "KerasRegressor": "keras.wrappers.SKLearnRegressor",
        "scikit_learn": "keras.wrappers.SKLearnClassifier",
    },
}
"""Modules, classes and functions of each public module, and what is used today."""

OF_LAYERS = {
    **dict.fromkeys(("get_input_at", "get_input_mask_at"), "input"),
    **dict.fromkeys(("get_output_at", "get_output_mask_at"), "output"),
    **dict.fromkeys(("get_input_shape_at", "input_shape"), "layer.input.shape"),
    **dict.fromkeys(("get_output_shape_at", "output_shape"), "layer.output.shape"),
    "add_update": "keras.Variable.assign in `call`",
    "get_losses_for": "losses",
    "get_output_shape_for": "compute_output_shape",
    "get_updates_for": None,
    "inbound_nodes": None,
    "outbound_nodes": None,
    "updates": None,
    "uses_learning_phase": None,
}
"""Methods and attributes of layers and models, and what is used today."""

OF_MODELS = {
    **{f"_make_{step}_function": f"make_{step}_function" for step in ("predict", "test", "train")},
    "evaluate_generator": "evaluate",
    "fit_generator": "fit",
    "predict_classes": "keras.ops.argmax(model.predict(x), axis=-1)",
    "predict_generator": "predict",
    "predict_proba": "predict",
    "reset_states": "reset_state of each layer",
    "state_updates": None,
    "targets": None,
    "total_loss": "compute_loss",
}
"""Those of models alone."""

OF_OPTIMIZERS = {
    "decay": "keras.optimizers.schedules.InverseTimeDecay",
    "get_gradients": "keras.GradientTape",
    "get_updates": "apply_gradients",
    "lr": "learning_rate",
}
"""Those of optimizers."""

IDENTIFIERS: dict[str, dict[str, str | None]] = {
    "activation function": {  # in Keras 1 the second argument of `Dense` was its initializer
        f"{scheme}{kind}": f'kernel_initializer="{scheme or "random_"}{kind}"'
        for scheme in ("", "glorot_", "he_", "lecun_")
        for kind in ("uniform", "normal")
    },
    "constraint": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "metric": dict.fromkeys(("f1score", "fbeta_score", "fmeasure", "matthews_correlation")),
}
"""Names that stand for objects of a kind, and what is used today."""
