"""Compiled update rules: the bits of those of NumPy calls."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled import optimizers as compiled
from minikeras.kernels.shared import optimizers as shared

ADAM = {"alpha": 0.1, "one_minus_beta_1": 0.1, "one_minus_beta_2": 1e-3, "epsilon": 1e-7}

# Each rule with the number of its states, its scalars, and arrays that it may take besides.
RULES = [
    ("sgd", 0, {"lr": 0.1}, ()),
    ("sgd_momentum", 1, {"lr": 0.1, "momentum": 0.9, "nesterov": False}, ()),
    ("sgd_momentum", 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, ()),
    ("adagrad", 1, {"lr": 0.1, "epsilon": 1e-7}, ()),
    ("rmsprop", 1, {"lr": 0.1, "rho": 0.9, "one_minus_rho": 0.1, "epsilon": 1e-7}, ()),
    *[("adam", 2, ADAM, extras) for extras in ((), ("square",), ("v_max",), ("v_max", "square"))],
]


def _case(states, scalars, extras, shape, dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(dtype) for _ in range(2)]
    arrays += [rng.random(shape).astype(dtype) for _ in range(states)]
    options = {k: v if isinstance(v, bool) else np.dtype(dtype).type(v) for k, v in scalars.items()}
    return arrays, options | {name: rng.random(shape).astype(dtype) for name in extras}


def _copies(arrays, options):
    copied = {k: v.copy() if getattr(v, "ndim", 0) else v for k, v in options.items()}
    return [array.copy() for array in arrays], copied


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "-".join([rule[0], *rule[3]]))
@pytest.mark.parametrize("shape", [(1,), (5, 7), (100_003,)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_like_numpy(in_numpy, threads, rule, shape, dtype):
    name, states, scalars, extras = rule
    arrays, options = _case(states, scalars, extras, shape, dtype)
    arrays[1].flat[0] = np.nan
    one, other = _copies(arrays, options), _copies(arrays, options)
    for _ in range(3):
        assert getattr(compiled, name)(*one[0], **one[1]) is None
        in_numpy(shared.run_in_chunks, getattr(shared, name), *other)
    for a, b in zip([*one[0], *one[1].values()], [*other[0], *other[1].values()], strict=True):
        assert np.array_equal(a, b, equal_nan=not isinstance(a, bool))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "-".join([rule[0], *rule[3]]))
def test_steps_back(rule):
    name, states, scalars, extras = rule
    for dtype, change in (("float16", np.asarray), ("float32", np.asfortranarray)):
        arrays, options = _case(states, scalars, extras, (4, 6), dtype)
        arrays[1] = change(arrays[1])
        assert getattr(compiled, name)(*arrays, **options) is NotImplemented


def test_rules_without_a_compiled_form_step_back():
    arrays, options = _case(1, RULES[4][2], (), (3,), "float32")
    for name in ("m", "square"):
        assert compiled.rmsprop(*arrays, **options, **{name: arrays[0]}) is NotImplemented


def test_a_large_gradient_may_have_other_strides(in_numpy, threads):
    (weight, gradient), options = _case(0, {"lr": 0.1}, (), (300, 400), "float32")
    ours, theirs = weight.copy(), weight.copy()
    shared.run_in_chunks(shared.sgd, [ours, np.asfortranarray(gradient)], options)
    in_numpy(shared.run_in_chunks, shared.sgd, [theirs, gradient], options)
    assert np.array_equal(ours, theirs)
