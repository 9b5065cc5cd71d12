"""Optimizers and schedules against Keras: ten steps, states, names, configs."""

import warnings

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close, bound
from parity_tests.support import both, fresh_names

pytestmark = pytest.mark.parity

STEPS = 10
SHAPES = {"kernel": (5, 4), "bias": (4,), "gain": ()}
# Divisions by small roots magnify roundings, and each step builds on the ones before.
LENGTH = 400

RULES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.3, "epsilon": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.7, "centered": True}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adadelta", {"rho": 0.8}),
    ("Adamax", {"beta_1": 0.8}),
    ("Nadam", {}),
    ("Ftrl", {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "beta": 0.3}),
    ("Lion", {}),
]
AROUND = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.2},
    {"global_clipnorm": 0.7},
    {"global_clipnorm": 70.0},
    {"weight_decay": 0.05},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.01},
    {"loss_scale_factor": 8.0},
]
CASES = RULES + [
    (name, {**options, **around})
    for name, options in [("SGD", {"momentum": 0.9}), ("Nadam", {})]
    for around in AROUND
]


class Run:
    """Some steps of an optimizer on three weights, down gradients that depend on the weights."""

    def __init__(self, engine, make, dtype, steps=STEPS, before=lambda optimizer, weights: None):
        rng = np.random.default_rng(0)
        engine.config.set_floatx(dtype)
        try:
            with engine.name_scope("dense"):
                self.weights = [
                    engine.Variable(rng.normal(size=shape), dtype=dtype, name=name)
                    for name, shape in SHAPES.items()
                ]
            slopes = [rng.normal(size=shape) for shape in SHAPES.values()]
            self.optimizer = make(engine)
            before(self.optimizer, self.weights)
            self.optimizer.build(self.weights)
            self.path = []
            for _ in range(steps):
                self._step(engine, rng, slopes, dtype)
            self.optimizer.finalize_variable_values(self.weights)
            self.path.append(np.concatenate([np.asarray(v).ravel() for v in self.weights]))
        finally:
            engine.config.set_floatx("float32")

    def _step(self, engine, rng, slopes, dtype):
        gradients = [
            np.asarray(v) * slope + 0.3 * rng.normal(size=slope.shape)
            for v, slope in zip(self.weights, slopes, strict=True)
        ]
        tensors = [engine.ops.convert_to_tensor(np.asarray(g, dtype)) for g in gradients]
        self.optimizer.apply(tensors, self.weights)
        self.path.append(np.concatenate([np.asarray(v).ravel() for v in self.weights]))


def compare_runs(make, dtype, **options):
    fresh_names()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ours, theirs = (Run(engine, make, dtype, **options) for engine in (minikeras, keras))
    assert_close(np.stack(ours.path), np.stack(theirs.path), LENGTH, "weights")
    mine, others = ours.optimizer.variables, theirs.optimizer.variables
    described = [[(v.name, v.path, tuple(v.shape), v.dtype) for v in vs] for vs in (mine, others)]
    assert described[0] == described[1]
    for a, b in zip(mine, others, strict=True):
        # Averages of squares near zero are judged against the weights' own size.
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        allowed = bound(dtype, LENGTH) * max(1.0, np.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=0, atol=allowed)
    return ours.optimizer, theirs.optimizer


def maker(name, options):
    return lambda engine: getattr(engine.optimizers, name)(learning_rate=0.1, **options)


@pytest.mark.sampled(rows=20, by=lambda row: row["name"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_ten_steps(name, options, dtype):
    ours, theirs = compare_runs(maker(name, options), dtype)
    assert list(ours.get_config().items()) == list(theirs.get_config().items())


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_defaults_and_configs(name, options):
    ours, theirs = both(lambda engine: getattr(engine.optimizers, name)(**options))
    config = ours.get_config()
    assert config == theirs.get_config()
    again = type(ours).from_config(config)
    assert again.get_config() == config
    saved = minikeras.optimizers.serialize(ours)
    assert saved == keras.optimizers.serialize(theirs)
    assert minikeras.optimizers.deserialize(saved).get_config() == config
    assert type(minikeras.optimizers.get(name.lower())) is type(ours)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 3, 0.7), {}),
    ("ExponentialDecay", (0.1, 3, 0.7), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 3, 0.7), {}),
    ("InverseTimeDecay", (0.1, 3, 0.7), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 7], [0.1, 0.05, 0.01]), {}),
    ("PolynomialDecay", (0.1, 7), {}),
    ("PolynomialDecay", (0.1, 7, 0.02, 2.0), {}),
    ("PolynomialDecay", (0.1, 7, 0.02, 0.5), {"cycle": True}),
    ("CosineDecay", (0.1, 7, 0.2), {}),
    ("CosineDecay", (0.0, 7, 0.2), {"warmup_target": 0.3, "warmup_steps": 4}),
    ("CosineDecay", (0.0, 7, 0.2), {"warmup_target": 0.3}),
    ("CosineDecayRestarts", (0.1, 4), {}),
    ("CosineDecayRestarts", (0.1, 4, 1.5, 0.8, 0.1), {}),
    ("CosineDecayRestarts", (0.1, 4, 1.0, 0.8, 0.1), {}),
]


@pytest.mark.sampled(by=lambda row: row["name"])
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize(("name", "args", "options"), SCHEDULES, ids=str)
def test_schedules(name, args, options, floatx):
    values = []
    for engine in (minikeras, keras):
        engine.config.set_floatx(floatx)
        schedule = getattr(engine.optimizers.schedules, name)(*args, **options)
        steps = [*range(40), 100, 1000, 12345]
        values.append([np.asarray(schedule(engine.Variable(s, dtype="int64"))) for s in steps])
        engine.config.set_floatx("float32")
    assert_close(np.stack(values[0]), np.stack(values[1]), what=name)


@pytest.mark.parametrize(("name", "args", "options"), SCHEDULES, ids=str)
def test_configs_of_schedules(name, args, options):
    ours, theirs = both(lambda engine: getattr(engine.optimizers.schedules, name)(*args, **options))
    assert ours.get_config() == theirs.get_config()
    saved = minikeras.optimizers.schedules.serialize(ours)
    assert saved == keras.optimizers.schedules.serialize(theirs)
    assert minikeras.optimizers.schedules.deserialize(saved).get_config() == ours.get_config()


def scheduled(name, schedule, **options):
    def make(engine):
        args = {"PiecewiseConstantDecay": ([2, 5], [0.1, 0.05, 0.01])}.get(schedule, (0.1, 3, 0.7))
        rate = getattr(engine.optimizers.schedules, schedule)(*args)
        return getattr(engine.optimizers, name)(rate, **options)

    return make


@pytest.mark.sampled(rows=2)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("schedule", ["PiecewiseConstantDecay", "InverseTimeDecay"])
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_scheduled_rates(name, schedule, dtype):
    ours, theirs = compare_runs(scheduled(name, schedule), dtype)
    assert ours.get_config() == theirs.get_config()
    compare_runs(scheduled(name, schedule, gradient_accumulation_steps=2), dtype)
    compare_runs(scheduled(name, schedule, weight_decay=0.1), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_callable_rate(dtype):
    compare_runs(lambda engine: engine.optimizers.Adam(lambda: 0.05, weight_decay=0.1), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_without_decay(dtype):
    def before(optimizer, weights):
        optimizer.exclude_from_weight_decay(var_list=[weights[0]], var_names=["b.as"])

    compare_runs(maker("AdamW", {"weight_decay": 0.3}), dtype, before=before)


def test_a_rate_set_later():
    for engine in (minikeras, keras):
        optimizer = engine.optimizers.SGD(0.1)
        optimizer.learning_rate = 0.25
        assert float(optimizer.learning_rate) == 0.25
        assert len(optimizer.variables) == 2
        optimizer.learning_rate = engine.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
        assert float(optimizer.learning_rate) == 0.5
        assert len(optimizer.variables) == 1
        with pytest.raises(TypeError, match="not settable|cannot be set"):
            optimizer.learning_rate = 0.1


def test_loss_scaling():
    """The factor doubles after good steps and halves at a step that is left out."""
    states = []
    for engine in (minikeras, keras):
        engine.utils.clear_session()
        w = engine.Variable(np.ones(3, "float32"), name="w")
        inner = engine.optimizers.SGD(0.1, momentum=0.9)
        optimizer = engine.optimizers.LossScaleOptimizer(inner, 8.0, dynamic_growth_steps=3)
        seen = [float(optimizer.scale_loss(engine.ops.convert_to_tensor(2.0)))]
        optimizer.build([w])
        for value in (1.0, 1.0, np.inf, 1.0, 1.0, 1.0, 1.0, np.nan, 2.0):
            gradient = engine.ops.convert_to_tensor(np.full(3, value, "float32"))
            optimizer.apply([gradient], [w])
            seen += [float(optimizer.dynamic_scale), float(optimizer.step_counter)]
            seen += [float(optimizer.iterations), *np.asarray(w).tolist()]
        names = [(v.path, v.dtype) for v in optimizer.variables]
        states.append((seen, names, optimizer.get_config()))
    assert_close(np.float32(states[0][0]), np.float32(states[1][0]))
    assert states[0][1:] == states[1][1:]


def test_an_optimizer_of_ones_own():
    def make(engine):
        ops = engine.ops

        class Signed(engine.optimizers.Optimizer):
            def build(self, variables):
                super().build(variables)
                self.velocities = self.add_optimizer_variables(variables, "velocity")

            def update_step(self, gradient, variable, learning_rate):
                rate = ops.cast(learning_rate, variable.dtype)
                velocity = self.velocities[self._get_variable_index(variable)]
                self.assign(velocity, ops.add(ops.multiply(velocity, 0.5), ops.sign(gradient)))
                self.assign_sub(variable, ops.multiply(velocity, rate))
                self.assign_add(variable, ops.multiply(gradient, 0.01))

        return Signed(0.1, weight_decay=0.1)

    compare_runs(make, "float32")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 2.0}),
        ("SGD", {"clipnorm": 1.0, "clipvalue": 1.0}),
        ("Adam", {"use_ema": True, "ema_momentum": 2.0}),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 0.5}),
        ("Adam", {"gradient_accumulation_steps": 1}),
        ("Adam", {"learning_rate": "fast"}),
        ("Adam", {"unknown": 1}),
        ("AdamW", {"weight_decay": None}),
        ("Lion", {"beta_1": 0.0}),
        ("Ftrl", {"learning_rate_power": 0.5}),
    ],
    ids=str,
)
def test_errors(name, options):
    for engine in (minikeras, keras):
        with pytest.raises(ValueError, match=list(options)[-1]):
            getattr(engine.optimizers, name)(**options)
