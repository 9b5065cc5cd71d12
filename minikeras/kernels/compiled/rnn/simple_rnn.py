"""The loop over time of a simple recurrent network; `steps` has the forms of all arrays."""

from minikeras.kernels.compiled.compiler import compiled, inner
from minikeras.kernels.compiled.rnn.steps import (
    add_output_gradient,
    add_state_gradient,
    add_state_product,
    clear,
    is_valid,
    step_of,
    store,
    tanh_of_sum,
)
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
        store(h, hs, t)
        add_state_product(U, h, z, t)
        state = step_of(z, t, 0)
        tanh_of_sum(state, units, b, valid, t)
        _copy(state, h, valid, t)
        store(h, y, s)


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
        add_output_gradient(dy, s, dh)
        dz_t = step_of(dz, t, 0)
        _times_tanh_slope(dh, step_of(hs, t, 0), dz_t, valid, t)
        clear(dh, dz_t, dz.shape[2], valid, t)
        add_state_gradient(Ut, dz, t, dh)


@inner()
def _copy(a, out, valid, t):
    for n in range(len(out)):
        if is_valid(valid, n, t):
            for j in range(out.shape[1]):
                out[n, j] = a[n, j]


@inner("contract")
def _times_tanh_slope(dy, y, out, valid, t):
    """`dy * (1 - y**2)`."""
    for n in range(len(dy)):
        if is_valid(valid, n, t):
            for j in range(dy.shape[1]):
                out[n, j] = dy[n, j] - dy[n, j] * y[n, j] * y[n, j]
