"""The summary's text, on graphs of layers that are nothing but names and shapes."""

from types import SimpleNamespace

import numpy as np
import pytest

from minikeras.autograd.symbolic import KerasTensor, Operation, SymbolicNode
from minikeras.models.summary import print_summary


class FakeLayer(Operation):
    """A layer that makes tensors of given shapes when it is called."""

    def __init__(self, name, *shapes, weights=(), trainable=True, built=True):
        super().__init__(name)
        self.shapes = shapes
        self.weights = [SimpleNamespace(shape=shape, dtype="float32") for shape in weights]
        self.trainable = trainable
        self.built = built

    def __call__(self, *inputs):
        outputs = [KerasTensor(shape) for shape in self.shapes]
        SymbolicNode(self, inputs, None, outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def build(self, input_shape):
        self.built = True

    def get_build_config(self):
        return None

    def count_params(self):
        return sum(int(np.prod(w.shape)) for w in self.weights)


class Dense(FakeLayer):
    """A class whose name is as short as the tables here are narrow."""


class FakeModel(FakeLayer):
    def __init__(self, name, layers, graph=False):
        super().__init__(name, built=True)
        self.layers = layers
        self.optimizer = None
        every = [w for layer in layers for w in layer.weights]
        frozen = [w for layer in layers if not layer.trainable for w in layer.weights]
        self.weights = every
        self.non_trainable_weights = frozen
        self.trainable_weights = [w for w in every if not any(w is f for f in frozen)]
        if graph:
            self.operations = layers
            self._nodes = [node for layer in layers for node in layer._inbound_nodes]


def text_of(model, **options):
    texts = []
    print_summary(model, print_fn=texts.append, **options)
    assert len(texts) == 1
    return texts[0]


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def stack():
    first, second = Dense("a", (None, 3), weights=[(2, 3), (3,)]), Dense("b", (None, 1024, 2))
    second(first(KerasTensor((None, 2))))
    return FakeModel("net", [first, second])


def test_list_of_layers():
    assert text_of(stack(), line_length=50) == (
        'Model: "net"\n'
        "┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓\n"
        "┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩\n"
        "│ a (Dense)           │ (None, 3)      │       9 │\n"
        "├─────────────────────┼────────────────┼─────────┤\n"
        "│ b (Dense)           │ (None, 1024,   │       0 │\n"
        "│                     │ 2)             │         │\n"
        "└─────────────────────┴────────────────┴─────────┘\n"
        " Total params: 9 (36.00 B)\n"
        " Trainable params: 9 (36.00 B)\n"
        " Non-trainable params: 0 (0.00 B)\n"
    )


@pytest.mark.parametrize(
    ("columns", "width", "with_trainable"), [(80, 76, 76), (200, 88, 100), (50, 46, 46)]
)
def test_width_follows_the_console(monkeypatch, columns, width, with_trainable):
    monkeypatch.setenv("COLUMNS", str(columns))
    for options, expected in (({}, width), ({"show_trainable": True}, with_trainable)):
        assert len(text_of(stack(), **options).splitlines()[1]) == expected


def branches():
    x = Dense("x", (None, 2))
    a = Dense("a", (None, 3), weights=[(2, 3)], trainable=False)
    b = Dense("b", (None, 3), (None, 1))
    add = Dense("add", (None, 3), weights=[(1000, 1000)])
    start = x()
    add(a(start), b(start)[0])
    return FakeModel("net", [x, a, b, add], graph=True)


def test_graph_shows_connections_and_all_outputs():
    rows = rows_of(text_of(branches(), line_length=80, show_trainable=True))
    assert rows[:3] == [
        ["x (Dense)", "(None, 2)", "0", "-", "-"],
        ["a (Dense)", "(None, 3)", "6", "x[0][0]", "N"],
        ["b (Dense)", "[(None, 3),", "0", "x[0][0]", "-"],
    ]
    assert [cell for cell in rows[4] if cell] == [
        "add (Dense)",
        "(None, 3)",
        "1,000,000",
        "a[0][0],",
        "Y",
    ]
    assert rows[5][3] == "b[0][0]"


def test_totals_by_kind_and_unit():
    model = branches()
    model.optimizer = SimpleNamespace(
        built=True,
        variables=[
            SimpleNamespace(shape=(), dtype="int64"),
            SimpleNamespace(shape=(512,), dtype="float16"),
        ],
    )
    assert text_of(model).splitlines()[-4:] == [
        " Total params: 1,000,519 (3.82 MB)",
        " Trainable params: 1,000,000 (3.81 MB)",
        " Non-trainable params: 6 (24.00 B)",
        " Optimizer params: 513 (1.01 KB)",
    ]
    model.optimizer.built = False
    assert "Optimizer" not in text_of(model)


@pytest.mark.parametrize("kind", ["chain", "shared", "twice", "fork", "two inputs"])
def test_only_a_chain_has_no_connections(kind):
    x, a, b = (Dense(name, (None, 2)) for name in "xab")
    start = x()
    layers = [x, a, b]
    if kind == "chain":
        b(a(start))
    elif kind == "shared":
        a(a(start))
    elif kind == "twice":
        b(start, start)
    elif kind == "fork":
        a(start), b(start)
    else:
        a(start), b()
    model = FakeModel("net", layers, graph=True)
    assert ("Connected to" in text_of(model)) == (kind != "chain")


def test_what_lies_outside_the_graph_is_not_connected():
    x, a = Dense("x", (None, 2)), Dense("a", (None, 2))
    a(Dense("elsewhere", (None, 2))())
    y = Dense("y", (None, 2))
    y(a(x()), x.output)
    model = FakeModel("net", [x, a, y], graph=True)
    model._nodes = [x._inbound_nodes[0], a._inbound_nodes[1], y._inbound_nodes[0]]
    rows = rows_of(text_of(model, line_length=80))
    assert rows[1][3] == "x[0][0]" and rows[2][3] == "a[1][0], x[0][0]"


def test_nested_models_are_expanded_with_an_indent():
    inner = FakeModel("inner", [Dense("deep", (None, 1))])
    inner.layers[0](KerasTensor((None, 1)))
    outer = FakeModel("outer", [FakeModel("middle", [inner])])
    assert [row[0] for row in rows_of(text_of(outer))] == ["middle (FakeModel)"]
    rows = text_of(outer, expand_nested=True).splitlines()
    assert [line[2:26].rstrip() for line in rows if line.startswith("│")] == [
        "middle (FakeModel)",
        "   └ inner (FakeModel)",
        "      └ deep (Dense)",
    ]


def test_unbuilt_layers():
    model = FakeModel("net", [Dense("a", built=False)])
    assert rows_of(text_of(model)) == [["a (Dense)", "?", "0 (unbuilt)"]]


def test_shape_of_a_layer_that_is_in_no_graph():
    class Eager(Dense):
        def get_build_config(self):
            return {"input_shape": (4, 2)}

        def compute_output_shape(self, input_shape):
            return (*input_shape, 7), (input_shape[0],)

    assert rows_of(text_of(FakeModel("net", [Eager("e")])))[0][1] == "((4, 2, 7), (4))"


def test_layer_range():
    model = FakeModel("net", [Dense(name, (1,)) for name in ("a1", "b1", "b2", "c1")])
    for layer in model.layers:
        layer()
    cases = ("b1", "c1", "b1 b2 c1"), ("b.", "b.", "b1 b2"), ("c", "b2", "b2 c1")
    for first, last, shown in cases:
        rows = rows_of(text_of(model, layer_range=(first, last)))
        assert [row[0] for row in rows] == [f"{name} (Dense)" for name in shown.split()]
    with pytest.raises(ValueError, match="the names of two layers"):
        text_of(model, layer_range=["a1"])
    with pytest.raises(ValueError, match="do not match"):
        text_of(model, layer_range=["a1", "z"])


def test_positions():
    header = text_of(stack(), line_length=44, positions=[0.25, 0.5, 1.0]).splitlines()[1]
    assert [len(part) for part in header.strip("┏┓").split("┳")] == [10, 9, 21]
    with pytest.raises(ValueError, match="`positions` must have a number for each"):
        text_of(stack(), positions=[0.5, 1.0])


def test_names_are_no_markup():
    model = FakeModel("[red]net", [Dense("[bold]a", (1,))])
    model.layers[0]()
    text = text_of(model)
    assert text.startswith('Model: "[red]net"\n') and "[bold]a (Dense)" in text


def test_printed_to_standard_output(capsys):
    print_summary(stack(), line_length=50)
    assert capsys.readouterr().out == text_of(stack(), line_length=50)
