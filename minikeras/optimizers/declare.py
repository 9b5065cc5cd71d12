"""An optimizer's arguments, declared once: from them come the constructor and the config."""

import inspect
from typing import TYPE_CHECKING, Any

from minikeras.kernels.shared.optimizers import run_in_pieces
from minikeras.optimizers.base import Optimizer
from minikeras.optimizers.rows import RowGradient, gradient_array

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


class Rule(Optimizer):
    """An optimizer with a rule of its own.

    A subclass lists its first arguments with their defaults in `_arguments`, the learning rate
    among them; those that all optimizers share follow. What is its own becomes an attribute.
    """

    _arguments: dict[str, Any] = {"learning_rate": 0.001}  # replaced, never changed

    if TYPE_CHECKING:  # the checker cannot see what the names in `_arguments` become

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "_arguments" in cls.__dict__:
            cls.__init__ = _constructor({**cls._arguments, **_COMMON, **cls._arguments})

    @classmethod
    def settings(cls):
        """Return the arguments that are the class's own, with their defaults."""
        shared = {"learning_rate", *_COMMON}
        return {name: value for name, value in cls._arguments.items() if name not in shared}

    def check(self):
        """Raise if a setting is out of range; nothing by default."""

    def get_config(self):
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in self.settings()}

    def run(self, kernel, gradient, variable, *states, **numbers):
        """Call a kernel on the weight and its states, all in place."""
        array = gradient.data.astype(variable.array.dtype, copy=False)
        arrays = [variable.writable(), array, *[s.writable() for s in states]]
        run_in_pieces(kernel, arrays, numbers)

    def squared(self, gradient):
        """The squared gradient where it is not simply the square, else None; see `rows`."""
        found = gradient_array(gradient)
        return found.squared() if isinstance(found, RowGradient) else None

    def magnitude(self, gradient):
        """The absolute gradient where it is not simply the absolute value, else None."""
        found = gradient_array(gradient)
        return found.magnitude() if isinstance(found, RowGradient) else None

    def state_of(self, states: Any, variable) -> Any:
        """Return the state that belongs to a weight."""
        return states[self._get_variable_index(variable)]


def scalar(variable, value):
    """Return a number in the dtype of a weight, so that arithmetic stays in it."""
    return variable.array.dtype.type(value)


def _constructor(arguments):
    """A constructor that takes the arguments by place or by name, and any more by name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("self", kind)]
    parameters += [inspect.Parameter(n, kind, default=d) for n, d in arguments.items()]
    parameters.append(inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD))
    signature = inspect.Signature(parameters)

    def __init__(self, *args, **kwargs):  # it becomes the class's own
        bound = signature.bind(self, *args, **kwargs)
        given = {**arguments, **bound.arguments}
        own = self.settings()
        shared = {n: v for n, v in given.items() if n in arguments and n not in own}
        Optimizer.__init__(self, **shared, **given.get("kwargs", {}))
        for name in own:
            setattr(self, name, given[name])
        self.check()

    made: Any = __init__
    made.__signature__ = signature
    return made
