"""Every op of the table against Keras: values, dtypes, gradients and gradients of gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras import ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.tools.tolerances import assert_as_near, assert_close
from tests.cases import CASES, rows

pytestmark = pytest.mark.parity

# What both engines have, called in a way that both accept.
# Rows for pairs of dtypes are compared as they are: in one dtype they would be alike.
SHARED = [c for c in CASES if c.is_public and c.public(keras.ops) and c.raises is None]


def equal_in(*levels):
    """Rows that agree with Keras at least in what is named."""
    return [c for c in SHARED if c.differs_in not in levels or not c.differs]


def leaves_of(result):
    """The tensors and other facts in a result, as arrays where they are arrays."""
    leaves = [leaf for leaf in trees.flatten(result) if leaf is not None]
    return [leaf if isinstance(leaf, str) else np.asarray(leaf) for leaf in leaves]


def compare_values(case, float_type=None):
    arrays = case.draw(float_type)
    ours = leaves_of(case.apply(ops, [Tensor(a) for a in arrays]))
    theirs = leaves_of(case.apply(keras.ops, [tf.constant(a) for a in arrays]))
    truth = leaves_of(case.apply(ops, [Tensor(a) for a in case.draw("float64")]))
    assert len(ours) == len(theirs)
    for a, b, exact in zip(ours, theirs, truth, strict=True):
        compare(a, b, exact, case.reduction)


def compare(a, b, exact, length):
    if isinstance(a, str):
        assert a == b
    elif a.dtype.name in ("float16", "float32") and exact.dtype == "float64":
        assert_as_near(a, b, exact, length)
    else:
        assert_close(a, b, length)


@rows(equal_in("refused", "value"))
def test_values_and_dtypes_are_those_of_keras(case):
    compare_values(case)


WIDE = [
    c
    for c in SHARED
    if "float64" in c.float_types and any(r.is_float for r in c.recipes) and c.note != "mixed"
]


@rows([c for c in equal_in("refused", "value", "float64") if c in WIDE])
def test_float64_values_are_those_of_keras(case):
    compare_values(case, "float64")


class OurEngine:
    """Just enough of an engine to differentiate a row twice."""

    ops, tape, constant = ops, GradientTape, Tensor

    @staticmethod
    def gradient(tape, target, sources):
        return tape.gradient(target, sources, unconnected_gradients="zero")


class Keras:
    ops, tape, constant = keras.ops, tf.GradientTape, staticmethod(tf.constant)

    @staticmethod
    def gradient(tape, target, sources):
        grads = tape.gradient(target, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.convert_to_tensor(g) for g in grads]


def gradients(engine, case, float_type, orders):
    """The gradients of a random projection of the results, and of a projection of those."""
    tensors = [engine.constant(a) for a in case.draw(float_type)]
    sources = [t for t, r in zip(tensors, case.recipes, strict=True) if r.is_float]
    rng = np.random.default_rng(0)

    def projected(values):
        pairs = [(x, rng.uniform(0.5, 1.5, x.shape)) for x in values]
        weighed = [(x * w.astype(_name(x))) for x, w in pairs]
        numbers = [engine.ops.sum(engine.ops.cast(x, float_type)) for x in weighed]
        return sum(numbers, engine.ops.zeros((), float_type))

    with engine.tape() as outer:
        outer.watch(sources)
        with engine.tape() as inner:
            inner.watch(sources)
            outputs = trees.flatten(case.apply(engine.ops, tensors))
            total = projected([y for y in outputs if _name(y).startswith("float")])
        first = engine.gradient(inner, total, sources)
        total = projected(first) if orders > 1 else None
    second = engine.gradient(outer, total, sources) if orders > 1 else []
    return [np.asarray(g) for g in (*first, *second)]


def _name(x):
    return keras.backend.standardize_dtype(getattr(x, "dtype", "string"))


def compare_gradients(case, orders):
    ours, theirs = (gradients(e, case, "float64", orders) for e in (OurEngine, Keras))
    scale = max(np.nanmax(np.abs(g), initial=0.0) for g in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, case.reduction, scale=scale)


def orders_of(case):
    most = 1 if case.differs_in == "second" and case.differs else 2
    return min(case.orders, case.keras_orders, most)


def differentiable(cases):
    return [c for c in cases if c.has_gradient and c.keras_orders]


@rows([c for c in differentiable(equal_in("refused", "value", "float64", "gradient")) if c in WIDE])
def test_float64_gradients_are_those_of_keras(case):
    compare_gradients(case, orders_of(case))


@rows(differentiable(equal_in("refused", "value", "gradient")))
def test_float32_gradients_are_as_near_the_truth_as_those_of_keras(case):
    ours, theirs = (gradients(engine, case, "float32", 1) for engine in (OurEngine, Keras))
    truth = gradients(OurEngine, case, "float64", 1)
    for a, b, exact in zip(ours, theirs, truth, strict=True):
        assert_as_near(a, b, exact, case.reduction)


def compare_wide_values(case):
    """In float64, where what float32 cannot tell apart shows as well."""
    compare_values(case)
    compare_values(case, "float64")


CHECKS = {
    "refused": compare_values,
    "value": compare_wide_values,
    "float64": lambda case: compare_values(case, "float64"),
    "gradient": lambda case: compare_gradients(case, 1),
    "second": lambda case: compare_gradients(case, 2),
}


@rows([c for c in SHARED if c.differs])
def test_what_is_said_to_differ_does(case):
    kind = Exception if case.differs_in == "refused" else AssertionError
    with pytest.raises(kind):  # in words of TensorFlow, or of NumPy about two arrays
        CHECKS[case.differs_in](case)


@rows([c for c in CASES if c.raises is not None])
def test_keras_refuses_it_as_well(case):
    arrays = case.draw()
    with pytest.raises(Exception):  # noqa: B017, PT011 - TensorFlow's errors
        case.apply(keras.ops, [tf.constant(a) for a in arrays])


def symbolic(case, engine_ops, keras_tensor):
    """Call a row on placeholders; return those that come out."""
    symbols = [keras_tensor(a.shape, a.dtype.name) for a in case.draw()]
    leaves = trees.flatten(case.apply(engine_ops, symbols))
    return [leaf for leaf in leaves if isinstance(leaf, keras_tensor)]


DECLARED = [
    c
    for c in SHARED
    if c.recipes and c.abstract and c.symbolic and c.keras_symbolic and c.note != "mixed"
    if not (c.call or c.through)
]


@rows(DECLARED)
def test_graph_nodes_have_the_class_names_of_keras(case):
    ours, theirs = symbolic(case, ops, KerasTensor), symbolic(case, keras.ops, keras.KerasTensor)
    class_names = [x._keras_history.operation.class_name for x in ours]
    assert class_names == [type(x._keras_history.operation).__name__ for x in theirs]
