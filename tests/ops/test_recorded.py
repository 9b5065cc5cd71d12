"""Every op in a recorded step, on other numbers than it was recorded with; views of weights."""

import zlib

import numpy as np

import minikeras as keras
from minikeras import ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.program import Recorder
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.optimizers.flat_weights import FlatWeights
from tests.cases import CASES, rows

ROWS = [
    case for case in CASES if case.raises is None and case.recipes and case.note != "mixed"
]  # fmt: skip

# The ops that cannot be recorded, for the size of their result, or their way, depends on values.
UNRECORDED = {
    "bincount", "cond", "convert_to_numpy", "ctc_decode", "digitize", "nonzero",
    "segment_max", "segment_min", "segment_prod", "segment_sum", "slice", "slice_update", "switch",
    "unique", "where",
}  # fmt: skip


def draws(case):
    """Two sets of arrays of the same shapes and dtypes."""
    seeds = zlib.crc32(case.id.encode()), 1 + zlib.crc32(case.id.encode())
    rngs = map(np.random.default_rng, seeds)
    return [[recipe.make(rng) for recipe in case.recipes] for rng in rngs]


def value_and_gradient(case, tensors):
    """The results of an op, and the gradients of a weighted sum of the float ones."""
    live = [t for t in tensors if t.dtype.startswith("float")]
    with GradientTape() as tape:
        tape.watch(live)
        results = [x for x in trees.flatten(case.apply(ops, tensors)) if x is not None]
        floats = [x for x in results if isinstance(x, Tensor) and x.dtype.startswith("float")]
        total = sum((ops.sum(x * x) + ops.sum(x) for x in floats), ops.zeros(()))
    gradients = tape.gradient(total, live) if case.has_gradient and floats else []
    return [results, gradients]


@rows(ROWS)
def test_a_recorded_op_computes_with_the_numbers_that_come(case):
    recorded_on, replayed_on = draws(case)
    recorder = Recorder(inputs := [Tensor(a) for a in recorded_on])
    results = recorder.run(lambda: value_and_gradient(case, inputs))
    program = recorder.program(results)
    if program is None:
        assert case.name.split(".")[-1] in UNRECORDED, recorder.refusal
        return
    replayed = program([Tensor(a) for a in replayed_on])
    expected = value_and_gradient(case, [Tensor(a) for a in replayed_on])
    for a, b in zip(trees.flatten(replayed), trees.flatten(expected), strict=True):
        if isinstance(b, Tensor):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.data, b.data)
        else:
            assert a == b


FLOAT_ROWS = [case for case in ROWS if any(recipe.is_float for recipe in case.recipes)]


@rows(FLOAT_ROWS)
def test_results_stay_when_weights_change(case):
    """Small weights lie in one array; whatever is a view of one keeps what it showed."""
    arrays, others = draws(case)
    weights = [keras.Variable(a) for a in arrays]
    by_dtype: dict = {}
    for w in weights:
        by_dtype.setdefault(w.dtype, []).append(w)
    flat = [FlatWeights(members, []) for members in by_dtype.values()]
    for part in flat:
        part.arrays([np.zeros(w.shape, w.dtype) for w in part.variables])
    results = [x for x in trees.flatten(case.apply(ops, weights)) if isinstance(x, Tensor)]
    results += [x[:1] for x in results if x.ndim]
    shown = [x.data.copy() for x in results]
    for part in flat:
        part.arrays([np.zeros(w.shape, w.dtype) for w in part.variables])[0][...] = 1
    for w, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(w.numpy(), np.ones(w.shape, w.dtype))
        w.assign(other)
    for x, before in zip(results, shown, strict=True):
        np.testing.assert_array_equal(x.data, before)
