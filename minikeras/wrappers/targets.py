"""Targets of scikit-learn as models take them, and predictions as scikit-learn takes them."""

from minikeras.wrappers.library import BaseEstimator, TransformerMixin


class TargetReshaper(TransformerMixin, BaseEstimator):
    """Makes one-dimensional targets a column, and a column of predictions one-dimensional again.

    The attribute `ndim_` is the rank of the targets that it was fitted to.
    """

    def fit(self, y):
        """Note the rank of the targets.

        Args:
            y: array `(samples,)` or `(samples, outputs)`.

        Returns:
            The object itself.
        """
        self.ndim_ = y.ndim
        return self

    def transform(self, y):
        """Return targets of shape `(samples, outputs)`."""
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def inverse_transform(self, y):
        """Return predictions in the rank of the targets.

        Args:
            y: array `(samples, outputs)`; if the targets had rank 1, of one output.
        """
        return y.squeeze(axis=1) if self.ndim_ == 1 and y.ndim == 2 else y


def target_type(y):
    """Return the kind of targets, by scikit-learn's words: `"binary"`, `"continuous"`.

    Args:
        y: array of targets.

    Raises:
        ValueError: if scikit-learn knows no word for them.
    """
    from sklearn.utils.multiclass import type_of_target

    kind = type_of_target(y)
    if kind == "unknown":
        raise ValueError(f"Unknown label type for data: {y!r}")
    return kind
