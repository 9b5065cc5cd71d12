"""More update rules: Adadelta, Adamax, Nadam, Ftrl, Lion."""

from minikeras import initializers
from minikeras.arrays import device
from minikeras.autograd.variable import Variable
from minikeras.kernels.shared import optimizers as kernels
from minikeras.optimizers.base import optimizer_table
from minikeras.optimizers.base_step import as_cast
from minikeras.optimizers.declare import Rule

# Nadam's momentum grows towards `beta_1` as this to the power of the step falls; Dozat (2016).
_WARM_UP = 0.96


@optimizer_table.add
class Adadelta(Rule):
    """Steps scaled by the root of a moving average of squared steps over that of gradients.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), algorithm 1.

    Equations (optimizers.adadelta):
        v = rho * v + (1 - rho) * g**2
        step = sqrt(d + epsilon) / sqrt(v + epsilon) * g
        d = rho * d + (1 - rho) * step**2
        w = w - lr * step

    Args:
        rho: how much of the averages stays at each step.
        epsilon: added to the averages.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Adadelta(1.0).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.999
    """

    _arguments = {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}
    _of_rows = "square"

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def rule(self):
        """The kernel and its averages."""
        return kernels.adadelta, [self._accumulated_grads, self._accumulated_delta_vars], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate and the hyperparameters."""
        return {
            "lr": scalar(learning_rate),
            "rho": scalar(self.rho),
            "one_minus_rho": scalar(1 - self.rho),
            "epsilon": scalar(self.epsilon),
        }


@optimizer_table.add
class Adamax(Rule):
    """Adam with the largest of the past gradients, fading, in place of their squares' average.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 2.

    Equations (optimizers.adamax):
        m = beta_1 * m + (1 - beta_1) * g
        u = maximum(beta_2 * u, abs(g))
        m_hat = m / (1 - beta_1**t)
        w = w - lr * m_hat / (u + epsilon)

    Args:
        beta_1: how much of the average gradient stays at each step.
        beta_2: how much of the largest gradient stays at each step.
        epsilon: added to the largest gradient.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Adamax(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.5
    """

    _arguments = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    _of_rows = "magnitude"

    def build(self, variables):
        """Make the average and the largest gradient per weight."""
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def rule(self):
        """The kernel, the averages and the largest gradients."""
        return kernels.adamax, [self._m, self._u], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate, the hyperparameters, and what corrects averages that begin at zero."""
        t = scalar(int(self.iterations) + 1)
        return {
            "lr": scalar(learning_rate),
            "one_minus_beta_1": scalar(1 - self.beta_1),
            "beta_2": scalar(self.beta_2),
            "bias_correction_1": scalar(1) - as_cast(self.beta_1, scalar) ** t,
            "epsilon": scalar(self.epsilon),
        }


@optimizer_table.add
class Nadam(Rule):
    """Adam with Nesterov's look ahead.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (2016), algorithm 2.

    `product` begins at one.

    Equations (optimizers.nadam):
        mu = beta_1 * (1 - 0.5 * 0.96**t)
        mu_next = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
        product = product * mu
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        v_hat = v / (1 - beta_2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + epsilon)

    Args:
        beta_1: how much of the average gradient stays at each step.
        beta_2: how much of the average square stays at each step.
        epsilon: added to the root.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Nadam(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.47
    """

    _arguments = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    _of_rows = "square"

    def build(self, variables):
        """Make the averages per weight, and the product of all momentums so far."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        dtype = variables[0].dtype if variables else None
        with device.device("cpu"):
            self._u_product = self._track(Variable(1.0, dtype=dtype))

    def begin_update(self):
        """Multiply the momentum of this step to the product."""
        product = self._u_product.array
        scalar = product.dtype.type
        fade = scalar(_WARM_UP) ** scalar(int(self.iterations) + 1)
        mu = scalar(self.beta_1) * (scalar(1) - scalar(0.5) * fade)
        self._u_product.assign(product * mu)

    def rule(self):
        """The kernel and its averages."""
        return kernels.nadam, [self._momentums, self._velocities], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate, the hyperparameters, and this step's and the next one's momentum."""
        one, t = scalar(1), scalar(int(self.iterations) + 1)
        beta_1, beta_2 = as_cast(self.beta_1, scalar), as_cast(self.beta_2, scalar)
        fade, half = as_cast(_WARM_UP, scalar), scalar(0.5)
        mu = beta_1 * (one - half * fade**t)
        mu_next = beta_1 * (one - half * fade ** (t + one))
        product = scalar(self._u_product.array)
        return {
            "lr": scalar(learning_rate),
            "one_minus_beta_1": one - beta_1,
            "one_minus_beta_2": one - beta_2,
            "m_factor": (mu_next, one - product * mu_next),
            "g_factor": (one - mu, one - product),
            "bias_correction_2": one - beta_2**t,
            "epsilon": scalar(self.epsilon),
        }


@optimizer_table.add
class Ftrl(Rule):
    """Follow the regularized leader: the weights that all past gradients together ask for.

    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches" (2013), algorithm 1.

    `n` begins at `initial_accumulator_value`, `z` at zero; `power` is `-learning_rate_power`, `l1`,
    `l2` and `shrinkage` are the strengths of the three penalties.

    Equations (optimizers.ftrl):
        n_new = n + g**2
        sigma = (n_new**power - n**power) / lr
        z = z + g + 2 * shrinkage * w - sigma * w
        w = (clip(z, -l1, l1) - z) / (n_new**power / lr + 2 * (l2 + beta / (2 * lr)))

    Args:
        learning_rate_power: from `-inf` to 0, how the rate falls with the summed squares.
        initial_accumulator_value: where the sum of squares begins, at least 0.
        l1_regularization_strength: penalty of absolute values, at least 0.
        l2_regularization_strength: penalty of squares, at least 0.
        l2_shrinkage_regularization_strength: penalty of squares through the gradient, at least 0.
        beta: added to the roots, as a penalty of squares.

    Raises:
        ValueError: if a setting is out of range.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Ftrl(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.222
    """

    _arguments = {
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    }
    _of_rows = "square"

    def check(self):
        """Raise if a setting is out of range."""
        if self.learning_rate_power > 0.0:
            raise ValueError(
                "`learning_rate_power` must be 0 or less. Received: "
                f"learning_rate_power={self.learning_rate_power}"
            )
        for name in ("initial_accumulator_value", *(n for n in self.settings() if n[0] == "l")):
            if name != "learning_rate_power" and getattr(self, name) < 0.0:
                raise ValueError(
                    f"`{name}` needs to be positive or zero. Received: "
                    f"{name}={getattr(self, name)}."
                )

    def build(self, variables):
        """Make the sums per weight."""
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], initializer=[start, "zeros"]
        )

    def rule(self):
        """The kernel and its sums."""
        return kernels.ftrl, [self._accumulators, self._linears], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate and the strengths of the penalties."""
        lr = scalar(learning_rate)
        return {
            "lr": lr,
            "power": scalar(-self.learning_rate_power),
            "l1": scalar(self.l1_regularization_strength),
            "l2": scalar(self.l2_regularization_strength) + scalar(self.beta) / (scalar(2) * lr),
            "shrinkage": scalar(2 * self.l2_shrinkage_regularization_strength),
        }


@optimizer_table.add
class Lion(Rule):
    """Steps of one size, along the signs of a blend of the gradient and its average.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2.

    Equations (optimizers.lion):
        w = w - lr * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g

    Args:
        beta_1: the average's part in the blend, above 0 up to 1.
        beta_2: how much of the average stays at each step.

    Raises:
        ValueError: if `beta_1` is out of range.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Lion(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.5
    """

    _arguments = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99}

    def check(self):
        """Raise if `beta_1` is out of range."""
        if not 0 < self.beta_1 <= 1:
            raise ValueError(
                "`beta_1` must be greater than 0 and at most 1; at 0 the update would be the sign "
                f"of the gradient alone. Received: beta_1={self.beta_1}"
            )

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def rule(self):
        """The kernel and its averages."""
        return kernels.lion, [self._momentums], {}

    def scalars(self, scalar, learning_rate):
        """The learning rate and the hyperparameters."""
        beta_1, beta_2 = as_cast(self.beta_1, scalar), as_cast(self.beta_2, scalar)
        return {"lr": scalar(learning_rate), "beta_1": beta_1, "beta_2": beta_2}
