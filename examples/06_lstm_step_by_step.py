"""An LSTM, step by step.

You learn what happens inside a long short-term memory (Hochreiter and Schmidhuber, 1997; forget
gate by Gers et al., 2000): four small dense layers a step, two states that travel from step to
step, and what a mask does. Everything is computed by hand and compared with the layer.
"""

import numpy as np

import minikeras as keras

batch, steps, features, units = 2, 5, 3, 4
keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(batch, steps, features)).astype("float32")

layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
outputs, last_h, last_c = layer(x)
kernel, recurrent_kernel, bias = layer.get_weights()

# --- The weights ---------------------------------------------------------------------------------

# Four dense layers lie side by side in each array, in the order i, f, c, o: input gate, forget
# gate, candidate, output gate. One product serves all four.
print("kernel          ", kernel.shape, "for the inputs")
print("recurrent kernel", recurrent_kernel.shape, "for the outputs of the step before")
print("bias            ", bias.shape)
assert kernel.shape == (features, 4 * units)
assert recurrent_kernel.shape == (units, 4 * units)

# The forget gate's bias begins at one, so that a new network remembers before it has learnt to
# (Jozefowicz et al., 2015).
assert np.array_equal(bias, [0] * units + [1] * units + [0] * units + [0] * units)


def sigmoid(z):
    """From 0 (closed) to 1 (open): the value of a gate."""
    return 1 / (1 + np.exp(-z))


# --- One step ------------------------------------------------------------------------------------


def step(x_t, h, c):
    """Take the inputs of one step and the two states; return the new states.

    `h` is the output, which the next step sees; `c` is the memory, which only gates touch.
    """
    z = x_t @ kernel + h @ recurrent_kernel + bias
    z_i, z_f, z_c, z_o = np.split(z, 4, axis=1)
    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
    candidate = np.tanh(z_c)
    # The memory changes by multiplication with f and addition alone. Where f stays near one, the
    # gradient passes through unharmed however many steps there are: the reason for this network.
    c = f * c + i * candidate
    h = o * np.tanh(c)
    return h, c


# --- All steps -----------------------------------------------------------------------------------

h = c = np.zeros((batch, units), "float32")
by_hand = []
for t in range(steps):
    h, c = step(x[:, t], h, c)
    by_hand.append(h)
    print(f"step {t}: output of the first sequence {np.round(h[0], 3)}")
by_hand = np.stack(by_hand, axis=1)

np.testing.assert_allclose(outputs, by_hand, rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(last_h, h, rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(last_c, c, rtol=1e-5, atol=1e-6)
print("the layer gives the same outputs and the same final states")

# --- A mask: sequences of different length in one batch ------------------------------------------

# Arrays are rectangles, sentences are not: short ones are filled up, and a mask says which steps
# count. At a masked step both states stay as they are, as if the step were not there.
mask = np.array([[True, True, True, True, True], [True, True, True, False, False]])
_, masked_h, masked_c = layer(x, mask=mask)

_, short_h, short_c = layer(x[1:, :3])  # the second sequence, really cut after three steps
np.testing.assert_allclose(masked_h[1], short_h[0], rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(masked_c[1], short_c[0], rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(masked_h[0], last_h[0], rtol=1e-5, atol=1e-6)
print("a masked sequence ends in the states of the sequence cut short")

# In a model nobody passes masks by hand: a Masking layer finds the steps that hold nothing but the
# filling value, and the mask travels with the tensor to the layers that follow.
filled = np.where(mask[..., None], x, np.float32(-9))
_, found_h, _ = layer(keras.layers.Masking(mask_value=-9.0)(filled))
np.testing.assert_allclose(found_h, masked_h, rtol=1e-5, atol=1e-6)

# --- How far a step is felt ----------------------------------------------------------------------

# The gradient of the last output by the inputs says how much each step still matters at the end.
inputs = keras.ops.convert_to_tensor(x)
with keras.GradientTape() as tape:
    tape.watch(inputs)
    _, end, _ = layer(inputs, mask=mask)
    total = keras.ops.sum(end)
gradient = tape.gradient(total, inputs).numpy()
print("size of the gradient by each step:")
for sequence in range(batch):
    print(f"  sequence {sequence}:", np.round(np.abs(gradient[sequence]).sum(axis=1), 4))
assert np.all(gradient[1, 3:] == 0)  # what is masked cannot matter
assert np.all(np.abs(gradient[0]).sum(axis=1) > 0)  # everything else does
