"""scikit-learn's base classes; where it is missing, classes that say so when they are used."""

from minikeras.core.distribution import how_to_install

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
except ImportError:

    def _stand_in(name):
        """A base class: what inherits it can be imported, but no object of it be made."""

        def refuse(cls, *args, **kwargs):
            raise ImportError(
                f"{cls.__name__} needs scikit-learn. {how_to_install('sklearn')}"
            )

        return type(name, (), {"__new__": refuse, "__doc__": f"scikit-learn's `{name}`."})

    BaseEstimator = _stand_in("BaseEstimator")
    ClassifierMixin = _stand_in("ClassifierMixin")
    RegressorMixin = _stand_in("RegressorMixin")
    TransformerMixin = _stand_in("TransformerMixin")

__all__ = ["BaseEstimator", "ClassifierMixin", "RegressorMixin", "TransformerMixin"]
