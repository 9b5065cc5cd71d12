"""What networks are made of: activations, windows, normalization, losses; `keras.ops.nn`."""

from minikeras.ops.nn.activation import (
    celu,
    elu,
    hard_tanh,
    leaky_relu,
    relu,
    relu6,
    selu,
)
from minikeras.ops.nn.attention import (
    dot_product_attention,
)
from minikeras.ops.nn.batch_norm import batch_normalization, moments
from minikeras.ops.nn.conv import (
    conv,
    conv_transpose,
    depthwise_conv,
    separable_conv,
)
from minikeras.ops.nn.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from minikeras.ops.nn.ctc import ctc_decode, ctc_loss
from minikeras.ops.nn.gates import gelu, glu, hard_sigmoid, hard_silu, hard_swish, silu, swish
from minikeras.ops.nn.norm import (
    layer_normalization,
    normalize,
    rms_normalization,
)
from minikeras.ops.nn.pooling import (
    adaptive_average_pool,
    adaptive_max_pool,
    average_pool,
    max_pool,
)
from minikeras.ops.nn.shrinkage import (
    hard_shrink,
    log_sigmoid,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    tanh_shrink,
    threshold,
)
from minikeras.ops.nn.softmax import (
    dense,
    log_softmax,
    multi_hot,
    one_hot,
    psnr,
    sigmoid,
    softmax,
    sparsemax,
)
from minikeras.ops.rearranging.layouts import (
    depth_to_space,
    fold,
    space_to_depth,
    unfold,
)

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "conv_transpose",
    "ctc_decode",
    "ctc_loss",
    "dense",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "fold",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
    "unfold",
]
