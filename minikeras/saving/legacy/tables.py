"""Old names and what they are called today: classes, arguments, functions.

An argument of Keras 1 has a name that no class uses today for anything else, so its presence alone
says that it is to be renamed. The names of classes and arguments are in `core/old_names.py`, since
scripts have them, too.
"""

from minikeras.core.old_names.tables import ARGUMENTS, ARGUMENTS_OF, CLASSES, GONE

__all__ = ["ARGUMENTS", "ARGUMENTS_OF", "CLASSES", "GONE"]

ANY = object()

# Arguments that no layer takes today, with the values at which they change nothing: any value
# where they only chose how to compute, or said the input's shape, which is read elsewhere.
DROPPED = {
    "batch_input_shape": ANY,
    "batch_size": ANY,
    "consume_less": ANY,
    "experimental_run_tf_function": ANY,
    "fused": ANY,
    "implementation": ANY,
    "input_dtype": ANY,
    "input_length": ANY,
    "input_shape": ANY,
    "jit_compile": ANY,
    "mode": (0,),
    "quantization_config": (None,),
    "time_major": (False,),
    "virtual_batch_size": (None,),
}

# The same for one class.
DROPPED_OF = {
    "Conv2DTranspose": {"groups": (1,), "output_shape": ANY},
    "Conv1DTranspose": {"groups": (1,)},
    "Conv3DTranspose": {"groups": (1,), "output_shape": ANY},
    "DepthwiseConv2D": {
        "filters": ANY,
        "groups": (1,),
        "kernel_constraint": ANY,
        "kernel_initializer": ANY,
        "kernel_regularizer": ANY,
    },
    "DepthwiseConv1D": {"groups": (1,)},
    "Embedding": {"sparse": (False,)},
    "MultiHeadAttention": {
        "key_shape": ANY,
        "query_shape": ANY,
        "softmax_robust_masking": (False,),
        "value_shape": ANY,
    },
    "SpatialDropout1D": {"noise_shape": (None,)},
    "SpatialDropout2D": {"noise_shape": (None,)},
    "SpatialDropout3D": {"noise_shape": (None,)},
    "SeparableConv1D": {
        "groups": (1,),
        "kernel_constraint": (None,),
        "kernel_initializer": ANY,
        "kernel_regularizer": (None,),
    },
    "SeparableConv2D": {
        "groups": (1,),
        "kernel_constraint": (None,),
        "kernel_initializer": ANY,
        "kernel_regularizer": (None,),
    },
    "BatchNormalization": {
        "renorm": (False,),
        "renorm_clipping": ANY,
        "renorm_momentum": ANY,
        "adjustment": (None,),
    },
}

DATA_FORMATS = {
    "th": "channels_first",
    "tf": "channels_last",
    "default": "channels_last",
}

# Modes of Keras 1's Merge.
MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}

ACTIVATIONS = {"softmax_v2": "softmax", "relu_v2": "relu", "gelu_v2": "gelu"}

# Arguments of regularizers and constraints of Keras 1.
REGULARIZERS = {
    "ActivityRegularizer": "L1L2",
    "L1L2Regularizer": "L1L2",
    "WeightRegularizer": "L1L2",
}
CONSTRAINTS = {
    "MaxNorm": "MaxNorm",
    "MinMaxNorm": "MinMaxNorm",
    "NonNeg": "NonNeg",
    "UnitNorm": "UnitNorm",
    "maxnorm": "MaxNorm",
    "nonneg": "NonNeg",
    "unitnorm": "UnitNorm",
}
CONSTRAINT_ARGUMENTS = {"m": "max_value", "low": "min_value", "high": "max_value"}

RECURRENT = frozenset(
    {
        *("Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN"),
        *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    }
)
MODELS = frozenset({"Functional", "Model", "Sequential"})
