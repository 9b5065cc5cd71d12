"""Rows for ops that work element by element, and for how dtypes and shapes meet in them."""

from tests.cases.case import (
    Case,
    bools,
    distinct,
    each,
    exactly,
    f16,
    f32,
    f64,
    floats,
    i8,
    i32,
    i64,
    integers,
    positive,
    u8,
    unit,
)

UNARY = (
    "abs absolute negative square sign fabs exp exp2 expm1 tanh sin cos sinh cosh arctan "
    "arcsinh cbrt erf erfc floor ceil trunc reciprocal sinc i0 deg2rad rad2deg real imag conj "
    "conjugate angle"
)
POSITIVE = "log log2 log10 sqrt rsqrt"
INSIDE = "tan arcsin arccos arctanh erfinv log1p"
TESTS = "isfinite isinf isnan isneginf isposinf isreal signbit logical_not"
SPECIAL = [0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan")]
COMPARE = "equal not_equal less less_equal greater greater_equal"
ARITHMETIC = "add subtract multiply divide true_divide"
LOGICAL = "logical_and logical_or logical_xor"
BITS = "bitwise_and bitwise_or bitwise_xor"
SHIFTS = "bitwise_left_shift bitwise_right_shift left_shift right_shift"
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64"]


def _vector(dtype):
    if dtype.startswith("float"):
        return floats(3, dtype=dtype)
    return bools(3) if dtype == "bool" else integers(3, low=1, dtype=dtype)


def _refusal(name, *dtypes):
    """Bools alone are no numbers."""
    return TypeError if set(dtypes) == {"bool"} and name not in ("divide", "equal", "mod") else None


def _mixed(name):
    """One row for every pair of dtypes."""
    return [
        Case(
            name,
            [_vector(a), _vector(b)],
            orders=1,
            smooth=False,
            note="mixed",
            raises=_refusal(name, a, b),
        )
        for i, a in enumerate(DTYPES)
        for b in DTYPES[i:]
        if (name, a, b) != ("mod", "bool", "bool")  # The other one may be False.
    ]


CASES = [
    *each(UNARY, f32(3, 4)),
    *each(UNARY, f64(0, 3)),
    *each(POSITIVE, positive(3, 4)),
    *each(INSIDE, unit(3, 4)),
    *each("arccosh", floats(3, 4, low=1.1, high=4)),
    *each(f"{UNARY} {POSITIVE} {INSIDE} arccosh", exactly(SPECIAL), smooth=False, orders=0),
    *each("exp expm1 tanh sin erf floor square abs sign log1p sqrt", f16(5, low=0.25), orders=1),
    *each("abs negative square sign floor ceil trunc", i32(3, 4)),
    *each("exp log sqrt tanh sin arctan reciprocal", i32(5, low=1, high=6)),
    *each("exp tanh sin", bools(4)),
    *each("exp tanh cos", i64(4)),
    *each("abs square negative", u8(4)),
    *each("abs tanh exp", f32()),
    *each(TESTS, exactly(SPECIAL)),
    *each(TESTS, exactly([[-1, 0], [2, 3]], "int32")),
    *each(TESTS, f64(2, 0)),
    Case("tanh", [exactly([20.0, -20.0, 1e-8, 0.0])]),
    Case("expm1", [exactly([1e-9, 1e-4, -1e-9, 30.0])]),
    Case("log1p", [exactly([1e-9, 1e-4, 3.0])]),
    Case("sinc", [exactly([0.0, 1.0, -2.0, 0.5])], orders=2, smooth=False),
    Case("erf", [exactly([4.0, -4.0, 0.0])]),
    Case("erfc", [exactly([4.0, -4.0, 0.0, 9.0])]),
    Case("i0", [exactly([0.0, 1.0, 9.0, -20.0])], orders=2),
    Case("abs", [exactly([0.0, -0.0, 1.0])], smooth=False),
    Case("sign", [exactly([0.0, -0.0, 3.0])], smooth=False),
    Case("sqrt", [exactly([0.0, 4.0])], smooth=False, orders=1),
    Case("square", [exactly([0.0, 2.0])]),
    Case("angle", [exactly([0.0, 2.0, -2.0])], smooth=False),
    Case("round", [f32(3, 4)]),
    Case("round", [exactly([0.5, 1.5, 2.5, -0.5, -1.5])], smooth=False),
    Case("round", [f64(3, 4)], {"decimals": 2}, smooth=False),
    Case("round", [i32(4, low=-99, high=99)]),
    Case("round", [i32(4, low=-99, high=99)], {"decimals": -1}),
    Case("round", [exactly([14.0, -27.5, 3.25])], {"decimals": -1}, smooth=False),
    Case("nan_to_num", [exactly(SPECIAL)], smooth=False),
    Case("nan_to_num", [exactly(SPECIAL)], {"nan": 7.0, "posinf": 8.0, "neginf": 9.0}, orders=0),
    Case("nan_to_num", [f32(3, 4)]),
    Case("nan_to_num", [i32(3)]),
    # Two inputs.
    *each(f"{ARITHMETIC} power hypot logaddexp logaddexp2", positive(3, 4), positive(3, 4)),
    *each(ARITHMETIC, f32(3, 1), positive(4)),
    *each(ARITHMETIC, f32(2, 3, 4), positive()),
    *each(ARITHMETIC, f32(3), 2.0),
    *each(ARITHMETIC, 3, positive(3)),
    *each(ARITHMETIC, f16(3), 2.5, orders=1),
    *each(ARITHMETIC, f32(0, 3), f32(3)),
    *each(ARITHMETIC, f32(1), positive(3, 1)),
    *[row for name in ("add", "subtract", "multiply", "divide") for row in _mixed(name)],
    *[row for name in ("maximum", "minimum", "power", "mod", "equal") for row in _mixed(name)][::3],
    Case("add", [i32(3), 2.5]),
    Case("add", [u8(3), 2]),
    Case("multiply", [bools(3), True], raises=TypeError),
    Case("divide", [f32(3), exactly([0.0, 1.0, 2.0])], orders=0),
    Case("divide", [i32(3), i32(3, low=1)]),
    Case("divide_no_nan", [f32(3, 4), positive(3, 4)]),
    Case("divide_no_nan", [f32(3), exactly([0.0, 1.0, 2.0])], smooth=False, orders=2),
    Case("divide_no_nan", [i32(3), i32(3)]),
    Case("power", [positive(3, 1), f32(4)]),
    Case("power", [f32(3), 2.0]),
    Case("power", [f32(3), 3]),
    Case("power", [2.0, f32(3)]),
    Case("power", [exactly([0.0, 2.0]), exactly([2.0, 0.0])], smooth=False, orders=1),
    Case("power", [i32(4), i32(4, low=0, high=4)]),
    Case("power", [exactly([0.0, 2.0, -3.0]), 2], note="square", orders=2),
    *each("maximum minimum fmax fmin", distinct(3, 4), distinct(3, 4, shift=1 / 32)),
    *each("maximum minimum fmax fmin", distinct(2, 3), distinct(3, shift=1 / 32)),
    *each("maximum minimum", exactly([1.0, 2.0]), exactly([1.0, 1.0]), smooth=False, orders=1),
    *each("maximum minimum", exactly([float("nan"), 2.0]), exactly([1.0, float("nan")]), orders=0),
    *each("fmax fmin", exactly([float("nan"), 2.0]), exactly([1.0, float("nan")]), orders=0),
    *each("maximum minimum fmax fmin", i32(4), i32(4)),
    *each("maximum minimum", f32(3), 0.5),
    Case("clip", [f32(3, 4), -1.0, 1.0]),
    Case("clip", [f32(3, 4), unit(4), floats(3, 1, low=1, high=2)]),
    Case("clip", [exactly([-1.0, 0.0, 1.0]), -1.0, 1.0], smooth=False, orders=1),
    Case("clip", [i32(5), -2, 3]),
    Case("clip", [i32(5), -2, 3.5]),
    *each("floor_divide mod fmod", f32(3, 4), positive(3, 4), smooth=False),
    *each("floor_divide mod fmod", exactly([[1.75], [-0.6], [2.3]]), exactly([0.5, 0.8])),
    *each("floor_divide mod", i32(6), exactly([2, -2, 3, -3, 1, 5], "int32")),
    *each("floor_divide mod", f32(6), exactly([2.0, -2.0, 3.0, -3.0, 1.0, 0.5]), orders=1),
    Case("fmod", [i32(6), exactly([2, -2, 3, -3, 1, 5], "int32")]),
    *each("gcd lcm", i32(5), i32(5)),
    *each("gcd lcm", i32(3, 1), i32(4)),
    *each("arctan2", f32(3, 4), f32(3, 4)),
    *each("arctan2", f32(3, 1), f32(4)),
    Case("arctan2", [exactly([0.0, 0.0, 1.0, -0.0]), exactly([1.0, -1.0, 0.0, -1.0])], orders=0),
    Case("logaddexp", [exactly([1000.0, -1000.0]), exactly([999.0, -1000.5])]),
    Case("logaddexp", [exactly([1.0, 2.0]), exactly([1.0, 0.0])], note="tie"),
    Case("hypot", [exactly([0.0, 3.0]), exactly([0.0, 4.0])], smooth=False, orders=1),
    *each(
        "power maximum minimum arctan2 logaddexp hypot mod",
        f16(3, low=0.25),
        0.5,
        orders=1,
        smooth=False,
    ),
    Case("heaviside", [exactly([-1.0, 0.0, 2.0]), f32(3)], smooth=False),
    Case("heaviside", [f32(3), 0.5]),
    Case("ldexp", [f32(3), i32(3)]),
    Case("nextafter", [f32(3), f32(3)]),
    Case("nextafter", [exactly([0.0, 1.0, -1.0]), exactly([1.0, 1.0, 0.0])], orders=0),
    # Comparisons, logic, bits.
    *each(f"{COMPARE} isclose", i32(3, 4), i32(4)),
    *each(f"{COMPARE} isclose", f32(3, 4), f32(3, 1)),
    *each(COMPARE, i32(3), 0.5),
    *each(COMPARE, exactly(SPECIAL), exactly(SPECIAL)),
    *each(LOGICAL, bools(4), bools(4)),
    *each(LOGICAL, f32(3, 1), i32(4)),
    *each(BITS, i32(5), i32(5)),
    *each(BITS, u8(5), i8(5)),
    *each(BITS, bools(4), bools(4), raises=TypeError),
    *each("bitwise_not bitwise_invert", i32(5)),
    *each("bitwise_not bitwise_invert", u8(5)),
    *each(SHIFTS, i32(5), i32(5, low=0)),
    *each(SHIFTS, u8(5), 1),
    Case("isclose", [exactly([1.0, float("nan")]), exactly([1.00001, float("nan")])]),
    Case(
        "isclose",
        [exactly([1.0, float("nan")]), exactly([1.1, float("nan")])],
        {"equal_nan": True, "rtol": 0.2},
    ),
    Case("allclose", [f32(3), f32(3)]),
    Case("allclose", [exactly([1.0, 2.0]), exactly([1.0, 2.0 + 1e-6])]),
    Case("where", [bools(3, 4), f32(3, 4), f32(3, 4)]),
    Case("where", [bools(3, 1), f32(4), f32()]),
    Case("where", [bools(4), f32(4), 2]),
    Case("where", [bools(4), i32(4), f16(4)], orders=1),
    Case("where", [i32(4), 1.0, 2.0]),
    Case("where", [exactly([[True, False], [True, True]], "bool")], abstract=False),
]
