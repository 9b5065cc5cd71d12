"""Models as scikit-learn's classifiers, regressors and transformers."""
