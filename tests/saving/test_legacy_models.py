"""Models of Keras 1, Keras 2 and tf-keras give the numbers that their equations give."""

import numpy as np
import pytest

import minikeras as keras
from minikeras.saving.legacy.whole import load_model_h5, load_weights_h5
from tests.saving.old_files import drawn, graph, layer, node, placeholder, sequential, write


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernels, recurrents, biases, gate=hard_sigmoid):
    """The last output; weights by gate, in the order i, f, c, o."""
    h = c = np.zeros((len(x), biases[0].size))
    for step in range(x.shape[1]):
        i, f, g, o = (
            x[:, step] @ w + h @ u + b for w, u, b in zip(kernels, recurrents, biases, strict=True)
        )
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
    return h


def gru(x, kernels, recurrents, biases, gate=hard_sigmoid):
    """The last output; weights by gate, in the order z, r, h; the reset gate comes first."""
    h = np.zeros((len(x), biases[0].size))
    (wz, wr, wh), (uz, ur, uh), (bz, br, bh) = kernels, recurrents, biases
    for step in range(x.shape[1]):
        xt = x[:, step]
        z, r = gate(xt @ wz + h @ uz + bz), gate(xt @ wr + h @ ur + br)
        candidate = np.tanh(xt @ wh + (r * h) @ uh + bh)
        h = z * h + (1 - z) * candidate
    return h


def check(model, x, expected):
    y = model.predict(x, verbose=0) if hasattr(model, "predict") else model(x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def gates(names, units=3, features=2):
    return {
        name: (drawn(features, units, seed=k), drawn(units, units, seed=k), drawn(units, seed=k))
        for k, name in enumerate(names)
    }


OLD_RNN = {
    "output_dim": 3,
    "init": "glorot_uniform",
    "inner_init": "orthogonal",
    "activation": "tanh",
    "inner_activation": "hard_sigmoid",
    "return_sequences": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
    "consume_less": "cpu",
    "W_regularizer": None,
    "U_regularizer": None,
    "b_regularizer": None,
    "dropout_W": 0.0,
    "dropout_U": 0.0,
    "input_dim": 2,
    "input_length": None,
    "batch_input_shape": [None, 4, 2],
}


def pieces(name, parts, order):
    """Weights gate by gate, as Keras 1 stores them."""
    return [
        (f"{name}_{kind}_{gate}", array)
        for gate in order
        for kind, array in zip("WUb", parts[gate], strict=True)
    ]


def test_lstm_of_keras_1(tmp_path):
    parts = gates("ifco")
    weights = pieces("lstm_1", parts, "icfo")
    config = sequential(layer("LSTM", "lstm_1", forget_bias_init="one", **OLD_RNN))
    path = write(tmp_path / "m.h5", [("lstm_1", weights)], version="1.2.2", config=config)
    x = drawn(5, 4, 2)
    check(load_model_h5(path, compile=False), x, lstm(x, *zip(*parts.values(), strict=True)))


def test_gru_of_keras_1(tmp_path):
    parts = gates("zrh")
    config = sequential(layer("GRU", "gru_1", **OLD_RNN))
    weights = [("gru_1", pieces("gru_1", parts, "zrh"))]
    path = write(tmp_path / "m.h5", weights, version="1.2.2", config=config)
    x = drawn(5, 4, 2)
    check(load_model_h5(path, compile=False), x, gru(x, *zip(*parts.values(), strict=True)))


def test_bidirectional_of_keras_1(tmp_path):
    forward, backward = gates("ifco"), gates("pqrs")
    backward = dict(zip("ifco", backward.values(), strict=True))
    inner = layer("LSTM", "lstm_1", forget_bias_init="one", **OLD_RNN)
    config = layer(
        "Bidirectional", "both", layer=inner, merge_mode="concat", batch_input_shape=[None, 4, 2]
    )
    weights = pieces("f", forward, "icfo") + pieces("b", backward, "icfo")
    path = write(tmp_path / "m.h5", [("both", weights)], version="1.2.2", config=sequential(config))
    x = drawn(5, 4, 2)
    y = lstm(x, *zip(*forward.values(), strict=True))
    back = lstm(x[:, ::-1], *zip(*backward.values(), strict=True))
    check(load_model_h5(path, compile=False), x, np.concatenate([y, back], axis=1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_cudnn_layers_of_keras_2(tmp_path, kind):
    """Kernels lie column by column, recurrent ones transposed; there are two biases."""
    names = "ifco" if kind == "LSTM" else "zrh"
    parts = gates(names)
    kernel = np.hstack([p[0].T.reshape(p[0].shape) for p in parts.values()])
    recurrent = np.hstack([p[1].T for p in parts.values()])
    bias = np.concatenate([p[2] for p in parts.values()])
    second = np.zeros_like(bias)
    weights = [("k/kernel:0", kernel), ("k/recurrent_kernel:0", recurrent)]
    weights += [("k/bias:0", np.concatenate([bias, second]))]
    config = sequential(
        layer(f"CuDNN{kind}", "k", units=3, batch_input_shape=[None, 4, 2], return_state=False)
    )
    model = load_model_h5(write(tmp_path / "m.h5", [("k", weights)], config=config), compile=False)
    x = drawn(5, 4, 2)
    k, u, b = zip(*parts.values(), strict=True)
    if kind == "LSTM":
        check(model, x, lstm(x, k, u, b, gate=sigmoid))
    else:  # with the reset gate after the product
        h = np.zeros((5, 3))
        for step in range(4):
            xt = x[:, step]
            z, r = sigmoid(xt @ k[0] + h @ u[0] + b[0]), sigmoid(xt @ k[1] + h @ u[1] + b[1])
            h = z * h + (1 - z) * np.tanh(xt @ k[2] + b[2] + r * (h @ u[2]))
        check(model, x, h)


def test_the_old_hard_sigmoid_survives_configs(tmp_path):
    config = sequential(
        layer("LSTM", "r", forget_bias_init="one", **OLD_RNN),
        layer("Activation", "a", activation="hard_sigmoid"),
    )
    weights = [("r", pieces("r", gates("ifco"), "icfo")), ("a", [])]
    path = write(tmp_path / "m.h5", weights, version="1.2.2", config=config)
    model = load_model_h5(path, compile=False)
    copy = keras.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    x = drawn(5, 4, 2)
    check(copy, x, model.predict(x, verbose=0))
    check(keras.layers.deserialize(keras.layers.serialize(model.layers[1])), x, hard_sigmoid(x))


def test_a_gru_without_word_of_reset_after_resets_before(tmp_path):
    parts = gates("zrh")
    kernel, recurrent, bias = (
        np.concatenate(arrays, axis=-1) for arrays in zip(*parts.values(), strict=True)
    )
    weights = [("g/kernel:0", kernel), ("g/recurrent_kernel:0", recurrent), ("g/bias:0", bias)]
    options = {"units": 3, "recurrent_activation": "hard_sigmoid", "implementation": 1}
    config = sequential(layer("GRU", "g", batch_input_shape=[None, 4, 2], **options))
    model = load_model_h5(write(tmp_path / "m.h5", [("g", weights)], config=config), compile=False)
    x = drawn(5, 4, 2)
    check(model, x, gru(x, *zip(*parts.values(), strict=True)))


def correlate(x, kernel):
    """Valid cross-correlation, channels last."""
    rows, columns = kernel.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), axis=(1, 2))
    return np.einsum("bijcrs,rsco->bijo", windows, kernel)


CONV = {
    "nb_filter": 4,
    "nb_row": 3,
    "nb_col": 2,
    "init": "glorot_uniform",
    "activation": "linear",
    "border_mode": "valid",
    "subsample": [1, 1],
    "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01},
    "b_constraint": {"name": "MaxNorm", "m": 2, "axis": 0},
    "bias": True,
}


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("order", ["th", "tf"])
def test_convolution2d_of_keras_1(tmp_path, order, rotated):
    kernel, bias, x = drawn(3, 2, 3, 4), drawn(4), drawn(2, 6, 5, 3)
    stored = kernel[::-1, ::-1] if rotated else kernel
    stored = stored.transpose(3, 2, 0, 1) if order == "th" else stored
    shape = [None, 3, 6, 5] if order == "th" else [None, 6, 5, 3]
    config = sequential(
        layer("Convolution2D", "c", dim_ordering=order, batch_input_shape=shape, **CONV)
    )
    layers = [("c", [("c_W", stored), ("c_b", bias)])]
    path = write(tmp_path / "m.h5", layers, version="1.2.2", config=config)
    model = load_model_h5(path, compile=False, rotated_kernels=rotated)
    expected = correlate(x, kernel) + bias
    if order == "th":
        x, expected = x.transpose(0, 3, 1, 2), expected.transpose(0, 3, 1, 2)
    check(model, x, expected)
    assert float(model.layers[0].kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.layers[0].bias_constraint.max_value == 2


def test_theano_files_of_keras_2_have_rotated_kernels(tmp_path):
    kernel, x = drawn(3, 2, 3, 4), drawn(2, 6, 5, 3)
    options = {"filters": 4, "kernel_size": [3, 2], "use_bias": False}
    config = sequential(layer("Conv2D", "c", batch_input_shape=[None, 6, 5, 3], **options))
    layers = [("c", [("c/kernel:0", kernel[::-1, ::-1])])]
    path = write(tmp_path / "m.h5", layers, config=config, backend="theano")
    check(load_model_h5(path, compile=False), x, correlate(x, kernel))


def test_convolution1d_of_keras_1(tmp_path):
    kernel, bias, x = drawn(3, 2, 4), drawn(4), drawn(2, 6, 2)
    options = {"nb_filter": 4, "filter_length": 3, "border_mode": "valid", "subsample_length": 1}
    conv = layer("Convolution1D", "c", batch_input_shape=[None, 6, 2], bias=True, **options)
    pool = layer("MaxPooling1D", "p", pool_length=2, stride=2, border_mode="valid")
    layers = [("c", [("c_W", kernel[:, None]), ("c_b", bias)]), ("p", [])]
    path = write(tmp_path / "m.h5", layers, version="1.2.2", config=sequential(conv, pool))
    y = correlate(x[:, :, None], kernel[:, None])[:, :, 0] + bias
    check(load_model_h5(path, compile=False), x, y.reshape(2, 2, 2, 4).max(axis=2))


def test_dense_dropout_and_batch_normalization_of_keras_1(tmp_path):
    config = sequential(
        layer("Dense", "d", output_dim=3, input_dim=2, batch_input_shape=[None, 2], bias=True,
              activation="hard_sigmoid", init="uniform"),
        layer("Dropout", "o", p=0.5),
        layer("BatchNormalization", "b", epsilon=1e-3, mode=0, axis=-1, momentum=0.9,
              gamma_regularizer=None, beta_regularizer=None),
    )  # fmt: skip
    w, b, x = drawn(2, 3), drawn(3), drawn(4, 2)
    gamma, beta, mean, variance = (
        drawn(3, seed=1),
        drawn(3, seed=2),
        drawn(3, seed=3),
        drawn(3) ** 2,
    )
    names = ("b_gamma", "b_beta", "b_running_mean", "b_running_std")
    norm = list(zip(names, (gamma, beta, mean, variance), strict=True))
    layers = [("d", [("d_W", w), ("d_b", b)]), ("o", []), ("b", norm)]
    path = write(tmp_path / "m.h5", layers, version="1.1.0", config=config)
    y = hard_sigmoid(x @ w + b)
    expected = gamma * (y - mean) / np.sqrt(variance + 1e-3) + beta
    check(load_model_h5(path, compile=False), x, expected)


def test_merge_of_keras_1(tmp_path):
    layers = [
        placeholder("x", 3),
        node("Dense", "a", "x", output_dim=2),
        node("Dense", "b", "x", output_dim=2),
        node("Merge", "m", "a", "b", mode="concat", concat_axis=-1, dot_axes=-1, layers=None),
        node("Merge", "s", "m", "m", mode="mul"),
    ]
    w, u, x = drawn(3, 2), drawn(3, 2, seed=1), drawn(4, 3)
    weights = [("a", [("a_W", w), ("a_b", drawn(2))]), ("b", [("b_W", u), ("b_b", drawn(2))])]
    path = write(tmp_path / "m.h5", weights, version="1.2.2", config=graph(layers, ["s"]))
    y = np.concatenate([x @ w + drawn(2), x @ u + drawn(2)], axis=1)
    check(load_model_h5(path, compile=False), x, y * y)


def inside(name, frozen=False):
    """A model in a model: a dense layer, a normalization and another dense layer."""
    return {
        "class_name": "Sequential",
        "name": name,
        "config": {
            "name": name,
            "layers": [
                layer("Dense", "d1", units=2, batch_input_shape=[None, 2], use_bias=False),
                layer("BatchNormalization", "bn", axis=[-1], epsilon=0.0),
                {
                    "class_name": "Dense",
                    "config": {
                        "name": "d2",
                        "trainable": not frozen,
                        "units": 2,
                        "use_bias": False,
                    },
                },
            ],
        },
    }


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_models_inside_models(tmp_path, first, frozen):
    """Trainable weights come first; old releases count a model's own node, newer ones do not."""
    w, v, x = drawn(2, 2), drawn(2, 2, seed=1), drawn(4, 2)
    mean = drawn(2, seed=3)
    trained = [("d1/kernel:0", w), ("bn/gamma:0", np.ones(2)), ("bn/beta:0", np.zeros(2))]
    last = [("d2/kernel:0", v)]
    moving = [("bn/moving_mean:0", mean), ("bn/moving_variance:0", np.ones(2))]
    weights = trained + moving + last if frozen else trained + last + moving
    model = inside("inner", frozen)
    model["inbound_nodes"] = [[["x", 0, 0, {}]], [["inner", first, 0, {}]]]
    config = graph([placeholder("x", 2), model], ["inner"])
    config["config"]["output_layers"] = [["inner", first + 1, 0]]
    path = write(tmp_path / "m.h5", [("inner", weights)], config=config)

    def once(x):
        return (x @ w - mean) @ v

    check(load_model_h5(path, compile=False), x, once(once(x)))


def test_ops_of_tensorflow_in_a_graph(tmp_path):
    def op(name, function, *inbound, class_name="TFOpLambda"):
        return {
            "class_name": class_name,
            "name": name,
            "config": {"name": name, "trainable": True, "dtype": "float32", "function": function},
            "inbound_nodes": list(inbound),
        }

    full = {"start": None, "stop": None, "step": None}
    layers = [
        placeholder("x", 3),
        op("double", "math.multiply", ["_CONSTANT_VALUE", -1, 2.0, {"y": ["x", 0, 0]}]),
        op("plus", "__operators__.add", ["double", 0, 0, {"y": 1.0, "name": None}]),
        op("act", "nn.relu", ["plus", 0, 0, {"name": None}]),
        op("part", "__operators__.getitem",
           ["act", 0, 0, {"slice_spec": [full, {"start": None, "stop": 2, "step": None}]}],
           class_name="SlicingOpLambda"),
        op("both", "concat", [["part", 0, 0, {"axis": 1}], ["x", 0, 0, {"axis": 1}]]),
        op("mean", "math.reduce_mean", ["both", 0, 0, {"axis": [1], "keepdims": True}]),
        op("cast", "cast", ["mean", 0, 0, {"dtype": "float64"}]),
        op("back", "cast", ["cast", 0, 0, {"dtype": "float32"}]),
        op("flat", "reshape", ["back", 0, 0, {"shape": [-1]}]),
        {
            "class_name": "TensorFlowOpLayer",
            "name": "sub",
            "config": {"name": "sub", "node_def": {"name": "sub", "op": "Sub", "input": []},
                       "constants": {"1": 0.5}},
            "inbound_nodes": [[["flat", 0, 0, {}]]],
        },
    ]  # fmt: skip
    path = write(tmp_path / "m.h5", [], config=graph(layers, ["sub"]), version="2.11.0")
    x = drawn(4, 3)
    y = np.maximum(2 * x + 1, 0)[:, :2]
    check(load_model_h5(path, compile=False), x, np.concatenate([y, x], axis=1).mean(1) - 0.5)


def test_a_recurrent_layer_with_an_initial_state(tmp_path):
    layers = [
        placeholder("x", 4, 2),
        placeholder("h", 3),
        node("SimpleRNN", "r", "x", "h", units=3),
    ]
    w, u, b = drawn(2, 3), drawn(3, 3), drawn(3)
    weights = [("r", [("r/kernel:0", w), ("r/recurrent_kernel:0", u), ("r/bias:0", b)])]
    config = graph(layers, ["r"], inputs=("x", "h"))
    model = load_model_h5(write(tmp_path / "m.h5", weights, config=config), compile=False)
    x, h = drawn(2, 4, 2), drawn(2, 3)
    expected = h
    for step in range(4):
        expected = np.tanh(x[:, step] @ w + expected @ u + b)
    check(model, [x, h], expected)


def test_lists_of_names_in_pieces(tmp_path):
    import h5py

    path = write(tmp_path / "w.h5", [("d", [("d/kernel:0", drawn(2, 3)), ("d/bias:0", drawn(3))])])
    with h5py.File(path, "a") as file:
        file.attrs["layer_names0"] = file.attrs["layer_names"]
        file.attrs["layer_names1"] = [b"e"]
        del file.attrs["layer_names"]
        file.create_group("e").attrs["weight_names"] = np.array([], dtype="S1")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    load_weights_h5(model, path)
    np.testing.assert_array_equal(model.get_weights()[0], drawn(2, 3))
