"""What happens in a step around the rule itself.

In this order: gradients are gathered over several steps, clipped, weights decay, the rule changes
them, and moving averages of them follow.
"""

import re
from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.optimizers.clipping import clip_by_value, clip_each_norm, clip_joint_norm
from minikeras.optimizers.rows import RowGradient, dense


class Around:
    """The part of Optimizer that clips, gathers, decays and averages."""

    built: bool
    clipnorm: Any
    clipvalue: Any
    global_clipnorm: Any
    gradient_accumulation_steps: Any
    weight_decay: Any
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: Any
    iterations: Any
    _present_rate: Any
    update_step: Any
    _iterations: Any
    _averages: Any
    _sums: Any
    _trainable_variables: list
    _undecayed: set
    _undecayed_names: Any
    _get_variable_index: Any

    def _step(self, grads, variables):
        if self.gradient_accumulation_steps:
            grads = self._accumulated(grads, variables)
            if grads is None:
                return
        grads = self._clipped(grads)
        rate = self._present_rate()
        self._decay(variables, rate)
        self.begin_update()
        self._update_all(grads, variables, rate)

    def _update_all(self, grads, variables, rate):
        """Change weights, one after the other, by gradients, arrays or `RowGradient`s."""
        for g, v in zip(grads, variables, strict=True):
            gradient = Tensor(dense(g))
            if isinstance(g, RowGradient):
                gradient.rows = ((g.rows, g.places),)
            self.update_step(gradient, v, rate)

    def begin_update(self):
        """Prepare an update of all weights; nothing by default."""

    def _accumulated(self, grads, variables):
        """The mean gradients if enough steps have come together, else None."""
        steps = self.gradient_accumulation_steps
        grads = [dense(g) for g in grads]
        sums = [self._sums[self._get_variable_index(v)] for v in variables]
        if (int(self._iterations) + 1) % steps:
            for total, g in zip(sums, grads, strict=True):
                total.assign_add(g)
            return None
        pairs = zip(sums, grads, strict=True)
        means = [(g + total.array) / g.dtype.type(steps) for total, g in pairs]
        for total in self._sums:
            total.assign(Tensor(device.namespace(total.array).zeros_like(total.array)))
        return means

    def _clipped(self, grads):
        if self.clipnorm and self.clipnorm > 0:
            return clip_each_norm(grads, self.clipnorm)
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_joint_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return clip_by_value(grads, self.clipvalue)
        return grads

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Let some weights be free of decay.

        Args:
            var_list: list of weights.
            var_names: list of patterns (regular expressions); weights in whose name one is found
                are left out.

        Raises:
            ValueError: if the optimizer has been built already.
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._undecayed = set(var_list or [])
        self._undecayed_names = re.compile("|".join(var_names)) if var_names else None

    def _decay(self, variables, rate):
        if self.weight_decay is None:
            return
        for v in variables:
            if self._is_decayed(v):
                array = v.writable()
                number = array.dtype.type
                array -= array * as_cast(self.weight_decay, number) * number(rate)

    def _is_decayed(self, variable):
        names = self._undecayed_names
        return variable not in self._undecayed and not (names and names.search(variable.name))

    def _update_averages(self):
        done = int(self.iterations)
        for v, average in zip(self._trainable_variables, self._averages, strict=True):
            if average is None:
                continue
            mean = average.writable()
            momentum = mean.dtype.type(self.ema_momentum if done else 0.0)
            mean *= momentum
            mean += (mean.dtype.type(1) - momentum) * v.array
        every = self.ema_overwrite_frequency
        if every and (done + 1) % every == 0:
            self._use_averages(self._trainable_variables)

    def _use_averages(self, variables):
        for v, average in zip(variables, self._averages, strict=True):
            if average is not None:
                v.assign(average)

    def finalize_variable_values(self, var_list):
        """Let the weights become their moving averages, if these are kept; for after training.

        Args:
            var_list: list of weights.
        """
        if self.use_ema:
            self._use_averages(var_list)


def as_cast(value, number):
    """Return a setting as a number of a weight's type, as a float32 first.

    Keras on TensorFlow casts Python floats so. It also makes a float64 run follow the same rule as
    a float32 run, whose settings cannot be finer.
    """
    return number(np.float32(value))
