"""Initializers of Keras 2 and of Keras 1, by name.

One without a seed gets it from NumPy's global generator when it is made, as in Keras 2: after
`np.random.seed` the same script starts from the same weights.
"""

import functools
import inspect
from typing import Any

from minikeras import initializers as engine
from minikeras.autograd.symbolic import KerasTensor
from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.core.constructors import bound
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.randomness import seed_of
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import parsed

Initializer = engine.Initializer

# Names of Keras 1 and short ones, and what they stand for.
OLD_NAMES = {
    "uniform": "random_uniform",
    "normal": "random_normal",
    "zero": "zeros",
    "one": "ones",
}


def _with_seed(cls, parameters):
    """A subclass with the arguments of Keras 2, whose seed comes from NumPy's generator."""
    signature = parsed(f"self, {parameters}")

    def __init__(self, *args, **kwargs):
        values = dict(bound(signature, self, args, kwargs))
        if values.get("distribution") == "normal":  # a cut one, as in all of Keras
            values["distribution"] = "truncated_normal"
        cls.__init__(self, **values)
        if self._init_seed is None:
            self.seed = seed_of(None)

    __init__.__signature__ = signature
    namespace = {"__init__": __init__, "__doc__": cls.__doc__, "__module__": __name__}
    return type(cls.__name__, (cls,), namespace)


_AROUND = "mean=0.0, stddev=0.05, seed=None"
_SEEDED = {
    "RandomNormal": _AROUND,
    "TruncatedNormal": _AROUND,
    "RandomUniform": "minval=-0.05, maxval=0.05, seed=None",
    "VarianceScaling": "scale=1.0, mode='fan_in', distribution='normal', seed=None",
    "Orthogonal": "gain=1.0, seed=None",
    **dict.fromkeys(("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform"), "seed=None"),
    **dict.fromkeys(("LecunNormal", "LecunUniform"), "seed=None"),
}
_classes = {name: _with_seed(getattr(engine, name), _SEEDED[name]) for name in _SEEDED}
globals().update(_classes)
RandomNormal, TruncatedNormal = _classes["RandomNormal"], _classes["TruncatedNormal"]
RandomUniform, VarianceScaling = _classes["RandomUniform"], _classes["VarianceScaling"]
Orthogonal = _classes["Orthogonal"]
glorot_normal, glorot_uniform = _classes["GlorotNormal"], _classes["GlorotUniform"]
he_normal, he_uniform = _classes["HeNormal"], _classes["HeUniform"]
lecun_normal, lecun_uniform = _classes["LecunNormal"], _classes["LecunUniform"]
Zeros, Ones, Constant = engine.Zeros, engine.Ones, engine.Constant
Identity = engine.Identity
zero = zeros = Zeros
one = ones = Ones
constant, identity, orthogonal = Constant, Identity, Orthogonal
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal


def is_name(identifier):
    """Say whether a string is the name of an initializer of Keras 1 or 2."""
    return identifier in OLD_NAMES or isinstance(globals().get(identifier), type)


def get(identifier):
    """Return the initializer that a name, config, class or instance stands for.

    Args:
        identifier: name of Keras 1 or 2, dict, class, or function of a shape.

    Returns:
        A callable of a shape.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(identifier, dict):
        name, config = identifier["class_name"], dict(identifier.get("config") or {})
        config.pop("dtype", None)
        cls = globals().get(name)
        return cls(**config) if isinstance(cls, type) else engine.get(identifier)
    if isinstance(identifier, str):
        cls = globals().get(identifier)
        if isinstance(cls, type) and issubclass(cls, Initializer):
            return cls()
        return engine.get(OLD_NAMES.get(identifier, identifier))
    return identifier() if isinstance(identifier, type) else identifier


def for_engine(identifier):
    """Return an initializer as the engine's layers call it: `(shape, dtype=None)`, for an array.

    Args:
        identifier: see `get`. A function or an object of a script may return a tensor of the graph
            or a variable, and may take the shape alone or, as in Keras 1, with a name.

    Returns:
        A callable.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import initializers
        >>> halves = initializers.for_engine(lambda shape: K.ones(shape) / 2)
        >>> halves((2,), dtype="float32").tolist()
        [0.5, 0.5]
    """
    initializer: Any = get(identifier)
    if not callable(initializer):  # a number, of a layer that has one for all
        return initializer
    called = initializer if inspect.isroutine(initializer) else type(initializer).__call__
    if called.__module__.startswith("minikeras.initializers."):
        return initializer
    takes = inspect.signature(initializer).parameters.values()
    takes_dtype = any(p.name == "dtype" or p.kind is p.VAR_KEYWORD for p in takes)

    @functools.wraps(called)
    def draw(shape, dtype=None):
        value = initializer(shape, dtype=dtype) if takes_dtype else initializer(shape)
        return K.eval(value) if isinstance(value, (KerasTensor, EngineVariable)) else value

    return draw


def serialize(initializer):
    """Return the class name and the config of an initializer, the name of a function."""
    if not hasattr(initializer, "get_config"):
        return initializer.__name__
    config = dict(initializer.get_config())
    if isinstance(initializer, engine.VarianceScaling):  # Keras 2 names the scheme by its numbers
        distribution = initializer.distribution.replace("truncated_", "")
        config = {
            "scale": initializer.scale,
            "mode": initializer.mode,
            "distribution": distribution,
            "seed": config["seed"],
        }
        return {"class_name": "VarianceScaling", "config": config}
    return {"class_name": type(initializer).__name__, "config": config}


def deserialize(config, custom_objects=None):
    """Return the initializer that a config describes."""
    return get(config)


__getattr__ = elsewhere(__name__)
