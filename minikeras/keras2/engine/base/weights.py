"""The weights of a layer: those that training changes, and the others."""

from typing import Any

from minikeras.keras2.initializers import is_name

_ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_ORDER_OF_KERAS_1 = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")


def weight_arguments(args, kwargs):
    """Return the arguments of `add_weight` by name.

    Args:
        args: those by place, in the order of Keras 2; or in that of Keras 1, which begins with the
            shape. A text after the shape is the name, as in Keras 2, unless it is that of an
            initializer.
        kwargs: those by name.

    Returns:
        A dict.

    Raises:
        TypeError: if there are too many, or one is given twice.
    """
    order = _ORDER
    if args and isinstance(args[0], (tuple, list)):
        is_named = len(args) > 1 and isinstance(args[1], str) and not is_name(args[1])
        order = ("shape", "name") if is_named else _ORDER_OF_KERAS_1
    if len(args) > len(order):
        raise TypeError(f"add_weight() takes {len(order)} arguments by place, got {len(args)}")
    by_place = dict(zip(order, args, strict=False))
    twice = by_place.keys() & kwargs.keys()
    if twice:
        raise TypeError(f"add_weight() got multiple values for {sorted(twice)}")
    return {**by_place, **kwargs}


class OwnWeights:
    """The part of Layer that tells of its weights."""

    _trainable: bool
    _trainable_variables: list[Any]
    _non_trainable_variables: list[Any]
    _layers: list[Any]
    _track: Any

    @property
    def trainable(self):
        """Whether models that are compiled from now on train the layer's weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)

    @property
    def trainable_weights(self):
        """The weights that training changes; none if the layer is frozen."""
        return self._own("trainable_weights", self._trainable_variables) if self.trainable else []

    @trainable_weights.setter
    def trainable_weights(self, weights):
        self._trainable_variables[:] = []
        for weight in weights:
            self._track(weight)

    @property
    def non_trainable_weights(self):
        """The other weights; all of them, if the layer is frozen."""
        fixed = self._own("non_trainable_weights", self._non_trainable_variables)
        if self.trainable:
            return fixed
        return self._own("trainable_weights", self._trainable_variables) + fixed

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights):
        for weight in weights:
            weight.trainable = False
            self._track(weight)

    def _own(self, what, own):
        by_id = {id(w): w for w in own}
        for sub in self._layers:
            by_id.update((id(w), w) for w in getattr(sub, what))
        return list(by_id.values())

    @property
    def weights(self):
        """All weights, trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def _trainable_weights(self):
        """The list that scripts put weights of their own into."""
        return self._trainable_variables

    @_trainable_weights.setter
    def _trainable_weights(self, weights):
        self.trainable_weights = weights

    @property
    def _non_trainable_weights(self):
        """The list that scripts put fixed weights of their own into."""
        return self._non_trainable_variables

    @_non_trainable_weights.setter
    def _non_trainable_weights(self, weights):
        self._non_trainable_variables[:] = []
        self.non_trainable_weights = weights
