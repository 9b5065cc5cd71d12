"""Inside the engine.

You learn what there is while the engine works: a node of the tape and what it saved, the order of
the backward pass, a fused op beside its reference, and the program that `fit` records from a
training step. Attributes shown here that are not in Keras's API may change with the engine; this
page changes with them.
"""

import inspect

import numpy as np

import minikeras as keras

ops = keras.ops

# --- A node --------------------------------------------------------------------------------------

# Under a tape, a tensor that depends on something watched points to the node that computed it:
# which op, where each input is from (its node, and which output of it), and what was saved.
x = ops.convert_to_tensor(np.array([0.5, -1.0]))
with keras.GradientTape() as tape:
    tape.watch(x)
    y = ops.tanh(x)
    z = y * 3.0 + x


def show(tensor, name):
    """Print the node of a tensor."""
    node = tensor.node
    inputs = [f"node {parent[0].serial}" if parent else "a constant" for parent in node.parents]
    print(f"{name}: node {node.serial} is {node.primitive} of {' and '.join(inputs)}")


print("A node for each call:")
show(y, "y")
show(z, "z")
assert z.node.serial > y.node.serial > x.node.serial
assert y.node.parents[0][0] is x.node

# --- What a node saves ---------------------------------------------------------------------------

# Only what its vjps ask for by the names of their parameters, and only the vjps of inputs that
# need a gradient: in `a * 3.0` that of `a`, which asks for the 3.0 (`x2`). What nodes save is most
# of the memory that training takes.
print("\nSaved for the backward pass:")
for source in ["ops.tanh(a)", "ops.sin(a)", "a + b", "a * b", "a * 3.0", "ops.sum(a)"]:
    a, b = ops.convert_to_tensor(np.ones(4)), ops.convert_to_tensor(np.ones(4))
    with keras.GradientTape() as tape_of_one:
        tape_of_one.watch([a, b])
        result = eval(source)
    names = [
        "the output" if key == "y" else f"input {result.node.primitive.inputs[key]}"
        for key in result.node.saved
    ]
    print(f"  {source:12} {', '.join(names) or 'nothing but shapes'}")

print("\nwhich can be read off their vjps:\n")
for op in [ops.sin, ops.add]:
    print(inspect.getsource(op.vjps[0].function))

# The backward pass releases what a node saved as soon as it has visited it, so memory falls while
# it goes on. This is why a tape that is not persistent gives one set of gradients.
assert y.node.saved
gradient = tape.gradient(z, x)
assert y.node.saved is None
np.testing.assert_allclose(gradient, 3 * (1 - np.tanh(x.numpy()) ** 2) + 1, rtol=1e-12)

# --- The order of the backward pass --------------------------------------------------------------

order = []


def marked(name):
    """An identity whose vjp says when it was called."""

    @ops.custom_gradient
    def mark(x):
        def vjp(g):
            order.append(name)
            return g

        return ops.copy(x), vjp

    return mark


# Two branches leave x and meet again. A node must not be visited before all its users have been,
# since until then its gradient is not complete. Falling serial numbers see to that.
with keras.GradientTape() as tape:
    tape.watch(x)
    stem = marked("stem")(x)
    left = marked("left, second step")(marked("left, first step")(stem))
    right = marked("right")(stem)
    result = left * right
tape.gradient(result, x)
print("The order of the backward pass:", " -> ".join(order))
assert order == ["right", "left, second step", "left, first step", "stem"]

# --- A fused op and its reference ----------------------------------------------------------------

# The dense layer is one op with one kernel, which multiplies, adds the bias and applies ReLU; its
# backward kernel takes all three gradients. Beside it stands the same in plain ops: the reference.
print("\nThe reference of `ops.dense`:\n")
print(inspect.getsource(ops.dense))

rng = np.random.default_rng(1)
x = ops.convert_to_tensor(rng.normal(size=(5, 3)))
kernel = keras.Variable(rng.normal(size=(3, 2)), dtype="float64")
bias = keras.Variable(np.zeros(2), dtype="float64")


def gradients_of(dense):
    """The value, the first gradient and the second of a sum of squares."""
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = dense(x, kernel, bias, relu=True)
            loss = ops.sum(y * y)
        first = inner.gradient(loss, kernel)
        length = ops.sum(first * first)
    return y, first, outer.gradient(length, kernel)


# The fused op is the reference: in value, in gradient, and in the gradient of the gradient, for
# which it is the reference that is differentiated.
for one, other in zip(gradients_of(ops.dense), gradients_of(ops.dense.reference), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-10)
print("The fused op and its reference agree, up to the second gradient.")

# --- The program that `fit` recorded -------------------------------------------------------------

# `fit` takes the first step on each kind of batch as Python says, and records which kernels ran.
# From the second on it runs the recording: no layers, no tape, no dtypes to look up.
keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        keras.Input((3,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1),
    ]
)
model.compile(keras.optimizers.Adam(0.01), "mse")
features = rng.normal(size=(64, 3)).astype("float32")
history = model.fit(features, features.sum(axis=1), batch_size=32, epochs=20, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

print("\nThe training step as it is written (`Model.train_step`):\n")
print(inspect.getsource(keras.Model.train_step))

(program,) = model._steps.sources("train_step")
print("and as it was recorded for this model:\n")
print(program)

# Read it from the top: two `dense` forward, the mean squared error, the metric `loss`, then the
# backward pass with two `dense_backward`, and the optimizer. `_boxed` puts what a kernel returned
# as a plain number into an array; `del` frees each array after its last use. `(False, True, True)`
# of the first layer says that nobody wants the gradient with respect to the batch.
assert program.count(" dense(") == program.count(" dense_backward(") == 2
assert program.index(" dense(") < program.index(" dense_backward(") < program.index("(adam")
