"""The outputs of a model, and what users assign to them: targets, losses, metrics, sample weights.

Users speak of an output by its key, if the model returns a dict; by its place, if it returns a list
or a tuple; or by the name of the layer it comes from, if the model knows that (`Model.output_names`
of a functional model). Everything here follows Keras in what is called what, and in which order
things come, since `evaluate` returns plain lists.
"""

from collections import OrderedDict
from typing import Any

from minikeras.core import trees


class Outputs:
    """A nest of predictions, with the names by which users speak of its parts.

    Args:
        y_pred: nest of predictions.
        names: the names of the model's outputs in the order of `trees.flatten`, or None.
    """

    def __init__(self, y_pred, names=None):
        self.structure = y_pred
        self.leaves = trees.flatten(y_pred)
        self.count = len(self.leaves)
        self.names = names if names and len(names) == self.count else None

    @property
    def places(self) -> Any:
        """The nest of predictions, with the index of each in `leaves`."""
        if not trees.is_nested(self.structure):
            return 0
        return trees.pack_sequence_as(self.structure, range(self.count))

    def name(self, i):
        """Return what output `i` is called in messages."""
        path = "/".join(map(str, _paths(self.structure)[i]))
        if self.names and not isinstance(self.structure, dict):
            return self.names[i]
        return path or f"output_{i}"

    # Targets and sample weights: one for each output

    def match_targets(self, y_true, with_loss: Any = None):
        """Return one target for each output, None where there is none.

        Args:
            y_true: nest of targets, or None.
            with_loss: indices of the outputs that have losses, or None. Targets may be as many.
        """
        if y_true is None:
            return [None] * self.count
        if not trees.is_nested(y_true) and self.count == 1:
            return [y_true]
        flat = trees.flatten(y_true)
        some = [] if with_loss is None or isinstance(y_true, dict) else with_loss
        if len(flat) == len(some) < self.count:
            return [flat[some.index(i)] if i in some else None for i in range(self.count)]
        return self._match(y_true, "y")

    def match_weights(self, sample_weight):
        """Return one array of sample weights for each output; a single one counts for all."""
        if sample_weight is None:
            return [None] * self.count
        if not trees.is_nested(sample_weight):
            return [sample_weight] * self.count
        return self._match(sample_weight, "sample_weight")

    def _match(self, nest, argument):
        """One entry of `nest` for each output, None where a dict has none."""
        if isinstance(nest, dict) and _paths(nest) != _paths(self.structure):
            return self._match_dict(nest, argument)
        flat = trees.flatten(nest)
        if len(flat) != self.count:
            raise ValueError(
                f"The `{argument}` argument has {len(flat)} entries, but the model has "
                f"{self.count} output(s). Received: {argument}={_shown(nest)}"
            )
        return flat

    def _match_dict(self, nest, argument):
        keys = self._keys()
        unknown = [key for key in nest if key not in keys]
        if unknown:
            raise ValueError(
                f"There are keys in the `{argument}` argument that no output of the model has: "
                f"{unknown}. The outputs are called {[self.name(i) for i in range(self.count)]}."
            )
        return [nest.get(key) for key in keys]

    def _keys(self):
        """The keys under which a dict holds something for each output."""
        if isinstance(self.structure, dict):
            return ["/".join(map(str, path)) for path in _paths(self.structure)]
        return self.names or []

    # Losses

    def losses(self, loss):
        """Assign losses to outputs.

        Args:
            loss: a loss, which every output gets, or a nest of losses.

        Returns:
            Triples `(path, place, loss)` in the order of Keras's logs: that of the user's dict, or
            of the outputs as the model returns them. A place is an index, or a nest of indices for
            a loss that takes several outputs together.

        Raises:
            ValueError: if the nest does not fit the outputs.
        """
        flat = trees.flatten(loss)
        if not trees.is_nested(self.structure):
            if len(flat) != 1 or (isinstance(loss, dict) and list(loss) != self.names):
                self._refuse("loss", loss)
            loss = flat[0]
        elif not trees.is_nested(loss):
            loss = trees.map_structure(lambda _: loss, self.structure)
        elif isinstance(loss, dict):
            loss = {key: _sorted(part) for key, part in loss.items()}
        try:
            return _assigned(loss, self.places)
        except LookupError:
            self._refuse("loss", loss)

    def by_place(self, nest, argument):
        """Return a dict by the names of outputs as a list, if that is what the outputs are.

        Raises:
            ValueError: if the names are not those of all outputs.
        """
        if not isinstance(nest, dict) or not isinstance(self.structure, (list, tuple)):
            return nest
        if self.names is None or set(nest) != set(self.names):
            self._refuse(argument, nest)
        return [nest[name] for name in self.names]

    def loss_name(self, path, place, loss):
        """Return what a loss is called in the logs.

        Args:
            path: keys and places that lead to the output.
            place: its index, or a nest of indices.
            loss: the Loss, whose own name counts if the model's outputs have none.
        """
        if not trees.is_nested(place) and (not path or isinstance(path[-1], int)):
            path = (*path[:-1], self.names[place] if self.names else loss.name)
        return "/".join(map(str, path))

    # Metrics

    def metrics(self, metrics, argument):
        """Assign metrics to outputs.

        Args:
            metrics: nest of metrics or lists of them, or None.
            argument: `"metrics"` or `"weighted_metrics"`.

        Returns:
            Triples `(index, name, list of metrics)` in the order of Keras's logs; the name is what
            goes before the metrics' own, or None.

        Raises:
            ValueError: if the nest does not fit the outputs.
        """
        if not metrics:
            return []
        if self.count == 1:
            return [(0, None, trees.flatten(metrics))]
        names = self._keys() if self._flat_dict() else self.names or [None] * self.count
        order = self._metric_order(names)
        rows = self._metric_rows(metrics, [names[i] for i in order], argument)
        assigned = [(i, names[i], _row(row)) for i, row in zip(order, rows, strict=True)]
        return [entry for entry in assigned if entry[2]]

    def _is_flat(self):
        return len(self.structure) == self.count

    def _flat_dict(self):
        return isinstance(self.structure, dict) and self._is_flat()

    def _metric_order(self, names):
        """Indices: of a dict whose keys are the layers' names as the model lists these."""
        by_key = self._flat_dict() and not isinstance(self.structure, OrderedDict)
        if by_key and self.names and set(names) == set(self.names):
            return [names.index(name) for name in self.names]
        return range(self.count)

    def _metric_rows(self, metrics, names, argument):
        if self._is_flat():
            if isinstance(metrics, (list, tuple)) and len(metrics) == self.count:
                return metrics
            if isinstance(metrics, dict) and set(metrics) <= set(names):
                return [metrics.get(name) for name in names]
        try:
            return [row for _, row in _up_to(self.structure, metrics)]
        except LookupError:
            self._refuse(argument, metrics)

    def _refuse(self, argument, nest):
        """Raise for a nest that does not fit the outputs."""
        names = [self.name(i) for i in range(self.count)]
        shape = trees.map_structure(lambda _: "X", self.structure)
        entries = "one entry for each" if self.count > 1 else "one entry"
        raise ValueError(
            f"The `{argument}` argument does not fit the model, which has {self.count} output(s) "
            f"called {names}, arranged as {shape}. Expected {entries}, in that arrangement"
            f"{' or by these names' if names else ''}. Received: {argument}={_shown(nest)}"
        )


def _paths(nest):
    return [path for path, _ in trees.flatten_with_path(nest)]


def _assigned(losses, places, path=()):
    """Triples of a path, the place in the outputs that it leads to, and the loss wanted there."""
    if not trees.is_nested(losses):
        return [] if losses is None else [(path, places, losses)]
    if not trees.is_nested(places):
        raise LookupError(path)
    if _is_list_of_leaves(losses) and len(losses) == len(trees.flatten(places)):
        losses = trees.pack_sequence_as(places, losses)
    by_key = isinstance(losses, dict)
    if by_key != isinstance(places, dict) or not (by_key or len(losses) == len(places)):
        raise LookupError(path)
    items = losses.items() if by_key else enumerate(losses)
    return [triple for key, part in items for triple in _assigned(part, places[key], (*path, key))]


def _is_list_of_leaves(nest):
    return isinstance(nest, (list, tuple)) and not any(map(trees.is_nested, nest))


def _sorted(nest):
    """Dicts inside of a dict of losses come in the order of their keys: Keras on TensorFlow."""
    if isinstance(nest, dict):
        return {key: _sorted(nest[key]) for key in sorted(nest)}
    return nest


def _up_to(structure, nest):
    """Pairs of a leaf of `structure` and what `nest` has there."""
    if not trees.is_nested(structure):
        return [(structure, nest)]
    if isinstance(structure, dict):
        if not isinstance(nest, dict) or set(nest) != set(structure):
            raise LookupError
        parts = trees.flatten(dict(zip(structure, structure, strict=True)))
        pairs = [(structure[key], nest[key]) for key in parts]
    elif isinstance(nest, (list, tuple)) and len(nest) == len(structure):
        pairs = list(zip(structure, nest, strict=True))
    else:
        raise LookupError
    return [pair for pair_of in pairs for pair in _up_to(*pair_of)]


def _row(metrics):
    """The metrics of one output as a list."""
    if metrics is None:
        return []
    return list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]


def _shown(nest):
    """A nest for a message, with shapes in place of arrays."""
    return trees.map_structure(
        lambda leaf: f"array of shape {tuple(leaf.shape)}" if hasattr(leaf, "shape") else leaf,
        nest,
    )
