"""The state of an optimizer: its learning rate, and the variables that belong to weights."""

import warnings
from typing import Any

from minikeras import initializers
from minikeras.arrays import device
from minikeras.autograd.postponed import make_variable
from minikeras.autograd.variable import Variable
from minikeras.core import names
from minikeras.optimizers import rate


class State:
    """The part of Optimizer that holds variables."""

    # What the other part gives.
    name: str
    use_ema: bool
    gradient_accumulation_steps: Any

    def __init__(self, learning_rate):
        self.built = False
        self._variables = []
        self._trainable_variables = []
        self._places = {}
        self._averages: Any = None
        self._sums: Any = None
        with names.name_scope(self.name):
            with device.device("cpu"):  # it is read at each step: a GPU would be waited for
                self._iterations = self._track(
                    Variable(0, dtype="int64", trainable=False, name="iteration")
                )
            self._learning_rate = rate.made_of(learning_rate)
            if isinstance(self._learning_rate, Variable):
                self._track(self._learning_rate)

    def _track(self, variable):
        variable.overwrite_with_gradient = False
        self._variables.append(variable)
        return variable

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step; assign to it to change a constant one."""
        return rate.of_step(self._learning_rate, self._iterations)

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        before = self._learning_rate
        self._learning_rate = rate.replaced(before, learning_rate)
        if self._learning_rate is not before:
            self._variables = [v for v in self._variables if v is not before]

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
        with names.name_scope(self.name), reference_variable.place():
            variable = make_variable(
                initializers.get(initializer),
                shape=reference_variable.shape,
                dtype=reference_variable.dtype,
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

    def add_optimizer_variables(self, trainable_variables, name, initializer: Any = "zeros"):
        """Make a list of state variables, one for each weight (None for frozen ones).

        Args:
            trainable_variables: list of weights.
            name: name of the state, or a list of names for several lists.
            initializer: initializer or its name, or a list of them.

        Returns:
            A list of variables, or a tuple of lists.

        Raises:
            ValueError: if there are not as many initializers as names.
        """
        kinds = [name] if isinstance(name, str) else list(name)
        starts = initializer
        if isinstance(name, str) or not isinstance(initializer, (list, tuple)):
            starts = [initializer] * len(kinds)
        if len(starts) != len(kinds):
            raise ValueError(
                "There must be one initializer for all names, or one for each. Received: "
                f"name={name!r}, initializer={initializer!r}"
            )
        lists = tuple([] for _ in kinds)
        for v in trainable_variables:
            for part, kind, start in zip(lists, kinds, starts, strict=True):
                state = None
                if not v.overwrite_with_gradient:
                    state = self.add_variable_from_reference(v, name=kind, initializer=start)
                part.append(state)
        return lists[0] if isinstance(name, str) else lists

    def build(self, variables):
        """Make the state for a list of weights.

        Args:
            variables: list of trainable variables.
        """
        self._trainable_variables = list(variables)
        self._places = {v: i for i, v in enumerate(variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._sums = self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def _get_variable_index(self, variable):
        return self._places[variable]

    def set_weights(self, weights):
        """Replace the values of `variables`.

        Args:
            weights: list of arrays, in the order and of the shapes of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or a shape differs; nothing has changed.
        """
        if not self.built:
            raise ValueError(
                "The optimizer has no variables yet: call `optimizer.build(trainable_variables)` "
                "before `set_weights`."
            )
        pairs = list(zip(self.variables, weights, strict=False))
        for v, w in pairs:
            if tuple(v.shape) != tuple(w.shape):
                raise ValueError(
                    f"Variable '{v.path}' of the optimizer needs an array of shape "
                    f"{tuple(v.shape)}. Received: shape {tuple(w.shape)}"
                )
        for v, w in pairs:
            v.assign(w)

    def save_own_variables(self, store):
        """Put the optimizer's variables into a store; `keras.saving` calls this.

        Args:
            store: a mapping from names to arrays, to be filled.
        """
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable

    def load_own_variables(self, store):
        """Take the optimizer's variables from a store; if their number differs, only warn.

        Args:
            store: a mapping from names to NumPy arrays, as `save_own_variables` filled it.
        """
        own = self.variables
        if len(store.keys()) != len(own):
            warnings.warn(
                f"The optimizer '{self.name}' has {len(own)} variables, the store has "
                f"{len(store.keys())}: they are left out.",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])
