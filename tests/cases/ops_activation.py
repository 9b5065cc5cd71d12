"""Rows for activations, softmax and its relatives."""

from tests.cases.case import Case, each, exactly, f16, f32, f64, i32

ALL = (
    "relu relu6 elu selu celu gelu silu swish sigmoid softplus softsign leaky_relu hard_sigmoid "
    "hard_silu hard_swish hard_tanh hard_shrink soft_shrink tanh_shrink log_sigmoid squareplus "
    "sparse_plus sparse_sigmoid"
)
# Kinks and asymptotes of all of them at once.
EDGES = [0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, -6.0, 30.0, -30.0]

CASES = [
    *each(ALL, f32(3, 4, low=-4, high=7)),
    *each(ALL, f64(0, 2)),
    *each(ALL, f32(low=0.5)),
    *each(ALL, exactly(EDGES), smooth=False, orders=2),
    *each(ALL, f16(4), orders=1),
    *each("relu relu6 sigmoid softplus silu leaky_relu", i32(4)),
    *each("celu elu", f32(6), 0.5, note="alpha"),
    Case("gelu", [f32(3, 4)], {"approximate": False}),
    Case("gelu", [exactly(EDGES)], {"approximate": False}),
    Case("leaky_relu", [f32(6)], {"negative_slope": 0.01}),
    Case("hard_shrink", [f32(6)], {"threshold": 1.0}),
    Case("soft_shrink", [f32(6)], {"threshold": 1.0}),
    Case("squareplus", [f32(6)], {"b": 0.5}),
    Case("threshold", [f32(6), 0.5, -1.0]),
    Case("threshold", [exactly(EDGES), 0.5, -1.0], smooth=False, orders=1),
    Case("glu", [f32(3, 4)]),
    Case("glu", [f32(4, 3, 2)], {"axis": 0}, unknown=False),
    *each("softmax log_softmax sparsemax", f32(3, 4), reduction=4),
    *each("softmax log_softmax sparsemax", f32(5), reduction=5),
    *each("softmax log_softmax sparsemax", f32(3, 4, 2), kwargs={"axis": 1}, reduction=4),
    *each("softmax log_softmax sparsemax", f32(3, 4, 2), kwargs={"axis": -2}, reduction=4),
    *each("softmax log_softmax", f32(3, 4, 2), kwargs={"axis": (1, 2)}, reduction=8),
    *each("softmax log_softmax", f32(3, 2), kwargs={"axis": None}, reduction=6),
    *each("softmax log_softmax", f32(0, 4)),
    *each("softmax log_softmax", exactly([[1000.0, 1000.0, -1000.0]])),
    *each("softmax log_softmax", f16(3, 4), orders=1, reduction=4),
    *each("softmax log_softmax", exactly([[1, 2, 3]], "int32"), reduction=3),
]
