"""The loops over time of `rnn`, forward and backward, some samples of a batch in each chunk.

The equations are those of `shared/rnn.py`, `lstm.py` and `gru.py`, line by line and by the same
names. `U` is the recurrent kernel, `Ut` its transpose, both cut into panels for `panels.multiply`;
`b` is the bias, `dy` the gradient with respect to the outputs. Arrays are `(samples, steps,
units)`, as the layers have them, or `(samples, steps, width)` with the gates side by side, so that
those of one kind are one row. `z` is given as `x @ K`, gets `h_prev @ U + b` added, and keeps the
finished gates for the backward pass, which writes `dz` likewise. The products with `K`, and `dK`,
`dU` and `db`, are made for all steps at once, in `rnn.py`.

The gates of a step are computed for all samples, in several short loops over few arrays each: a
compiler makes vectors of a loop only if it can check that no two of its arrays overlap, and gives
up where they are many. What belongs to one step, `_step` views as a matrix: to cut a slice out of
an array for each row would take as long as the numbers of the row.
"""

import numpy as np

from minikeras.kernels.compiled.exponentials import sigmoid, tanh
from minikeras.kernels.compiled.loops import compiled, inner, matrix_at, wide_vectors
from minikeras.kernels.compiled.panels import multiply
from minikeras.kernels.compiled.thread_pool import ALL, fork_join


@compiled("contract")
def simple_steps(pool, ends, chunk, U, z, b, h, valid, backwards, y, hs):
    """Run a simple recurrent network; `z` gets the new states, `h` the last."""
    if chunk == ALL:
        return fork_join(pool, ends, (U, z, b, h, valid, backwards, y, hs))
    first, end = ends[chunk], ends[chunk + 1]
    z, h, valid, y = z[first:end], h[first:end], valid[first:end], y[first:end]
    hs = hs[first:end]
    steps, units = z.shape[1], h.shape[1]
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, hs, t)
        _add_product(U, h, z, t)
        state = _step(z, t, 0)
        _tanh_of_sum(state, units, b, valid, t)
        _copy(state, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def simple_steps_backward(pool, ends, chunk, Ut, hs, dh, dy, valid, backwards, dz):
    """Write `dz`, and in `dh` the gradient with respect to the first state.

    `hs` are the states after the steps. Computed as `dz = dh - dh * h * h`.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (Ut, hs, dh, dy, valid, backwards, dz))
    first, end = ends[chunk], ends[chunk + 1]
    hs, dh, dy, valid = hs[first:end], dh[first:end], dy[first:end], valid[first:end]
    dz = dz[first:end]
    steps = hs.shape[1]
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _add_output_gradient(dy, s, dh)
        dz_t = _step(dz, t, 0)
        _times_tanh_slope(dh, _step(hs, t, 0), dz_t, valid, t)
        _clear(dh, dz_t, dz.shape[2], valid, t)
        _add_state_gradient(Ut, dz, t, dh)


@compiled("contract")
def lstm_steps(pool, ends, chunk, U, z, b, h, c, valid, backwards, y, hs, cs, tanh_cs):
    """Run a long short-term memory; `z` gets the gates, `h` and `c` the last states."""
    if chunk == ALL:
        return fork_join(pool, ends, (U, z, b, h, c, valid, backwards, y, hs, cs, tanh_cs))
    first, end = ends[chunk], ends[chunk + 1]
    z, h, c, valid = z[first:end], h[first:end], c[first:end], valid[first:end]
    y, hs, cs, tanh_cs = y[first:end], hs[first:end], cs[first:end], tanh_cs[first:end]
    steps, units = z.shape[1], h.shape[1]
    two, three = 2 * units, 3 * units
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, hs, t)
        _store(c, cs, t)
        _add_product(U, h, z, t)
        i, f, g, o = _step(z, t, 0), _step(z, t, units), _step(z, t, two), _step(z, t, three)
        _sigmoid_of_sum(i, two, b[:two], valid, t)  # and f, which lies beside it
        _tanh_of_sum(g, units, b[two:three], valid, t)
        _sigmoid_of_sum(o, units, b[three:], valid, t)
        _new_cell(i, f, g, c, valid, t)
        tanh_c = _step(tanh_cs, t if cs.size > 0 else 0, 0)
        _tanh(c, tanh_c, valid, t)
        _times(o, tanh_c, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def lstm_steps_backward(pool, ends, chunk, Ut, z, cs, tanh_cs, dh, dc, dy, valid, backwards, dz):
    """Write `dz`, and in `dh` and `dc` the gradients with respect to the first states.

    `z` holds the gates, `cs` the cell states before the steps.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (Ut, z, cs, tanh_cs, dh, dc, dy, valid, backwards, dz))
    first, end = ends[chunk], ends[chunk + 1]
    z, cs, tanh_cs, dh = z[first:end], cs[first:end], tanh_cs[first:end], dh[first:end]
    dc, dy, valid, dz = dc[first:end], dy[first:end], valid[first:end], dz[first:end]
    steps, units = z.shape[1], dh.shape[1]
    two, three = 2 * units, 3 * units
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _add_output_gradient(dy, s, dh)
        i, f, g, o = _step(z, t, 0), _step(z, t, units), _step(z, t, two), _step(z, t, three)
        dz_i, dz_f = _step(dz, t, 0), _step(dz, t, units)
        dz_g, dz_o = _step(dz, t, two), _step(dz, t, three)
        tanh_c = _step(tanh_cs, t, 0)
        _times_sigmoid_slope(dh, tanh_c, o, dz_o, units, valid, t)
        _add_cell_gradient(o, tanh_c, dh, dc, valid, t)
        _times_sigmoid_slope(dc, g, i, dz_i, units, valid, t)
        _candidate_gradient(i, g, dc, dz_g, valid, t)
        _times_sigmoid_slope(dc, _step(cs, t, 0), f, dz_f, units, valid, t)
        _scale(dc, f, valid, t)
        _clear(dh, dz_i, dz.shape[2], valid, t)
        _add_state_gradient(Ut, dz, t, dh)


@compiled("contract")
def gru_steps(
    pool, ends, chunk, U, gates, b, state_b, h_part, h, valid, backwards, y, hs, h_gs
):  # fmt: skip
    """Run gated recurrent units; `gates` gets `z, r, g` for the inputs' part, `h` the last state.

    `h_part` is scratch memory for what the state adds to the pre-activations, `b` and `state_b` are
    `b[0]` and `b[1]` of the equations.
    """
    if chunk == ALL:
        arguments = U, gates, b, state_b, h_part, h, valid, backwards, y, hs, h_gs
        return fork_join(pool, ends, arguments)
    first, end = ends[chunk], ends[chunk + 1]
    gates, h_part, h = gates[first:end], h_part[first:end], h[first:end]
    valid, y, hs, h_gs = valid[first:end], y[first:end], hs[first:end], h_gs[first:end]
    (samples, steps), units = gates.shape[:2], h.shape[1]
    row, two = units * h.itemsize, 2 * units
    start, sums = state_b.ctypes.data, h_part.ctypes.data
    h_g = _part(h_part, two)
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, hs, t)
        multiply(U, h.ctypes.data, row, start, 0, sums, 3 * row, samples)
        _store(h_g, h_gs, t)
        z, r, g = _step(gates, t, 0), _step(gates, t, units), _step(gates, t, two)
        _add(h_part, two, z, valid, t)  # and to r, which lies beside it
        _sigmoid_of_sum(z, two, b[:two], valid, t)
        _add_times(r, h_g, g, units, valid, t)
        _tanh_of_sum(g, units, b[two:], valid, t)
        _blend(z, g, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def gru_steps_backward(
    pool, ends, chunk, Ut, gates, hs, h_gs, dh, dy, valid, backwards, da_x, da_h
):  # fmt: skip
    """Write `da_x` and `da_h`, and in `dh` the gradient with respect to the first state.

    `hs` are the states before the steps.
    """
    if chunk == ALL:
        return fork_join(pool, ends, (Ut, gates, hs, h_gs, dh, dy, valid, backwards, da_x, da_h))
    first, end = ends[chunk], ends[chunk + 1]
    gates, hs, h_gs, dh = gates[first:end], hs[first:end], h_gs[first:end], dh[first:end]
    dy, valid, da_x, da_h = dy[first:end], valid[first:end], da_x[first:end], da_h[first:end]
    steps, units = gates.shape[1], dh.shape[1]
    two = 2 * units
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _add_output_gradient(dy, s, dh)
        z, r, g = _step(gates, t, 0), _step(gates, t, units), _step(gates, t, two)
        da_z, da_r, da_g = _step(da_x, t, 0), _step(da_x, t, units), _step(da_x, t, two)
        _update_gradient(z, g, _step(hs, t, 0), dh, da_z, valid, t)
        _gru_candidate_gradient(z, g, dh, da_g, valid, t)
        _times_sigmoid_slope(da_g, _step(h_gs, t, 0), r, da_r, units, valid, t)
        _scale(dh, z, valid, t)
        _clear_masked(da_z, da_x.shape[2], valid, t)
        _split(da_z, da_g, r, units, _step(da_h, t, 0), _step(da_h, t, two))
        _add_state_gradient(Ut, da_h, t, dh)


# What all of them do with whole steps


@inner()
def _step(x, t, first):
    """One step of every sample, a row each; column `first` of the array is its first."""
    samples, steps, width = x.shape
    begin = np.int64(x[0, t].ctypes.data) + first * x.itemsize
    return matrix_at(begin, samples, steps * width, x)


@inner()
def _part(x, first):
    """A matrix from one of its columns on."""
    return matrix_at(np.int64(x.ctypes.data) + first * x.itemsize, x.shape[0], x.shape[1], x)


@inner()
def _is_there(valid, n, t):
    return valid.size == 0 or valid[n, t]


@inner()
def _store(state, history, t):
    """Note the state of every sample, if anyone wants to know."""
    if history.size > 0:
        out = _step(history, t, 0)
        for n in range(len(out)):
            for j in range(history.shape[2]):
                out[n, j] = state[n, j]


@inner()
def _add_output_gradient(dy, s, dh):
    """Add the gradients with respect to the outputs of a step, if all were returned."""
    if dy.size > 0:
        more = _step(dy, s, 0)
        for n in range(len(dh)):
            for j in range(dh.shape[1]):
                dh[n, j] += more[n, j]


@inner()
def _add_product(U, h, z, t):
    """`z[:, t] += h @ U`, which is given in panels."""
    here, row = z[0, t].ctypes.data, z[0].size * z.itemsize
    multiply(U, h.ctypes.data, h.shape[1] * h.itemsize, here, row, here, row, len(h))


@inner()
def _add_state_gradient(Ut, dz, t, dh):
    """`dh += dz[:, t] @ U.T`, which is given in panels.

    Where a sample is masked, `dz` is zero and the gradient w.r.t. the state stays as it is.
    """
    state, row = dh.ctypes.data, dh.shape[1] * dh.itemsize
    here, step = dz[0, t].ctypes.data, dz[0].size * dz.itemsize
    multiply(Ut, here, step, state, row, state, row, len(dh))


@inner()
def _clear(dh, dz, width, valid, t):
    """The gradient w.r.t. a state has been passed on; that w.r.t. a masked step is zero."""
    for n in range(len(dh)):
        if _is_there(valid, n, t):
            for j in range(dh.shape[1]):
                dh[n, j] = 0
    _clear_masked(dz, width, valid, t)


@inner()
def _clear_masked(dz, width, valid, t):
    for n in range(len(dz)):
        if not _is_there(valid, n, t):
            for j in range(width):
                dz[n, j] = 0


# Row by row; masked rows stay as they are


@inner()
def _copy(a, out, valid, t):
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] = a[n, j]


@inner()
def _add(a, width, out, valid, t):
    for n in range(len(a)):
        if _is_there(valid, n, t):
            for j in range(width):
                out[n, j] += a[n, j]


@inner()
def _times(a, b, out, valid, t):
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] = a[n, j] * b[n, j]


@inner()
def _scale(out, by, valid, t):
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] *= by[n, j]


@inner("contract")
def _add_times(a, b, out, width, valid, t):
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(width):
                out[n, j] += a[n, j] * b[n, j]


@inner()
def _tanh(x, out, valid, t):
    wide_vectors()
    for n in range(len(x)):
        if _is_there(valid, n, t):
            for j in range(x.shape[1]):
                out[n, j] = tanh(x[n, j])


@inner()
def _sigmoid_of_sum(out, width, bias, valid, t):
    wide_vectors()
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(width):
                out[n, j] = sigmoid(out[n, j] + bias[j])


@inner()
def _tanh_of_sum(out, width, bias, valid, t):
    wide_vectors()
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(width):
                out[n, j] = tanh(out[n, j] + bias[j])


@inner("contract")
def _times_tanh_slope(dy, y, out, valid, t):
    """`dy * (1 - y**2)`."""
    for n in range(len(dy)):
        if _is_there(valid, n, t):
            for j in range(dy.shape[1]):
                out[n, j] = dy[n, j] - dy[n, j] * y[n, j] * y[n, j]


@inner("contract")
def _times_sigmoid_slope(dy, factor, y, out, width, valid, t):
    """`dy * factor * y * (1 - y)`: `dz_i`, `dz_f` and `dz_o` of the LSTM, `da_r` of the GRU."""
    for n in range(len(out)):
        if _is_there(valid, n, t):
            for j in range(width):
                out[n, j] = dy[n, j] * factor[n, j] * (y[n, j] - y[n, j] * y[n, j])


@inner("contract")
def _new_cell(i, f, g, c, valid, t):
    """`c = f * c_prev + i * g`."""
    for n in range(len(c)):
        if _is_there(valid, n, t):
            for j in range(c.shape[1]):
                c[n, j] = f[n, j] * c[n, j] + i[n, j] * g[n, j]


@inner("contract")
def _add_cell_gradient(o, tanh_c, dh, dc, valid, t):
    """`dc += dh * o * (1 - tanh_c**2)`."""
    for n in range(len(dc)):
        if _is_there(valid, n, t):
            for j in range(dc.shape[1]):
                dtanh_c = dh[n, j] * o[n, j]
                dc[n, j] += dtanh_c - dtanh_c * tanh_c[n, j] * tanh_c[n, j]


@inner("contract")
def _candidate_gradient(i, g, dc, dz_g, valid, t):
    """`dz_g = dc * i * (1 - g**2)`."""
    for n in range(len(dc)):
        if _is_there(valid, n, t):
            for j in range(dc.shape[1]):
                dg = dc[n, j] * i[n, j]
                dz_g[n, j] = dg - dg * g[n, j] * g[n, j]


@inner("contract")
def _blend(z, g, h, valid, t):
    """`h = z * h_prev + (1 - z) * g`, as `g + (h_prev - g) * z`."""
    for n in range(len(h)):
        if _is_there(valid, n, t):
            for j in range(h.shape[1]):
                h[n, j] = g[n, j] + (h[n, j] - g[n, j]) * z[n, j]


@inner("contract")
def _update_gradient(z, g, h_prev, dh, da_z, valid, t):
    """`da_z = dh * (h_prev - g) * z * (1 - z)`."""
    for n in range(len(dh)):
        if _is_there(valid, n, t):
            for j in range(dh.shape[1]):
                slope = z[n, j] - z[n, j] * z[n, j]
                da_z[n, j] = dh[n, j] * (h_prev[n, j] - g[n, j]) * slope


@inner("contract")
def _gru_candidate_gradient(z, g, dh, da_g, valid, t):
    """`da_g = dh * (1 - z) * (1 - g**2)`."""
    for n in range(len(dh)):
        if _is_there(valid, n, t):
            for j in range(dh.shape[1]):
                dg = dh[n, j] - dh[n, j] * z[n, j]
                da_g[n, j] = dg - dg * g[n, j] * g[n, j]


@inner()
def _split(da_x, da_g, r, units, da_h, da_h_g):
    """`da_h = concatenate([da_z, da_r, da_g * r])` for a step."""
    for n in range(len(da_h)):
        for j in range(2 * units):
            da_h[n, j] = da_x[n, j]
        for j in range(units):
            da_h_g[n, j] = da_g[n, j] * r[n, j]
