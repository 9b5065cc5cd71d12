"""What every op owes, from the table of cases: no other library says what is right here.

The gradient of order n is checked against differences of the one of order n - 1: all are numbers
`<w, d^n f(x)[v1, ..., vn]>` for random directions, and the derivative by the last one is a central
difference along it.
"""

import numpy as np
import pytest

from minikeras import ops
from minikeras.autograd.fused import Fused
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import dims, trees
from tests.cases import CASES, rows

ROWS = [case for case in CASES if case.raises is None]
WITH_ARRAYS = [case for case in ROWS if case.recipes]
# Rows for pairs of dtypes differ in what is cast, before anything else is done.
UNMIXED = [case for case in WITH_ARRAYS if case.note != "mixed"]

# Differences over six points: for a function that varies on a scale L the error is of the order of
# (STEP / L) ** 6, below 1e-13 for L = 0.1, plus the rounding of the values divided by the step,
# 1e-12. Inverses of small numbers and third derivatives take the remaining digits.
STEP = 4e-4
WEIGHTS = {1: 45, 2: -9, 3: 1}
NEAR = 1e-8


def leaves_of(result):
    return [leaf for leaf in trees.flatten(result) if leaf is not None]


def as_array(leaf):
    return leaf.numpy() if hasattr(leaf, "numpy") else np.asarray(leaf)


def arrays_of(result):
    return [as_array(leaf) for leaf in leaves_of(result) if not isinstance(leaf, str)]


def assert_equal(results, expected):
    assert len(results) == len(expected)
    for a, b in zip(results, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def assert_same(results, expected):
    """Equal up to the order in which sums were taken, which other memory layouts change."""
    assert len(results) == len(expected)
    for a, b in zip(results, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        precision = np.finfo(a.dtype).eps if a.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=64 * precision, atol=64 * precision)


def float_outputs(case, tensors):
    """The results that have gradients, as tensors."""
    leaves = leaves_of(case.apply(ops, tensors))
    return [x for x in leaves if isinstance(x, Tensor) and x.dtype.startswith("float")]


# Gradients.


class Projection:
    """The number `<w, f(x)>` for random `w`, and its derivatives along random directions."""

    def __init__(self, case):
        self.case = case
        self.arrays = case.draw("float64")
        self.live = [i for i, recipe in enumerate(case.recipes) if recipe.is_float]
        self.rng = np.random.default_rng(0)
        self.weights = [self._direction(y.shape) for y in float_outputs(case, self.tensors())]
        self.directions = [
            {i: self._direction(self.arrays[i].shape) for i in self.live} for _ in range(3)
        ]

    def _direction(self, shape):
        return self.rng.uniform(-1, 1, shape)

    def tensors(self, shift=0.0, direction=None):
        moved = direction or {}
        return [
            Tensor(a + shift * moved.get(i, 0.0) if i in moved else a)
            for i, a in enumerate(self.arrays)
        ]

    def value(self, order, tensors):
        """Return the derivative along the first `order` directions, as a tensor."""
        if order == 0:
            outputs = float_outputs(self.case, tensors)
            return _dot(zip(outputs, self.weights, strict=True))
        with GradientTape() as tape:
            sources = [tensors[i] for i in self.live]
            tape.watch(sources)
            inner = self.value(order - 1, tensors)
        gradients = tape.gradient(inner, sources)
        along = self.directions[order - 1]
        return _dot((g, along[i]) for i, g in zip(self.live, gradients, strict=True))

    def difference(self, order):
        """Return the derivative along the direction of `order` from those of the order below."""
        along = self.directions[order - 1]
        at = {
            k: float(self.value(order - 1, self.tensors(k * STEP, along)))
            for k in (-3, -2, -1, 1, 2, 3)
        }
        rise = sum(weight * (at[k] - at[-k]) for k, weight in WEIGHTS.items())
        return rise / (60 * STEP), max(map(abs, at.values()))


def _dot(pairs):
    return sum((ops.sum(a * b) for a, b in pairs if a is not None), ops.zeros((), "float64"))


@rows([case for case in ROWS if case.has_gradient and case.smooth])
def test_gradients_are_the_limits_of_differences(case):
    along = Projection(case)
    for order in range(1, case.orders + 1):
        exact = float(along.value(order, along.tensors()))
        estimate, scale = along.difference(order)
        near = pytest.approx(estimate, rel=NEAR, abs=NEAR * max(scale, 1e-3))
        assert exact == near, f"order {order}"


@rows([case for case in ROWS if case.has_gradient])
def test_gradient_has_the_inputs_shape_and_dtype(case):
    tensors = [Tensor(array) for array in case.draw()]
    sources = [t for t in tensors if t.dtype.startswith("float")]
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = float_outputs(case, tensors)
    for x, g in zip(sources, tape.gradient(outputs, sources), strict=True):
        assert g is None or (g.shape, g.dtype) == (x.shape, x.dtype)


# Shapes and dtypes.


@rows([case for case in WITH_ARRAYS if case.abstract])
def test_rule_says_what_the_kernel_gives(case):
    arrays = case.draw()
    expected = leaves_of(case.apply(ops, [Tensor(a) for a in arrays]))
    inferred = leaves_of(case.apply(ops, [Abstract(a.shape, a.dtype.name) for a in arrays]))
    assert [signature(x) for x in inferred] == [signature(x) for x in expected]


def signature(leaf):
    """Shape and dtype of a tensor; anything else stands for itself."""
    return (leaf.shape, leaf.dtype) if isinstance(leaf, (Abstract, Tensor)) else leaf


def with_unknown_batch(case, arrays):
    """Abstracts with an unknown first size wherever it is that of the first input."""
    batch = dims.Dim()
    size = next((a.shape[0] for a in arrays if a.ndim), None)
    rank = next((a.ndim for a in arrays if a.ndim), None)
    for i, array in enumerate(arrays):
        known = array.shape
        joins = array.ndim and (array.ndim == rank and known[0] == size or i == 0)
        yield Abstract((batch, *known[1:]) if joins else known, array.dtype.name)


@rows([case for case in WITH_ARRAYS if case.abstract and case.unknown])
def test_rule_works_with_an_unknown_batch_size(case):
    arrays = case.draw()
    expected = leaves_of(case.apply(ops, [Tensor(a) for a in arrays]))
    inferred = leaves_of(case.apply(ops, list(with_unknown_batch(case, arrays))))
    assert len(inferred) == len(expected)
    for a, b in zip(inferred, expected, strict=True):
        if not isinstance(b, Tensor):
            continue
        assert a.dtype == b.dtype
        assert len(a.shape) == len(b.shape)
        for size, actual in zip(a.shape, b.shape, strict=True):
            assert isinstance(size, dims.Dim) or size == actual


SYMBOLIC = [
    case
    for case in UNMIXED
    if case.abstract and case.symbolic and case.is_public and not case.call and not case.through
]


@rows(SYMBOLIC)
def test_symbolic_call_adds_one_node_under_the_public_name(case):
    arrays = case.draw()
    expected = leaves_of(case.apply(ops, [Tensor(a) for a in arrays]))
    symbols = [KerasTensor(a.shape, a.dtype.name) for a in arrays]
    outputs = leaves_of(case.apply(ops, symbols))
    assert len(outputs) == len(expected)
    for a, b in zip(outputs, expected, strict=True):
        if isinstance(a, KerasTensor):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            call = a._keras_history.operation
            assert call.op is case.function(ops)
            assert call._inbound_nodes[0].input_tensors == symbols


NARROW = [case for case in ROWS if "float64" not in case.id]


@rows(NARROW)
def test_no_result_is_wider_than_its_inputs(case):
    """Nothing becomes float64, unless the row names it."""
    for leaf in leaves_of(case.apply(ops, [Tensor(a) for a in case.draw()])):
        assert getattr(leaf, "dtype", None) != "float64"


# Inputs of all kinds, which stay as they were.


@rows(UNMIXED)
def test_inputs_stay_as_they_were(case):
    arrays = case.draw()
    before = [array.copy() for array in arrays]
    tensors = [Tensor(array) for array in arrays]
    sources = [t for t in tensors if t.dtype.startswith("float")]
    with GradientTape(persistent=True) as tape:
        tape.watch(sources if case.orders else [])
        outputs = float_outputs(case, tensors)
    results = [y.numpy() for y in outputs]
    seeds = [Tensor(np.ones_like(y)) for y in results]
    tape.gradient(outputs, sources, seeds)
    assert_equal(arrays, before)
    assert_equal([y.numpy() for y in outputs], results)
    assert_equal([s.numpy() for s in seeds], [np.ones_like(y) for y in results])


def scattered(array):
    """The same values with gaps between them, the last axis stored backwards."""
    if not array.ndim:
        return array
    store = np.empty([2 * size for size in array.shape], array.dtype)
    view = store[tuple(slice(None, 2 * size, 2) for size in array.shape)][..., ::-1]
    view[...] = array
    return view


def columns_first(array):
    return array.copy(order="F")


@rows(UNMIXED)
def test_memory_layout_does_not_matter(case):
    arrays = case.draw()
    expected = arrays_of(case.apply(ops, [Tensor(a) for a in arrays]))
    for layout in (scattered, columns_first):
        assert_same(arrays_of(case.apply(ops, [Tensor(layout(a)) for a in arrays])), expected)


@rows(UNMIXED)
def test_variables_and_arrays_are_inputs(case):
    arrays = case.draw()
    expected = arrays_of(case.apply(ops, [Tensor(a) for a in arrays]))
    assert_equal(arrays_of(case.apply(ops, arrays)), expected)
    assert_equal(arrays_of(case.apply(ops, [Variable(a) for a in arrays])), expected)


FUSED = [case for case in ROWS if isinstance(case.function(ops), Fused)]


@pytest.mark.parametrize("float_type", ["float64", "float32"])
@rows(FUSED)
def test_fused_is_its_reference(case, float_type):
    """Values and first gradients, which the fused kernels compute on their own."""
    outcomes = []
    for function in (case.function(ops), case.function(ops).reference):
        tensors = [Tensor(array) for array in case.draw(float_type)]
        sources = [t for t in tensors if t.dtype.startswith("float")]
        with GradientTape() as tape:
            tape.watch(sources)
            outputs = leaves_of(case.apply(ops, tensors, function))
            total = _dot((y, np.cos(np.arange(y.size)).reshape(y.shape)) for y in outputs)
        gradients = tape.gradient(total, sources, unconnected_gradients="zero")
        outcomes.append([x.numpy() for x in (*outputs, *gradients)])
    for a, b in zip(*outcomes, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        near = 64 * np.finfo(float_type).eps * case.reduction**0.5
        np.testing.assert_allclose(a, b, rtol=0, atol=near * max(1.0, np.abs(b).max(initial=0)))


@rows([case for case in CASES if case.raises is not None])
def test_wrong_input_is_refused(case):
    arrays = case.draw()
    with pytest.raises(case.raises, match="(?i)bool|indices|received"):
        case.apply(ops, [Tensor(a) for a in arrays])
