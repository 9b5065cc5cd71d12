"""Simple recurrent network, LSTM and GRU over whole sequences, and their gradients.

LSTM: Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000). GRU: Cho et al.
(2014), in the variant that applies the reset gate after the matrix product. The equations stand in
`ops.rnn`, in plain ops; here are the same, in place over the buffers of `recurrence`. The gradients
are those of backpropagation through time.

Every forward kernel takes `(xp, x, kernel, recurrent_kernel, bias, *states, mask)`, returns the
output with the last states, and leaves its buffers to the backward kernel, which only reads them.
A compiled forward kernel, whose buffers are others, leaves its own backward pass instead.
"""

from minikeras.kernels.providers import provided
from minikeras.kernels.shared.recurrence import (
    Steps,
    by_gate,
    over_steps,
    sigmoid_in_place,
    sigmoid_slope,
    summed,
    tanh_slope,
)


@provided("rnn", least=1 << 10)
def simple_rnn(
    xp,
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    mask=None,
    *,
    keep=False,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run a simple recurrent network.

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, units)`.
        recurrent_kernel: Array `(units, units)`.
        bias: Array `(units,)` or None.
        h: Array `(batch, units)`, the first state.
        mask: Bool array `(batch, steps)` or None.
        keep: Whether a backward pass will follow.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether outputs of masked steps are zero.

    Returns:
        `(y, h)`, the output and the last state; and what the backward pass needs.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.rnn import simple_rnn
        >>> one = np.ones((1, 1))
        >>> (y, h), _ = simple_rnn(np, np.zeros((1, 2, 1)), one, one, None, one)
        >>> y.round(3).tolist()
        [[[0.762], [0.642]]]
    """
    steps = Steps(xp, x, mask, return_sequences, go_backwards, zero_output_for_mask)
    hs = steps.states_from(h)
    for t, projection in enumerate(steps.projections(kernel, bias)):
        z = hs[t + 1]
        xp.matmul(hs[t], recurrent_kernel, out=z)
        z += projection
        xp.tanh(z, out=z)
        steps.carry_over(t, hs)
    return (steps.outputs(hs), hs[-1]), (steps, hs)


def simple_rnn_backward(xp, gradients, arrays, saved, needs, **_):
    """Gradients of `simple_rnn`.

    Args:
        xp: The array module.
        gradients: Those by `y` and the last `h`.
        arrays: The inputs of the forward pass.
        saved: What it kept.
        needs: Which gradients are wanted.

    Returns:
        Those by `(x, kernel, recurrent_kernel, bias, h, mask)`, None where not wanted.
    """
    if callable(saved):
        return saved(gradients, arrays, needs)
    steps, hs = saved
    _, kernel, recurrent_kernel, *_ = arrays
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    by_output, dh = steps.output_gradients(*gradients)
    earlier = xp.empty_like(dh)
    dz = xp.empty_like(hs[1:])
    for t in reversed(range(len(steps))):
        if by_output is not None:
            dh += by_output[t]
        tanh_slope(xp, hs[t + 1], out=dz[t])
        dz[t] *= dh
        steps.clear_masked(t, dz[t])
        xp.matmul(dz[t], transposed, out=earlier)
        steps.pass_masked(t, earlier, dh)
        dh, earlier = earlier, dh
    return [
        *steps.input_gradients(dz, kernel, needs),
        over_steps(xp, hs[:-1], dz) if needs[2] else None,
        summed(xp, dz) if needs[3] else None,
        dh if needs[4] else None,
        None,
    ]


@provided("rnn", least=1 << 10)
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
    keep=False,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run a long short-term memory; the kernels hold the gates input, forget, cell, output.

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, 4 * units)`.
        recurrent_kernel: Array `(units, 4 * units)`.
        bias: Array `(4 * units,)` or None.
        h: Array `(batch, units)`, the first hidden state.
        c: Array `(batch, units)`, the first cell state.
        mask: Bool array `(batch, steps)` or None.
        keep: Whether a backward pass will follow.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether outputs of masked steps are zero.

    Returns:
        `(y, h, c)`, the output and the last states; and what the backward pass needs.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.rnn import lstm
        >>> four, one = np.zeros((1, 4)), np.ones((1, 1))
        >>> (y, h, c), _ = lstm(np, np.zeros((1, 2, 1)), four, four, None, one, one)
        >>> c.tolist()
        [[0.25]]
    """
    steps = Steps(xp, x, mask, return_sequences, go_backwards, zero_output_for_mask)
    hs, cs = steps.states_from(h), steps.states_from(c)
    bent, gates = xp.empty_like(cs[1:]), xp.empty((len(steps), 4, *h.shape), h.dtype)
    lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, bent)
    return (steps.outputs(hs), hs[-1], cs[-1]), (steps, gates, hs, cs, bent)


@provided(cuda="rnn")
def lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, bent):
    """Take all steps: write the gates, the states from the second on, and `tanh(c)`."""
    z = xp.empty((hs.shape[1], kernel.shape[1]), hs.dtype)
    parts = by_gate(z, 4)
    for t, projection in enumerate(steps.projections(kernel, bias)):
        xp.matmul(hs[t], recurrent_kernel, out=z)
        lstm_step(xp, z, parts, projection, gates[t], cs[t], cs[t + 1], bent[t], hs[t + 1])
        steps.carry_over(t, hs)
        steps.carry_over(t, cs)
    return hs


@provided(cuda="rnn")
def lstm_step(xp, z, parts, projection, gates, c, next_c, bent, next_h):
    """Write the gates in the order input, forget, output, cell; the next states; and `tanh(c)`.

    `z` is the product of the state, and is changed; `parts` is it by gate.
    """
    z += projection
    gates[:2], gates[2], gates[3] = parts[:2], parts[3], parts[2]
    sigmoid_in_place(xp, gates[:3])
    i, f, o, g = gates
    xp.tanh(g, out=g)
    xp.multiply(i, g, out=next_h)
    xp.multiply(f, c, out=next_c)
    next_c += next_h
    xp.tanh(next_c, out=bent)
    xp.multiply(o, bent, out=next_h)


def lstm_backward(xp, gradients, arrays, saved, needs, **_):
    """Gradients of `lstm`.

    Args:
        xp: The array module.
        gradients: Those by `y` and the last `h` and `c`.
        arrays: The inputs of the forward pass.
        saved: What it kept.
        needs: Which gradients are wanted.

    Returns:
        Those by `(x, kernel, recurrent_kernel, bias, h, c, mask)`, None where not wanted.
    """
    if callable(saved):
        return saved(gradients, arrays, needs)
    steps, gates, hs, cs, bent = saved
    _, kernel, recurrent_kernel, *_ = arrays
    by_output, dh = steps.output_gradients(*gradients[:2])
    dz = xp.empty((len(steps), len(dh), kernel.shape[1]), dh.dtype)
    given = gates, hs, cs, bent, recurrent_kernel, by_output, dh, gradients[2].copy(), dz
    dh, dc = lstm_steps_backward(xp, steps, *given)
    return [
        *steps.input_gradients(dz, kernel, needs),
        over_steps(xp, hs[:-1], dz) if needs[2] else None,
        summed(xp, dz) if needs[3] else None,
        dh if needs[4] else None,
        dc if needs[5] else None,
        None,
    ]


@provided(cuda="rnn")
def lstm_steps_backward(xp, steps, gates, hs, cs, bent, recurrent_kernel, by_output, dh, dc, dz):
    """Go back through all steps: write the gradients by the pre-activations to `dz`.

    `dh` and `dc` are those by the last states, and are changed; those by the first come back.
    """
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    earlier_h, earlier_c = xp.empty_like(dh), xp.empty_like(dc)
    by_gates = by_gate(dz, 4)
    scratch = xp.empty((2, *gates.shape[1:]), gates.dtype)
    for t in reversed(range(len(steps))):
        if by_output is not None:
            dh += by_output[t]
        given = gates[t], cs[t], bent[t], scratch, dh, dc
        lstm_step_backward(xp, *given, dz[t], by_gates[t], earlier_c)
        steps.clear_masked(t, dz[t])
        xp.matmul(dz[t], transposed, out=earlier_h)
        steps.pass_masked(t, earlier_h, dh)
        steps.pass_masked(t, earlier_c, dc)
        dh, earlier_h, dc, earlier_c = earlier_h, dh, earlier_c, dc
    return dh, dc


@provided(cuda="rnn")
def lstm_step_backward(xp, gates, c, bent, scratch, dh, dc, dz, parts, earlier_c):
    """Write the gradients by the pre-activations and by the cell state before the step.

    The first ones go to `dz`, `(batch, 4 * units)`, through `parts`, which is it by gate.
    """
    i, f, o, g = gates
    by_value, slope = scratch
    tanh_slope(xp, bent, out=earlier_c)
    earlier_c *= o
    earlier_c *= dh
    earlier_c += dc
    xp.multiply(earlier_c, g, out=by_value[0])
    xp.multiply(earlier_c, c, out=by_value[1])
    xp.multiply(dh, bent, out=by_value[2])
    xp.multiply(earlier_c, i, out=by_value[3])
    earlier_c *= f
    sigmoid_slope(xp, gates[:3], out=slope[:3])
    tanh_slope(xp, g, out=slope[3])
    slope *= by_value
    parts[:2], parts[3], parts[2] = slope[:2], slope[2], slope[3]


@provided("rnn", least=1 << 10)
def gru(
    xp,
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    mask=None,
    *,
    keep=False,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run gated recurrent units; the kernels hold the gates update, reset, candidate.

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, 3 * units)`.
        recurrent_kernel: Array `(units, 3 * units)`.
        bias: Array `(2, 3 * units)`, for the inputs and for the state, or None.
        h: Array `(batch, units)`, the first state.
        mask: Bool array `(batch, steps)` or None.
        keep: Whether a backward pass will follow.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether outputs of masked steps are zero.

    Returns:
        `(y, h)`, the output and the last state; and what the backward pass needs.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.rnn import gru
        >>> three, one = np.zeros((1, 3)), np.ones((1, 1))
        >>> (y, h), _ = gru(np, np.zeros((1, 2, 1)), three, three, None, one)
        >>> h.tolist()
        [[0.25]]
    """
    steps = Steps(xp, x, mask, return_sequences, go_backwards, zero_output_for_mask)
    biases = (None, None) if bias is None else bias
    hs = steps.states_from(h)
    proposals, gates = xp.empty_like(hs[1:]), xp.empty((len(steps), 3, *h.shape), h.dtype)
    gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, proposals)
    return (steps.outputs(hs), hs[-1]), (steps, gates, hs, proposals)


@provided(cuda="rnn")
def gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, proposals):
    """Take all steps: write the gates, the states from the second on, and the proposals."""
    input_bias, state_bias = biases
    z = xp.empty((hs.shape[1], kernel.shape[1]), hs.dtype)
    parts = by_gate(z, 3)
    for t, projection in enumerate(steps.projections(kernel, input_bias)):
        xp.matmul(hs[t], recurrent_kernel, out=z)
        gru_step(xp, z, parts, projection, state_bias, gates[t], hs[t], proposals[t], hs[t + 1])
        steps.carry_over(t, hs)
    return hs


@provided(cuda="rnn")
def gru_step(xp, z, parts, projection, state_bias, gates, h, proposal, next_h):
    """Write the gates, what the state proposes for the candidate, and the next state.

    `z` is the product of the state, and is changed; `parts` is it by gate.
    """
    if state_bias is not None:
        z += state_bias
    proposal[...] = parts[2]
    z += projection
    gates[:2], gates[2] = parts[:2], by_gate(projection, 3)[2]
    sigmoid_in_place(xp, gates[:2])
    update, reset, candidate = gates
    xp.multiply(reset, proposal, out=next_h)
    candidate += next_h
    xp.tanh(candidate, out=candidate)
    xp.subtract(h, candidate, out=next_h)
    next_h *= update
    next_h += candidate


def gru_backward(xp, gradients, arrays, saved, needs, **_):
    """Gradients of `gru`.

    Args:
        xp: The array module.
        gradients: Those by `y` and the last `h`.
        arrays: The inputs of the forward pass.
        saved: What it kept.
        needs: Which gradients are wanted.

    Returns:
        Those by `(x, kernel, recurrent_kernel, bias, h, mask)`, None where not wanted.
    """
    if callable(saved):
        return saved(gradients, arrays, needs)
    steps, gates, hs, proposals = saved
    _, kernel, recurrent_kernel, *_ = arrays
    by_output, dh = steps.output_gradients(*gradients)
    dx = xp.empty((len(steps), len(dh), kernel.shape[1]), dh.dtype)
    drecurrent = xp.empty_like(dx)
    given = gates, hs, proposals, recurrent_kernel, by_output, dh, dx, drecurrent
    dh = gru_steps_backward(xp, steps, *given)
    return [
        *steps.input_gradients(dx, kernel, needs),
        over_steps(xp, hs[:-1], drecurrent) if needs[2] else None,
        xp.stack([summed(xp, dx), summed(xp, drecurrent)]) if needs[3] else None,
        dh if needs[4] else None,
        None,
    ]


@provided(cuda="rnn")
def gru_steps_backward(
    xp, steps, gates, hs, proposals, recurrent_kernel, by_output, dh, dx, drecurrent
):
    """Go back through all steps: write the gradients by both products.

    `dh` is that by the last state, and is changed; that by the first comes back.
    """
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    earlier, passed = xp.empty_like(dh), xp.empty_like(dh)
    parts = by_gate(dx, 3), by_gate(drecurrent, 3)
    scratch = xp.empty((2, *gates.shape[1:]), gates.dtype)
    for t in reversed(range(len(steps))):
        if by_output is not None:
            dh += by_output[t]
        given = gates[t], proposals[t], hs[t], dh, scratch, passed
        gru_step_backward(xp, *given, dx[t], drecurrent[t], (parts[0][t], parts[1][t]))
        steps.clear_masked(t, dx[t], drecurrent[t])
        xp.matmul(drecurrent[t], transposed, out=earlier)
        earlier += passed
        steps.pass_masked(t, earlier, dh)
        dh, earlier = earlier, dh
    return dh


@provided(cuda="rnn")
def gru_step_backward(xp, gates, proposal, h, dh, scratch, passed, dx, drecurrent, parts):
    """Write the gradients by the products of input and state, and what the state passed on.

    The first two go to `dx` and `drecurrent`, `(batch, 3 * units)`, through `parts`, by gate.
    """
    update, reset, candidate = gates
    dz, slope = scratch
    sigmoid_slope(xp, gates[:2], out=slope[:2])
    tanh_slope(xp, candidate, out=slope[2])
    xp.multiply(dh, update, out=passed)
    xp.subtract(h, candidate, out=dz[0])
    dz[0] *= dh
    xp.subtract(dh, passed, out=dz[2])
    dz[2] *= slope[2]
    xp.multiply(dz[2], proposal, out=dz[1])
    dz[:2] *= slope[:2]
    parts[0][...] = dz
    dz[2] *= reset
    parts[1][...] = dz
