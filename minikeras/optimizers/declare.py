"""An optimizer's arguments, declared once: from them come the constructor and the config."""

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from minikeras.core.constructors import constructor
from minikeras.core.docstrings import describe_class, described, texts_of
from minikeras.kernels.shared.optimizers import run_in_chunks
from minikeras.optimizers.base import Optimizer
from minikeras.optimizers.checks import ignore_decay
from minikeras.optimizers.flat_weights import LARGEST, FlatWeights
from minikeras.optimizers.rows import RowGradient, dense, gradient_array

_COMMON = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "name": None,
}
# What a kernel may take beside the gradient, and the method of `RowGradient` that computes it.
_FROM_ROWS = {"square": "squared", "magnitude": "magnitude"}


class Rule(Optimizer):
    """An optimizer with a rule of its own.

    A subclass lists its first arguments with their defaults in `_arguments`, the learning rate
    among them; those that all optimizers share follow. What is its own becomes an attribute. What
    it does with a weight it declares as well: a kernel with the states it takes (`rule`), and the
    scalars of a step, computed once for all weights (`scalars`).
    """

    _arguments: dict[str, Any] = {"learning_rate": 0.001}  # replaced, never changed
    # The kernel's argument that sparse gradients (rows, indices) give in their own way; see `rows`.
    _of_rows: str | None = None

    if TYPE_CHECKING:  # the checker cannot see what the names in `_arguments` become

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "_arguments" in cls.__dict__:
            arguments = {**cls._arguments, **_COMMON, **cls._arguments}
            cls.__init__ = constructor(arguments, _initialize, is_open=True)
            describe_class(cls, {"**kwargs": texts_of(Optimizer.__doc__)["**kwargs"]})

    @classmethod
    def settings(cls):
        """Return the arguments that are the class's own, with their defaults."""
        shared = {"learning_rate", *_COMMON}
        return {name: value for name, value in cls._arguments.items() if name not in shared}

    def __getstate__(self):
        """All but the flat arrays of small weights: a copy makes them of its own weights."""
        return {**vars(self), "_flat_weights": {}}

    def check(self):
        """Raise if a setting is out of range; nothing by default."""

    def get_config(self):
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in self.settings()}

    def rule(self):
        """What changes a weight.

        Returns:
            A kernel, the lists of the states that it takes after weight and gradient, and a dict
            of those that it takes by name.
        """
        raise TypeError(f"Optimizer {type(self).__name__} must define `rule`.")

    def scalars(self, scalar, learning_rate):
        """Return the scalars of a step, which are the same for all weights of a dtype.

        Args:
            scalar: the type of a number of that dtype, `np.float32` for example.
            learning_rate: a number.

        Returns:
            The kernel's further arguments, a dict.
        """
        raise TypeError(f"Optimizer {type(self).__name__} must define `scalars`.")

    @described(Optimizer.update_step)
    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        self._update([gradient_array(gradient)], [variable], learning_rate)

    def _update_all(self, grads, variables, learning_rate):
        """Change weights by gradients, arrays or `RowGradient`s."""
        if type(self).update_step is Rule.update_step:
            self._update(grads, variables, learning_rate)
        else:
            super()._update_all(grads, variables, learning_rate)

    def _update(self, grads, variables, learning_rate):
        rule, scalars = self.rule(), {}
        small: dict[Any, Any] = {}
        for gradient, variable in zip(grads, variables, strict=True):
            dtype = variable.array.dtype
            if dtype not in scalars:
                scalars[dtype] = self.scalars(dtype.type, learning_rate)
            if type(gradient) is np.ndarray and gradient.size <= LARGEST:
                small.setdefault(dtype, []).append((gradient, variable))
            else:
                self._update_one(rule, gradient, variable, scalars[dtype])
        for dtype, pairs in small.items():
            if len(pairs) > 1:
                self._update_flat(rule, *zip(*pairs, strict=True), scalars[dtype])
            else:
                self._update_one(rule, *pairs[0], scalars[dtype])

    def _update_one(self, rule, gradient, variable, scalars):
        (kernel, states, by_name), at = rule, self._get_variable_index(variable)
        if self._of_rows and isinstance(gradient, RowGradient):
            scalars = scalars | {self._of_rows: getattr(gradient, _FROM_ROWS[self._of_rows])()}
        if by_name:
            scalars = scalars | {name: held[at].writable() for name, held in by_name.items()}
        gradient = dense(gradient).astype(variable.array.dtype, copy=False)
        states = [held[at].writable() for held in states]
        run_in_chunks(kernel, [variable.writable(), gradient, *states], scalars)

    def _update_flat(self, rule, grads, variables, scalars):
        (kernel, states, by_name), dtype = rule, variables[0].array.dtype
        flat = self._flat_weights.get(dtype)
        if flat is None or not _are_same(flat.variables, variables):
            at = [self._get_variable_index(v) for v in variables]
            lists = [[held[i] for i in at] for held in (*states, *by_name.values())]
            flat = self._flat_weights[dtype] = FlatWeights(variables, lists)
        weights, gradient, *arrays = flat.arrays(grads)
        if by_name:
            scalars = scalars | dict(zip(by_name, arrays[len(states) :], strict=True))
        run_in_chunks(kernel, [weights, gradient, *arrays[: len(states)]], scalars)


def _are_same(variables, others):
    return len(variables) == len(others) and all(map(operator.is_, variables, others))


def _initialize(self, values, **more):
    """What a rule's constructor does with its arguments."""
    ignore_decay(more)
    own = self.settings()
    shared = {name: value for name, value in values.items() if name not in own}
    Optimizer.__init__(self, **shared, **more)
    for name in own:
        setattr(self, name, values[name])
    self._flat_weights = {}  # by dtype
    self.check()
