"""A tensor and its gradient.

You learn what a tensor is, what a tape writes down, and how to check a gradient without trusting
anyone: with finite differences. In the end the gradient gets a gradient of its own.

To see every number of a small network and its gradient: `minikeras explain --layer Dense`.
"""

import numpy as np

import minikeras as keras

ops = keras.ops

# --- A tensor is an array that may remember how it was computed ----------------------------------

x = ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
print("x =", x)
print("shape", x.shape, "and dtype", x.dtype)  # Python's floats become float32 unless told not to

# Operators and functions of `ops` take tensors and give new tensors; nothing is changed in place.
y = ops.sin(x) * x + 1
assert isinstance(y, keras.Tensor)
assert np.array_equal(x.numpy(), [[1, 2], [3, 4]])

# --- A gradient, and the proof that it is right --------------------------------------------------

# Finite differences lose half of the digits, so this page works in float64, which has 16 of them.
x = ops.convert_to_tensor(np.array([0.5, -1.0, 2.0]))


def f(x):
    """A number from a vector: the sum of x^3 sin x."""
    return ops.sum(x**3 * ops.sin(x))


# Inside the block every operation that depends on `x` puts a node on the tape: which operation it
# was, which nodes computed its inputs, and the values that its derivative needs. `gradient` visits
# these nodes from last to first and applies the chain rule at each.
with keras.GradientTape() as tape:
    tape.watch(x)
    value = f(x)
gradient = tape.gradient(value, x)


def central_differences(f, x, step=1e-6):
    """The slope of f along each axis, from two values on either side; the error is O(step^2)."""
    slopes = np.zeros_like(x)
    for i in range(x.size):
        shift = np.zeros_like(x)
        shift[i] = step
        slopes[i] = (float(f(x + shift)) - float(f(x - shift))) / (2 * step)
    return slopes


by_differences = central_differences(f, x.numpy())
by_hand = 3 * x.numpy() ** 2 * np.sin(x.numpy()) + x.numpy() ** 3 * np.cos(x.numpy())
print("\ngradient from the tape      ", gradient.numpy())
print("from the rules of calculus  ", by_hand)
print("from finite differences     ", by_differences)
np.testing.assert_allclose(gradient, by_hand, rtol=1e-12)
np.testing.assert_allclose(gradient, by_differences, rtol=1e-7)

# --- Variables are watched automatically, and broadcasting is undone -----------------------------

# A layer's weights are Variables. The bias below is added to every row; its gradient has the
# bias's own shape again, so the contributions of all rows have been summed up.
rows = np.ones((4, 3))
bias = keras.Variable(np.zeros(3), name="bias")
with keras.GradientTape() as tape:
    total = ops.sum(rows + bias)
gradient = tape.gradient(total, bias)
print("\none bias for four rows:", gradient.numpy())
assert np.array_equal(gradient, [4, 4, 4])

# What does not lead to the target has no gradient at all, which is not the same as zero.
with keras.GradientTape() as tape:
    total = ops.sum(ops.stop_gradient(bias))
assert tape.gradient(total, bias) is None

# --- A gradient of a gradient --------------------------------------------------------------------

# The derivative rules are themselves written with operations, so an outer tape records what the
# inner tape's `gradient` computes. The second derivative of sum(x^3 sin x), element by element, is
# 6 x sin x + 6 x^2 cos x - x^3 sin x.
with keras.GradientTape() as outer:
    outer.watch(x)
    with keras.GradientTape() as inner:
        inner.watch(x)
        value = f(x)
    first = inner.gradient(value, x)
second = outer.gradient(first, x)

a = x.numpy()
by_hand = 6 * a * np.sin(a) + 6 * a**2 * np.cos(a) - a**3 * np.sin(a)
print("\nsecond derivative, tape     ", second.numpy())
print("second derivative, calculus ", by_hand)
np.testing.assert_allclose(second, by_hand, rtol=1e-12)


def first_of(x):
    """The first derivative as a function, so that differences of it can be taken."""
    x = ops.convert_to_tensor(x)
    with keras.GradientTape() as tape:
        tape.watch(x)
        value = f(x)
    return ops.sum(tape.gradient(value, x))


np.testing.assert_allclose(second, central_differences(first_of, a), rtol=1e-7)
print("\nAll gradients agree with calculus and with finite differences.")
