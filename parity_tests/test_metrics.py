"""Metrics against Keras over several batches: states, results, resets, configs, names."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from minikeras import metrics, ops
from minikeras.core import names

pytestmark = pytest.mark.parity

TOLERANCE = {"float64": 1e-12, "float32": 3e-6, "float16": 3e-3, "int64": 0}
BATCH, CLASSES = 9, 6
N = (BATCH, CLASSES)


class Data:
    """Batches of each kind, drawn again on every call."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape):
        return self.rng.normal(size=shape).astype("f4")

    def bits(self, *shape):
        return (self.rng.random(shape) > 0.5).astype("f4")

    def ties(self, *shape):
        return np.round(4 * self.rng.random(shape)).astype("f4") / 4

    def labels(self, *shape):
        return self.rng.integers(0, CLASSES, shape)

    def one_hot(self, *shape):
        return np.eye(CLASSES, dtype="f4")[self.labels(*shape)]

    def probabilities(self, *shape):
        x = self.rng.random(shape).astype("f4") + 0.05
        return x / x.sum(-1, keepdims=True)


KINDS = {
    "values": lambda d: (d.normal(BATCH),),
    "matrix": lambda d: (d.normal(*N),),
    "number": lambda d: (d.normal(),),
    "no values": lambda d: (np.zeros(0, "f4"),),
    "regression": lambda d: (d.normal(*N), d.normal(*N)),
    "column": lambda d: (d.normal(BATCH, 1), d.normal(BATCH)),
    "cubes": lambda d: (d.normal(BATCH, 4, 3), d.normal(BATCH, 4, 3)),
    "binary": lambda d: (d.bits(BATCH), d.rng.random(BATCH).astype("f4")),
    "binary with ties": lambda d: (d.bits(BATCH), d.ties(BATCH)),
    "binary matrix": lambda d: (d.bits(*N), d.ties(*N)),
    "logits": lambda d: (d.bits(*N), d.normal(*N)),
    "beyond 0 and 1": lambda d: (d.bits(BATCH), 2 * d.normal(BATCH)),
    "not a number": lambda d: (
        d.bits(BATCH),
        np.where(np.arange(BATCH) == 3, np.nan, d.ties(BATCH)).astype("f4"),
    ),
    "all ones": lambda d: (np.ones(BATCH, "f4"), d.ties(BATCH)),
    "all zeros": lambda d: (np.zeros(BATCH, "f4"), d.ties(BATCH)),
    "empty": lambda d: (np.zeros(0, "f4"), np.zeros(0, "f4")),
    "empty rows": lambda d: (np.zeros((0, CLASSES), "f4"), np.zeros((0, CLASSES), "f4")),
    "integers": lambda d: (d.labels(BATCH), d.labels(BATCH)),
    "one-hot": lambda d: (d.one_hot(BATCH), d.probabilities(*N)),
    "one-hot with ties": lambda d: (d.one_hot(BATCH), d.ties(*N)),
    "one-hot sequences": lambda d: (d.one_hot(BATCH, 4), d.probabilities(BATCH, 4, CLASSES)),
    "classes": lambda d: (d.labels(BATCH), d.probabilities(*N)),
    "classes with ties": lambda d: (d.labels(BATCH, 1), d.ties(*N)),
    "class sequences": lambda d: (d.labels(BATCH, 4), d.probabilities(BATCH, 4, CLASSES)),
    "class columns": lambda d: (d.labels(BATCH, 4, 1), d.probabilities(BATCH, 4, CLASSES)),
    "holes": lambda d: (
        d.labels(BATCH),
        np.where(d.normal(*N) > 1.5, np.nan, d.normal(*N)).astype("f4"),
    ),
    "sorted ids": lambda d: (d.labels(BATCH), np.argsort(d.normal(*N)).astype("f4")),
    "regions": lambda d: (d.labels(BATCH, 3), d.labels(BATCH, 3)),
    "strange regions": lambda d: (d.labels(BATCH, 3) - 1, d.labels(BATCH, 3) + 1),
}
POINTWISE = [
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "CosineSimilarity",
    "LogCoshError",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
    "KLDivergence",
    "Poisson",
    "RootMeanSquaredError",
    "PearsonCorrelation",
    "ConcordanceCorrelation",
]
ONE_CLASS = ["binary with ties", "binary matrix", "all ones", "all zeros", "empty"]
ALL_BINARY = [*ONE_CLASS, "binary", "beyond 0 and 1", "not a number"]
LABELS = {"multi_label": True, "num_thresholds": 5}
WEIGHTS = {"label_weights": [1.0, 2.0, 3.0, 0.0, 1.0, 1.0]}
ROWS = [
    *[(name, {}, ["values", "matrix", "number", "no values"]) for name in ("Mean", "Sum")],
    *[(name, {}, ["regression", "one-hot"]) for name in POINTWISE],
    ("RootMeanSquaredError", {}, ["column"]),
    ("CosineSimilarity", {"axis": 1}, ["cubes"]),
    ("ConcordanceCorrelation", {"axis": 0}, ["regression"]),
    ("Accuracy", {}, ["integers"]),
    ("BinaryAccuracy", {}, ["binary matrix", "binary", "empty"]),
    ("BinaryAccuracy", {"threshold": 0.25}, ["binary with ties"]),
    ("CategoricalAccuracy", {}, ["one-hot", "one-hot with ties", "one-hot sequences"]),
    (
        "SparseCategoricalAccuracy",
        {},
        ["classes", "classes with ties", "class sequences", "class columns"],
    ),
    ("TopKCategoricalAccuracy", {"k": 2}, ["one-hot", "one-hot with ties", "one-hot sequences"]),
    (
        "SparseTopKCategoricalAccuracy",
        {"k": 2},
        ["classes", "classes with ties", "class sequences", "holes"],
    ),
    ("SparseTopKCategoricalAccuracy", {"k": 9}, ["classes"]),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, ["sorted ids"]),
    ("BinaryCrossentropy", {}, ["binary matrix"]),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ["logits"]),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ["one-hot", "one-hot sequences"]),
    ("SparseCategoricalCrossentropy", {}, ["classes", "class sequences", "classes with ties"]),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": 1, "from_logits": True},
        ["classes", "class sequences"],
    ),
    *[
        (name, options, kinds)
        for name in ("Precision", "Recall")
        for options, kinds in [
            ({}, ALL_BINARY),
            ({"thresholds": [0.2, 0.5, 0.7]}, ["binary matrix", "binary"]),
            ({"thresholds": [0.0, 0.5, 1.0]}, ["binary matrix", "binary", "not a number"]),
            ({"top_k": 2}, ["one-hot", "one-hot with ties"]),
            ({"top_k": 3, "class_id": 2, "thresholds": 0.1}, ["one-hot", "one-hot with ties"]),
            ({"class_id": 1}, ["one-hot", "binary matrix"]),
        ]
    ],
    ("TruePositives", {}, ["binary matrix", "binary"]),
    ("TrueNegatives", {"thresholds": [0.2, 0.6]}, ["binary matrix"]),
    ("FalsePositives", {"thresholds": [0, 0.25, 0.5, 0.75, 1]}, ["binary matrix", "binary"]),
    ("FalseNegatives", {}, ["binary matrix", "binary"]),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, ONE_CLASS),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 1}, ["binary"]),
    ("PrecisionAtRecall", {"recall": 0.5, "class_id": 1}, ["binary matrix"]),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 7}, ["binary", "all zeros"]),
    ("AUC", {}, ALL_BINARY),
    ("AUC", {"thresholds": [0.2, 0.9, 0.3]}, ["binary", "binary matrix"]),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75]}, ["binary with ties"]),
    ("AUC", {"num_thresholds": 2}, ["binary"]),
    ("AUC", {"from_logits": True, **WEIGHTS}, ["logits"]),
    ("AUC", {"thresholds": [0.1, 0.7], **WEIGHTS}, ["binary matrix"]),
    ("AUC", {"multi_label": True, "num_labels": CLASSES}, ["binary matrix"]),
    *[
        ("AUC", {"curve": curve, "summation_method": method, **options}, [kind])
        for curve in ("ROC", "pr", "PRGAIN")
        for method in ("interpolation", "minoring", "Majoring")
        for options, kind in [
            ({}, "binary with ties"),
            ({}, "all zeros"),
            ({**LABELS}, "binary matrix"),
            ({**LABELS, **WEIGHTS, "thresholds": [0.3, 0.1]}, "binary matrix"),
        ]
    ],
    *[
        (name, {"average": average, **options}, ["one-hot", "binary matrix"])
        for average in (None, "micro", "macro", "weighted")
        for name, options in [("FBetaScore", {"beta": 2.0}), ("F1Score", {"threshold": 0.5})]
    ],
    *[
        ("R2Score", {"class_aggregation": how, "num_regressors": n}, ["regression"])
        for how in (None, "uniform_average", "variance_weighted_average")
        for n in (0, 2, 200)
    ],
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 3]}, ["regions", "strange regions"]),
    (
        "IoU",
        {"num_classes": CLASSES, "target_class_ids": [0, 3], "ignore_class": 3, "dtype": "float32"},
        ["regions", "strange regions"],
    ),
    ("BinaryIoU", {"threshold": 0.25}, ["binary with ties", "binary matrix"]),
    ("MeanIoU", {"num_classes": CLASSES, "sparse_y_pred": False}, ["classes"]),
    ("MeanIoU", {"num_classes": CLASSES + 2}, ["regions"]),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [1]}, ["one-hot"]),
    ("OneHotMeanIoU", {"num_classes": CLASSES}, ["one-hot", "one-hot sequences"]),
]
CASES = [(name, options, kind) for name, options, kinds in ROWS for kind in kinds]


def each_case(test):
    """Run a test on all rows; in the everyday run, on one of each metric."""
    rows = pytest.mark.parametrize(("name", "options", "kind"), CASES, ids=str)
    return pytest.mark.sampled(by=lambda row: row["name"])(rows(test))


each_row = pytest.mark.parametrize(("name", "options"), [row[:2] for row in ROWS], ids=str)


def both(kind, /, **options):
    return getattr(metrics, kind)(**options), getattr(keras.metrics, kind)(**options)


def assert_close(ours, theirs, factor=1):
    ours, theirs = ours.numpy(), theirs.numpy()
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    tolerance = factor * TOLERANCE[ours.dtype.name]
    np.testing.assert_allclose(
        ours.astype("f8"), theirs.astype("f8"), rtol=tolerance, atol=3 * tolerance
    )


def run(pair, kind, weigh, masked=False, wide=False):
    """Give three batches to both metrics; say whether they took them."""
    ours, theirs = pair
    data = Data(3)
    for _ in range(3):
        batch = KINDS[kind](data)
        if wide:
            batch = tuple(x.astype("f8") if x.dtype == "f4" else x for x in batch)
        weight = weigh(data, batch)
        a, b = [ops.convert_to_tensor(x) for x in batch], [tf.constant(x) for x in batch]
        if masked:
            mask = np.arange(len(batch[-1])) % 3 > 0
            a[-1]._keras_mask, b[-1]._keras_mask = ops.convert_to_tensor(mask), tf.constant(mask)
        try:
            theirs.update_state(*b, sample_weight=weight)
        except (ValueError, tf.errors.InvalidArgumentError):
            before = [v.numpy() for v in ours.variables]
            with pytest.raises(ValueError):  # noqa: PT011 - whatever does not fit in drawn data
                ours.update_state(*a, sample_weight=weight)
            for state, v in zip(before, ours.variables, strict=False):
                np.testing.assert_array_equal(state, v.numpy())
            return False
        ours.update_state(*a, sample_weight=weight)
    return True


def compare(pair):
    ours, theirs = pair
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert_close(mine, other)
    assert_close(ours.result(), theirs.result(), factor=4)


def per_position(data, batch):
    """Whole weights for every position, of the shape of the targets."""
    return data.rng.integers(0, 4, batch[0].shape)


def unweighted(data, batch):
    return None


def per_sample(data, batch):
    return data.rng.random(batch[0].shape[:1]).astype("f4")


def nothing(data, batch):
    return np.zeros(batch[0].shape[:1], "f4")


@pytest.mark.filterwarnings("ignore")
@each_case
def test_three_batches(name, options, kind):
    for weigh in (unweighted, per_sample, nothing) if kind != "number" else (unweighted,):
        pair = both(name, name="m", **options)
        taken = run(pair, kind, weigh)
        assert taken or weigh is not unweighted
        if not taken:
            continue
        compare(pair)
        for metric in pair:
            metric.reset_state()
        compare(pair)


@pytest.mark.filterwarnings("ignore")
@each_case
def test_masks(name, options, kind):
    pairs = both(name, name="m", **options)
    if not isinstance(pairs[0], metrics.MeanMetricWrapper) or kind.startswith("empty"):
        return
    if run(pairs, kind, unweighted, masked=True):
        compare(pairs)


@pytest.mark.sampled(by=lambda row: row["name"])
@pytest.mark.parametrize("dtype", ["float64", "float16"])
@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("Mean", {}, "matrix"),
        ("Sum", {}, "matrix"),
        ("SparseCategoricalAccuracy", {}, "classes"),
        ("CategoricalAccuracy", {}, "one-hot"),
        ("BinaryAccuracy", {}, "binary matrix"),
        ("CategoricalCrossentropy", {}, "one-hot"),
        ("SparseCategoricalCrossentropy", {}, "classes"),
        ("BinaryCrossentropy", {}, "binary matrix"),
        ("MeanSquaredError", {}, "regression"),
        ("RootMeanSquaredError", {}, "regression"),
        ("Precision", {}, "binary matrix"),
        ("AUC", {}, "binary"),
        ("F1Score", {}, "one-hot"),
        ("MeanIoU", {"num_classes": CLASSES}, "regions"),
    ],
    ids=str,
)
def test_dtypes(name, options, kind, dtype):
    for weigh in (unweighted, per_sample):
        pair = both(name, name="m", dtype=dtype, **options)
        if name == "MeanIoU" and weigh is per_sample:
            continue
        assert run(pair, kind, weigh, wide=dtype == "float64")
        compare(pair)


@each_row
def test_configs(name, options):
    ours, theirs = both(name, name="m", **options)
    config = theirs.get_config()
    if "label_weights" in options:
        config["label_weights"] = options["label_weights"]
    # Keras forgets this axis on saving; here it is saved where it is not the default.
    if name == "CosineSimilarity" and "axis" in options:
        config["axis"] = options["axis"]
    assert ours.get_config() == config
    assert ours._direction == getattr(theirs, "_direction", None)
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(ours))))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    if "label_weights" not in options:
        assert metrics.deserialize(keras.metrics.serialize(theirs)).get_config() is not None


@pytest.mark.parametrize("name", [n for n in dir(keras.metrics) if not n.startswith("_")])
def test_signatures(name):
    ours, theirs = getattr(metrics, name), getattr(keras.metrics, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    parameters = inspect.signature(theirs).parameters.values()
    if inspect.isclass(theirs) and all(p.default is not p.empty for p in parameters):
        keras.backend.clear_session()
        names.clear()
        assert ours().get_config() == theirs().get_config()


@pytest.mark.parametrize("name", sorted(keras.src.metrics.ALL_OBJECTS_DICT))
def test_names(name):
    assert metrics.metrics.find(name).__name__ == keras.src.metrics.ALL_OBJECTS_DICT[name].__name__


@pytest.mark.parametrize(
    "function", [n for n in dir(keras.metrics) if n[0].islower() and n not in ("get", "serialize")]
)
def test_wrapped_functions(function):
    if function == "deserialize":
        return
    ours = metrics.MeanMetricWrapper(getattr(metrics, function), name="m")
    theirs = keras.metrics.MeanMetricWrapper(getattr(keras.metrics, function), name="m")
    assert metrics.serialize(ours) == keras.metrics.serialize(theirs)
    assert metrics.deserialize(keras.metrics.serialize(theirs))._fn is ours._fn
    assert ours._direction == getattr(theirs, "_direction", None)


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("MeanIoU", {"num_classes": CLASSES}, "regions"),
        ("BinaryIoU", {}, "binary matrix"),
        ("Mean", {}, "matrix"),
        ("MeanSquaredError", {}, "column"),
        ("RootMeanSquaredError", {}, "regression"),
        ("SparseCategoricalAccuracy", {}, "class sequences"),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "class sequences"),
        ("Precision", {}, "binary matrix"),
        ("AUC", {}, "binary matrix"),
        ("AUC", {"multi_label": True}, "binary matrix"),
        ("R2Score", {}, "regression"),
    ],
    ids=str,
)
def test_weights_of_positions(name, options, kind):
    pair = both(name, name="m", **options)
    assert run(pair, kind, per_position)
    compare(pair)


def test_stateless_calls():
    ours, theirs = both("Mean")
    state = [np.float32(3), np.float32(2)]
    expected = theirs.stateless_update_state([tf.constant(s) for s in state], np.ones(4, "f4"))
    updated = ours.stateless_update_state(state, np.ones(4, "f4"))
    for mine, other in zip(updated, expected, strict=True):
        assert_close(mine, other)
    assert_close(ours.stateless_result(updated), theirs.stateless_result(expected))
    assert float(ours.result()) == 0
