"""Optimizer: what all update rules share.

A subclass makes its per-weight state in `build` and changes one weight in `update_step`. Everything
around that is here: clipping, accumulation over several steps, decay, moving averages of the
weights, loss scaling, constraints.
"""

import re
import warnings
from typing import Any

import numpy as np

from minikeras import initializers
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import dtypes, names, registry, settings
from minikeras.core.registry import Table
from minikeras.optimizers.clipping import clip_by_value, clip_each_norm, clip_joint_norm
from minikeras.optimizers.rows import RowGradient, dense, gradient_array
from minikeras.optimizers.schedules import LearningRateSchedule

optimizer_table = Table("optimizer", "keras.optimizers")


class Optimizer:
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

    Raises:
        ValueError: if options contradict each other or are out of range.
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
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "Argument `decay` is no longer supported and will be ignored.", stacklevel=3
            )
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        _check_options(
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
        self.built = False
        self._variables = []
        self._trainable_variables = []
        self._places = {}
        self._undecayed = set()
        self._undecayed_names = None
        self._averages: Any = None
        self._sums: Any = None
        with names.name_scope(self.name):
            self._iterations = self._track(
                Variable(0, dtype="int64", trainable=False, name="iteration")
            )
            self._learning_rate = self._as_rate(learning_rate)

    def _as_rate(self, learning_rate):
        if isinstance(learning_rate, dict):
            learning_rate = registry.deserialize(learning_rate)
        if isinstance(learning_rate, LearningRateSchedule):
            return learning_rate
        if _is_function(learning_rate):
            return learning_rate
        if not isinstance(learning_rate, (int, float)) and not hasattr(learning_rate, "dtype"):
            raise ValueError(
                "Argument `learning_rate` should be float, or an instance of "
                "LearningRateSchedule, or a callable (that takes in the current iteration value "
                "and returns the corresponding learning rate value). "
                f"Received instead: learning_rate={learning_rate}"
            )
        rate = float(learning_rate)
        return self._track(
            Variable(rate, dtype=settings.floatx(), trainable=False, name="learning_rate")
        )

    def _track(self, variable):
        variable.overwrite_with_gradient = False
        self._variables.append(variable)
        return variable

    # State

    @property
    def variables(self):
        """The optimizer's own variables: the step count, the rate, and the state by weight."""
        return list(self._variables)

    @property
    def iterations(self):
        """How many updates have been made."""
        if self.gradient_accumulation_steps:
            return self._iterations // self.gradient_accumulation_steps
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step; assign to it to change a constant one."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        if isinstance(self._learning_rate, Variable):
            if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
                self._variables.remove(self._learning_rate)
                self._learning_rate = learning_rate
                return
            self._learning_rate.assign(float(learning_rate))
        elif isinstance(learning_rate, LearningRateSchedule):
            self._learning_rate = learning_rate
        else:
            raise TypeError(
                "This optimizer instance was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not settable. "
                "If you need the learning rate to be settable, you should instantiate the "
                "optimizer with a float `learning_rate` argument."
            )

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """Make a state variable of the shape and dtype of a weight.

        Args:
            reference_variable: the weight.
            name: name of the state.
            initializer: initializer or its name.

        Returns:
            The variable.
        """
        name = name or "var"
        stem = reference_variable.path or reference_variable.name
        with names.name_scope(self.name):
            variable = Variable(
                initializers.get(initializer),
                shape=reference_variable.shape,
                dtype=dtypes.name_of(reference_variable.array.dtype),
                trainable=False,
                name=f"{stem.replace('/', '_')}_{name}",
            )
        return self._track(variable)

    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation="none", name=None):
        """Make a state variable.

        Args:
            shape: sizes.
            initializer: initializer or its name.
            dtype: dtype name; the default float type if None.
            aggregation: how copies on several devices are joined.
            name: its name.

        Returns:
            The variable.
        """
        with names.name_scope(self.name):
            return self._track(
                Variable(
                    initializers.get(initializer),
                    shape=shape,
                    dtype=dtype,
                    trainable=False,
                    aggregation=aggregation,
                    name=name,
                )
            )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Make a list of state variables, one for each weight (None for frozen ones).

        Args:
            trainable_variables: list of weights.
            name: name of the state, or a list of names for several lists.
            initializer: initializer or its name, or a list of them.

        Returns:
            A list of variables, or a tuple of lists.
        """
        if isinstance(name, str):
            return [
                None
                if v.overwrite_with_gradient
                else self.add_variable_from_reference(v, name=name, initializer=initializer)
                for v in trainable_variables
            ]
        starts = [initializer] * len(name) if isinstance(initializer, str) else initializer
        lists = [[] for _ in name]
        for v in trainable_variables:
            for part, one, start in zip(lists, name, starts, strict=True):
                part.append(self.add_variable_from_reference(v, name=one, initializer=start))
        return tuple(lists)

    def build(self, variables):
        """Make the state for a list of weights.

        Args:
            variables: list of trainable variables.
        """
        self._trainable_variables = list(variables)
        self._places = {id(v): i for i, v in enumerate(variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._sums = self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def _get_variable_index(self, variable):
        return self._places[id(variable)]

    # Steps

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
            ValueError: if the lists do not match, a weight is unknown, or no gradient came.
        """
        if len(grads) == 0:
            return
        variables = self._matched(grads, trainable_variables)
        grads, variables = _with_gradients(grads, variables)
        grads, variables = self._overwrite(grads, variables)
        if variables:
            arrays = [gradient_array(g) for g in grads]
            if self.loss_scale_factor is not None:
                arrays = [g / g.dtype.type(self.loss_scale_factor) for g in arrays]
            self._step(arrays, variables)
            if self.use_ema:
                self._update_averages()
            for v in variables:
                if v.constraint is not None:
                    v.assign(v.constraint(v))
        self._iterations.assign_add(1)

    def _matched(self, grads, variables):
        """The weights that the gradients belong to; the state is built if it was not yet."""
        if variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be "
                    "built on a list of variables. Call `optimizer.build(trainable_variables)` "
                    "first."
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
            if id(v) not in self._places:
                raise ValueError(
                    f"Unknown variable: {v.path}. This optimizer can only be called for the "
                    "variables it was originally built with. When working with a new set of "
                    "variables, you should recreate a new optimizer instance."
                )
        return variables

    def _overwrite(self, grads, variables):
        """Assign the gradient to those weights that are made so; return the others."""
        if not any(v.overwrite_with_gradient for v in variables):
            return grads, variables
        left = []
        for g, v in zip(grads, variables, strict=True):
            if v.overwrite_with_gradient:
                v.assign(g)
            else:
                left.append((g, v))
        return [g for g, _ in left], [v for _, v in left]

    def _step(self, grads, variables):
        if self.gradient_accumulation_steps:
            grads = self._accumulated(grads, variables)
            if grads is None:
                return
        grads = self._clipped(grads)
        rate = self._present_rate()
        self._decay(variables, rate)
        for g, v in zip(grads, variables, strict=True):
            gradient = Tensor(dense(g))
            if isinstance(g, RowGradient):
                gradient.rows = (g.rows, g.places)
            self.update_step(gradient, v, rate)

    def _present_rate(self):
        """The learning rate of this step as a NumPy scalar."""
        rate = self.learning_rate
        if isinstance(rate, Variable):
            return rate.array[()]
        return rate.data[()] if isinstance(rate, Tensor) else np.float32(rate)

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
            total.assign(np.zeros(total.shape, total.array.dtype))
        return means

    def _clipped(self, grads):
        if self.clipnorm and self.clipnorm > 0:
            return clip_each_norm(grads, self.clipnorm)
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_joint_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return clip_by_value(grads, self.clipvalue)
        return grads

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight; every optimizer says how.

        Args:
            gradient: tensor of the weight's shape.
            variable: the weight.
            learning_rate: a number.
        """
        raise TypeError(f"Optimizer {type(self).__name__} must define `update_step`.")

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
        self._undecayed = {id(v) for v in var_list or []}
        self._undecayed_names = re.compile("|".join(var_names)) if var_names else None

    def _decay(self, variables, rate):
        if self.weight_decay is None:
            return
        for v in variables:
            if self._is_decayed(v):
                array = v.writable()
                array -= array * as_cast(self.weight_decay, array.dtype) * array.dtype.type(rate)

    def _is_decayed(self, variable):
        names = self._undecayed_names
        return id(variable) not in self._undecayed and not (names and names.search(variable.name))

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

    def scale_loss(self, loss):
        """Return the loss multiplied by the scale factor, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def stateless_apply(self, *_args):
        """Raise: state lives in variables here."""
        raise ValueError("Use `apply`: the optimizer's state is kept in its variables.")

    def get_config(self):
        """Return the constructor's arguments."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            rate = float(rate)
        elif isinstance(rate, LearningRateSchedule):
            rate = registry.serialize(rate)
        return {
            "name": self.name,
            "learning_rate": rate,
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


def as_cast(value, dtype):
    """Return a setting in the dtype of a weight, as a float32 first.

    Keras on TensorFlow casts Python floats so. It also makes a float64 run follow the same rule as
    a float32 run, whose settings cannot be finer.
    """
    return dtype.type(np.float32(value))


def _is_function(rate):
    """Whether a learning rate is to be called for its value; a variable is not."""
    return callable(rate) and not hasattr(rate, "as_operand")


def _check_options(clips, use_ema, momentum, overwrite, accumulation):
    if sum(clip is not None for clip in clips) > 1:
        raise ValueError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
            f"clipnorm={clips[0]}, clipvalue={clips[1]}, global_clipnorm={clips[2]}."
        )
    if use_ema:
        if not 0 <= momentum <= 1:
            raise ValueError(f"`ema_momentum` must be in the range [0, 1]. Received: {momentum}")
        if overwrite is not None and (not isinstance(overwrite, int) or overwrite < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
                f"ema_overwrite_frequency={overwrite}"
            )
    if accumulation is not None and accumulation < 2:
        raise ValueError(
            "`gradient_accumulation_steps` must be an integer >= 2. Received: "
            f"gradient_accumulation_steps={accumulation}"
        )


def _with_gradients(grads, variables):
    """Leave out the weights without a gradient, with a warning; raise if that is all of them."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if not missing:
        return grads, variables
    if len(missing) == len(variables):
        raise ValueError("No gradients provided for any variable.")
    warnings.warn(
        f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
        "`model.compile()`, did you forget to provide a `loss` argument?",
        stacklevel=4,
    )
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]
