"""Rows for indexing, scattering, sorting and searching."""

from tests.cases.case import (
    Case,
    bools,
    distinct,
    each,
    exactly,
    f16,
    f32,
    i32,
    i64,
)

nan = float("nan")
PLACES = exactly([[0, 2], [1, 1]], "int32")
TIES = exactly([[2.0, 1.0, 2.0, 1.0], [0.0, 0.0, -0.0, 3.0]])
SORTED = exactly([-1.5, 0.0, 0.0, 1.0, 2.5])


def put(reduction, *inputs, **options):
    return Case("scatter_update", list(inputs), {"reduction": reduction}, **options)


CASES = [
    Case("take", [f32(5, 3), PLACES], {"axis": 0}),
    Case("take", [f32(3, 5), PLACES], {"axis": -1}),
    Case("take", [f32(3, 5), exactly([0, 14, 3], "int32")]),
    Case("take", [f32(5, 3), 2], {"axis": 0}),
    Case("take", [f32(5, 3), exactly([-1, 0, -5], "int32")], {"axis": 0}),
    Case("take", [f32(5), exactly([[], []], "int32")], {"axis": 0}),
    Case("take", [i32(5), exactly([1, 1], "int64")], {"axis": 0}),
    Case("take", [f16(5, 2), exactly([1, 1], "uint8")], {"axis": 0}, orders=1),
    Case("take_along_axis", [f32(3, 4), exactly([[0], [3], [1]], "int32")], {"axis": 1}),
    Case(
        "take_along_axis", [f32(3, 4), exactly([[0, 2, 1, 1]], "int32")], {"axis": 0}, unknown=False
    ),
    Case("take_along_axis", [f32(2, 3), exactly([5, 0, 0], "int32")]),
    Case("get_item", [f32(3, 4), 1]),
    Case("get_item", [f32(3, 4), -1]),
    Case("get_item", [f32(3, 4), (slice(None), 2)]),
    Case("get_item", [f32(3, 4), (slice(None, None, -1), slice(1, 4, 2))]),
    Case("get_item", [f32(3, 4), (Ellipsis, None, slice(0, 2))]),
    Case("get_item", [f32(3, 4), slice(1, 1)], unknown=False),
    Case("slice", [f32(3, 4), (1, 0), (2, 3)]),
    Case("slice", [f32(3, 4), exactly([0, 1], "int32"), (3, 2)]),
    Case("slice_update", [f32(3, 4), (1, 0), f32(2, 3)]),
    Case("slice_update", [f32(3, 4), exactly([0, 1], "int32"), f32(3, 2)]),
    Case("scatter", [exactly([[0], [2], [0]], "int32"), f32(3, 2), (4, 2)]),
    Case("scatter", [exactly([[0, 1], [2, 0]], "int32"), f32(2), (3, 2)]),
    Case("scatter", [exactly([[0], [2]], "int32"), i32(2), (3,)]),
    put(None, f32(4, 2), exactly([[0], [2]], "int32"), f32(2, 2)),
    put("add", f32(4, 2), exactly([[0], [2], [0]], "int32"), f32(3, 2)),
    put("max", distinct(4), exactly([[0], [2]], "int32"), distinct(2, shift=1 / 32)),
    put("min", distinct(4), exactly([[0], [2]], "int32"), distinct(2, shift=1 / 32)),
    put("mul", f32(4), exactly([[0], [2]], "int32"), f32(2)),
    Case("unravel_index", [exactly([0, 5, 3], "int32"), (2, 3)]),
    Case("unravel_index", [exactly([[0, 5], [3, 1]], "int32"), (2, 3)]),
    Case("take", [f32(3), exactly([5], "int32")], {"axis": 0}, raises=IndexError),
    Case("nonzero", [exactly([[1, 0], [2, 3]], "int32")], abstract=False),
    Case("nonzero", [bools(4)], abstract=False),
    Case("one_hot", [exactly([0, 2, 1], "int32"), 4]),
    Case("one_hot", [exactly([[0, 2], [-1, 9]], "int32"), 3], {"axis": 1}),
    Case("one_hot", [exactly([0, 2], "int64"), 3], {"dtype": "bool", "axis": 0}),
    Case("multi_hot", [exactly([[0, 2], [1, 1]], "int32"), 4]),
    Case("multi_hot", [exactly([2, 0], "int32"), 4], unknown=False),
    # Sorting.
    *[
        row
        for axis in (-1, 0, None)
        for row in each("sort argsort", distinct(3, 4), kwargs={"axis": axis})
    ],
    *each("sort argsort", TIES, smooth=False, orders=1),
    *each("sort argsort", i32(7)),
    *each("sort argsort", i64(0)),
    *each("sort argsort", f16(5), orders=1),
    Case("sort", [exactly([2.0, nan, 1.0])], orders=0),
    Case("argpartition", [distinct(7), 3]),
    Case("top_k", [distinct(3, 5), 2]),
    Case("top_k", [TIES, 3], smooth=False, orders=1),
    Case("top_k", [i32(6), 2], unknown=False),
    Case("in_top_k", [exactly([1, 0, 2], "int32"), distinct(3, 4)], {"k": 2}),
    Case("in_top_k", [exactly([1, 3], "int32"), TIES], {"k": 1}),
    Case("unique", [exactly([3, 1, 3, 2, 1], "int32")], abstract=False),
    Case(
        "unique",
        [TIES],
        {"return_index": True, "return_inverse": True, "return_counts": True},
        abstract=False,
        orders=0,
    ),
    Case("unique", [exactly([3, 1, 3], "int32")], {"size": 4, "fill_value": -1}),
    # Searching.
    Case("searchsorted", [SORTED, f32(6)]),
    Case("searchsorted", [SORTED, exactly([0.0, 1.0, 9.0, -9.0])], {"side": "right"}),
    Case("searchsorted", [exactly([1, 2, 2, 5], "int32"), i32(5)]),
    Case("digitize", [f32(2, 4), SORTED], smooth=False),
    Case("digitize", [i32(5), exactly([0, 2, 4], "int32")]),
    Case("bincount", [exactly([1, 2, 2, 0], "int32")], abstract=False),
    Case("bincount", [exactly([1, 2, 2, 0], "int32")], {"minlength": 6}, abstract=False),
    Case("bincount", [exactly([1, 2, 2], "int32")], {"weights": f32(3)}, abstract=False, orders=0),
]
