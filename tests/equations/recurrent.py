"""One step of SimpleRNN, LSTM and GRU, and backpropagation through it.

SimpleRNN: Elman, "Finding Structure in Time" (1990). LSTM: Hochreiter and Schmidhuber, "Long
Short-Term Memory" (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000). GRU: Cho et
al., "Learning Phrase Representations" (2014), section 2.3, in two forms. A whole sequence takes
these steps in turn; the way back is Werbos, "Backpropagation Through Time" (1990).

The parameters are `K`, the kernel `(features, gates * units)`, `U`, the recurrent kernel
`(units, gates * units)`, and `b`, the bias; `x` is `(batch, features)`, the states `(batch,
units)`. `dh` and `dc` are the gradients of the loss with respect to the states after the step:
what the next step passed back and, for `h`, what the step's own output got. The gradients `dK`,
`dU` and `db` add up over the steps, so they are given and changed.
"""

from numpy import concatenate, exp, split, sum, tanh


def sigmoid(z):
    """The logistic function."""
    return 1 / (1 + exp(-z))


def simple_rnn_step(x, K, U, b, h_prev):
    """The next state, which is also the output."""
    h = tanh(x @ K + h_prev @ U + b)  # (batch, units)
    return h


def simple_rnn_step_backward(dh, x, K, U, h_prev, h, dK, dU, db):
    """Gradients of `simple_rnn_step`."""
    dz = dh * (1 - h**2)  # (batch, units), with respect to what tanh is taken of
    dx = dz @ K.T
    dh_prev = dz @ U.T
    dK += x.T @ dz
    dU += h_prev.T @ dz
    db += sum(dz, axis=0)
    return dx, dh_prev


def lstm_step(x, K, U, b, h_prev, c_prev):
    """The next states: `h`, which is also the output, and the cell state `c`."""
    z = x @ K + h_prev @ U + b  # (batch, 4 * units), the pre-activations
    z_i, z_f, z_g, z_o = split(z, 4, axis=1)  # (batch, units) each
    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)  # the gates input, forget, output
    g = tanh(z_g)  # the candidate
    c = f * c_prev + i * g
    tanh_c = tanh(c)
    h = o * tanh_c
    return h, c, (i, f, g, o, tanh_c)


def lstm_step_backward(dh, dc, x, K, U, h_prev, c_prev, i, f, g, o, tanh_c, dK, dU, db):
    """Gradients of `lstm_step`; `dc` is changed."""
    dc += dh * o * (1 - tanh_c**2)  # (batch, units): c also acts through h
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    dc_prev = dc * f
    dz = concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)  # (batch, 4 * units)
    dx = dz @ K.T
    dh_prev = dz @ U.T
    dK += x.T @ dz
    dU += h_prev.T @ dz
    db += sum(dz, axis=0)
    return dx, dh_prev, dc_prev


def gru_step(x, K, U, b, h_prev):
    """The next state; the reset gate follows the product with the state (`reset_after=True`)."""
    x_z, x_r, x_g = split(x @ K + b[0], 3, axis=1)  # (batch, units) each, from the input
    h_z, h_r, h_g = split(h_prev @ U + b[1], 3, axis=1)  # the same from the state
    z = sigmoid(x_z + h_z)  # the update gate
    r = sigmoid(x_r + h_r)  # the reset gate
    g = tanh(x_g + r * h_g)  # the candidate
    h = z * h_prev + (1 - z) * g
    return h, (z, r, g, h_g)


def gru_step_backward(dh, x, K, U, h_prev, z, r, g, h_g, dK, dU, db):
    """Gradients of `gru_step`."""
    da_z = dh * (h_prev - g) * z * (1 - z)  # with respect to what the sigmoid of z is taken of
    da_g = dh * (1 - z) * (1 - g**2)
    da_r = da_g * h_g * r * (1 - r)
    da_x = concatenate([da_z, da_r, da_g], axis=1)  # (batch, 3 * units), w.r.t. x_z, x_r, x_g
    da_h = concatenate([da_z, da_r, da_g * r], axis=1)  # and w.r.t. h_z, h_r, h_g
    dx = da_x @ K.T
    dh_prev = dh * z + da_h @ U.T
    dK += x.T @ da_x
    dU += h_prev.T @ da_h
    db[0] += sum(da_x, axis=0)
    db[1] += sum(da_h, axis=0)
    return dx, dh_prev


def gru_reset_before_step(x, K, U, b, h_prev):
    """The next state; the reset gate comes before the product, as in the paper."""
    x_z, x_r, x_g = split(x @ K + b, 3, axis=1)  # (batch, units) each
    U_z, U_r, U_g = split(U, 3, axis=1)  # (units, units) each
    z = sigmoid(x_z + h_prev @ U_z)
    r = sigmoid(x_r + h_prev @ U_r)
    g = tanh(x_g + (r * h_prev) @ U_g)
    h = z * h_prev + (1 - z) * g
    return h, (z, r, g)


def gru_reset_before_step_backward(dh, x, K, U, h_prev, z, r, g, dK, dU, db):
    """Gradients of `gru_reset_before_step`."""
    U_z, U_r, U_g = split(U, 3, axis=1)
    da_z = dh * (h_prev - g) * z * (1 - z)
    da_g = dh * (1 - z) * (1 - g**2)
    dreset = da_g @ U_g.T  # (batch, units), with respect to r * h_prev
    da_r = dreset * h_prev * r * (1 - r)
    da = concatenate([da_z, da_r, da_g], axis=1)  # (batch, 3 * units)
    dx = da @ K.T
    dh_prev = dh * z + dreset * r + da_z @ U_z.T + da_r @ U_r.T
    dK += x.T @ da
    dU += concatenate([h_prev.T @ da_z, h_prev.T @ da_r, (r * h_prev).T @ da_g], axis=1)
    db += sum(da, axis=0)
    return dx, dh_prev
