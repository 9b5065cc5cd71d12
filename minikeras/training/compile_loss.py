"""The loss of a model: one loss per output, weighted and added up."""

from typing import Any, NamedTuple

from minikeras import losses, metrics, ops
from minikeras.core import names, registry, trees
from minikeras.losses import Loss, LossFunctionWrapper
from minikeras.training.outputs import Outputs


class CompileLoss(Loss):
    """The losses that `compile` received, matched to a model's outputs at the first batch.

    `L = sum of w_k * L_k(y_k, y_pred_k)` over those outputs k that have a loss, with their weights
    `w_k`.

    Args:
        loss: loss, its name, a function `(y_true, y_pred)`, or a nest of these by output.
        loss_weights: weight, or nest of weights, of the outputs' losses.
        output_names: names of the model's outputs, or None.
    """

    def __init__(self, loss, loss_weights=None, output_names=None):
        super().__init__(name="compile_loss", reduction="sum")
        _check_weights(loss_weights)
        for leaf in trees.flatten(loss):
            if isinstance(leaf, str) and leaf not in ("crossentropy", "ce"):
                losses.get(leaf)
        self._user_loss = loss
        self._user_weights = loss_weights
        self._names = output_names
        self._terms: Any = None
        self._trackers = []

    @property
    def metrics(self):
        """The mean of each output's loss, if there are several outputs."""
        return list(self._trackers)

    @property
    def variables(self):
        """The variables of `metrics`."""
        return [v for tracker in self._trackers for v in tracker.variables]

    @property
    def built(self):
        """Whether the outputs' losses are known."""
        return self._terms is not None

    def build(self, y_true, y_pred):
        """Find each output's loss and weight.

        Args:
            y_true: nest of targets.
            y_pred: nest of predictions.

        Raises:
            ValueError: if losses, weights or targets do not fit the outputs.
        """
        outputs = Outputs(y_pred, self._names)
        loss, weights = self._user_loss, self._user_weights
        if isinstance(loss, dict):
            loss = outputs.by_place(loss, "loss")
            weights = outputs.by_place(weights, "loss_weights")
        assigned = outputs.losses(_with_weights(loss, weights))
        targets = outputs.match_targets(y_true, _indices(assigned))
        terms, names = [], []
        for path, place, weighted in assigned:
            loss = find_loss(weighted.loss, _at(targets, place), _at(outputs.leaves, place))
            terms.append(Term(place, loss, weighted.weight))
            names.append(outputs.loss_name(path, place, loss))
        if len(terms) > 1:
            self._trackers = [metrics.Mean(name=f"{name}_loss") for name in names]
        self._terms = terms

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the weighted sum of the outputs' losses, or None if no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = Outputs(y_pred, self._names)
        weights = outputs.match_weights(sample_weight)
        trackers = self._trackers or [None] * len(self._terms)
        total = None
        for (term, target), tracker in zip(self.pairs(y_true, outputs), trackers, strict=True):
            if target is None:
                raise ValueError(
                    f"The target of output '{outputs.name(term.place)}' is None, but its loss "
                    f"'{term.loss.name}' needs one. Pass `y`, or `loss=None` for this output."
                )
            weight = None if sample_weight is None else _at(weights, term.place)
            value = term.loss(target, _at(outputs.leaves, term.place), weight)
            value = ops.cast(value, self.dtype)
            if tracker is not None:
                tracker.update_state(value)
            if term.weight is not None:
                value = value * term.weight
            total = value if total is None else total + value
        return total

    def pairs(self, y_true, outputs):
        """Return each term of the loss with its target, which is None if there is none."""
        targets = outputs.match_targets(y_true, _indices((None, *term) for term in self._terms))
        return [(term, _at(targets, term.place)) for term in self._terms]

    def call(self, y_true, y_pred):
        """Return the sum of the outputs' losses."""
        return self(y_true, y_pred)

    def get_config(self):
        """Return the losses and weights as `compile` received them."""
        return {
            "loss": registry.serialize(self._user_loss),
            "loss_weights": registry.serialize(self._user_weights),
        }


class Term(NamedTuple):
    """One term of a model's loss: an output's index (or a nest of them), its loss, its weight."""

    place: Any
    loss: Loss
    weight: Any


class _WeightedLoss:
    """A loss as the user named it, with its weight: a leaf of a nest."""

    def __init__(self, loss, weight=None):
        self.loss = loss
        self.weight = weight

    def __repr__(self):
        return repr(self.loss)


def _with_weights(loss, weights):
    """The nest of losses, each with its weight; what is None stays None."""
    if weights is None:
        weights = trees.map_structure(lambda _: None, loss)
    elif not trees.same_structure(loss, weights):
        flat, count = trees.flatten(weights), len(trees.flatten(loss))
        same_keys = not (isinstance(loss, dict) and isinstance(weights, dict))
        if len(flat) != count or not same_keys:
            raise ValueError(
                f"Expected one entry of `loss_weights` for each of the {count} entries of `loss`, "
                f"but received loss_weights={weights} for loss={loss}. Arrange both alike."
            )
        weights = trees.pack_sequence_as(loss, flat) if trees.is_nested(loss) else flat[0]
    return trees.map_structure(
        lambda leaf, weight: None if leaf is None else _WeightedLoss(leaf, weight), loss, weights
    )


def _indices(assigned):
    """The indices of all outputs that have a loss, in their order."""
    return sorted(i for _, place, *_ in assigned for i in trees.flatten(place))


def _at(flat, place):
    """What a flat list holds at an index, or at each index of a nest of them."""
    if type(place) is int:
        return flat[place]
    return trees.map_structure(lambda i: flat[i], place)


def find_loss(identifier, y_true, y_pred):
    """Return the Loss that a user's identifier stands for, by an example of the data."""
    if isinstance(identifier, str) and identifier in ("crossentropy", "ce"):
        loss = _CROSSENTROPIES[kind_of_targets(y_true, y_pred)]()
        loss.name = identifier
        return loss
    loss = losses.get(identifier)
    if isinstance(loss, type):
        loss = loss()
    if isinstance(loss, Loss):
        return loss
    name = identifier if isinstance(identifier, str) else name_of(loss)
    return LossFunctionWrapper(loss, name=name)


def name_of(function):
    """Return the name under which the values of a user's function are shown."""
    return names.to_snake_case(getattr(function, "__name__", None) or type(function).__name__)


_CROSSENTROPIES = {
    "binary": losses.BinaryCrossentropy,
    "sparse": losses.SparseCategoricalCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
}


def kind_of_targets(y_true, y_pred):
    """Say whether targets are `"binary"`, `"sparse"` integer labels or `"categorical"` one-hot."""
    if not len(y_pred.shape) or y_pred.shape[-1] == 1:
        return "binary"
    labels = len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1
    return "sparse" if labels else "categorical"


def _check_weights(weights):
    for weight in trees.flatten(weights):
        is_number = isinstance(weight, (int, float)) or hasattr(weight, "dtype")
        if weight is not None and not is_number:
            raise TypeError(
                "Expected each entry of `loss_weights` to be a number. Received: "
                f"loss_weights={weights}"
            )
