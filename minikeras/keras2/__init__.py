"""Keras 1 and 2, as scripts of their time import them: `import minikeras.keras2 as keras`."""

import importlib as _importlib

from minikeras.keras2 import finder as _finder
from minikeras.keras2.modules import MODULES as _MODULES

__version__ = "2.2.4"

_finder.install()

_SUBMODULES = {
    *("activations", "applications", "backend", "callbacks", "constraints", "engine"),
    *("initializations", "initializers", "layers", "losses", "metrics", "models", "optimizers"),
    *("preprocessing", "regularizers", "utils", "wrappers"),
    *(path.partition(".")[0] for path in _MODULES),
}
_NAMES = {"Input": "layers", "Model": "models", "Sequential": "models"}


def __getattr__(name):
    if name in _SUBMODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(_importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *_SUBMODULES, *_NAMES})
