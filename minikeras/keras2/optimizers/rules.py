"""The update rules of Keras 2.2.4.

Every rule reads its rate from a variable, `lr`; with `decay` the rate of step t (counted from 0) is
`lr / (1 + decay * t)`. Gradients are written g, parameters p; every rule ends in the parameter's
constraint, if it has one.
"""

from typing import Any

from minikeras.core.constructors import bound, signature_of
from minikeras.keras2 import backend as K
from minikeras.keras2.optimizers.base import Optimizer
from minikeras.keras2.spelling import shown_as

_EXAMPLE = """
    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.optimizers import {name}
        >>> p = K.variable([1.0])
        >>> updates = {name}().get_updates(loss=K.sum(K.square(p)), params=[p])
        >>> _ = K.function([], [], updates)([])
        >>> bool(K.get_value(p)[0] < 1)
        True
    """
"""What stands below the formula of each rule."""


class Rule(Optimizer):
    """What the rules share: arguments that are variables, the counter, decay and constraints."""

    # Those of all rules; each has the ones that it names.
    iterations: Any
    lr: Any
    momentum: Any
    decay: Any
    nesterov: bool
    rho: Any
    beta_1: Any
    beta_2: Any
    epsilon: float
    amsgrad: bool
    schedule_decay: float

    _arguments: dict[str, Any] = {}
    """The defaults by name; numbers become variables, except those in `_plain`."""
    _saves_count = True
    """Whether the counter is among the weights."""
    _plain = ("epsilon", "nesterov", "amsgrad", "schedule_decay", "initial_decay")

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "_arguments" in vars(cls):  # a user's subclass has a constructor of its own, or ours
            cls.__init__ = _constructor(dict(cls._arguments))
        if cls.__module__ == __name__:
            cls.__doc__ = f"{cls.__doc__}\n{_EXAMPLE.format(name=cls.__name__)}"

    @shown_as("self, loss, params", "constraints")
    def get_updates(self, *args, **kwargs):
        """Return the updates of one step.

        Args:
            *args: the scalar `loss` and the list of variables `params`; or as in Keras 1 `params`,
                a dict of constraints by variable (or nothing of that kind), and `loss`.
            **kwargs: the same by name.

        Returns:
            A list of updates.

        Raises:
            TypeError: if they are other arguments.
        """
        loss, params = _loss_and_params(args, kwargs)
        self.updates = [K.update_add(self.iterations, 1)]
        slots = []
        grads = self.get_gradients(loss, params)
        self.begin(params)
        for p, g in zip(params, grads, strict=True):
            self._slots = []
            self.assign(p, self.new_value(p, g))
            slots.append(self._slots)
        by_kind = [slot for kind in zip(*slots, strict=True) for slot in kind]
        self.weights = [self.iterations] * self._saves_count + by_kind
        return self.updates

    def begin(self, params):
        """Compute what all parameters share."""
        self.rate = self.lr
        if getattr(self, "initial_decay", 0) > 0:
            self.rate = self.lr * (1.0 / (1.0 + self.decay * K.cast(self.iterations, "float32")))
        self.step = K.cast(self.iterations, "float32") + 1.0

    def new_value(self, p, g):
        """Return a parameter's next value; every rule says how."""
        raise TypeError(f"{type(self).__name__} must define `new_value`.")

    def assign(self, variable, value):
        """Add an update, for a parameter after its constraint."""
        constraint = getattr(variable, "constraint", None)
        self.updates.append(K.update(variable, value if constraint is None else constraint(value)))

    def slot(self, p, shape=None):
        """Return a new variable of zeros beside a parameter, of its shape or another."""
        variable = K.zeros(K.int_shape(p) if shape is None else shape, dtype=K.dtype(p))
        self._slots.append(variable)
        return variable

    def get_config(self):
        """Return the constructor's arguments."""
        own = {}
        for name in self._arguments:
            value = getattr(self, name)
            own[name] = value if name in self._plain else float(K.get_value(value))
        return {**own, **super().get_config()}


def _loss_and_params(args, kwargs):
    """What `get_updates` got; the constraints of Keras 1 become those of the variables."""
    is_old = len(args) > 2 or "constraints" in kwargs
    order = ("params", "constraints", "loss") if is_old else ("loss", "params")
    values = {**dict(zip(order, args, strict=False)), **kwargs}
    if values.keys() != set(order) or len(args) + len(kwargs) != len(order):
        raise TypeError(
            "get_updates() takes `loss` and `params`, or as in Keras 1 `params`, `constraints` and "
            f"`loss`. Received: {len(args)} arguments by place, and {sorted(kwargs)}"
        )
    for variable, constraint in dict(values.get("constraints") or {}).items():
        variable.constraint = constraint
    return values["loss"], values["params"]


def _constructor(arguments):
    signature = signature_of(arguments, is_open=True)

    def __init__(self, *args, **kwargs):
        values = {**arguments, **bound(signature, self, args, kwargs)}
        Optimizer.__init__(self, **values.pop("kwargs", {}))
        self.iterations = K.variable(0, dtype="int64", name="iterations")
        if "decay" in values:
            self.initial_decay = values["decay"]
        if values.get("epsilon", 0) is None:
            values["epsilon"] = K.epsilon()
        for name, value in values.items():
            setattr(self, name, value if name in self._plain else K.variable(value, name=name))

    __init__.__signature__ = signature
    return __init__


class SGD(Rule):
    """Gradient descent with momentum: `v = momentum * v - lr * g`, `p = p + v`.

    With `nesterov`, `p = p + momentum * v - lr * g`.
    """

    _arguments = {"lr": 0.01, "momentum": 0.0, "decay": 0.0, "nesterov": False}

    def new_value(self, p, g):
        """Return a parameter's next value."""
        moment = self.slot(p)
        v = self.momentum * moment - self.rate * g
        self.assign(moment, v)
        return p + self.momentum * v - self.rate * g if self.nesterov else p + v


class RMSprop(Rule):
    """`a = rho * a + (1 - rho) * g ** 2`, `p = p - lr * g / (sqrt(a) + epsilon)`."""

    _saves_count = False
    _arguments = {"lr": 0.001, "rho": 0.9, "epsilon": None, "decay": 0.0}

    def new_value(self, p, g):
        """Return a parameter's next value."""
        accumulator = self.slot(p)
        a = self.rho * accumulator + (1.0 - self.rho) * K.square(g)
        self.assign(accumulator, a)
        return p - self.rate * g / (K.sqrt(a) + self.epsilon)


class Adagrad(Rule):
    """`a = a + g ** 2`, `p = p - lr * g / (sqrt(a) + epsilon)`; `a` starts at zero."""

    _saves_count = False
    _arguments = {"lr": 0.01, "epsilon": None, "decay": 0.0}

    def new_value(self, p, g):
        """Return a parameter's next value."""
        accumulator = self.slot(p)
        a = accumulator + K.square(g)
        self.assign(accumulator, a)
        return p - self.rate * g / (K.sqrt(a) + self.epsilon)


class Adadelta(Rule):
    """Steps in the unit of the parameter.

    `a = rho * a + (1 - rho) * g ** 2`, `u = g * sqrt(d + epsilon) / sqrt(a + epsilon)`,
    `p = p - lr * u`, `d = rho * d + (1 - rho) * u ** 2`.
    """

    _saves_count = False
    _arguments = {"lr": 1.0, "rho": 0.95, "epsilon": None, "decay": 0.0}

    def new_value(self, p, g):
        """Return a parameter's next value."""
        accumulator, delta = self.slot(p), self.slot(p)
        a = self.rho * accumulator + (1.0 - self.rho) * K.square(g)
        self.assign(accumulator, a)
        u = g * K.sqrt(delta + self.epsilon) / K.sqrt(a + self.epsilon)
        self.assign(delta, self.rho * delta + (1.0 - self.rho) * K.square(u))
        return p - self.rate * u


class Adam(Rule):
    """Means of gradients and of their squares, corrected for their start from zero.

    `m = beta_1 * m + (1 - beta_1) * g`, `v = beta_2 * v + (1 - beta_2) * g ** 2`,
    `p = p - lr * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t) * m / (sqrt(v) + epsilon)`; with
    `amsgrad` the largest v so far stands for v.
    """

    _arguments = {
        "lr": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": None,
        "decay": 0.0,
        "amsgrad": False,
    }

    def begin(self, params):
        """Correct the rate for the means' start from zero."""
        super().begin(params)
        self.corrected = self.rate * (
            K.sqrt(1.0 - K.pow(self.beta_2, self.step)) / (1.0 - K.pow(self.beta_1, self.step))
        )

    def new_value(self, p, g):
        """Return a parameter's next value."""
        mean, square = self.slot(p), self.slot(p)
        m = self.beta_1 * mean + (1.0 - self.beta_1) * g
        v = self.beta_2 * square + (1.0 - self.beta_2) * K.square(g)
        self.assign(mean, m)
        self.assign(square, v)
        largest = self.slot(p, None if self.amsgrad else (1,))  # files hold one number without it
        if self.amsgrad:
            v = K.maximum(largest, v)
            self.assign(largest, v)
        return p - self.corrected * m / (K.sqrt(v) + self.epsilon)


class Adamax(Rule):
    """Adam with the largest gradient in place of the mean of squares.

    `u = max(beta_2 * u, |g|)`, `p = p - lr / (1 - beta_1 ** t) * m / (u + epsilon)`.
    """

    _arguments = {"lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": None, "decay": 0.0}

    def new_value(self, p, g):
        """Return a parameter's next value."""
        mean, largest = self.slot(p), self.slot(p)
        m = self.beta_1 * mean + (1.0 - self.beta_1) * g
        u = K.maximum(self.beta_2 * largest, K.abs(g))
        self.assign(mean, m)
        self.assign(largest, u)
        rate = self.rate / (1.0 - K.pow(self.beta_1, self.step))
        return p - rate * m / (u + self.epsilon)


class Nadam(Rule):
    """Adam with Nesterov's momentum (T. Dozat, "Incorporating Nesterov Momentum into Adam", 2015).

    With `mu_t = beta_1 * (1 - 0.5 * 0.96 ** (t * schedule_decay))` and `M_t` the product of
    `mu_1 ... mu_t`: `g' = g / (1 - M_t)`, `m' = m / (1 - M_(t+1))`, `v' = v / (1 - beta_2 ** t)`,
    `p = p - lr * ((1 - mu_t) * g' + mu_(t+1) * m') / (sqrt(v') + epsilon)`.
    """

    _arguments = {
        "lr": 0.002,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": None,
        "schedule_decay": 0.004,
    }

    def begin(self, params):
        """Advance the product of the momentum's factors."""
        super().begin(params)
        self.m_schedule = K.variable(1.0, name="m_schedule")
        t = self.step
        self.mu = self.beta_1 * (1.0 - 0.5 * K.pow(0.96, t * self.schedule_decay))
        self.mu_next = self.beta_1 * (1.0 - 0.5 * K.pow(0.96, (t + 1.0) * self.schedule_decay))
        self.product = self.m_schedule * self.mu
        self.assign(self.m_schedule, self.product)

    def new_value(self, p, g):
        """Return a parameter's next value."""
        mean, square = self.slot(p), self.slot(p)
        m = self.beta_1 * mean + (1.0 - self.beta_1) * g
        v = self.beta_2 * square + (1.0 - self.beta_2) * K.square(g)
        self.assign(mean, m)
        self.assign(square, v)
        gradient = g / (1.0 - self.product)
        momentum = m / (1.0 - self.product * self.mu_next)
        v = v / (1.0 - K.pow(self.beta_2, self.step))
        step = (1.0 - self.mu) * gradient + self.mu_next * momentum
        return p - self.rate * step / (K.sqrt(v) + self.epsilon)
