"""Models of Keras 2 in scikit-learn, by a function that builds them."""

import numpy as np
import pytest

from minikeras.keras2.layers import Dense
from minikeras.keras2.models import Sequential
from minikeras.keras2.wrappers.scikit_learn import KerasClassifier, KerasRegressor


def classifier(units=4, loss="sparse_categorical_crossentropy"):
    model = Sequential([Dense(units, activation="relu", input_dim=2), Dense(2, "softmax")])
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def binary():
    model = Sequential([Dense(1, activation="sigmoid", input_dim=2)])
    model.compile("sgd", "binary_crossentropy")
    return model


def regressor(**options):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    return model


class Built:
    """An object that makes a model when it is called."""

    def __call__(self, units=3):
        return classifier(units)


class OwnClassifier(KerasClassifier):
    """A classifier that is its own function."""

    def __call__(self, units=3):
        return classifier(units)


X = np.random.default_rng(0).normal(size=(20, 2))
Y = np.where(X[:, 0] > 0, "right", "left")


@pytest.mark.parametrize(
    "make",
    [
        lambda: KerasClassifier(classifier, units=3, epochs=2),
        lambda: KerasClassifier(Built(), units=3, nb_epoch=2),
        lambda: OwnClassifier(units=3, epochs=2),
    ],
)
def test_classes_by_their_own_names(make):
    estimator = make()
    history = estimator.fit(X, Y, verbose=0)
    assert len(history.epoch) == 2 and estimator.model.layers[0].units == 3
    assert estimator.classes_.tolist() == ["left", "right"] and estimator.n_classes_ == 2
    p = estimator.predict_proba(X)
    np.testing.assert_array_equal(estimator.predict(X), estimator.classes_[p.argmax(1)])
    accuracy = np.mean(estimator.predict(X) == Y)
    assert estimator.score(X, Y, verbose=0) == pytest.approx(accuracy)


def test_one_hot_targets():
    estimator = KerasClassifier(classifier, loss="categorical_crossentropy", verbose=0)
    estimator.fit(X, Y)
    assert estimator.score(X, Y) == pytest.approx(np.mean(estimator.predict(X) == Y))
    one_hot = np.eye(2)[(Y == "right").astype(int)]
    estimator.fit(X, one_hot, sample_weight=np.ones(20))
    assert estimator.classes_.tolist() == [0, 1]


def test_one_output_gives_two_probabilities():
    estimator = KerasClassifier(binary, verbose=0)
    estimator.fit(X, (Y == "right").astype(int))
    p = estimator.predict_proba(X)
    assert p.shape == (20, 2)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    with pytest.raises(ValueError, match=r"metrics=\['accuracy'\]"):
        estimator.score(X, (Y == "right").astype(int))


def test_a_regressor_scores_by_its_loss():
    estimator = KerasRegressor(regressor, batch_size=10, verbose=0)
    estimator.fit(X, X[:, 0])
    y = estimator.predict(X)
    assert y.shape == (20,)
    assert estimator.score(X, X[:, 0]) == pytest.approx(-np.mean((y - X[:, 0]) ** 2), rel=1e-5)


def test_arguments_are_checked_and_kept():
    with pytest.raises(ValueError, match="layers is not a legal parameter"):
        KerasClassifier(classifier, layers=3)
    estimator = KerasClassifier(classifier, units=3)
    assert estimator.get_params() == {"units": 3, "build_fn": classifier}
    assert estimator.set_params(units=5, batch_size=2) is estimator
    assert estimator.sk_params == {"units": 5, "batch_size": 2}
    assert estimator.filter_sk_params(classifier, {"loss": "mse"}) == {"units": 5, "loss": "mse"}
    with pytest.raises(ValueError, match="Invalid shape for y"):
        estimator.fit(X, np.zeros((20, 2, 2)))


@pytest.mark.slow
def test_searches_over_arguments():
    selection = pytest.importorskip("sklearn.model_selection")
    grid = {"units": [2, 3], "epochs": [1]}
    search = selection.GridSearchCV(KerasClassifier(classifier, verbose=0), grid, cv=2)
    search.fit(X, (Y == "right").astype(int))
    assert search.best_params_["units"] in (2, 3) and search.best_score_ >= 0
    search = selection.GridSearchCV(KerasRegressor(regressor, verbose=0), {"epochs": [1]}, cv=2)
    assert search.fit(X, X[:, 0]).best_score_ <= 0
