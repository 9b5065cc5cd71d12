"""Models as scikit-learn's classifiers, regressors and transformers (the extra `sklearn`)."""

from minikeras.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
