"""More update rules: Adadelta, Adamax, Nadam, Ftrl, Lion."""

from minikeras import initializers
from minikeras.arrays import device
from minikeras.autograd.variable import Variable
from minikeras.kernels.shared import optimizers as kernels
from minikeras.optimizers.around import as_cast
from minikeras.optimizers.base import optimizer_table
from minikeras.optimizers.declare import Rule, scalar

# Nadam's momentum grows towards `beta_1` as this to the power of the step falls; Dozat (2016).
_WARM_UP = 0.96


@optimizer_table.add
class Adadelta(Rule):
    """Steps scaled by the root of a moving average of squared steps over that of gradients.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012).

    Args:
        learning_rate: a float, schedule or callable.
        rho: how much of the averages stays at each step.
        epsilon: added to the averages.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum: see `Optimizer`.
        ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see `Optimizer`.
        name: a name.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Adadelta(1.0).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.999
    """

    _arguments = {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        self.run(
            kernels.adadelta,
            gradient,
            variable,
            self.state_of(self._accumulated_grads, variable),
            self.state_of(self._accumulated_delta_vars, variable),
            lr=scalar(variable, learning_rate),
            rho=scalar(variable, self.rho),
            share=scalar(variable, 1 - self.rho),
            epsilon=scalar(variable, self.epsilon),
            square=self.squared(gradient),
        )


@optimizer_table.add
class Adamax(Rule):
    """Adam with the largest of the past gradients, fading, in place of their squares' average.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), section 7.1.

    Args:
        learning_rate: a float, schedule or callable.
        beta_1: how much of the average gradient stays at each step.
        beta_2: how much of the largest gradient stays at each step.
        epsilon: added to the largest gradient.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum: see `Optimizer`.
        ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see `Optimizer`.
        name: a name.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Adamax(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.5
    """

    _arguments = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def build(self, variables):
        """Make the average and the largest gradient per weight."""
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        dtype = variable.array.dtype
        step = dtype.type(int(self.iterations) + 1)
        self.run(
            kernels.adamax,
            gradient,
            variable,
            self.state_of(self._m, variable),
            self.state_of(self._u, variable),
            lr=scalar(variable, learning_rate),
            share=scalar(variable, 1 - self.beta_1),
            beta_2=scalar(variable, self.beta_2),
            left=dtype.type(1) - as_cast(self.beta_1, dtype) ** step,
            epsilon=scalar(variable, self.epsilon),
            magnitude=self.magnitude(gradient),
        )


@optimizer_table.add
class Nadam(Rule):
    """Adam with Nesterov's look ahead.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (2016).

    Args:
        learning_rate: a float, schedule or callable.
        beta_1: how much of the average gradient stays at each step.
        beta_2: how much of the average square stays at each step.
        epsilon: added to the root.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum: see `Optimizer`.
        ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see `Optimizer`.
        name: a name.

    Example:
        >>> import minikeras as keras
        >>> w = keras.Variable(1.0)
        >>> keras.optimizers.Nadam(0.5).apply([keras.ops.convert_to_tensor(1.0)], [w])
        >>> round(float(w), 3)
        0.47
    """

    _arguments = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

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
        number = product.dtype.type
        fade = number(_WARM_UP) ** number(int(self.iterations) + 1)
        momentum = number(self.beta_1) * (number(1) - number(0.5) * fade)
        self._u_product.assign(product * momentum)

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        dtype = variable.array.dtype
        one, step = dtype.type(1), dtype.type(int(self.iterations) + 1)
        beta_1, beta_2 = as_cast(self.beta_1, dtype), as_cast(self.beta_2, dtype)
        fade, half = as_cast(_WARM_UP, dtype), dtype.type(0.5)
        now = beta_1 * (one - half * fade**step)
        later = beta_1 * (one - half * fade ** (step + one))
        product = dtype.type(self._u_product.array)
        self.run(
            kernels.nadam,
            gradient,
            variable,
            self.state_of(self._momentums, variable),
            self.state_of(self._velocities, variable),
            lr=scalar(variable, learning_rate),
            share_1=one - beta_1,
            share_2=one - beta_2,
            factor_m=(later, one - product * later),
            factor_g=(one - now, one - product),
            left=one - beta_2**step,
            epsilon=scalar(variable, self.epsilon),
            square=self.squared(gradient),
        )


@optimizer_table.add
class Ftrl(Rule):
    """Follow the regularized leader: the weights that all past gradients together ask for.

    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches" (2013), algorithm 1.

    Args:
        learning_rate: a float, schedule or callable.
        learning_rate_power: from `-inf` to 0, how the rate falls with the summed squares.
        initial_accumulator_value: where the sum of squares begins, at least 0.
        l1_regularization_strength: penalty of absolute values, at least 0.
        l2_regularization_strength: penalty of squares, at least 0.
        l2_shrinkage_regularization_strength: penalty of squares through the gradient, at least 0.
        beta: added to the roots, as a penalty of squares.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum: see `Optimizer`.
        ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see `Optimizer`.
        name: a name.

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

    def check(self):
        """Raise if a setting is out of range."""
        if self.learning_rate_power > 0.0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={self.learning_rate_power}."
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

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        lr = scalar(variable, learning_rate)
        beta, two = scalar(variable, self.beta), scalar(variable, 2)
        self.run(
            kernels.ftrl,
            gradient,
            variable,
            self.state_of(self._accumulators, variable),
            self.state_of(self._linears, variable),
            lr=lr,
            power=scalar(variable, -self.learning_rate_power),
            l1=scalar(variable, self.l1_regularization_strength),
            l2=scalar(variable, self.l2_regularization_strength) + beta / (two * lr),
            shrinkage=scalar(variable, 2 * self.l2_shrinkage_regularization_strength),
            square=self.squared(gradient),
        )


@optimizer_table.add
class Lion(Rule):
    """Steps of one size, along the signs of a blend of the gradient and its average.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023).

    Args:
        learning_rate: a float, schedule or callable.
        beta_1: the average's part in the blend, above 0 up to 1.
        beta_2: how much of the average stays at each step.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum: see `Optimizer`.
        ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see `Optimizer`.
        name: a name.

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
                "Argument `beta_1` must be in the (0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={self.beta_1}."
            )

    def build(self, variables):
        """Make the averages per weight."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight."""
        dtype = variable.array.dtype
        self.run(
            kernels.lion,
            gradient,
            variable,
            self.state_of(self._momentums, variable),
            lr=scalar(variable, learning_rate),
            beta_1=as_cast(self.beta_1, dtype),
            beta_2=as_cast(self.beta_2, dtype),
        )
