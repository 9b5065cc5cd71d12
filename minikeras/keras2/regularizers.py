"""Regularizers of Keras 2, and the classes and functions of Keras 1."""

from minikeras import ops
from minikeras import regularizers as engine
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled
from minikeras.keras2.utils.generic_utils import deserialize_keras_object, serialize_keras_object

Regularizer, L1L2 = engine.Regularizer, engine.L1L2
serialize, deserialize = engine.serialize, engine.deserialize

# In Keras 1, three names of one class; one of what a layer computes is called by the layer.
L1L2Regularizer = WeightRegularizer = ActivityRegularizer = L1L2


def _l1_l2(l1, l2):
    """Return a penalty of `l1 sum(|w|) + l2 sum(w ** 2)`.

    Example:
        >>> from minikeras.keras2 import regularizers
        >>> regularizers.l1_l2(0.1, 0.2).get_config()
        {'l1': 0.1, 'l2': 0.2}
    """
    return L1L2(l1=l1, l2=l2)


def _named(name, parameters, renamed=None):
    def function(**values):
        return _l1_l2(**{**dict.fromkeys(("l1", "l2"), 0.0), **values})

    function.__name__, function.__doc__ = name, _l1_l2.__doc__
    return spelled(function, parameters, renamed=renamed or {})


l1 = _named("l1", "l=0.01", renamed={"l": "l1"})
l2 = _named("l2", "l=0.01", renamed={"l": "l2"})
l1_l2 = _named("l1_l2", "l1=0.01, l2=0.01")
l1l2 = _named("l1l2", "l1=0.01, l2=0.01")
activity_l1 = _named("activity_l1", "l=0.01", renamed={"l": "l1"})
activity_l2 = _named("activity_l2", "l=0.01", renamed={"l": "l2"})
activity_l1l2 = _named("activity_l1l2", "l1=0.01, l2=0.01")

class EigenvalueRegularizer(Regularizer):
    """Penalty of a matrix by its spectral norm: `k` times the root of the largest eigenvalue.

    The eigenvalue of `W^T W` is the Rayleigh quotient of the vector that nine steps of the power
    method make of ones.

    Args:
        k: float, the factor.

    Raises:
        ValueError: when it is called on a tensor that is no matrix.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2.regularizers import EigenvalueRegularizer
        >>> float(K.eval(EigenvalueRegularizer(0.5)(K.constant([[3.0, 0.0], [0.0, 1.0]]))))
        1.5
    """

    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        """Return the penalty of a matrix."""
        if K.ndim(x) != 2:
            raise ValueError(
                f"EigenvalueRegularizer is for matrices. Received: a tensor of shape {x.shape}"
            )
        return self.k * _spectral_norm(x)

    def get_config(self):
        """Return the factor."""
        return {"k": float(self.k)}


_POWERS = 9


@symbolic_function
def _spectral_norm(x):
    square = ops.matmul(ops.transpose(x), x)
    vector = ops.ones((x.shape[1], 1), dtype=x.dtype)
    for _ in range(_POWERS):
        vector = ops.matmul(square, vector)
    largest = ops.sum(vector * ops.matmul(square, vector)) / ops.sum(vector * vector)
    return ops.sqrt(largest)


_FUNCTIONS = {f.__name__: f for f in (l1, l2, l1_l2, l1l2, activity_l1, activity_l2, activity_l1l2)}


def get(identifier):
    """Return the regularizer that a name, config, function or instance stands for.

    Args:
        identifier: name, dict, callable, or None.

    Example:
        >>> from minikeras.keras2 import regularizers
        >>> regularizers.get("l2").get_config()
        {'l1': 0.0, 'l2': 0.01}
    """
    if isinstance(identifier, str) and identifier in _FUNCTIONS:
        return _FUNCTIONS[identifier]()
    return engine.get(identifier)


__getattr__ = elsewhere(__name__)

__all__ = [
    "ActivityRegularizer",
    "EigenvalueRegularizer",
    "L1L2",
    "L1L2Regularizer",
    "Regularizer",
    "WeightRegularizer",
    "activity_l1",
    "activity_l1l2",
    "activity_l2",
    "deserialize",
    "deserialize_keras_object",
    "get",
    "l1",
    "l1_l2",
    "l1l2",
    "l2",
    "serialize",
    "serialize_keras_object",
]
