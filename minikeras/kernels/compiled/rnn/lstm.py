"""The loop over time of a long short-term memory; `steps` has the forms of all arrays."""

from minikeras.kernels.compiled.compiler import compiled, inner, wide_vectors
from minikeras.kernels.compiled.exponentials import tanh
from minikeras.kernels.compiled.rnn.steps import (
    add_output_gradient,
    add_state_gradient,
    add_state_product,
    clear,
    is_valid,
    multiply_by,
    sigmoid_of_sum,
    step_of,
    store,
    tanh_of_sum,
    times_sigmoid_slope,
)
from minikeras.kernels.compiled.thread_pool import ALL, fork_join


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
        store(h, hs, t)
        store(c, cs, t)
        add_state_product(U, h, z, t)
        i, f, g, o = (
            step_of(z, t, 0),
            step_of(z, t, units),
            step_of(z, t, two),
            step_of(z, t, three),
        )
        sigmoid_of_sum(i, two, b[:two], valid, t)  # and f, which lies beside it
        tanh_of_sum(g, units, b[two:three], valid, t)
        sigmoid_of_sum(o, units, b[three:], valid, t)
        _new_cell(i, f, g, c, valid, t)
        tanh_c = step_of(tanh_cs, t if cs.size > 0 else 0, 0)
        _tanh(c, tanh_c, valid, t)
        _times(o, tanh_c, h, valid, t)
        store(h, y, s)


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
        add_output_gradient(dy, s, dh)
        i, f, g, o = (
            step_of(z, t, 0),
            step_of(z, t, units),
            step_of(z, t, two),
            step_of(z, t, three),
        )
        dz_i, dz_f = step_of(dz, t, 0), step_of(dz, t, units)
        dz_g, dz_o = step_of(dz, t, two), step_of(dz, t, three)
        tanh_c = step_of(tanh_cs, t, 0)
        times_sigmoid_slope(dh, tanh_c, o, dz_o, units, valid, t)
        _add_cell_gradient(o, tanh_c, dh, dc, valid, t)
        times_sigmoid_slope(dc, g, i, dz_i, units, valid, t)
        _candidate_gradient(i, g, dc, dz_g, valid, t)
        times_sigmoid_slope(dc, step_of(cs, t, 0), f, dz_f, units, valid, t)
        multiply_by(dc, f, valid, t)
        clear(dh, dz_i, dz.shape[2], valid, t)
        add_state_gradient(Ut, dz, t, dh)


@inner()
def _tanh(x, out, valid, t):
    wide_vectors()
    for n in range(len(x)):
        if is_valid(valid, n, t):
            for j in range(x.shape[1]):
                out[n, j] = tanh(x[n, j])


@inner()
def _times(a, b, out, valid, t):
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] = a[n, j] * b[n, j]


@inner("contract")
def _new_cell(i, f, g, c, valid, t):
    """`c = f * c_prev + i * g`."""
    for n in range(len(c)):
        if is_valid(valid, n, t):
            for j in range(c.shape[1]):
                c[n, j] = f[n, j] * c[n, j] + i[n, j] * g[n, j]


@inner("contract")
def _add_cell_gradient(o, tanh_c, dh, dc, valid, t):
    """`dc += dh * o * (1 - tanh_c**2)`."""
    for n in range(len(dc)):
        if is_valid(valid, n, t):
            for j in range(dc.shape[1]):
                dtanh_c = dh[n, j] * o[n, j]
                dc[n, j] += dtanh_c - dtanh_c * tanh_c[n, j] * tanh_c[n, j]


@inner("contract")
def _candidate_gradient(i, g, dc, dz_g, valid, t):
    """`dz_g = dc * i * (1 - g**2)`."""
    for n in range(len(dc)):
        if is_valid(valid, n, t):
            for j in range(dc.shape[1]):
                dg = dc[n, j] * i[n, j]
                dz_g[n, j] = dg - dg * g[n, j] * g[n, j]
