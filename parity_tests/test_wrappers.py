"""Estimators of scikit-learn against Keras's: the same predictions from the same seed."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from parity_tests.scenario import same

pytestmark = pytest.mark.parity

LENGTH = 400
_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 3))
LABELS = np.array(["a", "b", "c"])[_rng.integers(0, 3, size=40)]
BITS = (X[:, 0] > 0).astype("int64")
VALUES = X @ [1.0, 2.0, 3.0]
QUIET = {"verbose": 0, "epochs": 3, "shuffle": False}


@pytest.fixture(autouse=True)
def silent():
    import keras

    import minikeras

    for engine in (keras, minikeras):
        engine.utils.disable_interactive_logging()
    yield
    for engine in (keras, minikeras):
        engine.utils.enable_interactive_logging()


def builder(k, loss, activation=None):
    def build(X, y, units=4):
        inputs = k.Input((X.shape[1],))
        x = k.layers.Dense(units, activation="relu")(inputs)
        outputs = y.shape[1] if y.ndim > 1 else 1
        model = k.Model(inputs, k.layers.Dense(outputs, activation=activation)(x))
        model.compile("rmsprop", loss)
        return model

    return build


def classifier(k):
    return k.wrappers.SKLearnClassifier(builder(k, "categorical_crossentropy", "softmax"))


def regressor(k, **options):
    return k.wrappers.SKLearnRegressor(builder(k, "mse"), **options)


def transformer(k):
    return k.wrappers.SKLearnTransformer(builder(k, "mse"), model_kwargs={"units": 3})


@pytest.mark.parametrize("y", [LABELS, BITS, LABELS.tolist()])
def test_classifiers(y):
    def scenario(k):
        estimator = classifier(k).fit(X, y, **QUIET)
        names = estimator.predict(X).tolist()
        return names, estimator.decision_function(X), estimator.classes_.tolist()

    same(scenario, LENGTH)


def test_regressors_and_transformers():
    def scenario(k):
        estimator = regressor(k, fit_kwargs=dict(QUIET)).fit(X, VALUES)
        features = transformer(k).fit(X, VALUES, **QUIET).transform(X)
        return (
            estimator.predict(X),
            estimator.score(X, VALUES),
            estimator.history_.history,
            features,
        )

    same(scenario, LENGTH)


def test_models_are_copied():
    def scenario(k):
        model = builder(k, "mse")(X, VALUES)
        estimator = k.wrappers.SKLearnRegressor(model).fit(X, VALUES, **QUIET)
        return estimator.predict(X), model.predict(X, verbose=0)

    same(scenario, LENGTH)


def test_pipelines_searches_and_cross_validation():
    def scenario(k):
        pipe = make_pipeline(StandardScaler(), regressor(k))
        fit = {f"sklearnregressor__{name}": value for name, value in QUIET.items()}
        predictions = pipe.fit(X, VALUES, **fit).predict(X)
        scores = cross_val_score(regressor(k), X, VALUES, cv=3, params=QUIET)
        grid = {"model_kwargs": [{"units": 2}, {"units": 5}]}
        search = GridSearchCV(regressor(k), grid, cv=2).fit(X, VALUES, **QUIET)
        return predictions, scores, search.best_params_, search.predict(X)

    same(scenario, LENGTH)


def test_parameters_and_errors():
    def scenario(k):
        estimator = regressor(k, fit_kwargs={"epochs": 2})
        params = {name: str(type(p)) for name, p in clone(estimator).get_params().items()}
        heard = [sorted(name for name in params if name != "fit_kwargs")]
        for make, target in ((classifier, VALUES), (classifier, ["a"] * 40), (regressor, X)):
            try:
                make(k).fit(X, target, **QUIET)
            except ValueError as error:
                heard.append(type(error))
        return heard

    same(scenario)
