"""Rows for ops that only layers and other ops call: fused kernels and closed sets of gradients."""

from tests.cases.case import Case, bools, each, exactly, f32, f64, i32, probabilities

SEQUENCE, STATE = f32(2, 3, 4), f32(2, 5)


def recurrent(name, gates, states, bias, **options):
    """A recurrence of 5 units over 3 steps of 4 features."""
    weights = [f32(4, 5 * gates), f32(5, 5 * gates), bias]
    return Case(f"nn.rnn.{name}", [SEQUENCE, *weights, *[STATE] * states], options, reduction=45)


def networks(**options):
    return [
        recurrent("simple_rnn", 1, 1, f32(5), **options),
        recurrent("lstm", 4, 2, f32(20), **options),
        recurrent("gru", 3, 1, f32(2, 15), **options),
    ]


NO_PADDING = ((0, 0), (0, 0))
STRIDED = {"strides": (2, 1), "padding": ((1, 0), (0, 1)), "dilation": (1, 1)}

CURVES = (
    "nn.gates._silu nn.gates._tanh_gelu nn.gates._erf_gelu "
    "nn.gates._hard_sigmoid nn.gates._hard_silu nn.shrinkage._log_sigmoid "
    "nn.shrinkage._softsign nn.shrinkage.mish"
)

CASES = [
    *each(CURVES, f32(3, 4)),
    *each(CURVES, f64(0, 4)),
    Case("nn.softmax.dense", [f32(3, 4), f32(4, 2), f32(2)], reduction=4),
    Case("nn.softmax.dense", [f32(2, 3, 4), f32(4, 2)], reduction=4),
    Case(
        "nn.batch_norm.batch_norm_train",
        [f32(4, 3), f32(3), f32(3)],
        {"axis": -1, "epsilon": 1e-3},
        reduction=4,
    ),
    Case(
        "nn.batch_norm.batch_norm_train",
        [f32(3, 4, 2, 2), None, f32(4)],
        {"axis": 1, "epsilon": 0.1},
        reduction=12,
    ),
    Case("nn.batch_norm.batch_norm_train", [f32(3, 2)], {"axis": -1, "epsilon": 1e-3}, reduction=3),
    Case(
        "nn.norm._layer_norm",
        [f32(3, 4), f32(4), f32(4)],
        {"axes": 1, "epsilon": 1e-3},
        reduction=4,
    ),
    Case(
        "nn.norm._layer_norm", [f32(2, 3, 4), f32(3, 4)], {"axes": 2, "epsilon": 1e-3}, reduction=12
    ),
    Case(
        "nn.norm.group_norm",
        [f32(2, 3, 6), f32(6), f32(6)],
        {"groups": 3, "axis": -1, "epsilon": 1e-3},
        reduction=6,
    ),
    Case(
        "nn.norm.group_norm",
        [f32(2, 4, 3), f32(4)],
        {"groups": 2, "axis": 1, "epsilon": 1e-3},
        reduction=6,
    ),
    Case("nn.norm._rms_norm", [f32(3, 4), f32(4)], {"axes": 1, "epsilon": 1e-3}, reduction=4),
    Case("nn.norm._rms_norm", [f32(2, 3, 4)], {"axes": 2, "epsilon": 1e-3}, reduction=12),
    Case(
        "nn.attention._attention",
        [f32(2, 3, 2, 4), f32(2, 5, 2, 4), f32(2, 5, 2, 3)],
        {"scale": 0.5},
        reduction=20,
    ),
    Case(
        "nn.attention._attention",
        [*[f32(2, 3, 2, 4)] * 3, f32(2, 1, 3, 3), bools(2, 1, 1, 3)],
        {"scale": 0.5, "causal": True},
        reduction=20,
    ),
    Case(
        "nn.attention.places_in_sight",
        [f32(2, 3, 4), f32(2, 5, 4)],
        {"causal": True, "window": 2},
        orders=0,
    ),
    Case(
        "nn.crossentropy._softmax_crossentropy",
        [probabilities(3, 4), f32(3, 4)],
        {"axis": -1},
        reduction=4,
    ),
    Case(
        "nn.crossentropy._softmax_crossentropy",
        [probabilities(2, 4, 3, axis=1), f32(2, 4, 3)],
        {"axis": 1},
        reduction=4,
    ),
    Case(
        "nn.crossentropy._sparse_crossentropy",
        [f32(3, 4), exactly([0, 3, 1], "int32")],
        reduction=4,
    ),
    Case("nn.crossentropy._sigmoid_crossentropy", [probabilities(3, 4), f32(3, 4)]),
    *networks(),
    *networks(return_sequences=False),
    *networks(go_backwards=True),
    *networks(mask=bools(2, 3)),
    *networks(mask=bools(2, 3), zero_output_for_mask=True),
    *[
        recurrent(name, gates, states, None)
        for name, gates, states in (("simple_rnn", 1, 1), ("lstm", 4, 2), ("gru", 3, 1))
    ],
    # Convolution and its gradients: each one's gradients are the other two.
    *[
        Case(f"nn.convolutions.{name}", inputs, {**STRIDED, **options}, reduction=18)
        for name, more in (("convolve", {}), ("convolution", {}), ("convolution", {"relu": True}))
        for inputs, options in (
            ([f32(2, 5, 6, 4), f32(3, 3, 2, 4), None], {"groups": 2, **more}),
            ([f32(2, 5, 6, 3), f32(2, 3, 3, 4), f32(4)], more),
        )
    ],
    *[
        Case(
            "nn.convolutions.transposed_convolution",
            [f32(2, 2, 5, 4), f32(3, 3, 2, 4), bias],
            {**STRIDED, "input_shape": (5, 6), "relu": relu},
            reduction=18,
        )
        for bias in (f32(2), None)
        for relu in (False, True)
    ],
    Case("nn.softmax.softmax_along", [f32(3, 4)], reduction=4),
    Case("linalg.products.contract", [f32(3, 4), f32(4, 2)], reduction=4),
    Case("core.tensors._count", [i32(3, 4)]),
]
