"""Which engine a process runs, by its name."""

import importlib
import os
import sys

from .backends import JaxEngine, TorchEngine
from .engines import Engine, TensorFlowEngine
from .keras2 import Keras2Engine

BACKENDS = {
    "keras": ("tensorflow", TensorFlowEngine),
    "keras-tensorflow": ("tensorflow", TensorFlowEngine),
    "keras-jax": ("jax", JaxEngine),
    "keras-torch": ("torch", TorchEngine),
}


def engine_of(name):
    """Import a Keras.

    Args:
        name: `"keras"`, real Keras on TensorFlow; `"keras-jax"` or `"keras-torch"`, on another
            back end; `"tf-keras"`; or `"minikeras"`.

    Returns:
        The `Engine`.

    Raises:
        ValueError: for another name.
        ImportError: if it is not installed.
    """
    if name == "minikeras":
        return Engine(name, importlib.import_module("minikeras"))
    if name == "tf-keras":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        engine = Keras2Engine(name, importlib.import_module("tf_keras"))
        # A module that makes a model imports `keras`: here, that is tf-keras.
        for module in [m for m in sys.modules if (m + ".").startswith("tf_keras.")]:
            sys.modules[module[3:]] = sys.modules[module]
        return engine
    if name not in BACKENDS:
        known = ", ".join(sorted([*BACKENDS, "minikeras", "tf-keras"]))
        raise ValueError(f"There is no engine {name!r}; there are: {known}.")
    os.environ["KERAS_BACKEND"], kind = BACKENDS[name]
    return kind(name, importlib.import_module("keras"))
