"""Numbers on a kink, where a rounding decides which branch is taken: found, counted, judged."""

import numpy as np
import pytest

import minikeras as keras
from minikeras import testing
from minikeras.tools.check.items import Item
from minikeras.tools.check.kinks import Kink, unseparated, without_jumps, without_kinks
from minikeras.tools.check.measure import Error
from minikeras.tools.check.verdict import DEFINITION, KINK, ROUNDING, agreement, findings, rows
from minikeras.tools.worker.engines import Engine
from minikeras.tools.worker.kinks import JUMPS, KINKS, arrays_of, watched_kinks

SECOND = {"maximum", "minimum", "greater", "greater_equal", "less", "less_equal"}
REDUCING = {"max", "amax", "argmax", "min", "amin", "argmin"}


def arguments(name, x):
    """Arguments of an op for rows of numbers."""
    if name in SECOND:
        return (x, x[::-1] + 0.01)
    return {"clip": (x, -0.7, 0.9), "top_k": (x, 3)}.get(name, (x,))


def function(name):
    return getattr(keras.ops, name, None) or getattr(keras.activations, name)


@pytest.mark.parametrize("name", sorted(KINKS))
def test_distances_are_to_the_next_kink(name):
    """Whatever is nearer than the distance has the same slope, or value; twice as far has not."""
    x = np.random.default_rng(3).normal(scale=2.0, size=(6, 5))
    distance = KINKS[name](*arguments(name, x), **({"axis": 1} if name in REDUCING else {}))
    assert distance.shape == ((6,) if name in REDUCING else (6, 3) if name == "top_k" else x.shape)
    axis = {"axis": 1} if name in REDUCING else {}

    def value(shift):
        first, *rest = arguments(name, x)
        result = function(name)(keras.ops.convert_to_tensor(first + shift), *rest, **axis)
        return np.asarray(result[1] if name == "top_k" else result, "float64")

    if name in REDUCING or name == "top_k":
        kept = value(0.0)
        shaken = np.random.default_rng(4).uniform(-1, 1, x.shape) * 0.99 * distance.min()
        changed = value(shaken)
        assert np.allclose(kept, changed, atol=distance.min())
        return
    small = 1e-6
    slopes = [(value(shift + small) - value(shift)) / small for shift in (0, 0.9 * distance)]
    jumps = np.abs(value(0.9 * distance) - value(0.0))
    if name in JUMPS:
        assert not jumps[distance > 1e-5].any()
    elif name not in ("selu", "hard_silu", "hard_swish"):  # they are bent between kinks as well
        assert np.allclose(slopes[0], slopes[1], atol=1e-4)


def test_ties_are_found():
    x = np.array([[1.0, 3.0, 3.0], [5.0, 2.0, 1.0]])
    assert KINKS["max"](x, axis=-1).tolist() == [0.0, 1.5]
    assert KINKS["min"](x, axis=1, keepdims=True).tolist() == [[1.0], [0.5]]
    assert KINKS["argmax"](x).tolist() == 1.0
    assert KINKS["top_k"](x, 2).tolist() == [[0.0, 0.0], [1.5, 0.5]]
    assert KINKS["relu"](np.array([-1.0, 2.0, 5.5]), max_value=6.0).tolist() == [1.0, 2.0, 0.5]
    assert KINKS["round"](np.array([0.5, 1.75])).tolist() == [0.0, 0.25]


def test_what_is_watched():
    dense = keras.layers.Dense(3, activation="relu")
    model = keras.Sequential([keras.Input((2,)), dense])
    before = dense.activation, keras.ops.round
    with watched_kinks(Engine("minikeras", keras), model) as met:
        x = keras.ops.ones((1, 2))
        y = model(x)
        keras.ops.round(x)
        events = met.take()
        assert [name for name, *_ in events] == ["relu", "round"] and not met.take()
    assert (dense.activation, keras.ops.round) == before
    arrays, described = arrays_of(events, [np.ones((1, 2), "float32")], {"out0": np.asarray(y)})
    assert len(arrays) == 1  # what is rounded is what the layer got
    assert described[0]["op"] == "relu" and described[0]["output"] == "out0"
    assert not described[0]["jumps"]


def test_elements_are_left_out():
    kinks = [Kink("round", True, "out0", np.array([True, False]), False)]
    two = np.array([2.0, 2.0])
    assert without_kinks("out0", two, kinks).tolist() == [0.0, 2.0]
    assert without_kinks("out1", two, kinks).tolist() == [2.0, 2.0]
    assert without_jumps("out0", np.zeros(2), [two], kinks)[0].tolist() == [0.0, 2.0]
    assert unseparated("out0", kinks) is None
    inner = Kink("relu", False, None, np.array([True]), True)
    assert unseparated("din0", [inner]) is inner and unseparated("out0", [inner]) is None


def measured(phase, apart, error, **kink):
    item = Item(phase, "a#0", "din0", "Layer", apart, allowed=10.0, **kink)
    item.ours, item.theirs = Error(error, error, ()), Error(1.0, 1.0, ())
    return item


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (measured("gradients", 0.0, 1e6, kink="relu"), KINK),
        (measured("gradients", 0.0, 1e6), ROUNDING),
        (measured("gradients", 0.1, 1e6, kink="relu"), DEFINITION),
        (measured("gradients", 0.1, 1e6, kink="relu", kink_wide=True), KINK),
        (measured("gradients", 0.0, 1.0, kink="relu"), None),
        (Item("gradients, whole", "w", "gradient", apart=0.1), DEFINITION),
        (Item("logs", "loss", "value", apart=0.1, kink="relu", kink_wide=True), KINK),
    ],
)
def test_flipped_branches_have_a_class_of_their_own(item, kind):
    result = findings([item])
    assert [finding.kind for finding in result] == ([kind] if kind else [])
    if kind == KINK:
        assert "which branch of relu" in result[0].text
        assert not rows([item]) and (not item.kink_wide or agreement([item]) == 0.0)


def test_elements_are_counted():
    """Half of the sums cancel; those of black pixels are exactly zero, by no rounding."""
    draw = np.random.default_rng(0)
    half = draw.normal(size=(4, 3)).astype("float32")
    kernel = np.concatenate([np.concatenate([half, -half]), draw.normal(size=(8, 3))], 1)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, activation="relu")])
    model.layers[0].set_weights([kernel, np.zeros(6)])
    x = np.repeat(draw.normal(size=(4, 1)), 8, 1).astype("float32")
    x[:, :4] *= np.float32(1 + 1e-7)
    x[0] = 0.0
    report = testing.check(model, x, against="minikeras", steps=0)
    assert report.same and "9 of 24 elements sit on a kink of relu (left out)" in report.notes
