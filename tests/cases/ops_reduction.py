"""Rows for ops that reduce or run along axes."""

from tests.cases.case import (
    Case,
    bools,
    distinct,
    each,
    exactly,
    f16,
    f32,
    i8,
    i32,
    i64,
    positive,
    u8,
)

nan, inf = float("nan"), float("inf")
SMOOTH = "sum mean prod var std logsumexp"
PICKING = "max min amax amin ptp"
TRUTH = "all any"
PLACES = "argmax argmin"
NAN = "nansum nanmean nanprod nanvar nanstd nanmax nanmin"
QUANTILES = "quantile percentile nanquantile nanpercentile"
HOLES = exactly([[1.0, nan, 3.0, 0.5], [nan, 2.0, 5.0, 4.0], [7.0, 6.0, -1.0, nan]])
AXES = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": (0, 2)},
    {"axis": (-1, -2), "keepdims": True},
    {"keepdims": True},
]
ONE_AXIS = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}]


def over(names, axes, *inputs, **options):
    return [row for kwargs in axes for row in each(names, *inputs, kwargs=kwargs, **options)]


CASES = [
    *over(SMOOTH, AXES, f32(2, 3, 4), reduction=24),
    *over(PICKING, AXES, distinct(2, 3, 4)),
    *over(TRUTH, AXES, bools(2, 3, 4)),
    *over("count_nonzero", [{}, {"axis": 1}, {"axis": (0, -1)}], i32(2, 3, 4, low=0, high=2)),
    *over(PLACES, [*ONE_AXIS, {"keepdims": True}], distinct(3, 4)),
    *over(PLACES, ONE_AXIS, exactly([[1, 2, 2], [3, 3, 1]], "int32")),
    *each("sum mean prod var logsumexp max min", f32()),
    *each("sum mean prod var logsumexp", f32(1, 1), note="one"),
    *each("std", f32(1, 1), note="one", smooth=False, orders=1),
    *each("sum mean prod var std max min ptp argmax argmin", i32(3, 4), reduction=12),
    *each("sum mean prod max min var", bools(4), reduction=4),
    *each("sum mean prod max min", i8(4), reduction=4),
    *each("sum mean prod max min", u8(4), reduction=4),
    *each("sum mean prod max min", i64(4), reduction=4),
    *each("sum mean prod max min var std logsumexp", f16(4), orders=1, reduction=4),
    *each("sum prod all any", f32(0, 3), kwargs={"axis": 0}),
    *each("sum mean", f32(3, 4), kwargs={"axis": ()}, note="no axes"),
    *each(
        "max min",
        exactly([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]),
        kwargs={"axis": 1},
        smooth=False,
        orders=1,
    ),
    *each("max min", f32(3, 4), kwargs={"axis": 1, "initial": 0.5}, smooth=False, orders=0),
    *each("max min", f32(0, 4), kwargs={"axis": 0, "initial": 0.5}, unknown=False),
    Case("prod", [exactly([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0]])], {"axis": 1}, orders=1),
    Case("prod", [exactly([0.0, 2.0, 3.0])]),
    Case("std", [exactly([2.0, 2.0])], smooth=False, orders=1),
    Case("logsumexp", [exactly([1000.0, 1000.0, -inf])], smooth=False, orders=1),
    Case("average", [f32(3, 4)], reduction=12),
    Case("average", [f32(3, 4)], {"axis": 1, "weights": positive(4)}, reduction=4),
    Case("average", [f32(3, 4)], {"weights": positive(3, 4)}, reduction=12),
    Case("average", [i32(3, 4)], {"axis": 0}, reduction=3),
    Case("prod", [i32(3)], {"dtype": "float32"}),
    Case("median", [distinct(3, 4)]),
    Case("median", [distinct(3, 5)], {"axis": 1}),
    Case("median", [distinct(2, 3, 4)], {"axis": (0, -1), "keepdims": True}),
    Case("median", [distinct(5, dtype="float16")], orders=1),
    Case("median", [i32(5)]),
    *[
        row
        for q, kind in ((0.3, "quantile nanquantile"), (30.0, "percentile nanpercentile"))
        for kwargs in (*ONE_AXIS, {"axis": (0, 1)})
        for row in each(kind, distinct(3, 4), q, kwargs=kwargs)
    ],
    *[
        Case("quantile", [distinct(3, 5), 0.3], {"axis": 1, "method": method})
        for method in ("lower", "higher", "nearest", "midpoint")
    ],
    Case("quantile", [distinct(7), [0.0, 0.25, 1.0]]),
    Case("percentile", [distinct(7, 2), [10.0, 50.0]], {"axis": 0}),
    Case("quantile", [i32(5), 0.5]),
    # Reductions that leave out NaN.
    *over(
        NAN,
        [{}, {"axis": 0}, {"axis": -1, "keepdims": True}],
        HOLES,
        smooth=False,
        orders=1,
        reduction=12,
    ),
    *over("nanargmax nanargmin", ONE_AXIS, HOLES),
    *each("nanmedian", HOLES, smooth=False, orders=1),
    *each("nanmedian", HOLES, kwargs={"axis": 1}, smooth=False, orders=1),
    *each(NAN, distinct(3, 4), note="whole", reduction=12),
    *each("nansum nanmean nanprod nanmax", i32(3, 4), reduction=12),
    *each("nancumsum nancumprod", HOLES, kwargs={"axis": 1}, smooth=False, orders=1),
    *each("nancumsum nancumprod", f32(5), reduction=5),
    Case("nansum", [exactly([nan, nan])], smooth=False, orders=1),
    # Running sums and products.
    *over("cumsum cumprod", [{}, {"axis": 0}, {"axis": -1}], f32(3, 4), reduction=12),
    *each("cumsum cumprod", i32(4)),
    *each("cumsum cumprod", bools(4)),
    *each("cumsum cumprod", i32(4), kwargs={"dtype": "float32"}),
    # TensorFlow takes the gradient w.r.t. a zero to be zero, and so it is here.
    Case("cumprod", [exactly([2.0, 0.0, 3.0, 4.0])], smooth=False, orders=1),
    # Over segments.
    *each(
        "segment_sum segment_prod",
        f32(6, 2),
        exactly([0, 0, 1, 2, 2, 2], "int32"),
        kwargs={"num_segments": 3},
        reduction=3,
    ),
    *each(
        "segment_max segment_min",
        distinct(6, 2),
        exactly([0, 0, 1, 2, 2, 2], "int32"),
        kwargs={"num_segments": 3},
    ),
    *each(
        "segment_sum segment_max segment_min segment_prod",
        distinct(5),
        exactly([2, 0, 2, 0, 2], "int32"),
        kwargs={"num_segments": 4},
        note="gap",
        smooth=False,
        orders=1,
    ),
    *each(
        "segment_sum segment_max",
        i32(4),
        exactly([0, 0, 1, 1], "int32"),
        kwargs={"num_segments": 2, "sorted": True},
    ),
    Case("segment_sum", [f32(4), exactly([0, 0, 1, 1], "int32")], abstract=False),
    Case("moments", [f32(3, 4)], {"axes": [0]}, reduction=3),
    Case("moments", [f32(2, 3, 4)], {"axes": (0, -1), "keepdims": True}, reduction=8),
    Case("moments", [f16(3, 4)], {"axes": [1]}, orders=1, reduction=4),
]
