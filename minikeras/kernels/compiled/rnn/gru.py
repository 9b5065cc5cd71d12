"""The loop over time of gated recurrent units; `steps` has the forms of all arrays."""

import numpy as np

from minikeras.kernels.compiled.compiler import compiled, inner, matrix_at
from minikeras.kernels.compiled.products.panels import multiply
from minikeras.kernels.compiled.rnn.steps import (
    add_output_gradient,
    add_state_gradient,
    clear_masked,
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
        store(h, hs, t)
        multiply(U, h.ctypes.data, row, start, 0, sums, 3 * row, samples)
        store(h_g, h_gs, t)
        z, r, g = step_of(gates, t, 0), step_of(gates, t, units), step_of(gates, t, two)
        _add(h_part, two, z, valid, t)  # and to r, which lies beside it
        sigmoid_of_sum(z, two, b[:two], valid, t)
        _add_times(r, h_g, g, units, valid, t)
        tanh_of_sum(g, units, b[two:], valid, t)
        _blend(z, g, h, valid, t)
        store(h, y, s)


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
        add_output_gradient(dy, s, dh)
        z, r, g = step_of(gates, t, 0), step_of(gates, t, units), step_of(gates, t, two)
        da_z, da_r, da_g = step_of(da_x, t, 0), step_of(da_x, t, units), step_of(da_x, t, two)
        _update_gradient(z, g, step_of(hs, t, 0), dh, da_z, valid, t)
        _gru_candidate_gradient(z, g, dh, da_g, valid, t)
        times_sigmoid_slope(da_g, step_of(h_gs, t, 0), r, da_r, units, valid, t)
        multiply_by(dh, z, valid, t)
        clear_masked(da_z, da_x.shape[2], valid, t)
        _split(da_z, da_g, r, units, step_of(da_h, t, 0), step_of(da_h, t, two))
        add_state_gradient(Ut, da_h, t, dh)


@inner()
def _part(x, first):
    """A matrix from one of its columns on."""
    return matrix_at(np.int64(x.ctypes.data) + first * x.itemsize, x.shape[0], x.shape[1], x)


@inner()
def _add(a, width, out, valid, t):
    for n in range(len(a)):
        if is_valid(valid, n, t):
            for j in range(width):
                out[n, j] += a[n, j]


@inner("contract")
def _add_times(a, b, out, width, valid, t):
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(width):
                out[n, j] += a[n, j] * b[n, j]


@inner("contract")
def _blend(z, g, h, valid, t):
    """`h = z * h_prev + (1 - z) * g`, as `g + (h_prev - g) * z`."""
    for n in range(len(h)):
        if is_valid(valid, n, t):
            for j in range(h.shape[1]):
                h[n, j] = g[n, j] + (h[n, j] - g[n, j]) * z[n, j]


@inner("contract")
def _update_gradient(z, g, h_prev, dh, da_z, valid, t):
    """`da_z = dh * (h_prev - g) * z * (1 - z)`."""
    for n in range(len(dh)):
        if is_valid(valid, n, t):
            for j in range(dh.shape[1]):
                slope = z[n, j] - z[n, j] * z[n, j]
                da_z[n, j] = dh[n, j] * (h_prev[n, j] - g[n, j]) * slope


@inner("contract")
def _gru_candidate_gradient(z, g, dh, da_g, valid, t):
    """`da_g = dh * (1 - z) * (1 - g**2)`."""
    for n in range(len(dh)):
        if is_valid(valid, n, t):
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
