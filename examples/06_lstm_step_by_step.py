"""An LSTM, step by step, forward and backward.

You learn what happens inside a long short-term memory (Hochreiter and Schmidhuber, 1997; forget
gate by Gers et al., 2000): four small dense layers a step, two states that travel from step to
step, and backpropagation through time (Werbos, 1990), every gradient written out by hand. Then what
a mask does. Everything is compared with the layer and its tape.

The symbols are those of the engine: `x` (batch, features) is the input of one step, `h` and `c`
(batch, units) are the states, `K`, `U` and `b` the kernel, the recurrent kernel and the bias.
`dc` stands for dL/dc, the gradient of the loss L with respect to c, and has the shape of c.

To see each gate at each step: `minikeras explain --layer LSTM --units 3 --time 4`.
"""

import inspect

import numpy as np

import minikeras as keras
from minikeras.ops.nn.rnn import lstm

batch, steps, features, units = 2, 5, 3, 4
keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
X = rng.normal(size=(batch, steps, features))

layer = keras.layers.LSTM(units, return_sequences=True, return_state=True, dtype="float64")
outputs, last_h, last_c = layer(X)
K, U, b = layer.get_weights()

# --- The weights ---------------------------------------------------------------------------------

# Four dense layers lie side by side in each array, in the order i, f, g, o: input gate, forget
# gate, candidate, output gate. One product serves all four.
print("K", K.shape, "for the inputs")
print("U", U.shape, "for the outputs of the step before")
print("b", b.shape)
assert K.shape == (features, 4 * units)
assert U.shape == (units, 4 * units)

# The forget gate's bias begins at one, so that a new network remembers before it has learnt to
# (Jozefowicz et al., 2015).
assert np.array_equal(b, [0] * units + [1] * units + [0] * units + [0] * units)


def sigmoid(z):
    """From 0 (closed) to 1 (open): the value of a gate."""
    return 1 / (1 + np.exp(-z))


# --- One step forward ----------------------------------------------------------------------------


def lstm_step(x, K, U, b, h_prev, c_prev):
    """Take the input of one step and the two states; return the new states.

    `h` is the output, which the next step sees; `c` is the memory, which only gates touch. The
    backward pass will need the gates, the candidate and tanh(c): they are returned as well.
    """
    z = x @ K + h_prev @ U + b  # (batch, 4 * units), the pre-activations
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)  # (batch, units) each
    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
    g = np.tanh(z_g)
    # The memory changes by multiplication with f and addition alone. Where f stays near one, the
    # gradient passes through unharmed however many steps there are: the reason for this network.
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return h, c, (i, f, g, o, tanh_c)


# --- All steps forward ---------------------------------------------------------------------------

h = c = np.zeros((batch, units))
hs, saved = [], []
for t in range(steps):
    h_prev, c_prev = h, c
    h, c, gates = lstm_step(X[:, t], K, U, b, h_prev, c_prev)
    hs.append(h)
    saved.append((X[:, t], K, U, h_prev, c_prev, *gates))
    print(f"step {t}: output of the first sequence {np.round(h[0], 3)}")

np.testing.assert_allclose(outputs, np.stack(hs, axis=1), rtol=1e-10, atol=1e-14)
np.testing.assert_allclose(last_h, h, rtol=1e-10, atol=1e-14)
np.testing.assert_allclose(last_c, c, rtol=1e-10, atol=1e-14)
print("the layer gives the same outputs and the same final states")

# --- One step backward ---------------------------------------------------------------------------


def lstm_step_backward(dh, dc, x, K, U, h_prev, c_prev, i, f, g, o, tanh_c, dK, dU, db):
    """Take dL/dh and dL/dc; return dL/dx, dL/dh_prev and dL/dc_prev.

    All steps share the weights, so `dK`, `dU` and `db` add up over the steps: they are given and
    changed, as is `dc`. Each line is the chain rule at one line of `lstm_step`, last line first.
    """
    # h = o * tanh(c): c acts on the later steps, which gave dc, and through h. tanh' = 1 - tanh^2.
    dc += dh * o * (1 - tanh_c**2)
    # c = f * c_prev + i * g gives di = dc * g, df = dc * c_prev and dg = dc * i; h gives
    # do = dh * tanh_c. Then through the activations: sigmoid' = s * (1 - s), tanh' = 1 - tanh^2.
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    dc_prev = dc * f  # no matrix, no tanh: on this path a gradient lives long
    # z = x @ K + h_prev @ U + b: a dense layer, as in 02_backprop_by_hand.py.
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    dx = dz @ K.T
    dh_prev = dz @ U.T
    dK += x.T @ dz
    dU += h_prev.T @ dz
    db += np.sum(dz, axis=0)
    return dx, dh_prev, dc_prev


# --- All steps backward: backpropagation through time --------------------------------------------

# Let L be a weighted sum of the outputs of all steps, with weights drawn at random: dL/dh of step t
# is then dY[:, t] from its own output, and what step t + 1 passed back.
dY = rng.normal(size=(batch, steps, units))
dX, dK, dU, db = np.zeros_like(X), np.zeros_like(K), np.zeros_like(U), np.zeros_like(b)
dh = np.zeros((batch, units))
dc = np.zeros((batch, units))
print("\nbackward, size of what arrives from the later steps:")
for t in reversed(range(steps)):
    print(f"step {t}: dh {np.abs(dh).sum():.3f}, dc {np.abs(dc).sum():.3f}")
    dX[:, t], dh, dc = lstm_step_backward(dY[:, t] + dh, dc, *saved[t], dK, dU, db)

x = keras.ops.convert_to_tensor(X)
with keras.GradientTape() as tape:
    tape.watch(x)
    outputs, _, _ = layer(x)
gradients = tape.gradient(outputs, [x, *layer.trainable_weights], output_gradients=dY)

print("\nby hand and by the engine:")
for name, mine, theirs in zip(["X", "K", "U", "b"], [dX, dK, dU, db], gradients, strict=True):
    difference = np.abs(mine - theirs.numpy()).max()
    print(f"dL/d{name}  shape {mine.shape!s:10} largest difference {difference:.1e}")
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)

# The engine runs these lines in one kernel for the whole sequence. They stand beside it, too:
_, head, rest = inspect.getsource(lstm).partition("    Equations (recurrent.lstm_step_backward):\n")
print("\nfrom the source of `ops.nn.lstm`:\n")
print(head + rest.partition("\n    Args:")[0])

# --- A mask: sequences of different length in one batch ------------------------------------------

# Arrays are rectangles, sentences are not: short ones are filled up, and a mask says which steps
# count. At a masked step both states stay as they are, as if the step were not there.
mask = np.array([[True, True, True, True, True], [True, True, True, False, False]])
_, masked_h, masked_c = layer(X, mask=mask)

_, short_h, short_c = layer(X[1:, :3])  # the second sequence, really cut after three steps
np.testing.assert_allclose(masked_h[1], short_h[0], rtol=1e-10, atol=1e-14)
np.testing.assert_allclose(masked_c[1], short_c[0], rtol=1e-10, atol=1e-14)
np.testing.assert_allclose(masked_h[0], last_h[0], rtol=1e-10, atol=1e-14)
print("a masked sequence ends in the states of the sequence cut short")

# In a model nobody passes masks by hand: a Masking layer finds the steps that hold nothing but the
# filling value, and the mask travels with the tensor to the layers that follow.
padded = np.where(mask[..., None], X, -9.0)
_, padded_h, _ = layer(keras.layers.Masking(mask_value=-9.0, dtype="float64")(padded))
np.testing.assert_allclose(padded_h, masked_h, rtol=1e-10, atol=1e-14)

# --- How far a step is felt ----------------------------------------------------------------------

# The gradient of the last output with respect to the input of each step says how much that step
# still matters at the end.
with keras.GradientTape() as tape:
    tape.watch(x)
    _, end, _ = layer(x, mask=mask)
    total = keras.ops.sum(end)
gradient = tape.gradient(total, x).numpy()
print("size of the gradient with respect to the input of each step:")
for sequence in range(batch):
    print(f"  sequence {sequence}:", np.round(np.abs(gradient[sequence]).sum(axis=1), 4))
assert np.all(gradient[1, 3:] == 0)  # what is masked cannot matter
assert np.all(np.abs(gradient[0]).sum(axis=1) > 0)  # everything else does
