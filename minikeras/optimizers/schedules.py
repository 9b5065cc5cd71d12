"""Learning rates that change with the number of steps made."""

import math

from minikeras import ops
from minikeras.core.docstrings import describe_class
from minikeras.core.registry import Table

schedule_table = Table("learning rate schedule", "keras.optimizers.schedules")


class LearningRateSchedule:
    """The base of schedules: a subclass defines `__call__(step)` and `get_config()`.

    Example:
        >>> import minikeras as keras
        >>> class Falling(keras.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 / (step + 1)
        >>> float(Falling()(4))
        0.02
    """

    def __call__(self, step):
        """Return the learning rate at a step."""
        raise TypeError(f"Schedule {type(self).__name__} must define `__call__(self, step)`.")

    def get_config(self):
        """Return the constructor's arguments."""
        raise TypeError(f"Schedule {type(self).__name__} must define `get_config(self)`.")

    @classmethod
    def from_config(cls, config):
        """Make a schedule from what `get_config` returned."""
        return cls(**config)


class _Declared(LearningRateSchedule):
    """A schedule whose attributes are its constructor's arguments.

    Args:
        initial_learning_rate: float, the rate at step 0.
        name: str, accepted and kept.
    """

    _arguments = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        describe_class(cls, {})

    def get_config(self):
        """Return the constructor's arguments."""
        return {name: getattr(self, name) for name in self._arguments}


def _float_like(step):
    """The step as a float tensor."""
    return ops.cast(step, "float32")


@schedule_table.add
class ExponentialDecay(_Declared):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        decay_steps: steps for one decay, above 0.
        decay_rate: the factor of one decay.
        staircase: whether the exponent is rounded down.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)(20))
        0.25
    """

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="ExponentialDecay",
    ):
        _check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate at a step."""
        return self.initial_learning_rate * self.decay_rate ** _progress(self, step)


@schedule_table.add
class InverseTimeDecay(_Declared):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        decay_steps: steps for one unit of time, above 0.
        decay_rate: how fast the rate falls.
        staircase: whether time is rounded down.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)(10))
        0.5
    """

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="InverseTimeDecay",
    ):
        _check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate at a step."""
        return self.initial_learning_rate / (1.0 + self.decay_rate * _progress(self, step))


@schedule_table.add
class PiecewiseConstantDecay(_Declared):
    """One constant after another: `values[i]` up to and including step `boundaries[i]`.

    Args:
        boundaries: rising list of steps.
        values: list of rates, one more than boundaries.

    Raises:
        ValueError: if the lists' lengths do not fit.

    Example:
        >>> import minikeras as keras
        >>> rate = keras.optimizers.schedules.PiecewiseConstantDecay([10], [1.0, 0.5])
        >>> float(rate(10)), float(rate(11))
        (1.0, 0.5)
    """

    _arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "`boundaries` lie between `values`, so there is one less of them. Received: "
                f"{len(boundaries)} boundaries {boundaries} and {len(values)} values {values}"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        """Return the learning rate at a step."""
        step = _float_like(step)
        rate = ops.convert_to_tensor(self.values[-1], dtype="float32")
        pairs = list(zip(self.boundaries, self.values, strict=False))
        for boundary, value in reversed(pairs):
            rate = ops.where(step <= boundary, float(value), rate)
        return rate


@schedule_table.add
class PolynomialDecay(_Declared):
    """From one rate to another along a power of the remaining steps.

    `(initial - end) * (1 - step / decay_steps) ** power + end`.

    Args:
        decay_steps: when the end is reached, above 0.
        end_learning_rate: the rate at the end.
        power: 1 for a straight line.
        cycle: whether to begin a longer cycle at the end, instead of staying there.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)(5))
        0.5
    """

    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        _check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        """Return the learning rate at a step."""
        step, steps = _float_like(step), float(self.decay_steps)
        if self.cycle:
            steps = steps * ops.maximum(ops.ceil(step / steps), 1.0)
        else:
            step = ops.minimum(step, steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1.0 - step / steps) ** self.power + self.end_learning_rate


@schedule_table.add
class CosineDecay(_Declared):
    """A rise in a straight line, if wanted, then half a cosine down to `alpha` times the top.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).

    Args:
        decay_steps: length of the fall, above 0.
        alpha: the lowest rate, as a fraction of the highest.
        warmup_target: the rate after the rise; None for no rise.
        warmup_steps: length of the rise.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.schedules.CosineDecay(1.0, 10)(10))
        0.0
    """

    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    )

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        _check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Return the learning rate at a step."""
        step = _float_like(step)
        if self.warmup_target is None:
            return self._fall(step, self.initial_learning_rate)
        done = step / float(self.warmup_steps) if self.warmup_steps else 1.0
        start = self.initial_learning_rate
        rise = start + (self.warmup_target - start) * done
        after = ops.minimum(step, float(self.warmup_steps + self.decay_steps)) - self.warmup_steps
        fall = self._fall(after, self.warmup_target)
        return ops.where(step < self.warmup_steps, rise, fall)

    def _fall(self, step, top):
        done = ops.minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        cosine = 0.5 * (1.0 + ops.cos(math.pi * done))
        return top * ((1 - self.alpha) * cosine + self.alpha)


@schedule_table.add
class CosineDecayRestarts(_Declared):
    """Half a cosine again and again, each longer by `t_mul` and lower by `m_mul`.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).

    Args:
        first_decay_steps: length of the first fall, above 0.
        t_mul: each fall's length over the one before.
        m_mul: each fall's top over the one before.
        alpha: the lowest rate, as a fraction of `initial_learning_rate`.

    Raises:
        ValueError: if `first_decay_steps` is not above 0.

    Example:
        >>> import minikeras as keras
        >>> float(keras.optimizers.schedules.CosineDecayRestarts(1.0, 10)(10))
        1.0
    """

    _arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        _check_steps(first_decay_steps, "first_decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        """Return the learning rate at a step."""
        done = _float_like(step) / float(self.first_decay_steps)
        if self.t_mul == 1.0:
            restarts = ops.floor(done)
            done = done - restarts
        else:
            growth = math.log(self.t_mul)
            restarts = ops.floor(ops.log(1.0 - done * (1.0 - self.t_mul)) / growth)
            power = self.t_mul**restarts
            done = (done - (1.0 - power) / (1.0 - self.t_mul)) / power
        cosine = 0.5 * self.m_mul**restarts * (1.0 + ops.cos(math.pi * done))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


schedule_table.add(LearningRateSchedule)


def serialize(learning_rate_schedule):
    """Return the saved form of a schedule.

    Args:
        learning_rate_schedule: a `LearningRateSchedule`.
    """
    return schedule_table.serialize(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """Return the schedule that a saved form describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class, searched first.
    """
    return schedule_table.deserialize(config, custom_objects)


def _check_steps(steps, name="decay_steps"):
    if steps is None or steps <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={steps}")


def _progress(schedule, step):
    """How many decays have passed."""
    done = _float_like(step) / float(schedule.decay_steps)
    return ops.floor(done) if schedule.staircase else done
