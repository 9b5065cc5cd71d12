"""Metrics by themselves: states, tracking, tapes, round trips, errors that change nothing."""

import json

import numpy as np
import pytest

import minikeras as keras
from minikeras import metrics, ops
from minikeras.autograd.node import recording

REQUIRED = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
CLASSES = sorted(
    name
    for name in metrics.__all__
    if isinstance(getattr(metrics, name), type) and name not in ("Metric", "MeanMetricWrapper")
)
COMPARING = [name for name in CLASSES if name not in ("Mean", "Sum")]


def make(kind, /, **options):
    return getattr(metrics, kind)(**REQUIRED.get(kind, {}), **options)


def batch(name, rows=4):
    rng = np.random.default_rng(0)
    y_pred = rng.uniform(0.1, 0.9, (rows, 3)).astype("f4")
    if name in ("Mean", "Sum"):
        return (y_pred,)
    if name.startswith("Sparse"):
        return rng.integers(0, 3, rows), y_pred
    if name in ("IoU", "MeanIoU"):
        return rng.integers(0, 3, rows), rng.integers(0, 3, rows)
    return np.eye(3, dtype="f4")[rng.integers(0, 3, rows)], y_pred


def states(metric):
    return [v.numpy().tolist() for v in metric.variables]


@pytest.mark.parametrize("name", CLASSES)
def test_reset_gives_the_first_state_again(name):
    metric = make(name)
    first = metric(*batch(name)).tolist()
    assert any(np.any(v.numpy()) for v in metric.variables)
    metric.reset_state()
    assert not any(np.any(v.numpy()) for v in metric.variables)
    assert metric(*batch(name)).tolist() == first


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_is_recorded(name):
    args = batch(name)
    y_pred = keras.Variable(args[-1]) if args[-1].dtype.kind == "f" else args[-1]
    metric = make(name)
    with keras.GradientTape() as tape:
        metric.update_state(*args[:-1], y_pred)
        result = metric.result()
        assert recording.tapes == (tape,)
    assert result.node is None
    assert not any(v.trainable for v in metric.variables)


@pytest.mark.parametrize("name", CLASSES)
def test_round_trips(name):
    metric = make(name, name="mine")
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", CLASSES)
def test_stateless_calls_leave_the_metric_alone(name):
    metric = make(name)
    expected = metric(*batch(name)).tolist()
    before, zeros = states(metric), metric.stateless_reset_state()
    assert not any(np.any(z.numpy()) for z in zeros)
    after = metric.stateless_update_state(zeros, *batch(name))
    assert metric.stateless_result(after).tolist() == expected
    assert states(metric) == before
    with pytest.raises(ValueError, match="a tensor for each of the .* in their order"):
        metric.stateless_result(zeros[1:])


@pytest.mark.parametrize("name", COMPARING)
def test_missing_targets_change_nothing(name):
    metric = make(name)
    y_true, y_pred = batch(name)
    metric.update_state(y_true, y_pred)
    before = states(metric)
    with pytest.raises(ValueError, match="None"):
        metric.update_state(None, y_pred)
    assert states(metric) == before


@pytest.mark.parametrize("name", CLASSES)
def test_weights_that_do_not_fit_change_nothing(name):
    metric = make(name)
    metric.update_state(*batch(name))
    before = states(metric)
    with pytest.raises(ValueError, match="(?i)shape|broadcast"):
        metric.update_state(*batch(name), sample_weight=np.ones(5, "i8"))
    assert states(metric) == before


def test_labels_without_a_class_change_nothing():
    metric = metrics.SparseCategoricalCrossentropy()
    with pytest.raises(ValueError, match="from 0 to 2"):
        metric.update_state([0, 3], np.full((2, 3), 1 / 3))
    assert states(metric) == [0.0, 0.0]


def test_targets_of_another_shape_are_refused():
    for metric in (metrics.AUC(), metrics.Precision(), metrics.TruePositives()):
        with pytest.raises(ValueError, match=r"y_true.shape=\(3,\), y_pred.shape=\(2,\)"):
            metric.update_state([0, 1, 1], [0.1, 0.9])
    with pytest.raises(ValueError, match="3 targets and 2 predictions"):
        metrics.MeanIoU(2).update_state([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="expects 2D inputs"):
        metrics.F1Score().update_state([0, 1, 1], [0.0, 1.0, 0.5])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("AUC", {"curve": "RoC"}, "`curve` must be one of"),
        ("AUC", {"summation_method": "trapezoid"}, "`summation_method` must be one of"),
        ("AUC", {"num_thresholds": 1}, "2 or greater"),
        ("AUC", {"num_labels": 2}, "with `multi_label=True`"),
        ("AUC", {"multi_label": True, "num_labels": 2, "label_weights": [1.0]}, "1 label weights"),
        ("Precision", {"thresholds": [0.5, 1.5]}, r"between 0 and 1"),
        ("PrecisionAtRecall", {"recall": 1.5}, "Argument `recall`"),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 0}, "greater than 0"),
        ("FBetaScore", {"beta": 1}, "should be a Python float"),
        ("FBetaScore", {"beta": -1.0}, "be > 0"),
        ("F1Score", {"threshold": 2.0}, "0 < threshold <= 1"),
        ("F1Score", {"average": "mean"}, "`average` must be one of"),
        ("R2Score", {"class_aggregation": "mean"}, "`class_aggregation`"),
        ("R2Score", {"num_regressors": -1}, "0 or greater"),
        ("IoU", {"num_classes": 2, "target_class_ids": [2]}, "out of range"),
    ],
)
def test_bad_arguments_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(**options)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="Known names"):
        metrics.get("acuracy")
    with pytest.raises(TypeError, match="BinaryAccuracy.*treshold"):
        metrics.BinaryAccuracy(treshold=0.3)


class Both(metrics.Metric):
    """A metric with a variable, a metric and a list of metrics."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = self.add_weight(initializer="zeros", name="calls")
        self.mean = metrics.Mean(name="inner")
        self.others = [metrics.Sum(name="first")]
        self.others.append(metrics.Sum(name="late"))

    def update_state(self, values, sample_weight=None):
        self.calls.assign_add(1)
        for metric in (self.mean, *self.others):
            metric.update_state(values, sample_weight)

    def result(self):
        return {"mean": self.mean.result(), "calls": self.calls.value}


def test_variables_of_metrics_inside_are_found():
    metric = Both(name="both")
    names = [v.path for v in metric.variables]
    assert names == ["both/calls", "inner/total", "inner/count", "first/total", "late/total"]
    metric.update_state([2.0, 4.0])
    assert {k: float(v) for k, v in metric.result().items()} == {"mean": 3.0, "calls": 1.0}
    metric.reset_state()
    assert states(metric) == [0.0] * 5


def test_forgetting_the_constructor_is_named():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match=r"Forgetful.*super\(\).__init__\(\)"):
        Forgetful()


def test_a_layer_finds_its_metrics():
    class Watched(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = metrics.Mean(name="seen")

    layer = Watched()
    assert layer.metrics == [layer.seen]
    assert layer.metrics_variables == layer.seen.variables


def test_mean_counts_by_samples_and_weights():
    mean = metrics.Mean()
    assert float(mean.result()) == 0.0
    mean.update_state([[1.0, 3.0], [5.0, 7.0]])
    mean.update_state([10.0], sample_weight=[2.0])
    assert float(mean.result()) == (2 + 6 + 20) / 4


def test_area_of_a_perfect_and_of_a_random_order():
    assert float(metrics.AUC()([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])) == pytest.approx(1.0, abs=1e-6)
    assert float(metrics.AUC()([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])) == pytest.approx(0.5, abs=1e-6)


def test_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, 200), rng.integers(0, 1000, 200) / 1000 + 0.0005
    ones, zeros = y_pred[y_true == 1], y_pred[y_true == 0]
    pairs = np.subtract.outer(ones, zeros)
    share = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    metric = metrics.AUC(num_thresholds=2001)
    for part in np.split(np.arange(200), 4):
        metric.update_state(y_true[part], y_pred[part])
    assert float(metric.result()) == pytest.approx(share, abs=1e-6)


def test_buckets_count_as_comparing_does():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, 500), rng.random(500).astype("f4")
    thresholds = [i / 10 for i in range(11)]
    for kind in (metrics.TruePositives, metrics.FalsePositives, metrics.TrueNegatives):
        quick, slow = kind(thresholds=thresholds), kind(thresholds=thresholds)
        slow._evenly_spaced = False
        assert quick._evenly_spaced
        assert quick(y_true, y_pred).tolist() == slow(y_true, y_pred).tolist()


def test_float_weights_of_integer_counts_are_warned_of():
    with pytest.warns(UserWarning, match="float weights"):
        metrics.MeanIoU(2).update_state([0, 1], [0, 1], sample_weight=np.array([0.5, 1.0]))


def test_too_few_values_for_the_adjusted_score_are_warned_of():
    metric = metrics.R2Score(num_regressors=5)
    metric.update_state([[1.0], [2.0], [4.0]], [[1.0], [2.0], [3.0]])
    with pytest.warns(UserWarning, match="more than 6 values"):
        metric.result()


def test_classes_of_large_matrices_stay_apart_in_half_precision():
    metric = metrics.MeanIoU(100, dtype="float16")
    metric.update_state([99], [97])
    assert np.argwhere(metric.total_cm.numpy()).tolist() == [[99, 97]]


def test_logits_that_a_tensor_remembers_are_used():
    x = ops.convert_to_tensor([[200.0, 0.0]])
    y = keras.activations.softmax(x)
    assert float(metrics.CategoricalCrossentropy()([[0.0, 1.0]], y)) == 200.0
