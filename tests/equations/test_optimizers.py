"""Optimizers against their algorithm boxes, over several steps in float64."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import config, optimizers
from minikeras.kernels import providers
from minikeras.optimizers import further_rules
from tests.equations import optimizers as equations
from tests.equations.ways import assert_near, draw

STEPS, SHAPE, RATE = 6, (5, 7), 0.125
# Hyperparameters are rounded to float32 on their way into a step: these are the same in both types.
RHO, BETA_1, BETA_2, EPSILON, DECAY = 0.875, 0.75, 0.9375, 2.0**-8, 2.0**-5
BETAS = {"beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}


def _zeros(count):
    return [np.zeros(SHAPE) for _ in range(count)]


def _adam(rule):
    return lambda w, g, *states, t: rule(w, g, *states, t, RATE, **BETAS)


def _ftrl(w, g, n, z, t):
    penalties = {"l1": 0.25, "l2": 0.125, "shrinkage": 0.0625, "beta": 0.5}
    return equations.ftrl(w, g, n, z, RATE, 0.5, **penalties)


def _rule(function, *further):
    return lambda w, g, *states, t: function(w, g, *states, RATE, *further)


# Each with its options, its states before the first step, and the step.
CASES = {
    "SGD": ("SGD", {}, [], lambda w, g, t: [equations.sgd(w, g, RATE)]),
    "SGD, momentum": (
        *("SGD", {"momentum": 0.5}),
        *(_zeros(1), _rule(equations.sgd_momentum, 0.5)),
    ),
    "SGD, Nesterov": (
        *("SGD", {"momentum": 0.5, "nesterov": True}),
        *(_zeros(1), _rule(equations.sgd_nesterov, 0.5)),
    ),
    "Adagrad": (
        *("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": EPSILON}),
        *([np.full(SHAPE, 0.5)], _rule(equations.adagrad, EPSILON)),
    ),
    "RMSprop": (
        *("RMSprop", {"rho": RHO, "epsilon": EPSILON}),
        *(_zeros(1), _rule(equations.rmsprop, RHO, EPSILON)),
    ),
    "RMSprop, centered": (
        *("RMSprop", {"rho": RHO, "epsilon": EPSILON, "centered": True}),
        *(_zeros(2), _rule(equations.rmsprop_centered, RHO, EPSILON)),
    ),
    "RMSprop, momentum": (
        *("RMSprop", {"rho": RHO, "epsilon": EPSILON, "momentum": 0.5}),
        *(_zeros(2), _rule(equations.rmsprop_momentum, RHO, EPSILON, 0.5)),
    ),
    "Adadelta": (
        *("Adadelta", {"rho": RHO, "epsilon": EPSILON}),
        *(_zeros(2), _rule(equations.adadelta, RHO, EPSILON)),
    ),
    "Adam": ("Adam", BETAS, _zeros(2), _adam(equations.adam)),
    "Adam, rearranged": ("Adam", BETAS, _zeros(2), _adam(equations.adam_rearranged)),
    "AMSGrad": ("Adam", BETAS | {"amsgrad": True}, _zeros(3), _adam(equations.amsgrad)),
    "AdamW": (
        *("AdamW", BETAS | {"weight_decay": DECAY}, _zeros(2)),
        lambda w, g, m, v, t: equations.adamw(w, g, m, v, t, RATE, DECAY, **BETAS),
    ),
    "Adamax": ("Adamax", BETAS, _zeros(2), _adam(equations.adamax)),
    "Nadam": ("Nadam", BETAS, [*_zeros(2), np.ones(())], _adam(equations.nadam)),
    "Ftrl": (
        "Ftrl",
        {
            "l1_regularization_strength": 0.25,
            "l2_regularization_strength": 0.125,
            "l2_shrinkage_regularization_strength": 0.0625,
            "beta": 0.5,
            "initial_accumulator_value": 0.5,
        },
        *([np.full(SHAPE, 0.5), np.zeros(SHAPE)], _ftrl),
    ),
    "Lion": (
        *("Lion", {"beta_1": BETA_1, "beta_2": BETA_2}),
        *(_zeros(1), _rule(equations.lion, BETA_1, BETA_2)),
    ),
}


@pytest.fixture(params=["numpy", "compiled"])
def _way(request, monkeypatch):
    monkeypatch.setattr(providers, "always_compiled", request.param == "compiled")
    before = config.compiled_kernels()
    config.set_compiled_kernels(request.param == "compiled")
    yield
    config.set_compiled_kernels(before)


def _stepped(optimizer, start):
    """The weight after each step, its gradient a function of it."""
    weight, seen = keras.Variable(start, dtype="float64"), []
    for t in range(STEPS):
        gradient = np.sin(3 * weight.numpy()) + draw(t, *SHAPE)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        seen.append(weight.numpy().copy())
    return seen


def _expected(step, start, states):
    w, seen = start, []
    for t in range(STEPS):
        w, *states = step(w, np.sin(3 * w) + draw(t, *SHAPE), *states, t=t + 1)
        seen.append(w)
    return seen


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("name", CASES)
def test_rule(monkeypatch, name):
    # Of its 0.96 Nadam uses the float32 in one place and the float64 in another, as Keras does.
    monkeypatch.setattr(further_rules, "_WARM_UP", np.float64(0.96))
    monkeypatch.setattr(further_rules, "as_cast", lambda value, scalar: scalar(value))
    rule, options, states, step = CASES[name]
    start = draw(9, *SHAPE)
    optimizer = getattr(optimizers, rule)(RATE, **options)
    assert_near(_stepped(optimizer, start), _expected(step, start, states))


def test_weight_decay_and_moving_averages():
    start, averages = draw(9, *SHAPE), []

    def step(w, g, a, t):
        w = equations.decoupled_weight_decay(w, RATE, DECAY)
        w = equations.sgd(w, g, RATE)
        a = equations.moving_average(a, w, 0.75 if t > 1 else 0.0)
        averages.append(a)
        return w, a

    expected = _expected(step, start, [np.zeros(SHAPE)])
    options = {"weight_decay": DECAY, "use_ema": True, "ema_momentum": 0.75}
    optimizer = optimizers.SGD(RATE, **options)
    assert_near(_stepped(optimizer, start), expected)
    average = next(v for v in optimizer.variables if "average" in v.path)
    assert_near([average.numpy()], averages[-1:])
