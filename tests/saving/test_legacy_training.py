"""What an old file says about training: the optimizer, its state, losses and metrics."""

import warnings

import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.legacy.compiling import compile_arguments
from minikeras.saving.legacy.form import Source
from minikeras.saving.legacy.whole import load_model_h5
from tests.saving.old_files import drawn, layer, sequential, write

# Two dense layers: the second one's name comes first in the alphabet.
SHAPES = {"z/kernel:0": (2, 3), "z/bias:0": (3,), "a/kernel:0": (3, 1), "a/bias:0": (1,)}
CONFIG = sequential(
    layer("Dense", "z", units=3, activation="tanh", batch_input_shape=[None, 2]),
    layer("Dense", "a", units=1),
)
TRAINING = {"loss": "mse", "metrics": ["mae"], "loss_weights": None, "sample_weight_mode": None}


def weights_by_layer():
    return [
        (name, [(w, drawn(*shape)) for w, shape in SHAPES.items() if w.startswith(name)])
        for name in "za"
    ]


def load(path, optimizer, options, states, version):
    config = {"class_name": optimizer, "config": options}
    training = TRAINING | {"optimizer_config": config}
    write(path, weights_by_layer(), config=CONFIG, training=training, states=states,
          version=version)  # fmt: skip
    return load_model_h5(path)


def state(seed, names=SHAPES):
    return [drawn(*SHAPES[name], seed=seed) for name in names]


def in_order(*lists, steps=7):
    """States as Keras 2 lists them, without names that tell anything."""
    arrays = [array for arrays in lists for array in arrays]
    first = [] if steps is None else [("iterations:0", np.int64(steps))]
    return first + [(f"Variable_{i}:0", array) for i, array in enumerate(arrays)]


ADAM = {"lr": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "decay": 0.0}
LISTS = {
    "Adadelta": ({"lr": 1.0, "rho": 0.95, "epsilon": 1e-7, "decay": 0.0}, False,
                 ["_accumulated_grads", "_accumulated_delta_vars"]),
    "Adagrad": ({"lr": 0.01, "epsilon": 1e-7, "decay": 0.0}, False, ["_accumulators"]),
    "Adam": (ADAM, True, ["_momentums", "_velocities"]),
    "Adamax": (ADAM, True, ["_m", "_u"]),
    "Nadam": (
        {"lr": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "schedule_decay": 0.004},
        True,
        ["_momentums", "_velocities"],
    ),
    "RMSprop": ({"lr": 0.01, "rho": 0.9, "epsilon": 1e-7, "decay": 0.0}, False, ["_velocities"]),
    "SGD": ({"lr": 0.01, "momentum": 0.9, "decay": 0.0, "nesterov": False}, True, ["momentums"]),
}  # fmt: skip


@pytest.mark.parametrize("version", ["1.2.2", "2.0.5", "2.2.4"])
@pytest.mark.parametrize("name", LISTS)
def test_states_of_keras_1_and_2(tmp_path, name, version):
    """Up to 2.0.5 the states come in the order of the weights' names."""
    options, counts, attributes = LISTS[name]
    order = list(SHAPES) if version == "2.2.4" else sorted(SHAPES)
    lists = [state(seed, order) for seed in range(len(attributes))]
    stored = in_order(*lists, steps=7 if counts else None)
    model = load(tmp_path / "m.h5", name, options, stored, version)
    for seed, attribute in enumerate(attributes):
        states = getattr(model.optimizer, attribute)
        for variable, expected in zip(states, state(seed), strict=True):
            np.testing.assert_array_equal(variable, expected)
    assert int(model.optimizer.iterations) == (7 if counts else 0)


def test_maxima_that_adam_does_not_keep(tmp_path):
    """Keras 2 stores one zero for each; a file with true maxima fills them."""
    lists = [state(0), state(1), [np.zeros(1, "float32")] * 4]
    model = load(tmp_path / "m.h5", "Adam", ADAM | {"amsgrad": False}, in_order(*lists), "2.2.4")
    np.testing.assert_array_equal(model.optimizer._velocities[2], state(1)[2])
    lists[2] = state(2)
    model = load(tmp_path / "n.h5", "Adam", ADAM | {"amsgrad": True}, in_order(*lists), "2.2.4")
    np.testing.assert_array_equal(model.optimizer._velocity_hats[0], state(2)[0])


def named(kinds, style, steps):
    """States as TensorFlow's optimizers name them, by state or by weight."""
    states = {kind: dict(zip(SHAPES, state(seed), strict=True)) for seed, kind in enumerate(kinds)}
    if style == "by state":
        pairs = [(f"Opt/{w[:-2]}/{kind}:0", states[kind][w]) for kind in kinds for w in SHAPES]
    else:
        pairs = [(f"Opt/{kind}/{w}", states[kind][w]) for w in SHAPES for kind in kinds]
    return [(steps, np.int64(7)), *pairs]


NAMES = {
    "Adadelta": (["accum_grad", "accum_var"], ["accumulated_grad", "accumulated_delta_var"],
                 ["_accumulated_grads", "_accumulated_delta_vars"], {}),
    "Adagrad": (["accumulator"], ["accumulator"], ["_accumulators"], {}),
    "Adam": (["m", "v"], ["m", "v"], ["_momentums", "_velocities"], {}),
    "Adamax": (["m", "v"], ["m", "u"], ["_m", "_u"], {}),
    "Ftrl": (["accumulator", "linear"], ["accumulator", "linear"], ["_accumulators", "_linears"],
             {}),
    "Nadam": (["m", "v"], ["m", "v"], ["_momentums", "_velocities"], {}),
    "RMSprop": (["rms", "momentum", "mg"], ["velocity", "momentum", "average_gradient"],
                ["_velocities", "_momentums", "_average_gradients"],
                {"momentum": 0.1, "centered": True}),
    "SGD": (["momentum"], ["m"], ["momentums"], {"momentum": 0.9}),
}  # fmt: skip


@pytest.mark.parametrize("style", ["by state", "by weight"])
@pytest.mark.parametrize("name", NAMES)
def test_states_of_tensorflow_optimizers(tmp_path, name, style):
    before, after, attributes, options = NAMES[name]
    kinds, steps = (before, "Opt/iter:0") if style == "by state" else (after, "iteration:0")
    stored = named(kinds, style, steps)
    options = {"learning_rate": 0.01, "name": name} | options
    model = load(tmp_path / "m.h5", name, options, stored, "2.11.0")
    for seed, attribute in enumerate(attributes):
        states = getattr(model.optimizer, attribute)
        for variable, expected in zip(states, state(seed), strict=True):
            np.testing.assert_array_equal(variable, expected)
    assert int(model.optimizer.iterations) == 7


@pytest.mark.parametrize(
    "states",
    [in_order(state(0)[:3]), in_order([np.zeros((9, 9), "float32")] * 8)],
    ids=["too few", "other shapes"],
)
def test_a_state_that_does_not_fit_starts_from_scratch(tmp_path, states):
    with pytest.warns(UserWarning, match="starts from scratch"):
        model = load(tmp_path / "m.h5", "Adam", ADAM, states, "2.2.4")
    assert int(model.optimizer.iterations) == 0
    assert not np.any(model.optimizer._momentums[0])


def test_training_goes_on(tmp_path):
    """One step of Adam with decay, by its formula."""
    options = ADAM | {"decay": 0.1}
    model = load(tmp_path / "m.h5", "Adam", options, in_order(state(0), state(1, SHAPES)), "2.2.4")
    for v in model.optimizer._velocities:
        v.assign(np.abs(v))
    x, y = drawn(4, 2), drawn(4, 1)
    w, b, u, c = (drawn(*shape) for shape in SHAPES.values())
    h = np.tanh(x @ w + b)
    dy = 2 * (h @ u + c - y) / 4
    dh = dy @ u.T * (1 - h * h)
    gradients = [x.T @ dh, dh.sum(0), h.T @ dy, dy.sum(0)]
    rate = 0.01 / (1 + 0.1 * 7) * np.sqrt(1 - 0.999**8) / (1 - 0.9**8)
    model.train_on_batch(x, y)
    for value, g, old, m, v in zip(
        model.get_weights(), gradients, (w, b, u, c), state(0), state(1), strict=True
    ):
        m, v = 0.9 * m + 0.1 * g, 0.999 * np.abs(v) + 0.001 * g * g
        np.testing.assert_allclose(
            value, old - rate * m / (np.sqrt(v) + 1e-7), rtol=2e-5, atol=1e-6
        )


def test_a_schedule_inside_an_optimizer(tmp_path):
    schedule = {
        "class_name": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5,
                   "staircase": False, "name": None},
    }  # fmt: skip
    options = {"learning_rate": schedule, "name": "Adam", "jit_compile": True, "clipnorm": 1.0}
    model = load(tmp_path / "m.h5", "Adam", options, [], "2.11.0")
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.optimizer.clipnorm == 1.0


def wrapper(name, function):
    return {"class_name": "MeanMetricWrapper", "config": {"name": name, "dtype": "float32",
            "fn": function}}  # fmt: skip


METRICS = {
    "acc": ["acc"],
    "accuracy": ["accuracy"],
    "nested": [["accuracy", "mae"]],
    "wrapped": [[wrapper("accuracy", "binary_accuracy")]],
    "objects": [{"class_name": "AUC", "config": {"name": "auc", "dtype": "float32"}}],
}


@pytest.mark.parametrize("metrics", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize(
    "loss",
    [
        "mean_squared_error",
        "kullback_leibler_divergence",
        ["mse"],
        {"class_name": "BinaryCrossentropy", "config": {"reduction": "auto", "name": "b",
         "from_logits": True, "label_smoothing": 0.0, "axis": -1, "fn": "binary_crossentropy"}},
    ],
    ids=["name", "old name", "list", "object"],
)  # fmt: skip
def test_losses_and_metrics(tmp_path, loss, metrics):
    training = TRAINING | {"loss": loss, "metrics": metrics}
    training["optimizer_config"] = {"class_name": "SGD", "config": {"lr": 0.1}}
    path = write(tmp_path / "m.h5", weights_by_layer(), config=CONFIG, training=training)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a division in a divergence
        logs = load_model_h5(path).evaluate(
            drawn(4, 2), np.ones((4, 1)), verbose=0, return_dict=True
        )
    assert len(logs) >= 2


def test_a_model_can_be_left_uncompiled(tmp_path):
    path = tmp_path / "m.h5"
    write(path, weights_by_layer(), config=CONFIG, training={"optimizer_config": "nonsense"})
    assert not load_model_h5(path, compile=False).compiled
    write(path, weights_by_layer(), config=CONFIG)
    with pytest.warns(UserWarning, match="was not compiled"):
        load_model_h5(path)


def test_a_loss_of_ones_own(tmp_path):
    def cubic(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)

    training = TRAINING | {"loss": "cubic"}
    training["optimizer_config"] = {"class_name": "SGD", "config": {"lr": 0.1}}
    path = write(tmp_path / "m.h5", weights_by_layer(), config=CONFIG, training=training)
    assert load_model_h5(path, custom_objects={"cubic": cubic}).loss is cubic
    with pytest.raises(ValueError, match="cubic"):
        load_model_h5(path)


def test_temporal_sample_weights_are_gone():
    saved = TRAINING | {"sample_weight_mode": "temporal"}
    saved["optimizer_config"] = {"class_name": "SGD", "config": {}}
    with pytest.raises(ValueError, match="temporal"):
        compile_arguments(saved, Source())
