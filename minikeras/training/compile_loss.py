"""The loss of a model: one loss per output, weighted and added up."""

from typing import Any

from minikeras import losses, metrics, ops
from minikeras.core import names, registry, trees
from minikeras.losses import Loss, LossFunctionWrapper


class CompileLoss(Loss):
    """The losses that `compile` was given, matched to a model's outputs at the first batch.

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
    def terms(self):
        """Triples of an output's index, its loss and its weight."""
        return list(self._terms or [])

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
        if trees.is_nested(self._user_loss):
            wanted = outputs.match(self._user_loss, "loss")
        else:
            wanted = [self._user_loss] * outputs.count
        weights = [None] * outputs.count
        if self._user_weights is not None:
            weights = outputs.match(self._user_weights, "loss_weights")
        targets = outputs.match_targets(y_true)
        terms = [
            (i, find_loss(identifier, targets[i], outputs.leaves[i]), weight)
            for i, (identifier, weight) in enumerate(zip(wanted, weights, strict=True))
            if identifier is not None
        ]
        if len(terms) > 1:
            self._trackers = [metrics.Mean(name=f"{outputs.name(i)}_loss") for i, _, _ in terms]
        self._terms = terms

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the weighted sum of the outputs' losses, or None if no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = Outputs(y_pred, self._names)
        targets = outputs.match_targets(y_true)
        weights = outputs.match_weights(sample_weight)
        total = None
        trackers = self._trackers or [None] * len(self._terms)
        for (i, function, loss_weight), tracker in zip(self._terms, trackers, strict=True):
            if targets[i] is None:
                raise ValueError(
                    f"The target of output '{outputs.name(i)}' is None, but its loss "
                    f"'{function.name}' needs one. Pass `y`, or `loss=None` for this output."
                )
            value = ops.cast(function(targets[i], outputs.leaves[i], weights[i]), self.dtype)
            if tracker is not None:
                tracker.update_state(value)
            if loss_weight is not None:
                value = value * loss_weight
            total = value if total is None else total + value
        return total

    def call(self, y_true, y_pred):
        """Return the sum of the outputs' losses."""
        return self(y_true, y_pred)

    def get_config(self):
        """Return the losses and weights as `compile` was given them."""
        return {
            "loss": registry.serialize(self._user_loss),
            "loss_weights": registry.serialize(self._user_weights),
        }


class Outputs:
    """A nest of predictions, with the names by which users speak of its parts.

    Args:
        y_pred: nest of predictions.
        names: the names of the model's outputs, or None.
    """

    def __init__(self, y_pred, names=None):
        self.structure = y_pred
        self.leaves = trees.flatten(y_pred)
        self.count = len(self.leaves)
        self._names = names if names and len(names) == self.count else None
        self._paths = None
        if trees.is_nested(y_pred):
            self._paths = [
                "/".join(str(part) for part in path) for path, _ in trees.flatten_with_path(y_pred)
            ]

    def name(self, i):
        """Return the name of output `i`: its key in a dict of outputs, else its layer's name."""
        if isinstance(self.structure, dict) and self._paths:
            return self._paths[i]
        if self._names:
            return self._names[i]
        return self._paths[i] if self._paths else f"output_{i}"

    def match(self, given, argument, missing=None):
        """Return one entry of `given` (nest or dict by name) for each output.

        Raises:
            ValueError: if a name is unknown or the number of entries differs.
        """
        if isinstance(given, dict):
            return self._match_dict(given, argument, missing)
        if isinstance(given, (list, tuple)):
            flat = trees.flatten(given)
            if len(flat) != self.count:
                raise ValueError(
                    f"The `{argument}` argument has {len(flat)} entries, but the model has "
                    f"{self.count} output(s). Received: {argument}={_shown(given)}"
                )
            return flat
        if self.count > 1:
            raise ValueError(
                f"The model has {self.count} outputs, so `{argument}` must be a list or a dict "
                f"with one entry for each. Received: {argument}={_shown(given)}"
            )
        return [given]

    def _match_dict(self, given, argument, missing):
        known = [self._names_of(i) for i in range(self.count)]
        unknown = [key for key in given if not any(key in names for names in known)]
        if unknown and trees.same_structure(given, self.structure):
            return trees.flatten(given)
        if unknown:
            raise ValueError(
                f"There are keys in the `{argument}` argument that no output of the model has: "
                f"{unknown}. The outputs are called {[self.name(i) for i in range(self.count)]}."
            )
        return [next((given[n] for n in names if n in given), missing) for names in known]

    def _names_of(self, i):
        names = [self._paths[i]] if self._paths else []
        return names + ([self._names[i]] if self._names else [])

    def match_targets(self, y_true):
        """Return one target for each output, None where there is none."""
        if y_true is None:
            return [None] * self.count
        if not trees.is_nested(y_true) and self.count == 1:
            return [y_true]
        return self.match(y_true, "y")

    def match_weights(self, sample_weight):
        """Return one array of sample weights for each output; a single one counts for all."""
        if sample_weight is None:
            return [None] * self.count
        if not trees.is_nested(sample_weight):
            return [sample_weight] * self.count
        return self.match(sample_weight, "sample_weight")


def _shown(given):
    """A nest for a message, with shapes in place of arrays."""
    return trees.map_structure(
        lambda leaf: f"array of shape {tuple(leaf.shape)}" if hasattr(leaf, "shape") else leaf,
        given,
    )


def find_loss(identifier, y_true, y_pred):
    """Return the Loss that a user's identifier stands for, given an example of the data."""
    if isinstance(identifier, str) and identifier in ("crossentropy", "ce"):
        return _CROSSENTROPIES[kind_of_targets(y_true, y_pred)]()
    found = losses.get(identifier)
    if isinstance(found, type):
        found = found()
    if isinstance(found, Loss):
        return found
    return LossFunctionWrapper(found, name=name_of(found))


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
