"""Dropout in recurrent cells: masks that are drawn once and hold for all steps of a sequence.

One mask for all steps, on the inputs and on the state: Gal and Ghahramani (2016).
"""

from collections.abc import Callable
from typing import Any

from minikeras import ops
from minikeras.autograd import symbolic
from minikeras.layers.rnn.fields import Recurrent
from minikeras.ops.random.dropout import dropout


class DropoutRNNCell(Recurrent):
    """The part of a cell that draws and remembers its masks.

    A cell has `dropout` and `recurrent_dropout` rates and a `seed_generator`. With recurrent
    dropout, each of `gates_with_own_mask` gates has masks of its own, of the inputs too.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: Any
    gates_with_own_mask = 1
    _dropout_mask = None
    _recurrent_dropout_mask = None

    def get_dropout_mask(self, step_input):
        """Return the mask of the inputs, drawn on the first call after a reset.

        Args:
            step_input: tensor `(batch, features)`.

        Returns:
            A tensor of that shape with entries 0 or `1 / (1 - dropout)`, a tuple of them if each
            gate has its own, or None without dropout.
        """
        if self._dropout_mask is None and self.dropout:
            mask = self._drawn(step_input, self.dropout)
            if symbolic.in_abstract_scope():
                return mask
            self._dropout_mask = mask
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input):
        """Return the mask of the state, drawn on the first call after a reset.

        Args:
            step_input: tensor `(batch, units)`, a state.

        Returns:
            As `get_dropout_mask`.
        """
        if self._recurrent_dropout_mask is None and self.recurrent_dropout:
            mask = self._drawn(step_input, self.recurrent_dropout)
            if symbolic.in_abstract_scope():
                return mask
            self._recurrent_dropout_mask = mask
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self):
        """Forget the mask of the inputs."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self):
        """Forget the mask of the state."""
        self._recurrent_dropout_mask = None

    def skip_masks(self):
        """Let the generator step on as if the masks of one call had been drawn."""
        if symbolic.in_abstract_scope():
            return
        for rate in (self.dropout, self.recurrent_dropout):
            for _ in range(self._masks_per_call() if 0 < rate < 1 else 0):
                self.seed_generator.next()

    def _masks_per_call(self):
        return self.gates_with_own_mask if self.recurrent_dropout else 1

    def _drawn(self, like, rate):
        ones = ops.ones_like(like)
        masks = [
            dropout(ones, rate, seed=self.seed_generator) for _ in range(self._masks_per_call())
        ]
        return tuple(masks) if len(masks) > 1 else masks[0]


def project(x, kernel, mask, product: Callable[..., Any] = ops.matmul, axis=-1):
    """Multiply by a kernel after dropout.

    Args:
        x: tensor `(batch, features)`, or with spatial axes for a convolution.
        kernel: tensor `(features, gates * units)`, or `(*window, channels, gates * filters)`.
        mask: None, a tensor like `x`, or a tuple with one for every gate.
        product: function of `x` and a kernel: a matrix product or a convolution.
        axis: the axis of the product's result that counts the gates' units.

    Returns:
        A tensor `(batch, gates * units)`, or what the convolution makes.
    """
    if mask is None:
        return product(x, kernel)
    if not isinstance(mask, tuple):
        return product(x * mask, kernel)
    kernels = ops.split(kernel, len(mask), axis=-1)
    parts = [product(x * m, k) for m, k in zip(mask, kernels, strict=True)]
    return ops.concatenate(parts, axis=axis)
