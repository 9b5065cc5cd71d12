"""Estimators of scikit-learn that train a model.

They keep to scikit-learn's rules: the constructor only stores its arguments, `fit` makes the
attributes whose names end in an underscore, and a clone is untrained. So they work in pipelines,
searches over parameters and cross-validation, also with several processes.
"""

import numpy as np

from minikeras.core.docstrings import described
from minikeras.models import Model, clone_model
from minikeras.wrappers.library import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    TransformerMixin,
)
from minikeras.wrappers.targets import TargetReshaper, target_type


class SKLBase(BaseEstimator):
    """The base of the estimators.

    Args:
        model: compiled `Model`, of which each `fit` trains a copy with new weights; or a function
            `(X, y, **model_kwargs)` that returns a compiled model.
        warm_start: stored for scikit-learn; as in Keras, each `fit` begins with a new model.
        model_kwargs: dict of arguments for `model` if it is a function.
        fit_kwargs: dict of arguments for the model's `fit`; those of the estimator's own `fit`
            take precedence.
    """

    def __init__(self, model, warm_start=False, model_kwargs=None, fit_kwargs=None):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self):
        """Tell scikit-learn that training is random."""
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self):
        """Return an untrained estimator with the same arguments."""
        return type(self)(**self.get_params(deep=False))

    @property
    def epoch_(self):
        """The number of epochs that the model has been trained for."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs):
        """Say which arguments of `fit` scikit-learn's metadata routing passes on.

        Args:
            **kwargs: argument names and whether they are requested: True, False, None or a string.

        Returns:
            The estimator itself.

        Raises:
            RuntimeError: if metadata routing is not enabled.
        """
        import sklearn
        from sklearn.utils.metadata_routing import MetadataRequest

        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "`set_fit_request` needs metadata routing, which is not enabled: call "
                "`sklearn.set_config(enable_metadata_routing=True)` first."
            )
        self._metadata_request = MetadataRequest(owner=self)
        for param, alias in kwargs.items():
            self._metadata_request.fit.add_request(param=param, alias=alias)
        return self

    def fit(self, X, y, **kwargs):
        """Train a new model.

        Args:
            X: array-like of inputs `(samples, features)`.
            y: array-like of targets `(samples,)`.
            **kwargs: arguments of the model's `fit`.

        Returns:
            The estimator itself, with `model_` and `history_`.

        Raises:
            ValueError: if the data are none that scikit-learn allows here.
            RuntimeError: if the model is not compiled.
        """
        from sklearn.utils.validation import validate_data

        X, y = validate_data(self, X, y)
        y = self._process_target(y, reset=True)
        model = self._new_model(X, y)
        if not (model.compiled and model.loss and model.optimizer):
            raise RuntimeError(
                "The model must be compiled with an optimizer and a loss: call "
                "`model.compile(optimizer, loss)` in the function that makes it."
            )
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X):
        """Return predictions, of the rank and the kind of the targets.

        Args:
            X: array-like of inputs `(samples, features)`.
        """
        outputs = self._outputs(X)
        return self._target_encoder.inverse_transform(outputs)

    def _outputs(self, X):
        """What the trained model makes of inputs, once they are checked."""
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False))

    def _new_model(self, X, y):
        if isinstance(self.model, Model):
            return clone_model(self.model)
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def _process_target(self, y, reset=False):
        """Return targets as the model takes them; `reset` chooses how."""
        target_type(y)
        if reset:
            self._target_encoder = TargetReshaper().fit(y)
        return self._target_encoder.transform(y)


@described()
class SKLearnClassifier(ClassifierMixin, SKLBase):
    """A model as a classifier of scikit-learn.

    The model gets the targets as one-hot rows, and has one output for each class. After `fit`,
    `classes_` holds the labels, `model_` the trained model and `history_` what its `fit` returned.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> def build(X, y, units):
        ...     model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(units),
        ...                               keras.layers.Dense(y.shape[1], activation="softmax")])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.ones((6, 3)), np.array(["cat", "dog"] * 3)
        >>> estimator = keras.wrappers.SKLearnClassifier(
        ...     build, model_kwargs={"units": 4}, fit_kwargs={"epochs": 2, "verbose": 0})
        >>> estimator.fit(X, y).classes_.tolist()
        ['cat', 'dog']
    """

    def decision_function(self, X):
        """Return the model's outputs `(samples, classes)`.

        Args:
            X: array-like of inputs `(samples, features)`.
        """
        return self._outputs(X)

    def _process_target(self, y, reset=False):
        """Return targets as one-hot rows."""
        kind = target_type(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                "A classifier takes targets of two classes or more. Received: targets of kind "
                f"{kind!r}"
            )
        if reset:
            self._set_classes(y)
        return self._target_encoder.transform(y)

    def _set_classes(self, y):
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        self.classes_ = np.unique(y)
        if len(self.classes_) == 1:
            raise ValueError(
                "A classifier needs two classes to tell apart. Received: one class, "
                f"{self.classes_[0]!r}"
            )
        encoder = make_pipeline(TargetReshaper(), OneHotEncoder(sparse_output=False))
        self._target_encoder = encoder.fit(y)

    def __sklearn_tags__(self):
        """Tell scikit-learn that few steps of training give poor scores."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


@described()
class SKLearnRegressor(RegressorMixin, SKLBase):
    """A model as a regressor of scikit-learn.

    The model gets the targets as a column `(samples, 1)`. After `fit`, `model_` is the trained
    model, and `history_` what its `fit` returned.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> estimator = keras.wrappers.SKLearnRegressor(model, fit_kwargs={"verbose": 0})
        >>> estimator.fit(np.ones((6, 3)), np.ones(6)).epoch_
        1
    """

    def __sklearn_tags__(self):
        """Tell scikit-learn that few steps of training give poor scores."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


@described()
class SKLearnTransformer(TransformerMixin, SKLBase):
    """A model as a transformer of scikit-learn: its outputs are the features of the next step.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> estimator = keras.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0})
        >>> estimator.fit(np.ones((6, 3)), np.ones(6)).model_.output_shape
        (None, 1)
    """

    def transform(self, X):
        """Return the model's outputs.

        Args:
            X: array-like of inputs `(samples, features)`.
        """
        return self._outputs(X)

    def __sklearn_tags__(self):
        """Tell scikit-learn that outputs are in the model's dtype, whatever the inputs are in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
