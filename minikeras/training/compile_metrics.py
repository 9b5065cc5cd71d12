"""The metrics of a model: lists of metrics per output, plain and weighted."""

from typing import Any

from minikeras import metrics as metrics_module
from minikeras.core import trees
from minikeras.metrics import Metric
from minikeras.training.compile_loss import kind_of_targets, name_of
from minikeras.training.outputs import Outputs


class CompileMetrics(Metric):
    """The metrics that `compile` received, matched to a model's outputs at the first batch.

    Args:
        metrics: nest of metrics, functions or names.
        weighted_metrics: the same, for metrics that take the sample weights into account.
        output_names: names of the model's outputs, or None.

    Raises:
        ValueError: if an argument is neither a list nor a dict, or a name is unknown.
    """

    def __init__(self, metrics, weighted_metrics, output_names=None):
        super().__init__(name="compile_metrics")
        for name, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple, dict)):
                raise ValueError(
                    f"Expected `{name}` argument to be a list, tuple, or dict. Received instead: "
                    f"{name}={value} of type {type(value)}"
                )
            _check_known(value)
        self._user = (metrics, weighted_metrics)
        self._names = output_names
        self._plain: Any = None
        self._weighted: Any = None

    @property
    def metrics(self):
        """All metrics, the plain ones first."""
        return [m for entry in (self._plain or []) + (self._weighted or []) for m in entry[2]]

    @property
    def variables(self):
        """The variables of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def built(self):
        """Whether the metrics have been matched to outputs."""
        return self._plain is not None

    def build(self, y_true, y_pred):
        """Match the metrics to the outputs.

        Args:
            y_true: nest of targets.
            y_pred: nest of predictions.

        Raises:
            ValueError: if the metrics do not fit the outputs.
        """
        outputs = Outputs(y_pred, self._names)
        targets = outputs.match_targets(y_true)
        self._weighted = _matched(self._user[1], outputs, targets, "weighted_metrics")
        self._plain = _matched(self._user[0], outputs, targets, "metrics")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch to all metrics.

        Args:
            y_true: nest of targets.
            y_pred: nest of predictions.
            sample_weight: nest of sample weights, or None.
        """
        if not self.built:
            self.build(y_true, y_pred)
        outputs = Outputs(y_pred, self._names)
        targets = outputs.match_targets(y_true)
        weights = outputs.match_weights(sample_weight)
        for i, _, metrics in self._plain:
            for metric in metrics:
                metric.update_state(targets[i], outputs.leaves[i])
        for i, _, metrics in self._weighted:
            for metric in metrics:
                metric.update_state(targets[i], outputs.leaves[i], weights[i])

    def result(self):
        """Return a dict of metric name to value, names of several outputs having a prefix."""
        results, counts = {}, {}
        for weighted, entries in ((False, self._plain or []), (True, self._weighted or [])):
            for _, output, metrics in entries:
                for metric in metrics:
                    name = _full_name(output, metric.name)
                    if name in counts and weighted:
                        name = _full_name(output, f"weighted_{metric.name}")
                    results[_numbered(name, counts)] = metric.result()
        return results

    def reset_state(self):
        """Reset the state of all metrics."""
        for metric in self.metrics:
            metric.reset_state()


def _numbered(name, counts):
    """The name, with a number after it from the second time on."""
    count = counts.get(name, 0)
    counts[name] = count + 1
    return f"{name}_{count}" if count else name


def _check_known(metrics):
    """Raise for a name that no metric has, before anything is trained."""
    for leaf in trees.flatten(metrics):
        if isinstance(leaf, str) and leaf not in _BY_TARGETS:
            metrics_module.get(leaf)


def _full_name(output, name):
    return f"{output}_{name}" if output else name


def _matched(metrics, outputs, targets, argument):
    """For each output that has metrics its index, its name in the logs, and its metrics."""
    return [
        (i, name, [find_metric(m, targets[i], outputs.leaves[i]) for m in row])
        for i, name, row in outputs.metrics(metrics, argument)
    ]


_BY_TARGETS = {
    name: classes
    for names, classes in (
        (
            ("accuracy", "acc"),
            {
                "binary": metrics_module.BinaryAccuracy,
                "sparse": metrics_module.SparseCategoricalAccuracy,
                "categorical": metrics_module.CategoricalAccuracy,
            },
        ),
        (
            ("crossentropy", "ce"),
            {
                "binary": metrics_module.BinaryCrossentropy,
                "sparse": metrics_module.SparseCategoricalCrossentropy,
                "categorical": metrics_module.CategoricalCrossentropy,
            },
        ),
    )
    for name in names
}


def find_metric(identifier, y_true, y_pred):
    """Return the Metric that a user's identifier stands for, by an example of the data."""
    if identifier is None:
        raise ValueError(
            "Expected a metric, its name or a function, but received None among the metrics of an "
            "output. Leave it out, or give None for the whole output."
        )
    if isinstance(identifier, str) and identifier.lower() in _BY_TARGETS:
        cls = _BY_TARGETS[identifier.lower()][kind_of_targets(y_true, y_pred)]
        return cls(name=identifier)
    metric = metrics_module.get(identifier)
    if isinstance(metric, type):
        metric = metric()
    if not isinstance(metric, Metric):
        metric = metrics_module.MeanMetricWrapper(metric, name=name_of(metric))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
