"""Recurrence over the steps of a sequence: the fused SimpleRNN, LSTM and GRU.

The references below are the three networks written with the loop `rnn`, one step each; the fused
ops say the same in one kernel for the whole sequence (`rnn.py`, `lstm.py` and `gru.py` in
`kernels/shared/rnn`).
"""

from minikeras.autograd.families import Family, cached, same, to_float
from minikeras.autograd.fused import fused
from minikeras.core.docstrings import described
from minikeras.kernels.shared.rnn import gru as gru_kernels
from minikeras.kernels.shared.rnn import lstm as lstm_kernels
from minikeras.kernels.shared.rnn import rnn as rnn_kernels
from minikeras.ops.elementwise.exponential import sigmoid, tanh
from minikeras.ops.linalg.products import matmul
from minikeras.ops.nn.loop import rnn
from minikeras.ops.shapes.shaping import split

# One step of each network, given what the kernels made of the inputs and the state


def lstm_step(z, c, activation=tanh, recurrent_activation=sigmoid, axis=-1):
    """One step of a long short-term memory; Hochreiter and Schmidhuber (1997), Gers et al. (2000).

    `c = f * c_prev + i * g`, `h = o * tanh(c)`; see `_lstm_reference` for the whole step.

    Args:
        z: float tensor `(batch, 4 * units)`, the pre-activations of `i, f, g, o`; it may have
            spatial axes, too.
        c: float tensor `(batch, units)`, the cell state.
        activation: function of the candidate and of the cell state.
        recurrent_activation: function of the gates.
        axis: int, the axis of `z` that has the gates.

    Returns:
        The new `(h, c)`.
    """
    i, f, g, o = split(z, 4, axis=axis)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    return recurrent_activation(o) * activation(c), c


def gru_step(z_inputs, z_state, h, activation=tanh, recurrent_activation=sigmoid):
    """One step of gated recurrent units with the reset gate after the matrix product.

    `h = z * h_prev + (1 - z) * g`; Cho et al. (2014); see `_gru_reference` for the whole step.

    Args:
        z_inputs: float tensor `(batch, 3 * units)`, what the inputs add to `z`, `r` and the
            candidate.
        z_state: float tensor `(batch, 3 * units)`, what the state adds to them.
        h: float tensor `(batch, units)`, the state.
        activation: function of the candidate.
        recurrent_activation: function of the gates.

    Returns:
        The new `h`.
    """
    x_z, x_r, x_g = split(z_inputs, 3, axis=-1)
    h_z, h_r, h_g = split(z_state, 3, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    return z * h + (1 - z) * activation(x_g + r * h_g)


# Whole sequences


def _simple_rnn_reference(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    mask=None,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run a simple recurrent network over a sequence.

    With `K`, `U` and `b` for `kernel`, `recurrent_kernel` and `bias`, each step is

    Equations (recurrent.simple_rnn_step):
        h = tanh(x @ K + h_prev @ U + b)  # (batch, units)

    and passes back, for `dh`, the gradient with respect to `h` from the output and the next step:

    Equations (recurrent.simple_rnn_step_backward):
        dz = dh * (1 - h**2)  # (batch, units), with respect to what tanh is taken of
        dx = dz @ K.T
        dh_prev = dz @ U.T
        dK += x.T @ dz
        dU += h_prev.T @ dz
        db += sum(dz, axis=0)

    Args:
        x: tensor `(batch, steps, features)`.
        kernel: tensor `(features, units)`.
        recurrent_kernel: tensor `(units, units)`.
        bias: tensor `(units,)`, or None.
        h: tensor `(batch, units)`, the first state.
        mask: bool tensor `(batch, steps)`, or None.
        return_sequences: bool, whether to return the outputs of all steps or of the last.
        go_backwards: bool, whether to begin at the last step.
        zero_output_for_mask: bool, whether the output of a masked step is zero.

    Returns:
        The output, and the last `h`.
    """

    def step(x, states):
        h = tanh(_affine(x, kernel, bias) + matmul(states[0], recurrent_kernel))
        return h, [h]

    return _run(step, x, [h], go_backwards, mask, zero_output_for_mask, return_sequences)


@described(_simple_rnn_reference)
def _lstm_reference(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    c,
    mask=None,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run a long short-term memory over a sequence.

    With `K`, `U` and `b` for `kernel`, `recurrent_kernel` and `bias`, each step is

    Equations (recurrent.lstm_step):
        z = x @ K + h_prev @ U + b  # (batch, 4 * units), the pre-activations
        z_i, z_f, z_g, z_o = split(z, 4, axis=1)  # (batch, units) each
        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)  # the gates input, forget, output
        g = tanh(z_g)  # the candidate
        c = f * c_prev + i * g
        tanh_c = tanh(c)
        h = o * tanh_c

    and passes back, for `dh` and `dc`, the gradients with respect to `h` and `c` from the output
    and the next step:

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
        kernel: tensor `(features, 4 * units)`.
        recurrent_kernel: tensor `(units, 4 * units)`.
        bias: tensor `(4 * units,)`, or None.
        h: tensor `(batch, units)`, the first hidden state.
        c: tensor `(batch, units)`, the first cell state.

    Returns:
        The output, and the last `h` and `c`.
    """

    def step(x, states):
        z = _affine(x, kernel, bias) + matmul(states[0], recurrent_kernel)
        h, c = lstm_step(z, states[1])
        return h, [h, c]

    return _run(step, x, [h, c], go_backwards, mask, zero_output_for_mask, return_sequences)


@described(_simple_rnn_reference)
def _gru_reference(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    mask=None,
    return_sequences=True,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """Run gated recurrent units over a sequence.

    With `K`, `U` and `b` for `kernel`, `recurrent_kernel` and `bias`, each step is

    Equations (recurrent.gru_step):
        x_z, x_r, x_g = split(x @ K + b[0], 3, axis=1)  # (batch, units) each, from the input
        h_z, h_r, h_g = split(h_prev @ U + b[1], 3, axis=1)  # the same from the state
        z = sigmoid(x_z + h_z)  # the update gate
        r = sigmoid(x_r + h_r)  # the reset gate
        g = tanh(x_g + r * h_g)  # the candidate
        h = z * h_prev + (1 - z) * g

    and passes back, for `dh`, the gradient with respect to `h` from the output and the next step:

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
        kernel: tensor `(features, 3 * units)`.
        recurrent_kernel: tensor `(units, 3 * units)`.
        bias: tensor `(2, 3 * units)`, or None.

    Returns:
        The output, and the last `h`.
    """
    input_bias, state_bias = (None, None) if bias is None else (bias[0], bias[1])

    def step(x, states):
        z_inputs = _affine(x, kernel, input_bias)
        z_state = _affine(states[0], recurrent_kernel, state_bias)
        h = gru_step(z_inputs, z_state, states[0])
        return h, [h]

    return _run(step, x, [h], go_backwards, mask, zero_output_for_mask, return_sequences)


def _affine(x, kernel, bias):
    z = matmul(x, kernel)
    return z if bias is None else z + bias


def _run(step, x, states, go_backwards, mask, zero_output_for_mask, return_sequences):
    last, outputs, states = rnn(
        step, x, states, go_backwards, mask, zero_output_for_mask, return_sequences
    )
    return (outputs if return_sequences else last, *states)


@cached
def _floats_and_mask(names):
    """The mask stays bool; all else meets in a float type."""
    return (*to_float(names[:-1]), None if names[-1] is None else "bool")


_FAMILY = Family(_floats_and_mask, same, None)

simple_rnn = fused(
    "simple_rnn",
    reference=_simple_rnn_reference,
    forward=rnn_kernels.simple_rnn,
    backward=rnn_kernels.simple_rnn_backward,
    family=_FAMILY,
)
lstm = fused(
    "lstm",
    reference=_lstm_reference,
    forward=lstm_kernels.lstm,
    backward=lstm_kernels.lstm_backward,
    family=_FAMILY,
)
gru = fused(
    "gru",
    reference=_gru_reference,
    forward=gru_kernels.gru,
    backward=gru_kernels.gru_backward,
    family=_FAMILY,
)
