"""A simple recurrent network over whole sequences, and its gradients.

Elman, "Finding Structure in Time" (1990). The same stands in plain ops in `ops.rnn`; here it is in
place over the buffers of `recurrence`, as are the LSTM (`lstm`) and the GRU (`gru`). Gradients are
those of backpropagation through time: `dh` begins as the gradient with respect to the last state
and goes from step to step towards the first.

A forward kernel takes `(xp, x, kernel, recurrent_kernel, bias, *states, mask)`, returns the output
with the last states, and leaves its buffers to the backward kernel, which only reads them. A
compiled forward kernel, whose buffers are others, leaves its own backward pass instead.
"""

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.rnn.recurrence import (
    Steps,
    over_steps,
    summed,
    tanh_slope,
)


@dispatched("rnn.rnn", least=1 << 10)
def simple_rnn(
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
    """Run a simple recurrent network; `K`, `U`, `b` are `kernel`, `recurrent_kernel`, `bias`.

    Equations (recurrent.simple_rnn_step):
        h = tanh(x @ K + h_prev @ U + b)  # (batch, units)

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, units)`.
        recurrent_kernel: Array `(units, units)`.
        bias: Array `(units,)` or None.
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
        >>> from minikeras.kernels.shared.rnn.rnn import simple_rnn
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

    Equations (recurrent.simple_rnn_step_backward):
        dz = dh * (1 - h**2)  # (batch, units), with respect to what tanh is taken of
        dx = dz @ K.T
        dh_prev = dz @ U.T
        dK += x.T @ dz
        dU += h_prev.T @ dz
        db += sum(dz, axis=0)

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
    steps, hs = saved
    _, kernel, recurrent_kernel, *_ = arrays
    transposed = xp.ascontiguousarray(recurrent_kernel.T)
    dy, dh = steps.output_gradients(*gradients)
    dh_prev = xp.empty_like(dh)
    dz = xp.empty_like(hs[1:])
    for t in reversed(range(len(steps))):
        if dy is not None:
            dh += dy[t]
        tanh_slope(xp, hs[t + 1], out=dz[t])
        dz[t] *= dh
        steps.clear_masked(t, dz[t])
        xp.matmul(dz[t], transposed, out=dh_prev)
        steps.pass_masked(t, dh_prev, dh)
        dh, dh_prev = dh_prev, dh
    return [
        *steps.input_gradients(dz, kernel, needs),
        over_steps(xp, hs[:-1], dz) if needs[2] else None,
        summed(xp, dz) if needs[3] else None,
        dh if needs[4] else None,
        None,
    ]
