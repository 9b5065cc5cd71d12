"""A step of an LSTM or GRU in one launch, or all; see `lstm.py` and `gru.py` in `shared`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous
from minikeras.kernels.shared.dense import flat

_source = Source("rnn")

# A block takes a sample through all steps: units for which it has shared memory, and its threads.
_MOST_UNITS = 512
_MOST_THREADS = 512
# Every sample reads the whole kernel at every step, from the GPU's cache. So many bytes take less
# than the launches of a single step, some 50 microseconds (an estimate, for an H100).
_MOST_BYTES = 1 << 26


def lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, tanh_c):
    """Take all steps: write the gates, the states and `tanh(c)`."""
    if not _fits(steps, recurrent_kernel, hs, cs):
        return NotImplemented
    arguments = _projected(xp, steps, kernel, bias), *contiguous(xp, recurrent_kernel)
    _launch(xp, "lstm_steps", hs[0], 4, *arguments, gates, cs, tanh_c, hs, len(steps))
    return hs


def lstm_steps_backward(xp, steps, gates, hs, cs, tanh_c, recurrent_kernel, dy, dh, dc, dz):
    """Write the gradients w.r.t. the pre-activations; return those w.r.t. the first states."""
    if not _fits(steps, recurrent_kernel, dh, dc):
        return NotImplemented
    dy, transposed = contiguous(xp, dy, recurrent_kernel.T)
    arguments = gates, cs, tanh_c, transposed, dh if dy is None else dy, dh, dc, dz
    _launch(xp, "lstm_steps_backward", dh, 4, *arguments, dy is not None, len(steps))
    return dh, dc


def gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, h_gs):
    """Take all steps: write the gates, the states and what they give to the candidates."""
    if not _fits(steps, recurrent_kernel, hs):
        return NotImplemented
    projection = _projected(xp, steps, kernel, biases[0])
    recurrent_kernel, bias = contiguous(xp, recurrent_kernel, biases[1])
    arguments = projection, recurrent_kernel, projection if bias is None else bias
    arguments = *arguments, gates, h_gs, hs, bias is not None
    _launch(xp, "gru_steps", hs[0], 3, *arguments, len(steps))
    return hs


def gru_steps_backward(xp, steps, gates, hs, h_gs, recurrent_kernel, dy, dh, da_x, da_h):
    """Write the gradients with respect to both parts; return that w.r.t. the first state."""
    if not _fits(steps, recurrent_kernel, dh):
        return NotImplemented
    dy, transposed = contiguous(xp, dy, recurrent_kernel.T)
    arguments = gates, h_gs, hs, transposed, dh if dy is None else dy
    arguments = *arguments, dh, da_x, da_h, dy is not None
    _launch(xp, "gru_steps_backward", dh, 3, *arguments, len(steps))
    return dh


def _fits(steps, kernel, *states):
    """Whether a block can take a sample through all steps, none of them masked."""
    units, batch = len(kernel), states[0].shape[-2]
    known = steps.masked is None and are_floats(kernel, *states) and batch
    return known and units <= _MOST_UNITS and batch * kernel.nbytes <= _MOST_BYTES


def _projected(xp, steps, kernel, bias):
    """The inputs of all steps multiplied by a kernel, with a bias added."""
    projection = xp.matmul(flat(steps.inputs), kernel)
    if bias is not None:
        projection += bias
    return projection


def _launch(xp, name, state, gates, *arguments):
    """A block for each sample, with a thread for each gate of each unit if there are so many."""
    batch, units = state.shape
    threads = min(-(-gates * units // 32) * 32, _MOST_THREADS)
    _source.launch_blocks(xp, name, (batch,), (threads,), *arguments, units, batch)


def lstm_step(xp, z, z_gates, projection, gates, c_prev, c, tanh_c, h):
    """Write the gates, the next states and `tanh(c)`."""
    arguments = z, projection, gates, c_prev, c, tanh_c, h, c.shape[-1], c.size
    _source.launch(xp, "lstm_step", c.size, *arguments)


def lstm_step_backward(xp, gates, c_prev, tanh_c, scratch, dh, dc, dz, dz_gates, dc_prev):
    """Write the gradients w.r.t. the pre-activations and w.r.t. the cell before the step."""
    arguments = gates, c_prev, tanh_c, dh, dc, dz, dc_prev, dc.shape[-1], dc.size
    _source.launch(xp, "lstm_step_backward", dc.size, *arguments)


def gru_step(xp, h_part, h_gates, x_part, state_bias, gates, h_prev, h_g, h):
    """Write the gates, what the state gives to the candidate, and the next state."""
    bias = h_part if state_bias is None else state_bias
    arguments = h_part, x_part, bias, gates, h_prev, h_g, h, state_bias is not None
    _source.launch(xp, "gru_step", h.size, *arguments, h.shape[-1], h.size)


def gru_step_backward(xp, gates, h_g, h_prev, dh, scratch, carried, da_x, da_h, da_gates):
    """Write the gradients with respect to both parts, and what the state carries on."""
    arguments = gates, h_g, h_prev, dh, da_x, da_h, carried, dh.shape[-1], dh.size
    _source.launch(xp, "gru_step_backward", dh.size, *arguments)
