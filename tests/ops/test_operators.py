"""The Python operators: their values, dtypes and gradients, and what they refuse."""

import operator

import numpy as np
import pytest

from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.ops.core import operators  # noqa: F401 - fills the operators

FLOATS = np.array([[1.5, -2.0, 0.5], [3.0, 4.0, -1.0]], "float32")
OTHERS = np.array([2.0, 0.5, -1.5], "float32")
INTEGERS = np.array([6, 5, 3], "int32")
ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
BITS = [operator.and_, operator.or_, operator.xor]
KINDS = {"tensor": Tensor, "variable": Variable}


def named(function):
    return function.__name__


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("apply", ARITHMETIC + COMPARISONS, ids=named)
def test_two_operands_agree_with_numpy_from_either_side(apply, kind):
    expected = apply(FLOATS, OTHERS)
    for result in (
        apply(kind(FLOATS), Tensor(OTHERS)),
        apply(kind(FLOATS), OTHERS),
        apply(FLOATS, kind(OTHERS)),
    ):
        assert type(result) is Tensor
        assert result.dtype == expected.dtype.name
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("apply", ARITHMETIC + COMPARISONS, ids=named)
def test_python_numbers_take_the_tensors_dtype(apply):
    half = FLOATS.astype("float16")
    for result, expected in (
        (apply(Tensor(half), 2.0), apply(half, np.float16(2.0))),
        (apply(2.0, Tensor(half)), apply(np.float16(2.0), half)),
    ):
        assert result.dtype == expected.dtype.name
        np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("other", [np.float64(2.0), np.full(3, 2.0), [2.0, 2.0, 2.0]])
def test_wide_numpy_values_do_not_widen_a_tensor(other):
    assert (Tensor(FLOATS) * other).dtype == "float32"
    assert (other * Tensor(FLOATS)).dtype == "float32"
    assert (Abstract((2, 3), "float32") * other).dtype == "float32"


def test_power_on_either_side():
    np.testing.assert_array_equal((Tensor(FLOATS) ** 2).numpy(), FLOATS * FLOATS)
    np.testing.assert_array_equal((2.0 ** Tensor(INTEGERS)).numpy(), [64.0, 32.0, 8.0])


def test_matrix_product_on_either_side():
    for result in (Tensor(FLOATS) @ OTHERS, FLOATS @ Tensor(OTHERS)):
        np.testing.assert_allclose(result.numpy(), FLOATS @ OTHERS, rtol=1e-6)


@pytest.mark.parametrize("apply", BITS, ids=named)
def test_bits_of_integers_and_logic_of_bools(apply):
    np.testing.assert_array_equal(apply(Tensor(INTEGERS), 3).numpy(), apply(INTEGERS, 3))
    np.testing.assert_array_equal(apply(3, Tensor(INTEGERS)).numpy(), apply(3, INTEGERS))
    mask = np.array([True, False, True])
    result = apply(Tensor(mask), [True, True, False])
    assert result.dtype == "bool"
    np.testing.assert_array_equal(result.numpy(), apply(mask, [True, True, False]))


def test_bits_of_floats_are_refused():
    with pytest.raises(TypeError, match="integers"):
        Tensor(FLOATS) & Tensor(FLOATS)


def test_one_operand():
    x = Tensor(FLOATS)
    np.testing.assert_array_equal((-x).numpy(), -FLOATS)
    np.testing.assert_array_equal((+x).numpy(), FLOATS)
    np.testing.assert_array_equal(abs(x).numpy(), abs(FLOATS))
    np.testing.assert_array_equal((~Tensor(INTEGERS)).numpy(), ~INTEGERS)
    np.testing.assert_array_equal((~(x > 1)).numpy(), ~(FLOATS > 1))
    np.testing.assert_array_equal(round(x).numpy(), np.rint(FLOATS))
    assert round(Tensor(np.array(1.26)), 1).item() == 1.3


def test_brackets():
    x = Tensor(FLOATS)
    np.testing.assert_array_equal(x[1, ::-1].numpy(), FLOATS[1, ::-1])
    np.testing.assert_array_equal(x[x > 1].numpy(), FLOATS[FLOATS > 1])


def test_equality_with_what_is_no_number_is_identity():
    x = Tensor(FLOATS)
    assert (x == None) is False  # noqa: E711 - the operator is what is tested
    assert (x != None) is True  # noqa: E711 - the operator is what is tested
    assert (x == "x") is False
    assert len({x, x}) == 1


@pytest.mark.parametrize("apply", [*ARITHMETIC, operator.lt, operator.matmul], ids=named)
@pytest.mark.parametrize("foreign", [None, {}, object()], ids=["None", "dict", "object"])
def test_foreign_operands_raise_type_error(apply, foreign):
    kind = type(foreign).__name__
    with pytest.raises(TypeError, match=f"'Tensor' and '{kind}'"):
        apply(Tensor(FLOATS), foreign)
    with pytest.raises(TypeError, match=f"'{kind}' and 'Tensor'"):
        apply(foreign, Tensor(FLOATS))


def test_a_foreign_type_is_asked_for_its_reflected_operator():
    class Other:
        def __radd__(self, tensor):
            return "asked"

    assert Tensor(FLOATS) + Other() == "asked"


def test_shapes_that_do_not_meet_are_named():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2,\)"):
        Tensor(FLOATS) + Tensor(OTHERS[:2])


def test_integer_division_by_zero_raises():
    for apply in (operator.floordiv, operator.mod):
        with pytest.raises(ZeroDivisionError, match="division by zero: cast to a float dtype"):
            apply(Tensor(INTEGERS), 0)


def test_numpy_functions_take_tensors_as_arrays():
    np.testing.assert_array_equal(np.negative(Tensor(FLOATS)), -FLOATS)


def test_symbolic_tensors_record_and_abstract_ones_infer():
    x = KerasTensor((None, 3))
    for result, shape, dtype in (
        (2 * x, (None, 3), "float32"),
        (x > 0, (None, 3), "bool"),
        (x[:, 0], (None,), "float32"),
        (x @ np.ones((3, 5), "float32"), (None, 5), "float32"),
    ):
        assert isinstance(result, KerasTensor)
        assert (result.shape, result.dtype) == (shape, dtype)
    inferred = Abstract((4, 1)) - Abstract((3,), "int32")
    assert (inferred.shape, inferred.dtype) == ((4, 3), "float32")


def test_gradients_flow_through_operators():
    x = Variable(np.array([2.0, 3.0]), dtype="float64")
    with GradientTape() as tape:
        y = (1.0 - x) * x / 2.0 + x**3 - abs(-x) + x[0] * 4.0
    # y = x/2 - x²/2 + x³ - x + 4 x[0], and the last term counts once for each element.
    expected = 0.5 - np.array([2.0, 3.0]) + 3 * np.array([4.0, 9.0]) - 1.0 + np.array([8.0, 0.0])
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), expected, rtol=1e-14)
