"""Long short-term memory (LSTM) over whole sequences, and its gradients.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), with the forget gate of Gers,
Schmidhuber and Cummins, "Learning to Forget" (2000). The same stands in plain ops in `ops.rnn`;
here it is in place over the buffers of `recurrence`. The kernels are called as those of `rnn`, with
a second state: `c`, the cell.

Throughout, `K`, `U` and `b` of the equations are `kernel`, `recurrent_kernel` and `bias`; `i, f, o`
are the gates input, forget and output, `g` is the candidate, and `dz` the gradient with respect to
the pre-activations `z`. Kernels and `z` hold the gates side by side in Keras's order `i, f, g, o`;
`gates` holds them one after the other as `i, f, o, g`, so that one call makes all sigmoids.
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
def lstm(
    xp,
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    c,
    mask=None,
    *,
    save=False,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run a long short-term memory; the kernels hold the gates input, forget, candidate, output.

    Equations (recurrent.lstm_step):
        z = x @ K + h_prev @ U + b  # (batch, 4 * units), the pre-activations
        z_i, z_f, z_g, z_o = split(z, 4, axis=1)  # (batch, units) each
        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)  # the gates input, forget, output
        g = tanh(z_g)  # the candidate
        c = f * c_prev + i * g
        tanh_c = tanh(c)
        h = o * tanh_c

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, 4 * units)`.
        recurrent_kernel: Array `(units, 4 * units)`.
        bias: Array `(4 * units,)` or None.
        h: Array `(batch, units)`, the first hidden state.
        c: Array `(batch, units)`, the first cell state.
        mask: Bool array `(batch, steps)` or None.
        save: Whether a backward pass will follow.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether outputs of masked steps are zero.

    Returns:
        `(y, h, c)`, the output and the last states; and what the backward pass needs.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.rnn.lstm import lstm
        >>> four, one = np.zeros((1, 4)), np.ones((1, 1))
        >>> (y, h, c), _ = lstm(np, np.zeros((1, 2, 1)), four, four, None, one, one)
        >>> c.tolist()
        [[0.25]]
    """
    steps = Steps(xp, x, mask, return_sequences, go_backwards, zero_output_for_mask)
    hs, cs = steps.states_from(h), steps.states_from(c)
    tanh_c, gates = xp.empty_like(cs[1:]), xp.empty((len(steps), 4, *h.shape), h.dtype)
    lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, tanh_c)
    return (steps.outputs(hs), hs[-1], cs[-1]), (steps, gates, hs, cs, tanh_c)


@dispatched(cuda="rnn")
def lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, tanh_c):
    """Take all steps: write the gates, the states from the second on, and `tanh(c)`."""
    z = xp.empty((hs.shape[1], kernel.shape[1]), hs.dtype)
    z_gates = by_gate(z, 4)
    for t, projection in enumerate(steps.projections(kernel, bias)):
        xp.matmul(hs[t], recurrent_kernel, out=z)
        lstm_step(xp, z, z_gates, projection, gates[t], cs[t], cs[t + 1], tanh_c[t], hs[t + 1])
        steps.carry_over(t, hs)
        steps.carry_over(t, cs)
    return hs


@dispatched(cuda="rnn")
def lstm_step(xp, z, z_gates, projection, gates, c_prev, c, tanh_c, h):
    """Write the gates `i, f, o, g`, `(4, batch, units)`; the next states; and `tanh(c)`.

    `z` is `h_prev @ U`, and is changed; `z_gates` is it by gate; `projection` is `x @ K + b`.
    """
    z += projection
    gates[:2], gates[2], gates[3] = z_gates[:2], z_gates[3], z_gates[2]
    sigmoid_in_place(xp, gates[:3])
    i, f, o, g = gates
    xp.tanh(g, out=g)
    xp.multiply(i, g, out=h)  # until `h` is known, its place is free
    xp.multiply(f, c_prev, out=c)
    c += h
    xp.tanh(c, out=tanh_c)
    xp.multiply(o, tanh_c, out=h)


def lstm_backward(xp, gradients, arrays, saved, needs, **_):
    """Gradients of `lstm`.

    Equations (recurrent.lstm_step_backward):
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

    Args:
        xp: The array module.
        gradients: Those with respect to `y` and the last `h` and `c`.
        arrays: The inputs of the forward pass.
        saved: What it saved.
        needs: Which gradients are wanted.

    Returns:
        Those with respect to `(x, kernel, recurrent_kernel, bias, h, c, mask)`, None where not
        wanted.
    """
    if callable(saved):
        return saved(gradients, arrays, needs)
    steps, gates, hs, cs, tanh_c = saved
    _, kernel, recurrent_kernel, *_ = arrays
    (dy, dh), dc = steps.output_gradients(*gradients[:2]), gradients[2].copy()
    dz = xp.empty((len(steps), len(dh), kernel.shape[1]), dh.dtype)
    saved_steps = gates, hs, cs, tanh_c
    dh, dc = lstm_steps_backward(xp, steps, *saved_steps, recurrent_kernel, dy, dh, dc, dz)
    return [
        *steps.input_gradients(dz, kernel, needs),
        over_steps(xp, hs[:-1], dz) if needs[2] else None,
        summed(xp, dz) if needs[3] else None,
        dh if needs[4] else None,
        dc if needs[5] else None,
        None,
    ]


@dispatched(cuda="rnn")
def lstm_steps_backward(xp, steps, gates, hs, cs, tanh_c, recurrent_kernel, dy, dh, dc, dz):
    """Go back through all steps: write the gradients w.r.t. the pre-activations to `dz`.

    `dh` and `dc` are those w.r.t. the last states, and are changed; those w.r.t. the first are
    returned.
    """
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    dh_prev, dc_prev = xp.empty_like(dh), xp.empty_like(dc)
    dz_gates = by_gate(dz, 4)
    scratch = xp.empty((2, *gates.shape[1:]), gates.dtype)
    for t in reversed(range(len(steps))):
        if dy is not None:
            dh += dy[t]
        saved_steps = gates[t], cs[t], tanh_c[t]
        lstm_step_backward(xp, *saved_steps, scratch, dh, dc, dz[t], dz_gates[t], dc_prev)
        steps.clear_masked(t, dz[t])
        xp.matmul(dz[t], transposed, out=dh_prev)
        steps.pass_masked(t, dh_prev, dh)
        steps.pass_masked(t, dc_prev, dc)
        dh, dh_prev, dc, dc_prev = dh_prev, dh, dc_prev, dc
    return dh, dc


@dispatched(cuda="rnn")
def lstm_step_backward(xp, gates, c_prev, tanh_c, scratch, dh, dc, dz, dz_gates, dc_prev):
    """Write the gradients with respect to the pre-activations and to the cell before the step.

    The first ones go to `dz`, `(batch, 4 * units)`, through `dz_gates`, which is it by gate. `dc`
    is left as it is, for the samples that are masked.
    """
    i, f, o, g = gates
    dgates, slopes = scratch
    tanh_slope(xp, tanh_c, out=dc_prev)
    dc_prev *= o
    dc_prev *= dh
    dc_prev += dc  # the equations' `dc`, until the forget gate scales it
    xp.multiply(dc_prev, g, out=dgates[0])
    xp.multiply(dc_prev, c_prev, out=dgates[1])
    xp.multiply(dh, tanh_c, out=dgates[2])
    xp.multiply(dc_prev, i, out=dgates[3])
    dc_prev *= f
    sigmoid_slope(xp, gates[:3], out=slopes[:3])
    tanh_slope(xp, g, out=slopes[3])
    slopes *= dgates
    dz_gates[:2], dz_gates[3], dz_gates[2] = slopes[:2], slopes[2], slopes[3]
