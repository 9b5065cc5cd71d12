"""What the recurrent kernels share: everything but the step itself.

All buffers have the time axis first. One matrix product serves the inputs of all steps, and one
each the gradients with respect to the inputs and to both kernels; only the product with the
previous state is left inside the loop. A masked step leaves the states as they are.
"""

from minikeras.kernels.shared.dense import column_sums, flat

# So much of a projection stays in the L2 cache of a core until the steps use it.
_BLOCK_BYTES = 1 << 19


class Steps:
    """The inputs of a recurrence in the order of its steps, and how its outputs are shown.

    Args:
        xp: The array module.
        x: Array `(batch, steps, features)`.
        mask: Bool array `(batch, steps)` or None; False where there is no data.
        return_sequences: Whether the result holds all steps or only the last.
        go_backwards: Whether to begin at the last step.
        zero_output_for_mask: Whether the output of a masked step is zero rather than the one
            before it (zero before the first).
    """

    def __init__(self, xp, x, mask, return_sequences, go_backwards, zero_output_for_mask):
        self.xp = xp
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.inputs = xp.ascontiguousarray(self._in_order(x.swapaxes(0, 1)))
        self.masked = self.shown = None
        if mask is not None:
            valid = self._in_order(mask.T[..., None])
            self.masked = ~valid
            self.shown = valid if zero_output_for_mask else xp.cumsum(valid, axis=0) > 0

    def __len__(self):
        return len(self.inputs)

    def _in_order(self, steps):
        return steps[::-1] if self.go_backwards else steps

    # Forward

    def projections(self, kernel, bias):
        """Yield for every step the inputs multiplied by a kernel, with a bias added.

        The product is made for some steps at once, in a buffer that each next block overwrites.
        """
        batch, width = self.inputs.shape[1], kernel.shape[1]
        length = max(1, _BLOCK_BYTES // (max(1, batch) * width * kernel.dtype.itemsize))
        buffer = self.xp.empty((min(length, len(self)), batch, width), kernel.dtype)
        for start in range(0, len(self), length):
            inputs = self.inputs[start : start + length]
            z = buffer[: len(inputs)]
            self.xp.matmul(flat(inputs), kernel, out=flat(z))
            if bias is not None:
                z += bias
            yield from z

    def states_from(self, first):
        """Return a buffer for a state before and after every step, the first one filled in."""
        states = self.xp.empty((len(self) + 1, *first.shape), first.dtype)
        states[0] = first
        return states

    def carry_over(self, t, states):
        """After step `t`, give the samples masked there their former state again."""
        if self.masked is not None:
            self.xp.copyto(states[t + 1], states[t], where=self.masked[t])

    def outputs(self, states):
        """Return the outputs `(batch, steps, units)`, or that of the last step."""
        y, shown = states[1:], self.shown
        if not self.return_sequences:
            y, shown = y[-1], None if shown is None else shown[-1]
        if shown is not None:
            y = self.xp.where(shown, y, 0)
        return y.swapaxes(0, 1) if self.return_sequences else y

    # Backward

    def output_gradients(self, dy, dh):
        """Return what the loss passes back to the states directly, not through later steps.

        Args:
            dy: Gradient with respect to what `outputs` returned.
            dh: Gradient with respect to the last state.

        Returns:
            The gradients with respect to the outputs of all steps, `(steps, batch, units)`, None
            if only the last was returned; and that with respect to the last state, in a new array.
        """
        shown = self.shown
        if self.return_sequences:
            dy = dy.swapaxes(0, 1)
            return dy if shown is None else self.xp.where(shown, dy, 0), dh.copy()
        total = dh + (dy if shown is None else self.xp.where(shown[-1], dy, 0))
        return None, self.xp.ascontiguousarray(total)

    def clear_masked(self, t, *gradients):
        """Let nothing flow into what step `t` computed for the samples masked there."""
        if self.masked is not None:
            for gradient in gradients:
                self.xp.copyto(gradient, 0, where=self.masked[t])

    def pass_masked(self, t, gradient, later):
        """Where step `t` is masked, the state's gradient is the later one, unchanged."""
        if self.masked is not None:
            self.xp.copyto(gradient, later, where=self.masked[t])

    def input_gradients(self, dz, kernel, needs):
        """Return the gradients with respect to the inputs and to their kernel.

        `dx = dz @ kernel.T` for every step, and `dkernel`, the sum of `x.T @ dz` over the steps.

        Args:
            dz: Gradients `(steps, batch, width)` with respect to what `projections` yields.
            kernel: Array `(features, width)`.
            needs: Two bools.
        """
        xp, dx, dkernel = self.xp, None, None
        if needs[0]:
            dx = xp.matmul(flat(dz), kernel.T).reshape(self.inputs.shape)
            dx = self._in_order(dx).swapaxes(0, 1)
        if needs[1]:
            dkernel = over_steps(xp, self.inputs, dz)
        return dx, dkernel


def by_gate(array, count):
    """View `(..., batch, count * units)` as `(..., count, batch, units)`.

    Steps compute on a copy in this order: whole blocks of memory are several times as fast as
    blocks of columns.
    """
    *others, width = array.shape
    return array.reshape(*others, count, width // count).swapaxes(-2, -3)


def over_steps(xp, a, b):
    """Return the sum over steps and samples of the outer products of the rows of `a` and `b`."""
    return xp.matmul(flat(a).T, flat(b))


def summed(xp, dz):
    """Return the sum over steps and samples: the gradient with respect to a bias."""
    return column_sums(xp, flat(dz))


def sigmoid_in_place(xp, z):
    """Replace `z` by `1 / (1 + exp(-z))`, exact for the smallest results as for the largest.

    Where `exp` overflows to infinity, the result is the zero that it should be.
    """
    xp.negative(z, out=z)
    xp.exp(z, out=z)
    z += 1
    xp.divide(1, z, out=z)


def tanh_slope(xp, y, out):
    """Write `1 - y * y`, the slope of tanh where it takes the value `y`."""
    xp.multiply(y, y, out=out)
    xp.subtract(1, out, out=out)


def sigmoid_slope(xp, y, out):
    """Write `y - y * y`, the slope of the sigmoid where it takes the value `y`."""
    xp.multiply(y, y, out=out)
    xp.subtract(y, out, out=out)
