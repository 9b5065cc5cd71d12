"""Simple recurrent network, LSTM and GRU: the loop over time in one compiled call.

The kernels of `shared/rnn/rnn.py`, `lstm.py` and `gru.py`, where the equations are, make ten
to twenty NumPy calls at each step, on arrays of a few kilobytes: the calls take longer than the
numbers. Here each thread takes its samples through all steps in one go (`simple_rnn_loops`,
`lstm_loops`, `gru_loops`), with the recurrent kernel held in its second-level cache, and the gates
computed where the product left them. Before and after it, all steps at once, come the large
products: the inputs' part of the pre-activations, and the gradients with respect to inputs and
kernels. Arrays stay `(samples, steps, ...)`: nothing is transposed.

The forward pass keeps what the backward pass needs in another form than the NumPy kernels do, so it
keeps the backward pass itself, a function `(gradients, arrays, needs)`.
"""

import numpy as np

from minikeras.arrays.threads import OPERATIONS
from minikeras.kernels.compiled.compiler import plain
from minikeras.kernels.compiled.products.panels import panels
from minikeras.kernels.compiled.rnn import gru as gru_loops
from minikeras.kernels.compiled.rnn import lstm as lstm_loops
from minikeras.kernels.compiled.rnn import simple_rnn as simple_rnn_loops
from minikeras.kernels.compiled.thread_pool import parallel_for
from minikeras.kernels.shared.dense import column_sums
from minikeras.kernels.shared.products import matrix_product, products_at_once

# Nanoseconds of a core for the gates, for each element of the pre-activations.
_GATE = 2
# Numbers of pre-activations worked on at a time where nothing is kept.
_BLOCK = 1 << 22
# Most chunks for each thread: the fewer samples take a step together, the slower they are.
_EACH_THREAD = 1


def simple_rnn(xp, x, kernel, recurrent_kernel, bias, h, mask=None, *, save=False, **options):
    """Run a simple recurrent network; see `shared.rnn.rnn.simple_rnn`."""
    if not _is_supported(x, kernel, recurrent_kernel, bias, h):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, save, **options)
    h, U, b = h.copy(), panels(recurrent_kernel), run.bias_or_zeros(bias)
    for at, z in run.blocks():
        run.divide(
            simple_rnn_loops.simple_steps,
            *(U, z, b, h[at], run.valid[at], run.backwards, run.y[at], run.hs[at]),
        )

    def backward(gradients, arrays, needs):
        dy, dh = run.output_gradients(*gradients)
        Ut, dz = panels(recurrent_kernel.T), np.empty_like(run.z)
        run.divide(
            simple_rnn_loops.simple_steps_backward, Ut, run.z, dh, dy, run.valid, run.backwards, dz
        )
        dx, dkernel, drecurrent, dbias, _ = run.gradients(dz, dz, needs)
        return [dx, dkernel, drecurrent, dbias, dh, None]

    return (run.outputs(h), h), backward if save else None


def lstm(xp, x, kernel, recurrent_kernel, bias, h, c, mask=None, *, save=False, **options):
    """Run a long short-term memory; see `shared.rnn.lstm.lstm`."""
    if not _is_supported(x, kernel, recurrent_kernel, bias, h, c):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, save, **options)
    h, c, U, b = h.copy(), c.copy(), panels(recurrent_kernel), run.bias_or_zeros(bias)
    cs = run.history(save)
    tanh_cs = np.empty((run.batch, run.steps if save else 1, run.units), x.dtype)
    for at, z in run.blocks():
        run.divide(
            lstm_loops.lstm_steps,
            *(U, z, b, h[at], c[at], run.valid[at], run.backwards, run.y[at]),
            *(run.hs[at], cs[at], tanh_cs[at]),
        )

    def backward(gradients, arrays, needs):
        (dy, dh), dc = run.output_gradients(*gradients[:2]), gradients[2].copy()
        Ut, dz = panels(recurrent_kernel.T), np.empty_like(run.z)
        run.divide(
            lstm_loops.lstm_steps_backward,
            *(Ut, run.z, cs, tanh_cs, dh, dc, dy, run.valid, run.backwards, dz),
        )
        dx, dkernel, drecurrent, dbias, _ = run.gradients(dz, dz, needs)
        return [dx, dkernel, drecurrent, dbias, dh, dc, None]

    return (run.outputs(h), h, c), backward if save else None


def gru(xp, x, kernel, recurrent_kernel, bias, h, mask=None, *, save=False, **options):
    """Run gated recurrent units; see `shared.rnn.gru.gru`."""
    if not _is_supported(x, kernel, recurrent_kernel, bias, h):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, save, **options)
    h, U = h.copy(), panels(recurrent_kernel)
    biases = [run.bias_or_zeros(b) for b in ((None, None) if bias is None else bias)]
    h_gs = run.history(save)
    h_part = np.empty((run.batch, run.width), x.dtype)
    for at, gates in run.blocks():
        run.divide(
            gru_loops.gru_steps,
            *(U, gates, *biases, h_part[at], h[at], run.valid[at], run.backwards),
            *(run.y[at], run.hs[at], h_gs[at]),
        )

    def backward(gradients, arrays, needs):
        dy, dh = run.output_gradients(*gradients)
        Ut, da_x, da_h = panels(recurrent_kernel.T), np.empty_like(run.z), np.empty_like(run.z)
        run.divide(
            gru_loops.gru_steps_backward,
            *(Ut, run.z, run.hs, h_gs, dh, dy, run.valid, run.backwards, da_x, da_h),
        )
        dx, dkernel, drecurrent, dbias, dstate_bias = run.gradients(da_x, da_h, needs)
        dbias = np.array([dbias, dstate_bias]) if needs[3] else None
        return [dx, dkernel, drecurrent, dbias, dh, None]

    return (run.outputs(h), h), backward if save else None


def _is_supported(x, *others):
    """Whether a compiled kernel takes the call: float arrays, none of them empty."""
    present = [array for array in others if array is not None]
    return x.size > 0 and all(a.size > 0 for a in present) and plain(*present, np.empty(0, x.dtype))


class _Run:
    """The buffers of one pass over a batch of sequences, and how it is divided among threads.

    Args:
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, width)`.
        recurrent_kernel: Array `(units, width)`.
        mask: Bool array `(batch, steps)` or None.
        save: Whether a backward pass will follow.
        return_sequences: Whether all outputs are wanted.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether the output of a masked step is zero.
    """

    def __init__(
        self,
        x,
        kernel,
        recurrent_kernel,
        mask,
        save,
        return_sequences=True,
        go_backwards=False,
        zero_output_for_mask=False,
    ):
        self.x, self.kernel = np.ascontiguousarray(x), kernel
        self.batch, self.steps, features = x.shape
        self.units, self.width = recurrent_kernel.shape
        self.backwards = bool(go_backwards)
        self.sequences = return_sequences
        self.valid = np.empty((self.batch, 0), bool)
        self.shown = None
        if mask is not None:
            self.valid = np.ascontiguousarray(mask)
            shown = self.valid[:, ::-1] if go_backwards else self.valid
            self.shown = shown if zero_output_for_mask else np.cumsum(shown, axis=1) > 0
        self.hs, self.y = self.history(save), self.history(return_sequences)
        self.save, self.z = save, np.empty(0)

    def history(self, wanted):
        """Room for a state at every step, or none."""
        shape = (self.batch, self.steps, self.units) if wanted else (self.batch, 0, 0)
        return np.empty(shape, self.x.dtype)

    def bias_or_zeros(self, bias):
        """A bias for all gates; zeros if there is none."""
        return np.zeros(self.width, self.x.dtype) if bias is None else bias

    def blocks(self):
        """Samples, and their inputs multiplied by the kernel; all at once if they are kept."""
        length = self.batch if self.save else max(1, _BLOCK // (self.steps * self.width))
        for start in range(0, self.batch, length):
            at = slice(start, start + length)
            z = matrix_product(np, self.x[at], self.kernel, self.x.dtype)
            if self.save:
                self.z = z
            yield at, z

    def divide(self, run, *args):
        """Take samples through all steps, some in each thread."""
        samples = len(args[1])
        numbers = samples * self.steps * self.width
        work = numbers * (2 * self.units / OPERATIONS + _GATE)
        parallel_for(run, samples, work, *args, each_thread=_EACH_THREAD)

    def outputs(self, h):
        """What the network returns beside its states."""
        y = self.y if self.sequences else h
        if self.shown is None:
            return y if self.sequences else y.copy()
        return np.where(self.shown[..., None] if self.sequences else self.shown[:, -1:], y, 0)

    def output_gradients(self, dy, dh):
        """Those w.r.t. all outputs (or empty), and, in a new array, w.r.t. the last state."""
        if self.shown is not None:
            shown = self.shown[..., None] if self.sequences else self.shown[:, -1:]
            dy = np.where(shown, dy, dy.dtype.type(0))
        if self.sequences:
            return np.ascontiguousarray(dy), dh.copy()
        return np.empty((self.batch, 0, 0), dy.dtype), dh + dy

    def gradients(self, da_x, da_h, needs):
        """The gradients with respect to inputs, kernels and biases, None where none is needed.

        Summed over all steps at once: `dx = da_x @ K.T`, `dK = x.T @ da_x`, `dU = h_prev.T @ da_h`.

        Args:
            da_x: Those with respect to the inputs' part of the pre-activations.
            da_h: Those with respect to the state's part; the same array but for a GRU.
            needs: As for a fused kernel's backward pass.
        """
        is_one = da_h is da_x
        x, h_prev, da_x, da_h = (_rows(a, self.steps) for a in (self.x, self.hs, da_x, da_h))
        dx, dkernel, drecurrent = products_at_once(
            np,
            [
                (da_x, self.kernel.T) if needs[0] else None,
                (x.T, da_x) if needs[1] else None,
                (h_prev.T, da_h) if needs[2] else None,
            ],
            da_x.dtype,
        )
        dx = None if dx is None else dx.reshape(self.x.shape)
        dbias = column_sums(np, da_x) if needs[3] else None
        dstate_bias = column_sums(np, da_h) if needs[3] and not is_one else None
        return dx, dkernel, drecurrent, dbias, dstate_bias


def _rows(array, steps):
    """View `(samples, steps, ...)` as a matrix with a row for each step of each sample."""
    return array.reshape(len(array) * steps, -1)
