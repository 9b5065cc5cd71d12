"""What a tape keeps and for how long, and what it says to those who use it wrongly."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import minikeras as keras
from minikeras.autograd.node import Leaf
from minikeras.autograd.primitive import Primitive
from minikeras.autograd.symbolic import Abstract, abstract_scope

USED_UP = "this tape has computed its one set of gradients"


def saved_by(tensor):
    """A weak reference to an array that the tape saved for the backward pass of a tensor."""
    return weakref.ref(next(iter(tensor.node.saved.values())))


def recorded_square(persistent=False):
    v = keras.Variable([1.0, 2.0, 3.0])
    with keras.GradientTape(persistent) as tape:
        y = keras.ops.square(v * 2.0)
    return tape, y, v


ONE_USE = {
    "gradient": lambda tape, y, v: tape.gradient(y, v),
    "jacobian": lambda tape, y, v: tape.jacobian(y, v),
    "jacobian, no way to the source": lambda tape, y, v: tape.jacobian(
        y, keras.Variable(np.ones(2))
    ),
}


@pytest.mark.parametrize("use", ["gradient", "jacobian", "jacobian, no way to the source"])
def test_one_use_releases_what_was_saved(use):
    tape, y, v = recorded_square()
    saved = saved_by(y)
    ONE_USE[use](tape, y, v)
    gc.collect()
    assert not tape.persistent and (saved() is None or use.startswith("gradient"))
    for again in ("gradient", "jacobian"):
        with pytest.raises(RuntimeError, match=USED_UP):
            ONE_USE[again](tape, y, v)


@pytest.mark.parametrize("use", ["gradient", "jacobian"])
def test_a_persistent_tape_is_used_many_times(use):
    tape, y, v = recorded_square(persistent=True)
    first = ONE_USE[use](tape, y, v)
    assert (ONE_USE[use](tape, y, v).numpy() == first.numpy()).all()


@pytest.mark.parametrize("use", ["gradient", "jacobian"])
@pytest.mark.parametrize("after", [0, 2])
def test_an_error_in_the_backward_pass_uses_the_tape_up(use, after, monkeypatch):
    tape, y, v = recorded_square()
    saved = saved_by(y)
    calls, backward = iter(range(after)), Primitive.backward

    def broken(primitive, node, gradients):
        if next(calls, None) is None:
            raise KeyboardInterrupt("in the backward pass")
        return backward(primitive, node, gradients)

    monkeypatch.setattr(Primitive, "backward", broken)
    if use == "jacobian" or not after:
        with pytest.raises(KeyboardInterrupt, match="in the backward pass"):
            ONE_USE[use](tape, y, v)
    else:
        ONE_USE[use](tape, y, v)
    monkeypatch.undo()
    gc.collect()
    assert saved() is None
    with pytest.raises(RuntimeError, match=USED_UP):
        tape.gradient(y, v)


def test_a_refused_argument_does_not_use_the_tape_up():
    tape, y, v = recorded_square()
    refused = [
        (ValueError, "unconnected_gradients", lambda: tape.gradient(y, v, None, "nope")),
        (ValueError, "unconnected_gradients", lambda: tape.jacobian(y, v, "nope")),
        (TypeError, "`target`", lambda: tape.gradient([y, 3.0], v)),
        (TypeError, "`sources`", lambda: tape.gradient(y, [v, None])),
        (TypeError, "`target`", lambda: tape.jacobian([y], v)),
        (ValueError, "of the 1 targets, but received 3", lambda: tape.gradient(y, v, [1, 2, 3])),
        (ValueError, r"Received .* of shape \(2,\)", lambda: tape.gradient(y, v, np.ones(2))),
        (ValueError, "same first size", lambda: tape.batch_jacobian(y, v)),
    ]
    for error, message, call in refused:
        with pytest.raises(error, match=message):
            call()
    assert tape.gradient(y, v).tolist() == [8.0, 16.0, 24.0]


def test_what_needs_a_tape_that_records_says_so():
    tape = keras.GradientTape()
    x = keras.ops.convert_to_tensor(1.0)
    for call in (lambda: tape.watch(x), lambda: tape.gradient(x, x), lambda: tape.jacobian(x, x)):
        with pytest.raises(RuntimeError, match="recorded nothing"):
            call()
    with pytest.raises(RuntimeError, match="recorded nothing"), tape.stop_recording():
        pass
    with pytest.raises(ValueError, match="not recording"), tape.reset():
        pass


def test_watching_integers_warns():
    with keras.GradientTape() as tape, pytest.warns(UserWarning, match="of dtype int32"):
        tape.watch(keras.ops.convert_to_tensor(1))


def test_gradients_have_the_dtype_of_what_they_belong_to():
    v = keras.Variable([1.0, 2.0])
    with keras.GradientTape(persistent=True) as tape:
        y = v * v
    array = np.array([1.0, 2.0])
    for weights in (array, keras.ops.convert_to_tensor(array), keras.Variable(array)):
        gradient = tape.gradient(y, v, weights)
        assert (gradient.dtype, gradient.tolist()) == ("float32", [2.0, 8.0])
    empty = keras.Variable(np.zeros((0, 2), "float32"))
    assert tape.jacobian(empty, v).shape == (0, 2, 2)
    assert tape.batch_jacobian(empty, empty).shape == (0, 2, 2)


def test_no_tape_leaves_anything_behind_on_a_frozen_variable():
    v = keras.Variable(3.0, trainable=False)
    with keras.GradientTape() as tape:
        tape.watch(v)
        y = v * v
        with tape.stop_recording():
            assert v.as_leaf() is None
    assert v.as_leaf() is None and tape.gradient(y, v).item() == 6.0
    dead = weakref.ref(tape)
    del tape
    assert dead() is None
    with keras.GradientTape() as tape:
        assert (v * v).node is None
        tape.watch(v)
        assert (v * v).node is not None
        tape.reset()
        assert (v * v).node is None


def test_a_watched_frozen_variable_is_watched_in_that_thread_alone():
    v, gradients = keras.Variable(3.0, trainable=False), {}

    def elsewhere():
        with keras.GradientTape() as tape:
            gradients["elsewhere"] = tape.gradient(v * v, v)

    with keras.GradientTape() as tape:
        tape.watch(v)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        y = v * v
    assert gradients["elsewhere"] is None and tape.gradient(y, v).item() == 6.0


def test_threads_that_read_a_new_variable_at_once_share_its_leaf():
    for _ in range(50):
        v, gate, gradients = keras.Variable(3.0), threading.Barrier(4), []

        def differentiate(v=v, gate=gate, gradients=gradients):
            gate.wait()
            with keras.GradientTape() as tape:
                y = v * v
            gradients.append(tape.gradient(y, v))

        threads = [threading.Thread(target=differentiate) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [g.item() for g in gradients] == [6.0] * 4


def test_a_state_that_is_watched_step_by_step_keeps_no_chain_of_steps():
    state, nodes = keras.ops.convert_to_tensor([1.0, 2.0]), []
    for _ in range(5):
        with keras.GradientTape() as tape:
            tape.watch(state)
            y = state * state
            state = keras.ops.tanh(y)  # not on the way to the loss
        tape.gradient(y, state)
        nodes.append(weakref.ref(next(iter(state.node.saved["y"]))))
    del y, tape
    gc.collect()
    assert [node() is None for node in nodes] == [True] * 4 + [False]


def test_copies_of_leaves_are_other_leaves():
    leaf = Leaf(automatic=True)
    for other in (copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))):
        assert other.automatic and other.serial > leaf.serial


def test_a_layer_that_differentiates_has_a_shape():
    def slope(x):
        with keras.GradientTape() as tape:
            tape.watch(x)
            y = keras.ops.sum(x * x, axis=-1)
        return tape.gradient(y, x)

    def slopes(x):
        with keras.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.batch_jacobian(y, x)

    with abstract_scope():
        x = Abstract((None, 3), "float32")
        assert slope(x).shape == x.shape and slopes(x).shape == (x.shape[0], 3, 3)
    assert slope(keras.ops.ones((2, 3))).tolist() == [[2.0] * 3] * 2


def test_a_derivative_along_a_direction_begins_in_the_middle_of_a_tape():
    v = keras.Variable(2.0)
    with keras.GradientTape() as tape:
        x = v * v
        y, dy = keras.ops.jvp(lambda u: u * u * u, (x,), (1.0,))
    assert (y.item(), dy.item()) == (64.0, 48.0)
    assert tape.gradient(dy, v).item() == 96.0  # 6 x dx/dv
