"""What goes into a graph model and comes out of it, in nests of every kind, against Keras.

Also what `.input` and `.output` mean where a model is part of another, or a layer is called twice.
"""

import numpy as np
import pytest

from parity_tests.scenario import same

pytestmark = pytest.mark.parity

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
X2 = np.linspace(0, 1, 8, dtype="float32").reshape(4, 2)

# A nest of outputs, made of the tensors p and q.
OUTPUTS = {
    "p": lambda p, q: p,
    "[p]": lambda p, q: [p],
    "(p,)": lambda p, q: (p,),
    "{o: p}": lambda p, q: {"o": p},
    "[[p]]": lambda p, q: [[p]],
    "([p],)": lambda p, q: ([p],),
    "[(p,)]": lambda p, q: [(p,)],
    "[{o: p}]": lambda p, q: [{"o": p}],
    "([p, q],)": lambda p, q: ([p, q],),
    "(p, q)": lambda p, q: (p, q),
    "[[p], q]": lambda p, q: [[p], q],
}
# A nest of inputs, made of two tensors or arrays.
INPUTS = {
    "[i]": lambda i, j: [i],
    "(i,)": lambda i, j: (i,),
    "{i: i}": lambda i, j: {"i": i},
    "[[i]]": lambda i, j: [[i]],
    "[(i, j)]": lambda i, j: [(i, j)],
    "{i: [i], j: j}": lambda i, j: {"i": [i], "j": j},
}


def shapes(tree):
    """A nest with what each leaf is in its place: a type's name and a shape."""
    if isinstance(tree, dict):
        return {key: shapes(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(shapes(value) for value in tree)
    return ["array" if isinstance(tree, np.ndarray) else "tensor", list(tree.shape)]


def used(model, data, in_steps):
    """Ways to get at a model's outputs; those that Keras compiles take long."""
    results = {
        "called": shapes(model(data)),
        "input": shapes(model.input),
        "output": shapes(model.output),
        "input_shape": model.input_shape,
        "output_shape": model.output_shape,
        "specs": shapes(model.compute_output_spec(model.input)),
    }
    if in_steps:
        y = model.predict(data, verbose=0)
        results["predicted"] = [shapes(y), shapes(model.predict_on_batch(data))]
        model.compile("sgd", "mse", run_eagerly=True)
        results["logs"] = sorted(model.fit(data, y, verbose=0).history)
    return results


@pytest.mark.parametrize("nest", OUTPUTS)
def test_outputs_in_a_nest(nest):
    def scenario(k):
        i = k.Input((3,), name="i")
        p, q = k.layers.Dense(2, name="a")(i), k.layers.Dense(1, name="b")(i)
        model = k.Model(i, OUTPUTS[nest](p, q))
        outer = k.Input((3,))
        symbolic = model(outer)

        class Around(k.Model):
            def call(self, x):
                return model(x)

        return {
            **used(model, X, in_steps=nest in ("[p]", "([p, q],)", "[{o: p}]")),
            "symbolic": shapes(symbolic),
            "in a graph": shapes(k.Model(outer, symbolic)(X)),
            "in a subclass": shapes(Around()(X)),
            "cloned": shapes(k.models.clone_model(model)(X)),
        }

    same(scenario)


@pytest.mark.parametrize("nest", INPUTS)
@pytest.mark.parametrize("wrap", [lambda y: y, lambda y: [y]], ids=["y", "[y]"])
def test_inputs_in_a_nest(nest, wrap):
    def scenario(k):
        i, j = k.Input((3,), name="i"), k.Input((2,), name="j")
        y = k.layers.Dense(2)(i)
        if "j" in nest:
            y = k.layers.Add()([y, j])
        model = k.Model(INPUTS[nest](i, j), wrap(y))
        return used(model, INPUTS[nest](X, X2), in_steps=False)

    same(scenario)


def _sequential(k):
    layers = [k.Input((3,)), k.layers.Dense(4, name="first"), k.layers.Dense(2, name="last")]
    return k.Sequential(layers, name="inner")


def _unbuilt(k):
    return k.Sequential(
        [k.layers.Dense(4, name="first"), k.layers.Dense(2, name="last")], name="inner"
    )


def _functional(k):
    i = k.Input((3,))
    y = k.layers.Dense(2, name="last")(k.layers.Dense(4, name="first")(i))
    return k.Model(i, y, name="inner")


def _subclass(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__(name="inner")
            self.last = k.layers.Dense(2, name="last")

        def call(self, x):
            return self.last(x)

    return Own()


def answer(function):
    """What a function returns, or the kind of its error."""
    try:
        return function()
    except (AttributeError, ValueError) as error:
        return type(error).__name__


@pytest.mark.parametrize("make", [_sequential, _unbuilt, _functional, _subclass])
@pytest.mark.parametrize("calls", [1, 2])
def test_output_of_a_model_inside_a_model(make, calls):
    def scenario(k):
        inner, i = make(k), k.Input((3,))
        first = inner(i)
        y = first if calls == 1 else first + inner(i * 2.0)
        model = k.Model(i, k.layers.Dense(1, name="head")(y))

        def which(tensor):
            if tensor is first or tensor is i:
                return "of the outer graph"
            own = (*inner.inputs, *inner.outputs)
            return "of its own" if any(tensor is t for t in own) else "another"

        def until(model, tensors):
            return answer(lambda: np.asarray(k.Model(model.input, tensors())(X)))

        return {
            "output": which(inner.output),
            "input": which(inner.input),
            "inputs": answer(lambda: [which(t) for t in inner.inputs]),
            "shape": answer(lambda: inner.output_shape),
            "features": until(model, lambda: model.get_layer("inner").output),
            "deeper": until(model, lambda: inner.get_layer("last").output),
            "head": until(model, lambda: model.get_layer("head").input) if calls == 1 else None,
            "its own": answer(lambda: np.asarray(k.Model(inner.inputs, inner.outputs)([X]))),
        }

    same(scenario, length=8)


def test_output_of_a_layer_called_on_several_inputs():
    def scenario(k):
        i, j = k.Input((3,), name="i"), k.Input((3,), name="j")
        shared, add = k.layers.Dense(3), k.layers.Add()
        unused = k.layers.Dense(2)
        y, z = shared(i), shared(j)
        add([y, z])
        chained = k.layers.Dense(3)
        u = chained(i)
        chained(u)
        return {
            "first": [shared.output is y, shared.input is i],
            "several": shapes(add.input),
            "chained": [chained.output is u, chained.input is i],
            "features": np.asarray(k.Model(i, chained.output)(X)),
            "never": [answer(lambda: unused.output), answer(lambda: unused.input)],
            "states": shapes(_states(k)),
        }

    same(scenario, length=4)


def _states(k):
    lstm = k.layers.LSTM(2, return_state=True)
    lstm(k.Input((4, 3)))
    return lstm.output
