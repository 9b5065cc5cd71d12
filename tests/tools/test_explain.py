"""`minikeras explain`: cells as text, the document, and the command as users run it."""

import base64
import json
import subprocess
import sys

import numpy as np
import pytest

import minikeras as keras
from minikeras.tools.explain.cells import compute_cell
from minikeras.tools.explain.encoding import as_data
from minikeras.tools.explain.examples import digit, digits_network, one_layer
from minikeras.tools.explain.explaining import explain
from minikeras.tools.explain.formulas import Formula, parse
from minikeras.tools.explain.numbers import apart, printed, short
from minikeras.tools.explain.readers import readers
from minikeras.tools.explain.text import BadCell
from minikeras.tools.explain.whole import evaluate

L = keras.layers


@pytest.fixture(scope="module")
def page():
    """The page of a small trained network."""
    model = digits_network(epochs=1)
    return explain(model, *digit((8, 8, 1), 7))


# ---- the language


def test_a_formula_is_parsed_into_lists():
    text = "sum(x[n, 2 * i + u] * k[u] for u in range(3) if x[n, u] > 0) + (b if n == 0 else -1)"
    assert parse(text) == [
        "+",
        [
            "sum",
            ["*", ["cell", "x", ["n", ["+", ["*", 2, "i"], "u"]]], ["cell", "k", ["u"]]],
            [["u", 0, 3]],
            [">", ["cell", "x", ["n", "u"]], 0],
        ],
        ["if", ["==", "n", 0], "b", ["neg", 1]],
    ]


@pytest.mark.parametrize(
    "text", ["x[", "import os", "open('x')", "x.real", "'text'", "lambda: 1", "[1, 2]"]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(ValueError, match=r"[Ff]ormula"):
        parse(text)


ARRAYS = {"x": np.arange(12.0).reshape(3, 4) - 5, "ids": np.array([2, 0, 2]), "e": np.zeros(0)}

FORMULAS = {
    "a window": ("i j", "sum(x[i + u - 1, j + v] for u in range(3) for v in range(2))", (3, 4)),
    "strided": ("i j", "sum(x[(i - u) / 2, j] for u in range(3))", (7, 4)),
    "the largest": ("i", "max(x[i - u, i] for u in range(3))", (3,)),
    "outside": ("i", "x[i - 1, 0] + 100", (3,)),
    "looked up": ("i j", "x[ids[i], j]", (3, 4)),
    "scattered": ("r", "sum(x[i, 0] for i in range(3) if ids[i] == r)", (3,)),
    "a choice": ("i", "x[i - 1, 0] if i > 0 else 7", (3,)),
    "an absent test": ("i", "sum(1 for u in range(4) if x[i + u, 0] > 0)", (3,)),
    "functions": ("i j", "sigmoid(x[i, j]) - tanh(x[i, j]) / sqrt(exp(a) + 1)", (3, 4)),
    "inside a sum": ("i", "sum(x[i, j] * max(x[i, k] for k in range(4)) for j in range(4))", (3,)),
    "a power": ("i", "x[i, 0] ** 2 + 2 ** i", (3,)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_and_the_whole_array_agree(name):
    """Two evaluators walk the same tree."""
    indices, text, shape = FORMULAS[name]
    names = {"x": "x", "ids": "ids", "a": 0.5}
    formula = Formula("y", "forward", indices.split(), text, names)
    whole = evaluate(formula, ARRAYS, shape)
    for cell in np.ndindex(shape):
        value, _ = compute_cell(formula, ARRAYS, list(cell))
        assert value == pytest.approx(whole[cell], rel=1e-12)


def test_a_cell_outside_counts_as_nothing():
    names = {"x": "x"}
    outside = Formula("y", "forward", ["i"], "x[i - 1, 0] + 100", names)
    assert evaluate(outside, ARRAYS, (3,)).tolist() == [0, 95, 99]
    largest = Formula("y", "forward", [], "max(x[u - 9, 0] for u in range(10))", names)
    assert evaluate(largest, ARRAYS, ()) == -5


@pytest.mark.parametrize("name", FORMULAS)
def test_readers_are_the_cells_whose_value_changes(name):
    indices, text, shape = FORMULAS[name]
    formula = Formula("y", "forward", indices.split(), text, {"x": "x", "ids": "ids", "a": 0.5})
    arrays = {**ARRAYS, "y": np.zeros(shape)}
    before = evaluate(formula, arrays, shape)
    moved = {**arrays, "x": ARRAYS["x"].copy()}
    moved["x"][1, 2] += 0.25
    changed = np.argwhere(evaluate(formula, moved, shape) != before).tolist()
    cells = readers(formula, arrays, "x", [1, 2])
    assert [cell for cell in changed if cell not in cells] == []


# ---- numbers


def test_numbers_are_printed_by_one_rule():
    cases = {
        0.18341: "0.1834", 0.0223: "0.02230", 1.5: "1.500", 12.3: "12.30", 1234.4: "1234",
        0.00012346: "0.0001235", 1.0625: "1.063", -1.0625: "-1.063", 9.9996: "10.00",
        12345.0: "1.235e4", 1e-5: "1.000e-5", 99999.0: "1.000e5", 0.0: "0", 3: "3",
        True: "1", float("inf"): "inf", float("-inf"): "-inf", float("nan"): "nan",
    }  # fmt: skip
    for value, text in cases.items():
        assert short(value) == text
    assert printed(0.1, 13) == "0.1000000000000"
    assert printed(123456789.0, 9) == "123456789"


def test_steps_between_numbers():
    one = np.float32(1)
    assert apart(one, np.nextafter(one, np.float32(2))) == 1
    assert apart(0.0, -0.0) == 0
    assert apart(np.float32(1e-45), np.float32(-1e-45)) == 2


# ---- text


def test_the_text_of_a_cell(page):
    lines = page.at("conv2d/z[0,2,3,5]").splitlines()
    assert lines[0].startswith("conv2d/z[0, 2, 3, 5] = ")
    assert lines[1].startswith("z[n, i, j, f] = sum(x[n, i + u, j + v, c] * kernel[u, v, c, f]")
    assert lines[3] == "sum of 9 terms"
    assert lines[4].startswith("  u = 0, v = 0, c = 0: x[0, 2, 3, 0] = ")
    assert any(line.startswith("bias[5] = ") for line in lines)
    assert any(line.startswith("recomputed ") for line in lines)
    assert "read by conv2d/out in 1 cell: [0, 2, 3, 5]" in lines
    assert any(line.startswith("gradient conv2d/d_z[0, 2, 3, 5] = ") for line in lines)


def test_a_weight_is_followed_through_the_step(page):
    assert "read by conv2d/kernel_new in 1 cell" in page.at("conv2d/kernel[0,0,0,5]")
    step = page.at("conv2d/kernel_new[0,0,0,5]")
    assert "bias_correction_2 = " in step
    assert "w_new[a, b, c, d] = w[a, b, c, d] - learning_rate * m_hat" in step
    assert "sum of 36 terms" in page.at("conv2d/d_kernel[0,0,0,5]")
    assert "and 24 smaller ones -> " in page.at("conv2d/d_kernel[0,0,0,5]")


def test_the_gradient_of_an_output_has_a_name(page):
    assert page.at("d_conv2d[0,2,3,5]").startswith("conv2d/d_out[0, 2, 3, 5] = ")
    assert page.at("d_dense[0,3]").startswith("dense/d_z[0, 3] = ")
    assert "p[0, 3] = " in page.at("d_dense[0,3]")


def test_where_a_cell_was_computed(page):
    assert page.source("conv2d[0,2,3,5]").startswith("minikeras/kernels/cpu/conv.py:")
    assert page.source("d_conv2d[0,2,3,5]").startswith("minikeras/kernels/cpu/pooling.py:")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("conv2d[0,2,3]", "4 indices"),
        ("conv2d[0,2,3,99]", "from 0 to"),
        ("conv2d[0,2,3,-1]", "from 0 to"),
        ("nothing[0]", "There is no layer"),
        ("conv2d[0", "Expected a cell"),
        ("conv2d[a,b]", "Expected a cell"),
        ("", "Expected a cell"),
    ],
)
def test_cells_that_are_not_there(page, cell, says):
    with pytest.raises(BadCell, match=says):
        page.at(cell)


def test_every_cell_has_a_text(page):
    """A few cells of each array: nothing that is stored fails to be explained."""
    draw = np.random.default_rng(0)
    for name, array in page.document.arrays.items():
        cell = [int(draw.integers(size)) for size in array.shape]
        text = page.at(f"{name}{cell}" if cell else name)
        assert text.startswith(name)
        for line in text.splitlines():
            if line.startswith("recomputed"):
                assert int(line.split()[-2]) < 500, text  # float32 against other float32 sums


# ---- the document


def test_arrays_are_float32_bits(page):
    data = page.data
    entry = data["arrays"]["conv2d/kernel"]
    values = np.frombuffer(base64.b64decode(entry["data"]), "<f4").reshape(entry["shape"])
    kernel = next(w for w in page.document.trace.model.weights if w.path.endswith("conv2d/kernel"))
    np.testing.assert_array_equal(values, np.array(kernel))
    assert data["arrays"]["loss/target"]["dtype"] == "int32"
    json.dumps(data, allow_nan=False)


def test_every_name_leads_somewhere(page):
    data = page.data
    keys = {node["key"] for node in data["nodes"]}
    for node in data["nodes"]:
        assert set(node["inputs"]) <= keys
        for entry in node["arrays"]:
            assert entry["name"] in data["arrays"]
            assert entry.get("of", entry["name"]) in data["arrays"]
            assert len(entry["axes"]) == len(data["arrays"][entry["name"]]["shape"])
        for formula in node["formulas"]:
            for value in (formula["array"], *formula["names"].values()):
                assert not isinstance(value, str) or value in data["arrays"]
    for stop in data["timeline"]:
        assert stop["node"] in keys
        assert stop["array"] in data["arrays"]
    phases = [stop["phase"] for stop in data["timeline"]]
    assert list(dict.fromkeys(phases)) == ["forward", "loss", "backward", "step"]


def test_what_is_too_large_is_left_out_and_said():
    model = keras.Sequential([keras.Input((50,)), L.Dense(40), L.Dense(300), L.Dense(5)])
    model.compile("adam", "mse")
    page = explain(model, np.ones((1, 50)), np.ones((1, 5)))
    data = as_data(page.document, limit=200_000)
    gone = {name for name, entry in data["arrays"].items() if "left_out" in entry}
    assert gone
    assert len(data["left_out"]) == len(gone)
    assert "data" in data["arrays"]["dense/kernel"]
    assert len(json.dumps(data["arrays"])) < 200_000


def test_steps_of_training_and_their_hints():
    model = digits_network(epochs=0)
    weights = model.get_weights()
    x, y = digit((8, 8, 1), 0)
    data = explain(model, x, y, steps=[0, 1, 3]).data
    assert [step["step"] for step in data["steps"]] == [0, 1, 3]
    assert data["steps"][0]["arrays"] == {}
    assert "conv2d/kernel" in data["steps"][1]["arrays"]
    assert data["steps"][2]["loss"] < data["steps"][0]["loss"]
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_hints_say_their_numbers_and_thresholds():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            L.Dense(30, activation="sigmoid", name="flat"),
            L.Dense(20, activation="relu", bias_initializer=keras.initializers.Constant(-99)),
            L.Dense(1, name="last"),
        ]
    )
    model.get_layer("flat").weights[0].assign(np.full((4, 30), 50.0))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    notes = {n["key"]: n["notes"] for n in explain(model, np.ones((1, 4)), [[1.0]]).data["nodes"]}
    assert any("saturated: 100%" in note and "50%" in note for note in notes["flat"])
    assert any("relu: 100%" in note and "90%" in note for note in notes["dense"])


def test_a_penalty_has_its_share_of_the_gradient():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, kernel_regularizer="l2", name="d")])
    model.compile("sgd", "mse")
    arrays = explain(model, np.ones((1, 3), "float32"), np.ones((1, 2), "float32")).document.arrays
    penalty = 2 * 0.01 * arrays["d/kernel"]
    np.testing.assert_allclose(arrays["d/d_kernel_penalty"], penalty, rtol=1e-3)
    total = arrays["d/d_kernel_total"]
    np.testing.assert_allclose(total, arrays["d/d_kernel"] + penalty, rtol=1e-5)
    after = arrays["d/kernel"] - 0.01 * total
    np.testing.assert_allclose(arrays["d/kernel_new"], after, rtol=1e-6)


def test_a_layer_without_a_view_is_shown_without_formulas():
    class Twice(keras.Layer):
        def call(self, x):
            return x * 2

    model = keras.Sequential([keras.Input((3,)), Twice(name="twice")])
    page = explain(model, np.ones((1, 3)))
    node = next(n for n in page.data["nodes"] if n["key"] == "twice")
    assert node["formulas"] == []
    assert {entry["label"] for entry in node["arrays"]} >= {"x", "y", "dx", "dy"}


def test_a_view_that_does_not_fit_is_not_shown():
    """A user's subclass of a layer may do anything: it gets no formulas of the base class."""

    class Dense(L.Dense):
        def call(self, inputs):
            return super().call(inputs) + 1

    model = keras.Sequential([keras.Input((3,)), Dense(2, name="mine")])
    node = next(n for n in explain(model, np.ones((1, 3))).data["nodes"] if n["key"] == "mine")
    assert node["formulas"] == []


def test_nested_and_shared_layers_have_keys_of_their_own():
    inner = keras.Sequential([keras.Input((3,)), L.Dense(3, name="dense")], name="block")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, inner(inner(inputs)))
    model.compile("sgd", "mse")
    page = explain(model, np.ones((1, 3)), np.zeros((1, 3)))
    keys = [node["key"] for node in page.data["nodes"]]
    assert keys == ["input:0", "block/dense#0", "block/dense#1", "loss"]
    assert "d_kernel_total" in page.at("block/dense#0/kernel[0,0]")


OPTIMIZERS = {
    "sgd": {},
    "sgd momentum": {"momentum": 0.9},
    "sgd nesterov": {"momentum": 0.9, "nesterov": True},
    "adam": {},
    "adam amsgrad": {"amsgrad": True},
    "adam clipnorm": {"clipnorm": 0.01},
    "adam clipvalue": {"clipvalue": 0.001},
    "adam decay": {"weight_decay": 0.1},
    "adamw": {},
    "rmsprop": {},
    "rmsprop momentum": {"momentum": 0.9},
    "rmsprop centered": {"centered": True},
    "adagrad": {},
    "adadelta": {},
    "adamax": {},
    "nadam": {},
    "lion": {},
    "ftrl": {"l1_regularization_strength": 0.01, "beta": 0.1},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_step_of_each_optimizer_is_a_formula(name):
    """After some steps of training, so that its variables are not what they began as."""
    model, x, y = one_layer("Dense", 3, 4, 2)
    optimizer = keras.optimizers.get(
        {"class_name": name.split()[0], "config": {"learning_rate": 0.02, **OPTIMIZERS[name]}}
    )
    model.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(x, y + 1)
    page = explain(model, x, y + 1)
    steps = [f for f in page.document.sheets["dense"].formulas if f.phase == "step"]
    assert {"dense/kernel_new", "dense/bias_new"} <= {formula.array for formula in steps}
    arrays = page.document.arrays
    assert not np.array_equal(arrays["dense/kernel_new"], arrays["dense/kernel"])


# ---- the command


def command(*arguments, folder=None):
    return subprocess.run(
        [sys.executable, "-m", "minikeras", "explain", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_without_arguments_a_trained_network_is_explained(tmp_path):
    result = command(folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Open digits.html" in result.stdout
    assert "Your own: minikeras explain" in result.stdout
    assert (tmp_path / "digits.html").stat().st_size < 5_000_000


def test_a_file_a_data_set_and_a_cell(tmp_path):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="dense")])
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    x, y = np.arange(12.0).reshape(4, 3), np.ones((4, 2))
    np.savez(tmp_path / "d.npz", x=x, y=y)
    result = command(
        "m.keras", "--data", "d.npz", "--example", 2, "--at", "dense[0,1]", folder=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "x[0, 0] = 6.000" in result.stdout
    assert "computed by minikeras/kernels/" in result.stdout
    (tmp_path / "net.py").write_text(
        "import keras\n"
        "def make():\n"
        "    return keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(10, activation='softmax')])\n"
    )
    result = command("net:make", "--data", "digits", "-o", "page.html", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "page.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["none.keras"], 2, "no file"),
        (["bad.keras"], 3, "cannot load"),
        (["math:sqrt"], 3, "cannot load"),
        (["nothing:at_all"], 3, "cannot load"),
        (["--at", "conv2d[0]"], 2, "4 indices"),
        (["--example", "999999"], 2, "--example"),
        (["--example", "-1"], 2, "--example"),
        (["--steps", "a,b"], 2, "--steps"),
        (["--layer", "Nothing"], 2, "--layer"),
        (["--layer", "LSTM", "--units", "0"], 2, "numbers from 1"),
        (["--layer", "LSTM", "some.keras"], 2, "not both"),
        (["-o", "no/such/folder/page.html"], 2, "cannot write"),
        (["good.keras", "--data", "none.npz"], 2, "none.npz"),
        (["good.keras", "--data", "wrong.npz"], 3, "does not run"),
        (["good.keras", "--data", "digits"], 2, "digits"),
    ],
)
def test_requests_that_make_no_sense_get_one_line(tmp_path, arguments, status, says):
    (tmp_path / "bad.keras").write_text("no zip")
    keras.Sequential([keras.Input((3,)), L.Dense(2)]).save(tmp_path / "good.keras")
    np.savez(tmp_path / "wrong.npz", x=np.ones((2, 7)))
    result = command(*arguments, folder=tmp_path)
    assert (result.returncode, says in result.stderr) == (status, True), result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "layer", ["LSTM", "GRU", "Conv2D", "MultiHeadAttention", "Embedding", "BatchNormalization"]
)
def test_one_layer_with_small_numbers(layer):
    model, x, y = one_layer(layer, 2, 3, 2)
    page = explain(model, x, y)
    assert len(page.document.sheets[layer.lower()].formulas) >= 3
