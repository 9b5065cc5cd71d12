"""Optimizer: what all update rules share.

A subclass makes its per-weight state in `build` and changes one weight in `update_step`. Here are
the options, and what is checked before a step; the variables are in `state`, and the step itself is
the chain in `base_step`.
"""

import re
from copy import copy
from typing import Any

from minikeras.autograd.node import recording
from minikeras.autograd.program import replayed
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import names, registry
from minikeras.core.copying import CopiedWhole
from minikeras.core.old_names import argument_hint, explains_old_methods
from minikeras.core.old_names.tables import OF_OPTIMIZERS
from minikeras.core.registry import Table
from minikeras.optimizers import base_step
from minikeras.optimizers.checks import check_options, ignore_decay, with_gradients
from minikeras.optimizers.rows import RowGradient, dense, gradient_array
from minikeras.optimizers.schedules import LearningRateSchedule
from minikeras.optimizers.state import State

optimizer_table = Table("optimizer", "keras.optimizers")


@replayed
def _apply(optimizer, grads, variables):
    """Take a step; a recorded program calls this again, for it changes variables in place."""
    optimizer._apply(grads, variables)


@explains_old_methods(OF_OPTIMIZERS)
class Optimizer(State, CopiedWhole):
    """The base of optimizers.

    Args:
        learning_rate: a float, a `LearningRateSchedule`, or a callable without arguments.
        weight_decay: weights shrink by this times the learning rate at each step; None for not.
        clipnorm: each gradient is scaled down to at most this norm.
        clipvalue: each gradient's elements are clipped to at most this size.
        global_clipnorm: all gradients are scaled down together to at most this norm.
        use_ema: whether a moving average of the weights is kept.
        ema_momentum: how much of the average stays at each step.
        ema_overwrite_frequency: after how many steps the weights become their average; None for
            at the end of training.
        loss_scale_factor: the loss is multiplied by it and the gradients divided by it.
        gradient_accumulation_steps: over how many steps gradients are averaged before an update.
        name: a name, or None for an automatic one.
        **kwargs: `decay`, of older versions, which is ignored with a warning.

    Raises:
        ValueError: if options contradict each other or are out of range.

    Example:
        >>> import minikeras as keras
        >>> class Descent(keras.optimizers.Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         variable.assign_sub(learning_rate * gradient)
        >>> x = keras.Variable(1.0)
        >>> Descent(0.5).apply([keras.ops.ones(())], [x])
        >>> float(x)
        0.5
    """

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        ignore_decay(kwargs)
        if kwargs:
            hint = argument_hint(kwargs, type(self).__name__)
            raise ValueError(f"Argument(s) not recognized: {kwargs}{hint}")
        check_options(
            (clipnorm, clipvalue, global_clipnorm),
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            gradient_accumulation_steps,
        )
        self.name = name or names.of_class(type(self))
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps: Any = gradient_accumulation_steps
        self._undecayed = set()
        self._undecayed_names = None
        State.__init__(self, learning_rate)

    def apply_gradients(self, grads_and_vars):
        """Update weights by `(gradient, variable)` pairs.

        Args:
            grads_and_vars: iterable of pairs.

        Returns:
            The variable that counts the steps.
        """
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(list(gradients), list(variables))
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update weights by their gradients.

        Args:
            grads: list of tensors, None where there is no gradient.
            trainable_variables: list of weights; by default those of `build`.

        Raises:
            ValueError: if the lists do not match, a weight is unknown, or there is no gradient.
        """
        optimizer = self
        if recording.recorder is not None:
            if not self.built and trainable_variables is not None:
                self.build(trainable_variables)
            optimizer = self._as_traced()
        _apply(optimizer, grads, trainable_variables)

    def _as_traced(self):
        """This optimizer as a recorded step holds it: with the settings of now, and its variables.

        What is set on the optimizer later does not reach such a step, as in Keras.
        """
        traced = object.__new__(type(self))
        traced.__dict__.update(self.__dict__)
        kept = self._learning_rate
        if isinstance(kept, LearningRateSchedule):
            traced._learning_rate = copy(kept)
        elif not isinstance(kept, Variable):
            value = kept()
            if not hasattr(value, "as_operand") and not isinstance(value, Tensor):
                traced._learning_rate = lambda: value
        return traced

    def _apply(self, grads, trainable_variables):
        if len(grads) == 0:
            return
        variables = self._matched(grads, trainable_variables)
        grads, variables = with_gradients(grads, variables)
        grads, variables = base_step.overwritten(grads, variables)
        if variables:
            base_step.take(self, [gradient_array(g) for g in grads], variables)
        iterations = self._iterations.writable()
        iterations += 1

    def _matched(self, grads, variables):
        """The weights that the gradients belong to; the state is built if it was not yet."""
        if variables is None:
            if not self.built:
                raise ValueError(
                    "`apply(grads)` needs the variables that the gradients belong to: pass "
                    "`trainable_variables`, or call `optimizer.build(trainable_variables)` first."
                )
            variables = self._trainable_variables
        variables = list(variables)
        if len(grads) != len(variables):
            raise ValueError(
                "When passing `grads` as a list, the number of gradients and of variables must "
                f"match. Received {len(grads)} grads and {len(variables)} variables."
            )
        if not self.built:
            self.build(variables)
        for v in variables:
            if v not in self._places:
                raise ValueError(
                    f"Variable '{v.path}' is none of those that the optimizer was built for; other "
                    "variables need an optimizer of their own."
                )
        return variables

    def begin_update(self):
        """Prepare an update of all weights; nothing by default."""

    def _update_all(self, grads, variables, learning_rate):
        """Change weights, one after the other, by gradients, arrays or `RowGradient`s."""
        for g, v in zip(grads, variables, strict=True):
            gradient = Tensor(dense(g))
            if isinstance(g, RowGradient):
                gradient.rows = ((g.rows, g.places),)
            self.update_step(gradient, v, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight; every optimizer says how.

        Args:
            gradient: tensor of the weight's shape.
            variable: the weight.
            learning_rate: a number.
        """
        raise TypeError(f"Optimizer {type(self).__name__} must define `update_step`.")

    def assign(self, variable, value):
        """Replace the values of a weight or of a state variable; for use in `update_step`."""
        variable.assign(value)

    def assign_add(self, variable, value):
        """Add to the values of a weight or of a state variable; for use in `update_step`."""
        variable.assign_add(value)

    def assign_sub(self, variable, value):
        """Subtract from the values of a weight or a state variable; for use in `update_step`."""
        variable.assign_sub(value)

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
                "Call `exclude_from_weight_decay()` before the first step: the optimizer has its "
                "variables already."
            )
        self._undecayed = set(var_list or [])
        self._undecayed_names = re.compile("|".join(var_names)) if var_names else None

    def _is_decayed(self, variable):
        names = self._undecayed_names
        return variable not in self._undecayed and not (names and names.search(variable.name))

    def finalize_variable_values(self, var_list):
        """Let the weights become their moving averages, if these are kept; for after training.

        Args:
            var_list: list of weights.
        """
        if self.use_ema:
            base_step.use_averages(self, var_list)

    def scale_loss(self, loss):
        """Return the loss multiplied by the scale factor, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def stateless_apply(self, *_args):
        """Raise: state lives in variables here."""
        raise ValueError("Use `apply`: the optimizer's state is kept in its variables.")

    def get_config(self):
        """Return the constructor's arguments."""
        learning_rate = self._learning_rate
        if isinstance(learning_rate, Variable):
            learning_rate = float(learning_rate)
        elif isinstance(learning_rate, LearningRateSchedule):
            learning_rate = registry.serialize(learning_rate)
        return {
            "name": self.name,
            "learning_rate": learning_rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make an optimizer from what `get_config` returned."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = registry.deserialize(config["learning_rate"], custom_objects)
        return cls(**config)
