"""Simple recurrent network, LSTM and GRU: the loop over time in one compiled call.

The kernels of `shared/rnn.py` make ten to twenty NumPy calls at each step, on arrays of a few
kilobytes: the calls take longer than the numbers. Here each thread takes its samples through all
steps in one call (`rnn_steps`), with the recurrent kernel held in its second-level cache, and the
gates computed where the product left them. Before and after it, all steps at once, come the
products of BLAS: the inputs' share of the pre-activations, and the gradients by inputs and kernels,
added up over the threads. Arrays stay `(samples, steps, ...)`: nothing is transposed.

The forward pass keeps what the backward pass needs in another form than the NumPy kernels do, so it
keeps the backward pass itself, a function `(gradients, arrays, needs)`.
"""

from typing import Any

import numpy as np

from minikeras.arrays.threads import OPERATIONS, each, pieces
from minikeras.kernels.compiled import rnn_steps as steps
from minikeras.kernels.compiled.loops import plain
from minikeras.kernels.compiled.panels import panels

# Nanoseconds of a core for the gates, for each number of the pre-activations.
_GATE = 2
# Numbers of pre-activations worked on at a time where nothing is kept.
_BLOCK = 1 << 22


def simple_rnn(xp, x, kernel, recurrent_kernel, bias, h, mask=None, *, keep=False, **options):
    """Run a simple recurrent network; see `shared.rnn.simple_rnn`."""
    if not _suits(x, kernel, recurrent_kernel, bias, h):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, keep, **options)
    h, by = h.copy(), panels(recurrent_kernel)
    bias = run.by_gate(bias)

    def forward(at):
        z = run.project(at)
        steps.simple_steps(
            by, z, bias, h[at], run.valid[at], run.backwards, run.y[at], run.before[at]
        )

    each(forward, run.parts)

    def backward(gradients, arrays, needs):
        g, dh = run.by_outputs(*gradients)
        total = run.gradients(needs)
        back, dz = panels(recurrent_kernel.T), np.empty_like(run.z)

        def pull(at):
            steps.simple_steps_backward(
                back, run.z[at], dh[at], g[at], run.valid[at], run.backwards, dz[at]
            )
            return total.of(at, dz[at], dz[at])

        dx, dkernel, drecurrent, dbias, _ = total.over(each(pull, run.parts))
        return [dx, dkernel, drecurrent, dbias, dh, None]

    return (run.outputs(h), h), backward if keep else None


def lstm(xp, x, kernel, recurrent_kernel, bias, h, c, mask=None, *, keep=False, **options):
    """Run a long short-term memory; see `shared.rnn.lstm`."""
    if not _suits(x, kernel, recurrent_kernel, bias, h, c):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, keep, **options)
    h, c, by = h.copy(), c.copy(), panels(recurrent_kernel)
    bias = run.by_gate(bias)
    cells, bent = run.history(keep), run.history(keep)

    def forward(at):
        z = run.project(at)
        steps.lstm_steps(
            by,
            z,
            bias,
            h[at],
            c[at],
            run.valid[at],
            run.backwards,
            run.y[at],
            run.before[at],
            cells[at],
            bent[at] if keep else np.empty((len(z), 1, run.units), z.dtype),
        )

    each(forward, run.parts)

    def backward(gradients, arrays, needs):
        g, dh = run.by_outputs(*gradients[:2])
        dc = gradients[2].copy()
        total = run.gradients(needs)
        back, dz = panels(recurrent_kernel.T), np.empty_like(run.z)

        def pull(at):
            steps.lstm_steps_backward(
                back,
                run.z[at],
                cells[at],
                bent[at],
                dh[at],
                dc[at],
                g[at],
                run.valid[at],
                run.backwards,
                dz[at],
            )
            return total.of(at, dz[at], dz[at])

        dx, dkernel, drecurrent, dbias, _ = total.over(each(pull, run.parts))
        return [dx, dkernel, drecurrent, dbias, dh, dc, None]

    return (run.outputs(h), h, c), backward if keep else None


def gru(xp, x, kernel, recurrent_kernel, bias, h, mask=None, *, keep=False, **options):
    """Run gated recurrent units; see `shared.rnn.gru`."""
    if not _suits(x, kernel, recurrent_kernel, bias, h):
        return NotImplemented
    run = _Run(x, kernel, recurrent_kernel, mask, keep, **options)
    h, by = h.copy(), panels(recurrent_kernel)
    input_bias, state_bias = (run.by_gate(b) for b in ((None, None) if bias is None else bias))
    proposals = run.history(keep)

    def forward(at):
        z = run.project(at)
        room = np.empty((len(z), run.width), z.dtype)
        steps.gru_steps(
            by,
            z,
            input_bias,
            state_bias,
            room,
            h[at],
            run.valid[at],
            run.backwards,
            run.y[at],
            run.before[at],
            proposals[at],
        )

    each(forward, run.parts)

    def backward(gradients, arrays, needs):
        g, dh = run.by_outputs(*gradients)
        total = run.gradients(needs)
        back, dz, dstate = panels(recurrent_kernel.T), np.empty_like(run.z), np.empty_like(run.z)

        def pull(at):
            steps.gru_steps_backward(
                back,
                run.z[at],
                run.before[at],
                proposals[at],
                dh[at],
                g[at],
                run.valid[at],
                run.backwards,
                dz[at],
                dstate[at],
            )
            return total.of(at, dz[at], dstate[at])

        dx, dkernel, drecurrent, dbias, dstate_bias = total.over(each(pull, run.parts))
        dbias = None if dbias is None else np.stack([dbias, dstate_bias])
        return [dx, dkernel, drecurrent, dbias, dh, None]

    return (run.outputs(h), h), backward if keep else None


def _suits(x, *others):
    """Whether a compiled kernel takes the call: float arrays, none of them empty."""
    given = [array for array in others if array is not None]
    return x.size > 0 and all(a.size > 0 for a in given) and plain(*given, np.empty(0, x.dtype))


class _Run:
    """The buffers of one pass over a batch of sequences, and how it is divided among threads.

    Args:
        x: Array `(batch, steps, features)`.
        kernel: Array `(features, width)`.
        recurrent_kernel: Array `(units, width)`.
        mask: Bool array `(batch, steps)` or None.
        keep: Whether a backward pass will follow.
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
        keep,
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
        numbers = self.batch * self.steps * self.width
        work = numbers * (2 * (features + self.units) / OPERATIONS + _GATE)
        self.parts = pieces(self.batch, work, each_thread=1)
        self.before, self.y = self.history(keep), self.history(return_sequences)
        gates = (self.batch, self.steps, self.width)
        self.z: Any = np.empty(gates, x.dtype) if keep else None
        if not keep:
            self.parts = _shorter(self.parts, max(1, _BLOCK // (self.steps * self.width)))

    def history(self, wanted):
        """Room for a state at every step, or none."""
        shape = (self.batch, self.steps, self.units) if wanted else (self.batch, 0, 0)
        return np.empty(shape, self.x.dtype)

    def by_gate(self, bias):
        """A bias for all gates; zeros if there is none."""
        return np.zeros(self.width, self.x.dtype) if bias is None else bias

    def project(self, at):
        """The inputs of some samples, multiplied by the kernel."""
        x = self.x[at]
        z = np.empty((len(x), self.steps, self.width), x.dtype) if self.z is None else self.z[at]
        np.matmul(_rows(x, self.steps), self.kernel, out=_rows(z, self.steps))
        return z

    def outputs(self, h):
        """What the network returns beside its states."""
        y = self.y if self.sequences else h
        if self.shown is None:
            return y if self.sequences else y.copy()
        return np.where(self.shown[..., None] if self.sequences else self.shown[:, -1:], y, 0)

    def by_outputs(self, g, by_last):
        """The gradients by the states: from all outputs (or empty), and by the last, fresh."""
        if self.shown is not None:
            shown = self.shown[..., None] if self.sequences else self.shown[:, -1:]
            g = np.where(shown, g, g.dtype.type(0))
        if self.sequences:
            return np.ascontiguousarray(g), by_last.copy()
        return np.empty((self.batch, 0, 0), g.dtype), by_last + g

    def gradients(self, needs):
        """What collects the gradients by inputs, kernels and biases."""
        return _Gradients(self, needs)


class _Gradients:
    """Gradients by inputs, kernels and biases: those of some samples, and all of them together."""

    def __init__(self, run, needs):
        self.run, self.needs = run, needs
        self.dx = np.empty_like(run.x) if needs[0] else None

    def of(self, at, dz, dstate):
        """The parts of some samples, given the gradients by the shares of inputs and state."""
        run, needs = self.run, self.needs
        z, s = _rows(dz, run.steps), _rows(dstate, run.steps)
        ones = np.ones(len(z), z.dtype) if needs[3] else None
        if self.dx is not None:
            np.matmul(z, run.kernel.T, out=_rows(self.dx[at], run.steps))
        return [
            _rows(run.x[at], run.steps).T @ z if needs[1] else None,
            _rows(run.before[at], run.steps).T @ s if needs[2] else None,
            None if ones is None else ones @ z,
            ones @ s if ones is not None and dstate is not dz else None,
        ]

    def over(self, parts):
        """The gradient by the inputs, and the sums of the parts."""
        first, *others = parts
        for part in others:
            for total, more in zip(first, part, strict=True):
                if total is not None:
                    total += more
        return [self.dx, *first]


def _rows(array, steps):
    """View `(samples, steps, ...)` as a matrix with a row for each step of each sample."""
    return array.reshape(len(array) * steps, -1)


def _shorter(parts, length):
    """Pieces of at most some length."""
    return [
        slice(start, min(start + length, part.stop))
        for part in parts
        for start in range(part.start, part.stop, length)
    ]
