"""A step of a recurrent layer in one launch, or all of them; see `kernels/shared/rnn.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous
from minikeras.kernels.shared.dense import flat

_source = Source("rnn")

# A block takes a sample through all steps: units for which it has shared memory, and its threads.
_MOST_UNITS = 512
_MOST_THREADS = 512
# Every sample reads the whole kernel at every step, from the GPU's cache. So many bytes take less
# than the launches of a single step, some 50 microseconds (an estimate, for an H100).
_MOST_BYTES = 1 << 26


def lstm_steps(xp, steps, kernel, bias, recurrent_kernel, gates, hs, cs, bent):
    """Take all steps: write the gates, the states and `tanh(c)`."""
    if not _fits(steps, recurrent_kernel, hs, cs):
        return NotImplemented
    given = _projected(xp, steps, kernel, bias), *contiguous(xp, recurrent_kernel)
    _launch(xp, "lstm_steps", hs[0], 4, *given, gates, cs, bent, hs, len(steps))
    return hs


def lstm_steps_backward(xp, steps, gates, hs, cs, bent, recurrent_kernel, by_output, dh, dc, dz):
    """Write the gradients by the pre-activations; return those by the first states."""
    if not _fits(steps, recurrent_kernel, dh, dc):
        return NotImplemented
    by_output, transposed = contiguous(xp, by_output, recurrent_kernel.T)
    given = gates, cs, bent, transposed, dh if by_output is None else by_output, dh, dc, dz
    _launch(xp, "lstm_steps_backward", dh, 4, *given, by_output is not None, len(steps))
    return dh, dc


def gru_steps(xp, steps, kernel, biases, recurrent_kernel, gates, hs, proposals):
    """Take all steps: write the gates, the states and what they propose for the candidate."""
    if not _fits(steps, recurrent_kernel, hs):
        return NotImplemented
    projection = _projected(xp, steps, kernel, biases[0])
    recurrent_kernel, bias = contiguous(xp, recurrent_kernel, biases[1])
    given = projection, recurrent_kernel, projection if bias is None else bias
    given = *given, gates, proposals, hs, bias is not None
    _launch(xp, "gru_steps", hs[0], 3, *given, len(steps))
    return hs


def gru_steps_backward(
    xp, steps, gates, hs, proposals, recurrent_kernel, by_output, dh, dx, drecurrent
):
    """Write the gradients by both products; return that by the first state."""
    if not _fits(steps, recurrent_kernel, dh):
        return NotImplemented
    by_output, transposed = contiguous(xp, by_output, recurrent_kernel.T)
    given = gates, proposals, hs, transposed, dh if by_output is None else by_output
    given = *given, dh, dx, drecurrent, by_output is not None
    _launch(xp, "gru_steps_backward", dh, 3, *given, len(steps))
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


def lstm_step(xp, z, parts, projection, gates, c, next_c, bent, next_h):
    """Write the gates, the next states and `tanh(c)`."""
    given = z, projection, gates, c, next_c, bent, next_h, c.shape[-1], c.size
    _source.launch(xp, "lstm_step", c.size, *given)


def lstm_step_backward(xp, gates, c, bent, scratch, dh, dc, dz, parts, earlier_c):
    """Write the gradients by the pre-activations and by the cell state before the step."""
    given = gates, c, bent, dh, dc, dz, earlier_c, c.shape[-1], c.size
    _source.launch(xp, "lstm_step_backward", c.size, *given)


def gru_step(xp, z, parts, projection, state_bias, gates, h, proposal, next_h):
    """Write the gates, what the state proposes for the candidate, and the next state."""
    bias = z if state_bias is None else state_bias
    given = z, projection, bias, gates, h, proposal, next_h, state_bias is not None
    _source.launch(xp, "gru_step", h.size, *given, h.shape[-1], h.size)


def gru_step_backward(xp, gates, proposal, h, dh, scratch, passed, dx, drecurrent, parts):
    """Write the gradients by both products, and what the state passed on unchanged."""
    given = gates, proposal, h, dh, dx, drecurrent, passed, h.shape[-1], h.size
    _source.launch(xp, "gru_step_backward", h.size, *given)
