"""What the loops over time of `simple_rnn`, `lstm` and `gru` do with a step of all samples.

The equations are those of `shared/rnn/rnn.py`, `lstm.py` and `gru.py`, line by line and by
the same names. `U` is the recurrent kernel, `Ut` its transpose, both cut into panels for
`panels.multiply`; `b` is the bias, `dy` the gradient with respect to the outputs. Arrays are
`(samples, steps, units)`, as the layers have them, or `(samples, steps, width)` with the gates side
by side, so that those of one kind are one row. `z` is given as `x @ K`, gets `h_prev @ U + b`
added, and keeps the finished gates for the backward pass, which writes `dz` likewise. The products
with `K`, and `dK`, `dU` and `db`, are made for all steps at once, in `rnn`. The loops take some
samples of a batch in each chunk; rows of samples that are masked stay as they are.

The gates of a step are computed for all samples, in several short loops over few arrays each: a
compiler makes vectors of a loop only if it can check that no two of its arrays overlap, and gives
up where they are many. What belongs to one step, `step_of` views as a matrix: to cut a slice out of
an array for each row would take as long as the numbers of the row.
"""

import numpy as np

from minikeras.kernels.compiled.compiler import inner, matrix_at, wide_vectors
from minikeras.kernels.compiled.exponentials import sigmoid, tanh
from minikeras.kernels.compiled.products.panels import multiply


@inner()
def step_of(x, t, first):
    """One step of every sample, a row each; column `first` of the array is its first."""
    samples, steps, width = x.shape
    begin = np.int64(x[0, t].ctypes.data) + first * x.itemsize
    return matrix_at(begin, samples, steps * width, x)


@inner()
def is_valid(valid, n, t):
    """Whether a step of a sample counts; without a mask, all do."""
    return valid.size == 0 or valid[n, t]


@inner()
def store(state, history, t):
    """Store the state of every sample, unless the history is empty: then it is not needed."""
    if history.size > 0:
        out = step_of(history, t, 0)
        for n in range(len(out)):
            for j in range(history.shape[2]):
                out[n, j] = state[n, j]


@inner()
def add_output_gradient(dy, s, dh):
    """Add the gradients with respect to the outputs of a step, if all were returned."""
    if dy.size > 0:
        more = step_of(dy, s, 0)
        for n in range(len(dh)):
            for j in range(dh.shape[1]):
                dh[n, j] += more[n, j]


@inner()
def add_state_product(U, h, z, t):
    """`z[:, t] += h @ U`, which is given in panels."""
    here, row = z[0, t].ctypes.data, z[0].size * z.itemsize
    multiply(U, h.ctypes.data, h.shape[1] * h.itemsize, here, row, here, row, len(h))


@inner()
def add_state_gradient(Ut, dz, t, dh):
    """`dh += dz[:, t] @ U.T`, which is given in panels.

    Where a sample is masked, `dz` is zero and the gradient w.r.t. the state stays as it is.
    """
    state, row = dh.ctypes.data, dh.shape[1] * dh.itemsize
    here, step = dz[0, t].ctypes.data, dz[0].size * dz.itemsize
    multiply(Ut, here, step, state, row, state, row, len(dh))


@inner()
def clear(dh, dz, width, valid, t):
    """The gradient w.r.t. a state has been passed on; that w.r.t. a masked step is zero."""
    for n in range(len(dh)):
        if is_valid(valid, n, t):
            for j in range(dh.shape[1]):
                dh[n, j] = 0
    clear_masked(dz, width, valid, t)


@inner()
def clear_masked(dz, width, valid, t):
    """Set the gradient with respect to a masked step to zero."""
    for n in range(len(dz)):
        if not is_valid(valid, n, t):
            for j in range(width):
                dz[n, j] = 0


@inner()
def multiply_by(out, by, valid, t):
    """`out *= by`."""
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] *= by[n, j]


@inner()
def sigmoid_of_sum(out, width, bias, valid, t):
    """`out = sigmoid(out + bias)`."""
    wide_vectors()
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(width):
                out[n, j] = sigmoid(out[n, j] + bias[j])


@inner()
def tanh_of_sum(out, width, bias, valid, t):
    """`out = tanh(out + bias)`."""
    wide_vectors()
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(width):
                out[n, j] = tanh(out[n, j] + bias[j])


@inner("contract")
def times_sigmoid_slope(dy, factor, y, out, width, valid, t):
    """`dy * factor * y * (1 - y)`: `dz_i`, `dz_f` and `dz_o` of the LSTM, `da_r` of the GRU."""
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(width):
                out[n, j] = dy[n, j] * factor[n, j] * (y[n, j] - y[n, j] * y[n, j])
