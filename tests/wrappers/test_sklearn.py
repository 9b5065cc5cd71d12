"""Models as estimators of scikit-learn: its own checks, and what estimators are used for."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import minikeras as keras

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from minikeras.wrappers import (  # noqa: E402
    SKLearnClassifier,
    SKLearnRegressor,
    SKLearnTransformer,
)

_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")
VALUES = X @ [1.0, 2.0, 3.0]


def build(X, y, loss="mse", activation=None, layers=(), rate=0.05):
    inputs = x = keras.Input((X.shape[1],))
    for units in layers:
        x = keras.layers.Dense(units, activation="relu")(x)
    units = y.shape[1] if y.ndim > 1 else 1
    model = keras.Model(inputs, keras.layers.Dense(units, activation=activation)(x))
    model.compile(keras.optimizers.RMSprop(rate), loss=loss)
    return model


def classifier(**options):
    arguments = {"loss": "categorical_crossentropy", "activation": "softmax", **options}
    return SKLearnClassifier(build, model_kwargs=arguments, fit_kwargs={"epochs": 5, "verbose": 0})


def regressor(**options):
    return SKLearnRegressor(build, model_kwargs=options, fit_kwargs={"epochs": 20, "verbose": 0})


def transformer():
    return SKLearnTransformer(build, fit_kwargs={"verbose": 0})


def build_seeded(X, y, **options):
    """A model whose training is the same each time, which most of the checks ask for."""
    keras.utils.set_random_seed(0)
    return build(X, y, **options)


_COLUMNS = "the decision function has a column for each of two classes, as in Keras"
FAILING = {
    "SKLearnClassifier": {
        "check_classifiers_classes": _COLUMNS,
        "check_classifiers_train": _COLUMNS,
    },
    "SKLearnRegressor": {},
    "SKLearnTransformer": {},
}


@pytest.fixture(autouse=True)
def seeded_and_silent():
    keras.utils.set_random_seed(0)
    keras.utils.disable_interactive_logging()
    yield
    keras.utils.enable_interactive_logging()


class Seeded:
    """`build_seeded` with a name that does not tell where in memory it lies: tests have it."""

    def __repr__(self):
        return "seeded"

    def __call__(self, *args, **kwargs):
        return build_seeded(*args, **kwargs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        estimator.set_params(model=Seeded())
        for estimator in (classifier(), regressor(), transformer())
    ],
    expected_failed_checks=lambda estimator: FAILING[type(estimator).__name__],
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_classifier_learns_labels():
    estimator = classifier().fit(X, LABELS, epochs=40)
    assert estimator.classes_.tolist() == ["no", "yes"]
    assert estimator.score(X, LABELS) > 0.9
    assert estimator.decision_function(X).shape == (40, 2)
    assert estimator.epoch_ == 40
    assert estimator.fit_kwargs["epochs"] == 5, "the arguments are not those of one `fit`"


def test_predictions_have_the_rank_of_the_targets():
    assert regressor().fit(X, VALUES).predict(X).shape == VALUES.shape
    with pytest.raises(ValueError, match="should be a 1d array"):
        regressor().fit(X, np.stack([VALUES] * 2, axis=1))


def test_a_model_is_copied_for_each_fit():
    model = build(X, VALUES)
    before = model.get_weights()
    estimator = SKLearnRegressor(model, fit_kwargs={"verbose": 0}).fit(X, VALUES)
    assert estimator.model_ is not model
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_clones_keep_all_arguments():
    estimator = regressor(layers=(4,)).fit(X, VALUES)
    copy = clone(estimator)
    assert copy.get_params() == estimator.get_params()
    assert not hasattr(copy, "model_")


def test_pipelines_and_cross_validation():
    pipe = make_pipeline(StandardScaler(), transformer(), regressor())
    assert cross_val_score(pipe, X, VALUES, cv=3, error_score="raise").shape == (3,)


def test_searches_over_parameters():
    grid = {"model_kwargs": [{"rate": 0.1}, {"rate": 1e-6}]}
    search = GridSearchCV(regressor(), grid, cv=2, error_score="raise").fit(X, VALUES)
    assert search.best_params_ == {"model_kwargs": {"rate": 0.1}}


@pytest.mark.slow
def test_searches_with_two_processes():
    grid = {"model_kwargs": [{"rate": 0.1}, {"rate": 1e-6}]}
    search = GridSearchCV(regressor(), grid, cv=2, n_jobs=2, error_score="raise").fit(X, VALUES)
    assert search.best_params_ == {"model_kwargs": {"rate": 0.1}}


@pytest.mark.parametrize("make", [classifier, regressor, transformer])
def test_trained_estimators_are_pickled(make):
    estimator = make().fit(X, LABELS if make is classifier else VALUES)
    other = pickle.loads(pickle.dumps(estimator))
    for method in ("predict", "decision_function", "transform"):
        if hasattr(estimator, method):
            ours, theirs = getattr(estimator, method)(X), getattr(other, method)(X)
            np.testing.assert_array_equal(ours, theirs)


def test_metadata_is_routed():
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        regressor().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = regressor().set_fit_request(sample_weight=True)
        weights = np.r_[np.ones(20), np.zeros(20)]
        scores = cross_val_score(
            estimator, X, VALUES, cv=2, params={"sample_weight": weights}, error_score="raise"
        )
    assert scores.shape == (2,)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(RuntimeError, match="must be compiled"):
        SKLearnRegressor(keras.Sequential([keras.layers.Dense(1)])).fit(X, VALUES)
    with pytest.raises(ValueError, match="needs two classes"):
        classifier().fit(X, ["yes"] * 40)
    with pytest.raises(ValueError, match="targets of two classes or more"):
        classifier().fit(X, VALUES)


WITHOUT = """
import sys
sys.modules["sklearn"] = None
import minikeras as keras
from minikeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer
for name in keras.wrappers.__all__:
    try:
        getattr(keras.wrappers, name)(model=None)
    except ImportError as error:
        assert name in str(error) and "the extra `sklearn`" in str(error), error
    else:
        raise AssertionError(name)
"""


def test_the_classes_can_be_imported_without_scikit_learn():
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(WITHOUT)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
