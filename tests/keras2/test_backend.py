"""Each function of the backend: its value by NumPy's formula, in each way that scripts call it."""

import numpy as np
import pytest

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Input, Lambda
from minikeras.keras2.models import Model
from tests.cases.keras2_backend import ROWS

rows = pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row.name}" for n, row in enumerate(ROWS)])
some = pytest.mark.sampled(rows=30)


@pytest.fixture(autouse=True)
def float64():
    """Formulas are held against double precision."""
    before = K.floatx()
    K.set_floatx("float64")
    yield
    K.set_floatx(before)


def close(received, expected):
    assert np.shape(received) == np.shape(expected)
    np.testing.assert_allclose(received, expected, rtol=1e-9, atol=1e-9)


def fits(shape, array):
    sizes = zip(shape, array.shape, strict=True)
    return all(known is None or known == size for known, size in sizes)


@pytest.mark.sampled(by=lambda row: row["row"].name)
@rows
def test_of_variables(row):
    y = row.call(K, *map(K.variable, row.arrays))
    value = K.eval(y)
    close(value, row.formula(*row.arrays))
    assert fits(K.int_shape(y), value)


@some
@rows
def test_in_a_function_of_unknown_sizes(row):
    first, *rest = row.arrays
    places = [K.placeholder((None, *first.shape[1:])), *(K.placeholder(a.shape) for a in rest)]
    y = row.call(K, *places)
    value = K.function(places, [y])(row.arrays)[0]
    close(value, row.formula(*row.arrays))
    assert fits(K.int_shape(y), value)


@some
@rows
def test_in_a_model(row):
    first, *rest = row.arrays
    x = Input(batch_shape=first.shape)
    y = Lambda(lambda t: row.call(K, t, *map(K.constant, rest)))(x)
    close(Model(x, y).predict_on_batch(first), row.formula(*row.arrays))


@some
@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.smooth],
    ids=[f"{n}-{row.name}" for n, row in enumerate(ROWS) if row.smooth],
)
def test_gradients(row):
    variables = [K.variable(a) for a in row.arrays]
    y = row.call(K, *variables)
    projection = np.random.default_rng(0).normal(size=np.shape(row.formula(*row.arrays)))
    received = K.gradients(K.sum(y * K.constant(projection)), variables)
    values = K.function([], received)([])
    for n, value in enumerate(values):
        close_to_differences(row, projection, n, value)


def close_to_differences(row, projection, n, gradient, step=1e-5):
    """Hold the derivatives along two drawn directions against central differences."""
    rng = np.random.default_rng(n)
    for _ in range(2):
        direction = rng.normal(size=row.arrays[n].shape)
        sides = []
        for sign in (1, -1):
            arrays = list(row.arrays)
            arrays[n] = arrays[n] + sign * step * direction
            sides.append(np.sum(row.formula(*arrays) * projection))
        expected = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3), (2,), (2, 4, 1)])
def test_only_values_of_a_placeholders_shape_are_fed(shape):
    x = K.placeholder((None, 4), name="x")
    with pytest.raises(ValueError, match=r"'x', which has the shape \(None, 4\)"):
        K.function([x], [x])([np.ones(shape)])
