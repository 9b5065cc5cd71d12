"""What a layer holds: its weights, its sub-layers, its losses, found by watching its attributes."""

from typing import Any

import numpy as np

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import trees
from minikeras.core.old_names import HOW
from minikeras.layers.base import tracking
from minikeras.metrics.base import Metric
from minikeras.ops.random.seeds import SeedGenerator


class State:
    """The part of Layer that keeps variables, sub-layers, metrics and losses."""

    # What `_init_state` sets, past the watch over attributes.
    _trainable: bool
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]
    _layers: list[Any]
    _metrics: list[Metric]
    _seed_generators: list[SeedGenerator]
    _losses: list[Any]
    _cache: dict[Any, Any]

    # What the other parts give.
    name: str
    built: bool

    def _init_state(self, trainable):
        set_quietly = super().__setattr__
        set_quietly("_trainable", trainable)
        set_quietly("_trainable_variables", [])
        set_quietly("_non_trainable_variables", [])
        set_quietly("_layers", [])
        set_quietly("_metrics", [])
        set_quietly("_seed_generators", [])
        set_quietly("_losses", [])
        set_quietly("_cache", {})

    def __setattr__(self, name, value):
        if "_cache" in self.__dict__ and name not in _UNTRACKED:
            value = self._track(value)
        super().__setattr__(name, value)

    def __delattr__(self, name):
        self._untrack(self.__dict__.get(name))
        super().__delattr__(name)

    def __getstate__(self):
        """What the layer holds, without what it looked up; and the containers that it watches."""
        state: Any = super().__getstate__()
        if "_cache" not in state:
            return state
        return {**state, "_cache": {}, "_watched": tracking.owned_by(self, vars(self).values())}

    def __setstate__(self, state):
        state = dict(state)
        for container in state.pop("_watched", []):
            container.owner = self
        rest: Any = super()
        rest.__setstate__(state)

    def _track(self, value):
        """Note a value if it is state; wrap it if it is a container that may come to hold some."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        store = self._store_for(value)
        if store is not None:
            if not any(value is item for item in store):
                store.append(value)
                tracking.changed()
            return value
        if kind is list:
            return tracking.TrackedList(value, self)
        if kind is dict:
            return tracking.TrackedDict(value, self)
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(self._track(item) for item in value)
        return value

    def _store_for(self, value) -> list[Any] | None:
        if isinstance(value, Variable):
            return self._trainable_variables if value.trainable else self._non_trainable_variables
        if isinstance(value, Metric):
            return self._metrics
        if isinstance(value, State):
            return self._layers if value is not self else None
        return self._seed_generators if isinstance(value, SeedGenerator) else None

    def _untrack(self, value):
        for item in trees.flatten(value):
            store = self._store_for(item)
            if store is not None:
                store[:] = [kept for kept in store if kept is not item]
                tracking.changed()

    def _cached(self, key, compute):
        """Return `compute()`, remembered until some layer's structure changes."""
        version, value = self._cache.get(key, (None, None))
        if version != tracking.version():
            value = compute()
            self._cache[key] = (tracking.version(), value)
        return value

    def _flatten_layers(self, include_self=True, recursive=True):
        """Return this layer and all layers inside it, each once, outer ones before inner ones.

        The order is Keras's, since losses and metrics are listed in it: the layers directly inside
        from the first to the last, those inside them from the last to the first.
        """
        by_id = {id(self): self} if include_self else {}
        waiting = list(reversed(self._layers))
        while waiting:
            sub = waiting.pop()
            if id(sub) not in by_id:
                by_id[id(sub)] = sub
                waiting.extend(sub._layers if recursive else ())
        return list(by_id.values())

    def _own_and_below(self, own, below):
        by_id = {id(v): v for v in own}
        for sub in self._layers:
            by_id.update((id(v), v) for v in getattr(sub, below))
        return list(by_id.values())

    @property
    def variables(self):
        """All variables: weights and the states of random generators."""

        def compute():
            own = self._trainable_variables + self._non_trainable_variables
            seeds = [generator.state for generator in self._seed_generators]
            return self._own_and_below(own + seeds, "variables")

        return list(self._cached("variables", compute))

    @property
    def weights(self):
        """The weights: this layer's own, trainable ones first, then those of its sub-layers."""

        def compute():
            own = self._trainable_variables + self._non_trainable_variables
            return self._own_and_below(own, "weights")

        return list(self._cached("weights", compute))

    @property
    def trainable_variables(self):
        """The variables that training changes; none if the layer is frozen."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self):
        """The variables that training does not change through gradients."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable_weights(self):
        """The weights that training changes; none if the layer is frozen."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The weights that training does not change through gradients."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def metrics(self):
        """The metrics of this layer and its sub-layers."""
        by_id = {id(m): m for m in self._metrics}
        for sub in self._layers:
            by_id.update((id(m), m) for m in sub.metrics)
        return list(by_id.values())

    @property
    def metrics_variables(self):
        """The variables of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self):
        """Whether training changes the layer's weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for v in self._trainable_variables:
            v.trainable = self._trainable
        for sub in self._layers:
            sub.trainable = self._trainable
        tracking.changed()

    def count_params(self):
        """Return the number of elements in all weights.

        Raises:
            ValueError: if the layer has no weights yet.
        """
        if not self.built:
            raise ValueError(
                f"Layer '{self.name}' has no weights to count before it is built: call it, or "
                "`layer.build(input_shape)`."
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self):
        """Return copies of all weights as a list of NumPy arrays."""
        return [np.array(v.numpy()) for v in self.weights]

    def set_weights(self, weights):
        """Replace all weights.

        Args:
            weights: list of arrays, in the order and of the shapes of `get_weights()`.

        Raises:
            ValueError: if their number or a shape differs; then nothing has changed.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"Layer '{self.name}' has {len(own)} weights, in the order of `get_weights()`. "
                f"Received: {len(weights)} arrays"
            )
        arrays = [np.asarray(w) for w in weights]
        for v, array in zip(own, arrays, strict=True):
            if tuple(v.shape) != array.shape:
                raise ValueError(
                    f"Weight '{v.path}' of layer '{self.name}' needs an array of shape "
                    f"{tuple(v.shape)}. Received: shape {array.shape}"
                )
        for v, array in zip(own, arrays, strict=True):
            v.assign(array)

    def add_loss(self, loss):
        """Add a term to the loss of the model that this layer is part of.

        Terms hold until the next call of the model, which begins without any.

        Args:
            loss: scalar tensor, or a nest of them; one with axes counts by its sum.

        Raises:
            ValueError: if a term is no tensor with values.
        """
        terms = trees.flatten(loss)
        for term in terms:
            if not isinstance(term, (Tensor, Abstract, Variable)):
                raise ValueError(_no_loss(term, self.name))
        if not symbolic.in_abstract_scope():
            self._losses.extend(terms)

    @property
    def losses(self):
        """The added losses of the last call and the penalties of the regularizers, as scalars."""
        added = [term for sub in self._all_layers() for term in sub._losses]
        return added + [v.regularizer(v) for v in self._regularized() if v.trainable]

    def _all_layers(self):
        return self._cached("layers", self._flatten_layers)

    def _regularized(self):
        def compute():
            return [v for v in self.weights if v.regularizer is not None]

        return self._cached("regularized", compute)

    def _clear_losses(self):
        for sub in self._all_layers():
            if sub._losses:
                sub._losses.clear()


def _no_loss(term, layer_name):
    expected = f"`add_loss()` of layer '{layer_name}' expects a tensor computed in `call()` or "
    if isinstance(term, KerasTensor):
        return (
            f"{expected}`build()`. Received a symbolic one: {term}. A loss of a graph's tensors "
            "belongs into the graph: call a layer on them whose `call()` passes the tensor to "
            "`self.add_loss()` and returns its input. In Keras 2 it took tensors of the "
            f"graph.{HOW}"
        )
    return (
        f"{expected}`build()`. Received: {term!r} (of type {type(term).__name__}). Make a number a "
        "tensor with `ops.convert_to_tensor`; call the function that computes a loss."
    )


_UNTRACKED = frozenset({"_losses", "_inbound_nodes", "_outbound_nodes", "_metrics", "_layers"})
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, np.ndarray, type})
