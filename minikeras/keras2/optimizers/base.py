"""Optimizer of Keras 2: a rule that turns a loss of the graph into updates of variables."""

from typing import Any

from minikeras.keras2 import backend as K


class Optimizer:
    """The base of optimizers: `get_updates` says how parameters change.

    Args:
        **kwargs: `clipnorm`, the largest norm of all gradients together, and `clipvalue`, the
            largest absolute value of an element.

    Raises:
        TypeError: for another argument.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.optimizers import Optimizer
        >>> class Descent(Optimizer):
        ...     def get_updates(self, loss, params):
        ...         grads = self.get_gradients(loss, params)
        ...         return [K.update_sub(p, 0.1 * g) for p, g in zip(params, grads)]
        >>> p = K.variable(1.0)
        >>> _ = K.function([], [], Descent().get_updates(loss=K.square(p), params=[p]))([])
        >>> round(float(K.get_value(p)), 3)
        0.8
    """

    lr: Any
    clipnorm: float
    clipvalue: float

    def __init__(self, **kwargs):
        unknown = set(kwargs) - {"clipnorm", "clipvalue"}
        if unknown:
            raise TypeError(
                f"Unexpected keyword argument passed to optimizer {type(self).__name__}: "
                f"{sorted(unknown)}"
            )
        self.__dict__.update(kwargs)
        self.updates = []
        self.weights = []

    def get_updates(self, loss, params):
        """Return the updates of one step.

        Args:
            loss: scalar of the graph.
            params: list of variables.

        Returns:
            A list of updates.
        """
        raise TypeError(f"Optimizer {type(self).__name__} must define `get_updates`.")

    def get_gradients(self, loss, params):
        """Return the gradients of the loss, clipped as the optimizer was told.

        Args:
            loss: scalar of the graph.
            params: list of variables.

        Returns:
            A list of symbolic tensors.

        Raises:
            ValueError: if the loss does not depend on a parameter.
        """
        grads = K.gradients(loss, params)
        if any(g is None for g in grads):
            missing = [p.name for p, g in zip(params, grads, strict=True) if g is None]
            raise ValueError(
                f"The loss does not depend on the parameters {missing}: an operation has no "
                "gradient (`K.argmax`, `K.round`, `K.eval` have none)."
            )
        if getattr(self, "clipnorm", 0) > 0:
            squares = [K.sum(K.square(g)) for g in grads]
            norm = K.sqrt(sum(squares[1:], squares[0]))
            grads = [clip_norm(g, self.clipnorm, norm) for g in grads]
        if getattr(self, "clipvalue", 0) > 0:
            grads = [K.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def set_weights(self, weights):
        """Give the optimizer's own variables values, in the order of `get_weights`."""
        if len(self.weights) != len(weights):
            raise ValueError(
                f"The optimizer has {len(self.weights)} weights, but {len(weights)} were given."
            )
        for variable, value in zip(self.weights, weights, strict=True):
            if tuple(variable.shape) != tuple(value.shape):
                raise ValueError(
                    f"A weight of the optimizer needs an array of shape {tuple(variable.shape)}. "
                    f"Received: shape {tuple(value.shape)}"
                )
            K.set_value(variable, value)

    def get_weights(self):
        """Return the values of the optimizer's own variables."""
        return K.batch_get_value(self.weights)

    def get_config(self):
        """Return the arguments that every optimizer has."""
        return {key: getattr(self, key) for key in ("clipnorm", "clipvalue") if hasattr(self, key)}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what `get_config` returned."""
        return cls(**config)

    @property
    def learning_rate(self):
        """The variable `lr`, by its name of later versions."""
        return self.lr

    @learning_rate.setter
    def learning_rate(self, value):
        K.set_value(self.lr, value)


def clip_norm(g, c, n):
    """Return a gradient scaled down where a norm `n` is more than `c`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.optimizers import clip_norm
        >>> K.eval(clip_norm(K.constant([4.0]), 1.0, K.constant(4.0))).tolist()
        [1.0]
    """
    return K.switch(n >= c, g * (c / n), g) if c > 0 else g
