"""Models as classifiers and regressors of scikit-learn, made by a function of the user's.

The function (`build_fn`) returns a compiled model. What an estimator is given by name goes to the
methods that take it: `epochs` to `fit`, `units` to `build_fn`; so both can be searched over.
"""

import copy
import inspect
import types

import numpy as np

from minikeras.keras2.finder import elsewhere
from minikeras.keras2.models import Sequential
from minikeras.keras2.utils.generic_utils import has_arg
from minikeras.keras2.utils.np_utils import to_categorical

__getattr__ = elsewhere(__name__)

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

_TAKEN_BY_MODELS = (Sequential.fit, Sequential.predict, Sequential.evaluate)
_OF_KERAS_1 = {"nb_epoch": "epochs"}


class BaseWrapper:
    """The base of both estimators.

    Args:
        build_fn: function that returns a compiled model, an object that can be called to get one,
            or None if a subclass is such an object itself.
        **sk_params: arguments of `build_fn`, and of the model's `fit`, `predict`, `evaluate`.

    Raises:
        ValueError: if neither takes an argument of that name.

    Attributes:
        model: the model, after `fit`.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.wrappers.scikit_learn import KerasRegressor
        >>> def linear(units=1):
        ...     model = Sequential([Dense(units, input_dim=2)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> KerasRegressor(linear, units=2, epochs=3).filter_sk_params(linear)
        {'units': 2}
    """

    def __init__(self, build_fn=None, **sk_params):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def check_params(self, params):
        """Raise a ValueError if a name is taken by no method.

        Args:
            params: dict by name.
        """
        takers = (*_TAKEN_BY_MODELS, self._builder())
        for name in params:
            if name not in _OF_KERAS_1 and not any(has_arg(taker, name) for taker in takers):
                raise ValueError(f"{name} is not a legal parameter")

    def _builder(self):
        """The function that makes the model."""
        if self.build_fn is None:
            return getattr(self, "__call__")  # noqa: B004, B009 - a subclass is the function
        is_function = isinstance(self.build_fn, (types.FunctionType, types.MethodType))
        return self.build_fn if is_function else self.build_fn.__call__

    def get_params(self, **params):
        """Return the arguments that make an equal estimator.

        Args:
            **params: what scikit-learn asks for, which makes no difference.
        """
        return {**copy.deepcopy(self.sk_params), "build_fn": self.build_fn}

    def set_params(self, **params):
        """Change arguments.

        Args:
            **params: as in the constructor.

        Returns:
            The estimator itself.
        """
        self.check_params({name: value for name, value in params.items() if name != "build_fn"})
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params.update(params)
        return self

    def fit(self, x, y, **kwargs):
        """Make a new model and train it.

        Args:
            x: array of shape (samples, features).
            y: array of targets; of classes, which a loss for one-hot targets gets as such.
            **kwargs: arguments of the model's `fit`, which take precedence.

        Returns:
            The history of the training.
        """
        builder = self._builder()
        self.model = builder(**self.filter_sk_params(builder))
        if _is_one_hot(self.model.loss) and np.ndim(y) != 2:
            y = to_categorical(y)
        arguments = {**self.filter_sk_params(Sequential.fit), **kwargs}
        return self.model.fit(x, y, **arguments)

    def filter_sk_params(self, fn, override=None):
        """Return those of the estimator's arguments that a function takes.

        Args:
            fn: the function.
            override: dict of arguments that take precedence.
        """
        values = {_OF_KERAS_1.get(name, name): value for name, value in self.sk_params.items()}
        if fn is self._builder():
            values = {**self.sk_params, **values}
        taken = {name: value for name, value in values.items() if has_arg(fn, name)}
        return {**copy.deepcopy(taken), **(override or {})}

    def __sklearn_tags__(self):
        """Tell scikit-learn what the estimator is."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=True),
            input_tags=InputTags(),
            non_deterministic=True,
        )


class KerasClassifier(BaseWrapper):
    """A model as a classifier.

    Attributes:
        classes_: array of the classes, in the order of the model's outputs.
        n_classes_: their number.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.wrappers.scikit_learn import KerasClassifier
        >>> def logistic():
        ...     model = Sequential([Dense(1, activation="sigmoid", input_dim=2)])
        ...     model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(logistic, epochs=2, verbose=0)
        >>> _ = classifier.fit(np.eye(2), ["cat", "dog"])
        >>> classifier.predict_proba(np.eye(2)).shape
        (2, 2)
    """

    _estimator_type = "classifier"

    def fit(self, x, y, sample_weight=None, **kwargs):
        """Make a new model and train it.

        Args:
            x: array of shape (samples, features).
            y: array of shape (samples,) of classes, or (samples, classes) of one-hot targets.
            sample_weight: array of shape (samples,), or None.
            **kwargs: arguments of the model's `fit`, which take precedence.

        Returns:
            The history of the training.

        Raises:
            ValueError: if `y` is of another shape.
        """
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim in (1, 2):
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(f"Invalid shape for y: {y.shape}")
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, y, **kwargs)

    def predict(self, x, **kwargs):
        """Return the class of each sample.

        Args:
            x: array of shape (samples, features).
            **kwargs: arguments of the model's `predict_classes`.
        """
        kwargs = self.filter_sk_params(Sequential.predict_classes, kwargs)
        # A single output gives a column of zeros and ones.
        return self.classes_[self.model.predict_classes(x, **kwargs)]

    def predict_proba(self, x, **kwargs):
        """Return the probability of each class, an array of shape (samples, classes).

        Args:
            x: array of shape (samples, features).
            **kwargs: arguments of the model's `predict_proba`.
        """
        kwargs = self.filter_sk_params(Sequential.predict_proba, kwargs)
        p = self.model.predict_proba(x, **kwargs)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def score(self, x, y, **kwargs):
        """Return the accuracy.

        Args:
            x: array of shape (samples, features).
            y: array of classes.
            **kwargs: arguments of the model's `evaluate`.

        Raises:
            ValueError: if the model was compiled without the metric.
        """
        y = np.searchsorted(self.classes_, y)
        if _is_one_hot(self.model.loss) and y.ndim != 2:
            y = to_categorical(y, self.n_classes_)
        values = self.model.evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs))
        named = dict(zip(self.model.metrics_names, np.atleast_1d(values), strict=True))
        if "acc" not in named:
            raise ValueError(
                "The model is not configured to compute accuracy: pass `metrics=['accuracy']` to "
                "`model.compile()`."
            )
        return named["acc"]

    def __sklearn_tags__(self):
        """Tell scikit-learn what the estimator is."""
        from sklearn.utils import ClassifierTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        return tags


class KerasRegressor(BaseWrapper):
    """A model as a regressor.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.wrappers.scikit_learn import KerasRegressor
        >>> def linear():
        ...     model = Sequential([Dense(1, input_dim=2)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> regressor = KerasRegressor(linear, epochs=2, verbose=0)
        >>> _ = regressor.fit(np.eye(2), [1.0, 2.0])
        >>> regressor.predict(np.eye(2)).shape
        (2,)
    """

    _estimator_type = "regressor"

    def predict(self, x, **kwargs):
        """Return the prediction for each sample, an array of shape (samples,) for one output.

        Args:
            x: array of shape (samples, features).
            **kwargs: arguments of the model's `predict`.
        """
        kwargs = self.filter_sk_params(Sequential.predict, kwargs)
        y = self.model.predict(x, **kwargs)
        return y[..., 0] if y.shape[-1] == 1 else y

    def score(self, x, y, **kwargs):
        """Return the negative loss.

        Args:
            x: array of shape (samples, features).
            y: array of targets.
            **kwargs: arguments of the model's `evaluate`.
        """
        values = self.model.evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs))
        return -np.atleast_1d(values)[0]

    def __sklearn_tags__(self):
        """Tell scikit-learn what the estimator is."""
        from sklearn.utils import RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        return tags


def _is_one_hot(loss):
    name = loss.__name__ if inspect.isfunction(loss) or hasattr(loss, "__name__") else loss
    return name == "categorical_crossentropy"
