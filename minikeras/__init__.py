"""minikeras: a neural-network engine on NumPy arrays with the API of Keras.

Change `import keras` into `import minikeras as keras`, and the script runs.
"""

from minikeras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    tree,
    utils,
)
from minikeras.arrays.device import device
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import KerasTensor, Operation
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core.distribution import VERSION as __version__
from minikeras.core.names import name_scope
from minikeras.core.policy import DTypePolicy, FloatDTypePolicy
from minikeras.initializers import Initializer
from minikeras.layers import Input, InputSpec, Layer
from minikeras.losses import Loss
from minikeras.metrics import Metric
from minikeras.models import Model, Sequential
from minikeras.models.graph import Graph as Function
from minikeras.optimizers import Optimizer
from minikeras.regularizers import Regularizer


def version():
    """Return the version of minikeras as a string.

    Example:
        >>> import minikeras as keras
        >>> keras.version() == keras.__version__
        True
    """
    return __version__


__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "tree",
    "utils",
    "version",
]
