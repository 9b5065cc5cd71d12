"""Models as scikit-learn's classifiers, regressors and transformers (the extra `sklearn`)."""

from minikeras.core.first_use import on_first_use
from minikeras.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__getattr__, __dir__ = on_first_use(__name__, {})  # old names are told what to use

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
