"""Gated recurrent units (GRU) over whole sequences, and their gradients.

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014), section 2.3, in the
variant that applies the reset gate after the matrix product. The same stands in plain ops in
`ops.rnn`; here it is in place over the buffers of `recurrence`. The kernels are called as those of
`rnn`.

Throughout, `K`, `U` and `b` of the equations are `kernel`, `recurrent_kernel` and `bias`; `z` is
the update gate, `r` the reset gate, `g` the candidate. What is added up before a gate has two
parts: `x_part`, from the inputs, and `h_part`, from the state; both `(batch, 3 * units)` with the
gates side by side. Their gradients are `da_x` and `da_h`.
"""

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.rnn.recurrence import (
    Steps,
    by_gate,
    over_steps,
    sigmoid_in_place,
    sigmoid_slope,
    summed,
    tanh_slope,
)


@dispatched("rnn.rnn", least=1 << 10)
def gru(
    xp,
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    mask=None,
    *,
    save=False,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run gated recurrent units; the kernels hold the gates update, reset, candidate.

    Equations (recurrent.gru_step):
        x_z, x_r, x_g = split(x @ K + b[0], 3, axis=1)  # (batch, units) each, from the input
        h_z, h_r, h_g = split(h_prev @ U + b[1], 3, axis=1)  # the same from the state
        z = sigmoid(x_z + h_z)  # the update gate
        r = sigmoid(x_r + h_r)  # the reset gate
        g = tanh(x_g + r * h_g)  # the candidate
        h = z * h_prev + (1 - z) * g

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, 3 * units)`.
        recurrent_kernel: Array `(units, 3 * units)`.
        bias: Array `(2, 3 * units)`, for the inputs and for the state, or None.
        h: Array `(batch, units)`, the first state.
        mask: Bool array `(batch, steps)` or None.
        save: Whether a backward pass will follow.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether outputs of masked steps are zero.

    Returns:
        `(y, h)`, the output and the last state; and what the backward pass needs.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.rnn.gru import gru
        >>> three, one = np.zeros((1, 3)), np.ones((1, 1))
        >>> (y, h), _ = gru(np, np.zeros((1, 2, 1)), three, three, None, one)
        >>> h.tolist()
        [[0.25]]
    """
    steps = Steps(xp, x, mask, return_sequences, go_backwards, zero_output_for_mask)
    biases = (None, None) if bias is None else bias
    hs = steps.states_from(h)
    h_gs, gates = xp.empty_like(hs[1:]), xp.empty((len(steps), 3, *h.shape), h.dtype)
    gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, h_gs)
    return (steps.outputs(hs), hs[-1]), (steps, gates, hs, h_gs)


@dispatched(cuda="rnn")
def gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, h_gs):
    """Take all steps: write the gates, the states from the second on, and the `h_g`."""
    input_bias, state_bias = biases
    h_part = xp.empty((hs.shape[1], kernel.shape[1]), hs.dtype)
    h_gates = by_gate(h_part, 3)
    for t, x_part in enumerate(steps.projections(kernel, input_bias)):
        xp.matmul(hs[t], recurrent_kernel, out=h_part)
        gru_step(xp, h_part, h_gates, x_part, state_bias, gates[t], hs[t], h_gs[t], hs[t + 1])
        steps.carry_over(t, hs)
    return hs


@dispatched(cuda="rnn")
def gru_step(xp, h_part, h_gates, x_part, state_bias, gates, h_prev, h_g, h):
    """Write the gates `z, r, g`, `(3, batch, units)`; `h_g`; and the next state.

    `h_part` is `h_prev @ U`, and is changed; `h_gates` is it by gate; `x_part` is `x @ K + b[0]`.
    The state is computed as `h = (h_prev - g) * z + g`.
    """
    if state_bias is not None:
        h_part += state_bias
    h_g[...] = h_gates[2]
    h_part += x_part
    gates[:2], gates[2] = h_gates[:2], by_gate(x_part, 3)[2]
    sigmoid_in_place(xp, gates[:2])
    z, r, g = gates
    xp.multiply(r, h_g, out=h)  # until `h` is known, its place is free
    g += h
    xp.tanh(g, out=g)
    xp.subtract(h_prev, g, out=h)
    h *= z
    h += g


def gru_backward(xp, gradients, arrays, saved, needs, **_):
    """Gradients of `gru`.

    Equations (recurrent.gru_step_backward):
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

    Args:
        xp: The array module.
        gradients: Those with respect to `y` and the last `h`.
        arrays: The inputs of the forward pass.
        saved: What it saved.
        needs: Which gradients are wanted.

    Returns:
        Those with respect to `(x, kernel, recurrent_kernel, bias, h, mask)`, None where not wanted.
    """
    if callable(saved):
        return saved(gradients, arrays, needs)
    steps, gates, hs, h_gs = saved
    _, kernel, recurrent_kernel, *_ = arrays
    dy, dh = steps.output_gradients(*gradients)
    da_x = xp.empty((len(steps), len(dh), kernel.shape[1]), dh.dtype)
    da_h = xp.empty_like(da_x)
    dh = gru_steps_backward(xp, steps, gates, hs, h_gs, recurrent_kernel, dy, dh, da_x, da_h)
    return [
        *steps.input_gradients(da_x, kernel, needs),
        over_steps(xp, hs[:-1], da_h) if needs[2] else None,
        xp.stack([summed(xp, da_x), summed(xp, da_h)]) if needs[3] else None,
        dh if needs[4] else None,
        None,
    ]


@dispatched(cuda="rnn")
def gru_steps_backward(xp, steps, gates, hs, h_gs, recurrent_kernel, dy, dh, da_x, da_h):
    """Go back through all steps: write the gradients with respect to both parts.

    `dh` is that with respect to the last state, and is changed; that w.r.t. the first is returned.
    """
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    dh_prev, carried = xp.empty_like(dh), xp.empty_like(dh)
    da_gates = by_gate(da_x, 3), by_gate(da_h, 3)
    scratch = xp.empty((2, *gates.shape[1:]), gates.dtype)
    for t in reversed(range(len(steps))):
        if dy is not None:
            dh += dy[t]
        arguments = gates[t], h_gs[t], hs[t], dh, scratch, carried, da_x[t], da_h[t]
        gru_step_backward(xp, *arguments, (da_gates[0][t], da_gates[1][t]))
        steps.clear_masked(t, da_x[t], da_h[t])
        xp.matmul(da_h[t], transposed, out=dh_prev)
        dh_prev += carried
        steps.pass_masked(t, dh_prev, dh)
        dh, dh_prev = dh_prev, dh
    return dh


@dispatched(cuda="rnn")
def gru_step_backward(xp, gates, h_g, h_prev, dh, scratch, carried, da_x, da_h, da_gates):
    """Write the gradients with respect to both parts, and `dh * z`, what the state carries on.

    The first two go to `da_x` and `da_h`, `(batch, 3 * units)`, through `da_gates`, by gate. The
    candidate's is computed as `da_g = (dh - dh * z) * (1 - g**2)`.
    """
    z, r, g = gates
    da, slopes = scratch
    sigmoid_slope(xp, gates[:2], out=slopes[:2])
    tanh_slope(xp, g, out=slopes[2])
    xp.multiply(dh, z, out=carried)
    xp.subtract(h_prev, g, out=da[0])
    da[0] *= dh
    xp.subtract(dh, carried, out=da[2])
    da[2] *= slopes[2]
    xp.multiply(da[2], h_g, out=da[1])
    da[:2] *= slopes[:2]
    da_gates[0][...] = da
    da[2] *= r
    da_gates[1][...] = da
