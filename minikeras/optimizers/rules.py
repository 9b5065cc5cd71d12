"""The update rules: SGD, Adagrad, RMSprop, Adam, AdamW."""

import numpy as np

from minikeras import initializers
from minikeras.kernels.shared import optimizers as kernels
from minikeras.optimizers.base import optimizer_table
from minikeras.optimizers.base_step import as_cast
from minikeras.optimizers.declare import Rule


@optimizer_table.add
class SGD(Rule):
    """Gradient descent, with momentum if wanted.

    Sources: Robbins and Monro, "A Stochastic Approximation Method" (1951); Sutskever et al., "On
    the importance of initialization and momentum in deep learning" (2013).

    Equations (optimizers.sgd):
        w = w - lr * g

    With momentum, where `v` is the velocity:

    Equations (optimizers.sgd_momentum):
        v = momentum * v - lr * g
        w = w + v

    With momentum in Nesterov's form:

    Equations (optimizers.sgd_nesterov):
        v = momentum * v - lr * g
        w = w + momentum * v - lr * g

    Args:
        momentum: from 0 to 1, how much of the last step stays.
        nesterov: whether to use Nesterov's form.

    Raises:
        ValueError: if the momentum is outside 0 to 1.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.SGD(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> float(w)
        0.5
    """

    _arguments = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}

    def check(self):
        """Raise if the momentum is out of range."""
        if not isinstance(self.momentum, (int, float)) or not 0 <= self.momentum <= 1:
            raise ValueError(
                f"`momentum` must be a number from 0 to 1. Received: momentum={self.momentum!r}"
            )

    def build(self, variables):
        """Make one velocity per weight, if there is momentum."""
        if self.built:
            return
        super().build(variables)
        if self.momentum:
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def rule(self):
        """The kernel, with the velocities if there is momentum."""
        if self.momentum:
            return kernels.sgd_momentum, [self.momentums], {}
        return kernels.sgd, [], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate, and what momentum needs."""
        if not self.momentum:
            return {"lr": scalar(learning_rate)}
        momentum, nesterov = as_cast(self.momentum, scalar), bool(self.nesterov)
        return {"lr": scalar(learning_rate), "momentum": momentum, "nesterov": nesterov}


@optimizer_table.add
class Adagrad(Rule):
    """Steps divided by the root of the sum of all squared gradients so far.

    Source: Duchi et al., "Adaptive Subgradient Methods" (2011).

    `v` begins at `initial_accumulator_value`.

    Equations (optimizers.adagrad):
        v = v + g**2
        w = w - lr * g / sqrt(v + epsilon)

    Args:
        initial_accumulator_value: where the sum begins.
        epsilon: added to the sum.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.Adagrad(0.1).get_config()["initial_accumulator_value"]
        0.1
    """

    _arguments = {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}
    _of_rows = "square"

    def build(self, variables):
        """Make one sum per weight."""
        if self.built:
            return
        super().build(variables)
        value = self.initial_accumulator_value
        self._accumulators = self.add_optimizer_variables(
            variables, "accumulator", initializer=initializers.Constant(value)
        )

    def rule(self):
        """The kernel, and the sums."""
        return kernels.adagrad, [self._accumulators], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate and the hyperparameter."""
        return {"lr": scalar(learning_rate), "epsilon": scalar(self.epsilon)}


@optimizer_table.add
class RMSprop(Rule):
    """Steps divided by the root of a moving average of squared gradients.

    Source: Hinton, "Neural Networks for Machine Learning", lecture 6e (2012); the centered form is
    from Graves, "Generating Sequences With Recurrent Neural Networks" (2013), section 4.2.

    Equations (optimizers.rmsprop):
        v = rho * v + (1 - rho) * g**2
        w = w - lr * g / sqrt(v + epsilon)

    Centered, with the mean gradient `m`:

    Equations (optimizers.rmsprop_centered):
        v = rho * v + (1 - rho) * g**2
        m = rho * m + (1 - rho) * g
        w = w - lr * g / sqrt(v - m**2 + epsilon)

    With momentum, in either form, the steps gather in the velocity `b`:

    Equations (optimizers.rmsprop_momentum):
        v = rho * v + (1 - rho) * g**2
        b = momentum * b + lr * g / sqrt(v + epsilon)
        w = w - b

    Args:
        rho: how much of the average stays at each step.
        momentum: how much of the last step stays.
        epsilon: added to the average.
        centered: whether the square of the mean gradient is subtracted from the average.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.RMSprop().get_config()["rho"]
        0.9
    """

    _arguments = {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": False,
    }
    _of_rows = "square"

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(variables, "average_gradient")

    def rule(self):
        """The kernel and its averages."""
        by_name = {}
        if self.centered:
            by_name["m"] = self._average_gradients
        if self.momentum > 0:
            by_name["b"] = self._momentums
        return kernels.rmsprop, [self._velocities], by_name

    def scalars(self, scalar, learning_rate):
        """The learning rate and the hyperparameters."""
        return {
            "lr": scalar(learning_rate),
            "rho": scalar(self.rho),
            "one_minus_rho": scalar(1 - self.rho),
            "epsilon": scalar(self.epsilon),
            "momentum": scalar(self.momentum),
        }


@optimizer_table.add
class Adam(Rule):
    """Steps along a moving average of gradients, divided by the root of that of their squares.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), with the order of
    computation of the end of its section 2; AMSGrad from Reddi et al. (2018).

    At step `t`, with the mean gradient `m` and the mean squared gradient `v`, which begin at zero:

    Equations (optimizers.adam):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)  # averages that begin at zero are too small: corrected
        v_hat = v / (1 - beta_2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + epsilon / sqrt(1 - beta_2**t))

    which the kernel computes rearranged, with one division less:

    Equations (optimizers.adam_rearranged):
        m = m + (g - m) * (1 - beta_1)
        v = v + (g**2 - v) * (1 - beta_2)
        alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (sqrt(v) + epsilon)

    AMSGrad divides by the root of the largest `v` so far:

    Equations (optimizers.amsgrad):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        v_max = maximum(v_max, v)
        alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (sqrt(v_max) + epsilon)

    Args:
        beta_1: how much of the average gradient stays at each step.
        beta_2: how much of the average square stays at each step.
        epsilon: added to the root of the uncorrected average square.
        amsgrad: whether to use the largest average square so far.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Adam(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 5)
        0.5
    """

    _arguments = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": False,
    }
    _of_rows = "square"

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat")

    def rule(self):
        """The kernel and its averages."""
        by_name = {"v_max": self._velocity_hats} if self.amsgrad else {}
        return kernels.adam, [self._momentums, self._velocities], by_name

    def scalars(self, scalar, learning_rate):
        """The learning rate corrected for averages that begin at zero, and how these are made."""
        one, t = scalar(1), scalar(int(self.iterations) + 1)
        bias_correction_1 = one - as_cast(self.beta_1, scalar) ** t
        bias_correction_2 = one - as_cast(self.beta_2, scalar) ** t
        return {
            "alpha": scalar(learning_rate) * np.sqrt(bias_correction_2) / bias_correction_1,
            "one_minus_beta_1": scalar(1 - self.beta_1),
            "one_minus_beta_2": scalar(1 - self.beta_2),
            "epsilon": scalar(self.epsilon),
        }


@optimizer_table.add
class AdamW(Adam):
    """Adam with weight decay that does not pass through the gradients.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.

    Equations (optimizers.adamw):
        w = w - lr * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + epsilon / sqrt(1 - beta_2**t))

    Raises:
        ValueError: if `weight_decay` is None.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.AdamW().weight_decay
        0.004
    """

    _arguments = {"learning_rate": 0.001, "weight_decay": 0.004, **Adam.settings()}

    def check(self):
        """Raise if there is no decay."""
        if self.weight_decay is None:
            raise ValueError(
                "`AdamW` needs a `weight_decay`, such as 0.004; without one use `Adam`. Received: "
                "weight_decay=None"
            )
