"""Tapes at their edges, against TensorFlow's: one row is one small program, run with both."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.core import trees

pytestmark = pytest.mark.parity


class Ours:
    tape, ops = minikeras.GradientTape, minikeras.ops

    @staticmethod
    def constant(value, dtype="float32"):
        return minikeras.ops.convert_to_tensor(np.array(value, dtype))

    @staticmethod
    def variable(value, trainable=True, dtype="float32"):
        return minikeras.Variable(np.array(value, dtype), trainable=trainable)

    @staticmethod
    def freeze(variable):
        variable.trainable = False

    @staticmethod
    def thaw(variable):
        variable.trainable = True


class Theirs:
    tape, ops = tf.GradientTape, keras.ops

    @staticmethod
    def constant(value, dtype="float32"):
        return tf.constant(value, dtype)

    @staticmethod
    def variable(value, trainable=True, dtype="float32"):
        return tf.Variable(value, trainable=trainable, dtype=dtype)

    @staticmethod
    def freeze(variable):
        variable._trainable = False

    @staticmethod
    def thaw(variable):
        variable._trainable = True


PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def answer(run, engine):
    """What a program returns, as nested lists, or the type of the error that it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = run(engine)
    except (ValueError, RuntimeError, TypeError) as error:
        return type(error)
    return trees.map_structure(lambda g: g.numpy().tolist() if hasattr(g, "numpy") else g, result)


# --- When a tape records -------------------------------------------------------------------------


@program
def gradient_inside_a_persistent_block(e):
    x = e.constant(3.0)
    with e.tape(persistent=True) as t:
        t.watch(x)
        g = t.gradient(x * x * x, x)
    return [g, t.gradient(g, x)]


@program
def gradient_inside_a_block_ends_the_recording(e):
    v, w = e.variable(3.0), e.variable(2.0)
    with e.tape() as outer, e.tape() as t:
        g = t.gradient(v * v, v)
        y = v * w
    return [g, outer.gradient(y, [v, w])]


@program
def used_twice(e):
    v = e.variable(3.0)
    with e.tape() as t:
        y = v * v
    t.gradient(y, v)
    return t.gradient(y, v)


@program
def never_entered(e):
    v = e.variable(3.0)
    return e.tape().gradient(v * v, v)


@program
def entered_twice_at_once(e):
    with e.tape() as t, t:
        pass


@program
def entered_again(e):
    v, t = e.variable(3.0), e.tape()
    with t:
        y = v * v
    with t:
        z = y * v
    return t.gradient(z, v)


@program
def entered_again_with_a_gap(e):
    v, t = e.variable(3.0), e.tape()
    with e.tape() as outer:
        with t:
            y = v * v
        between = y * 2.0
        with t:
            z = between * v
        g = t.gradient(z, v)
    return [g, outer.gradient(z, v)]


@program
def entered_again_after_use(e):
    v, x, t = e.variable(3.0), e.constant(2.0), e.tape()
    with t:
        t.watch(x)
        y = v * v
    g = t.gradient(y, v)
    with t:
        z = y * v * x
    w = z * 1.0
    again = t.gradient(z, [v, y, x])
    return [g, again, w]


@program
def a_persistent_tape_keeps_what_it_watches(e):
    x, t = e.constant(3.0), e.tape(persistent=True)
    with t:
        t.watch(x)
        y = x * x
    first = t.gradient(y, x)
    with t:
        z = x * y
    return [first, t.gradient(z, x), t.gradient(y, x)]


@program
def an_error_in_the_block(e):
    v, t = e.variable(3.0), e.tape()
    try:
        with t:
            y = v * v
            raise KeyError
    except KeyError:
        return t.gradient(y, v)


@program
def stop_recording(e):
    v = e.variable(3.0)
    with e.tape() as outer:
        with e.tape() as t:
            y = v * v
            with t.stop_recording():
                z = v * y
            w = y + z
        g = t.gradient(w, v)
    return [g, outer.gradient(w, v)]


@program
def gradient_while_stopped(e):
    v = e.variable(3.0)
    with e.tape(persistent=True) as t:
        y = v * v * v
        with t.stop_recording():
            g = t.gradient(y, v)
    return [g, t.gradient(g, v), t.gradient(y, v)]


@program
def the_one_gradient_while_stopped(e):
    v = e.variable(3.0)
    with e.tape() as t:
        y = v * v
        with t.stop_recording():
            g = t.gradient(y, v)
        z = v * y
    return [g, t.gradient(z, v)]


@program
def stop_before_the_block(e):
    with e.tape().stop_recording():
        pass


@program
def stop_after_the_block(e):
    with e.tape() as t:
        pass
    with t.stop_recording():
        pass


@program
def reset(e):
    v, x = e.variable(3.0), e.constant(2.0)
    with e.tape() as t:
        t.watch(x)
        y = v * v
        t.reset()
        z = y * v * x
    return t.gradient(z, [v, x])


@program
def reset_after_the_block(e):
    v = e.variable(3.0)
    with e.tape() as t:
        y = v * v
    t.reset()
    return t.gradient(y, v)


# --- What a tape watches -------------------------------------------------------------------------


@program
def watched_after_it_was_used(e):
    x = e.constant(3.0)
    with e.tape() as t:
        y = x * x
        t.watch(x)
        z = y * x
    return t.gradient(z, [x, y])


@program
def variables_only_when_named(e):
    v, w = e.variable(3.0), e.variable(2.0)
    with e.tape(watch_accessed_variables=False) as t:
        t.watch(w)
        m, n = v * v, w * w
        y = m * n
    return t.gradient(y, [v, w])


@program
def intermediates_of_nothing_watched(e):
    v, w = e.variable(3.0), e.variable(2.0)
    with e.tape(watch_accessed_variables=False, persistent=True) as t:
        t.watch(w)
        m, n = v * v, w * w
        y = m * n
    return t.gradient(y, [m, n])


@program
def what_only_the_outer_tape_watches(e):
    x = e.constant(3.0)
    with e.tape() as outer:
        outer.watch(x)
        with e.tape() as t:
            m = x * x
            y = m * m
        g = t.gradient(y, [m, x])
    return [g, outer.gradient(y, [m, x])]


@program
def computed_before_the_tape(e):
    v = e.variable(3.0)
    before = v * v
    with e.tape() as t:
        y = before * v
    return t.gradient(y, [before, v])


@program
def computed_before_an_inner_tape(e):
    v = e.variable(3.0)
    with e.tape() as outer:
        before = v * v
        with e.tape() as t:
            y = before + v
        g = t.gradient(y, [v, before])
    return [g, outer.gradient(y, [v, before])]


@program
def computed_before_an_inner_tape_that_watches_it(e):
    v = e.variable(3.0)
    with e.tape() as outer:
        before = v * v
        with e.tape() as t:
            t.watch(before)
            y = before * v
        g = t.gradient(y, [before, v])
    return [g, outer.gradient(y, [v, before])]


@program
def computed_after_an_inner_tape(e):
    v = e.variable(3.0)
    with e.tape() as outer:
        with e.tape() as t:
            y = v * v
        z = y * 2.0
        g = t.gradient(z, v)
    return [g, outer.gradient(z, v)]


@program
def one_of_several_outputs(e):
    x = e.constant([1.0, 2.0])
    with e.tape() as outer:
        outer.watch(x)
        a, b = e.ops.split(x, 2)
        with e.tape() as t:
            t.watch(a)
            y = e.ops.sum(a * b)
        g = t.gradient(y, [a, b])
    return [g, outer.gradient(y, x)]


@program
def a_chain_of_tapes(e):
    x = e.constant(3.0)
    with e.tape() as first:
        first.watch(x)
        y = x * x
    with e.tape() as second:
        second.watch(y)
        z = y * y * y
    g = second.gradient(z, y)
    return [g, first.gradient(y, x, output_gradients=g)]


@program
def two_tapes_of_which_one_watches(e):
    x = e.constant(3.0)
    with e.tape() as one:
        one.watch(x)
        y = x * x
    with e.tape() as other:
        z = x * x * x
    return [other.gradient(z, x), one.gradient(y, x)]


@program
def a_frozen_variable(e):
    v = e.variable(3.0, trainable=False)
    with e.tape() as t:
        y = v * v
    return t.gradient(y, v)


@program
def a_frozen_variable_watched(e):
    v, w = e.variable(3.0, trainable=False), e.variable(2.0)
    with e.tape() as t:
        t.watch(v)
        y = v * v * w
    return t.gradient(y, [v, w])


@program
def a_frozen_variable_watched_by_another_tape(e):
    v = e.variable(3.0, trainable=False)
    with e.tape() as one:
        one.watch(v)
        y = v * v
    with e.tape() as other:
        z = v * v
    return [one.gradient(y, v), other.gradient(z, v)]


@pytest.mark.parametrize("outer_watches", [True, False])
@pytest.mark.parametrize("persistent", [True, False])
def test_a_frozen_variable_is_watched_by_one_of_two_open_tapes(outer_watches, persistent):
    def run(e):
        v, w = e.variable(3.0, trainable=False), e.variable(2.0)
        with e.tape(persistent) as outer, e.tape(persistent) as inner:
            (outer if outer_watches else inner).watch(v)
            m = v * v
            y = m * w
        return [inner.gradient(y, [m, v, w]), outer.gradient(y, [m, v, w])]

    assert answer(run, Ours) == answer(run, Theirs)


@program
def frozen_after_the_block(e):
    v = e.variable(3.0)
    with e.tape() as t:
        y = v * v
    e.freeze(v)
    return t.gradient(y, v)


@program
def thawed_after_the_block(e):
    v = e.variable(3.0, trainable=False)
    with e.tape() as t:
        y = v * v
    e.thaw(v)
    return t.gradient(y, v)


@program
def watched_then_thawed(e):
    v = e.variable(3.0, trainable=False)
    with e.tape() as t:
        t.watch(v)
        y = v * v
        e.thaw(v)
        z = y * v
    return t.gradient(z, v)


@program
def watched_after_the_block(e):
    x = e.constant(3.0)
    with e.tape(persistent=True) as t:
        y = x * x
    t.watch(x)
    return [t.gradient(y, x), t.gradient(x, x)]


@program
def watching_integers(e):
    i, v = e.constant(3, "int32"), e.variable(2.0)
    with e.tape() as t:
        t.watch({"i": i, "v": [v]})
        y = v * e.ops.cast(i, "float32")
    return t.gradient(y, [i, v])


@program
def watching_a_nest(e):
    x, y = e.constant(3.0), e.constant(2.0)
    with e.tape() as t:
        t.watch({"x": x, "y": [y, ()]})
        z = x * y
    return t.gradient(z, [x, y])


for value in (None, 3.0, "x", np.ones(2, "float32")):

    @program
    def watching_something_else(e, value=value):
        with e.tape() as t:
            t.watch(value)


# --- Targets, sources and their nests ------------------------------------------------------------


def with_three(ask):
    """A program that asks a tape about y = v * v and z = 3 v, w taking no part."""

    def run(e):
        v, w = e.variable([1.0, 2.0]), e.variable([[3.0]])
        with e.tape() as t:
            y, z = v * v, v * 3.0
        return ask(e, t, v, w, y, z)

    return run


NESTS = {
    "sources repeated": lambda e, t, v, w, y, z: t.gradient(y, [v, v, {"k": (v, w)}]),
    "targets repeated": lambda e, t, v, w, y, z: t.gradient([y, {"z": y}], v),
    "nests": lambda e, t, v, w, y, z: t.gradient({"y": y, "z": [z]}, {"v": v}),
    "no target": lambda e, t, v, w, y, z: t.gradient([], [v]),
    "no source": lambda e, t, v, w, y, z: t.gradient(y, []),
    "None among targets": lambda e, t, v, w, y, z: t.gradient({"y": y, "none": None}, v),
    "None as target": lambda e, t, v, w, y, z: t.gradient(None, v),
    "None among sources": lambda e, t, v, w, y, z: t.gradient(y, [v, None]),
    "a target that is its own source": lambda e, t, v, w, y, z: t.gradient([y, z], [z, v]),
    "a variable as target": lambda e, t, v, w, y, z: t.gradient([y, v], [v]),
    "a target off the tape": lambda e, t, v, w, y, z: t.gradient([e.constant(1.0), y], v),
    "a source off the tape": lambda e, t, v, w, y, z: (
        lambda x: t.gradient([x, y], [x, v], unconnected_gradients="zero")
    )(e.constant([5.0, 6.0])),
    "zeros": lambda e, t, v, w, y, z: t.gradient(
        y, {"v": v, "w": w, "i": e.constant([1, 2], "int32")}, unconnected_gradients="zero"
    ),
    "none": lambda e, t, v, w, y, z: t.gradient(y, [v, w], unconnected_gradients="none"),
    "unknown": lambda e, t, v, w, y, z: t.gradient(y, [v, w], unconnected_gradients="ZERO"),
    "a weighed nest": lambda e, t, v, w, y, z: t.gradient(
        {"y": y, "z": z}, v, {"y": e.constant([1.0, 10.0]), "z": e.constant([2.0, 3.0])}
    ),
    "a weighed nest as a list": lambda e, t, v, w, y, z: t.gradient(
        {"y": y, "z": z}, v, [e.constant([1.0, 10.0]), e.constant([2.0, 3.0])]
    ),
    "weights as an array": lambda e, t, v, w, y, z: t.gradient(
        y, v, np.array([3.0, 4.0], "float32")
    ),
    "one weight": lambda e, t, v, w, y, z: t.gradient(y, v, e.constant(2.0)),
    "weights as a variable": lambda e, t, v, w, y, z: t.gradient(y, v, e.variable([3.0, 4.0])),
    "weights of what is off the tape": lambda e, t, v, w, y, z: t.gradient(
        [y, e.constant([1.0, 2.0])], v, [e.constant([1.0, 1.0]), e.constant([2.0, 3.0])]
    ),
}


@pytest.mark.parametrize("name", NESTS)
def test_nests_are_taken_as_by_tensorflow(name):
    run = with_three(NESTS[name])
    assert answer(run, Ours) == answer(run, Theirs)


@program
def integers_on_the_way(e):
    v = e.variable(3.0)
    with e.tape(persistent=True) as t:
        i = e.ops.cast(v * 2.0, "int32")
        y = e.ops.cast(i, "float32") * v
    return [t.gradient(i, v), t.gradient([i, y], v), t.gradient(y, v)]


# --- Jacobians -----------------------------------------------------------------------------------


@program
def jacobian_is_the_one_use(e):
    x, w = e.constant([1.0, 2.0, 3.0]), e.variable([[1.0]])
    with e.tape() as t:
        t.watch(x)
        y = x * x
    jacobians = t.jacobian(y, {"x": x, "w": w})
    try:
        t.gradient(y, x)
    except RuntimeError:
        return jacobians


@program
def jacobian_of_a_jacobian(e):
    x = e.constant([1.0, 2.0])
    with e.tape() as outer:
        outer.watch(x)
        with e.tape() as t:
            t.watch(x)
            y = x * x * x
        j = t.jacobian(y, x)
    return [j, outer.jacobian(j, x)]


@program
def jacobian_with_zeros(e):
    x, w = e.constant([[1.0], [2.0]]), e.constant([7.0])
    with e.tape(persistent=True) as t:
        t.watch([x, w])
        y = x * x
    return [t.jacobian(y, [x, w], unconnected_gradients="zero"), t.gradient(y, x)]


@program
def jacobian_of_a_used_tape(e):
    v = e.variable(3.0)
    with e.tape() as t:
        y = v * v
    t.gradient(y, v)
    return t.jacobian(y, v)


@program
def batch_jacobian(e):
    x = e.constant(np.arange(12.0).reshape(2, 3, 2))
    with e.tape() as t:
        t.watch(x)
        y = e.ops.sum(x * x, axis=-1)
    jacobian = t.batch_jacobian(y, x)
    try:
        t.gradient(y, x)
    except RuntimeError:
        return jacobian


@program
def batch_jacobian_of_samples_that_meet(e):
    x, c = e.constant([[1.0, 2.0], [3.0, 4.0]]), e.constant([[1.0], [2.0]])
    with e.tape(persistent=True) as t:
        t.watch(x)
        y = x * e.ops.sum(x)
    return [t.batch_jacobian(y, x), t.batch_jacobian(c, x)]


@program
def batch_jacobian_of_another_batch(e):
    x = e.constant([[1.0, 2.0]])
    with e.tape() as t:
        t.watch(x)
        y = e.ops.concatenate([x, x], axis=0)
    return t.batch_jacobian(y, x)


@program
def batch_jacobian_of_vectors(e):
    x = e.constant([1.0, 2.0])
    with e.tape() as t:
        t.watch(x)
        y = x * x
    return t.batch_jacobian(y, x)


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_a_tape_does_what_tensorflows_does(run):
    assert answer(run, Ours) == answer(run, Theirs)
