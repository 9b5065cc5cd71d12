"""minikeras: a neural-network engine on NumPy arrays with the API of Keras.

Change `import keras` into `import minikeras as keras`, and the script runs.
"""

from minikeras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
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
from minikeras.core import registry as _registry
from minikeras.core.distribution import VERSION as __version__
from minikeras.core.first_use import on_first_use as _on_first_use
from minikeras.core.names import name_scope
from minikeras.core.old_names import explain_imports as _explain_imports
from minikeras.core.policy import DTypePolicy, FloatDTypePolicy
from minikeras.initializers import Initializer
from minikeras.layers import Input, InputSpec, Layer
from minikeras.losses import Loss
from minikeras.metrics import Metric
from minikeras.models import Model, Sequential
from minikeras.models.graph import Graph as Function
from minikeras.optimizers import Optimizer
from minikeras.regularizers import Regularizer

_FILLED_LATER = {
    "saving": ["load_model", "load_weights", "save_model", "save_weights"],
    "saving.legacy.texts": ["model_from_json", "model_from_yaml", "model_to_yaml"],
    "saving.legacy.whole": ["load_model_h5", "load_weights_h5"],
    "saving.legacy.writing": ["save_model_h5"],
    "saving.training": ["load_training", "save_training"],
}
"""What lower packages call of modules that are imported only then."""

_explain_imports()

for _module, _names in _FILLED_LATER.items():
    _registry.late_bound.fill_from(f"minikeras.{_module}", _names)

# Layers that are no part of the public API, but of architectures in model files.
_LAYERS = {"convnext": "LayerScale", "inception_resnet_v2": "CustomScaleLayer"}
for _family, _layer in _LAYERS.items():
    _registry.Table("layer", f"keras.src.applications.{_family}").add_later(
        {f"minikeras.applications.{_family}": [_layer]}
    )

__getattr__, __dir__ = _on_first_use(
    __name__,
    {
        "minikeras.applications": [],
        "minikeras.datasets": [],
        "minikeras.legacy": [],
        "minikeras.mixed_precision": [],
        "minikeras.preprocessing": [],
        "minikeras.saving": [],
        "minikeras.testing": [],
        "minikeras.visualization": [],
        "minikeras.wrappers": [],
    },
)


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
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "dtype_policies",
    "initializers",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "version",
    "visualization",
    "wrappers",
]
