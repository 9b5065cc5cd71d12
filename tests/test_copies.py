"""Copies and pickles of what models are made with: the same state, and memory of their own."""

import copy
import importlib
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minikeras as keras
from minikeras.autograd.primitive import Primitive

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)

# What the constructors of some classes need.
ARGUMENTS = {
    "BackupAndRestore": ("backups",),
    "CosineDecay": (0.1, 5),
    "CosineDecayRestarts": (0.1, 5),
    "CSVLogger": ("log.csv",),
    "ExponentialDecay": (0.1, 5, 0.9),
    "IoU": (3, [0, 1]),
    "InverseTimeDecay": (0.1, 5, 0.9),
    "LearningRateScheduler": (abs,),
    "LossFunctionWrapper": (keras.losses.mean_squared_error,),
    "LossScaleOptimizer": (keras.optimizers.Adam(0.1),),
    "MeanIoU": (3,),
    "MeanMetricWrapper": (keras.losses.mean_squared_error,),
    "ModelCheckpoint": ("m.keras",),
    "OneHotIoU": (3, [0, 1]),
    "OneHotMeanIoU": (3,),
    "PiecewiseConstantDecay": ([2], [0.1, 0.2]),
    "PolynomialDecay": (0.1, 5),
    "PrecisionAtRecall": (0.5,),
    "RecallAtPrecision": (0.5,),
    "SensitivityAtSpecificity": (0.5,),
    "SpecificityAtSensitivity": (0.5,),
}


def _classes(module, base):
    return [
        pytest.param(cls, id=name)
        for name, cls in sorted(vars(module).items())
        if inspect.isclass(cls)
        and issubclass(cls, base)
        and cls is not base
        and name == cls.__name__
        and not name.startswith("_")
    ]


def _made(cls):
    return cls(*copy.deepcopy(ARGUMENTS.get(cls.__name__, ())))


def _array(*shape):
    return np.random.default_rng(0).uniform(0.1, 0.9, shape).astype("float32")


def _same(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# Ops and other functions


def _functions(module):
    return [f for name, f in vars(module).items() if callable(f) and not name.startswith("_")]


@pytest.mark.parametrize(
    "module", [keras.ops, keras.activations, keras.random, keras.losses, keras.metrics]
)
def test_functions_and_ops_are_copied_by_reference(module):
    assert [f for f in _functions(module) if any(way(f) is not f for way in WAYS.values())] == []


def test_the_ops_behind_the_public_ones_are_found_again():
    modules = [m for name, m in sys.modules.items() if name.startswith("minikeras.ops")]
    ops = [op for module in modules for op in vars(module).values() if isinstance(op, Primitive)]
    assert len(ops) > 200
    assert all(way(op) is op for op in ops for way in WAYS.values())


# Optimizers


def _schedule(**options):
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.9)
    return keras.optimizers.SGD(rate, momentum=0.9, **options)


def _excluding(weights):
    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=weights[:1], var_names=["bias"])
    return optimizer


OPTIMIZERS = {
    **{
        row.id: lambda _, cls=row.values[0]: _made(cls)
        for row in _classes(keras.optimizers, keras.optimizers.Optimizer)
    },
    "a schedule": lambda _: _schedule(),
    "without decay": _excluding,
    "an average": lambda _: keras.optimizers.Adam(0.05, use_ema=True, ema_overwrite_frequency=2),
    "accumulation": lambda _: _schedule(gradient_accumulation_steps=2, global_clipnorm=0.5),
    "scaled": lambda _: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.05), dynamic_growth_steps=2
    ),
}


def _step(optimizer, weights, step):
    rng = np.random.default_rng(step)
    gradients = [rng.normal(size=v.shape).astype("float32") for v in weights]
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], weights)


def _weights():
    shapes = {"kernel": (3, 4), "bias": (4,), "gain": (), "wide": (200, 100)}
    return [keras.Variable(_array(*shape), name=name) for name, shape in shapes.items()]


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_optimizers(name, way, steps):
    weights = _weights()
    optimizer = OPTIMIZERS[name](weights)
    for step in range(steps):
        _step(optimizer, weights, step)
    copied, copies = way((optimizer, weights))
    assert copied.get_config() == optimizer.get_config()
    assert [v.path for v in copied.variables] == [v.path for v in optimizer.variables]
    for one, own in ((copied, copies), (optimizer, weights)):
        for step in range(steps, steps + 3):
            _step(one, own, step)
    _same(map(np.array, copies), map(np.array, weights))
    _same(map(np.array, copied.variables), map(np.array, optimizer.variables))
    for a, b in zip([*copies, *copied.variables], [*weights, *optimizer.variables], strict=True):
        assert not np.shares_memory(a.array, b.array)


@each_way
def test_an_optimizer_alone_has_weights_of_its_own(way):
    weights = _weights()
    optimizer = keras.optimizers.Adam(0.1)
    _step(optimizer, weights, 0)
    before = [v.numpy() for v in weights]
    copied = way(optimizer)
    copied.apply([keras.ops.ones(v.shape) for v in weights])
    _same(map(np.array, weights), before)
    assert (int(copied.iterations), int(optimizer.iterations)) == (2, 1)


# Losses and metrics


@each_way
@pytest.mark.parametrize("cls", _classes(keras.losses, keras.losses.Loss))
def test_losses(cls, way):
    loss = _made(cls)
    copied = way(loss)
    y = np.eye(4, dtype="float32")[:, :3]
    if cls.__name__.startswith("Sparse") or cls.__name__ in (
        "Circle",
        "CategoricalGeneralizedCrossEntropy",
    ):
        y = np.array([0, 1, 2, 1])
    predictions = _array(4, 3)
    if cls.__name__ == "CTC":
        y, predictions = np.array([[1]] * 4), _array(4, 3, 3)
    assert copied(y, predictions).numpy() == loss(y, predictions).numpy()
    assert (copied.name, copied.reduction) == (loss.name, loss.reduction)


@each_way
@pytest.mark.parametrize("cls", _classes(keras.metrics, keras.metrics.Metric))
def test_metrics_keep_their_state_and_go_their_own_way(cls, way):
    metric = _made(cls)
    y = np.array([[0.0], [1.0], [1.0], [0.0]], "float32")
    data = {"Mean": (y,), "Sum": (y,)}.get(cls.__name__, (y, y * _array(4, 1)))
    if cls.__name__ in ("OneHotIoU", "OneHotMeanIoU"):
        data = (np.eye(3), _array(3, 3))
    if cls.__name__ in ("CategoricalCrossentropy", "CategoricalAccuracy", "FBetaScore", "F1Score"):
        data = (np.eye(3), _array(3, 3))
    if cls.__name__.startswith("Sparse"):
        data = (np.array([0, 1, 2]), _array(3, 3))
    if cls.__name__.startswith("TopK"):
        data = (np.eye(6), _array(6, 6))
    metric.update_state(*data)
    before = [v.numpy() for v in metric.variables]
    copied = way(metric)
    _same(map(np.array, copied.variables), before)
    np.testing.assert_array_equal(copied.result(), metric.result())
    copied.update_state(*data)
    _same(map(np.array, metric.variables), before)
    metric.update_state(*data)
    _same(map(np.array, copied.variables), map(np.array, metric.variables))


# What is described by its arguments


@each_way
@pytest.mark.parametrize("cls", _classes(keras.initializers, keras.initializers.Initializer))
def test_initializers(cls, way):
    initializer = _made(cls)
    copied = way(initializer)
    assert copied.get_config() == initializer.get_config()
    shape = (8, 1, 5) if cls.__name__ == "STFT" else (4, 4)
    _same(copied(shape), initializer(shape))


@each_way
@pytest.mark.parametrize(
    "cls",
    [
        *_classes(keras.regularizers, keras.regularizers.Regularizer),
        *_classes(keras.constraints, keras.constraints.Constraint),
    ],
)
def test_regularizers_and_constraints(cls, way):
    original = _made(cls)
    copied = way(original)
    x = keras.ops.convert_to_tensor(_array(4, 3))
    assert copied.get_config() == original.get_config()
    np.testing.assert_array_equal(copied(x), original(x))


@each_way
@pytest.mark.parametrize(
    "cls",
    _classes(keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
)
def test_schedules(cls, way):
    schedule = _made(cls)
    assert [float(way(schedule)(step)) for step in range(4)] == [
        float(schedule(step)) for step in range(4)
    ]


@each_way
@pytest.mark.parametrize("cls", _classes(keras.callbacks, keras.callbacks.Callback))
def test_callbacks(cls, way):
    callback = _made(cls)
    assert vars(way(callback)).keys() == vars(callback).keys()


@each_way
def test_policies(way):
    policy = keras.DTypePolicy("mixed_float16")
    assert way(policy) == policy
    assert way(policy).compute_dtype == "float16"


# Values


@each_way
def test_variables_keep_everything_but_their_place_on_the_tape(way):
    v = keras.Variable([1.0, 2.0], trainable=False, autocast=False, aggregation="mean", name="v")
    v.regularizer, v.constraint = keras.regularizers.L2(0.1), keras.constraints.NonNeg()
    v.overwrite_with_gradient, v.note = True, {"a": 1}
    copied = way(v)
    kept = "name path shape dtype trainable autocast aggregation overwrite_with_gradient note"
    for name in kept.split():
        assert getattr(copied, name) == getattr(v, name), name
    assert copied.regularizer.get_config() == v.regularizer.get_config()
    assert type(copied.constraint) is type(v.constraint)
    v.assign([3.0, 4.0])
    assert copied.numpy().tolist() == [1.0, 2.0]
    copied.assign([5.0, 6.0])
    assert v.numpy().tolist() == [3.0, 4.0]


def test_gradients_of_a_copied_variable_are_its_own():
    v = keras.Variable(2.0)
    with keras.GradientTape(persistent=True) as tape:
        square = v * v
        copies = [way(v) for way in WAYS.values()]
        cubes = [u * u * u for u in copies]
    assert float(tape.gradient(square, v)) == 4.0
    assert [float(tape.gradient(y, u)) for y, u in zip(cubes, copies, strict=True)] == [12.0] * 3
    assert tape.gradient(square, copies) == [None] * 3


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])
def test_tensors(way):
    x = keras.ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
    x._keras_mask = keras.ops.convert_to_tensor([True, False])
    copied = way(x[0]), way(x), way(keras.ops.convert_to_tensor(2.0))
    assert [t.tolist() for t in copied] == [[1.0, 2.0], x.tolist(), 2.0]
    assert copied[1]._keras_mask.tolist() == [True, False]
    assert not np.shares_memory(copied[1].data, x.data)


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])
def test_seed_generators(way):
    seeds = keras.random.SeedGenerator(3)
    seeds.next()
    copied = way(seeds)
    assert [copied.next().tolist(), copied.next().tolist()] == [[3, 1], [3, 2]]
    assert seeds.next().tolist() == [3, 1]


def test_pickles_are_read_in_another_process(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(
        "import minikeras as keras\n"
        "class Own(keras.Model):\n"
        "    def __init__(self, units):\n"
        "        x = keras.Input((3,))\n"
        "        y = keras.layers.LSTM(2)(x[:, None] * 2.0)\n"
        "        super().__init__(x, keras.layers.Dense(units, 'gelu')(y))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    model = importlib.import_module("own_models").Own(2)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), epochs=3, verbose=0)
    data = np.ones((2, 3), "float32")
    read = (
        f"import pickle, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "model, x, y = pickle.load(sys.stdin.buffer)\n"
        "print(abs(model.predict(x, verbose=0) - y).max(), int(model.optimizer.iterations))"
    )
    done = subprocess.run(
        [sys.executable, "-c", read],
        input=pickle.dumps((model, data, model.predict(data, verbose=0))),
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"0.0", b"3"], done.stderr
