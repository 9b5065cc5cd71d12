"""A step of a recurrent layer in one launch; see `kernels/shared/rnn.py`."""

from minikeras.kernels.gpu.launch import Source

_source = Source("rnn")


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
