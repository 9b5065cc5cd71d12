"""The loops over time of `rnn`, forward and backward, some samples of a batch in each piece.

Arrays are `(samples, steps, units)`, as the layers have them, or `(samples, steps, width)` with the
gates side by side, so that those of one kind are one row. `z` comes with what the inputs give to
the pre-activations, gets the state's share added by `panels.multiply`, and keeps the finished gates
for the backward pass, where `dz` takes its place.

The gates of a step are computed for all samples, in several short loops over few arrays each: a
compiler makes vectors of a loop only if it can check that no two of its arrays overlap, and gives
up where they are many. What belongs to one step, `_step` views as a matrix: to cut a slice out of
an array for each row would take as long as the numbers of the row.
"""

import numpy as np

from minikeras.kernels.compiled.exponentials import sigmoid, tanh
from minikeras.kernels.compiled.loops import compiled, inner, matrix_at, wide_vectors
from minikeras.kernels.compiled.panels import multiply
from minikeras.kernels.compiled.team import ALL, together


@compiled("contract")
def simple_steps(team, ends, number, by, z, bias, h, valid, backwards, y, before):
    """Run a simple recurrent network; `z` gets the new states, `h` the last."""
    if number == ALL:
        return together(team, ends, (by, z, bias, h, valid, backwards, y, before))
    first, end = ends[number], ends[number + 1]
    z, h, valid, y = z[first:end], h[first:end], valid[first:end], y[first:end]
    before = before[first:end]
    steps, units = z.shape[1], h.shape[1]
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        _add_product(by, h, z, t)
        state = _step(z, t, 0)
        _tanh_of_sum(state, units, bias, valid, t)
        _copy(state, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def simple_steps_backward(team, ends, number, by, z, dh, g, valid, backwards, dz):
    """Write `dz`, and in `dh` the gradient by the first state."""
    if number == ALL:
        return together(team, ends, (by, z, dh, g, valid, backwards, dz))
    first, end = ends[number], ends[number + 1]
    z, dh, g, valid = z[first:end], dh[first:end], g[first:end], valid[first:end]
    dz = dz[first:end]
    steps = z.shape[1]
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        slope = _step(dz, t, 0)
        _through_tanh(dh, _step(z, t, 0), slope, valid, t)
        _clear(dh, slope, dz.shape[2], valid, t)
        _add_pulled(by, dz, t, dh)


@compiled("contract")
def lstm_steps(team, ends, number, by, z, bias, h, c, valid, backwards, y, before, cells, bent):
    """Run a long short-term memory; `z` gets the gates, `h` and `c` the last states."""
    if number == ALL:
        return together(team, ends, (by, z, bias, h, c, valid, backwards, y, before, cells, bent))
    first, end = ends[number], ends[number + 1]
    z, h, c, valid = z[first:end], h[first:end], c[first:end], valid[first:end]
    y, before, cells, bent = y[first:end], before[first:end], cells[first:end], bent[first:end]
    steps, units = z.shape[1], h.shape[1]
    two, three = 2 * units, 3 * units
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        _store(c, cells, t)
        _add_product(by, h, z, t)
        enter, stay = _step(z, t, 0), _step(z, t, units)
        value, leave = _step(z, t, two), _step(z, t, three)
        _sigmoid_of_sum(enter, two, bias[:two], valid, t)
        _tanh_of_sum(value, units, bias[two:three], valid, t)
        _sigmoid_of_sum(leave, units, bias[three:], valid, t)
        _new_cell(enter, stay, value, c, valid, t)
        room = _step(bent, t if cells.size > 0 else 0, 0)
        _tanh(c, room, valid, t)
        _times(leave, room, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def lstm_steps_backward(team, ends, number, by, z, cells, bent, dh, dc, g, valid, backwards, dz):
    """Write `dz`, and in `dh` and `dc` the gradients by the first states."""
    if number == ALL:
        return together(team, ends, (by, z, cells, bent, dh, dc, g, valid, backwards, dz))
    first, end = ends[number], ends[number + 1]
    z, cells, bent, dh = z[first:end], cells[first:end], bent[first:end], dh[first:end]
    dc, g, valid, dz = dc[first:end], g[first:end], valid[first:end], dz[first:end]
    steps, units = z.shape[1], dh.shape[1]
    two, three = 2 * units, 3 * units
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        enter, stay = _step(z, t, 0), _step(z, t, units)
        value, leave = _step(z, t, two), _step(z, t, three)
        room, slopes = _step(bent, t, 0), _step(dz, t, 0)
        _through_sigmoid(dh, room, leave, _step(dz, t, three), units, valid, t)
        _by_state(leave, room, dh, dc, valid, t)
        _through_sigmoid(dc, value, enter, slopes, units, valid, t)
        _by_value(enter, value, dc, _step(dz, t, two), valid, t)
        _through_sigmoid(dc, _step(cells, t, 0), stay, _step(dz, t, units), units, valid, t)
        _scale(dc, stay, valid, t)
        _clear(dh, slopes, dz.shape[2], valid, t)
        _add_pulled(by, dz, t, dh)


@compiled("contract")
def gru_steps(
    team, ends, number, by, z, bias, state_bias, room, h, valid, backwards, y, before, proposals
):  # fmt: skip
    """Run gated recurrent units; `z` gets the gates, `h` the last state."""
    if number == ALL:
        given = by, z, bias, state_bias, room, h, valid, backwards, y, before, proposals
        return together(team, ends, given)
    first, end = ends[number], ends[number + 1]
    z, room, h, valid = z[first:end], room[first:end], h[first:end], valid[first:end]
    y, before, proposals = y[first:end], before[first:end], proposals[first:end]
    (samples, steps), units = z.shape[:2], h.shape[1]
    row, two = units * h.itemsize, 2 * units
    start, given = state_bias.ctypes.data, room.ctypes.data
    proposed = _part(room, two)
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        _store(h, before, t)
        multiply(by, h.ctypes.data, row, start, 0, given, 3 * row, samples)
        _store(proposed, proposals, t)
        update, reset, value = _step(z, t, 0), _step(z, t, units), _step(z, t, two)
        _add(room, two, update, valid, t)
        _sigmoid_of_sum(update, two, bias[:two], valid, t)
        _add_times(reset, proposed, value, units, valid, t)
        _tanh_of_sum(value, units, bias[two:], valid, t)
        _blend(update, value, h, valid, t)
        _store(h, y, s)


@compiled("contract")
def gru_steps_backward(
    team, ends, number, by, z, before, proposals, dh, g, valid, backwards, dz, dstate
):  # fmt: skip
    """Write `dz` and `dstate`, the gradients by what inputs and state gave; in `dh` the first's."""
    if number == ALL:
        return together(team, ends, (by, z, before, proposals, dh, g, valid, backwards, dz, dstate))
    first, end = ends[number], ends[number + 1]
    z, before, proposals, dh = z[first:end], before[first:end], proposals[first:end], dh[first:end]
    g, valid, dz, dstate = g[first:end], valid[first:end], dz[first:end], dstate[first:end]
    steps, units = z.shape[1], dh.shape[1]
    two = 2 * units
    for s in range(steps - 1, -1, -1):
        t = steps - 1 - s if backwards else s
        _load_more(g, s, dh)
        update, reset, value = _step(z, t, 0), _step(z, t, units), _step(z, t, two)
        by_update, by_reset, by_value = _step(dz, t, 0), _step(dz, t, units), _step(dz, t, two)
        _by_update(update, value, _step(before, t, 0), dh, by_update, valid, t)
        _by_candidate(update, value, dh, by_value, valid, t)
        _through_sigmoid(by_value, _step(proposals, t, 0), reset, by_reset, units, valid, t)
        _scale(dh, update, valid, t)
        _clear_masked(by_update, dz.shape[2], valid, t)
        _split(by_update, by_value, reset, units, _step(dstate, t, 0), _step(dstate, t, two))
        _add_pulled(by, dstate, t, dh)


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
def _is_there(valid, r, t):
    return valid.size == 0 or valid[r, t]


@inner()
def _store(state, history, t):
    """Note the state of every sample, if anyone wants to know."""
    if history.size > 0:
        out = _step(history, t, 0)
        for r in range(len(out)):
            for j in range(history.shape[2]):
                out[r, j] = state[r, j]


@inner()
def _load_more(g, s, dh):
    """Add the gradients by the outputs of a step, if all were returned."""
    if g.size > 0:
        more = _step(g, s, 0)
        for r in range(len(dh)):
            for j in range(dh.shape[1]):
                dh[r, j] += more[r, j]


@inner()
def _add_product(by, h, z, t):
    """`z[:, t] += h @ recurrent_kernel`."""
    here, row = z[0, t].ctypes.data, z[0].size * z.itemsize
    multiply(by, h.ctypes.data, h.shape[1] * h.itemsize, here, row, here, row, len(h))


@inner()
def _add_pulled(by, dz, t, dh):
    """`dh += dz[:, t] @ transposed`.

    Where a sample is masked, `dz` is zero and the gradient by the state stays as it is.
    """
    state, row = dh.ctypes.data, dh.shape[1] * dh.itemsize
    here, step = dz[0, t].ctypes.data, dz[0].size * dz.itemsize
    multiply(by, here, step, state, row, state, row, len(dh))


@inner()
def _clear(dh, dz, width, valid, t):
    """The gradient by a state has been passed on; one by a masked step is zero."""
    for r in range(len(dh)):
        if _is_there(valid, r, t):
            for j in range(dh.shape[1]):
                dh[r, j] = 0
    _clear_masked(dz, width, valid, t)


@inner()
def _clear_masked(dz, width, valid, t):
    for r in range(len(dz)):
        if not _is_there(valid, r, t):
            for j in range(width):
                dz[r, j] = 0


# Row by row; masked rows stay as they are


@inner()
def _copy(a, out, valid, t):
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(out.shape[1]):
                out[r, j] = a[r, j]


@inner()
def _add(a, width, out, valid, t):
    for r in range(len(a)):
        if _is_there(valid, r, t):
            for j in range(width):
                out[r, j] += a[r, j]


@inner()
def _times(a, b, out, valid, t):
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(out.shape[1]):
                out[r, j] = a[r, j] * b[r, j]


@inner()
def _scale(out, by, valid, t):
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(out.shape[1]):
                out[r, j] *= by[r, j]


@inner("contract")
def _add_times(a, b, out, width, valid, t):
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(width):
                out[r, j] += a[r, j] * b[r, j]


@inner()
def _tanh(x, out, valid, t):
    wide_vectors()
    for r in range(len(x)):
        if _is_there(valid, r, t):
            for j in range(x.shape[1]):
                out[r, j] = tanh(x[r, j])


@inner()
def _sigmoid_of_sum(out, width, bias, valid, t):
    wide_vectors()
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(width):
                out[r, j] = sigmoid(out[r, j] + bias[j])


@inner()
def _tanh_of_sum(out, width, bias, valid, t):
    wide_vectors()
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(width):
                out[r, j] = tanh(out[r, j] + bias[j])


@inner("contract")
def _through_tanh(g, y, out, valid, t):
    for r in range(len(g)):
        if _is_there(valid, r, t):
            for j in range(g.shape[1]):
                out[r, j] = g[r, j] - g[r, j] * y[r, j] * y[r, j]


@inner("contract")
def _through_sigmoid(g, factor, y, out, width, valid, t):
    for r in range(len(out)):
        if _is_there(valid, r, t):
            for j in range(width):
                out[r, j] = g[r, j] * factor[r, j] * (y[r, j] - y[r, j] * y[r, j])


@inner("contract")
def _new_cell(enter, stay, value, c, valid, t):
    for r in range(len(c)):
        if _is_there(valid, r, t):
            for j in range(c.shape[1]):
                c[r, j] = stay[r, j] * c[r, j] + enter[r, j] * value[r, j]


@inner("contract")
def _by_state(leave, bent, dh, dc, valid, t):
    for r in range(len(dc)):
        if _is_there(valid, r, t):
            for j in range(dc.shape[1]):
                through = dh[r, j] * leave[r, j]
                dc[r, j] += through - through * bent[r, j] * bent[r, j]


@inner("contract")
def _by_value(enter, value, dc, slope, valid, t):
    for r in range(len(dc)):
        if _is_there(valid, r, t):
            for j in range(dc.shape[1]):
                through = dc[r, j] * enter[r, j]
                slope[r, j] = through - through * value[r, j] * value[r, j]


@inner("contract")
def _blend(update, candidate, h, valid, t):
    for r in range(len(h)):
        if _is_there(valid, r, t):
            for j in range(h.shape[1]):
                h[r, j] = candidate[r, j] + (h[r, j] - candidate[r, j]) * update[r, j]


@inner("contract")
def _by_update(update, candidate, h, dh, slope, valid, t):
    for r in range(len(dh)):
        if _is_there(valid, r, t):
            for j in range(dh.shape[1]):
                bend = update[r, j] - update[r, j] * update[r, j]
                slope[r, j] = dh[r, j] * (h[r, j] - candidate[r, j]) * bend


@inner("contract")
def _by_candidate(update, candidate, dh, slope, valid, t):
    for r in range(len(dh)):
        if _is_there(valid, r, t):
            for j in range(dh.shape[1]):
                through = dh[r, j] - dh[r, j] * update[r, j]
                slope[r, j] = through - through * candidate[r, j] * candidate[r, j]


@inner()
def _split(by_gates, by_value, reset, units, gates, value):
    """What the state's share of the pre-activations gets of the gradients."""
    for r in range(len(gates)):
        for j in range(2 * units):
            gates[r, j] = by_gates[r, j]
        for j in range(units):
            value[r, j] = by_value[r, j] * reset[r, j]
