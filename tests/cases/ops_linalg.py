"""Rows for products of matrices, decompositions and solvers."""

from tests.cases.case import (
    Case,
    bools,
    definite,
    each,
    exactly,
    f16,
    f32,
    i8,
    i32,
    regular,
    triangular,
)

SQUARES = [regular(3, 3), regular(2, 3, 3)]
POSITIVE = [definite(3, 3), definite(2, 3, 3)]
SYSTEMS = [
    [regular(3, 3), f32(3, 2)],
    [regular(3, 3), f32(3)],
    [regular(2, 3, 3), f32(2, 3, 2)],
]


def absolute(ops, results):
    """Drop the signs, of which decompositions are free to choose each column's."""
    return [ops.absolute(r) for r in results]


def squared(ops, results):
    """Vectors as projections, free of their signs."""
    values, vectors = results
    return values, ops.square(vectors)


def rebuilt(ops, results):
    """The values, and the product of the three factors."""
    u, s, vt = results
    k = s.shape[-1]
    return s, ops.matmul(u[..., :k] * ops.expand_dims(s, -2), vt[..., :k, :])


def symmetric(names, x, **options):
    """Rows for functions of symmetric matrices, which look at one half of their input.

    Beside the op itself its value on the mean of a matrix and its transpose, whose gradient is the
    same whichever half the op looks at.
    """
    for name in names.split():

        def call(ops, x, name=name, **kwargs):
            return getattr(ops, name)((x + ops.swapaxes(x, -1, -2)) / 2, **kwargs)

        yield Case(name, [x], smooth=False, **options)
        yield Case(name, [x], call=call, note="symmetric", **options)


CASES = [
    Case("matmul", [f32(3, 4), f32(4, 2)], reduction=4),
    Case("matmul", [f32(4), f32(4)], reduction=4),
    Case("matmul", [f32(2, 3, 4), f32(4)], reduction=4),
    Case("matmul", [f32(4), f32(2, 4, 3)], reduction=4),
    Case("matmul", [f32(2, 1, 3, 4), f32(5, 4, 2)], reduction=4),
    Case("matmul", [f32(0, 4), f32(4, 2)]),
    Case("matmul", [f32(3, 0), f32(0, 2)], note="nothing to add"),
    Case("matmul", [i32(2, 3), i32(3, 2)]),
    Case("matmul", [i8(2, 3), i8(3, 2)]),
    Case("matmul", [i32(2, 3), f16(3, 2)], orders=1, reduction=3),
    Case("matmul", [bools(2, 3), bools(3, 2)]),
    Case("dot", [f32(3, 4), f32(4, 2)], reduction=4),
    Case("dot", [f32(4), f32(4)], reduction=4),
    Case("dot", [f32(2, 3, 4), f32(4)], reduction=4),
    Case("dot", [f32(2, 3, 4), f32(2, 4, 3)], reduction=4),
    Case("dot", [f32(3), f32()]),
    Case("dot", [i32(2, 3), i32(3)]),
    Case("inner", [f32(3, 4), f32(2, 4)], reduction=4),
    Case("inner", [f32(4), f32(4)], reduction=4),
    Case("vdot", [f32(3, 4), f32(3, 4)], reduction=12, unknown=False),
    Case("vdot", [i32(4), i32(4)], unknown=False),
    Case("outer", [f32(3), f32(4)]),
    Case("outer", [f32(2, 2), f32(3)]),
    Case("kron", [f32(2, 3), f32(2, 2)]),
    Case("kron", [f32(3), f32(2)]),
    Case("cross", [f32(4, 3), f32(4, 3)], reduction=2),
    Case("cross", [f32(4, 2), f32(4, 2)], reduction=2),
    Case("cross", [f32(3, 4), f32(3, 4)], {"axis": 0}, reduction=2, unknown=False),
    Case("tensordot", [f32(3, 4), f32(4, 2)], {"axes": 1}, reduction=4),
    Case("tensordot", [f32(2, 3, 4), f32(3, 4, 2)], reduction=12),
    Case("tensordot", [f32(2, 3, 4), f32(4, 2)], {"axes": [[0, 2], [1, 0]]}, reduction=8),
    Case("tensordot", [f32(2), f32(3)], {"axes": 0}),
    *[
        Case("einsum", [equation, *operands], reduction=12)
        for equation, operands in [
            ("ij,jk->ik", [f32(3, 4), f32(4, 2)]),
            ("ij,jk", [f32(3, 4), f32(4, 2)]),
            ("bij,bjk->bik", [f32(2, 3, 4), f32(2, 4, 3)]),
            ("ii->i", [f32(3, 3)]),
            ("ii", [f32(3, 3)]),
            ("ij->ji", [f32(3, 4)]),
            ("ij->", [f32(3, 4)]),
            ("i,j,k->ijk", [f32(2), f32(3), f32(4)]),
            ("...ij,...jk->...ik", [f32(2, 3, 4), f32(4, 3)]),
            ("abcd,adbc->b", [f32(2, 3, 2, 2), f32(2, 2, 3, 2)]),
        ]
    ],
    Case("einsum", ["ij,jk->ik", i32(2, 3), i32(3, 2)]),
    Case("trace", [f32(3, 4)], unknown=False, reduction=3),
    Case("trace", [f32(2, 3, 4)], {"offset": 1, "axis1": 1, "axis2": 2}, reduction=3),
    Case("trace", [i32(3, 3)], unknown=False),
    # Norms.
    *[
        Case("norm", [f32(3, 4)], {"ord": ord}, reduction=12)
        for ord in (None, "fro", 1, -1, float("inf"), -float("inf"))
    ],
    *[Case("norm", [f32(3, 4)], {"ord": ord}, reduction=12, orders=1) for ord in ("nuc", 2, -2)],
    *[
        Case("norm", [f32(3, 4)], {"ord": ord, "axis": -1}, reduction=4)
        for ord in (None, 0, 1, 2, 3, 2.5, -1, float("inf"), -float("inf"))
    ],
    Case("norm", [f32(2, 3, 4)], {"axis": (0, 2), "keepdims": True}, reduction=8),
    Case("norm", [f32(2, 3, 4)], {"axis": 1, "keepdims": True}, reduction=3),
    Case("norm", [f32(2, 3, 4)], reduction=24),
    Case("norm", [i32(4)], reduction=4),
    Case("norm", [exactly([0.0, 0.0])], smooth=False, orders=1),
    *[
        Case("normalize", [f32(3, 4)], {"order": order, "axis": axis}, reduction=4)
        for order in (1, 2, 3)
        for axis in (-1, 0)
    ],
    Case("normalize", [f32(2, 3, 4)], {"axis": (1, 2)}, reduction=12),
    Case("normalize", [exactly([[0.0, 0.0]])], smooth=False, orders=1),
    # Solvers and decompositions.
    *[row for x in SQUARES for row in each("det inv slogdet", x, reduction=9)],
    *[row for x in POSITIVE for row in symmetric("logdet cholesky", x, reduction=9)],
    *[Case("solve", system, reduction=9) for system in SYSTEMS],
    Case("solve_triangular", [triangular(3, 3, lower=False), f32(3, 2)], reduction=9),
    Case("solve_triangular", [triangular(3, 3), f32(3, 2)], {"lower": True}, reduction=9),
    Case("solve_triangular", [triangular(2, 3, 3), f32(2, 3, 1)], {"lower": True}, reduction=9),
    *symmetric("cholesky", definite(3, 3), kwargs={"upper": True}, reduction=9),
    Case("cholesky_inverse", [triangular(3, 3)], reduction=9),
    Case("cholesky_inverse", [triangular(3, 3, lower=False)], {"upper": True}, reduction=9),
    *[
        row
        for x in POSITIVE
        for row in symmetric("eigh", x, through=squared, orders=2, reduction=9)
    ],
    Case("svd", [f32(4, 3)], {"full_matrices": False}, through=rebuilt, orders=2, reduction=12),
    Case("svd", [f32(3, 4)], {"full_matrices": True}, through=rebuilt, orders=0, reduction=12),
    Case("svd", [f32(2, 3, 3)], {"compute_uv": False}, orders=2, reduction=9),
    Case("qr", [f32(4, 3)], through=absolute, orders=1, reduction=12),
    Case("qr", [f32(3, 3)], {"mode": "complete"}, through=absolute, orders=1, reduction=9),
    Case("pinv", [f32(4, 3)], orders=1, reduction=12),
    Case("pinv", [f32(2, 3, 4)], orders=1, reduction=12),
    Case("lstsq", [f32(4, 3), f32(4, 2)], orders=1, reduction=12),
    Case("lstsq", [f32(4, 3), f32(4)], orders=1, reduction=12),
    Case("matrix_rank", [exactly([[1.0, 2.0], [2.0, 4.0]])]),
    Case("matrix_rank", [regular(2, 3, 3)]),
]
