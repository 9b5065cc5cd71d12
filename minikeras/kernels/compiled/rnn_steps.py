"""The loops over time of `rnn`, forward and backward, each for some samples of a batch.

Arrays are `(samples, steps, units)`, as the layers have them, or `(samples, steps, gates, units)`.
`z` comes with what the inputs give to the pre-activations, gets the state's share added by
`panels.multiply`, and keeps the finished gates for the backward pass, where `dz` takes its place. A
step's gates are computed row by row, in several short loops over few arrays each: a compiler makes
vectors of a loop only if it can check that no two of its arrays overlap, and gives up where they
are many.
"""

from minikeras.kernels.compiled.exponentials import sigmoid, tanh
from minikeras.kernels.compiled.loops import compiled
from minikeras.kernels.compiled.panels import multiply


@compiled("contract")
def simple_steps(by, z, bias, h, valid, backwards, y, before):
    """Run a simple recurrent network; `z` gets the new states, `h` the last."""
    samples, steps = z.shape[:2]
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        _add_product(by, h, z, t)
        for r in range(samples):
            if valid.size == 0 or valid[r, t]:
                _tanh_of_sum(z[r, t, 0], bias[0])
                _copy(z[r, t, 0], h[r])
        _store(h, y, s)


@compiled("contract")
def simple_steps_backward(by, z, dh, g, valid, backwards, dz):
    """Write `dz`, and in `dh` the gradient by the first state."""
    samples, steps = z.shape[:2]
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        for r in range(samples):
            if valid.size == 0 or valid[r, t]:
                _through_tanh(dh[r], z[r, t, 0], dz[r, t, 0])
                dh[r] = 0
            else:
                dz[r, t] = 0
        _add_pulled(by, dz, t, dh)


@compiled("contract")
def lstm_steps(by, z, bias, h, c, valid, backwards, y, before, cells, bent):
    """Run a long short-term memory; `z` gets the gates, `h` and `c` the last states."""
    samples, steps = z.shape[:2]
    kept = cells.size > 0
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        _store(c, cells, t)
        _add_product(by, h, z, t)
        for r in range(samples):
            if valid.size == 0 or valid[r, t]:
                gates, room = z[r, t], bent[r, t] if kept else bent[0, 0]
                _sigmoid_of_sum(gates[0], bias[0])
                _sigmoid_of_sum(gates[1], bias[1])
                _tanh_of_sum(gates[2], bias[2])
                _sigmoid_of_sum(gates[3], bias[3])
                _new_cell(gates[0], gates[1], gates[2], c[r])
                _tanh(c[r], room)
                _times(gates[3], room, h[r])
        _store(h, y, s)


@compiled("contract")
def lstm_steps_backward(by, z, cells, bent, dh, dc, g, valid, backwards, dz):
    """Write `dz`, and in `dh` and `dc` the gradients by the first states."""
    samples, steps = z.shape[:2]
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        for r in range(samples):
            if valid.size == 0 or valid[r, t]:
                gates, slopes = z[r, t], dz[r, t]
                _through_sigmoid(dh[r], bent[r, t], gates[3], slopes[3])
                _by_state(gates[3], bent[r, t], dh[r], dc[r])
                _through_sigmoid(dc[r], gates[2], gates[0], slopes[0])
                _by_value(gates[0], gates[2], dc[r], slopes[2])
                _through_sigmoid(dc[r], cells[r, t], gates[1], slopes[1])
                _scale(dc[r], gates[1])
                dh[r] = 0
            else:
                dz[r, t] = 0
        _add_pulled(by, dz, t, dh)


@compiled("contract")
def gru_steps(by, z, bias, state_bias, room, h, valid, backwards, y, before, proposals):
    """Run gated recurrent units; `z` gets the gates, `h` the last state."""
    samples, steps = z.shape[:2]
    row = h.shape[1] * h.itemsize
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        start, out = state_bias.ctypes.data, room.ctypes.data
        multiply(by, h.ctypes.data, row, start, 0, out, 3 * row, samples)
        for r in range(samples):
            gates, given = z[r, t], room[r]
            if proposals.size > 0:
                _copy(given[2], proposals[r, t])
            if valid.size == 0 or valid[r, t]:
                _add(given[0], gates[0])
                _add(given[1], gates[1])
                _sigmoid_of_sum(gates[0], bias[0])
                _sigmoid_of_sum(gates[1], bias[1])
                _add_times(gates[1], given[2], gates[2])
                _tanh_of_sum(gates[2], bias[2])
                _blend(gates[0], gates[2], h[r])
        _store(h, y, s)


@compiled("contract")
def gru_steps_backward(by, z, before, proposals, dh, g, valid, backwards, dz, dstate):
    """Write `dz` and `dstate`, the gradients by what inputs and state gave; in `dh` the first's."""
    samples, steps = z.shape[:2]
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        for r in range(samples):
            if valid.size == 0 or valid[r, t]:
                gates, slopes, others = z[r, t], dz[r, t], dstate[r, t]
                _by_update(gates[0], gates[2], before[r, t], dh[r], slopes[0])
                _by_candidate(gates[0], gates[2], dh[r], slopes[2])
                _through_sigmoid(slopes[2], proposals[r, t], gates[1], slopes[1])
                _copy(slopes[0], others[0])
                _copy(slopes[1], others[1])
                _times(slopes[2], gates[1], others[2])
                _scale(dh[r], gates[0])
            else:
                dz[r, t] = 0
                dstate[r, t] = 0
        _add_pulled(by, dstate, t, dh)


# What all of them do with whole steps


@compiled()
def _store(state, history, t):
    """Note the state of every sample, if anyone wants to know."""
    if history.size > 0:
        for r in range(len(state)):
            _copy(state[r], history[r, t])


@compiled()
def _load_more(g, s, dh):
    """Add the gradients by the outputs of a step, if all were returned."""
    if g.size > 0:
        for r in range(len(dh)):
            _add(g[r, s], dh[r])


@compiled()
def _add_product(by, h, z, t):
    """`z[:, t] += h @ recurrent_kernel`."""
    here, row = z[0, t].ctypes.data, z[0].size * z.itemsize
    multiply(by, h.ctypes.data, h.shape[1] * h.itemsize, here, row, here, row, len(h))


@compiled()
def _add_pulled(by, dz, t, dh):
    """`dh += dz[:, t] @ transposed`.

    Where a sample is masked, `dz` is zero and the gradient by the state stays as it is.
    """
    state, row = dh.ctypes.data, dh.shape[1] * dh.itemsize
    here, step = dz[0, t].ctypes.data, dz[0].size * dz.itemsize
    multiply(by, here, step, state, row, state, row, len(dh))


# Rows


@compiled()
def _copy(a, out):
    for j in range(out.size):
        out[j] = a[j]


@compiled()
def _add(a, out):
    for j in range(out.size):
        out[j] += a[j]


@compiled()
def _times(a, b, out):
    for j in range(out.size):
        out[j] = a[j] * b[j]


@compiled()
def _scale(out, by):
    for j in range(out.size):
        out[j] *= by[j]


@compiled("contract")
def _add_times(a, b, out):
    for j in range(out.size):
        out[j] += a[j] * b[j]


@compiled()
def _tanh(x, out):
    for j in range(out.size):
        out[j] = tanh(x[j])


@compiled()
def _sigmoid_of_sum(out, bias):
    for j in range(out.size):
        out[j] = sigmoid(out[j] + bias[j])


@compiled()
def _tanh_of_sum(out, bias):
    for j in range(out.size):
        out[j] = tanh(out[j] + bias[j])


@compiled("contract")
def _through_tanh(g, y, out):
    for j in range(out.size):
        out[j] = g[j] - g[j] * y[j] * y[j]


@compiled("contract")
def _through_sigmoid(g, factor, y, out):
    for j in range(out.size):
        out[j] = g[j] * factor[j] * (y[j] - y[j] * y[j])


@compiled("contract")
def _new_cell(i, f, g, c):
    for j in range(c.size):
        c[j] = f[j] * c[j] + i[j] * g[j]


@compiled("contract")
def _by_state(o, bent, dh, dc):
    for j in range(dc.size):
        through = dh[j] * o[j]
        dc[j] += through - through * bent[j] * bent[j]


@compiled("contract")
def _by_value(i, g, dc, slope):
    for j in range(slope.size):
        through = dc[j] * i[j]
        slope[j] = through - through * g[j] * g[j]


@compiled("contract")
def _blend(update, candidate, h):
    for j in range(h.size):
        h[j] = candidate[j] + (h[j] - candidate[j]) * update[j]


@compiled("contract")
def _by_update(update, candidate, h, dh, slope):
    for j in range(slope.size):
        slope[j] = dh[j] * (h[j] - candidate[j]) * (update[j] - update[j] * update[j])


@compiled("contract")
def _by_candidate(update, candidate, dh, slope):
    for j in range(slope.size):
        through = dh[j] - dh[j] * update[j]
        slope[j] = through - through * candidate[j] * candidate[j]
